//! Names every number of a message, so that a parser can refuse those that would overflow behind it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::Kind;

use super::{
    ActionState, AgvPosition, BoundingBoxReference, Header, Load, LoadDimensions, LoadSet, Velocity,
};
use super::{
    Connection, ControlPoint, Corridor, Edge, Factsheet, InstantActions, NodePosition, Order, State,
    Trajectory, Visualization,
};

/// Called with the name and the value of each number.
type Each<'a> = &'a mut dyn FnMut(&'static str, f64);

/// A VDA 5050 message as the parsers see it: one of the six topics'.
pub trait Message: Serialize + DeserializeOwned {
    /// Which limits it has.
    const KIND: Kind;
    /// Its header.
    fn header(&self) -> &Header;
    /// Calls `each` with every typed number.
    fn numbers(&self, each: Each<'_>);
    /// As a tree of the model's names, with what only later majors say.
    fn to_value(&self) -> serde_json::Value {
        // Only a map with keys that aren't strings could fail, and no message has one.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Message for State {
    const KIND: Kind = Kind::State;

    fn header(&self) -> &Header {
        &self.header
    }

    fn numbers(&self, each: Each<'_>) {
        option(each, "distanceSinceLastNode", self.distance_since_last_node);
        self.node_states.iter().filter_map(|n| n.node_position.as_ref()).for_each(|p| position(each, p));
        self.edge_states.iter().filter_map(|e| e.trajectory.as_ref()).for_each(|t| trajectory(each, t));
        self.agv_position.iter().for_each(|p| pose(each, p));
        self.velocity.iter().for_each(|v| velocity(each, v));
        self.loads.iter().flatten().for_each(|l| load(each, l));
        each("batteryState.batteryCharge", self.battery_state.battery_charge);
        option(each, "batteryState.batteryVoltage", self.battery_state.battery_voltage);
        option(each, "batteryState.batteryHealth", self.battery_state.battery_health);
        option(each, "batteryState.reach", self.battery_state.reach);
    }

    fn to_value(&self) -> serde_json::Value {
        let (instant, of_order) = self.action_states.iter().cloned().partition(|action| action.is_instant);
        let instant: Vec<ActionState> = instant;
        let state = Self { action_states: of_order, ..self.clone() };
        with("instantActionStates", &instant, &state)
    }
}

impl Message for Order {
    const KIND: Kind = Kind::Order;

    fn header(&self) -> &Header {
        &self.header
    }

    fn numbers(&self, each: Each<'_>) {
        self.nodes.iter().filter_map(|n| n.node_position.as_ref()).for_each(|p| position(each, p));
        self.edges.iter().for_each(|e| edge(each, e));
    }
}

impl Message for InstantActions {
    const KIND: Kind = Kind::InstantActions;

    fn header(&self) -> &Header {
        &self.header
    }

    fn numbers(&self, _: Each<'_>) {}
}

impl Message for Connection {
    const KIND: Kind = Kind::Connection;

    fn header(&self) -> &Header {
        &self.header
    }

    fn numbers(&self, _: Each<'_>) {}
}

impl Message for Visualization {
    const KIND: Kind = Kind::Visualization;

    fn header(&self) -> &Header {
        &self.header
    }

    fn numbers(&self, each: Each<'_>) {
        self.agv_position.iter().for_each(|p| pose(each, p));
        self.velocity.iter().for_each(|v| velocity(each, v));
    }

    fn to_value(&self) -> serde_json::Value {
        with("referenceStateHeaderId", &self.reference_state_header_id, self)
    }
}

impl Message for Factsheet {
    const KIND: Kind = Kind::Factsheet;

    fn header(&self) -> &Header {
        &self.header
    }

    fn numbers(&self, each: Each<'_>) {
        self.type_specification.iter().for_each(|t| each("typeSpecification.maxLoadMass", t.max_load_mass));
        if let Some(physical) = &self.physical_parameters {
            option(each, "physicalParameters.speedMin", physical.speed_min);
            option(each, "physicalParameters.speedMax", physical.speed_max);
            option(each, "physicalParameters.accelerationMax", physical.acceleration_max);
            option(each, "physicalParameters.decelerationMax", physical.deceleration_max);
            option(each, "physicalParameters.heightMin", physical.height_min);
            option(each, "physicalParameters.heightMax", physical.height_max);
            option(each, "physicalParameters.width", physical.width);
            option(each, "physicalParameters.length", physical.length);
        }
        if let Some(limits) = &self.protocol_limits {
            option(each, "timing.minOrderInterval", limits.timing.min_order_interval);
            option(each, "timing.minStateInterval", limits.timing.min_state_interval);
            option(each, "timing.defaultStateInterval", limits.timing.default_state_interval);
            option(each, "timing.visualizationInterval", limits.timing.visualization_interval);
        }
        let envelopes = self.agv_geometry.iter().flat_map(|geometry| &geometry.envelopes_2d);
        for point in envelopes.flat_map(|envelope| &envelope.polygon_points) {
            each("envelopes2d.polygonPoints.x", point.x);
            each("envelopes2d.polygonPoints.y", point.y);
        }
        self.load_specification.iter().flat_map(|l| &l.load_sets).for_each(|set| load_set(each, set));
    }
}

/// A message and one more member.
fn with(key: &str, member: &impl Serialize, message: &impl Serialize) -> serde_json::Value {
    let mut value = serde_json::to_value(message).unwrap_or_default();
    value[key] = serde_json::to_value(member).unwrap_or_default();
    value
}

fn option(each: Each<'_>, name: &'static str, value: Option<f64>) {
    if let Some(value) = value {
        each(name, value);
    }
}

fn position(each: Each<'_>, position: &NodePosition) {
    each("nodePosition.x", position.x);
    each("nodePosition.y", position.y);
    option(each, "nodePosition.theta", position.theta);
    option(each, "nodePosition.allowedDeviationXY", position.allowed_deviation_xy);
    option(each, "nodePosition.allowedDeviationTheta", position.allowed_deviation_theta);
}

fn pose(each: Each<'_>, pose: &AgvPosition) {
    each("agvPosition.x", pose.x);
    each("agvPosition.y", pose.y);
    each("agvPosition.theta", pose.theta);
    option(each, "agvPosition.localizationScore", pose.localization_score);
    option(each, "agvPosition.deviationRange", pose.deviation_range);
}

fn velocity(each: Each<'_>, velocity: &Velocity) {
    option(each, "velocity.vx", velocity.vx);
    option(each, "velocity.vy", velocity.vy);
    option(each, "velocity.omega", velocity.omega);
}

fn edge(each: Each<'_>, edge: &Edge) {
    option(each, "edge.maxSpeed", edge.max_speed);
    option(each, "edge.maxHeight", edge.max_height);
    option(each, "edge.minHeight", edge.min_height);
    option(each, "edge.orientation", edge.orientation);
    option(each, "edge.maxRotationSpeed", edge.max_rotation_speed);
    option(each, "edge.length", edge.length);
    edge.trajectory.iter().for_each(|t| trajectory(each, t));
    if let Some(Corridor { left_width, right_width, corridor_ref_point: _ }) = &edge.corridor {
        each("corridor.leftWidth", *left_width);
        each("corridor.rightWidth", *right_width);
    }
}

fn trajectory(each: Each<'_>, trajectory: &Trajectory) {
    trajectory.knot_vector.iter().for_each(|knot| each("trajectory.knotVector", *knot));
    for ControlPoint { x, y, weight } in &trajectory.control_points {
        each("trajectory.controlPoints.x", *x);
        each("trajectory.controlPoints.y", *y);
        option(each, "trajectory.controlPoints.weight", *weight);
    }
}

fn load(each: Each<'_>, load: &Load) {
    option(each, "loads.weight", load.weight);
    load.bounding_box_reference.iter().for_each(|reference| bounding_box(each, reference));
    load.load_dimensions.iter().for_each(|size| dimensions(each, size));
}

fn load_set(each: Each<'_>, set: &LoadSet) {
    option(each, "loadSets.maxWeight", set.max_weight);
    option(each, "loadSets.agvSpeedLimit", set.agv_speed_limit);
    option(each, "loadSets.agvAccelerationLimit", set.agv_acceleration_limit);
    option(each, "loadSets.agvDecelerationLimit", set.agv_deceleration_limit);
    option(each, "loadSets.pickTime", set.pick_time);
    option(each, "loadSets.dropTime", set.drop_time);
    set.bounding_box_reference.iter().for_each(|reference| bounding_box(each, reference));
    set.load_dimensions.iter().for_each(|size| dimensions(each, size));
}

fn bounding_box(each: Each<'_>, reference: &BoundingBoxReference) {
    each("boundingBoxReference.x", reference.x);
    each("boundingBoxReference.y", reference.y);
    each("boundingBoxReference.z", reference.z);
    option(each, "boundingBoxReference.theta", reference.theta);
}

fn dimensions(each: Each<'_>, size: &LoadDimensions) {
    each("loadDimensions.length", size.length);
    each("loadDimensions.width", size.width);
    option(each, "loadDimensions.height", size.height);
}
