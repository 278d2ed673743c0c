//! A station as people see it: who serves it, who is coming, and which jobs are next there.

use std::collections::{BTreeMap, BTreeSet};

use drover_core::job::Job;
use drover_core::robot::{Phase, Task};
use drover_core::{Fleet, JobId, RobotName};
use serde::{Deserialize, Serialize};

/// Jobs shown as next at a station.
pub const NEXT_MAX: usize = 12;

/// A station's queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationView {
    /// Its id.
    pub id: String,
    /// Robots that stand at it.
    pub serving: Vec<TaskView>,
    /// Robots on their way to it, or waiting near it.
    pub coming: Vec<TaskView>,
    /// Legs that are next here: of jobs under way elsewhere first, then of queued ones.
    pub next: Vec<TaskView>,
    /// How many more there are.
    pub next_left_out: usize,
}

/// A leg at a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    /// The job.
    pub job_id: String,
    /// The leg's index.
    pub leg: u32,
    /// The robot that does it; none = not decided.
    pub robot: Option<RobotName>,
    /// Where in it the robot is; none = it is busy with a leg before, or not decided.
    pub phase: Option<TaskPhase>,
}

/// Where in a leg a robot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskPhase {
    /// The station has no place for it yet.
    Waiting,
    /// On its way.
    Driving,
    /// At the station; a job before it in the sequence isn't done.
    Standing,
    /// Its action runs.
    Acting,
    /// A person must confirm.
    Confirming,
    /// Done there, stands for a while.
    Dwelling,
}

impl TaskPhase {
    /// None without a job, or what is left of one.
    pub(super) fn of(task: &Task) -> Option<TaskPhase> {
        let (Task::Job { phase, .. } | Task::Return { phase, .. }) = task else { return None };
        Some(match phase {
            Phase::Wait => TaskPhase::Waiting,
            Phase::Drive => TaskPhase::Driving,
            Phase::Stand => TaskPhase::Standing,
            Phase::Act { .. } => TaskPhase::Acting,
            Phase::Confirm => TaskPhase::Confirming,
            Phase::Dwell { .. } => TaskPhase::Dwelling,
        })
    }

    fn is_there(self) -> bool {
        match self {
            TaskPhase::Waiting | TaskPhase::Driving => false,
            TaskPhase::Standing | TaskPhase::Acting | TaskPhase::Confirming | TaskPhase::Dwelling => true,
        }
    }
}

/// Legs ahead at each station, in the order they are expected: under way, priority, admission, leg.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    by_station: BTreeMap<usize, BTreeSet<Place>>,
    by_job: BTreeMap<JobId, Vec<(usize, Place)>>,
}

type Place = (bool, u8, u64, u32, JobId);

impl Ahead {
    /// The job has changed: its legs ahead are those beyond the present one, and the present one while it is queued.
    pub(super) fn note(&mut self, id: &JobId, job: Option<&Job>) {
        for (station, place) in self.by_job.remove(id).unwrap_or_default() {
            if let Some(places) = self.by_station.get_mut(&station) {
                places.remove(&place);
            }
        }
        let Some(job) = job.filter(|job| !job.state.is_terminal()) else { return };
        let has_robot = job.state.robot().is_some();
        let rank = 9 - job.spec.priority.min(9);
        let first = job.legs_done + usize::from(has_robot);
        let legs = job.stations.iter().enumerate().skip(first);
        let places: Vec<(usize, Place)> = legs
            .map(|(leg, station)| (station.index(), (!has_robot, rank, job.admitted, leg as u32, id.clone())))
            .collect();
        for (station, place) in &places {
            self.by_station.entry(*station).or_default().insert(place.clone());
        }
        self.by_job.insert(id.clone(), places);
    }

    /// All stations' queues.
    pub(super) fn stations(&self, fleet: &Fleet) -> Vec<StationView> {
        let layout = fleet.layout();
        let mut views: Vec<StationView> = layout
            .stations()
            .iter()
            .enumerate()
            .map(|(index, station)| self.station(index, &station.name, fleet))
            .collect();
        for robot in fleet.robots() {
            let (Some(phase), Some(job)) =
                (TaskPhase::of(&robot.task), robot.job().and_then(|id| fleet.job(id)))
            else {
                continue;
            };
            let Some(view) = job.station().and_then(|station| views.get_mut(station.index())) else {
                continue;
            };
            let task = TaskView {
                job_id: job.spec.id.0.clone(),
                leg: job.legs_done as u32,
                robot: Some(robot.name.clone()),
                phase: Some(phase),
            };
            if phase.is_there() { view.serving.push(task) } else { view.coming.push(task) }
        }
        views
    }

    fn station(&self, index: usize, name: &str, fleet: &Fleet) -> StationView {
        let places = self.by_station.get(&index);
        let next = places.into_iter().flatten().take(NEXT_MAX).map(|(_, _, _, leg, id)| {
            let robot = fleet.job(id).and_then(|job| job.state.robot());
            TaskView {
                job_id: id.0.clone(),
                leg: *leg,
                robot: robot.map(|robot| fleet.robots()[robot.index()].name.clone()),
                phase: None,
            }
        });
        StationView {
            id: name.to_owned(),
            serving: Vec::new(),
            coming: Vec::new(),
            next: next.collect(),
            next_left_out: places.map_or(0, BTreeSet::len).saturating_sub(NEXT_MAX),
        }
    }
}
