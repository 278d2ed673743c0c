//! Whether an order makes sense by itself, whatever the robot does now (2.1.0, 6.6.1 and 6.6.4).

use super::catalogue;
use super::fields;
use super::maps::{Maps, change};
use super::trouble::Trouble;
use crate::drive::Abilities;
use crate::spec::Options;
use drover_proto::vda5050::{Action, ActionScope, Dialect, Error, Order};
use std::collections::BTreeSet;

/// The longest order taken, in nodes.
pub(super) const NODES_MAX: usize = 4_096;
/// Most actions of one node or edge.
pub(super) const ACTIONS_MAX: usize = 64;
/// Most parameters of one action.
pub(super) const PARAMETERS_MAX: usize = 64;
/// Longest id, characters.
pub(super) const ID_CHARS_MAX: usize = 256;
/// Longest action type or key of a parameter, characters.
pub(super) const WORD_CHARS_MAX: usize = 128;
/// Beyond this a coordinate is an error, metres.
const COORDINATE_MAX_M: f64 = 1e6;

/// Why an order isn't taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    pub trouble: Trouble,
    pub why: String,
    /// What it is about, beyond the message itself.
    pub references: Vec<(&'static str, String)>,
}

impl Rejection {
    pub fn new(trouble: Trouble, why: impl Into<String>) -> Self {
        Self { trouble, why: why.into(), references: Vec::new() }
    }

    pub fn about(mut self, key: &'static str, value: &str) -> Self {
        self.references.push((key, value.to_owned()));
        self
    }

    /// As the standard wants it: with references.
    pub fn error(self, order: &Order, dialect: Dialect) -> Error {
        let mut error = self
            .trouble
            .error(dialect, self.why)
            .about("topic", "order")
            .about("headerId", order.header.header_id.to_string())
            .about("orderId", order.order_id.as_str())
            .about("orderUpdateId", order.order_update_id.to_string());
        for (key, value) in self.references {
            error = error.about(key, value);
        }
        error
    }
}

/// What the robot is and has, as far as an order asks for it.
pub(super) struct Means<'a> {
    pub options: &'a Options,
    pub abilities: Abilities,
    pub maps: &'a Maps,
}

pub(super) fn check(order: &Order, means: &Means<'_>) -> Result<(), Rejection> {
    check_shape(order, means.options.dialect).map_err(|why| Rejection::new(Trouble::Malformed, why))?;
    check_release(order).map_err(|why| Rejection::new(Trouble::Malformed, why))?;
    check_actions(order, means)?;
    fields::check(order)?;
    check_maps(order, means)
}

fn check_shape(order: &Order, dialect: Dialect) -> Result<(), String> {
    let (nodes, edges) = (&order.nodes, &order.edges);
    let spoken = dialect.major();
    if order.header.major().is_some_and(|major| major != spoken) {
        return Err(format!("version {} isn't {spoken}.x", order.header.version));
    }
    if order.order_id.is_empty() {
        return Err("orderId is empty".to_owned());
    }
    if nodes.is_empty() || nodes.len() > NODES_MAX || edges.len() + 1 != nodes.len() {
        return Err(format!(
            "{} nodes and {} edges; 1 to {NODES_MAX} nodes, one edge less",
            nodes.len(),
            edges.len()
        ));
    }
    for (index, pair) in nodes.windows(2).enumerate() {
        let edge = &edges[index];
        let first = pair[0].sequence_id;
        if Some(edge.sequence_id) != first.checked_add(1) || Some(pair[1].sequence_id) != first.checked_add(2)
        {
            return Err(format!("sequenceIds around edge {} don't rise by one", edge.edge_id));
        }
        if edge.start_node_id != pair[0].node_id || edge.end_node_id != pair[1].node_id {
            return Err(format!("edge {} doesn't lead from node to node of the order", edge.edge_id));
        }
    }
    let positions = nodes.iter().filter_map(|node| node.node_position.as_ref());
    if !positions.into_iter().all(|position| is_sound(position.x) && is_sound(position.y)) {
        return Err("a nodePosition isn't a number on any map".to_owned());
    }
    check_lengths(order)
}

/// A coordinate that some map may have.
pub(super) fn is_sound(value: f64) -> bool {
    value.is_finite() && value.abs() <= COORDINATE_MAX_M
}

fn check_lengths(order: &Order) -> Result<(), String> {
    let maps = order.nodes.iter().filter_map(|node| Some(node.node_position.as_ref()?.map_id.as_str()));
    let nodes = order.nodes.iter().map(|node| node.node_id.as_str());
    let edges = order.edges.iter().map(|edge| edge.edge_id.as_str());
    let mut ids = nodes.chain(edges).chain(maps).chain([order.order_id.as_str()]);
    if ids.any(|id| is_longer(id, ID_CHARS_MAX)) {
        return Err(format!("an id is longer than {ID_CHARS_MAX} characters"));
    }
    let of_nodes = order.nodes.iter().map(|node| node.actions.len());
    let longest = of_nodes.chain(order.edges.iter().map(|edge| edge.actions.len())).max().unwrap_or(0);
    if longest > ACTIONS_MAX {
        return Err(format!("{longest} actions in one place; {ACTIONS_MAX} at most"));
    }
    Ok(())
}

/// What is too long about an action.
pub(super) fn length_fault(action: &Action) -> Option<String> {
    let count = action.action_parameters.len();
    if count > PARAMETERS_MAX {
        return Some(format!("{count} parameters; {PARAMETERS_MAX} at most"));
    }
    let mut words = action.action_parameters.iter().map(|parameter| parameter.key.as_str());
    if is_longer(&action.action_type, WORD_CHARS_MAX) || words.any(|word| is_longer(word, WORD_CHARS_MAX)) {
        return Some(format!("actionType or a key is longer than {WORD_CHARS_MAX} characters"));
    }
    is_longer(&action.action_id, ID_CHARS_MAX)
        .then(|| format!("actionId is longer than {ID_CHARS_MAX} characters"))
}

fn is_longer(text: &str, chars_max: usize) -> bool {
    text.len() > chars_max && text.chars().count() > chars_max
}

fn check_release(order: &Order) -> Result<(), String> {
    let base = order.nodes.iter().take_while(|node| node.released).count();
    if base == 0 {
        return Err("the first node isn't released".to_owned());
    }
    if let Some(node) = order.nodes.iter().skip(base).find(|node| node.released) {
        return Err(format!("node {} is released behind one that isn't", node.node_id));
    }
    let wrong = order.edges.iter().enumerate().find(|(index, edge)| edge.released != (index + 1 < base));
    match wrong {
        Some((_, edge)) => Err(format!("edge {} and its end node aren't released alike", edge.edge_id)),
        None => Ok(()),
    }
}

fn check_actions(order: &Order, means: &Means<'_>) -> Result<(), Rejection> {
    let mut ids = BTreeSet::new();
    let of_nodes = order.nodes.iter().flat_map(|node| &node.actions).map(|it| (it, ActionScope::Node));
    let of_edges = order.edges.iter().flat_map(|edge| &edge.actions).map(|it| (it, ActionScope::Edge));
    for (action, scope) in of_nodes.chain(of_edges) {
        let id = action.action_id.as_str();
        let about = |trouble, why: String| Err(Rejection::new(trouble, why).about("actionId", id));
        if id.is_empty() || !ids.insert(id) {
            return about(Trouble::Malformed, format!("actionId {id:?} is empty or twice"));
        }
        if let Some(why) = length_fault(action) {
            return about(Trouble::Malformed, why);
        }
        if let Some(why) = catalogue::fault(means.options, means.abilities, action, scope) {
            return about(Trouble::OrderAction, why);
        }
    }
    Ok(())
}

/// Every node is on a map in use, or on one that an action before it puts in use.
fn check_maps(order: &Order, means: &Means<'_>) -> Result<(), Rejection> {
    let mut to_come = BTreeSet::new();
    for node in &order.nodes {
        let map_id = node.node_position.as_ref().map_or("", |position| position.map_id.as_str());
        if !map_id.is_empty() && !means.maps.is_enabled(map_id) && !to_come.contains(map_id) {
            let why = format!("node {} is on map {map_id}, which isn't enabled", node.node_id);
            return Err(Rejection::new(Trouble::UnknownMap, why).about("nodeId", &node.node_id));
        }
        let changes = node.actions.iter().filter_map(change);
        let stored = changes.filter(|change| means.maps.has(&change.map_id, &change.map_version));
        to_come.extend(stored.map(|change| change.map_id));
    }
    Ok(())
}
