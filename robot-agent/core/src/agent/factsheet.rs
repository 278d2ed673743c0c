//! What a robot says it can do: its size and speed, and what it takes of the protocol.
//!
//! Every limit stands here by the name under which it is kept; none is promised that isn't.

use super::check::{ACTIONS_MAX, ID_CHARS_MAX, NODES_MAX, PARAMETERS_MAX, WORD_CHARS_MAX};
use super::fields::{CONTROL_POINTS_MAX, KNOTS_MAX, SPEED_LEAST_M_S, followed};
use super::instant::MESSAGE_MAX;
use super::{Agent, catalogue};
use crate::drive::Drive;
use crate::spec::{Options, Spec};
use drover_proto::limits::Kind;
use drover_proto::vda5050::{
    AgvClass, AgvGeometry, AgvKinematic, Envelope2d, Factsheet, LoadSpecification, MaxArrayLens,
    MaxStringLens, PhysicalParameters, PolygonPoint, ProtocolFeatures, ProtocolLimits, Timing, TopicKind,
    TypeSpecification,
};

impl<D: Drive> Agent<D> {
    pub(super) fn factsheet(&mut self) -> Factsheet {
        Factsheet {
            header: self.next_header(TopicKind::Factsheet),
            type_specification: Some(kind(&self.spec)),
            physical_parameters: Some(physical(&self.spec)),
            protocol_limits: Some(limits(&self.options)),
            protocol_features: Some(ProtocolFeatures {
                optional_parameters: followed(),
                agv_actions: catalogue::listed(&self.options, self.drive.abilities()),
            }),
            agv_geometry: Some(geometry(&self.spec)),
            load_specification: Some(LoadSpecification::default()),
            ..Factsheet::default()
        }
    }
}

fn kind(spec: &Spec) -> TypeSpecification {
    TypeSpecification {
        series_name: spec.name.clone(),
        agv_kinematic: AgvKinematic::Diff,
        agv_class: AgvClass::Carrier,
        localization_types: vec!["NATURAL".to_owned()],
        navigation_types: vec!["VIRTUAL_LINE_GUIDED".to_owned()],
        ..TypeSpecification::default()
    }
}

fn physical(spec: &Spec) -> PhysicalParameters {
    let accel = metres(spec.accel_mm_s2);
    PhysicalParameters {
        speed_min: Some(SPEED_LEAST_M_S),
        speed_max: Some(metres(spec.speed_mm_s)),
        acceleration_max: Some(accel),
        deceleration_max: Some(accel),
        height_min: None,
        height_max: Some(2.0),
        width: Some(metres(spec.width_mm)),
        length: Some(metres(spec.length_mm)),
    }
}

/// The outline around the point that follows the way.
fn geometry(spec: &Spec) -> AgvGeometry {
    let (x, y) = (metres(spec.length_mm) / 2.0, metres(spec.width_mm) / 2.0);
    let corners = [(x, y), (-x, y), (-x, -y), (x, -y)].map(|(x, y)| PolygonPoint { x, y });
    let outline =
        Envelope2d { set: "outline".to_owned(), polygon_points: corners.to_vec(), description: None };
    AgvGeometry { envelopes_2d: vec![outline], ..AgvGeometry::default() }
}

fn limits(options: &Options) -> ProtocolLimits {
    let count = |value: usize| Some(value as u64);
    let seconds = |ms: u64| ms as f64 / 1_000.0;
    // The parser's limits for the two topics a robot reads; the smaller holds for both.
    let bytes = [Kind::Order, Kind::InstantActions].map(|kind| kind.limits().bytes_max);
    ProtocolLimits {
        max_string_lens: MaxStringLens {
            msg_len: bytes.into_iter().min().and_then(count),
            id_len: count(ID_CHARS_MAX),
            enum_len: count(WORD_CHARS_MAX),
            id_numerical_only: Some(false),
            ..MaxStringLens::default()
        },
        max_array_lens: MaxArrayLens {
            order_nodes: count(NODES_MAX),
            order_edges: count(NODES_MAX - 1),
            node_actions: count(ACTIONS_MAX),
            edge_actions: count(ACTIONS_MAX),
            action_parameters: count(PARAMETERS_MAX),
            instant_actions: count(MESSAGE_MAX),
            trajectory_knots: count(KNOTS_MAX),
            trajectory_control_points: count(CONTROL_POINTS_MAX),
        },
        timing: Timing {
            min_order_interval: Some(0.0),
            min_state_interval: Some(0.0),
            default_state_interval: Some(seconds(options.state_interval_ms)),
            visualization_interval: options.visualization_interval_ms.map(seconds),
        },
    }
}

fn metres(mm: u32) -> f64 {
    f64::from(mm) / 1_000.0
}
