//! Goals: two robots never have the same final node, nor final nodes in conflict.

use drover_maps::{NodeId, StationId};

use crate::clock::Time;
use crate::fleet::Fleet;
use crate::id::RobotId;
use crate::plan::distance::UNREACHABLE;
use crate::robot::{Goal, Robot};

/// Holding nodes kept before a station for as many jobs that are next there.
pub(crate) const FRONT: usize = 3;
/// Holding nodes a layout must have for any of them to be kept.
const FRONT_OF_MIN: usize = 16;

/// Nobody else is going to, or stays at, this node or one in conflict with it. A robot that may be moved and has no goal
/// stays nowhere: it gives way.
pub(crate) fn is_free(fleet: &Fleet, id: RobotId, node: NodeId) -> bool {
    let conflicts = fleet.layout.node_conflicts(node).nodes;
    let meets = |other: NodeId| other == node || conflicts.binary_search(&other).is_ok();
    let mut others = fleet.state.robots.iter().enumerate().filter(|(index, _)| *index != id.index());
    !others.any(|(_, other)| {
        let stands = other.trail.decision_point();
        let stays = stands.filter(|_| !other.is_movable());
        let is_barred = other.stands.as_ref().is_some_and(|stand| stand.bars_node(node));
        is_barred || stays.is_some_and(meets) || other.goal.is_some_and(|goal| meets(goal.node))
    })
}

/// Nobody else stands there or stops there on its way, but for one who has no goal and gives way, or who leaves by
/// another way than this robot comes.
fn is_empty(fleet: &Fleet, id: RobotId, node: NodeId) -> bool {
    let conflicts = fleet.layout.node_conflicts(node).nodes;
    let meets = |other: NodeId| other == node || conflicts.binary_search(&other).is_ok();
    let mut others = fleet.state.robots.iter().enumerate().filter(|(index, _)| *index != id.index());
    let gives_way = |other: &Robot| {
        let leaves = |goal: Goal| fleet.is_pull_through[node.index()] && !meets(goal.node);
        other.is_movable() && other.goal.is_none_or(leaves)
    };
    !others.any(|(_, other)| other.trail.decision_point().is_some_and(meets) && !gives_way(other))
}

/// A free place at the station for this robot, the nearest first.
pub(crate) fn at_station(fleet: &mut Fleet, id: RobotId, station: StationId) -> Option<NodeId> {
    let layout = std::sync::Arc::clone(&fleet.layout);
    let robot = &fleet.state.robots[id.index()];
    let (robot_type, here) = (robot.robot_type, robot.trail.decision_point()?);
    let mut best: Option<(u32, NodeId)> = None;
    for node in &layout.station(station).nodes {
        let is_open =
            layout.admits_node(robot_type, *node) && is_free(fleet, id, *node) && is_empty(fleet, id, *node);
        if !is_open {
            continue;
        }
        let away = fleet.distances.to(&layout, *node, robot_type)[here.index()];
        if away != UNREACHABLE && best.is_none_or(|known| (away, *node) < known) {
            best = Some((away, *node));
        }
    }
    best.map(|(_, node)| node)
}

/// Holding nodes nearest to this place, kept for whoever is next there, and all the others.
pub(crate) fn holding_by(fleet: &mut Fleet, id: RobotId, place: NodeId) -> (Vec<NodeId>, Vec<NodeId>) {
    let layout = std::sync::Arc::clone(&fleet.layout);
    let table = fleet.distances.to(&layout, place, fleet.state.robots[id.index()].robot_type);
    let kept = if layout.holding().len() >= FRONT_OF_MIN { FRONT } else { 0 };
    let mut front: Vec<(u32, NodeId)> = Vec::with_capacity(kept + 1);
    for node in layout.holding() {
        let ranked = (table[node.index()], *node);
        let place = front.partition_point(|known| *known < ranked);
        if place < kept {
            front.insert(place, ranked);
            front.truncate(kept);
        }
    }
    let front: Vec<NodeId> = front.into_iter().map(|(_, node)| node).collect();
    let back = layout.holding().iter().filter(|node| !front.contains(node)).copied().collect();
    (front, back)
}

/// A free node among these for the robot, by the way there plus the way on to `next`.
pub(crate) fn nearest_of(
    fleet: &mut Fleet,
    id: RobotId,
    nodes: &[NodeId],
    next: Option<NodeId>,
) -> Option<NodeId> {
    let layout = std::sync::Arc::clone(&fleet.layout);
    let robot = &fleet.state.robots[id.index()];
    let (robot_type, here) = (robot.robot_type, robot.trail.decision_point()?);
    let is_open = |node: &&NodeId| layout.admits_node(robot_type, **node) && is_free(fleet, id, **node);
    let open: Vec<NodeId> = nodes.iter().filter(is_open).copied().collect();
    if open.is_empty() {
        return None;
    }
    let there = fleet.distances.from(&layout, here, robot_type);
    let onward = next.map(|next| fleet.distances.to(&layout, next, robot_type));
    let ranked = open.into_iter().filter_map(|node| {
        let (way, on) = (there[node.index()], onward.as_ref().map_or(0, |table| table[node.index()]));
        let is_reached = way != UNREACHABLE && on != UNREACHABLE;
        is_reached.then_some((u64::from(way) + 2 * u64::from(on), node))
    });
    ranked.min().map(|(_, node)| node)
}

/// Gives the robot a goal.
pub(crate) fn set(fleet: &mut Fleet, id: RobotId, node: NodeId, is_work: bool, now: Time) {
    let robot = &mut fleet.state.robots[id.index()];
    let goal = Goal { node, is_work };
    if robot.goal != Some(goal) {
        robot.goal = Some(goal);
        robot.goal_since = now;
        robot.stuck_since = now;
        robot.is_jammed = false;
        robot.best_ms = u32::MAX;
        fleet.plan_is_due = true;
    }
}
