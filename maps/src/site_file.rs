//! `site.toml`: what LIF can't say. All of it is optional; a key we don't know is a finding with its name.

use serde::Deserialize;
use toml::{Table, Value};

use crate::finding::Findings;
use crate::layout::{Battery, OnFailure};
use crate::remedy::Remedy;

/// The file, key by key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SiteFile {
    pub(crate) robot_type: Vec<TypeEntry>,
    pub(crate) robot: Vec<Robot>,
    pub(crate) profile: Vec<Profile>,
    pub(crate) zone: Vec<Zone>,
    pub(crate) charger: Vec<Places>,
    pub(crate) parking: Vec<Places>,
    pub(crate) holding: Vec<Places>,
    pub(crate) device: Vec<Device>,
    pub(crate) sequences: Sequences,
    pub(crate) returns: Returns,
    pub(crate) action: Vec<Action>,
}

/// One `[[robot_type]]`; what is missing keeps the default size and speed.
#[derive(Debug, Deserialize)]
pub(crate) struct TypeEntry {
    pub(crate) vehicle_type: String,
    pub(crate) length_mm: Option<u32>,
    pub(crate) width_mm: Option<u32>,
    pub(crate) speed_mm_s: Option<u32>,
    pub(crate) accel_mm_s2: Option<u32>,
    pub(crate) turn_mdeg_s: Option<u32>,
    pub(crate) capabilities: Option<Vec<String>>,
    pub(crate) battery: Option<Battery>,
}

/// One `[[robot]]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Robot {
    pub(crate) manufacturer: String,
    pub(crate) serial: String,
    #[serde(rename = "type")]
    pub(crate) robot_type: Option<String>,
    pub(crate) profile: Option<String>,
}

/// One `[[profile]]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) manufacturer: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) text_parameters: Option<bool>,
    pub(crate) old_instant_actions: Option<bool>,
    pub(crate) deviation_m: Option<f64>,
    pub(crate) nodes_max: Option<usize>,
    pub(crate) order_interval_s: Option<f64>,
    pub(crate) state_interval_s: Option<f64>,
}

/// One `[[zone]]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Zone {
    pub(crate) id: String,
    pub(crate) temperature: Option<String>,
    #[serde(default)]
    pub(crate) nodes: Vec<String>,
    #[serde(default)]
    pub(crate) polygon: Vec<[f64; 2]>,
    pub(crate) map: Option<String>,
}

/// One `[[charger]]`, `[[parking]]` or `[[holding]]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Places {
    pub(crate) node: Option<String>,
    #[serde(default)]
    pub(crate) nodes: Vec<String>,
}

impl Places {
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.node.iter().chain(&self.nodes)
    }
}

/// One `[[device]]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) edges: Vec<String>,
}

/// `[sequences]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sequences {
    pub(crate) on_failure: OnFailure,
}

/// `[returns]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Returns {
    pub(crate) station: Option<String>,
}

/// One `[[action]]`.
#[derive(Debug, Deserialize)]
pub(crate) struct Action {
    pub(crate) r#type: String,
    #[serde(default)]
    pub(crate) on_failure: Vec<Remedy>,
}

/// The keys of each table; nested tables by their path.
const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "robot_type",
            "robot",
            "profile",
            "zone",
            "charger",
            "parking",
            "holding",
            "device",
            "sequences",
            "returns",
            "action",
        ],
    ),
    (
        "robot_type",
        &[
            "vehicle_type",
            "length_mm",
            "width_mm",
            "speed_mm_s",
            "accel_mm_s2",
            "turn_mdeg_s",
            "capabilities",
            "battery",
        ],
    ),
    (
        "robot_type.battery",
        &["capacity_wh", "drive_w", "idle_w", "charge_w", "low_pct", "critical_pct", "resume_pct"],
    ),
    ("robot", &["manufacturer", "serial", "type", "profile"]),
    (
        "profile",
        &[
            "name",
            "manufacturer",
            "version",
            "interface",
            "text_parameters",
            "old_instant_actions",
            "deviation_m",
            "nodes_max",
            "order_interval_s",
            "state_interval_s",
        ],
    ),
    ("zone", &["id", "temperature", "nodes", "polygon", "map"]),
    ("charger", &["id", "node", "nodes"]),
    ("parking", &["id", "node", "nodes"]),
    ("holding", &["id", "node", "nodes"]),
    ("device", &["id", "kind", "edges"]),
    ("sequences", &["on_failure"]),
    ("returns", &["station"]),
    ("action", &["type", "on_failure"]),
];

/// Reads the text. Errors are the TOML reader's own words, which name line and key.
pub(crate) fn parse(text: &str, findings: &mut Findings) -> Result<SiteFile, toml::de::Error> {
    let table: Table = toml::from_str(text)?;
    unknown_keys("", &table, findings);
    toml::from_str(text)
}

fn unknown_keys(path: &str, table: &Table, findings: &mut Findings) {
    let Some((_, known)) = KEYS.iter().find(|(name, _)| *name == path) else { return };
    for (key, value) in table {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if !known.contains(&key.as_str()) {
            findings.error("UNKNOWN_KEY", &full, || {
                format!(
                    "site.toml key `{full}` is not known; remove it or write one of: {}",
                    known.join(", ")
                )
            });
            continue;
        }
        match value {
            Value::Table(inner) => unknown_keys(&full, inner, findings),
            Value::Array(list) => {
                for inner in list.iter().filter_map(Value::as_table) {
                    unknown_keys(&full, inner, findings);
                }
            }
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_) => {}
        }
    }
}
