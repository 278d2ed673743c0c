//! The hard state of a fleet: all that snapshots hold and digests hash.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use drover_maps::{EdgeId, Layout, NodeId, StationId};

use crate::audit::Audit;
use crate::change::Pending;
use crate::clock::Time;
use crate::command::Notification;
use crate::config::Config;
use crate::device::Device;
use crate::dispatch::{Looked, NoWay, Pace, Sequence};
use crate::id::{JobId, RobotId, RobotName};
use crate::job::Job;
use crate::operator::Stop;
use crate::plan::PlannerStats;
use crate::robot::Robot;
use crate::traffic::Reservations;

/// Everything that must survive: written whole into snapshots, hashed whole into the digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) layout_fingerprint: u64,
    /// Time of the first event: makes ids unique among journals.
    pub(crate) born: Time,
    pub(crate) now: Time,
    pub(crate) robots: Vec<Robot>,
    pub(crate) names: BTreeMap<RobotName, RobotId>,
    pub(crate) reservations: Reservations,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    /// Fingerprints of jobs that ended long ago, with the time they ended.
    pub(crate) remembered: BTreeMap<JobId, (u128, Time)>,
    /// Queued jobs: (9 - priority, admission, id).
    pub(crate) queue: BTreeSet<(u8, u64, JobId)>,
    pub(crate) sequences: BTreeMap<String, Sequence>,
    pub(crate) admitted: u64,
    pub(crate) actions: u64,
    pub(crate) notified: u64,
    /// Robots are about that may stand anywhere: nobody is moved.
    #[serde(default)]
    pub(crate) expects_strangers: bool,
    /// Notifications the broker hasn't confirmed yet.
    pub(crate) outbox: VecDeque<Notification>,
    /// How much longer ways take than on an empty floor.
    #[serde(default)]
    pub(crate) pace: Pace,
    /// When the last job was done at each last station.
    #[serde(default)]
    pub(crate) ended: BTreeMap<StationId, Time>,
    /// When jobs were last given out by looking ahead.
    #[serde(default)]
    pub(crate) looked: Looked,
    /// When cut-offs were last looked at.
    #[serde(default)]
    pub(crate) cut_offs_at: Time,
    /// Open jobs with a station that no open way leads to.
    #[serde(default)]
    pub(crate) no_way: BTreeMap<JobId, NoWay>,
    /// When ways to stations were last looked at.
    #[serde(default)]
    pub(crate) ways_at: Time,
    pub(crate) planned_at: Time,
    /// When everybody's task was last looked at.
    #[serde(default)]
    pub(crate) dispatched_at: Time,
    /// Something changed that the next plan should know soon.
    #[serde(default)]
    pub(crate) plan_is_due: bool,
    /// Where robots stand that can't be moved, as the last plan knew, with the time lost there, ms.
    pub(crate) obstacles: Vec<(NodeId, u32)>,
    /// Edges that nobody might enter, as the last plan knew.
    #[serde(default)]
    pub(crate) closed: Vec<EdgeId>,
    /// By place in `Layout::devices`.
    #[serde(default)]
    pub(crate) devices: Vec<Device>,
    /// Stopped zones, by id.
    #[serde(default)]
    pub(crate) stopped: BTreeMap<String, Stop>,
    /// Edges that an operator closed.
    #[serde(default)]
    pub(crate) closed_edges: BTreeMap<EdgeId, Stop>,
    #[serde(default)]
    pub(crate) audit: Audit,
    /// Moves against a jam that aren't released yet.
    pub(crate) manoeuvre: Vec<(RobotId, EdgeId)>,
    /// When a jam was last handed to the joint search.
    pub(crate) broken_at: Time,
    pub(crate) planner: PlannerStats,
    /// The layout that is to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pending: Option<Pending>,
}

impl State {
    /// A fleet without robots and jobs.
    pub(crate) fn new(layout: &Layout) -> State {
        State {
            config: Config::default(),
            layout_fingerprint: layout.fingerprint(),
            born: Time::default(),
            now: Time::default(),
            robots: Vec::new(),
            names: BTreeMap::new(),
            reservations: Reservations::new(layout),
            jobs: BTreeMap::new(),
            remembered: BTreeMap::new(),
            queue: BTreeSet::new(),
            sequences: BTreeMap::new(),
            admitted: 0,
            actions: 0,
            notified: 0,
            expects_strangers: false,
            outbox: VecDeque::new(),
            pace: Pace::default(),
            ended: BTreeMap::new(),
            looked: Looked::default(),
            cut_offs_at: Time::default(),
            no_way: BTreeMap::new(),
            ways_at: Time::default(),
            planned_at: Time::default(),
            dispatched_at: Time::default(),
            plan_is_due: false,
            obstacles: Vec::new(),
            closed: Vec::new(),
            devices: Vec::new(),
            stopped: BTreeMap::new(),
            closed_edges: BTreeMap::new(),
            audit: Audit::default(),
            manoeuvre: Vec::new(),
            broken_at: Time::default(),
            planner: PlannerStats::default(),
            pending: None,
        }
    }

    /// The fingerprint of a job that was accepted before.
    pub(crate) fn fingerprint_of(&self, id: &JobId) -> Option<u128> {
        let known = self.jobs.get(id).map(|job| job.spec.fingerprint);
        known.or_else(|| self.remembered.get(id).map(|(fingerprint, _)| *fingerprint))
    }

    /// Lets a held sequence go on; false when this job doesn't hold it.
    pub(crate) fn release_hold(&mut self, name: &str, job: &JobId) -> bool {
        let Some(sequence) = self.sequences.get_mut(name) else { return false };
        if sequence.held_by.as_ref() != Some(job) {
            return false;
        }
        sequence.held_by = None;
        if sequence.members.is_empty() {
            self.sequences.remove(name);
        }
        true
    }
}
