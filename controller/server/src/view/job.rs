//! A job as people see it: everything that was asked, and how far it has come.

use drover_core::job::{self, Job, LegSpec};
use drover_core::{Fleet, RobotName};
use serde::{Deserialize, Serialize};

use super::LoadView;

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// Its place in queue order.
    pub admitted: u64,
    /// The customer's order; empty = none.
    pub order_id: String,
    /// Its sequence; empty = none.
    pub sequence: String,
    /// In driving order.
    pub legs: Vec<LegView>,
    /// The cut-off.
    pub due_at_ms: Option<u64>,
    /// `YYYY-MM-DD`; empty = none.
    pub best_before: String,
    /// How cold the load must be kept.
    pub temperature: Option<drover_maps::Temperature>,
    /// How long the load may be out of its cold, s.
    pub max_out_of_cold_s: Option<u32>,
    /// Capabilities the robot must have.
    pub requires: Vec<String>,
    /// 0 to 9, 9 first.
    pub priority: u8,
    /// The producer's own fields, as a JSON object's text; empty = none.
    pub extra_json: String,
    /// How far it has come.
    pub state: JobState,
    /// Legs done.
    pub legs_done: u32,
    /// The robot that has it.
    pub robot: Option<RobotName>,
    /// When it was accepted.
    pub accepted_at_ms: u64,
    /// When its robot showed its first order, if that was since the process began.
    pub started_at_ms: Option<u64>,
    /// When it ended.
    pub ended_at_ms: Option<u64>,
    /// Why it is where it is; empty = nothing special.
    pub reason: String,
    /// Stable code of a failure; empty = none.
    pub code: String,
}

/// A leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegView {
    /// Where.
    pub station: String,
    /// What is done there; empty = nothing.
    pub action: String,
    /// Parameters of a robot's own action, as a JSON object's text; empty = none.
    pub parameters_json: String,
    /// What is moved.
    pub load: Option<LoadView>,
    /// How long the robot stands afterwards, ms.
    pub dwell_ms: u64,
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a robot.
    Accepted,
    /// Has a robot.
    Assigned,
    /// Under way.
    Started,
    /// All legs done.
    Done,
    /// Ended without being done.
    Failed,
    /// Taken back.
    Cancelled,
}

impl JobState {
    /// The job has ended.
    pub fn is_ended(self) -> bool {
        match self {
            JobState::Accepted | JobState::Assigned | JobState::Started => false,
            JobState::Done | JobState::Failed | JobState::Cancelled => true,
        }
    }
}

/// What only the records tell of a job.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) started_at_ms: Option<u64>,
    pub(super) reason: Option<String>,
}

impl JobView {
    /// The job now; what the records told before is kept from the view before.
    pub(crate) fn of(job: &Job, fleet: &Fleet) -> JobView {
        JobView::with(job, fleet, Told::default(), None)
    }

    pub(super) fn with(job: &Job, fleet: &Fleet, told: Told, before: Option<&JobView>) -> JobView {
        let spec = &job.spec;
        let robot = job.state.robot().and_then(|robot| fleet.robots().get(robot.index()));
        let was_by = before.and_then(|before| before.robot.clone());
        JobView {
            id: spec.id.0.clone(),
            admitted: job.admitted,
            order_id: spec.order_id.clone().unwrap_or_default(),
            sequence: spec.sequence.clone().unwrap_or_default(),
            legs: spec.legs.iter().map(leg).collect(),
            due_at_ms: spec.due_at.map(|at| at.0),
            best_before: spec.best_before.clone().unwrap_or_default(),
            temperature: spec.temperature,
            max_out_of_cold_s: spec.max_out_of_cold_s,
            requires: spec.requires.clone(),
            priority: spec.priority,
            extra_json: spec.extra.clone(),
            state: state(&job.state),
            legs_done: job.legs_done as u32,
            robot: robot.map(|robot| robot.name.clone()).or(was_by),
            accepted_at_ms: job.accepted_at.0,
            started_at_ms: told.started_at_ms.or(before.and_then(|before| before.started_at_ms)),
            ended_at_ms: job.ended_at.map(|at| at.0),
            reason: reason(job, fleet, told.reason, before),
            code: match &job.state {
                job::JobState::Failed(code) => code.as_str().to_owned(),
                job::JobState::Queued
                | job::JobState::Assigned(_)
                | job::JobState::Started(_)
                | job::JobState::Done
                | job::JobState::Cancelled => String::new(),
            },
        }
    }
}

/// Why a job failed, or what holds it.
fn reason(job: &Job, fleet: &Fleet, told: Option<String>, before: Option<&JobView>) -> String {
    match &job.state {
        job::JobState::Failed(_) => {
            told.or_else(|| before.map(|before| before.reason.clone())).unwrap_or_default()
        }
        job::JobState::Queued | job::JobState::Assigned(_) | job::JobState::Started(_) => {
            let holder = job.spec.sequence.as_deref().and_then(|name| fleet.sequence(name)?.held_by.as_ref());
            let text = |by: &drover_core::JobId| {
                format!("job {by} of its sequence failed: cancel {by} to let the others go on")
            };
            holder.map(text).unwrap_or_default()
        }
        job::JobState::Done | job::JobState::Cancelled => String::new(),
    }
}

fn leg(leg: &LegSpec) -> LegView {
    let parameters = leg.action.as_ref().map(|action| action.parameters.as_slice()).unwrap_or_default();
    let read = |(key, text): &(String, String)| {
        Some((key.clone(), serde_json::from_str::<serde_json::Value>(text).ok()?))
    };
    let object: serde_json::Map<_, _> = parameters.iter().filter_map(read).collect();
    LegView {
        station: leg.station.clone(),
        action: leg.action.as_ref().map(|action| action.name.clone()).unwrap_or_default(),
        parameters_json: if object.is_empty() {
            String::new()
        } else {
            serde_json::Value::Object(object).to_string()
        },
        load: leg.load.as_ref().map(|load| LoadView {
            id: load.id.clone(),
            load_type: load.load_type.clone().unwrap_or_default(),
        }),
        dwell_ms: leg.dwell_ms,
    }
}

fn state(state: &job::JobState) -> JobState {
    match state {
        job::JobState::Queued => JobState::Accepted,
        job::JobState::Assigned(_) => JobState::Assigned,
        job::JobState::Started(_) => JobState::Started,
        job::JobState::Done => JobState::Done,
        job::JobState::Failed(_) => JobState::Failed,
        job::JobState::Cancelled => JobState::Cancelled,
    }
}
