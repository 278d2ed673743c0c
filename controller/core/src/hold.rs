//! Who must stand: robots paused by an operator, in a stopped zone, or told to drive where they may no longer: into a
//! device that isn't open any more, a closed edge, or a place that another robot overlaps by its own word.
//! An operational stop: the robot keeps its base and what it holds, and goes on where it stood.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use drover_maps::{EdgeId, NodeId, ZoneId};

use crate::change;
use crate::clock::Time;
use crate::closure;
use crate::command::Command;
use crate::device;
use crate::fleet::Fleet;
use crate::id::{DeviceId, RobotId};
use crate::operator::Stop;
use crate::robot::Robot;
use crate::stray;

/// What keeps one robot standing: hard state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// An operator paused it.
    pub by_operator: Option<Stop>,
    /// It was told to stand.
    pub is_told: bool,
    /// The pause it is in, or goes into, is ours to lift.
    pub is_ours: bool,
    /// It says that it is paused.
    pub is_paused: bool,
}

impl Hold {
    /// It stands, or is about to.
    pub fn is_on(&self) -> bool {
        self.is_told || self.is_paused
    }
}

/// Tells robots to stand or go on, where that changes.
pub(crate) fn pass(fleet: &mut Fleet, commands: &mut Vec<Command>) {
    let has_strays = fleet.state.robots.iter().any(|robot| robot.stands.is_some());
    for index in 0..fleet.state.robots.len() {
        let robot = &fleet.state.robots[index];
        let meets_stray = has_strays && stray::is_heading_into(fleet, RobotId(index as u32), robot);
        let must_stand = meets_stray || must_stand(fleet, robot);
        let hold = &mut fleet.state.robots[index].hold;
        if must_stand == hold.is_told {
            continue;
        }
        hold.is_told = must_stand;
        hold.is_ours = hold.is_ours || (must_stand && !hold.is_paused);
        commands.push(Command::Pause { robot: RobotId(index as u32), stand: must_stand });
        fleet.state.plan_is_due = true;
    }
}

fn must_stand(fleet: &Fleet, robot: &Robot) -> bool {
    robot.hold.by_operator.is_some()
        || robot.trail.steps.iter().any(|step| stopped_zone(fleet, step.node).is_some())
        || device::is_heading_into_shut(fleet, robot)
        || is_heading_into_closed(fleet, robot)
}

/// It was told to drive an edge that an operator has closed since, and hasn't reached it yet.
fn is_heading_into_closed(fleet: &Fleet, robot: &Robot) -> bool {
    let closed = &fleet.state.closed_edges;
    let mut beyond = robot.trail.steps.iter().skip(2).filter_map(|step| step.edge);
    !closed.is_empty() && beyond.any(|edge| closed.contains_key(&edge))
}

/// It says whether it is paused.
pub(crate) fn note(robot: &mut Robot, is_paused: bool) {
    robot.hold.is_paused = is_paused;
    robot.hold.is_ours = robot.hold.is_ours && (is_paused || robot.hold.is_told);
}

/// The stopped zone this node lies in, if any.
pub(crate) fn stopped_zone(fleet: &Fleet, node: NodeId) -> Option<ZoneId> {
    if fleet.state.stopped.is_empty() {
        return None;
    }
    let zone = fleet.layout.node(node).zone?;
    fleet.state.stopped.contains_key(&fleet.layout.zones()[zone.index()].name).then_some(zone)
}

/// Edges that no way may be planned along now: closed ones, those that robots say are blocked, into stopped zones, places
/// taken by fact and places that are about to change, and through devices that don't do their work.
pub(crate) fn closed_edges(fleet: &Fleet, now: Time) -> Vec<EdgeId> {
    let layout = &fleet.layout;
    let mut closed: BTreeSet<EdgeId> = fleet.state.closed_edges.keys().copied().collect();
    closed.extend(stray::closed_edges(fleet));
    closed.extend(change::barred(fleet));
    closed.extend(closure::reported(fleet).map(|(_, blocked)| blocked.edge));
    for (device, id) in fleet.state.devices.iter().zip((0..).map(DeviceId)) {
        if device.is_closed_to_plan(now) {
            closed.extend(device::edges_of(fleet, id));
        }
    }
    if !fleet.state.stopped.is_empty() {
        for node in (0..layout.node_count() as u32).map(NodeId) {
            if stopped_zone(fleet, node).is_some() {
                closed.extend(layout.in_edges(node).iter().copied());
            }
        }
    }
    closed.into_iter().collect()
}
