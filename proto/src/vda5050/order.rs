//! Topic `order`: where a robot shall drive and what it shall do there.

use serde::{Deserialize, Serialize};

use super::lenient::{self, wire_enum};
use super::{Action, Header};

/// A graph for one robot: nodes and the edges between them, in driving order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Who sent it and when.
    #[serde(flatten)]
    pub header: Header,
    /// Constant over all updates of one order.
    pub order_id: String,
    /// Rises with every update.
    #[serde(deserialize_with = "lenient::u32")]
    pub order_update_id: u32,
    /// Zone set the robot shall use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_set_id: Option<String>,
    /// At least one node.
    pub nodes: Vec<Node>,
    /// One edge less than nodes.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub edges: Vec<Edge>,
}

/// A place to pass or stop at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Id on the layout.
    pub node_id: String,
    /// Even, shared with edges, fixed over the updates of one order.
    #[serde(deserialize_with = "lenient::u32")]
    pub sequence_id: u32,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_description: Option<String>,
    /// True in the base, false in the horizon.
    pub released: bool,
    /// Where it is; robots with their own map don't need it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_position: Option<NodePosition>,
    /// What to do there, in order.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub actions: Vec<Action>,
}

impl Node {
    /// A node without position and actions.
    #[must_use]
    pub fn new(node_id: impl Into<String>, sequence_id: u32, released: bool) -> Self {
        Self { node_id: node_id.into(), sequence_id, released, ..Self::default() }
    }
}

/// A pose on a map with the deviation allowed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePosition {
    /// Metres.
    pub x: f64,
    /// Metres.
    pub y: f64,
    /// Radians, -pi to pi.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theta: Option<f64>,
    /// Metres, radius of the circle that counts as the node.
    #[serde(
        rename = "allowedDeviationXY",
        alias = "allowedDeviationXy",
        skip_serializing_if = "Option::is_none"
    )]
    pub allowed_deviation_xy: Option<f64>,
    /// Radians.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_deviation_theta: Option<f64>,
    /// The map; empty when a robot leaves it out of its state.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub map_id: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_description: Option<String>,
}

/// A way from one node to the next.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// Id on the layout.
    pub edge_id: String,
    /// Odd, shared with nodes.
    #[serde(deserialize_with = "lenient::u32")]
    pub sequence_id: u32,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge_description: Option<String>,
    /// True in the base; only if both ends are.
    pub released: bool,
    /// Node it starts from.
    pub start_node_id: String,
    /// Node it ends at.
    pub end_node_id: String,
    /// Metres per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_speed: Option<f64>,
    /// Metres, of the robot with its load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_height: Option<f64>,
    /// Metres, of the load handling device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_height: Option<f64>,
    /// Radians, -pi to pi.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<f64>,
    /// `GLOBAL` or `TANGENTIAL`; free text in the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation_type: Option<String>,
    /// Direction at junctions for line-guided robots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// Whether the robot may turn on the edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_allowed: Option<bool>,
    /// Radians per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rotation_speed: Option<f64>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<f64>,
    /// The exact curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trajectory: Option<Trajectory>,
    /// How far the robot may leave the curve (2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corridor: Option<Corridor>,
    /// What to do on the way.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub actions: Vec<Action>,
}

impl Edge {
    /// An edge without optional fields and actions.
    #[must_use]
    pub fn new(
        edge_id: impl Into<String>,
        sequence_id: u32,
        released: bool,
        start_node_id: impl Into<String>,
        end_node_id: impl Into<String>,
    ) -> Self {
        Self {
            edge_id: edge_id.into(),
            sequence_id,
            released,
            start_node_id: start_node_id.into(),
            end_node_id: end_node_id.into(),
            ..Self::default()
        }
    }
}

/// A NURBS curve.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trajectory {
    /// Degree, 1 at least.
    #[serde(deserialize_with = "lenient::u32")]
    pub degree: u32,
    /// Knots, 0 to 1.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub knot_vector: Vec<f64>,
    /// Control points.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub control_points: Vec<ControlPoint>,
}

/// A point that pulls a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlPoint {
    /// Metres.
    pub x: f64,
    /// Metres.
    pub y: f64,
    /// Pull, 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

wire_enum! {
    /// What the corridor is measured from.
    pub enum CorridorRefPoint {
        /// The robot's kinematic centre.
        KinematicCenter = "KINEMATICCENTER",
        /// The robot's outline.
        Contour = "CONTOUR",
    } strict
}

/// How far a robot may leave an edge to avoid obstacles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Corridor {
    /// Metres to the left.
    pub left_width: f64,
    /// Metres to the right.
    pub right_width: f64,
    /// What the widths are measured from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corridor_ref_point: Option<CorridorRefPoint>,
}
