//! When jobs under way will be done, robots be free, and the turn of the next of each sequence come. Estimates, for the order
//! of things only: nothing is promised and nothing is locked by them.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_maps::{NodeId, StationId, Temperature, TypeId};

use super::line::{self, Rank};
use super::policy::Outlook;
use crate::clock::Time;
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::{ActionSpec, Job};
use crate::plan::distance::UNREACHABLE;
use crate::robot::{Phase, Robot, Task};

/// A robot's own action takes about so long, ms.
pub(crate) const WORK_MS: u32 = 6_000;
/// A person takes about so long to confirm, ms.
const CONFIRM_MS: u32 = 30_000;
/// Farther than any estimate, ms.
const FAR_MS: u64 = 1 << 40;
/// Longer than any trip, ms.
const TRIP_MAX_MS: u64 = 1 << 30;

/// When a job under way comes to its turn and to its end, ms from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Course {
    /// Its robot stands at the last station.
    pub(crate) there_ms: u64,
    /// How long it waits there for its turn.
    pub(crate) waits_ms: u64,
    /// The work there is done.
    pub(crate) done_ms: u64,
}

/// What is expected of everything under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forecast {
    courses: BTreeMap<JobId, Course>,
    /// When the last one under way of each sequence is done, ms.
    turns: BTreeMap<String, u64>,
    /// When robots under way come to each last station, ms, sorted, and the rank of each one's job there.
    arrivals: BTreeMap<StationId, Vec<(u64, Rank)>>,
    ways: BTreeMap<(StationId, StationId, TypeId), u32>,
}

impl Forecast {
    /// As things are now.
    pub(crate) fn of(fleet: &mut Fleet, now: Time) -> Forecast {
        let mut forecast = Forecast::default();
        for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
            let Some(job) = fleet.state.robots[id.index()].job().cloned() else { continue };
            let course = forecast.course(fleet, id, &job, now);
            forecast.courses.extend(course.map(|course| (job, course)));
        }
        let names: Vec<String> = fleet.state.sequences.keys().cloned().collect();
        names.into_iter().for_each(|name| forecast.chain(fleet, name));
        for (id, course) in &forecast.courses {
            let Some(job) = fleet.state.jobs.get(id) else { continue };
            let arrival = (course.there_ms + course.waits_ms, line::by_cut_off(job));
            let last = job.stations.last();
            last.into_iter().for_each(|last| forecast.arrivals.entry(*last).or_default().push(arrival));
        }
        forecast.arrivals.values_mut().for_each(|arrivals| arrivals.sort_unstable());
        forecast
    }

    /// When a robot that comes to the job's last station then has its turn there, ms: after those that come before it and
    /// have the earlier cut-off, or are done by then.
    pub(crate) fn queue(&self, fleet: &Fleet, job: &Job, there_ms: u64, work_ms: u64) -> u64 {
        let Some(station) = job.stations.last() else { return 0 };
        let places = fleet.layout.station(*station).nodes.len().max(1) as u64;
        let each_ms = (work_ms + next_ms(fleet, work_ms)) / places;
        let mine = line::by_cut_off(job);
        let mut free_ms = 0;
        for (at, rank) in
            self.arrivals.get(station).into_iter().flatten().take_while(|(at, _)| *at <= there_ms)
        {
            let done_ms = at.max(&free_ms) + each_ms;
            if *rank <= mine || done_ms <= there_ms {
                free_ms = done_ms;
            }
        }
        free_ms
    }

    /// When the job's turn in its sequence comes, if it waits for one, ms.
    pub(crate) fn turn_in(&self, fleet: &Fleet, job: &Job) -> Option<u64> {
        let name = job.spec.sequence.as_ref()?;
        let members = &fleet.state.sequences.get(name)?.members;
        let before = members.iter().take_while(|member| **member != job.spec.id).last()?;
        Some(self.courses.get(before)?.done_ms)
    }

    /// Each job of a sequence is done after the one before it.
    fn chain(&mut self, fleet: &Fleet, name: String) {
        let Some(sequence) = fleet.state.sequences.get(&name) else { return };
        let mut before: Option<u64> = None;
        for job in &sequence.members {
            let Some(course) = self.courses.get_mut(job) else { break };
            let work_ms = course.done_ms - course.there_ms;
            let turn_ms = before.map_or(0, |before| before + next_ms(fleet, work_ms));
            course.waits_ms = turn_ms.saturating_sub(course.there_ms);
            course.done_ms = course.there_ms + course.waits_ms + work_ms;
            before = Some(course.done_ms);
        }
        self.turns.extend(before.map(|before| (name, before)));
    }

    /// The course of a job under way, without waiting for its turn.
    fn course(&mut self, fleet: &mut Fleet, id: RobotId, job: &JobId, now: Time) -> Option<Course> {
        let robot = &fleet.state.robots[id.index()];
        let (robot_type, phase) = (robot.robot_type, phase_of(robot)?);
        let here = robot.trail.decision_point()?;
        let goal = robot.goal.filter(|goal| goal.is_work).map(|goal| goal.node);
        let job = fleet.state.jobs.get(job)?.clone();
        let station = job.station()?;
        let pace = fleet.state.pace;
        let to_it = match phase {
            Phase::Wait => pace.of(way_to(fleet, here, station, robot_type)),
            Phase::Drive => match goal {
                Some(goal) => pace.of(fleet.distances.to(&fleet.layout, goal, robot_type)[here.index()]),
                None => pace.of(way_to(fleet, here, station, robot_type)),
            },
            Phase::Stand | Phase::Act { .. } | Phase::Confirm | Phase::Dwell { .. } => 0,
        };
        let work = match phase {
            Phase::Dwell { until } => u32::try_from(until.since_ms(now)).unwrap_or(u32::MAX),
            Phase::Act { .. } => work_ms(&job, job.legs_done) / 2,
            Phase::Wait | Phase::Drive | Phase::Stand | Phase::Confirm => work_ms(&job, job.legs_done),
        };
        let (to_it, work) = (u64::from(to_it), u64::from(work));
        if job.is_on_last_leg() {
            return Some(Course { there_ms: to_it, waits_ms: 0, done_ms: to_it + work });
        }
        let (between, end) = self.rest(fleet, &job, job.legs_done, robot_type);
        let there_ms = (to_it + work + between).min(FAR_MS);
        Some(Course { there_ms, waits_ms: 0, done_ms: there_ms + end })
    }

    /// From the end of the work of leg `from` until a robot stands at the last station, and the work there, ms.
    fn rest(&mut self, fleet: &mut Fleet, job: &Job, from: usize, robot_type: TypeId) -> (u64, u64) {
        let (mut between, last) = (0_u64, job.stations.len() - 1);
        for leg in from..last {
            let way = self.way(fleet, job.stations[leg], job.stations[leg + 1], robot_type);
            between += u64::from(fleet.state.pace.of(way));
            between += if leg + 1 < last { u64::from(work_ms(job, leg + 1)) } else { 0 };
        }
        (between, u64::from(work_ms(job, last)))
    }

    /// Travel time from one station to another on an empty floor, ms; 0 where there is no way.
    pub(crate) fn way(
        &mut self,
        fleet: &mut Fleet,
        from: StationId,
        to: StationId,
        robot_type: TypeId,
    ) -> u32 {
        if let Some(way) = self.ways.get(&(from, to, robot_type)) {
            return *way;
        }
        let layout = Arc::clone(&fleet.layout);
        let starts = &layout.station(from).nodes;
        let ways = starts.iter().map(|start| way_to(fleet, *start, to, robot_type));
        let way = ways.filter(|way| *way != UNREACHABLE).min().unwrap_or(0);
        self.ways.insert((from, to, robot_type), way);
        way
    }

    /// From the first station, with the work there, until a robot stands at the last, and the work there, ms.
    pub(crate) fn trip(&mut self, fleet: &mut Fleet, job: &Job, robot_type: TypeId) -> (u64, u64) {
        let (between, end) = self.rest(fleet, job, 0, robot_type);
        let first = if job.stations.len() > 1 { u64::from(work_ms(job, 0)) } else { 0 };
        ((first + between).min(TRIP_MAX_MS), end.min(TRIP_MAX_MS))
    }

    /// From its last station to its first, as a robot drives that does one such job after another, ms.
    pub(crate) fn back(&mut self, fleet: &mut Fleet, job: &Job, robot_type: TypeId) -> u64 {
        let (Some(first), Some(last)) = (job.stations.first(), job.stations.last()) else { return 0 };
        let way = self.way(fleet, *last, *first, robot_type);
        u64::from(fleet.state.pace.of(way))
    }

    /// What becomes of a job that begins now, on a robot of this type.
    pub(crate) fn outlook(&mut self, fleet: &mut Fleet, job: &Job, robot_type: TypeId, now: Time) -> Outlook {
        let (between, end) = self.trip(fleet, job, robot_type);
        let sequence = job.spec.sequence.as_ref().and_then(|name| fleet.state.sequences.get(name));
        let followers = sequence.map_or(0, |sequence| {
            sequence.members.iter().rev().take_while(|member| **member != job.spec.id).count()
        });
        let turn = job.spec.sequence.as_ref().and_then(|name| self.turns.get(name)).copied().unwrap_or(0);
        let before = followers as u64 * (next_ms(fleet, end) + end);
        Outlook {
            to_turn_ms: between as u32,
            turn_ms: turn.min(TRIP_MAX_MS) as u32,
            end_ms: end as u32,
            due_ms: job.spec.due_at.map(|due| due.0 as i64 - now.0 as i64 - before as i64),
            gets_warm: gets_warm(fleet, job),
            days_left: job.spec.best_before.as_deref().and_then(|day| days_left(day, now)),
            followers: followers as u32,
            is_at_risk: job.cut_off.is_at_risk,
            has: None,
        }
    }

    /// When a job under way is expected to be done.
    pub(crate) fn course_of(&self, job: &JobId) -> Option<Course> {
        self.courses.get(job).copied()
    }

    /// When the last one under way of this sequence is done, ms; none if none is.
    pub(crate) fn turn_of(&self, sequence: &str) -> Option<u64> {
        self.turns.get(sequence).copied()
    }
}

fn phase_of(robot: &Robot) -> Option<Phase> {
    match &robot.task {
        Task::Job { phase, .. } => Some(phase.clone()),
        Task::Idle | Task::Return { .. } | Task::Charge { .. } => None,
    }
}

/// Travel time to the nearest place of a station on an empty floor, ms.
pub(super) fn way_to(fleet: &mut Fleet, from: NodeId, station: StationId, robot_type: TypeId) -> u32 {
    let layout = Arc::clone(&fleet.layout);
    let nodes = layout.station(station).nodes.iter();
    nodes
        .map(|node| fleet.distances.to(&layout, *node, robot_type)[from.index()])
        .min()
        .unwrap_or(UNREACHABLE)
}

/// From the end of one job at a last station until the work of the next, which takes so long, can begin there, ms.
pub(crate) fn next_ms(fleet: &Fleet, work_ms: u64) -> u64 {
    fleet.state.pace.cycle_ms().saturating_sub(work_ms)
}

/// The work of a leg, ms.
pub(crate) fn work_ms(job: &Job, leg: usize) -> u32 {
    let Some(leg) = job.spec.legs.get(leg) else { return 0 };
    let action = match leg.action.as_ref().map(|action| action.name.as_str()) {
        None => 0,
        Some(ActionSpec::CONFIRM) => CONFIRM_MS,
        Some(_) => WORK_MS,
    };
    u32::try_from(leg.dwell_ms).unwrap_or(u32::MAX).saturating_add(action)
}

/// Where the job ends it is too warm for its load.
pub(super) fn gets_warm(fleet: &Fleet, job: &Job) -> bool {
    let needed = job.spec.temperature.filter(|needed| *needed != Temperature::Ambient);
    let place = job.stations.last().and_then(|last| fleet.layout.station(*last).nodes.first());
    needed.zip(place).is_some_and(|(needed, place)| !is_cold(fleet, *place, needed))
}

/// The node lies in a zone as cold as that.
pub(crate) fn is_cold(fleet: &Fleet, node: NodeId, needed: Temperature) -> bool {
    fleet.layout.zone_of(node).and_then(|zone| zone.temperature).is_some_and(|here| here <= needed)
}

/// Days from now until this day, `YYYY-MM-DD`.
fn days_left(day: &str, now: Time) -> Option<i32> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let today = jiff::Timestamp::from_millisecond(i64::try_from(now.0).ok()?).ok()?;
    let today = today.to_zoned(jiff::tz::TimeZone::UTC).date();
    today.until(day).ok().map(|span| span.get_days())
}
