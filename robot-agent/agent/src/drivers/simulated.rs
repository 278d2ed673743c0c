//! A robot made of numbers.

use super::{Machine, Settings};
use crate::findings::{Findings, Section};
use crate::robot::Robot;
use drover_agent_core::SimulatedDrive;

/// It has no keys of its own.
pub(super) fn settings(_: &mut Findings, _: &mut Section<'_>) -> Settings {
    Settings::new()
}

/// Stands where the robot starts.
pub(super) fn build(robot: &Robot, now_ms: u64) -> anyhow::Result<Machine> {
    Ok(Box::new(SimulatedDrive::new(robot.spec.clone(), &robot.start, now_ms)))
}

#[cfg(test)]
mod tests {
    use super::build;
    use crate::drivers::conformance;

    #[test]
    fn simulated_robot_is_a_conforming_driver() {
        conformance::check("simulated", &|| build(&conformance::robot(), conformance::T0).unwrap());
    }
}
