//! LIF 1.0 (VDMA Layout Interchange Format, September 2023) as words: what we read of it and what we write.
//!
//! Reading is tolerant: unknown fields are ignored, fields the schema requires but nothing depends on may be missing.
//! Lengths are metres, angles radians, speeds m/s, as the standard has them.

use serde::{Deserialize, Serialize};

/// A whole LIF file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Who wrote it and in which version of the format.
    #[serde(default)]
    pub meta_information: MetaInformation,
    /// One per level or part of the site.
    pub layouts: Vec<LayoutPart>,
}

/// Who wrote the file, when, and in which version of the format.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetaInformation {
    /// Name of the project.
    pub project_identification: String,
    /// Who made the file.
    pub creator: String,
    /// ISO 8601, UTC.
    pub export_timestamp: String,
    /// Version of LIF, e.g. `1.0.0`.
    pub lif_version: String,
}

/// One `layouts[]` entry: a level, or a part of one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LayoutPart {
    /// Unique id of this part.
    pub layout_id: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout_name: Option<String>,
    /// Counts up with each change.
    pub layout_version: String,
    /// The floor it lies on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout_level_id: Option<String>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Edges.
    pub edges: Vec<Edge>,
    /// Stations.
    pub stations: Vec<Station>,
}

/// A LIF node.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Unique in the file.
    pub node_id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The robots' map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_id: Option<String>,
    /// Where it is, metres.
    pub node_position: Position,
    /// Which vehicle types may use it.
    #[serde(default)]
    pub vehicle_type_node_properties: Vec<NodeProperty>,
}

/// A point in metres.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Position {
    /// Metres east.
    pub x: f64,
    /// Metres north.
    pub y: f64,
}

/// A vehicle type's leave to use a node.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeProperty {
    /// The vehicle type.
    pub vehicle_type_id: String,
    /// Orientation there, radians in [-pi, pi].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theta: Option<f64>,
}

/// A LIF edge: directed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// Unique in the file.
    pub edge_id: String,
    /// Where it starts.
    pub start_node_id: String,
    /// Where it ends.
    pub end_node_id: String,
    /// Which vehicle types may use it, and how.
    #[serde(default)]
    pub vehicle_type_edge_properties: Vec<EdgeProperty>,
}

/// A vehicle type's leave to use an edge.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EdgeProperty {
    /// The vehicle type.
    pub vehicle_type_id: String,
    /// Orientation on the edge, radians in [-pi, pi].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle_orientation: Option<f64>,
    /// Whether the vehicle may turn while on the edge.
    pub rotation_allowed: bool,
    /// Speed limit, m/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_speed: Option<f64>,
    /// Whether it may be used loaded and unloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_restriction: Option<LoadRestriction>,
    /// A curve; a straight line without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trajectory: Option<Trajectory>,
}

/// Whether an edge may be used with and without a load.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default)]
pub struct LoadRestriction {
    /// May be used without a load.
    pub unloaded: bool,
    /// May be used with a load.
    pub loaded: bool,
}

impl Default for LoadRestriction {
    fn default() -> Self {
        Self { unloaded: true, loaded: true }
    }
}

/// A NURBS curve.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Trajectory {
    /// Degree of the curve, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degree: Option<f64>,
    /// As many as control points + degree + 1.
    pub knot_vector: Vec<f64>,
    /// The polygon that the curve stays inside of.
    pub control_points: Vec<Position>,
}

/// A LIF station.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Station {
    /// Unique in the file.
    pub station_id: String,
    /// Any one of these nodes is the station.
    #[serde(default)]
    pub interaction_node_ids: Vec<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station_name: Option<String>,
    /// Where to draw it, metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station_position: Option<Position>,
}
