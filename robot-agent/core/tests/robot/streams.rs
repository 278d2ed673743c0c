//! Whatever is sent, in whatever order: no panic, no step back, never past the released base.

use crate::common::{Rig, order, with_action};
use drover_agent_core::{Options, Spec};
use drover_proto::vda5050::BlockingType;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    /// A fitting continuation or new order: corners to add, how many of them released, action on one.
    Good {
        ahead: Vec<u8>,
        base: usize,
        action: Option<u8>,
    },
    /// Anything.
    Wild {
        id: u8,
        update: u32,
        nodes: Vec<u8>,
        base: usize,
        seq: u32,
    },
    Instant(u8),
    Run(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let nodes = || proptest::collection::vec(0u8..16, 0..5);
    prop_oneof![
        4 => (nodes(), 0usize..5, proptest::option::of(0u8..3))
            .prop_map(|(ahead, base, action)| Act::Good { ahead, base, action }),
        1 => (0u8..3, 0u32..9, nodes(), 0usize..5, 0u32..12)
            .prop_map(|(id, update, nodes, base, seq)| Act::Wild { id, update, nodes, base, seq }),
        1 => (0u8..6).prop_map(Act::Instant),
        6 => (0u64..6_000).prop_map(Act::Run),
    ]
}

fn name(node: u8) -> String {
    format!("{}_{}", 2 * (node % 4), 2 * (node / 4))
}

struct World {
    rig: Rig,
    orders: u32,
    actions: u32,
    /// Node names that were ever released to the robot, in sequence, for the order it is on.
    base: Vec<(u32, String)>,
    order_id: String,
}

impl World {
    fn play(&mut self, act: &Act) {
        match act {
            Act::Good { ahead, base, action } => self.good(ahead, *base, *action),
            Act::Wild { id, update, nodes, base, seq } => {
                let names: Vec<String> = nodes.iter().map(|node| name(*node)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.send(order(&format!("O{id}"), *update, &names, *base, *seq));
            }
            Act::Instant(kind) => {
                let kinds = ["cancelOrder", "startPause", "stopPause", "stopPause", "startCharging", "x"];
                self.actions += 1;
                self.rig.instant(kinds[usize::from(*kind)], &format!("i{}", self.actions));
            }
            Act::Run(ms) => {
                self.rig.run(*ms);
            }
        }
    }

    /// Continues the order the robot is on, or begins a new one where it stands.
    fn good(&mut self, ahead: &[u8], base: usize, action: Option<u8>) {
        let state = self.rig.state();
        let released = state.node_states.iter().rev().find(|node| node.released);
        let (node, seq) = released
            .map_or((state.last_node_id.clone(), state.last_node_sequence_id), |node| {
                (node.node_id.clone(), node.sequence_id)
            });
        let is_new = state.node_states.is_empty() && self.orders.is_multiple_of(2);
        self.orders += 1;
        let names: Vec<String> = std::iter::once(node).chain(ahead.iter().map(|node| name(*node))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (id, update, seq) = match is_new {
            true => (format!("N{}", self.orders), 0, 0),
            false => (state.order_id.clone(), state.order_update_id + 1, seq),
        };
        let mut message = order(&id, update, &names, base + 1, seq);
        if let Some(blocking) = action {
            self.actions += 1;
            let blocking =
                [BlockingType::None, BlockingType::Soft, BlockingType::Hard][usize::from(blocking)];
            let last = message.nodes.len() - 1;
            message = with_action(message, last, "pick", &format!("a{}", self.actions), blocking);
        }
        self.send(message);
    }

    fn send(&mut self, message: drover_proto::vda5050::Order) {
        let released = message.nodes.iter().filter(|node| node.released);
        let released: Vec<_> = released.map(|node| (node.sequence_id, node.node_id.clone())).collect();
        let (id, update) = (message.order_id.clone(), message.order_update_id);
        let before = self.rig.state();
        let state = self.rig.order(message);
        let is_taken = state.order_id == id
            && state.order_update_id == update
            && (before.order_id != id || before.order_update_id != update);
        if is_taken {
            if self.order_id != id {
                self.base.clear();
                self.order_id = id;
            }
            self.base.extend(released);
        }
    }

    fn check(&self, from: usize) {
        let mut last: Option<(String, u32)> = None;
        for state in self.rig.states().skip(from) {
            if let Some((id, seq)) = &last {
                assert!(*id != state.order_id || *seq <= state.last_node_sequence_id, "a step back");
            }
            last = Some((state.order_id.clone(), state.last_node_sequence_id));
        }
        let state = self.rig.state();
        let at = (state.last_node_sequence_id, state.last_node_id.clone());
        assert!(self.base.is_empty() || self.base.contains(&at), "reached {at:?}, which was never released");
        self.check_place(&state);
    }

    /// The robot is on its last node, or on the released edge after it.
    fn check_place(&self, state: &drover_proto::vda5050::State) {
        let pose = self.rig.agent.pose();
        let (x0, y0) = crate::common::place(&state.last_node_id);
        let next = state.node_states.first().filter(|node| node.released);
        let (x1, y1) = next.map_or((x0, y0), |node| crate::common::place(&node.node_id));
        let length = (x1 - x0).hypot(y1 - y0);
        let detour = (pose.x_m - x0).hypot(pose.y_m - y0) + (x1 - pose.x_m).hypot(y1 - pose.y_m) - length;
        assert!(
            detour.abs() < 0.01,
            "at {pose:?}, {detour} m off the way from {} to {next:?}",
            state.last_node_id
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn never_past_the_base_whatever_comes(acts in proptest::collection::vec(act(), 1..60)) {
        let options = Options { accept_any_action: true, ..Options::default() };
        let rig = Rig::with(Spec::default(), options, "0_0");
        let mut world = World { rig, orders: 0, actions: 0, base: Vec::new(), order_id: String::new() };
        for act in &acts {
            let from = world.rig.states().count() - 1;
            world.play(act);
            world.check(from);
        }
    }
}
