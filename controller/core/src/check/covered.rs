//! Covered: every place from a robot's last reported node to its decision point is reserved by it.

use super::{Violation, broken};
use crate::fleet::Fleet;
use crate::id::RobotId;

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    for (index, robot) in fleet.robots().iter().enumerate() {
        let id = Some(RobotId(index as u32));
        for step in &robot.trail.steps {
            let holds_edge = step.edge.is_none_or(|edge| fleet.reservations().edge(edge) == id);
            if fleet.reservations().node(step.node) != id || !holds_edge {
                let place = &fleet.layout().node(step.node).name;
                found.push(broken("Covered", format!("{} doesn't hold {place} of its base", robot.name)));
            }
        }
    }
}
