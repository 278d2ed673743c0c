//! An update against the order it continues: what was released stays, and it goes on where the base ends.

use super::{Check, Ground, KNOWN_AFTER_MS, Rule};
use crate::conform::master::story::{Heard, Refusal, Story, What, shows};
use drover_proto::vda5050::Node;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "update-id-rises",
        section: "6.6.2",
        title: "orderUpdateId never falls within an order",
        judge: update_id_rises,
    },
    Rule {
        id: "update-at-decision-point",
        section: "6.6.2",
        title: "an update begins at the last released node, same nodeId and sequenceId",
        judge: update_at_decision_point,
    },
    Rule {
        id: "base-kept",
        section: "6.6.2",
        title: "a released node or edge stays as it was, and released, in later updates",
        judge: base_kept,
    },
];

fn update_id_rises(story: &Story, _: &Ground, check: &mut Check) {
    let orders = story.orders();
    for (index, heard) in orders.iter().enumerate() {
        let (id, update) = heard.id();
        let before =
            orders[..index].iter().filter(|other| other.id().0 == id).map(|other| other.id().1).max();
        let Some(before) = before else { continue };
        let why = || format!("orderUpdateId {update} after {before} of order {id}");
        check.want(update >= before, heard.entry, heard.raw, why);
    }
}

fn update_at_decision_point(story: &Story, _: &Ground, check: &mut Check) {
    let (orders, refusals) = (story.orders(), story.refusals());
    for heard in &orders {
        let Some(first) = heard.order.nodes.first() else { continue };
        let ends = ends(story, &orders, &refusals, heard);
        if !ends.is_empty() {
            let is_there = ends.contains(&(first.node_id.as_str(), first.sequence_id));
            let (node, sequence) = ends[0];
            let why = || {
                let (found, at) = (&first.node_id, first.sequence_id);
                format!("it begins at {found} with sequenceId {at}, the base ends at {node} with {sequence}")
            };
            check.want(is_there, heard.entry, heard.raw, why);
        }
    }
}

/// Where the base may end for this update: by what was sent and not refused, and by what the robot has shown. Empty for
/// a first message and for one sent again.
fn ends<'a>(
    story: &Story,
    orders: &[Heard<'a>],
    refusals: &[Refusal<'_>],
    heard: &Heard<'_>,
) -> Vec<(&'a str, u32)> {
    let at = heard.index;
    let begin = last_forgot(story, at);
    let is_before = |other: &&Heard<'_>| (begin..at).contains(&other.index) && other.id().0 == heard.id().0;
    let before: Vec<&Heard<'a>> = orders.iter().filter(is_before).collect();
    if before.iter().any(|other| other.id() == heard.id()) {
        return Vec::new();
    }
    let refused_ms = |other: &&&Heard<'_>| {
        let refusal = refusals.iter().find(|refusal| refusal.id == other.id() && refusal.index < at);
        refusal.map(|refusal| heard.entry.at_ms.saturating_sub(refusal.at_ms))
    };
    let sent = before.iter().rev().find(|other| refused_ms(other).is_none());
    let unheard = before.iter().rev().find(|other| refused_ms(other).is_none_or(|ms| ms <= KNOWN_AFTER_MS));
    let known = story.known_at(at).map(|(_, state)| state);
    let is_shown = |other: &&&Heard<'_>| {
        known.is_some_and(|state| state.order_id == other.id().0 && state.order_update_id == other.id().1)
    };
    let shown = before.iter().rev().find(is_shown);
    [sent, unheard, shown].into_iter().flatten().map(|other| other.base_end()).collect()
}

/// The entry of the latest restart before this one.
fn last_forgot(story: &Story, before: usize) -> usize {
    story.entries[..before].iter().rposition(|entry| matches!(entry.what, What::Forgot)).unwrap_or(0)
}

fn base_kept(story: &Story, _: &Ground, check: &mut Check) {
    let (orders, refusals) = (story.orders(), story.refusals());
    for heard in &orders {
        let begin = last_forgot(story, heard.index);
        let is_base = |other: &&Heard<'_>| {
            (begin..heard.index).contains(&other.index)
                && other.id().0 == heard.id().0
                && other.id().1 < heard.id().1
                && !is_refused(story, &refusals, other)
        };
        for other in orders.iter().filter(is_base) {
            let why = change(other, heard);
            check.want(why.is_none(), heard.entry, heard.raw, || why.clone().unwrap_or_default());
        }
    }
}

/// Refused at some time, and never taken.
fn is_refused(story: &Story, refusals: &[Refusal<'_>], heard: &Heard<'_>) -> bool {
    refusals.iter().any(|refusal| refusal.id == heard.id())
        && !story.told_from(heard.index).any(|(_, _, state)| shows(state, heard.id()))
}

/// What of the base of the older message the newer one changes.
fn change(old: &Heard<'_>, new: &Heard<'_>) -> Option<String> {
    for was in old.order.nodes.iter().filter(|node| node.released) {
        let is_it = |node: &&Node| node.sequence_id == was.sequence_id;
        let Some(now) = new.order.nodes.iter().find(is_it) else { continue };
        let (sequence, id) = (was.sequence_id, &was.node_id);
        if now.node_id != was.node_id {
            return Some(format!("sequenceId {sequence} was node {id}, now {}", now.node_id));
        }
        if !now.released {
            return Some(format!("node {id} ({sequence}) was released, now it isn't"));
        }
        if place(now) != place(was) {
            return Some(format!("node {id} ({sequence}) has moved"));
        }
    }
    for was in old.order.edges.iter().filter(|edge| edge.released) {
        let Some(now) = new.order.edges.iter().find(|edge| edge.sequence_id == was.sequence_id) else {
            continue;
        };
        if now.edge_id != was.edge_id || !now.released {
            return Some(format!("edge {} ({}) was released and has changed", was.edge_id, was.sequence_id));
        }
    }
    None
}

/// What says where a node is; the deviation allowed isn't part of it.
fn place(node: &Node) -> Option<(f64, f64, Option<f64>, &str)> {
    let at = node.node_position.as_ref()?;
    Some((at.x, at.y, at.theta, &at.map_id))
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};
    use serde_json::json;

    const ALL: [&str; 3] = ["update-id-rises", "update-at-decision-point", "base-kept"];

    /// On O: base 0 to 4.
    fn bench() -> Bench {
        Bench::under_way()
    }

    #[test]
    fn updates_from_the_decision_point_pass() {
        let mut bench = bench();
        ALL.iter().for_each(|rule| assert_not_seen(rule, &bench));
        bench.order("O", 1, 4, 8, 12);
        bench.order("O", 1, 4, 8, 12);
        bench.order("O", 2, 8, 10, 14);
        ALL.iter().for_each(|rule| assert_passes(rule, &bench));
    }

    #[test]
    fn falling_update_id_fails() {
        let mut bench = bench();
        bench.order("O", 2, 4, 8, 12);
        bench.order("O", 1, 8, 10, 12);
        assert_fails("update-id-rises", &bench, "1 after 2");
    }

    #[test]
    fn restarted_sequence_ids_fail() {
        let mut bench = bench();
        bench.order("O", 1, 4, 8, 8);
        bench.change(|order| {
            for index in 0..3 {
                order["nodes"][index]["sequenceId"] = json!(2 * index);
            }
        });
        assert_fails("update-at-decision-point", &bench, "the base ends at n4 with 4");
    }

    #[test]
    fn update_from_the_end_of_the_horizon_fails() {
        let mut bench = bench();
        bench.order("O", 1, 4, 6, 10);
        bench.order("O", 2, 10, 12, 12);
        assert_fails("update-at-decision-point", &bench, "begins at n10");
    }

    #[test]
    fn update_after_a_refused_one_begins_where_that_began() {
        let mut bench = bench();
        bench.order("O", 1, 4, 8, 8);
        bench.refuse("O", 1);
        bench.wait(5_000);
        bench.order("O", 2, 4, 6, 6);
        assert_passes("update-at-decision-point", &bench);
        assert_passes("base-kept", &bench);
        bench.order("O", 3, 8, 10, 10);
        assert_fails("update-at-decision-point", &bench, "begins at n8");
    }

    #[test]
    fn update_sent_before_the_refusal_was_heard_passes() {
        let mut bench = bench();
        bench.order("O", 1, 4, 8, 8);
        bench.refuse("O", 1);
        bench.wait(500);
        bench.order("O", 2, 8, 10, 10);
        assert_passes("update-at-decision-point", &bench);
    }

    #[test]
    fn update_from_what_the_robot_shows_passes() {
        let mut bench = bench();
        bench.order("O", 1, 4, 8, 8);
        bench.wait(5_000);
        bench.driving("O", 0, 2);
        bench.order("O", 2, 4, 6, 6);
        assert_passes("update-at-decision-point", &bench);
    }

    #[test]
    fn changed_base_fails() {
        let mut changed = bench();
        changed.order("O", 1, 4, 8, 8);
        changed.change(|order| order["nodes"][0]["nodePosition"]["x"] = json!(77.0));
        assert_fails("base-kept", &changed, "moved");
        let mut other = bench();
        other.order("O", 1, 4, 8, 8);
        other.change(|order| order["nodes"][0]["nodeId"] = json!("m"));
        assert_fails("base-kept", &other, "was node n4, now m");
        let mut taken_back = bench();
        taken_back.order("O", 1, 2, 2, 8);
        assert_fails("base-kept", &taken_back, "n4 (4) was released");
        let mut edge = bench();
        edge.order("O", 1, 2, 8, 8);
        edge.change(|order| order["edges"][0]["edgeId"] = json!("x"));
        assert_fails("base-kept", &edge, "edge e3");
    }
}
