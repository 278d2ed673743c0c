//! The robot side of VDA 5050 as a pure machine, and a robot made of numbers to put under it.
//!
//! ```text
//!  order, instantActions ──► Agent<D: Drive> ──► state, connection, factsheet, visualization
//!                               │      ▲
//!             waypoints, actions ▼      │ progress
//!                            D: a maker's driver, or SimulatedDrive
//! ```
//!
//! Contract: call [`Agent::on_message`] and friends with what came in, [`Agent::advance`] at [`Agent::next_timeout`] or
//! whenever you like, and drain [`Agent::poll_transmit`] after each. Time is an argument and never falls. There is no
//! clock, thread, file or random number here; the same calls give the same messages, and one big `advance` gives the same
//! as many small ones.
//!
//! Invariants: a robot never passes its decision point; an order that is rejected changes nothing but `errors`.

mod agent;
pub mod clock;
mod drive;
mod simulated;
mod spec;

pub use agent::{Agent, Incoming, Message, Outgoing};
pub use drive::{Abilities, Drive, Facing, Fault, MapChange, MapStep, Progress, Status, Waypoint};
pub use simulated::SimulatedDrive;
pub use spec::{
    ACTION_MS_DEFAULT, BatterySpec, Identity, MAP_VERSION_DEFAULT, Options, Pose, Spec, Start, StoredMap,
};
