//! Topic `factsheet`: what a robot can do. Many robots send `{}` or nulls, so everything has a default and
//! the fleet merges it with what the site's configuration says.

use serde::{Deserialize, Serialize};

use super::lenient::{self, wire_enum};
use super::{BlockingType, BoundingBoxReference, Header, LoadDimensions};

/// What a robot can do. An absent part is `None`: nothing is known.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Factsheet {
    /// Who sent it and when.
    #[serde(flatten)]
    pub header: Header,
    /// Class and kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_specification: Option<TypeSpecification>,
    /// Speeds and size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physical_parameters: Option<PhysicalParameters>,
    /// Longest messages, lists and strings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_limits: Option<ProtocolLimits>,
    /// Optional parameters and actions it supports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_features: Option<ProtocolFeatures>,
    /// Outline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agv_geometry: Option<AgvGeometry>,
    /// Loads it can carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_specification: Option<LoadSpecification>,
    /// Software versions and network, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle_config: Option<serde_json::Value>,
}

/// Class and kind of a robot.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeSpecification {
    /// Series.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub series_name: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series_description: Option<String>,
    /// How it steers.
    #[serde(default)]
    pub agv_kinematic: AgvKinematic,
    /// How it carries.
    #[serde(default)]
    pub agv_class: AgvClass,
    /// Kilograms.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub max_load_mass: f64,
    /// How it knows where it is, e.g. `NATURAL`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub localization_types: Vec<String>,
    /// How it finds its way, e.g. `VIRTUAL_LINE_GUIDED`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub navigation_types: Vec<String>,
}

wire_enum! {
    /// How a robot steers.
    #[derive(Default)]
    pub enum AgvKinematic {
        /// Differential drive: turns on the spot.
        Diff = "DIFF",
        /// Moves in every direction.
        Omni = "OMNI",
        /// Three wheels: can't turn on the spot.
        ThreeWheel = "THREEWHEEL",
        /// Not said, or a word we don't know.
        #[default]
        Unknown = "UNKNOWN",
    } else Unknown
}

wire_enum! {
    /// How a robot carries.
    #[derive(Default)]
    pub enum AgvClass {
        /// Forks.
        Forklift = "FORKLIFT",
        /// A conveyor on top.
        Conveyor = "CONVEYOR",
        /// Pulls trailers.
        Tugger = "TUGGER",
        /// Lifts from below.
        Carrier = "CARRIER",
        /// Not said, or a word we don't know.
        #[default]
        Unknown = "UNKNOWN",
    } else Unknown
}

/// Speeds and size. The schema wants all but `height_min`; a robot may still leave out any.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhysicalParameters {
    /// Metres per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_min: Option<f64>,
    /// Metres per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_max: Option<f64>,
    /// Metres per second squared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceleration_max: Option<f64>,
    /// Metres per second squared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deceleration_max: Option<f64>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height_min: Option<f64>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height_max: Option<f64>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<f64>,
}

/// What the robot can take.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProtocolLimits {
    /// Longest strings.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub max_string_lens: MaxStringLens,
    /// Longest lists.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub max_array_lens: MaxArrayLens,
    /// Intervals between messages.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub timing: Timing,
}

/// Longest strings in characters; absent or 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MaxStringLens {
    /// Whole message, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_len: Option<u64>,
    /// Serial number in topics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_serial_len: Option<u64>,
    /// Other levels of topics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_elem_len: Option<u64>,
    /// Ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_len: Option<u64>,
    /// True when ids must be digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_numerical_only: Option<bool>,
    /// Enum words and keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enum_len: Option<u64>,
    /// Load ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_id_len: Option<u64>,
}

/// Longest lists; absent or 0 is no limit. Only those of messages we send are typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MaxArrayLens {
    /// Nodes of an order.
    #[serde(rename = "order.nodes", skip_serializing_if = "Option::is_none")]
    pub order_nodes: Option<u64>,
    /// Edges of an order.
    #[serde(rename = "order.edges", skip_serializing_if = "Option::is_none")]
    pub order_edges: Option<u64>,
    /// Actions of a node.
    #[serde(rename = "node.actions", skip_serializing_if = "Option::is_none")]
    pub node_actions: Option<u64>,
    /// Actions of an edge.
    #[serde(rename = "edge.actions", skip_serializing_if = "Option::is_none")]
    pub edge_actions: Option<u64>,
    /// Parameters of an action.
    #[serde(rename = "actions.actionsParameters", skip_serializing_if = "Option::is_none")]
    pub action_parameters: Option<u64>,
    /// Actions of one instantActions message.
    #[serde(rename = "instantActions", skip_serializing_if = "Option::is_none")]
    pub instant_actions: Option<u64>,
    /// Knots of a trajectory.
    #[serde(rename = "trajectory.knotVector", skip_serializing_if = "Option::is_none")]
    pub trajectory_knots: Option<u64>,
    /// Control points of a trajectory.
    #[serde(rename = "trajectory.controlPoints", skip_serializing_if = "Option::is_none")]
    pub trajectory_control_points: Option<u64>,
}

/// Intervals between messages, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// Shortest between two orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_order_interval: Option<f64>,
    /// Shortest between two states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_state_interval: Option<f64>,
    /// Usual between two states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_state_interval: Option<f64>,
    /// Usual between two visualizations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visualization_interval: Option<f64>,
}

/// Optional parameters and actions a robot supports.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProtocolFeatures {
    /// Optional parameters it supports or requires.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub optional_parameters: Vec<OptionalParameter>,
    /// Actions it supports.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub agv_actions: Vec<AgvAction>,
}

impl ProtocolFeatures {
    /// True when the robot takes the optional parameter, e.g. `order.nodes.nodePosition.theta`.
    #[must_use]
    pub fn supports(&self, parameter: &str) -> bool {
        self.optional_parameters.iter().any(|optional| match optional.support {
            Support::Supported | Support::Required => optional.parameter == parameter,
            Support::Unknown => false,
        })
    }
}

/// An optional parameter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OptionalParameter {
    /// Full name, e.g. `order.nodes.nodePosition.allowedDeviationTheta`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub parameter: String,
    /// Supported or required.
    #[serde(default)]
    pub support: Support,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

wire_enum! {
    /// Whether an optional parameter may or must be sent.
    #[derive(Default)]
    pub enum Support {
        /// May be sent.
        Supported = "SUPPORTED",
        /// Must be sent.
        Required = "REQUIRED",
        /// A word we don't know: better not sent.
        #[default]
        Unknown = "UNKNOWN",
    } else Unknown
}

/// An action a robot supports.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgvAction {
    /// Kind of action.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub action_type: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_description: Option<String>,
    /// Where it may be used.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub action_scopes: Vec<ActionScope>,
    /// Its parameters.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub action_parameters: Vec<ActionParameterSpec>,
    /// What its result says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_description: Option<String>,
    /// Blocking types it may have; the schema wants the field to be absent or a list.
    #[serde(default, deserialize_with = "known_blocking_types", skip_serializing_if = "Vec::is_empty")]
    pub blocking_types: Vec<BlockingType>,
}

wire_enum! {
    /// Where an action may be used.
    pub enum ActionScope {
        /// In instantActions.
        Instant = "INSTANT",
        /// At a node.
        Node = "NODE",
        /// On an edge.
        Edge = "EDGE",
        /// A word we don't know.
        Unknown = "UNKNOWN",
    } else Unknown
}

/// A parameter of an action a robot supports.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionParameterSpec {
    /// Name.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub key: String,
    /// `BOOL`, `NUMBER`, `INTEGER`, `FLOAT`, `STRING`, `OBJECT` or `ARRAY`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub value_data_type: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// True when it may be left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_optional: Option<bool>,
}

/// Outline of a robot.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgvGeometry {
    /// Wheels, as sent.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub wheel_definitions: Vec<serde_json::Value>,
    /// Outlines from above.
    #[serde(
        rename = "envelopes2d",
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub envelopes_2d: Vec<Envelope2d>,
    /// Bodies.
    #[serde(
        rename = "envelopes3d",
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub envelopes_3d: Vec<Envelope3d>,
}

/// An outline from above, in the robot's frame.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope2d {
    /// Name, e.g. `Mode1`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub set: String,
    /// Corners.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub polygon_points: Vec<PolygonPoint>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A corner, metres.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PolygonPoint {
    /// Metres.
    pub x: f64,
    /// Metres.
    pub y: f64,
}

/// A body in the format the robot likes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope3d {
    /// Name.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub set: String,
    /// Format, e.g. `DXF`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub format: String,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
    /// Where the body is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Loads a robot can carry.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadSpecification {
    /// Places on the robot.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub load_positions: Vec<String>,
    /// Kinds of load.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub load_sets: Vec<LoadSet>,
}

/// A kind of load.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadSet {
    /// Name, e.g. `DEFAULT`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub set_name: String,
    /// Type, e.g. `EPAL`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub load_type: String,
    /// Places it may be on.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub load_positions: Vec<String>,
    /// Where its bounding box is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box_reference: Option<BoundingBoxReference>,
    /// Its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_dimensions: Option<LoadDimensions>,
    /// Kilograms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_weight: Option<f64>,
    /// Metres per second with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agv_speed_limit: Option<f64>,
    /// Metres per second squared with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agv_acceleration_limit: Option<f64>,
    /// Metres per second squared with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agv_deceleration_limit: Option<f64>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pick_time: Option<f64>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_time: Option<f64>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Reads a list of blocking types, leaving out what isn't one (3.0 adds SINGLE).
fn known_blocking_types<'de, D>(deserializer: D) -> Result<Vec<BlockingType>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let words = Option::<Vec<serde_json::Value>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(words.iter().filter_map(|word| BlockingType::from_word(word.as_str()?)).collect())
}
