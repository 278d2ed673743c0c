//! A job: what the customer wants moved, and how far it has come. Legs in order, one robot for all of them.

use serde::{Deserialize, Serialize};

use drover_maps::{StationId, Temperature};

use crate::clock::Time;
use crate::dispatch::CutOff;
use crate::id::{JobId, RobotId};
use crate::load::Load;

/// A job as it was submitted; never changed but by an update message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// The idempotency key.
    pub id: JobId,
    /// The customer's order this job belongs to.
    pub order_id: Option<String>,
    /// Jobs of one sequence start, and reach their last leg, in queue order.
    pub sequence: Option<String>,
    /// The legs, in driving order; at least one.
    pub legs: Vec<LegSpec>,
    /// The cut-off.
    pub due_at: Option<Time>,
    /// Last day the goods may be sold, `YYYY-MM-DD`.
    pub best_before: Option<String>,
    /// How cold the load must be kept.
    pub temperature: Option<Temperature>,
    /// How long the load may be outside a zone at least that cold, in seconds.
    pub max_out_of_cold_s: Option<u32>,
    /// Capabilities the robot must have.
    pub requires: Vec<String>,
    /// 0 to 9, 9 first; never reorders a sequence.
    pub priority: u8,
    /// Fields we don't know, as a JSON object's text, handed back in events; empty when there are none.
    pub extra: String,
    /// Hash of the whole body, independent of key order and white space.
    #[serde(with = "hex")]
    pub fingerprint: u128,
}

/// A fingerprint as 32 hexadecimal digits: every format can carry it.
mod hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

/// One drive and what to do there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegSpec {
    /// The station's name on the layout.
    pub station: String,
    /// What the robot does there; none = the leg is done on arrival.
    pub action: Option<ActionSpec>,
    /// The load it concerns.
    pub load: Option<Load>,
    /// How long the robot stands after the action, in milliseconds.
    pub dwell_ms: u64,
    /// How many order lines are picked here; 0 = it isn't said.
    #[serde(default)]
    pub lines: u32,
}

/// A person's word that less was there than ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Short {
    /// The leg's index.
    pub leg: usize,
    /// The line's index; 0 where the leg has none.
    pub line: u32,
    /// What was really there, thousandths.
    pub quantity_milli: u64,
    /// Why, in the person's words; may be empty.
    pub reason: String,
}

/// `pick`, `drop`, `confirm` (a person's), or a robot's own action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionSpec {
    /// The action's name.
    pub name: String,
    /// Parameters: key and value, the value as JSON text.
    pub parameters: Vec<(String, String)>,
}

impl ActionSpec {
    /// Name of the action that waits for a person.
    pub const CONFIRM: &'static str = "confirm";
    /// Name of the action that takes a load aboard.
    pub const PICK: &'static str = "pick";
    /// Name of the action that puts a load down.
    pub const DROP: &'static str = "drop";
}

/// What is asked of the jobs of a site, in queue order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobRequest {
    /// A new job.
    Submit(Box<JobSpec>),
    /// Take a job back.
    Cancel(JobId),
    /// Change its cut-off or its priority.
    Update {
        /// The job.
        job: JobId,
        /// The new cut-off, if it changes.
        due_at: Option<Time>,
        /// The new priority, if it changes.
        priority: Option<u8>,
    },
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// Waits for a robot.
    Queued,
    /// Has a robot; the robot hasn't shown the job's first order yet.
    Assigned(RobotId),
    /// The robot's own state shows the job's first order.
    Started(RobotId),
    /// All legs done.
    Done,
    /// Ended without being done.
    Failed(FailCode),
    /// Taken back by the customer.
    Cancelled,
}

impl JobState {
    /// The job has ended, one way or another.
    pub fn is_terminal(&self) -> bool {
        matches!(self, JobState::Done | JobState::Failed(_) | JobState::Cancelled)
    }

    /// The robot that has the job.
    pub fn robot(&self) -> Option<RobotId> {
        match self {
            JobState::Assigned(robot) | JobState::Started(robot) => Some(*robot),
            JobState::Queued | JobState::Done | JobState::Failed(_) | JobState::Cancelled => None,
        }
    }
}

/// Why an accepted job failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailCode {
    /// The robot reported its action FAILED.
    ActionFailed,
    /// A job before it in its sequence failed, and the site skips.
    SequenceBroken,
    /// Its robot was taken off the floor with the load, or in the middle of an action.
    RobotRemoved,
    /// Nothing was there to pick.
    ShortPick,
    /// A person took its load off the robot.
    LoadTaken,
}

impl FailCode {
    /// The stable code of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            FailCode::ActionFailed => "ACTION_FAILED",
            FailCode::SequenceBroken => "SEQUENCE_BROKEN",
            FailCode::RobotRemoved => "ROBOT_REMOVED",
            FailCode::ShortPick => "SHORT_PICK",
            FailCode::LoadTaken => "LOAD_TAKEN",
        }
    }
}

/// Why a job is expected to be late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Risk {
    /// All robots are busy until too late.
    NoRobot,
    /// Jobs before it in its sequence take too long.
    Sequence,
    /// A failed job holds its sequence.
    SequenceHeld,
    /// Its way, or its work, takes too long.
    Travel,
    /// Its robot can't go on.
    RobotHalted,
}

impl Risk {
    /// The stable word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Risk::NoRobot => "no_robot",
            Risk::Sequence => "sequence",
            Risk::SequenceHeld => "sequence_held",
            Risk::Travel => "travel",
            Risk::RobotHalted => "robot_halted",
        }
    }
}

/// A job that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What was asked.
    pub spec: JobSpec,
    /// The stations of its legs.
    pub stations: Vec<StationId>,
    /// Its place in queue order.
    pub admitted: u64,
    /// When it was accepted.
    pub accepted_at: Time,
    /// How far it has come.
    pub state: JobState,
    /// Legs done so far; also the index of the present leg.
    pub legs_done: usize,
    /// The robot stands at the station of the last leg, or has stood there.
    pub at_last_leg: bool,
    /// An action of it was released to a robot: it stays with that robot.
    #[serde(default)]
    pub is_begun: bool,
    /// How often it was taken back from a robot that couldn't go on.
    #[serde(default)]
    pub withdrawals: u32,
    /// How often an action of the present leg has failed.
    #[serde(default)]
    pub failures: u8,
    /// Robots that failed at it: it goes to another one.
    #[serde(default)]
    pub failed_by: Vec<RobotId>,
    /// Why it was given to the robot it was given to last, in one line.
    #[serde(default)]
    pub why: String,
    /// When its turn at its last station is expected, if its load gets warm there; noted by a policy that looks ahead.
    #[serde(default)]
    pub turn_at: Option<Time>,
    /// When it is expected to be done, and whether that is too late.
    #[serde(default)]
    pub cut_off: CutOff,
    /// What was short, leg by leg.
    #[serde(default)]
    pub shorts: Vec<Short>,
    /// Since when its robot has had the present leg.
    #[serde(default)]
    pub leg_since: Time,
    /// It has been on the present leg for too long, and that was told.
    #[serde(default)]
    pub is_overdue: bool,
    /// When it ended.
    pub ended_at: Option<Time>,
}

impl Job {
    /// The present leg, if any is left.
    pub fn leg(&self) -> Option<&LegSpec> {
        self.spec.legs.get(self.legs_done)
    }

    /// The station of the present leg, if any is left.
    pub fn station(&self) -> Option<StationId> {
        self.stations.get(self.legs_done).copied()
    }

    /// The present leg is the last.
    pub fn is_on_last_leg(&self) -> bool {
        self.legs_done + 1 == self.spec.legs.len()
    }
}
