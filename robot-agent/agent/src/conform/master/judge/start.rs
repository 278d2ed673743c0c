//! A new order: only for a robot that has none, and from where it is.

use super::{Check, Ground, Rule};
use crate::conform::master::story::{Heard, Story, What};
use drover_proto::vda5050::State;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "first-node-in-reach",
        section: "6.6.1",
        title: "a new order begins where the robot is, within the deviation allowed",
        judge: first_node_in_reach,
    },
    Rule {
        id: "no-order-while-active",
        section: "6.6.2",
        title: "no other orderId while the robot is at work on one",
        judge: no_order_while_active,
    },
];

/// A node this near is where the robot is, whatever deviation is allowed, metres.
const REACH_MIN_M: f64 = 0.25;

fn first_node_in_reach(story: &Story, _: &Ground, check: &mut Check) {
    for heard in beginnings(story) {
        let known = story.known_at(heard.index).map(|(_, state)| state);
        let states = [known, story.truth_at(heard.index)];
        let mut states = states.into_iter().flatten().peekable();
        if states.peek().is_none() || is_at_work(story, &heard) {
            continue;
        }
        let is_there = states.any(|state| is_at(state, &heard));
        let why = || {
            let node = heard.order.nodes.first().map_or("", |node| &node.node_id);
            let last = known.map_or("", |state| &state.last_node_id);
            format!("it begins at {node}, the robot's last node is {last}")
        };
        check.want(is_there, heard.entry, heard.raw, why);
    }
}

fn no_order_while_active(story: &Story, _: &Ground, check: &mut Check) {
    for heard in beginnings(story) {
        let Some((_, known)) = story.known_at(heard.index) else { continue };
        let why = || format!("the robot is at work on {}", known.order_id);
        check.want(!is_at_work(story, &heard), heard.entry, heard.raw, why);
    }
}

/// The first message of each order id.
fn beginnings(story: &Story) -> Vec<Heard<'_>> {
    let mut known = BTreeSet::new();
    let shown =
        |heard: &Heard<'_>| story.known_at(heard.index).is_some_and(|(_, it)| it.order_id == heard.id().0);
    let orders = story.orders().into_iter();
    orders.filter(|heard| known.insert(heard.id().0) && !shown(heard)).collect()
}

/// By what the controller could know, and really, on another order.
fn is_at_work(story: &Story, heard: &Heard<'_>) -> bool {
    let instants = instant_ids(story);
    let is_active = |state: &State| {
        let is_open = |id: &str| !instants.contains(id);
        let has_open =
            state.action_states.iter().any(|it| !it.action_status.has_ended() && is_open(&it.action_id));
        state.order_id != heard.id().0
            && (!state.node_states.is_empty() || !state.edge_states.is_empty() || has_open)
    };
    let known = story.known_at(heard.index).map(|(_, state)| state);
    known.is_some_and(is_active) && story.truth_at(heard.index).is_some_and(is_active)
}

fn instant_ids(story: &Story) -> BTreeSet<&str> {
    let sent = story.entries.iter().filter_map(|entry| match &entry.what {
        What::Instant(sent) => sent.read.as_ref().ok(),
        What::Order(_) | What::State(..) | What::Connection(_) => None,
        What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
    });
    sent.flat_map(|message| message.actions.iter().map(|action| action.action_id.as_str())).collect()
}

fn is_at(state: &State, heard: &Heard<'_>) -> bool {
    let Some(first) = heard.order.nodes.first() else { return false };
    if first.node_id == state.last_node_id && !state.driving && state.node_states.is_empty() {
        return true;
    }
    let (Some(place), Some(pose)) = (&first.node_position, &state.agv_position) else { return false };
    let allowed_m = place.allowed_deviation_xy.unwrap_or_default().max(REACH_MIN_M);
    let is_same_map = place.map_id.is_empty() || pose.map_id.is_empty() || place.map_id == pose.map_id;
    is_same_map && (place.x - pose.x).hypot(place.y - pose.y) <= allowed_m
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_passes};
    use crate::conform::master::story::How;
    use serde_json::json;

    #[test]
    fn order_from_elsewhere_fails() {
        let mut bench = Bench::under_way();
        assert_passes("first-node-in-reach", &bench);
        bench.standing("O", 0, 4);
        bench.order("P", 0, 8, 12, 12);
        assert_fails("first-node-in-reach", &bench, "begins at n8, the robot's last node is n4");
    }

    #[test]
    fn order_within_its_own_deviation_passes() {
        let mut bench = Bench::under_way();
        bench.standing("O", 0, 4);
        bench.order("P", 0, 6, 12, 12);
        bench.change(|order| order["nodes"][0]["nodePosition"]["allowedDeviationXY"] = json!(2.5));
        assert_passes("first-node-in-reach", &bench);
    }

    #[test]
    fn second_order_fails_while_the_first_is_driven() {
        let mut bench = Bench::under_way();
        bench.driving("O", 0, 2);
        bench.order("P", 0, 2, 6, 6);
        assert_fails("no-order-while-active", &bench, "at work on O");
        assert_passes("first-node-in-reach", &bench);
    }

    #[test]
    fn second_order_fails_while_an_action_of_the_first_is_open() {
        let mut bench = Bench::under_way();
        bench.standing("O", 0, 4);
        bench.action("pick", "RUNNING");
        bench.order("P", 0, 4, 6, 6);
        assert_fails("no-order-while-active", &bench, "at work on O");
        let mut bench = Bench::under_way();
        bench.instant("beep", "b");
        bench.standing("O", 0, 4);
        bench.action("b", "RUNNING");
        bench.order("P", 0, 4, 6, 6);
        assert_passes("no-order-while-active", &bench);
    }

    #[test]
    fn what_the_controller_cannot_know_is_no_fault() {
        let mut bench = Bench::under_way();
        bench.standing("O", 0, 4);
        bench.driving("O", 1, 4);
        bench.told_as(How::Never);
        bench.order("P", 0, 4, 6, 6);
        assert_passes("no-order-while-active", &bench);
    }

    #[test]
    fn old_states_that_come_again_are_no_news() {
        let mut bench = Bench::under_way();
        bench.driving("O", 0, 2);
        bench.standing("X", 0, 2);
        bench.told_as(How::Again);
        bench.order("P", 0, 2, 6, 6);
        assert_fails("no-order-while-active", &bench, "at work on O");
    }
}
