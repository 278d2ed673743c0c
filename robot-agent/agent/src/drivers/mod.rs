//! The drivers: how a machine of one maker is moved. A new one is a file here and a line in the registry, and passes
//! `conformance`.

#[cfg(test)]
mod conformance;
mod simulated;

use crate::robot::Robot;
use drover_agent_core::Drive;

/// A machine under way.
pub type Machine = Box<dyn Drive + Send>;

/// Makes the machine of a robot, at this time in milliseconds.
pub type Build = fn(&Robot, u64) -> anyhow::Result<Machine>;

/// The registry.
pub const DRIVERS: &[(&str, Build)] = &[("simulated", simulated::build)];

/// The driver of this name.
pub fn named(name: &str) -> Option<Build> {
    DRIVERS.iter().find(|(known, _)| *known == name).map(|(_, build)| *build)
}

/// All names, for messages.
pub fn names() -> String {
    let names: Vec<_> = DRIVERS.iter().map(|(name, _)| format!("{name:?}")).collect();
    names.join(", ")
}
