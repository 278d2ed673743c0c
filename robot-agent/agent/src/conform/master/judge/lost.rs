//! An order that the robot no longer has: it can't be continued, only given anew under another id.

use super::{Check, Ground, KNOWN_AFTER_MS, Rule};
use crate::conform::master::story::{Heard, Story, What};
use drover_proto::vda5050::State;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "lost-order-not-continued",
    section: "6.6.2",
    title: "an order the robot has forgotten, dropped or cancelled isn't continued by an update",
    judge: lost_order_not_continued,
}];

fn lost_order_not_continued(story: &Story, _: &Ground, check: &mut Check) {
    let (orders, mut told) = (story.orders(), story.told_from(0).peekable());
    let mut lost = BTreeMap::new();
    for heard in &orders {
        while let Some((index, entry, state)) = told.next_if(|(index, ..)| *index < heard.index) {
            note_lost(story, &orders, (index, entry.at_ms, state), &mut lost);
        }
        let (order, update) = heard.id();
        let is_known = |at_ms: &u64| heard.entry.at_ms > at_ms + KNOWN_AFTER_MS;
        if lost.values().any(is_known) {
            let is_continued = update > 0 && lost.get(order).is_some_and(is_known);
            let why = || format!("update {update} of {order}, which the robot hasn't any more");
            check.want(!is_continued, heard.entry, heard.raw, why);
        }
    }
}

/// Which orders the robot has lost by this state, and when one first told so; one that it has again isn't lost.
fn note_lost<'a>(
    story: &Story,
    orders: &[Heard<'a>],
    (index, at_ms, state): (usize, u64, &State),
    lost: &mut BTreeMap<&'a str, u64>,
) {
    if !state.node_states.is_empty() {
        lost.remove(state.order_id.as_str());
    }
    let forgot = story.entries[..index].iter().rposition(|entry| matches!(entry.what, What::Forgot));
    for heard in orders.iter().take_while(|heard| heard.index < index) {
        let is_forgotten =
            forgot.is_some_and(|forgot| heard.index < forgot) && state.order_id != heard.id().0;
        if is_forgotten || is_dropped(state, orders, heard) {
            lost.entry(heard.id().0).or_insert(at_ms);
        }
    }
}

/// The state names the order, with nothing left of it, short of the end of the base.
fn is_dropped(state: &State, orders: &[Heard<'_>], heard: &Heard<'_>) -> bool {
    let is_empty = state.node_states.is_empty() && state.edge_states.is_empty();
    let id = (state.order_id.as_str(), state.order_update_id);
    if !is_empty || heard.id() != id {
        return false;
    }
    let message = orders.iter().find(|other| other.id() == id);
    message.is_some_and(|message| state.last_node_sequence_id < message.base_end().1)
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};

    #[test]
    fn update_of_a_forgotten_order_fails() {
        let mut bench = Bench::under_way();
        bench.order("O", 1, 4, 8, 8);
        bench.forgot();
        bench.standing("", 0, 0);
        bench.order("O", 2, 8, 10, 10);
        assert_not_seen("lost-order-not-continued", &bench);
        bench.wait(2_001);
        bench.order("O", 2, 8, 10, 10);
        assert_fails("lost-order-not-continued", &bench, "update 2 of O");
    }

    #[test]
    fn new_order_after_a_restart_passes() {
        let mut bench = Bench::under_way();
        bench.forgot();
        bench.standing("", 0, 0);
        bench.wait(5_000);
        bench.order("P", 0, 0, 4, 4);
        bench.order("P", 1, 4, 6, 6);
        assert_passes("lost-order-not-continued", &bench);
    }

    #[test]
    fn order_given_whole_again_after_a_restart_may_go_on() {
        let mut bench = Bench::under_way();
        bench.forgot();
        bench.standing("", 0, 0);
        bench.wait(5_000);
        bench.order("O", 0, 0, 4, 4);
        bench.driving("O", 0, 0);
        bench.wait(5_000);
        bench.order("O", 1, 4, 8, 8);
        assert_passes("lost-order-not-continued", &bench);
    }

    #[test]
    fn update_of_a_dropped_order_fails_and_of_a_finished_one_passes() {
        let mut dropped = Bench::under_way();
        dropped.standing("O", 0, 2);
        dropped.wait(5_000);
        dropped.order("O", 1, 4, 8, 8);
        assert_fails("lost-order-not-continued", &dropped, "update 1 of O");
        let mut finished = Bench::under_way();
        finished.standing("O", 0, 4);
        finished.wait(5_000);
        finished.order("O", 1, 4, 8, 8);
        assert_not_seen("lost-order-not-continued", &finished);
    }
}
