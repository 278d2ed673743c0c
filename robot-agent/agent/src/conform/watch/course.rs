//! How the robot follows the orders it was sent: what it lists as the rest, which node it says it passed (6.6, 6.10).
//!
//! States of orders that weren't the kit's aren't judged, nor is the last node before the robot names one of the order: 2.x
//! leaves open when the first node counts as passed.

use super::Book;
use drover_proto::vda5050::{Order, State};
use std::collections::BTreeMap;

/// A robot that says it stands may have been moved this far between two states, metres.
const STANDING_M: f64 = 0.3;

/// An order with all its updates: node ids and release by sequenceId.
#[derive(Clone, Debug, Default)]
struct Whole {
    nodes: BTreeMap<u32, (String, bool)>,
    edges: BTreeMap<u32, (String, bool)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    wholes: BTreeMap<(String, u32), Whole>,
    last: Option<State>,
    /// The order of which the robot has named a node as its last.
    on: Option<String>,
}

impl Course {
    pub fn sent(&mut self, order: &Order, last: Option<&State>) {
        let key = (order.order_id.clone(), order.order_update_id);
        if self.wholes.contains_key(&key) {
            return;
        }
        let before = last.filter(|last| last.order_id == order.order_id);
        let before = before.and_then(|last| self.wholes.get(&(last.order_id.clone(), last.order_update_id)));
        let mut whole = before.cloned().unwrap_or_default();
        let from = order.nodes.first().map_or(0, |node| node.sequence_id);
        whole.nodes.retain(|seq, _| *seq < from);
        whole.edges.retain(|seq, _| *seq < from);
        let nodes = order.nodes.iter().map(|node| (node.sequence_id, (node.node_id.clone(), node.released)));
        whole.nodes.extend(nodes);
        let edges = order.edges.iter().map(|edge| (edge.sequence_id, (edge.edge_id.clone(), edge.released)));
        whole.edges.extend(edges);
        self.wholes.insert(key, whole);
    }

    pub fn hear(&mut self, book: &mut Book, state: State) {
        if let Some(last) = &self.last {
            book.judge("driving-told", moved_unsaid(last, &state));
        }
        if state.new_base_request == Some(true) {
            let has_horizon = state.node_states.iter().any(|node| !node.released);
            let why = || "newBaseRequest is true, but no unreleased node is listed".to_owned();
            book.judge("new-base-request", (!has_horizon && !state.node_states.is_empty()).then(why));
        }
        if let Some(whole) = self.wholes.get(&(state.order_id.clone(), state.order_update_id)) {
            book.judge("rest-is-of-order", foreign(whole, &state));
            let last = self.last.as_ref().filter(|last| last.order_id == state.order_id);
            if let Some(last) = last.filter(|last| last.order_update_id == state.order_update_id) {
                book.judge("rest-shrinks", regrown(last, &state));
            }
            if self.on.as_ref() != Some(&state.order_id) && names_node(whole, &state) {
                self.on = Some(state.order_id.clone());
            } else if self.on.as_ref() == Some(&state.order_id) {
                book.judge("last-node-advances", last_node_fault(whole, last, &state));
            }
            if self.on.as_ref() == Some(&state.order_id) {
                book.judge("base-not-left", beyond(whole, &state));
            }
        }
        self.last = Some(state);
    }
}

fn moved_unsaid(last: &State, now: &State) -> Option<String> {
    let (from, to) = (last.agv_position.as_ref()?, now.agv_position.as_ref()?);
    let far_m = (from.x - to.x).hypot(from.y - to.y);
    let is_unsaid = !last.driving && !now.driving && from.map_id == to.map_id && far_m > STANDING_M;
    is_unsaid.then(|| format!("the robot moved {far_m:.2} m between two states with driving false"))
}

/// What is left must be listed as it was ordered, in the order of driving.
fn foreign(whole: &Whole, state: &State) -> Option<String> {
    let nodes = state.node_states.iter().map(|node| (node.sequence_id, &node.node_id, node.released));
    let edges = state.edge_states.iter().map(|edge| (edge.sequence_id, &edge.edge_id, edge.released));
    wrong_one("node", &whole.nodes, nodes).or_else(|| wrong_one("edge", &whole.edges, edges))
}

fn wrong_one<'a>(
    what: &str,
    ordered: &BTreeMap<u32, (String, bool)>,
    listed: impl Iterator<Item = (u32, &'a String, bool)>,
) -> Option<String> {
    let mut last = None;
    for (seq, id, released) in listed {
        let said = format!("{what} {id:?} sequenceId {seq} released {released}");
        match ordered.get(&seq) {
            Some((name, is_released)) if name == id && *is_released == released => {}
            Some((name, is_released)) => {
                return Some(format!("{said} is listed; ordered was {name:?} released {is_released}"));
            }
            None => return Some(format!("{said} is listed; it isn't in the order")),
        }
        if last.is_some_and(|last| last >= seq) {
            return Some(format!("{said} is listed out of order"));
        }
        last = Some(seq);
    }
    None
}

fn regrown(last: &State, now: &State) -> Option<String> {
    let nodes = |state: &State| state.node_states.iter().map(|node| node.sequence_id).collect::<Vec<_>>();
    let edges = |state: &State| state.edge_states.iter().map(|edge| edge.sequence_id).collect::<Vec<_>>();
    let fault = |what: &str, before: &[u32], after: &[u32]| {
        format!("{what} left were {before:?}, then {after:?}: they don't go from the front")
    };
    let (before, after) = (nodes(last), nodes(now));
    if !before.ends_with(&after) {
        return Some(fault("nodes", &before, &after));
    }
    let (before, after) = (edges(last), edges(now));
    (!before.ends_with(&after)).then(|| fault("edges", &before, &after))
}

fn names_node(whole: &Whole, state: &State) -> bool {
    whole.nodes.get(&state.last_node_sequence_id).is_some_and(|(name, _)| *name == state.last_node_id)
}

fn last_node_fault(whole: &Whole, last: Option<&State>, state: &State) -> Option<String> {
    let (id, seq) = (&state.last_node_id, state.last_node_sequence_id);
    if !names_node(whole, state) {
        return Some(format!("lastNodeId {id:?} with lastNodeSequenceId {seq} isn't a node of the order"));
    }
    let before = last.map_or(0, |last| last.last_node_sequence_id);
    (before > seq && last.is_some()).then(|| format!("lastNodeSequenceId fell from {before} to {seq}"))
}

fn beyond(whole: &Whole, state: &State) -> Option<String> {
    let end = whole.nodes.iter().filter(|(_, (_, released))| *released).map(|(seq, _)| *seq).max()?;
    let seq = state.last_node_sequence_id;
    let is_beyond = whole.nodes.contains_key(&seq) && seq > end;
    is_beyond.then(|| format!("lastNodeSequenceId is {seq}; the base ends at {end}"))
}
