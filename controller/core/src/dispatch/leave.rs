//! Leaving where a new layout is to come: no goal lies there, and whoever stands there is sent out. Work that was begun
//! there is ended there; charging isn't waited for.

use drover_maps::NodeId;

use crate::change;
use crate::clock::Time;
use crate::dispatch::{goal, leg};
use crate::fleet::Fleet;
use crate::id::RobotId;
use crate::robot::{ChargePhase, Phase, Task};

/// Takes goals away that lie there, but for those of robots that work there or were told what to do there.
pub(crate) fn turn_away(fleet: &mut Fleet, now: Time) {
    for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
        let robot = &mut fleet.state.robots[id.index()];
        let Some(goal) = robot.goal.map(|goal| goal.node) else { continue };
        let is_due = robot.trail.decision_point() == Some(goal);
        let task = robot.task.clone();
        if !change::is_touched(fleet, goal) {
            continue;
        }
        let robot = &mut fleet.state.robots[id.index()];
        match task {
            Task::Idle | Task::Job { phase: Phase::Wait, .. } | Task::Return { phase: Phase::Wait, .. } => {
                robot.goal = None
            }
            Task::Charge { phase: ChargePhase::Drive } if !is_due => robot.free_of_task(now),
            Task::Job { job, phase: Phase::Drive } if !is_due => {
                if let Some(phase) = leg::turn_back(fleet, id, &job) {
                    fleet.state.robots[id.index()].task = Task::Job { job, phase };
                }
            }
            Task::Return { back, phase: Phase::Drive } if !is_due => {
                robot.goal = None;
                robot.task = Task::Return { back, phase: Phase::Wait };
            }
            Task::Job { .. } | Task::Return { .. } | Task::Charge { .. } => continue,
        }
        fleet.places.forget();
        fleet.state.plan_is_due = true;
    }
}

/// Robots that stand there with nowhere to go: the nearest free node outside, whatever it is.
pub(super) fn send_out(fleet: &mut Fleet, now: Time) {
    let mut outside: Option<Vec<NodeId>> = None;
    for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
        let robot = &fleet.state.robots[id.index()];
        let Some(here) = robot.trail.decision_point() else { continue };
        if robot.goal.is_some() || !robot.is_movable() || !change::is_touched(fleet, here) {
            continue;
        }
        let nodes = outside.get_or_insert_with(|| {
            fleet.layout.nodes().filter(|node| !change::is_touched(fleet, *node)).collect()
        });
        if let Some(node) = goal::nearest_of(fleet, id, nodes, None) {
            goal::set(fleet, id, node, false, now);
        }
    }
}
