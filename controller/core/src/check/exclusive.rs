//! Exclusive: no robot's reservation conflicts with another's.

use super::{Violation, broken};
use crate::fleet::Fleet;
use crate::id::RobotId;

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    let layout = fleet.layout();
    for (index, robot) in fleet.robots().iter().enumerate() {
        let id = RobotId(index as u32);
        for step in &robot.trail.steps {
            let node = fleet.reservations().blocker_of_node(layout, id, step.node);
            let edge = step.edge.and_then(|edge| fleet.reservations().blocker_of_edge(layout, id, edge));
            for other in node.into_iter().chain(edge) {
                let place = &layout.node(step.node).name;
                let text =
                    format!("{} at {place} overlaps {}", robot.name, fleet.robots()[other.index()].name);
                found.push(broken("Exclusive", text));
            }
        }
    }
}
