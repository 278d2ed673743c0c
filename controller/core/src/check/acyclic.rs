//! Acyclic: the precedence graph over released bases and claims has no cycle.
//!
//! Each robot's next step is taken away as soon as every step it waits for has been; what is left over stands in a cycle.

use super::{Violation, broken};
use crate::fleet::Fleet;

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    let robots = fleet.robots();
    let mut passed: Vec<u64> = robots.iter().map(|robot| robot.trail.decision_count()).collect();
    let mut taken = vec![0_usize; robots.len()];
    loop {
        let mut has_moved = false;
        for (index, robot) in robots.iter().enumerate() {
            while let Some(claim) = robot.claims.get(taken[index]) {
                if claim.after.iter().any(|(other, count)| passed[other.index()] < *count) {
                    break;
                }
                taken[index] += 1;
                passed[index] += 1;
                has_moved = true;
            }
        }
        if !has_moved {
            break;
        }
    }
    let left = robots.iter().zip(&taken).filter(|(robot, taken)| robot.claims.len() > **taken);
    let names: Vec<String> = left.map(|(robot, _)| robot.name.to_string()).collect();
    if !names.is_empty() {
        found.push(broken("Acyclic", format!("these wait for each other in a circle: {}", names.join(", "))));
    }
}
