//! From our order to the VDA 5050 message.

use drover_maps::{Layout, NodeId};
use drover_proto::vda5050::{self, Action, ActionParameter, BlockingType, Header};

use crate::clock::Time;
use crate::id::RobotName;
use crate::release::{Order, OrderEdge, OrderNode};

/// How far from a node a robot may be to count it as passed, m: less than a node's disc and its margin leave behind a robot.
const DEVIATION_M: f64 = 0.1;
/// The same for the node a new order begins at, where the robot stands already, m.
const START_DEVIATION_M: f64 = 0.5;

/// The message, whole. A resend differs only in header id and time stamp.
pub(super) fn order(order: &Order, layout: &Layout, header: Header) -> vda5050::Order {
    let nodes = order.nodes.iter().enumerate();
    let is_start = |index: usize| index == 0 && order.update_id == 0;
    vda5050::Order {
        header,
        order_id: order.order_id.clone(),
        order_update_id: order.update_id,
        zone_set_id: None,
        nodes: nodes.map(|(index, it)| node(it, layout, is_start(index))).collect(),
        edges: order.edges.iter().map(|it| edge(it, layout)).collect(),
    }
}

fn node(node: &OrderNode, layout: &Layout, is_start: bool) -> vda5050::Node {
    let mut message = vda5050::Node::new(&layout.node(node.node).name, node.sequence_id, node.released);
    let deviation = if is_start { START_DEVIATION_M } else { DEVIATION_M };
    message.node_position = Some(position(node.node, layout, deviation));
    message.actions = node.actions.iter().map(action).collect();
    message
}

fn position(node: NodeId, layout: &Layout, deviation_m: f64) -> vda5050::NodePosition {
    let facts = layout.node(node);
    vda5050::NodePosition {
        x: f64::from(facts.x_mm) / 1_000.0,
        y: f64::from(facts.y_mm) / 1_000.0,
        theta: None,
        allowed_deviation_xy: Some(deviation_m),
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

fn action(action: &crate::release::Action) -> Action {
    let parameter = |(key, value): &(String, String)| ActionParameter {
        key: key.clone(),
        value: serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.clone())),
    };
    let mut message = Action::new(&action.name, &action.id, BlockingType::Hard);
    message.action_parameters = action.parameters.iter().map(parameter).collect();
    message
}

/// An instant action without parameters.
pub(super) fn instant(action: &str, id: String, header: Header) -> vda5050::InstantActions {
    vda5050::InstantActions { header, actions: vec![Action::new(action, id, BlockingType::Hard)] }
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
