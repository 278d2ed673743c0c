//! Layouts drawn by a program: the parametric block [`Warehouse`] and the preset [`fresh_dc`].
//!
//! The same parameters give the same text, byte for byte: no seed, no clock. Both draw the same kind of ground, made
//! for traffic: main lanes are two one-way lanes far enough apart not to conflict, places to stop are pull-through bays
//! beside a lane, so that a robot standing there is in nobody's way and leaves by another node than the next one enters.

mod draft;
mod fresh_dc;
mod warehouse;

pub use fresh_dc::fresh_dc;
pub use warehouse::{NoRoom, Warehouse};

/// A drawn layout: the text of both of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// LIF 1.0.0, JSON.
    pub lif: String,
    /// `site.toml`.
    pub site: String,
}
