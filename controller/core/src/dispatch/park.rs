//! Parking: whoever has nothing to do leaves stations, chargers and lanes to those who have.

use crate::clock::Time;
use crate::dispatch::goal;
use crate::fleet::Fleet;
use crate::id::RobotId;
use crate::robot::Task;

/// Idle robots without a goal stay where they are parked; others go to the nearest free parking node, or holding node
/// where there is no parking.
pub(crate) fn park(fleet: &mut Fleet, now: Time) {
    let layout = std::sync::Arc::clone(&fleet.layout);
    for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
        let robot = &fleet.state.robots[id.index()];
        let Some(here) = robot.trail.decision_point() else { continue };
        let is_parked = layout.node(here).parking || layout.node(here).holding;
        if robot.task != Task::Idle || robot.goal.is_some() || !robot.is_movable() {
            continue;
        }
        goal::know_places(fleet);
        if is_parked && goal::is_free(fleet, id, here) {
            goal::set(fleet, id, here, false, now);
            continue;
        }
        let place = goal::nearest_of(fleet, id, layout.parking(), None);
        let place = place.or_else(|| goal::nearest_of(fleet, id, layout.holding(), None));
        if let Some(node) = place {
            goal::set(fleet, id, node, false, now);
        }
    }
}
