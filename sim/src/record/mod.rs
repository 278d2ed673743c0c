//! What a run looked like, for people: activities, series, true ways and waiting, noted at each look and kept small.
//!
//! It only watches: no decision of the world depends on it, and a run is the same with and without it. Every list has a
//! named limit; a list that would grow beyond it gives up half of its resolution instead of its beginning or its end.

pub mod activity;
mod series;
mod spans;
mod tracks;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use drover_core::{Alarm, Fleet, Notification, RobotName};
use drover_maps::{Layout, NodeId};

use crate::oracle::Truth;
use crate::tally::Tally;

pub use activity::{Activity, Kind};
pub use series::{Point, STATES, Series};
pub use spans::{Span, Spans};
pub use tracks::{Key, Tracks};

/// Time between two samples of activities, ms.
const SAMPLE_MS: u64 = 1_000;
/// Alarms and events of jobs kept, each.
const MARKS_MAX: usize = 5_000;
/// Spans of faults kept.
const FAULTS_MAX: usize = 2_000;
/// Jobs on their robots kept.
const DUTIES_MAX: usize = 50_000;
/// Between two looks nobody drives this far, m.
const CARRIED_M: f64 = 2.0;

/// One moment worth a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When, ms since the start.
    pub at_ms: u64,
    /// Its robot, by place in the scenario.
    pub robot: Option<usize>,
    /// Its code.
    pub code: String,
    /// In words.
    pub text: String,
}

/// One fault of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, and with whom.
    pub name: String,
    /// From when, ms since the start.
    pub from_ms: u64,
    /// Until when; none = to the end.
    pub until_ms: Option<u64>,
}

/// One job on its robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// The job's id.
    pub job: String,
    /// The robot, by place in the scenario.
    pub robot: usize,
    /// From when, ms since the start.
    pub from_ms: u64,
    /// Until when; none = to the end.
    pub until_ms: Option<u64>,
}

/// How far the robots drove, mm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Driven {
    /// Altogether.
    pub all_mm: u64,
    /// Without a load.
    pub empty_mm: u64,
}

/// Everything noted of one run.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The map.
    pub layout: Arc<Layout>,
    /// The robots, in the order of the scenario.
    pub robots: Vec<RobotName>,
    /// Length and width of each, mm.
    pub sizes_mm: Vec<[u32; 2]>,
    /// Jobs and activities over time.
    pub series: Series,
    /// What each robot did.
    pub spans: Spans,
    /// Where each robot truly was.
    pub tracks: Tracks,
    /// Robots' time spent waiting at each node, ms.
    pub waited_ms: Vec<u64>,
    /// The part of it that other robots caused.
    pub waited_for_turn_ms: Vec<u64>,
    /// Robots' time by kind of activity, ms.
    pub kinds_ms: BTreeMap<Kind, u64>,
    /// Way driven.
    pub driven: Driven,
    /// Way driven by each robot, mm.
    pub driven_mm: Vec<u64>,
    /// Alarms.
    pub alarms: Vec<Mark>,
    /// Alarms that found no room.
    pub alarms_left_out: u64,
    /// Faults.
    pub faults: Vec<Fault>,
    /// Who had which job.
    pub duties: Vec<Duty>,
}

impl Recording {
    /// Robots' time by state, ms: driving, waiting, working, charging, idle, out.
    pub fn states_ms(&self) -> [u64; STATES] {
        let mut states = [0; STATES];
        self.kinds_ms.iter().for_each(|(kind, ms)| states[kind.state()] += ms);
        states
    }

    /// Nodes where robots waited: time in traffic and time for a turn, ms; the longest in traffic first.
    pub fn hottest(&self, max: usize) -> Vec<(NodeId, u64, u64)> {
        let split = |node: NodeId| {
            let for_turn_ms = self.waited_for_turn_ms[node.index()];
            (node, self.waited_ms[node.index()] - for_turn_ms, for_turn_ms)
        };
        let mut hot: Vec<(NodeId, u64, u64)> = self
            .layout
            .nodes()
            .map(split)
            .filter(|(_, traffic_ms, turn_ms)| traffic_ms + turn_ms > 0)
            .collect();
        hot.sort_by_key(|(node, traffic_ms, turn_ms)| (Reverse((*traffic_ms, *turn_ms)), *node));
        hot.truncate(max);
        hot
    }
}

/// Watches a run.
#[derive(Debug)]
pub struct Recorder {
    seen: Recording,
    index: BTreeMap<RobotName, usize>,
    next_ms: u64,
    last: Vec<Option<[f64; 2]>>,
    is_loaded: Vec<bool>,
}

impl Recorder {
    /// Of a world of these robots, each with its length and width, mm.
    pub fn new(layout: Arc<Layout>, robots: Vec<(RobotName, [u32; 2])>) -> Recorder {
        let (names, sizes_mm): (Vec<RobotName>, Vec<[u32; 2]>) = robots.into_iter().unzip();
        Recorder {
            index: names.iter().cloned().zip(0..).collect(),
            next_ms: 0,
            last: vec![None; names.len()],
            is_loaded: vec![false; names.len()],
            seen: Recording {
                series: Series::default(),
                spans: Spans::new(names.len()),
                tracks: Tracks::new(names.len()),
                waited_ms: vec![0; layout.node_count()],
                waited_for_turn_ms: vec![0; layout.node_count()],
                kinds_ms: BTreeMap::new(),
                driven: Driven::default(),
                driven_mm: vec![0; names.len()],
                alarms: Vec::new(),
                alarms_left_out: 0,
                faults: Vec::new(),
                duties: Vec::new(),
                robots: names,
                sizes_mm,
                layout,
            },
        }
    }

    /// A look at the floor: true places by place in the scenario, and what the leader believes, if anybody leads. Times are ms
    /// since the start and never fall.
    pub fn look(&mut self, now_ms: u64, truths: &[Truth], fleet: Option<&Fleet>, tally: &Tally) {
        for (robot, truth) in truths.iter().enumerate() {
            self.seen.tracks.note(robot, now_ms, &truth.map, &truth.outline);
        }
        if let Some(fleet) = fleet {
            self.look_at_loads(fleet);
        }
        self.drive(truths);
        if now_ms >= self.next_ms {
            self.next_ms = now_ms - now_ms % SAMPLE_MS + SAMPLE_MS;
            self.sample(now_ms, fleet, tally);
        }
    }

    fn look_at_loads(&mut self, fleet: &Fleet) {
        for robot in fleet.robots() {
            if let Some(place) = self.index.get(&robot.name) {
                self.is_loaded[*place] = robot.load.is_some();
            }
        }
    }

    fn drive(&mut self, truths: &[Truth]) {
        for (robot, truth) in truths.iter().enumerate() {
            let here = [truth.outline.x_m, truth.outline.y_m];
            let way = self.last[robot].map_or(0.0, |was| distance_m(was, here));
            // Somebody carried it there: no drive.
            let is_carried = way >= CARRIED_M;
            let way_mm = if is_carried { 0 } else { (way * 1_000.0) as u64 };
            self.seen.driven.all_mm += way_mm;
            self.seen.driven_mm[robot] += way_mm;
            self.seen.driven.empty_mm += if self.is_loaded[robot] { 0 } else { way_mm };
            if way_mm > 0 || is_carried || self.last[robot].is_none() {
                self.last[robot] = Some(here);
            }
        }
    }

    fn sample(&mut self, now_ms: u64, fleet: Option<&Fleet>, tally: &Tally) {
        let unseen = if fleet.is_some() { Kind::Absent } else { Kind::Unled };
        let mut activities = vec![Activity { kind: unseen, with: None }; self.last.len()];
        if let Some(fleet) = fleet {
            self.look_at_activities(fleet, &mut activities);
        }
        let mut states = [0; STATES];
        for (place, activity) in activities.into_iter().enumerate() {
            states[activity.kind.state()] += 1;
            *self.seen.kinds_ms.entry(activity.kind).or_default() += SAMPLE_MS;
            self.seen.spans.note(place, now_ms, activity);
        }
        self.seen.series.note(Point { at_ms: now_ms, done: tally.done, late: tally.late, states });
    }

    fn look_at_activities(&mut self, fleet: &Fleet, activities: &mut [Activity]) {
        for robot in fleet.robots() {
            let Some(place) = self.index.get(&robot.name).copied() else { continue };
            let activity = activity::of(fleet, robot, |id| {
                let other = fleet.robots().get(id.index())?;
                self.index.get(&other.name).copied()
            });
            activities[place] = activity;
            if let (true, Some(node)) = (activity.kind.waits(), robot.trail.last_node()) {
                self.seen.waited_ms[node.index()] += SAMPLE_MS;
                let for_turn = if activity.kind == Kind::WaitTurn { SAMPLE_MS } else { 0 };
                self.seen.waited_for_turn_ms[node.index()] += for_turn;
            }
        }
    }

    /// The controller told the operator.
    pub fn alarm(&mut self, now_ms: u64, alarm: &Alarm, fleet: &Fleet) {
        if self.seen.alarms.len() == MARKS_MAX {
            self.seen.alarms_left_out += 1;
            return;
        }
        let robot = alarm.robot.and_then(|id| fleet.robots().get(id.index()));
        self.seen.alarms.push(Mark {
            at_ms: now_ms,
            robot: robot.and_then(|robot| self.index.get(&robot.name).copied()),
            code: alarm.code.as_str().to_owned(),
            text: alarm.text.clone(),
        });
    }

    /// A fault of the world begins or ends.
    pub fn fault(&mut self, now_ms: u64, name: &str, on: bool) {
        let is_full = self.seen.faults.len() >= FAULTS_MAX;
        let mut known = self.seen.faults.iter_mut().rev();
        match (on, known.find(|fault| fault.name == name && fault.until_ms.is_none())) {
            (false, Some(fault)) => fault.until_ms = Some(now_ms),
            (true, None) if !is_full => {
                self.seen.faults.push(Fault { name: name.to_owned(), from_ms: now_ms, until_ms: None });
            }
            (true, _) | (false, None) => {}
        }
    }

    /// An event of a job left the controller.
    pub fn notified(&mut self, now_ms: u64, notification: &Notification) {
        use drover_core::JobNews::{
            Accepted, Assigned, AtRisk, Blocked, Cancelled, Done, Failed, LegDone, Started,
        };
        let robot = notification.robot.as_deref().and_then(|name| self.named(name));
        match (&notification.what, robot) {
            (Assigned, Some(robot)) if self.seen.duties.len() < DUTIES_MAX => self.seen.duties.push(Duty {
                job: notification.job.to_string(),
                robot,
                from_ms: now_ms,
                until_ms: None,
            }),
            (Done | Failed { .. } | Cancelled, _) => self.end_duty(now_ms, &notification.job.0),
            (Accepted | Assigned | Started | LegDone { .. } | AtRisk { .. } | Blocked { .. }, _) => {}
        }
    }

    fn end_duty(&mut self, now_ms: u64, job: &str) {
        let open = self.seen.duties.iter_mut().rev().find(|duty| duty.job == job);
        if let Some(duty) = open.filter(|duty| duty.until_ms.is_none()) {
            duty.until_ms = Some(now_ms);
        }
    }

    fn named(&self, name: &str) -> Option<usize> {
        let (manufacturer, serial) = name.split_once('/')?;
        let name = RobotName { manufacturer: manufacturer.to_owned(), serial: serial.to_owned() };
        self.index.get(&name).copied()
    }

    /// The end of the run.
    pub fn finish(mut self, now_ms: u64) -> Recording {
        self.seen.spans.finish(now_ms);
        self.seen.tracks.finish();
        self.seen
    }
}

fn distance_m(from: [f64; 2], to: [f64; 2]) -> f64 {
    ((from[0] - to[0]).powi(2) + (from[1] - to[1]).powi(2)).sqrt()
}
