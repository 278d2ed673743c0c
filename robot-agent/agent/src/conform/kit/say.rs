//! What is said to the robot: orders, updates, instant actions, each with ids never used before.

use super::{Kit, Say, node};
use crate::conform::ground::Path;
use drover_proto::vda5050::{Action, BlockingType, Edge, Order, TopicKind, encode};
use serde_json::{Value, json};

impl Kit {
    /// An order over a path, of which the first nodes are released.
    pub fn order(&self, path: &Path, released: usize) -> Order {
        let order_id = self.0.borrow_mut().fresh("order");
        self.order_of(order_id, 0, 0, path, released)
    }

    /// An update of an order; the path begins at the node with this sequenceId.
    pub fn update(
        &self,
        order: &Order,
        update_id: u32,
        from_seq: u32,
        path: &Path,
        released: usize,
    ) -> Order {
        self.order_of(order.order_id.clone(), update_id, from_seq, path, released)
    }

    fn order_of(&self, order_id: String, update_id: u32, from: u32, path: &Path, released: usize) -> Order {
        let header = self.0.borrow_mut().header(TopicKind::Order);
        let nodes = path.stops.iter().enumerate();
        let nodes = nodes.map(|(index, stop)| node(stop, from + 2 * index as u32, index < released));
        let edges = path.edge_ids.iter().enumerate().map(|(index, id)| {
            let ends = (path.stops[index].id.as_str(), path.stops[index + 1].id.as_str());
            Edge::new(id.as_str(), from + 2 * index as u32 + 1, index + 1 < released, ends.0, ends.1)
        });
        Order {
            header,
            order_id,
            order_update_id: update_id,
            nodes: nodes.collect(),
            edges: edges.collect(),
            ..Order::default()
        }
    }

    /// An action with an id of its own.
    pub fn new_action(&self, action_type: &str, blocking: BlockingType) -> Action {
        Action::new(action_type, self.0.borrow_mut().fresh_action(), blocking)
    }

    /// Sends an order; waits look at what comes after it.
    pub fn send(&self, order: &Order) {
        let inner = &mut *self.0.borrow_mut();
        let last = inner.log.last().cloned();
        inner.watch.sent(order, last.as_deref());
        inner.say(TopicKind::Order, encode(order));
    }

    /// Sends any bytes.
    pub fn send_raw(&self, kind: TopicKind, body: &str) {
        self.0.borrow_mut().say(kind, body.as_bytes().to_vec());
    }

    /// Sends an instant action and gives back its id.
    pub fn instant(&self, action_type: &str, parameters: &[(&str, Value)]) -> String {
        let id = self.0.borrow_mut().fresh_action();
        self.instant_as(&id, action_type, parameters);
        id
    }

    /// The same with an id that may have been used before.
    pub fn instant_as(&self, id: &str, action_type: &str, parameters: &[(&str, Value)]) {
        let inner = &mut *self.0.borrow_mut();
        match action_type {
            "startPause" => inner.may_be_paused = true,
            "stopPause" => inner.may_be_paused = false,
            _ => {}
        }
        let mut action = Action::new(action_type, id, BlockingType::None);
        for (key, value) in parameters {
            action = action.with(*key, value.clone());
        }
        let header = inner.header(TopicKind::InstantActions);
        let mut body = serde_json::to_value(header).unwrap_or_default();
        body["actions"] = json!([action]);
        inner.say(TopicKind::InstantActions, encode(&body));
    }

    /// Has the broker bring again what it keeps.
    pub fn resubscribe(&self) {
        let inner = &mut *self.0.borrow_mut();
        inner.kept.clear();
        inner.outbox.push_back(Say::Resubscribe);
    }
}
