//! One release pass: who may go on, and how far.

use drover_maps::{EdgeId, Layout, NodeId, TypeId};

use super::order::{Action, NewOrder};
use crate::change;
use crate::clock::Time;
use crate::command::Command;
use crate::device;
use crate::dispatch;
use crate::event::Connection;
use crate::fleet::{Concerned, Fleet};
use crate::hold;
use crate::id::RobotId;
use crate::robot::{Cause, Claim, Robot, Step};
use crate::stray;

/// How much faster than its type's top speed a robot is believed to be, per cent.
const FAST_PCT: u64 = 10;
/// How far before a node a robot may count it as passed, mm.
const EARLY_MM: u64 = 100;

/// Extends the bases of those concerned that may and should be extended, in the order of the plan.
pub(crate) fn extend(fleet: &mut Fleet, concerned: Concerned, now: Time, commands: &mut Vec<Command>) {
    if concerned == Concerned::Nobody || is_gathering(fleet, now) {
        return;
    }
    let mut order: Vec<(u32, RobotId)> = Vec::new();
    for (robot, id) in fleet.state.robots.iter().zip((0..).map(RobotId)) {
        let is_concerned = match concerned {
            Concerned::Nobody => false,
            Concerned::One(one) => id == one || robot.waits_for == Some(Cause::Robot(one)),
            Concerned::All => true,
        };
        if is_concerned {
            order.push((robot.claims.front().map_or(u32::MAX, |claim| claim.rank), id));
        }
    }
    order.sort_unstable();
    for (_, robot) in order {
        extend_one(fleet, robot, now, commands);
    }
}

/// Robots that have just joined may stand anywhere: nobody is moved until all of them were seen, for a while; those the
/// broker calls ONLINE are waited for as long as a state may take.
fn is_gathering(fleet: &Fleet, now: Time) -> bool {
    let config = &fleet.state.config;
    fleet.state.expects_strangers
        || fleet.state.robots.iter().any(|robot| {
            let is_unseen = robot.trail.steps.is_empty() && robot.stands.is_none();
            let is_there = robot.connection == Some(Connection::Online);
            is_unseen
                && now.since_ms(robot.stuck_since)
                    < if is_there { config.silent_ms } else { config.gather_ms }
        })
}

fn extend_one(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    let robot = &mut fleet.state.robots[id.index()];
    robot.waits_for = None;
    if !robot.is_usable() {
        return;
    }
    if robot.order.last.is_some() && !robot.order.is_seen {
        robot.waits_for = Some(Cause::Answer);
        return;
    }
    let (released, cause) = if robot.is_movable() { grant(fleet, id, now) } else { (Vec::new(), None) };
    let robot = &mut fleet.state.robots[id.index()];
    robot.waits_for = cause;
    if released.is_empty()
        && !has_stale_horizon(robot)
        && !change::is_shown(fleet, &fleet.state.robots[id.index()])
    {
        return;
    }
    let actions = released.last().map_or_else(Vec::new, |(_, end)| dispatch::actions_at(fleet, id, *end));
    let shown = if actions.is_empty() { fleet.state.config.horizon_nodes_max } else { 0 };
    let horizon = horizon(fleet, id, shown);
    send(fleet, id, NewOrder { released, horizon, actions }, commands);
}

/// Takes claims into the base while they may be: the steps released, and what stopped it.
fn grant(fleet: &mut Fleet, id: RobotId, now: Time) -> (Vec<(EdgeId, NodeId)>, Option<Cause>) {
    let mut released: Vec<(EdgeId, NodeId)> = Vec::new();
    let mut ahead = ahead_mm(fleet, id, now);
    let enough = enough_mm(fleet, id);
    loop {
        let robot = &fleet.state.robots[id.index()];
        let Some(claim) = robot.claims.front() else {
            let end = released.last().map(|(_, node)| *node).or(robot.trail.decision_point());
            let is_done = robot.goal.is_none_or(|goal| end == Some(goal.node));
            let cause = if is_done { None } else { Some(unplanned(fleet, id)) };
            return (released, cause);
        };
        if ahead >= enough {
            return (released, None);
        }
        if let Some(cause) = barrier(fleet, claim.edge) {
            return (released, Some(cause));
        }
        if let Some(blocker) = blocker(fleet, id) {
            return (released, Some(Cause::Robot(blocker)));
        }
        let step = (claim.edge, claim.node);
        fleet.state.robots[id.index()].claims.pop_front();
        if let Some(due) = fleet.state.manoeuvre.iter().position(|(robot, _)| *robot == id) {
            fleet.state.manoeuvre.remove(due);
        }
        let place = Step { edge: Some(step.0), node: step.1, sequence_id: 0, earliest: now };
        fleet.state.reservations.hold(id, &place);
        ahead += u64::from(fleet.layout.edge(step.0).length_mm);
        released.push(step);
    }
}

/// What else must let the robot through: a device that is observed open, a zone that isn't stopped, an edge that isn't closed
/// and doesn't lead to where a new layout is to come.
fn barrier(fleet: &Fleet, edge: EdgeId) -> Option<Cause> {
    let zone = hold::stopped_zone(fleet, fleet.layout.edge(edge).to).map(Cause::Zone);
    let is_closed = fleet.state.closed_edges.contains_key(&edge) || change::bars(fleet, edge);
    let closed = is_closed.then_some(Cause::Plan);
    zone.or(closed).or_else(|| device::shut(fleet, edge).map(Cause::Device))
}

/// Why the plan lets a robot stay: somebody holds the next place of its straight way, or is planned through it first.
fn unplanned(fleet: &mut Fleet, id: RobotId) -> Cause {
    let robot = &fleet.state.robots[id.index()];
    let (Some(here), Some(goal)) = (robot.trail.decision_point(), robot.goal) else { return Cause::Plan };
    let layout = std::sync::Arc::clone(&fleet.layout);
    let table = fleet.distances.to(&layout, goal.node, robot.robot_type);
    let next =
        layout.out_edges(here).iter().min_by_key(|edge| (table[layout.edge(**edge).to.index()], **edge));
    let Some(edge) = next else { return Cause::Plan };
    if let Some(cause) = barrier(fleet, *edge).filter(|_| fleet.state.closed.binary_search(edge).is_ok()) {
        return cause;
    }
    let to = layout.edge(*edge).to;
    let held = &fleet.state.reservations;
    let holder = held.blocker_of_edge(&layout, id, *edge).or_else(|| held.blocker_of_node(&layout, id, to));
    holder.or_else(|| planned_through(fleet, id, to)).map_or(Cause::Plan, Cause::Robot)
}

/// Another robot that is planned to come to this node, or beside it.
fn planned_through(fleet: &Fleet, id: RobotId, node: NodeId) -> Option<RobotId> {
    let near = fleet.layout.node_conflicts(node).nodes;
    let meets = |claim: &Claim| claim.node == node || near.binary_search(&claim.node).is_ok();
    let mut others = fleet.state.robots.iter().enumerate().filter(|(index, _)| *index != id.index());
    others.find(|(_, other)| other.claims.iter().any(meets)).map(|(index, _)| RobotId(index as u32))
}

/// Who must pass or leave before the robot's next step; checked against the reservations whatever the plan says.
fn blocker(fleet: &Fleet, id: RobotId) -> Option<RobotId> {
    let robots = &fleet.state.robots;
    let claim = robots[id.index()].claims.front()?;
    let late = claim.after.iter().find(|(other, count)| robots[other.index()].trail.passed < *count);
    late.map(|(other, _)| *other)
        .or_else(|| fleet.state.reservations.blocker_of_edge(&fleet.layout, id, claim.edge))
        .or_else(|| fleet.state.reservations.blocker_of_node(&fleet.layout, id, claim.node))
        .or_else(|| stray::barrer(fleet, id, claim.edge, claim.node))
}

/// Length of the released way ahead, less what the robot may have driven since its last report, mm.
fn ahead_mm(fleet: &Fleet, id: RobotId, now: Time) -> u64 {
    let robot = &fleet.state.robots[id.index()];
    let lengths = robot.trail.steps.iter().skip(1).filter_map(|step| step.edge);
    let mut lengths = lengths.map(|edge| u64::from(fleet.layout.edge(edge).length_mm));
    let Some(first) = lengths.next() else { return 0 };
    let speed = u64::from(fleet.layout.robot_type(robot.robot_type).speed_mm_s);
    let driven = (now.since_ms(robot.trail.passed_at) * speed / 1_000).min(first);
    first - driven + lengths.sum::<u64>()
}

/// Length of a base with which the robot needn't brake: braking distance + (round trip + cycle) at full speed, mm.
fn enough_mm(fleet: &Fleet, id: RobotId) -> u64 {
    let robot_type = fleet.state.robots[id.index()].robot_type;
    let config = &fleet.state.config;
    let speed = u64::from(fleet.layout.robot_type(robot_type).speed_mm_s);
    u64::from(fleet.layout.braking_mm(robot_type)) + speed * (config.round_trip_ms + fleet.cycle_ms()) / 1_000
}

/// The robot was shown a horizon, but nothing is planned for it any more: it must be told, or it never counts as done.
fn has_stale_horizon(robot: &Robot) -> bool {
    let shows_horizon =
        robot.order.last.as_ref().is_some_and(|last| last.nodes.iter().any(|node| !node.released));
    let is_there = robot.goal.is_none_or(|goal| robot.trail.decision_point() == Some(goal.node));
    shows_horizon && robot.claims.is_empty() && is_there
}

/// Nothing that is about to change is shown.
fn horizon(fleet: &Fleet, id: RobotId, most: usize) -> Vec<(EdgeId, NodeId)> {
    let stays = |claim: &&Claim| {
        !change::is_touched_edge(fleet, claim.edge) && !change::is_touched(fleet, claim.node)
    };
    let claims = fleet.state.robots[id.index()].claims.iter().take(most).take_while(stays);
    claims.map(|claim| (claim.edge, claim.node)).collect()
}

/// Orders an action where the robot stands; it must have completed what it was told before.
pub(crate) fn act(fleet: &mut Fleet, id: RobotId, action: Action, commands: &mut Vec<Command>) {
    send(fleet, id, NewOrder { released: Vec::new(), horizon: Vec::new(), actions: vec![action] }, commands);
}

/// The least time to the end of an edge: straight, at top speed, less what a robot may be fast and inexact by, ms.
fn least_ms(layout: &Layout, robot_type: TypeId, edge: EdgeId) -> u64 {
    let facts = layout.edge(edge);
    let (from, to) = (layout.node(facts.from), layout.node(facts.to));
    let (dx, dy) = (u64::from(from.x_mm.abs_diff(to.x_mm)), u64::from(from.y_mm.abs_diff(to.y_mm)));
    let straight_mm = (dx * dx + dy * dy).isqrt().min(u64::from(facts.length_mm));
    let speed_mm_s = u64::from(layout.robot_type(robot_type).speed_mm_s.max(1));
    straight_mm.saturating_sub(EARLY_MM) * 1_000 * (100 - FAST_PCT) / 100 / speed_mm_s
}

fn send(fleet: &mut Fleet, id: RobotId, order: NewOrder, commands: &mut Vec<Command>) {
    let (born, now, has_actions) = (fleet.state.born, fleet.state.now, !order.actions.is_empty());
    let layout = std::sync::Arc::clone(&fleet.layout);
    let robot = &mut fleet.state.robots[id.index()];
    let robot_type = robot.robot_type;
    let earliest = |before: Time, edge| before.max(now).plus_ms(least_ms(&layout, robot_type, edge));
    if let Some(order) = order.give(robot, born, earliest) {
        dispatch::note_release(fleet, id);
        if has_actions {
            dispatch::note_begun(fleet, id);
        }
        commands.push(Command::Release { robot: id, order: Box::new(order) });
    }
}
