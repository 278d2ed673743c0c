//! Optional fields of an order: which the robot follows, and which it can't (2.1.0, 6.6.4.2 and 7.2).
//!
//! A field that it can't follow is grounds to refuse the order. To drive on as if it weren't there would pretend.

use super::check::Rejection;
use super::trouble::Trouble;
use drover_proto::vda5050::{Edge, Node, OptionalParameter, Order, Support, Trajectory};

/// A slower limit than this can't be kept, metres per second.
pub(super) const SPEED_LEAST_M_S: f64 = 0.01;
/// Most control points of a trajectory.
pub(super) const CONTROL_POINTS_MAX: usize = 1_000;
/// Most knots of a trajectory; one of degree 1 has two more than points.
pub(super) const KNOTS_MAX: usize = CONTROL_POINTS_MAX + 2;

/// What is followed, and what there is to say about it.
const FOLLOWED: [(&str, Option<&str>); 10] = [
    ("order.nodes.nodePosition", None),
    ("order.nodes.nodePosition.theta", None),
    ("order.nodes.nodePosition.allowedDeviationXY", None),
    ("order.nodes.nodePosition.allowedDeviationTheta", None),
    ("order.edges.maxSpeed", Some("0.01 m/s at least")),
    ("order.edges.orientation", None),
    ("order.edges.orientationType", Some("GLOBAL or TANGENTIAL")),
    ("order.edges.rotationAllowed", Some("the robot turns on nodes, never on an edge")),
    ("order.edges.trajectory", Some("degree 1, without weights: straight from point to point")),
    ("order.edges.length", Some("not needed: the robot measures the way itself")),
];

pub(super) fn followed() -> Vec<OptionalParameter> {
    let entry = |(parameter, description): (&str, Option<&str>)| OptionalParameter {
        parameter: parameter.to_owned(),
        support: Support::Supported,
        description: description.map(str::to_owned),
    };
    FOLLOWED.map(entry).to_vec()
}

/// The first field that the robot can't follow.
pub(super) fn check(order: &Order) -> Result<(), Rejection> {
    if order.zone_set_id.as_ref().is_some_and(|zones| !zones.is_empty()) {
        return Err(Rejection::new(Trouble::Field, "zoneSetId: the robot has no zone sets; leave it out"));
    }
    // The first node is where the robot is: its place may be left out.
    for node in order.nodes.iter().skip(1) {
        if let Some(why) = fault_of_node(node) {
            return Err(Rejection::new(Trouble::Field, why).about("nodeId", &node.node_id));
        }
    }
    for edge in &order.edges {
        if let Some(why) = fault_of_edge(edge) {
            return Err(Rejection::new(Trouble::Field, why).about("edgeId", &edge.edge_id));
        }
    }
    Ok(())
}

fn fault_of_node(node: &Node) -> Option<String> {
    let is_lost = node.node_position.is_none();
    is_lost.then(|| format!("node {} has no nodePosition; the robot has no map of nodes", node.node_id))
}

fn fault_of_edge(edge: &Edge) -> Option<String> {
    let foreign = [
        ("corridor", edge.corridor.is_some()),
        ("direction", edge.direction.as_ref().is_some_and(|direction| !direction.is_empty())),
        ("maxHeight", edge.max_height.is_some()),
        ("minHeight", edge.min_height.is_some()),
        ("maxRotationSpeed", edge.max_rotation_speed.is_some()),
    ];
    let id = &edge.edge_id;
    if let Some((field, _)) = foreign.iter().find(|(_, is_there)| *is_there) {
        return Some(format!("edge {id}: {field} isn't supported; leave it out"));
    }
    if let Some(speed) = edge.max_speed.filter(|speed| speed.is_nan() || *speed < SPEED_LEAST_M_S) {
        return Some(format!("edge {id}: maxSpeed {speed} is below {SPEED_LEAST_M_S} m/s"));
    }
    let is_known = |kind: &str| kind.starts_with("GLOBAL") || kind.starts_with("TANGENTIAL");
    if let Some(kind) = edge.orientation_type.as_deref().filter(|kind| !is_known(kind)) {
        return Some(format!("edge {id}: orientationType {kind} isn't GLOBAL or TANGENTIAL"));
    }
    let why = edge.trajectory.as_ref().and_then(fault_of_trajectory)?;
    Some(format!("edge {id}: trajectory {why}"))
}

fn fault_of_trajectory(curve: &Trajectory) -> Option<String> {
    let (points, knots) = (curve.control_points.len(), curve.knot_vector.len());
    if curve.degree != 1 {
        return Some(format!("of degree {}; the robot drives degree 1 only", curve.degree));
    }
    if !(2..=CONTROL_POINTS_MAX).contains(&points) || knots > KNOTS_MAX {
        return Some(format!(
            "with {points} points and {knots} knots; 2 to {CONTROL_POINTS_MAX} points, {KNOTS_MAX} knots at most"
        ));
    }
    let is_sound = |value: f64| super::check::is_sound(value);
    if !curve.control_points.iter().all(|point| is_sound(point.x) && is_sound(point.y)) {
        return Some("has a point on no map".to_owned());
    }
    // Exactly: a curve of one weight is the curve without.
    let first = curve.control_points.first()?.weight.unwrap_or(1.0);
    let is_rational = curve.control_points.iter().any(|point| point.weight.unwrap_or(1.0) != first);
    is_rational.then(|| "has weights; the robot drives none".to_owned())
}
