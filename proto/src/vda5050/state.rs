//! Topic `state`: a robot's full snapshot, the only proof of what it did.

use serde::{Deserialize, Serialize};

use super::lenient::{self, wire_enum};
use super::{Header, NodePosition, Trajectory};

/// Everything a robot says of itself. `State::default()` is an idle robot without order, in AUTOMATIC.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Who sent it and when.
    #[serde(flatten)]
    pub header: Header,
    /// Maps on the robot (2.1).
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<Map>,
    /// Current or last order; empty without one.
    pub order_id: String,
    /// Last update taken over.
    #[serde(deserialize_with = "lenient::u32")]
    pub order_update_id: u32,
    /// Zone set in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_set_id: Option<String>,
    /// Last node reached; empty when there is none.
    pub last_node_id: String,
    /// Its sequence id; 0 is also "none", so look at `last_node_id`.
    #[serde(deserialize_with = "lenient::u32")]
    pub last_node_sequence_id: u32,
    /// True while driving or turning.
    pub driving: bool,
    /// True while paused by button or instant action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// True when the base soon ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_base_request: Option<bool>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_since_last_node: Option<f64>,
    /// Who drives; absent reads as unknown.
    #[serde(default = "OperatingMode::unknown")]
    pub operating_mode: OperatingMode,
    /// Nodes still to be passed, base and horizon. Must be present: empty means "all passed".
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub node_states: Vec<NodeState>,
    /// Edges still to be passed. Must be present.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub edge_states: Vec<EdgeState>,
    /// Pose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agv_position: Option<AgvPosition>,
    /// Speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub velocity: Option<Velocity>,
    /// What it carries: absent is unknown, empty is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loads: Option<Vec<Load>>,
    /// Actions of the order, and instant actions since. Must be present.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub action_states: Vec<ActionState>,
    /// Battery. Must be present.
    pub battery_state: BatteryState,
    /// Active errors.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub errors: Vec<Error>,
    /// For people, never for logic.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub information: Vec<Information>,
    /// Emergency stop and protective field.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub safety_state: SafetyState,
}

/// A map on the robot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Map {
    /// Id.
    pub map_id: String,
    /// Version.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub map_version: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_description: Option<String>,
    /// In use or not.
    pub map_status: MapStatus,
}

wire_enum! {
    /// Whether a map is in use; an unknown word reads as disabled.
    pub enum MapStatus {
        /// In use.
        Enabled = "ENABLED",
        /// Stored.
        Disabled = "DISABLED",
    } else Disabled
}

wire_enum! {
    /// Who drives the robot.
    #[derive(Default)]
    pub enum OperatingMode {
        /// The fleet.
        #[default]
        Automatic = "AUTOMATIC",
        /// The fleet, with speed or steering by a person.
        Semiautomatic = "SEMIAUTOMATIC",
        /// A person.
        Manual = "MANUAL",
        /// A technician.
        Service = "SERVICE",
        /// Someone who teaches it a map.
        Teachin = "TEACHIN",
        /// Nobody yet (3.0).
        Startup = "STARTUP",
        /// A person, for a while; its order is kept (3.0).
        Intervened = "INTERVENED",
        /// A mode we don't know: take it as not ours.
        Unknown = "UNKNOWN",
    } else Unknown
}

impl OperatingMode {
    const fn unknown() -> Self {
        Self::Unknown
    }
}

/// A node still to be passed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeState {
    /// Id on the layout.
    pub node_id: String,
    /// As in the order.
    #[serde(deserialize_with = "lenient::u32")]
    pub sequence_id: u32,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_description: Option<String>,
    /// True in the base.
    pub released: bool,
    /// As in the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_position: Option<NodePosition>,
}

/// An edge still to be passed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgeState {
    /// Id on the layout.
    pub edge_id: String,
    /// As in the order.
    #[serde(deserialize_with = "lenient::u32")]
    pub sequence_id: u32,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge_description: Option<String>,
    /// True in the base.
    pub released: bool,
    /// As in the order, or the robot's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trajectory: Option<Trajectory>,
}

/// Pose on a map.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgvPosition {
    /// Metres.
    pub x: f64,
    /// Metres.
    pub y: f64,
    /// Radians.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub theta: f64,
    /// The map.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub map_id: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_description: Option<String>,
    /// False while the robot doesn't know where it is.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub position_initialized: bool,
    /// 0 (lost) to 1 (sure).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub localization_score: Option<f64>,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation_range: Option<f64>,
}

/// Speed in the robot's own frame.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Velocity {
    /// Metres per second, forwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vx: Option<f64>,
    /// Metres per second, to the left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vy: Option<f64>,
    /// Radians per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omega: Option<f64>,
}

/// Something the robot carries.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// Id; empty when it couldn't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_id: Option<String>,
    /// Type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_type: Option<String>,
    /// Which place on the robot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_position: Option<String>,
    /// Where its bounding box is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box_reference: Option<BoundingBoxReference>,
    /// Its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_dimensions: Option<LoadDimensions>,
    /// Kilograms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// Point of reference of a bounding box, in the robot's frame.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BoundingBoxReference {
    /// Metres.
    pub x: f64,
    /// Metres.
    pub y: f64,
    /// Metres.
    pub z: f64,
    /// Radians.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theta: Option<f64>,
}

/// Size of a load.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadDimensions {
    /// Metres.
    pub length: f64,
    /// Metres.
    pub width: f64,
    /// Metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<f64>,
}

/// How far an action is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionState {
    /// As in the order or the instant action.
    pub action_id: String,
    /// Kind of action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_type: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_description: Option<String>,
    /// How far it is.
    pub action_status: ActionStatus,
    /// What came of it, e.g. the barcode read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_description: Option<String>,
    /// It came by instantActions; 3.0 lists those apart. Not read: nobody asks.
    #[serde(skip)]
    pub is_instant: bool,
}

impl ActionState {
    /// A state without type and result.
    #[must_use]
    pub fn new(action_id: impl Into<String>, action_status: ActionStatus) -> Self {
        Self { action_id: action_id.into(), action_status, ..Self::default() }
    }
}

wire_enum! {
    /// How far an action is.
    #[derive(Default)]
    pub enum ActionStatus {
        /// Not begun.
        #[default]
        Waiting = "WAITING",
        /// Being prepared.
        Initializing = "INITIALIZING",
        /// Running.
        Running = "RUNNING",
        /// Paused. In the document, forgotten in the 2.1.0 schema.
        Paused = "PAUSED",
        /// Done.
        Finished = "FINISHED",
        /// Given up.
        Failed = "FAILED",
        /// A word we don't know: neither finished nor failed.
        Unknown = "UNKNOWN",
    } else Unknown
}

impl ActionStatus {
    /// True once the robot won't work on the action any more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Finished | Self::Failed => true,
            Self::Waiting | Self::Initializing | Self::Running | Self::Paused | Self::Unknown => false,
        }
    }
}

/// Battery.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatteryState {
    /// Percent, 0 to 100.
    pub battery_charge: f64,
    /// Volts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_voltage: Option<f64>,
    /// Percent, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_health: Option<f64>,
    /// True while charging.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub charging: bool,
    /// Metres it can still drive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<f64>,
}

impl Default for BatteryState {
    /// Full and not charging.
    fn default() -> Self {
        Self {
            battery_charge: 100.0,
            battery_voltage: None,
            battery_health: None,
            charging: false,
            reach: None,
        }
    }
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Error {
    /// Kind, e.g. `orderUpdateError`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub error_type: String,
    /// What it is about, e.g. the order id of a rejected order.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub error_references: Vec<Reference>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_hint: Option<String>,
    /// How bad it is; absent reads as fatal.
    #[serde(default)]
    pub error_level: ErrorLevel,
}

impl Error {
    /// An error without references and texts.
    #[must_use]
    pub fn new(error_type: impl Into<String>, error_level: ErrorLevel) -> Self {
        Self {
            error_type: error_type.into(),
            error_references: Vec::new(),
            error_description: None,
            error_hint: None,
            error_level,
        }
    }

    /// The same error with one more reference.
    #[must_use]
    pub fn about(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.error_references.push(Reference { reference_key: key.into(), reference_value: value.into() });
        self
    }

    /// The value of the first reference with this key.
    #[must_use]
    pub fn reference(&self, key: &str) -> Option<&str> {
        let found = self.error_references.iter().find(|reference| reference.reference_key == key)?;
        Some(&found.reference_value)
    }
}

wire_enum! {
    /// How bad an error is; an unknown word reads as fatal.
    #[derive(Default)]
    pub enum ErrorLevel {
        /// The robot goes on.
        Warning = "WARNING",
        /// The robot goes on, and somebody should look at it soon (3.0).
        Urgent = "URGENT",
        /// The robot can't go on with its order, and takes another (3.0).
        Critical = "CRITICAL",
        /// The robot needs a person.
        #[default]
        Fatal = "FATAL",
    } else Fatal
}

/// A key and a value that say what an error or information is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// E.g. `orderId`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub reference_key: String,
    /// Its value; numbers and booleans are read as text.
    #[serde(default, deserialize_with = "lenient::text")]
    pub reference_value: String,
}

/// Something for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Information {
    /// Kind.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub info_type: String,
    /// What it is about.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub info_references: Vec<Reference>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info_description: Option<String>,
    /// For whom.
    #[serde(default)]
    pub info_level: InfoLevel,
}

wire_enum! {
    /// Whom an information is for; an unknown word reads as debugging.
    #[derive(Default)]
    pub enum InfoLevel {
        /// Users.
        Info = "INFO",
        /// Engineers.
        #[default]
        Debug = "DEBUG",
    } else Debug
}

/// Emergency stop and protective field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SafetyState {
    /// Emergency stop.
    #[serde(default = "EStop::manual")]
    pub e_stop: EStop,
    /// True while something is in the protective field.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub field_violation: bool,
}

impl Default for SafetyState {
    /// Nothing wrong.
    fn default() -> Self {
        Self { e_stop: EStop::None, field_violation: false }
    }
}

wire_enum! {
    /// How an emergency stop is acknowledged; an unknown word reads as one that a person must acknowledge.
    pub enum EStop {
        /// By itself.
        AutoAck = "AUTOACK",
        /// By a person at the robot.
        Manual = "MANUAL",
        /// By a person elsewhere.
        Remote = "REMOTE",
        /// There is none.
        None = "NONE",
    } else Manual
}

impl EStop {
    const fn manual() -> Self {
        Self::Manual
    }
}
