//! The message to a robot, in our own terms: `link` writes it as VDA 5050.

use serde::{Deserialize, Serialize};

use drover_maps::{EdgeId, NodeId};

use crate::clock::Time;
use crate::event::ActionStatus;
use crate::id::RobotId;
use crate::robot::{PendingAction, Robot, Step};

/// An order or an order update, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// VDA 5050 `orderId`.
    pub order_id: String,
    /// VDA 5050 `orderUpdateId`.
    pub update_id: u32,
    /// In driving order; the first one of an update is the decision point of the update before it.
    pub nodes: Vec<OrderNode>,
    /// In driving order, one fewer than nodes.
    pub edges: Vec<OrderEdge>,
}

/// A node of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNode {
    /// Which.
    pub node: NodeId,
    /// Even, rising, continuous over the updates of an order.
    pub sequence_id: u32,
    /// Part of the base.
    pub released: bool,
    /// What to do there; only ever on the last node.
    pub actions: Vec<Action>,
}

/// An edge of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEdge {
    /// Which.
    pub edge: EdgeId,
    /// Odd, rising.
    pub sequence_id: u32,
    /// Part of the base.
    pub released: bool,
}

/// A HARD node action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Unique for ever: UUIDv5 of the site and a running number, so that a replay writes the same one.
    pub id: String,
    /// VDA 5050 `actionType`.
    pub name: String,
    /// Key and value, the value as JSON text.
    pub parameters: Vec<(String, String)>,
}

/// What goes into the next message to a robot.
pub(crate) struct NewOrder {
    /// Steps that become part of the base.
    pub released: Vec<(EdgeId, NodeId)>,
    /// Steps shown beyond it.
    pub horizon: Vec<(EdgeId, NodeId)>,
    /// Actions on the last released node.
    pub actions: Vec<Action>,
}

impl NewOrder {
    /// Writes the next message to the robot, takes its steps into the trail and its actions onto the list, and returns
    /// it. An order that is complete is followed by a new one, any other by an update of it. `earliest` says when the
    /// robot can be at the end of an edge, given when it can be at its start.
    pub(crate) fn give(
        self,
        robot: &mut Robot,
        born: Time,
        earliest: impl Fn(Time, EdgeId) -> Time,
    ) -> Option<Order> {
        let starts_anew = robot.order.is_complete() && robot.trail.is_at_decision_point();
        let (order_id, update_id) = next_ids(robot, born, starts_anew);
        let first = robot.trail.steps.back_mut()?;
        if starts_anew {
            first.sequence_id = 0;
            robot.order.is_implausible = false;
        }
        let mut before = first.earliest;
        let mut order = Order { order_id, update_id, nodes: vec![node(first, true)], edges: Vec::new() };
        for (edge, to) in self.released {
            before = earliest(before, edge);
            let step = Step { earliest: before, ..order.push(edge, to, true) };
            robot.trail.steps.push_back(step);
        }
        for action in &self.actions {
            robot.order.actions.push(PendingAction { id: action.id.clone(), status: ActionStatus::Waiting });
        }
        if let Some(last) = order.nodes.last_mut() {
            last.actions = self.actions;
        }
        for (edge, to) in self.horizon {
            order.push(edge, to, false);
        }
        robot.order.last = Some(order.clone());
        (robot.order.is_seen, robot.order.reissued_since) = (false, None);
        Some(order)
    }
}

impl Order {
    fn push(&mut self, edge: EdgeId, to: NodeId, released: bool) -> Step {
        let before = self.nodes.last().map_or(0, |node| node.sequence_id);
        self.edges.push(OrderEdge { edge, sequence_id: before + 1, released });
        let step = Step { edge: Some(edge), node: to, sequence_id: before + 2, earliest: Time::default() };
        self.nodes.push(node(&step, released));
        step
    }
}

/// The refused message once more, under the next id: a refused id is never used again.
pub(crate) fn reissue(robot: &mut Robot, born: Time) -> Option<Order> {
    let refused = robot.order.last.clone()?;
    let (order_id, update_id) = next_ids(robot, born, refused.update_id == 0);
    let since = robot.order.reissued_since.unwrap_or(refused.update_id);
    let order = Order { order_id, update_id, ..refused };
    robot.order.last = Some(order.clone());
    robot.order.is_seen = false;
    robot.order.reissued_since = (update_id > 0).then_some(since);
    Some(order)
}

fn next_ids(robot: &mut Robot, born: Time, starts_anew: bool) -> (String, u32) {
    match &robot.order.last {
        Some(last) if !starts_anew => (last.order_id.clone(), last.update_id + 1),
        _ => {
            robot.order.count += 1;
            (format!("{}-{}-{:x}", robot.name.serial, robot.order.count, born.0), 0)
        }
    }
}

fn node(step: &Step, released: bool) -> OrderNode {
    OrderNode { node: step.node, sequence_id: step.sequence_id, released, actions: Vec::new() }
}

/// The id of the `n`-th action a site ever ordered.
pub(crate) fn action_id(site: &str, born: Time, robot: RobotId, n: u64) -> String {
    let name = format!("{site}/{}/{}/{n}", born.0, robot.0);
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}
