//! What a robot is: who, how big, how fast, where it begins. Units stand at the end of each name.

use drover_proto::vda5050::{Dialect, Topic, TopicKind};
use std::collections::BTreeMap;

/// How long the simulated drive takes for an action type that `Spec::action_ms` doesn't name.
pub const ACTION_MS_DEFAULT: u32 = 1_000;
/// The version of a map that nobody names one for.
pub const MAP_VERSION_DEFAULT: &str = "1";

/// The three topic levels that name a robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Topic prefix, `uagv` as a rule.
    pub interface: String,
    /// Manufacturer, as in the topic and in every header.
    pub manufacturer: String,
    /// Serial number, as in the topic and in every header.
    pub serial: String,
}

impl Identity {
    /// One of its topics.
    pub fn topic(&self, dialect: Dialect, kind: TopicKind) -> String {
        Topic::of(dialect, &self.interface, &self.manufacturer, &self.serial, kind).to_string()
    }
}

/// A battery's size and what fills and empties it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatterySpec {
    /// Energy when full, watt hours.
    pub capacity_wh: u32,
    /// Power while driving or turning, watts.
    pub drive_w: u32,
    /// Power while standing, watts.
    pub idle_w: u32,
    /// Net power while charging, watts.
    pub charge_w: u32,
}

/// A robot's kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Type name, the factsheet's `seriesName`.
    pub name: String,
    /// Outer length, millimetres.
    pub length_mm: u32,
    /// Outer width, millimetres.
    pub width_mm: u32,
    /// Highest speed, millimetres per second; at least 1.
    pub speed_mm_s: u32,
    /// Acceleration and braking, millimetres per second squared; at least 1.
    pub accel_mm_s2: u32,
    /// Turning rate, thousandths of a degree per second; at least 1.
    pub turn_mdeg_s: u32,
    /// `None`: never empty.
    pub battery: Option<BatterySpec>,
    /// How long the simulated drive takes, by action type; else [`ACTION_MS_DEFAULT`].
    /// A numeric action parameter `duration` (seconds) goes first.
    pub action_ms: BTreeMap<String, u32>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            length_mm: 900,
            width_mm: 600,
            speed_mm_s: 1_500,
            accel_mm_s2: 800,
            turn_mdeg_s: 90_000,
            battery: None,
            action_ms: BTreeMap::from([("pick".to_owned(), 4_000), ("drop".to_owned(), 4_000)]),
        }
    }
}

/// Where and how a robot begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The node it stands on; empty if none.
    pub node_id: String,
    /// Map of the pose.
    pub map_id: String,
    /// Metres.
    pub x_m: f64,
    /// Metres.
    pub y_m: f64,
    /// Radians, 0 = +x, counter-clockwise.
    pub theta_rad: f64,
    /// State of charge, 0 to 1000.
    pub charge_permille: u16,
}

/// A place and a direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pose {
    /// Map of the coordinates.
    pub map_id: String,
    /// Metres.
    pub x_m: f64,
    /// Metres.
    pub y_m: f64,
    /// Radians, -pi to pi, 0 = +x, counter-clockwise.
    pub theta_rad: f64,
}

/// A version of a map on the robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMap {
    /// Which map.
    pub map_id: String,
    /// Which version of it.
    pub map_version: String,
}

impl StoredMap {
    /// The map in [`MAP_VERSION_DEFAULT`].
    pub fn new(map_id: impl Into<String>) -> Self {
        Self { map_id: map_id.into(), map_version: MAP_VERSION_DEFAULT.to_owned() }
    }
}

/// How the protocol machine behaves where the standard leaves a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The major version it speaks, in topics, headers and bodies.
    pub dialect: Dialect,
    /// Action types the robot knows.
    pub actions: Vec<String>,
    /// Maps on the robot when it starts, the first version of each enabled. That of its start is there anyway.
    pub maps: Vec<StoredMap>,
    /// Virtual robots carry out any action type by waiting.
    pub accept_any_action: bool,
    /// A state is sent at the latest this often, milliseconds; the standard's limit is 30,000.
    pub state_interval_ms: u64,
    /// `visualization` is sent this often while driving; `None`: never.
    pub visualization_interval_ms: Option<u64>,
    /// A first node this near is in reach when the order names no deviation, millimetres.
    pub reach_mm: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dialect: Dialect::V2,
            actions: ["pick", "drop", "startCharging", "stopCharging"].map(str::to_owned).to_vec(),
            maps: Vec::new(),
            accept_any_action: false,
            state_interval_ms: 30_000,
            visualization_interval_ms: None,
            reach_mm: 200,
        }
    }
}
