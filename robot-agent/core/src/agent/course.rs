//! The order a robot is on: what is left of it, how much of that the drive has, and which orders came before.

use crate::drive::{Facing, Waypoint};
use drover_proto::vda5050::{Action, BlockingType, Edge, Node, Order};
use std::collections::VecDeque;

/// Finished order ids remembered, so that a late message can't bring one back.
const FINISHED_MAX: usize = 1_000;

/// An edge and the node at its end.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub edge: Edge,
    pub node: Node,
    /// The robot is on the edge, or about to be.
    pub entered: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    pub order_id: String,
    pub order_update_id: u32,
    pub last_node_id: String,
    pub last_sequence_id: u32,
    /// What is left, base and horizon.
    pub steps: VecDeque<Step>,
    /// How many of the steps the drive knows.
    pub given: usize,
    /// The order was cancelled or cleared: no update continues it.
    pub is_closed: bool,
    finished: VecDeque<String>,
}

impl Step {
    pub fn is_released(&self) -> bool {
        self.node.released && self.edge.released
    }

    /// `None` if the node has no position.
    pub fn waypoint(&self) -> Option<Waypoint> {
        let position = self.node.node_position.as_ref()?;
        let angle = self.edge.orientation.filter(|angle| angle.is_finite()).unwrap_or(0.0);
        let is_global = self.edge.orientation_type.as_deref().is_some_and(|kind| kind.starts_with("GLOBAL"));
        let is_set = self.edge.orientation.is_some();
        let via_m = self.edge.trajectory.as_ref().map(|curve| {
            let inner = curve.control_points.len().saturating_sub(2);
            curve.control_points.iter().skip(1).take(inner).map(|point| (point.x, point.y)).collect()
        });
        Some(Waypoint {
            seq: u64::from(self.node.sequence_id),
            node_id: self.node.node_id.clone(),
            map_id: position.map_id.clone(),
            x_m: position.x,
            y_m: position.y,
            via_m: via_m.unwrap_or_default(),
            max_speed_m_s: self.edge.max_speed.filter(|speed| speed.is_finite()),
            facing: if is_global && is_set { Facing::Global(angle) } else { Facing::Tangential(angle) },
            theta_rad: position.theta.filter(|theta| theta.is_finite()),
        })
    }
}

impl Course {
    /// No order yet.
    pub fn at(node_id: &str) -> Self {
        Self { last_node_id: node_id.to_owned(), ..Self::default() }
    }

    /// The last released node: where the robot stops without an update, and where the next update begins.
    pub fn decision_point(&self) -> (&str, u32) {
        let last = self.steps.iter().rev().find(|step| step.is_released());
        last.map_or((self.last_node_id.as_str(), self.last_sequence_id), |step| {
            (step.node.node_id.as_str(), step.node.sequence_id)
        })
    }

    pub fn has_horizon(&self) -> bool {
        self.steps.back().is_some_and(|step| !step.is_released())
    }

    pub fn has_base_to_give(&self) -> bool {
        self.steps.get(self.given).is_some_and(Step::is_released)
    }

    pub fn was_finished(&self, order_id: &str) -> bool {
        self.finished.iter().any(|finished| finished == order_id)
    }

    /// Takes a new order over; the robot is on its first node.
    pub fn begin(&mut self, order: Order) -> Node {
        if !self.order_id.is_empty() && self.order_id != order.order_id {
            self.finished.push_back(std::mem::take(&mut self.order_id));
        }
        while self.finished.len() > FINISHED_MAX {
            self.finished.pop_front();
        }
        self.order_id = order.order_id;
        self.order_update_id = order.order_update_id;
        (self.is_closed, self.given) = (false, 0);
        let mut nodes = order.nodes.into_iter();
        let first = nodes.next().unwrap_or_default();
        self.last_node_id.clone_from(&first.node_id);
        self.last_sequence_id = first.sequence_id;
        self.steps = steps(nodes, order.edges).collect();
        first
    }

    /// Puts an update in the place of the horizon.
    pub fn stitch(&mut self, order: Order) {
        self.order_update_id = order.order_update_id;
        self.steps.retain(Step::is_released);
        self.steps.extend(steps(order.nodes.into_iter().skip(1), order.edges));
    }

    /// Takes off the front what was reached with this `sequenceId`.
    pub fn reach(&mut self, seq: u64) -> Vec<Step> {
        let mut reached = Vec::new();
        let passed = self.steps.iter().take_while(|step| u64::from(step.node.sequence_id) <= seq).count();
        for step in self.steps.drain(..passed) {
            self.given = self.given.saturating_sub(1);
            self.last_node_id.clone_from(&step.node.node_id);
            self.last_sequence_id = step.node.sequence_id;
            reached.push(step);
        }
        reached
    }

    /// The waypoints the drive may have beyond those it has: released, and not behind a place where it must stop.
    pub fn give(&mut self) -> Vec<Waypoint> {
        let mut waypoints = Vec::new();
        while let Some(step) = self.steps.get(self.given) {
            let before = self.given.checked_sub(1).and_then(|index| self.steps.get(index));
            let must_stop = match before {
                Some(before) => blocks(&before.node.actions) || blocks(&step.edge.actions),
                None => !step.entered,
            };
            let Some(waypoint) = step.waypoint().filter(|_| step.is_released() && !must_stop) else { break };
            waypoints.push(waypoint);
            self.given += 1;
        }
        waypoints
    }

    /// Nothing is left to drive, and nothing continues this order.
    pub fn close(&mut self) {
        self.steps.clear();
        (self.given, self.is_closed) = (0, true);
    }
}

fn steps(nodes: impl Iterator<Item = Node>, edges: Vec<Edge>) -> impl Iterator<Item = Step> {
    nodes.zip(edges).map(|(node, edge)| Step { edge, node, entered: false })
}

/// Driving has to wait for one of these.
pub(super) fn blocks(actions: &[Action]) -> bool {
    actions.iter().any(|action| match action.blocking_type {
        BlockingType::Soft | BlockingType::Hard => true,
        BlockingType::None => false,
    })
}
