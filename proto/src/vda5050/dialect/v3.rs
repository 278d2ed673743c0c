//! What 3.0 writes differently from 2.1.0. Inner fields stand before the container that is renamed itself.
//!
//! Read over: zone sets, zone and edge requests, planned and intermediate paths, translations. The action status RETRIABLE
//! reads as one we don't know, neither finished nor failed: no action of ours is sent as retriable. Types of errors are words of
//! the robot and stay as they are.

use serde_json::{Map, Value, json};

use super::Change::{self, Name, OurField, OurWord, Shape, TheirField, TheirWord, Word};
use super::Difference;
use crate::limits::Kind;

const ORDER: &[Kind] = &[Kind::Order];
const STATE: &[Kind] = &[Kind::State];
const POSE: &[Kind] = &[Kind::State, Kind::Visualization];
const INSTANT: &[Kind] = &[Kind::InstantActions];
const CONNECTION: &[Kind] = &[Kind::Connection];
const FACTSHEET: &[Kind] = &[Kind::Factsheet];
const VISUALIZATION: &[Kind] = &[Kind::Visualization];

const fn row(kinds: &'static [Kind], at: &'static str, change: Change) -> Difference {
    Difference { kinds, at, change }
}

pub(super) const DIFFERENCES: &[Difference] = &[
    // Order.
    row(ORDER, "nodes", Name("nodeDescription", "nodeDescriptor")),
    row(ORDER, "nodes.nodePosition", OurField("mapDescription")),
    row(ORDER, "nodes.nodePosition", Shape(circle, ellipse)),
    row(ORDER, "nodes.actions", Name("actionDescription", "actionDescriptor")),
    row(ORDER, "nodes.actions", TheirWord("blockingType", "HARD", "SINGLE")),
    row(ORDER, "nodes.actions", Word("actionType", "initPosition", "initializePosition")),
    row(ORDER, "edges.actions", Name("actionDescription", "actionDescriptor")),
    row(ORDER, "edges.actions", TheirWord("blockingType", "HARD", "SINGLE")),
    row(ORDER, "edges", Name("edgeDescription", "edgeDescriptor")),
    row(ORDER, "edges", Name("maxSpeed", "maximumSpeed")),
    row(ORDER, "edges", Name("maxHeight", "maximumMobileRobotHeight")),
    row(ORDER, "edges", Name("minHeight", "minimumLoadHandlingDeviceHeight")),
    row(ORDER, "edges", OurField("rotationAllowed")),
    row(ORDER, "edges.trajectory", Shape(whole_degree, nothing)),
    row(ORDER, "edges.corridor", Word("corridorRefPoint", "KINEMATICCENTER", "KINEMATIC_CENTER")),
    row(ORDER, "edges.corridor", Name("corridorRefPoint", "corridorReferencePoint")),
    row(ORDER, "", Shape(name_ends, drop_ends)),
    row(ORDER, "", OurField("zoneSetId")),
    // Instant actions.
    row(INSTANT, "actions", Name("actionDescription", "actionDescriptor")),
    row(INSTANT, "actions", Word("actionType", "initPosition", "initializePosition")),
    row(INSTANT, "actions", OurWord("blockingType", "HARD", "NONE")),
    row(INSTANT, "actions", OurWord("blockingType", "SOFT", "NONE")),
    row(INSTANT, "", OurField("instantActions")),
    // Connection.
    row(CONNECTION, "", Word("connectionState", "CONNECTIONBROKEN", "CONNECTION_BROKEN")),
    row(CONNECTION, "", TheirWord("connectionState", "OFFLINE", "HIBERNATING")),
    // State and visualization.
    row(POSE, "agvPosition", Name("positionInitialized", "localized")),
    row(POSE, "agvPosition", OurField("mapDescription")),
    row(POSE, "", Name("agvPosition", "mobileRobotPosition")),
    row(VISUALIZATION, "", TheirField("referenceStateHeaderId", || json!(0))),
    row(STATE, "maps", Name("mapDescription", "mapDescriptor")),
    row(STATE, "nodeStates", Name("nodeDescription", "nodeDescriptor")),
    row(STATE, "nodeStates.nodePosition", OurField("mapDescription")),
    row(STATE, "nodeStates.nodePosition", Shape(circle, ellipse)),
    row(STATE, "edgeStates", Name("edgeDescription", "edgeDescriptor")),
    row(STATE, "edgeStates.trajectory", Shape(whole_degree, nothing)),
    row(STATE, "", OurField("zoneSetId")),
    row(STATE, "actionStates", Name("actionDescription", "actionDescriptor")),
    row(STATE, "actionStates", Name("resultDescription", "actionResult")),
    row(STATE, "actionStates", Word("actionType", "initPosition", "initializePosition")),
    row(STATE, "instantActionStates", Name("actionDescription", "actionDescriptor")),
    row(STATE, "instantActionStates", Name("resultDescription", "actionResult")),
    row(STATE, "instantActionStates", Word("actionType", "initPosition", "initializePosition")),
    row(STATE, "", TheirField("instantActionStates", || json!([]))),
    row(STATE, "", Shape(join_actions, nothing)),
    row(STATE, "batteryState", Name("batteryCharge", "stateOfCharge")),
    row(STATE, "batteryState", Name("reach", "range")),
    row(STATE, "", Name("batteryState", "powerSupply")),
    row(STATE, "safetyState", OurWord("eStop", "AUTOACK", "MANUAL")),
    row(STATE, "safetyState", Name("eStop", "activeEmergencyStop")),
    row(STATE, "", Word("operatingMode", "TEACHIN", "TEACH_IN")),
    row(STATE, "information", Name("infoDescription", "infoDescriptor")),
    // Factsheet.
    row(FACTSHEET, "typeSpecification", Word("agvKinematic", "DIFF", "DIFFERENTIAL")),
    row(FACTSHEET, "typeSpecification", Word("agvKinematic", "OMNI", "OMNIDIRECTIONAL")),
    row(FACTSHEET, "typeSpecification", Word("agvKinematic", "THREEWHEEL", "THREE_WHEEL")),
    row(FACTSHEET, "typeSpecification", Name("agvKinematic", "mobileRobotKinematics")),
    row(FACTSHEET, "typeSpecification", Name("agvClass", "mobileRobotClass")),
    row(FACTSHEET, "typeSpecification", Name("maxLoadMass", "maximumLoadMass")),
    row(FACTSHEET, "physicalParameters", Name("speedMin", "minimumSpeed")),
    row(FACTSHEET, "physicalParameters", Name("speedMax", "maximumSpeed")),
    row(FACTSHEET, "physicalParameters", Name("accelerationMax", "maximumAcceleration")),
    row(FACTSHEET, "physicalParameters", Name("decelerationMax", "maximumDeceleration")),
    row(FACTSHEET, "physicalParameters", Name("heightMin", "minimumHeight")),
    row(FACTSHEET, "physicalParameters", TheirField("minimumHeight", || json!(0))),
    row(FACTSHEET, "physicalParameters", Name("heightMax", "maximumHeight")),
    row(FACTSHEET, "protocolLimits.maxStringLens", Name("msgLen", "maximumMessageLength")),
    row(FACTSHEET, "protocolLimits.maxStringLens", Name("topicSerialLen", "maximumTopicSerialLength")),
    row(FACTSHEET, "protocolLimits.maxStringLens", Name("topicElemLen", "maximumTopicElementLength")),
    row(FACTSHEET, "protocolLimits.maxStringLens", Name("idLen", "maximumIdLength")),
    row(FACTSHEET, "protocolLimits.maxStringLens", Name("loadIdLen", "maximumLoadIdLength")),
    row(FACTSHEET, "protocolLimits.maxStringLens", OurField("enumLen")),
    row(FACTSHEET, "protocolLimits.timing", Name("minOrderInterval", "minimumOrderInterval")),
    row(FACTSHEET, "protocolLimits.timing", Name("minStateInterval", "minimumStateInterval")),
    row(FACTSHEET, "protocolLimits", Name("maxStringLens", "maximumStringLengths")),
    row(FACTSHEET, "protocolLimits", Name("maxArrayLens", "maximumArrayLengths")),
    row(FACTSHEET, "protocolFeatures.optionalParameters", Shape(name_parameter, rename_parameter)),
    row(
        FACTSHEET,
        "protocolFeatures.agvActions.actionParameters",
        OurWord("valueDataType", "FLOAT", "NUMBER"),
    ),
    row(FACTSHEET, "protocolFeatures.agvActions", Word("actionType", "initPosition", "initializePosition")),
    row(FACTSHEET, "protocolFeatures.agvActions", Name("resultDescription", "actionResult")),
    row(FACTSHEET, "protocolFeatures.agvActions", TheirField("pauseAllowed", || json!(true))),
    row(FACTSHEET, "protocolFeatures.agvActions", TheirField("cancelAllowed", || json!(true))),
    row(FACTSHEET, "protocolFeatures", Name("agvActions", "mobileRobotActions")),
    row(FACTSHEET, "agvGeometry.envelopes2d", Name("set", "envelope2dId")),
    row(FACTSHEET, "agvGeometry.envelopes2d", Name("polygonPoints", "vertices")),
    row(FACTSHEET, "agvGeometry.envelopes3d", Name("set", "envelope3dId")),
    row(FACTSHEET, "", Name("agvGeometry", "mobileRobotGeometry")),
    row(FACTSHEET, "loadSpecification.loadSets", Name("maxWeight", "maximumWeight")),
    row(FACTSHEET, "loadSpecification.loadSets", Name("agvSpeedLimit", "maximumSpeed")),
    row(FACTSHEET, "loadSpecification.loadSets", Name("agvAccelerationLimit", "maximumAcceleration")),
    row(FACTSHEET, "loadSpecification.loadSets", Name("agvDecelerationLimit", "maximumDeceleration")),
    row(FACTSHEET, "", Name("vehicleConfig", "mobileRobotConfiguration")),
];

type Object = Map<String, Value>;

fn nothing(_: &mut Object) {}

/// The smaller axis of an ellipse: a robot within it is within the ellipse.
fn circle(position: &mut Object) {
    let axis = |key: &str| position.get("allowedDeviationXY")?.get(key)?.as_f64();
    if let (Some(a), Some(b)) = (axis("a"), axis("b")) {
        position.insert("allowedDeviationXY".to_owned(), json!(a.min(b)));
    }
}

fn ellipse(position: &mut Object) {
    if let Some(deviation) = position.get_mut("allowedDeviationXY").filter(|it| it.is_number()) {
        *deviation = json!({ "a": deviation, "b": deviation, "theta": 0.0 });
    }
}

/// 3.0 lets a trajectory's degree of 1 and its knots be left out.
fn whole_degree(trajectory: &mut Object) {
    trajectory.entry("degree").or_insert_with(|| json!(1));
}

/// An edge leads from the node before it in the list to the one after; where there is none, from or to no name.
fn name_ends(order: &mut Object) {
    let nodes = order.get("nodes").and_then(Value::as_array).into_iter().flatten();
    let nodes: Vec<Value> = nodes.map(|node| node.get("nodeId").cloned().unwrap_or_default()).collect();
    let node = |index: usize| nodes.get(index).cloned().unwrap_or_else(|| json!(""));
    let edges = order.get_mut("edges").and_then(Value::as_array_mut).into_iter().flatten();
    for (index, edge) in edges.enumerate() {
        if let Some(edge) = edge.as_object_mut() {
            edge.insert("startNodeId".to_owned(), node(index));
            edge.insert("endNodeId".to_owned(), node(index + 1));
        }
    }
}

fn drop_ends(order: &mut Object) {
    for edge in order.get_mut("edges").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(edge) = edge.as_object_mut() {
            edge.remove("startNodeId");
            edge.remove("endNodeId");
        }
    }
}

/// One list of actions, whatever they came by. The writer splits them (`State::to_value`).
fn join_actions(state: &mut Object) {
    for key in ["instantActionStates", "zoneActionStates"] {
        let more = state.remove(key);
        let all = state.get_mut("actionStates").and_then(Value::as_array_mut);
        if let (Some(Value::Array(more)), Some(all)) = (more, all) {
            all.extend(more);
        }
    }
}

/// Names of fields within the name of an optional parameter: model's, theirs.
const PARAMETERS: &[(&str, &str)] = &[
    (".maxSpeed", ".maximumSpeed"),
    (".maxHeight", ".maximumMobileRobotHeight"),
    (".minHeight", ".minimumLoadHandlingDeviceHeight"),
];

fn name_parameter(parameter: &mut Object) {
    PARAMETERS.iter().for_each(|(ours, theirs)| rename_end(parameter, theirs, ours));
}

fn rename_parameter(parameter: &mut Object) {
    PARAMETERS.iter().for_each(|(ours, theirs)| rename_end(parameter, ours, theirs));
}

fn rename_end(parameter: &mut Object, from: &str, to: &str) {
    let name = parameter.get("parameter").and_then(Value::as_str);
    if let Some(path) = name.and_then(|name| name.strip_suffix(from)).map(|path| format!("{path}{to}")) {
        parameter.insert("parameter".to_owned(), json!(path));
    }
}
