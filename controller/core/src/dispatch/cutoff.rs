//! Cut-offs: when each job is expected to be done, and who is told that one is at risk before it is late.
//!
//! What is under way goes on as forecast; what is queued is laid onto the robots in the order of cut-offs, each job on the
//! robot that is free first and after the one before it in its sequence (list scheduling: Graham, "Bounds for certain
//! multiprocessing anomalies", Bell System Technical Journal 1966). Nothing is decided by it but what is told, and that a
//! job at risk counts more when robots are given out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use drover_maps::TypeId;
use serde::{Deserialize, Serialize};

use super::charge;
use super::forecast::{Forecast, next_ms};
use crate::clock::Time;
use crate::command::{Command, JobNews};
use crate::fleet::Fleet;
use crate::id::JobId;
use crate::job::{Job, Risk};
use crate::robot::Task;

/// Time between two looks, ms.
const LOOK_MS: u64 = 5_000;
/// Looks in a row that must find a job late before anybody is told.
const LOOKS_MIN: u8 = 2;
/// A job expected so long before its cut-off is no longer at risk, ms.
const SAFE_MS: u64 = 60_000;
/// A job is told to be at risk so often, at most.
const TOLD_MAX: u8 = 3;
/// Waiting less than this is nobody's fault, ms.
const WAIT_MS: u64 = 30_000;
/// Queued jobs looked at, at most: the most urgent ones. Of those behind them nobody knows yet when they will be done.
const QUEUED_MAX: usize = 5_000;
/// Later than anything: nobody knows when.
const NEVER_MS: u64 = 1 << 40;

/// What is known of a job's cut-off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOff {
    /// When it is expected to be done; none = nobody knows yet.
    pub eta: Option<Time>,
    /// It is expected to be late, and that was told.
    pub is_at_risk: bool,
    /// Looks in a row that found it late.
    looks: u8,
    /// How often it was told.
    told: u8,
}

/// When a job is expected to be done, ms from now, and what it waits for most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Estimate {
    done_ms: u64,
    cause: Risk,
}

impl Fleet {
    /// When the last job of this sequence is expected to be done; none if nobody knows, or there is no such sequence.
    pub fn sequence_eta(&self, name: &str) -> Option<Time> {
        let members = &self.state.sequences.get(name)?.members;
        let etas = members.iter().map(|member| self.state.jobs.get(member)?.cut_off.eta);
        etas.collect::<Option<Vec<Time>>>()?.into_iter().max()
    }
}

/// Looks at all cut-offs, if it is time.
pub(super) fn pass(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    if now.since_ms(fleet.state.cut_offs_at) < LOOK_MS {
        return;
    }
    fleet.state.cut_offs_at = now;
    let is_open = |job: &&Job| !job.state.is_terminal();
    if fleet.state.jobs.values().filter(is_open).all(|job| job.spec.due_at.is_none()) {
        return;
    }
    for (id, estimate) in estimates(fleet, now) {
        note(fleet, &id, estimate, now, commands);
    }
}

/// What is expected of this job now.
fn note(fleet: &mut Fleet, id: &JobId, estimate: Estimate, now: Time, commands: &mut Vec<Command>) {
    let Some(job) = fleet.state.jobs.get_mut(id) else { return };
    let eta = now.plus_ms(estimate.done_ms);
    let cut_off = &mut job.cut_off;
    cut_off.eta = (estimate.done_ms < NEVER_MS).then_some(eta);
    let Some(due_at) = job.spec.due_at else { return };
    if eta <= due_at {
        cut_off.looks = 0;
        cut_off.is_at_risk &= eta.plus_ms(SAFE_MS) > due_at;
        return;
    }
    cut_off.looks = cut_off.looks.saturating_add(1);
    if cut_off.is_at_risk || cut_off.looks < LOOKS_MIN || cut_off.told >= TOLD_MAX || now > due_at {
        return;
    }
    (cut_off.is_at_risk, cut_off.told) = (true, cut_off.told + 1);
    let news = JobNews::AtRisk { eta: cut_off.eta, due_at, cause: estimate.cause };
    fleet.notify(id, news, now, commands);
}

/// All jobs that haven't ended.
fn estimates(fleet: &mut Fleet, now: Time) -> Vec<(JobId, Estimate)> {
    let mut forecast = Forecast::of(fleet, now);
    let mut found = Vec::new();
    let mut free = BinaryHeap::new();
    for robot in &fleet.state.robots {
        let course = robot.job().and_then(|job| forecast.course_of(job));
        if let (Some(job), Some(course)) = (robot.job(), course) {
            let (done_ms, waits_ms) = (course.done_ms, course.waits_ms);
            let cause = match robot.can_go_on() {
                false => Risk::RobotHalted,
                true if waits_ms > WAIT_MS => Risk::Sequence,
                true => Risk::Travel,
            };
            found.push((job.clone(), Estimate { done_ms, cause }));
        }
        if robot.can_go_on() && !charge::is_critical(fleet, robot) {
            match &robot.task {
                Task::Idle => free.push(Reverse(0)),
                Task::Job { .. } => free.extend(course.map(|course| Reverse(course.done_ms))),
                Task::Return { .. } | Task::Charge { .. } => {}
            }
        }
    }
    queued(fleet, &mut forecast, free, &mut found);
    found
}

/// Queued jobs on the robots that are free first.
fn queued(
    fleet: &mut Fleet,
    forecast: &mut Forecast,
    mut free: BinaryHeap<Reverse<u64>>,
    found: &mut Vec<(JobId, Estimate)>,
) {
    let robot_type = fleet.state.robots.first().map_or(TypeId(0), |robot| robot.robot_type);
    let approach_ms = fleet.state.pace.approach_ms();
    let mut turns: BTreeMap<String, u64> = BTreeMap::new();
    for job in in_order(fleet) {
        let sequence = job.spec.sequence.as_ref();
        let is_held =
            sequence.and_then(|name| fleet.state.sequences.get(name)).is_some_and(|it| it.held_by.is_some());
        let (Some(Reverse(free_ms)), false) = (free.peek().copied(), is_held) else {
            let cause = if is_held { Risk::SequenceHeld } else { Risk::NoRobot };
            found.push((job.spec.id.clone(), Estimate { done_ms: NEVER_MS, cause }));
            continue;
        };
        free.pop();
        let (between_ms, end_ms) = forecast.trip(fleet, &job, robot_type);
        let there_ms = free_ms + approach_ms.min(forecast.back(fleet, &job, robot_type)) + between_ms;
        let before = sequence.and_then(|name| turns.get(name).copied().or_else(|| forecast.turn_of(name)));
        let turn_ms = before.map_or(0, |before| before + next_ms(fleet, end_ms));
        let done_ms = there_ms.max(turn_ms) + end_ms;
        turns.extend(sequence.map(|name| (name.clone(), done_ms)));
        free.push(Reverse(done_ms));
        let cause = match (turn_ms > there_ms + WAIT_MS, free_ms > WAIT_MS) {
            (true, _) => Risk::Sequence,
            (false, true) => Risk::NoRobot,
            (false, false) => Risk::Travel,
        };
        found.push((job.spec.id.clone(), Estimate { done_ms, cause }));
    }
}

/// Queued jobs by priority and cut-off, then in queue order.
fn in_order(fleet: &Fleet) -> Vec<Job> {
    let queue = fleet.state.queue.iter();
    let mut jobs: Vec<(u8, Time, u64, &Job)> = queue
        .filter_map(|(rank, admitted, id)| {
            let job = fleet.state.jobs.get(id)?;
            Some((*rank, job.spec.due_at.unwrap_or(Time(u64::MAX)), *admitted, job))
        })
        .collect();
    jobs.sort_unstable_by_key(|(rank, due, admitted, _)| (*rank, *due, *admitted));
    jobs.truncate(QUEUED_MAX);
    jobs.into_iter().map(|(.., job)| job.clone()).collect()
}
