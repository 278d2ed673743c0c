//! Drover's ground: the layout that every other crate walks on.
//!
//! ```text
//! layout.lif.json ─► lif ─┐
//!                         ├─► compile ─► Layout (immutable, dense ids, integers) + Findings
//! site.toml ─► site_file ─┘      └─ footprint (conflict sets), cut (holding nodes), validate
//! generate, movingai ─► LIF text        Layout ─► render ─► SVG, PNG
//! ```
//!
//! Text in, values out: no file, no clock, no thread, no environment. Geometry is computed in floating point once,
//! here; everything a decision reads from a [`Layout`] is an integer (mm, ms, thousandths of a degree).
//! No input makes this crate panic: what is wrong becomes a [`Finding`] or a [`LoadError`].

mod compile;
mod cut;
mod finding;
mod fingerprint;
mod footprint;
pub mod generate;
mod ids;
mod layout;
pub mod lif;
pub mod limits;
pub mod movingai;
mod profile;
mod remedy;
pub mod render;
mod site_file;
mod validate;

pub use compile::{Compiled, LoadError, compile};
pub use finding::{Finding, Severity};
pub use ids::{EdgeId, NodeId, StationId, TypeId, ZoneId};
pub use layout::{
    Battery, Conflicts, Device, DeviceKind, Edge, Layout, Node, OnFailure, RobotEntry, RobotType, Station,
    Temperature, Zone,
};
pub use profile::Profile;
pub use remedy::Remedy;
