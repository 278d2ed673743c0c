//! The drivers: how a machine of one maker is moved. A new one is a file or folder here and a line in the registry, and passes
//! `conformance`.

#[cfg(test)]
mod conformance;
mod simulated;
mod tcp_lines;

use crate::findings::{Findings, Section};
use crate::robot::Robot;
use drover_agent_core::Drive;
use std::collections::BTreeMap;

/// A machine under way.
pub type Machine = Box<dyn Drive + Send>;

/// What a driver's own keys of a `[[robot]]` say, by key; judged already.
pub type Settings = BTreeMap<&'static str, String>;

/// A kind of machine.
#[derive(Clone, Copy)]
pub struct Driver {
    /// What `driver = "..."` calls it.
    pub name: &'static str,
    /// Reads and judges its own keys.
    pub settings: fn(&mut Findings, &mut Section<'_>) -> Settings,
    /// Makes the machine of a robot, at this time in milliseconds, in the process's runtime.
    pub build: fn(&Robot, u64) -> anyhow::Result<Machine>,
}

/// The registry.
pub const DRIVERS: &[Driver] = &[
    Driver { name: "simulated", settings: simulated::settings, build: simulated::build },
    Driver { name: "tcp_lines", settings: tcp_lines::settings, build: tcp_lines::build },
];

/// The driver of this name.
pub fn named(name: &str) -> Option<Driver> {
    DRIVERS.iter().find(|driver| driver.name == name).copied()
}

/// All names, for messages.
pub fn names() -> String {
    let names: Vec<_> = DRIVERS.iter().map(|driver| format!("{:?}", driver.name)).collect();
    names.join(", ")
}
