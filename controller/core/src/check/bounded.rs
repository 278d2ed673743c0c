//! Bounded: what grows stays under a named limit.

use super::{Violation, broken};
use crate::fleet::Fleet;

/// Released steps of one robot, at most.
const TRAIL_MAX: usize = 256;
/// Planned steps of one robot, at most.
const CLAIMS_MAX: usize = 1_024;

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    for robot in fleet.robots() {
        if robot.trail.steps.len() > TRAIL_MAX || robot.claims.len() > CLAIMS_MAX {
            let (steps, claims) = (robot.trail.steps.len(), robot.claims.len());
            found.push(broken(
                "Bounded",
                format!("{}: {steps} released and {claims} planned steps", robot.name),
            ));
        }
    }
}
