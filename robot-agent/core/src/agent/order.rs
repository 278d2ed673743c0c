//! The acceptance of orders (2.1.0, figure 8).

use super::Agent;
use super::book::Origin;
use super::check::{Means, NODES_MAX, Rejection, check};
use super::trouble::Trouble;
use crate::drive::Drive;
use drover_proto::vda5050::{Dialect, Error, Node, Order, TopicKind};

/// Errors kept at most; the oldest go first.
pub(super) const ERRORS_MAX: usize = 32;

enum Verdict {
    Begin,
    Stitch,
    Discard,
}

impl<D: Drive> Agent<D> {
    pub(super) fn on_order(&mut self, order: Order) {
        self.report.is_dirty = true;
        match self.judge(&order) {
            Ok(Verdict::Begin) => self.begin_order(order),
            Ok(Verdict::Stitch) => self.stitch_order(order),
            Ok(Verdict::Discard) => {}
            Err(rejection) => self.raise(rejection.error(&order, self.options.dialect)),
        }
    }

    pub(super) fn on_malformed(&mut self, topic: TopicKind, why: String) {
        self.raise(Trouble::Malformed.error(self.options.dialect, why).about("topic", topic.as_str()));
    }

    /// Keeps an error until an order is accepted; the same one again takes the place of the first.
    pub(super) fn raise(&mut self, error: Error) {
        let key = |error: &Error| {
            let kept =
                error.error_references.iter().filter(|reference| reference.reference_key != "headerId");
            (error.error_type.clone(), kept.cloned().collect::<Vec<_>>())
        };
        self.errors.retain(|old| key(old) != key(&error));
        self.errors.push(error);
        let surplus = self.errors.len().saturating_sub(ERRORS_MAX);
        self.errors.drain(..surplus);
        self.report.is_dirty = true;
    }

    fn judge(&self, order: &Order) -> Result<Verdict, Rejection> {
        let (options, abilities) = (&self.options, self.drive.abilities());
        check(order, &Means { options, abilities, maps: &self.maps })?;
        if !self.takes_orders() {
            return Err(Rejection::new(
                Trouble::Unavailable,
                format!("the robot is in mode {}", self.mode.as_str()),
            ));
        }
        if self.book.has_open_of("initPosition") {
            return Err(Rejection::new(Trouble::Unavailable, "the robot is being told where it is"));
        }
        if order.order_id == self.course.order_id { self.judge_update(order) } else { self.judge_new(order) }
    }

    fn judge_update(&self, order: &Order) -> Result<Verdict, Rejection> {
        let reject = |trouble, why: String| Err(Rejection::new(trouble, why));
        let current = self.course.order_update_id;
        if order.order_update_id == current {
            return Ok(Verdict::Discard);
        }
        if order.order_update_id < current {
            return reject(
                Trouble::Outdated,
                format!("orderUpdateId {} is lower than {current}", order.order_update_id),
            );
        }
        if self.course.is_closed || !self.cancelling.is_empty() {
            return reject(Trouble::AfterCancel, "the order was cancelled".to_owned());
        }
        let (node_id, sequence_id) = self.course.decision_point();
        let is_stitch = |first: &Node| first.node_id == node_id && first.sequence_id == sequence_id;
        if !order.nodes.first().is_some_and(is_stitch) {
            let why = format!("the first node isn't {node_id} with sequenceId {sequence_id}");
            return reject(Trouble::WrongStart, why);
        }
        let actions_of_nodes = order.nodes.iter().skip(1).flat_map(|node| &node.actions);
        let mut actions = actions_of_nodes.chain(order.edges.iter().flat_map(|edge| &edge.actions));
        if let Some(taken) = actions.find(|action| self.book.is_taken(&action.action_id, sequence_id)) {
            let why = format!("actionId {} was used before", taken.action_id);
            return Err(Rejection::new(Trouble::OrderAction, why).about("actionId", &taken.action_id));
        }
        let kept = self.course.steps.iter().filter(|step| step.is_released()).count();
        if kept + order.nodes.len() > NODES_MAX {
            let why = format!("{kept} nodes are left of the base; {NODES_MAX} at most with these");
            return reject(Trouble::Order, why);
        }
        Ok(Verdict::Stitch)
    }

    fn judge_new(&self, order: &Order) -> Result<Verdict, Rejection> {
        if self.course.was_finished(&order.order_id) {
            return Err(Rejection::new(Trouble::Order, format!("order {} is over", order.order_id)));
        }
        if self.options.dialect == Dialect::V3 && order.order_update_id != 0 {
            let why = format!("orderUpdateId {} of a new order isn't 0", order.order_update_id);
            return Err(Rejection::new(Trouble::Order, why));
        }
        if !self.is_idle() {
            return Err(Rejection::new(
                Trouble::OtherOrder,
                format!("order {} is active", self.course.order_id),
            ));
        }
        match order.nodes.first() {
            Some(first) if !self.is_in_reach(first) => Err(Rejection::new(
                Trouble::OutOfReach,
                format!("the first node {} is out of reach", first.node_id),
            )
            .about("nodeId", &first.node_id)),
            Some(_) | None => Ok(Verdict::Begin),
        }
    }

    /// The robot stands on the node, or within the deviation the order allows.
    fn is_in_reach(&self, node: &Node) -> bool {
        let status = self.drive.status();
        let default_m = f64::from(self.options.reach_mm) / 1_000.0;
        let Some(position) = &node.node_position else {
            return node.node_id == self.course.last_node_id && status.since_waypoint_m <= default_m;
        };
        let is_same_map = position.map_id.is_empty() || position.map_id == status.pose.map_id;
        let allowed = position.allowed_deviation_xy.filter(|allowed| *allowed > 0.0).unwrap_or(default_m);
        let (dx, dy) = (position.x - status.pose.x_m, position.y - status.pose.y_m);
        is_same_map && dx * dx + dy * dy <= allowed * allowed
    }

    fn begin_order(&mut self, order: Order) {
        self.errors.clear();
        self.book.clear_ended();
        let header_id = order.header.header_id;
        let first = self.course.begin(order);
        self.book.add(Origin::Node(first.sequence_id), header_id, &first.actions);
        self.book_steps(0, header_id);
        self.book.trigger(Origin::Node(first.sequence_id));
    }

    fn stitch_order(&mut self, order: Order) {
        self.errors.clear();
        let (_, decision_point) = self.course.decision_point();
        self.book.drop_horizon(decision_point);
        let kept = self.course.steps.iter().filter(|step| step.is_released()).count();
        let header_id = order.header.header_id;
        self.course.stitch(order);
        self.book_steps(kept, header_id);
    }

    fn book_steps(&mut self, from: usize, header_id: u32) {
        for step in self.course.steps.iter().skip(from) {
            self.book.add(Origin::Edge(step.edge.sequence_id), header_id, &step.edge.actions);
            self.book.add(Origin::Node(step.node.sequence_id), header_id, &step.node.actions);
        }
    }
}
