//! Places taken by fact: a robot off its way, or where another robot holds the place (Contested).
//!
//! Such a robot is frozen: nothing is released to it and what it held stays held. The places it overlaps by its own word
//! are barred: nobody's base enters them, no way is planned through them, and who was told to drive through is paused
//! until they are clear. A robot that surely stands off its way, in a mode that takes orders, is told to give its order up.

use drover_maps::{EdgeId, NodeId};

use crate::command::{Alarm, AlarmCode, Command};
use crate::event::Connection;
use crate::fleet::Fleet;
use crate::id::RobotId;
use crate::robot::{Robot, Stand};

/// It overlaps these places; none = it is back on its way.
pub(crate) fn take(fleet: &mut Fleet, id: RobotId, mut stand: Stand, commands: &mut Vec<Command>) {
    let (node_count, edge_count) = (fleet.layout.node_count(), fleet.layout.edge_count());
    stand.nodes.retain(|node| node.index() < node_count);
    stand.edges.retain(|edge| edge.index() < edge_count);
    stand.nodes.sort_unstable();
    stand.edges.sort_unstable();
    fleet.state.plan_is_due = true;
    let is_back = stand.nodes.is_empty() && stand.edges.is_empty();
    let before = fleet.state.robots[id.index()].stands.as_ref();
    let was_off = before.is_some();
    stand.is_sure = before.is_some_and(|before| before.is_same(&stand));
    if !is_back && !was_off {
        tell(fleet, id, &stand, commands);
    }
    fleet.state.robots[id.index()].stands = (!is_back).then_some(stand);
}

/// It stands at a node that isn't free for it.
pub(crate) fn contest(fleet: &mut Fleet, id: RobotId, node: NodeId, commands: &mut Vec<Command>) {
    if fleet.state.robots[id.index()].stands.is_none() {
        let stand = Stand::at(&fleet.layout, node);
        take(fleet, id, stand, commands);
    }
}

fn tell(fleet: &Fleet, id: RobotId, stand: &Stand, commands: &mut Vec<Command>) {
    let robot = &fleet.state.robots[id.index()];
    let held = |node: &NodeId| fleet.state.reservations.node(*node).filter(|other| *other != id);
    let holder = stand.nodes.iter().find_map(held).map(|other| &fleet.state.robots[other.index()].name);
    let at = stand.nodes.first().map_or("an edge", |node| fleet.layout.node(*node).name.as_str());
    let mend = "nobody enters there: drive it to a free node and switch it to automatic, or release it once it is \
                off the floor";
    let (code, what) = match holder {
        Some(other) => (AlarmCode::PlaceContested, format!("near {at}, where {other} holds a place")),
        None => (AlarmCode::OffItsPath, format!("near {at}, off the way it was given")),
    };
    let text = format!("{}: it stands {what}; {mend}", robot.name);
    commands.push(Command::Alarm(Alarm { code, robot: Some(id), device: None, text }));
}

/// Another robot that overlaps the edge or the node by its own word.
pub(crate) fn barrer(fleet: &Fleet, id: RobotId, edge: EdgeId, node: NodeId) -> Option<RobotId> {
    let bars = |stand: &Stand| stand.bars_edge(edge) || stand.bars_node(node);
    let mut others = fleet.state.robots.iter().enumerate().filter(|(index, _)| *index != id.index());
    let found = others.find(|(_, other)| other.stands.as_ref().is_some_and(bars));
    found.map(|(index, _)| RobotId(index as u32))
}

/// The robot was told to drive through a place that another overlaps.
pub(crate) fn is_heading_into(fleet: &Fleet, id: RobotId, robot: &Robot) -> bool {
    let mut ahead = robot.trail.steps.iter().skip(1);
    ahead.any(|step| step.edge.is_some_and(|edge| barrer(fleet, id, edge, step.node).is_some()))
}

/// Edges that lead into places taken by fact.
pub(crate) fn closed_edges(fleet: &Fleet) -> Vec<EdgeId> {
    let mut closed = Vec::new();
    for stand in fleet.state.robots.iter().filter_map(|robot| robot.stands.as_ref()) {
        closed.extend(&stand.edges);
        closed.extend(stand.nodes.iter().flat_map(|node| fleet.layout.in_edges(*node)));
    }
    closed
}

/// Tells robots that stand off their way to give their orders up.
pub(crate) fn pass(fleet: &mut Fleet, commands: &mut Vec<Command>) {
    for (index, robot) in fleet.state.robots.iter_mut().enumerate() {
        if robot.stands.as_ref().is_some_and(|stand| stand.is_sure) && may_be_cancelled(robot) {
            robot.order.is_cancelled = true;
            robot.claims.clear();
            commands.push(Command::Cancel { robot: RobotId(index as u32) });
        }
    }
}

fn may_be_cancelled(robot: &Robot) -> bool {
    let is_there = robot.connection == Some(Connection::Online) && !robot.is_silent;
    let is_done = robot.order.is_complete() && robot.trail.is_at_decision_point();
    let has_order = robot.order.last.is_some() && !is_done;
    is_there && robot.mode.takes_orders() && !robot.is_driving && has_order && !robot.order.is_cancelled
}
