//! The words of the line protocol: one JSON object per line, UTF-8, each way. Metres, radians, seconds.
//!
//! ```text
//! {"n":1,"goto":{"seq":2,"node":"n2","map":"floor","x":2.0,"y":0.0}}      {"reached":2}
//! {"n":2,"end_at":4}                                                     {"done":"a1"}
//! {"n":3,"act":{"id":"a1","type":"pick","parameters":{}}}                {"failed":{"id":"a1","why":"no load"}}
//! {"n":4,"cancel":{}}                                                    {"pose":{"n":4,"map":"floor","x":2.0,"y":0.0}}
//! ```
//!
//! What a robot must do with each is said at the word. Every word may come twice, as after a broken link.

use drover_agent_core::{Fault, Pose};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line to the robot, numbered from 1 on. The robot says in its poses which it has read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number.
    pub n: u64,
    /// What it says.
    #[serde(flatten)]
    pub word: Word,
}

/// What a robot is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// One more place to go to, behind those it has. A `seq` it has had already changes nothing.
    Goto(Place),
    /// Come to rest at the place with this `seq` and forget those behind it. A robot that is too fast for it stops where it
    /// can and says the fault `offPath`.
    EndAt(u64),
    /// Stop as soon as possible and forget all places, those it has had too.
    Cancel {},
    /// Stop as soon as possible and keep the places; or go on.
    Hold(bool),
    /// Begin this, beside what runs. An `id` it has had already isn't done again; its end is told again.
    Act(Task),
    /// End this early and say nothing more of it.
    Interrupt(String),
    /// You stand here; answered as an act is.
    Localise(Stand),
}

/// Where to go, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Rises along the way.
    pub seq: u64,
    /// Its name.
    pub node: String,
    /// Map of the coordinates.
    pub map: String,
    /// Metres.
    pub x: f64,
    /// Metres.
    pub y: f64,
    /// Points of the way before it; straight without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<(f64, f64)>,
    /// Metres per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_speed: Option<f64>,
    /// Direction on the way there, relative to the way: 0 forwards, pi backwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tangential: Option<f64>,
    /// Direction on the way there, on the map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global: Option<f64>,
    /// Stop and turn to this direction; only then it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theta: Option<f64>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name in the answer.
    pub id: String,
    /// VDA 5050's `actionType`.
    #[serde(rename = "type")]
    pub kind: String,
    /// By key.
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stand {
    /// Its name in the answer.
    pub id: String,
    /// Map of the coordinates.
    pub map: String,
    /// Metres.
    pub x: f64,
    /// Metres.
    pub y: f64,
    /// Radians.
    pub theta: f64,
}

/// What a robot says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It has passed the place with this `seq`, or come to rest there; and every place before it. On a new link the last
    /// one is told again.
    Reached(u64),
    /// The act with this id is done.
    Done(String),
    /// The act with this id has failed.
    Failed(Failure),
    /// How it is: at once after a line, ten times a second while it moves, once a second at least.
    Pose(Report),
}

/// Why an act failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Which.
    pub id: String,
    /// Why, for the fleet's people.
    #[serde(default)]
    pub why: String,
}

/// How a robot is. Only the place must be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Number of the last line it has read.
    #[serde(default)]
    pub n: u64,
    /// Map of the coordinates.
    pub map: String,
    /// Metres.
    pub x: f64,
    /// Metres.
    pub y: f64,
    /// Radians.
    #[serde(default)]
    pub theta: f64,
    /// Driving or turning.
    #[serde(default)]
    pub driving: bool,
    /// Metres per second, forwards.
    #[serde(default)]
    pub speed: f64,
    /// Radians per second.
    #[serde(default)]
    pub omega: f64,
    /// Metres driven since the last place.
    #[serde(default)]
    pub since: f64,
    /// Percent.
    #[serde(default = "full")]
    pub charge: f64,
    /// Energy flows in.
    #[serde(default)]
    pub charging: bool,
    /// `batteryEmpty`, `breakdown`, `offPath`; another word counts as `breakdown`.
    #[serde(default)]
    pub faults: Vec<String>,
}

impl Report {
    /// What keeps it from moving.
    pub fn faults(&self) -> Vec<Fault> {
        let known = [Fault::BatteryEmpty, Fault::Breakdown, Fault::OffPath];
        let named = |word: &String| known.into_iter().find(|fault| fault.name() == word);
        let mut faults: Vec<Fault> =
            self.faults.iter().map(|word| named(word).unwrap_or(Fault::Breakdown)).collect();
        faults.sort();
        faults.dedup();
        faults
    }

    /// Where it is.
    pub fn pose(&self) -> Pose {
        Pose { map_id: self.map.clone(), x_m: self.x, y_m: self.y, theta_rad: self.theta }
    }
}

fn full() -> f64 {
    100.0
}
