//! Whether an order makes sense by itself, whatever the robot does now (2.1.0, 6.6.1 and 6.6.4).

use crate::spec::Options;
use drover_proto::vda5050::{Action, Dialect, Error, ErrorLevel, Order};
use std::collections::BTreeSet;

/// The longest order taken, in nodes.
pub(super) const NODES_MAX: usize = 4_096;
/// Beyond this a coordinate is an error, metres.
const COORDINATE_MAX_M: f64 = 1e6;

/// Why an order isn't taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    pub kind: &'static str,
    pub why: String,
    pub action_id: Option<String>,
}

impl Rejection {
    pub fn new(kind: &'static str, why: impl Into<String>) -> Self {
        Self { kind, why: why.into(), action_id: None }
    }

    /// As the standard wants it: a WARNING with references.
    pub fn error(self, order: &Order) -> Error {
        let mut error = Error::new(self.kind, ErrorLevel::Warning)
            .about("topic", "order")
            .about("headerId", order.header.header_id.to_string())
            .about("orderId", order.order_id.as_str())
            .about("orderUpdateId", order.order_update_id.to_string());
        if let Some(action_id) = self.action_id {
            error = error.about("actionId", action_id);
        }
        error.error_description = Some(self.why);
        error
    }
}

pub(super) fn check(order: &Order, options: &Options) -> Result<(), Rejection> {
    check_shape(order, options.dialect).map_err(|why| Rejection::new("validationError", why))?;
    check_release(order).map_err(|why| Rejection::new("validationError", why))?;
    check_actions(order, options)?;
    let lost = order.nodes.iter().skip(1).find(|node| node.node_position.is_none());
    match lost {
        Some(node) => Err(Rejection::new("orderError", format!("node {} has no nodePosition", node.node_id))),
        None => Ok(()),
    }
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
    let is_sound = |value: f64| value.is_finite() && value.abs() <= COORDINATE_MAX_M;
    if !positions.into_iter().all(|position| is_sound(position.x) && is_sound(position.y)) {
        return Err("a nodePosition isn't a number on any map".to_owned());
    }
    Ok(())
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

fn check_actions(order: &Order, options: &Options) -> Result<(), Rejection> {
    let mut ids = BTreeSet::new();
    let of_nodes = order.nodes.iter().flat_map(|node| &node.actions);
    for action in of_nodes.chain(order.edges.iter().flat_map(|edge| &edge.actions)) {
        let about = |kind, why: String| {
            Err(Rejection { action_id: Some(action.action_id.clone()), ..Rejection::new(kind, why) })
        };
        if action.action_id.is_empty() || !ids.insert(action.action_id.as_str()) {
            return about("validationError", format!("actionId {:?} is empty or twice", action.action_id));
        }
        if !knows(options, action) {
            return about("orderError", format!("action {} isn't known", action.action_type));
        }
    }
    Ok(())
}

pub(super) fn knows(options: &Options, action: &Action) -> bool {
    options.accept_any_action || options.actions.contains(&action.action_type)
}
