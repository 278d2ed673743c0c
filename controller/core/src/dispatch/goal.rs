//! Goals: two robots never have the same final node, nor final nodes in conflict.

use std::sync::Arc;

use drover_maps::{NodeId, StationId};

use crate::change;
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
/// stays nowhere: it gives way. Nobody goes where a new layout is to come.
pub(crate) fn is_free(fleet: &Fleet, id: RobotId, node: NodeId) -> bool {
    if change::is_touched(fleet, node) {
        return false;
    }
    let stays = |other: &RobotId, at: NodeId| {
        let robot = &fleet.state.robots[other.index()];
        *other != id && robot.trail.decision_point() == Some(at) && !robot.is_movable()
    };
    let bars = |other: &RobotId| {
        let stands = fleet.state.robots[other.index()].stands.as_ref();
        *other != id && stands.is_some_and(|stand| stand.bars_node(node))
    };
    let mut near = fleet.layout.node_conflicts(node).nodes.iter().copied().chain([node]);
    !fleet.places.strays().iter().any(bars)
        && near.all(|at| {
            let is_wanted = fleet.places.going_to(at).iter().any(|other| *other != id);
            !is_wanted && !fleet.places.standing_at(at).iter().any(|other| stays(other, at))
        })
}

/// Looks at who goes and stands where, before it is asked.
pub(crate) fn know_places(fleet: &mut Fleet) {
    fleet.places.know(fleet.layout.node_count(), &fleet.state.robots);
}

/// Nobody else stands there or stops there on its way, but for one who has no goal and gives way, or who leaves by
/// another way than this robot comes.
fn is_empty(fleet: &Fleet, id: RobotId, node: NodeId) -> bool {
    let conflicts = fleet.layout.node_conflicts(node).nodes;
    let meets = |other: NodeId| other == node || conflicts.binary_search(&other).is_ok();
    let gives_way = |other: &Robot| {
        let leaves = |goal: Goal| fleet.is_pull_through[node.index()] && !meets(goal.node);
        other.is_movable() && other.goal.is_none_or(leaves)
    };
    let stands = |other: &RobotId, at: NodeId| {
        let robot = &fleet.state.robots[other.index()];
        *other != id && robot.trail.decision_point() == Some(at) && !gives_way(robot)
    };
    let mut near = conflicts.iter().copied().chain([node]);
    !near.any(|at| fleet.places.standing_at(at).iter().any(|other| stands(other, at)))
}

/// Free places at the station for this robot, the nearest first.
pub(crate) fn at_station(fleet: &mut Fleet, id: RobotId, station: StationId) -> Vec<NodeId> {
    know_places(fleet);
    let layout = Arc::clone(&fleet.layout);
    let robot = &fleet.state.robots[id.index()];
    let (robot_type, here) = (robot.robot_type, robot.trail.decision_point());
    let mut open = Vec::new();
    for node in &layout.station(station).nodes {
        let is_open =
            layout.admits_node(robot_type, *node) && is_free(fleet, id, *node) && is_empty(fleet, id, *node);
        let Some(here) = here.filter(|_| is_open) else { continue };
        let away = fleet.distances.to(&layout, *node, robot_type)[here.index()];
        if away != UNREACHABLE {
            open.push((away, *node));
        }
    }
    open.sort_unstable();
    open.into_iter().map(|(_, node)| node).collect()
}

/// Holding nodes nearest to this place, kept for whoever is next there.
pub(crate) fn front_of(fleet: &mut Fleet, id: RobotId, place: NodeId) -> Arc<Vec<NodeId>> {
    let kept = if fleet.layout.holding().len() >= FRONT_OF_MIN { FRONT } else { 0 };
    fleet.distances.holding_near(&fleet.layout, place, fleet.state.robots[id.index()].robot_type, kept)
}

/// A free node among these for the robot, by the way there plus the way on to `next`.
pub(crate) fn nearest_of(
    fleet: &mut Fleet,
    id: RobotId,
    nodes: &[NodeId],
    next: Option<NodeId>,
) -> Option<NodeId> {
    know_places(fleet);
    let layout = Arc::clone(&fleet.layout);
    let robot = &fleet.state.robots[id.index()];
    let (robot_type, here) = (robot.robot_type, robot.trail.decision_point()?);
    let is_open = |node: &&NodeId| layout.admits_node(robot_type, **node) && is_free(fleet, id, **node);
    let mut open: Vec<NodeId> = nodes.iter().filter(is_open).copied().collect();
    open.sort_unstable();
    if open.is_empty() {
        return None;
    }
    let onward = next.map(|next| fleet.distances.to(&layout, next, robot_type));
    fleet.distances.soonest(&layout, here, robot_type, |node| {
        open.binary_search(&node).ok()?;
        let on = onward.as_ref().map_or(0, |table| table[node.index()]);
        (on != UNREACHABLE).then_some(2 * u64::from(on))
    })
}

/// The way there on an empty floor, ms; 0 if there is none.
fn way(fleet: &mut Fleet, id: RobotId, node: NodeId) -> u32 {
    let robot = &fleet.state.robots[id.index()];
    let Some(here) = robot.trail.decision_point() else { return 0 };
    let away = fleet.distances.to(&fleet.layout, node, robot.robot_type)[here.index()];
    if away == UNREACHABLE { 0 } else { away }
}

/// Gives the robot a goal.
pub(crate) fn set(fleet: &mut Fleet, id: RobotId, node: NodeId, is_work: bool, now: Time) {
    let goal = Goal { node, is_work };
    if fleet.state.robots[id.index()].goal != Some(goal) {
        let goal_ms = if is_work { way(fleet, id, node) } else { 0 };
        let robot = &mut fleet.state.robots[id.index()];
        robot.goal_ms = goal_ms;
        fleet.places.set(id, robot.goal.map(|goal| goal.node), node);
        robot.goal = Some(goal);
        robot.goal_since = now;
        robot.stuck_since = now;
        robot.is_jammed = false;
        robot.best_ms = u32::MAX;
        fleet.state.plan_is_due = true;
    }
}
