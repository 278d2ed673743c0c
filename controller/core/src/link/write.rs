//! From our order to the VDA 5050 message.

use drover_maps::{Layout, NodeId};
use drover_proto::vda5050::{self, Action, ActionParameter, BlockingType, Header};

use serde_json::Value;

use super::profile::Profile;
use crate::clock::Time;
use crate::id::RobotName;
use crate::release::{Order, OrderEdge, OrderNode};

/// The message, whole. A resend differs only in header id and time stamp. Who takes fewer nodes is shown less of the horizon.
pub(super) fn order(order: &Order, layout: &Layout, profile: &Profile, header: Header) -> vda5050::Order {
    let base = order.nodes.iter().filter(|node| node.released).count();
    let nodes = order.nodes.iter().take(profile.nodes_max().max(base));
    let nodes: Vec<vda5050::Node> = nodes.map(|it| node(it, layout, profile)).collect();
    let edges = order.edges.iter().take(nodes.len().saturating_sub(1));
    vda5050::Order {
        header,
        order_id: order.order_id.clone(),
        order_update_id: order.update_id,
        zone_set_id: None,
        edges: edges.map(|it| edge(it, layout)).collect(),
        nodes,
    }
}

fn node(node: &OrderNode, layout: &Layout, profile: &Profile) -> vda5050::Node {
    let mut message = vda5050::Node::new(&layout.node(node.node).name, node.sequence_id, node.released);
    // The same in every message in which the node stands.
    let is_start = node.sequence_id == 0;
    message.node_position = Some(position(node.node, layout, profile.deviation_m(is_start)));
    message.actions = node.actions.iter().map(|it| action(it, profile)).collect();
    message
}

fn position(node: NodeId, layout: &Layout, deviation_m: Option<f64>) -> vda5050::NodePosition {
    let facts = layout.node(node);
    vda5050::NodePosition {
        x: f64::from(facts.x_mm) / 1_000.0,
        y: f64::from(facts.y_mm) / 1_000.0,
        theta: None,
        allowed_deviation_xy: deviation_m,
        allowed_deviation_theta: None,
        map_id: facts.map.clone(),
        map_description: None,
    }
}

fn edge(edge: &OrderEdge, layout: &Layout) -> vda5050::Edge {
    let facts = layout.edge(edge.edge);
    let (from, to) = (&layout.node(facts.from).name, &layout.node(facts.to).name);
    vda5050::Edge::new(&facts.name, edge.sequence_id, edge.released, from, to)
}

fn action(action: &crate::release::Action, profile: &Profile) -> Action {
    let value = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
    let parameter = |(key, text): &(String, String)| ActionParameter {
        key: key.clone(),
        value: profile.value(&action.name, key, value(text)),
    };
    let mut message = Action::new(&action.name, &action.id, BlockingType::Hard);
    message.action_parameters = action.parameters.iter().map(parameter).collect();
    message
}

/// An instant action without parameters.
pub(super) fn instant(action: &str, id: String, header: Header) -> vda5050::InstantActions {
    let actions = vec![Action::new(action, id, BlockingType::Hard)];
    vda5050::InstantActions { header, actions, ..vda5050::InstantActions::default() }
}

/// The id of an instant action to this robot: the same key gives the same one.
pub(super) fn action_id(name: &RobotName, action: &str, key: impl std::fmt::Display) -> String {
    let name = format!("{}/{}/{action}/{key}", name.manufacturer, name.serial);
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

/// The header of our next message to this robot, in the version it speaks.
pub(super) fn head(name: &RobotName, version: &str, header: u32, now: Time) -> Header {
    let version = version.to_owned();
    Header { version, ..Header::new(header, moment(now), &name.manufacturer, &name.serial) }
}

/// The time as it stands in messages: UTC, RFC 3339, to the millisecond.
pub(super) fn moment(now: Time) -> String {
    let moment =
        jiff::Timestamp::from_millisecond(i64::try_from(now.0).unwrap_or(i64::MAX)).unwrap_or_default();
    format!("{moment:.3}")
}
