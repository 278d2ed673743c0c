//! Messages that leave otherwise than they were recorded, or too often.

use std::collections::BTreeMap;

use drover_core::{Effect, RobotName, Time, ToRobot};
use drover_proto::vda5050::Order;
use serde_json::Value;

use super::Bug;

/// How far a node is misplaced, m.
const MISPLACED_M: f64 = 0.5;

fn orders(effects: &mut [Effect]) -> impl Iterator<Item = (&RobotName, &mut Order)> {
    effects.iter_mut().filter_map(|effect| {
        let Effect::Send { name, message: ToRobot::Order(order) } = effect else { return None };
        Some((&*name, &mut **order))
    })
}

fn send(name: &RobotName, order: Order) -> Effect {
    Effect::Send { name: name.clone(), message: ToRobot::Order(Box::new(order)) }
}

/// Places the end of each base wrong.
pub(super) struct WrongPosition;

impl Bug for WrongPosition {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        for (_, order) in orders(effects) {
            let end = order.nodes.iter_mut().skip(1).rfind(|node| node.released);
            if let Some(position) = end.and_then(|node| node.node_position.as_mut()) {
                position.x += MISPLACED_M;
                position.y += MISPLACED_M;
            }
        }
    }
}

/// Sends every order a second time, without its last node.
pub(super) struct ChangedResend;

impl Bug for ChangedResend {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        let mut again = Vec::new();
        for (name, order) in orders(effects) {
            let mut other = order.clone();
            if other.nodes.len() > 1 {
                other.nodes.pop();
                other.edges.pop();
                again.push(send(name, other));
            }
        }
        effects.extend(again);
    }
}

/// Time between two useless resends, ms.
const RESEND_MS: u64 = 500;

/// Sends the last order of every robot again and again.
#[derive(Default)]
pub(super) struct EndlessResends {
    orders: BTreeMap<RobotName, Order>,
    sent_at: Time,
}

impl Bug for EndlessResends {
    fn effects(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for (name, order) in orders(effects) {
            self.orders.insert(name.clone(), order.clone());
        }
        if now.since_ms(self.sent_at) >= RESEND_MS {
            self.sent_at = now;
            effects.extend(self.orders.iter().map(|(name, order)| send(name, order.clone())));
        }
    }
}

/// Names the load of the pick before.
#[derive(Default)]
pub(super) struct WrongLoad(Option<Value>);

impl Bug for WrongLoad {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        for (_, order) in orders(effects) {
            let actions = order.nodes.iter_mut().flat_map(|node| &mut node.actions);
            let picks = actions.filter(|action| action.action_type == "pick");
            let loads = picks.flat_map(|action| &mut action.action_parameters);
            for load in loads.filter(|parameter| parameter.key == "loadId") {
                let before = self.0.replace(load.value.clone());
                load.value = before.unwrap_or_else(|| load.value.clone());
            }
        }
    }
}
