//! An order by itself, whatever went before.

use super::{Check, Ground, Rule};
use crate::conform::master::story::{Story, What};
use drover_proto::vda5050::{Action, Order};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "readable",
        section: "6.6",
        title: "messages are JSON with the fields they need",
        judge: readable,
    },
    Rule {
        id: "one-edge-less",
        section: "6.6.1",
        title: "an order has a node at least, and one edge less than nodes",
        judge: one_edge_less,
    },
    Rule {
        id: "sequence-ids",
        section: "6.6.1",
        title: "sequenceIds rise by one, nodes even, edges odd",
        judge: sequence_ids,
    },
    Rule {
        id: "released-first",
        section: "6.6.1",
        title: "the first node is released, nothing behind an unreleased one, edges as both their ends",
        judge: released_first,
    },
    Rule {
        id: "edges-join-nodes",
        section: "6.6",
        title: "startNodeId and endNodeId of an edge are the nodes beside it",
        judge: edges_join_nodes,
    },
    Rule { id: "known-map", section: "6.7", title: "nodes lie on a map the robot knows", judge: known_map },
    Rule {
        id: "action-ids-unique",
        section: "6.8",
        title: "an actionId names one action, and no other later",
        judge: action_ids_unique,
    },
    Rule {
        id: "blocking-type",
        section: "6.12",
        title: "blockingType is NONE, SOFT or HARD",
        judge: blocking_type,
    },
];

fn readable(story: &Story, _: &Ground, check: &mut Check) {
    for entry in &story.entries {
        let (raw, why) = match &entry.what {
            What::Order(sent) if !sent.retain => (&sent.raw, sent.read.as_ref().err()),
            What::Instant(sent) if !sent.retain => (&sent.raw, sent.read.as_ref().err()),
            What::Order(_) | What::Instant(_) | What::State(..) | What::Connection(_) => continue,
            What::Factsheet(_) | What::Forgot | What::Probed(_) => continue,
        };
        check.want(why.is_none(), entry, raw, || why.cloned().unwrap_or_default());
    }
}

fn each(story: &Story, check: &mut Check, fault: impl Fn(&Order) -> Option<String>) {
    for heard in story.orders() {
        let why = fault(heard.order);
        check.want(why.is_none(), heard.entry, heard.raw, || why.clone().unwrap_or_default());
    }
}

fn one_edge_less(story: &Story, _: &Ground, check: &mut Check) {
    each(story, check, |order| {
        let (nodes, edges) = (order.nodes.len(), order.edges.len());
        (nodes != edges + 1).then(|| format!("{nodes} nodes and {edges} edges"))
    });
}

fn sequence_ids(story: &Story, _: &Ground, check: &mut Check) {
    each(story, check, |order| {
        let first = order.nodes.first()?.sequence_id;
        if !first.is_multiple_of(2) {
            return Some(format!("the first node has sequenceId {first}"));
        }
        let expected = |index: usize| u64::from(first) + 2 * index as u64;
        let nodes = order.nodes.iter().enumerate();
        let mut nodes = nodes.filter(|(index, node)| u64::from(node.sequence_id) != expected(*index));
        let edges = order.edges.iter().enumerate();
        let mut edges = edges.filter(|(index, edge)| u64::from(edge.sequence_id) != expected(*index) + 1);
        let node = nodes.next().map(|(_, node)| format!("node {} has {}", node.node_id, node.sequence_id));
        node.or(edges.next().map(|(_, edge)| format!("edge {} has {}", edge.edge_id, edge.sequence_id)))
    });
}

fn released_first(story: &Story, _: &Ground, check: &mut Check) {
    each(story, check, |order| {
        let base = order.nodes.iter().take_while(|node| node.released).count();
        if base == 0 {
            return Some("the first node isn't released".to_owned());
        }
        if let Some(node) = order.nodes.iter().skip(base).find(|node| node.released) {
            return Some(format!("node {} is released behind one that isn't", node.node_id));
        }
        let mut edges = order.edges.iter().enumerate();
        let (_, edge) = edges.find(|(index, edge)| edge.released != (index + 1 < base))?;
        Some(format!("edge {} isn't released as its ends are", edge.edge_id))
    });
}

fn edges_join_nodes(story: &Story, _: &Ground, check: &mut Check) {
    each(story, check, |order| {
        let mut pairs = order.edges.iter().zip(order.nodes.windows(2));
        let (edge, _) = pairs.find(|(edge, pair)| {
            edge.start_node_id != pair[0].node_id || edge.end_node_id != pair[1].node_id
        })?;
        let (from, to) = (&edge.start_node_id, &edge.end_node_id);
        Some(format!("edge {} leads from {from} to {to}", edge.edge_id))
    });
}

fn known_map(story: &Story, ground: &Ground, check: &mut Check) {
    for heard in story.orders() {
        let positions = heard.order.nodes.iter().filter_map(|node| node.node_position.as_ref());
        for map in positions.map(|position| &position.map_id) {
            let why = || format!("mapId {map:?} isn't one of {:?}", ground.maps);
            check.want(ground.maps.contains(map), heard.entry, heard.raw, why);
        }
    }
}

fn action_ids_unique(story: &Story, _: &Ground, check: &mut Check) {
    let mut known: BTreeMap<&str, &Action> = BTreeMap::new();
    for heard in story.orders() {
        let mut here = BTreeSet::new();
        for action in actions(heard.order) {
            let id = action.action_id.as_str();
            let is_sound = !id.is_empty() && here.insert(id);
            check.want(is_sound, heard.entry, heard.raw, || format!("actionId {id:?} is empty or twice"));
            let first = known.entry(id).or_insert(action);
            let is_same = first.action_type == action.action_type
                && first.action_parameters == action.action_parameters;
            let why = || format!("actionId {id:?} was {} with other parameters before", first.action_type);
            check.want(is_same, heard.entry, heard.raw, why);
        }
    }
}

fn actions(order: &Order) -> impl Iterator<Item = &Action> {
    let of_nodes = order.nodes.iter().flat_map(|node| &node.actions);
    of_nodes.chain(order.edges.iter().flat_map(|edge| &edge.actions))
}

fn blocking_type(story: &Story, _: &Ground, check: &mut Check) {
    for entry in &story.entries {
        let raw = match &entry.what {
            What::Order(sent) if !sent.retain => &sent.raw,
            What::Instant(sent) if !sent.retain => &sent.raw,
            What::Order(_) | What::Instant(_) | What::State(..) | What::Connection(_) => continue,
            What::Factsheet(_) | What::Forgot | What::Probed(_) => continue,
        };
        for word in blocking_types(raw) {
            let is_known = matches!(word.as_str(), Some("NONE" | "SOFT" | "HARD"));
            check.want(is_known, entry, raw, || format!("blockingType is {word}"));
        }
    }
}

/// Of all actions, wherever they hang; null if an action has none.
fn blocking_types(raw: &Value) -> Vec<&Value> {
    let parts = ["nodes", "edges"].into_iter().filter_map(|key| raw.get(key)?.as_array()).flatten();
    let holders = std::iter::once(raw).chain(parts);
    let actions = holders.filter_map(|holder| holder.get("actions")?.as_array()).flatten();
    actions.map(|action| action.get("blockingType").unwrap_or(&Value::Null)).collect()
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};
    use serde_json::{Value, json};

    fn under_way_with(change: impl Fn(&mut Value)) -> Bench {
        let mut bench = Bench::under_way();
        bench.order("O", 1, 4, 8, 12);
        bench.change(change);
        bench
    }

    #[test]
    fn good_order_passes_all() {
        let bench = under_way_with(|_| ());
        for rule in
            ["readable", "one-edge-less", "sequence-ids", "released-first", "edges-join-nodes", "known-map"]
        {
            assert_passes(rule, &bench);
        }
        assert_not_seen("action-ids-unique", &bench);
        assert_not_seen("blocking-type", &bench);
    }

    #[test]
    fn message_without_nodes_fails() {
        let bench = under_way_with(|order| order["nodes"] = json!(7));
        assert_fails("readable", &bench, "BAD_FIELD");
    }

    #[test]
    fn nodes_and_edges_must_fit() {
        let bench = under_way_with(|order| order["edges"] = json!([]));
        assert_fails("one-edge-less", &bench, "5 nodes and 0 edges");
    }

    #[test]
    fn gaps_in_sequence_ids_fail() {
        let bench = under_way_with(|order| order["nodes"][2]["sequenceId"] = json!(10));
        assert_fails("sequence-ids", &bench, "node n8 has 10");
        let bench = under_way_with(|order| order["edges"][1]["sequenceId"] = json!(9));
        assert_fails("sequence-ids", &bench, "has 9");
        let bench = under_way_with(|order| order["nodes"][0]["sequenceId"] = json!(3));
        assert_fails("sequence-ids", &bench, "sequenceId 3");
    }

    #[test]
    fn release_that_is_no_beginning_fails() {
        let bench = under_way_with(|order| order["nodes"][0]["released"] = json!(false));
        assert_fails("released-first", &bench, "first node");
        let bench = under_way_with(|order| order["nodes"][4]["released"] = json!(true));
        assert_fails("released-first", &bench, "n12");
        let bench = under_way_with(|order| order["edges"][2]["released"] = json!(true));
        assert_fails("released-first", &bench, "edge e9");
    }

    #[test]
    fn edge_to_elsewhere_fails() {
        let bench = under_way_with(|order| order["edges"][1]["endNodeId"] = json!("nowhere"));
        assert_fails("edges-join-nodes", &bench, "nowhere");
    }

    #[test]
    fn unknown_map_fails() {
        let bench = under_way_with(|order| order["nodes"][1]["nodePosition"]["mapId"] = json!("attic"));
        assert_fails("known-map", &bench, "attic");
    }

    fn action(id: &str, kind: &str) -> Value {
        json!({ "actionId": id, "actionType": kind, "blockingType": "HARD" })
    }

    #[test]
    fn action_id_twice_or_for_another_action_fails() {
        let pick = |order: &mut Value| order["nodes"][1]["actions"] = json!([action("a", "pick")]);
        let mut bench = under_way_with(pick);
        bench.order("O", 2, 8, 10, 10);
        bench.change(pick);
        assert_passes("action-ids-unique", &bench);
        assert_passes("blocking-type", &bench);
        bench.order("O", 3, 10, 12, 12);
        bench.change(|order| order["nodes"][1]["actions"] = json!([action("a", "drop")]));
        assert_fails("action-ids-unique", &bench, "was pick");
        let bench = under_way_with(|order| {
            order["nodes"][1]["actions"] = json!([action("a", "pick")]);
            order["edges"][1]["actions"] = json!([action("a", "pick")]);
        });
        assert_fails("action-ids-unique", &bench, "twice");
    }

    #[test]
    fn unknown_blocking_type_fails() {
        let mut bench = Bench::under_way();
        bench.instant("stateRequest", "s");
        bench.change(|message| message["actions"][0]["blockingType"] = json!("SINGLE"));
        assert_fails("blocking-type", &bench, "SINGLE");
        assert_fails("readable", &bench, "BlockingType");
        let none = json!({ "actionId": "a", "actionType": "pick" });
        let bench = under_way_with(|order| order["edges"][0]["actions"] = json!([none]));
        assert_fails("blocking-type", &bench, "null");
    }
}
