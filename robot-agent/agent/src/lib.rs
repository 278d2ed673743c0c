//! The on-site agent: robots on an MQTT broker, each an `Agent` over a driver, and site devices behind Modbus gateways.
//!
//! ```text
//!  config | robots ──► Robot (who, where, which driver) ──► run ──► one session per robot
//!                                                                    │  MQTT client task ─► events
//!                                                                    └► Agent<Box<dyn Drive>> ─► driver
//! ```
//!
//! This crate waits, connects and logs; what a robot does with an order is `drover-agent-core`'s alone.

pub mod broker;
pub mod cli;
mod clock;
pub mod config;
pub mod conform;
pub mod credentials;
pub mod devices;
pub mod drivers;
pub mod findings;
mod mqtt;
pub mod plc;
pub mod robot;
pub mod run;
mod session;
pub mod virtual_robots;

use std::fmt;

/// Bad input: exit code 2. Every line names file, key, value and mend.
#[derive(Debug)]
pub struct BadInput(pub Vec<String>);

impl BadInput {
    /// One finding.
    pub fn one(finding: impl Into<String>) -> Self {
        Self(vec![finding.into()])
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for BadInput {}
