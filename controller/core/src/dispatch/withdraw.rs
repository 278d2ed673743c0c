//! Withdrawal: a job whose robot can't go on goes back to its place in the queue, for another robot to do.
//!
//! Only while nothing of it was begun: once an action was released, or a load is aboard, the job stays with its robot,
//! or the load would be picked twice. A member of a sequence keeps its place there, and its followers wait for it.

use super::{bring_back, overdue};
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command, JobNews};
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::{FailCode, Job, JobState};
use crate::robot::{Phase, Robot, Task};

/// A robot that hasn't been able to go on for so long gives its job back, ms.
const HALTED_MS: u64 = 30_000;

/// Takes jobs back from robots that haven't been able to go on for long; of what was begun the operator is told.
pub(super) fn pass(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
        if is_halted(&mut fleet.state.robots[id.index()], now) && !withdraw(fleet, id, now) {
            tell(fleet, id, now, commands);
        }
    }
}

/// It hasn't been able to go on for long; whether it can is noted whenever it is looked at.
pub(super) fn is_halted(robot: &mut Robot, now: Time) -> bool {
    if robot.job().is_none() || robot.can_go_on() {
        (robot.halted_since, robot.is_halt_told) = (None, false);
        return false;
    }
    now.since_ms(*robot.halted_since.get_or_insert(now)) >= HALTED_MS
}

/// The job stays with its robot: a person must see to both.
fn tell(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    let robot = &mut fleet.state.robots[id.index()];
    let Some(job) = robot.job().cloned().filter(|_| !robot.is_halt_told) else { return };
    robot.is_halt_told = true;
    let load = robot.load.as_ref().map_or_else(String::new, |load| format!(", load {load} aboard"));
    let reason =
        format!("{}: it can't go on with job {job}{load}: {}", robot.name, overdue::why_halted(robot));
    let text = format!("{reason}; mend it, cancel the job, or release the robot once it is off the floor");
    let alarm = Alarm { code: AlarmCode::JobHalted, robot: Some(id), device: None, text };
    commands.push(Command::Alarm(alarm));
    fleet.notify(&job, JobNews::Blocked { reason }, now, commands);
}

/// The robot leaves the floor: its job goes back, or needs a person.
pub(crate) fn let_go(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    if !withdraw(fleet, id, now)
        && let Some(job) = fleet.state.robots[id.index()].job().cloned()
    {
        fail(fleet, id, &job, now, commands);
    }
    bring_back::let_go(fleet, id, commands);
    fleet.state.robots[id.index()].free_of_task(now);
}

/// The job goes back to its place in the queue, if nothing of it was begun.
pub(super) fn withdraw(fleet: &mut Fleet, id: RobotId, now: Time) -> bool {
    let robot = &fleet.state.robots[id.index()];
    let Some(job) = robot.job().cloned() else { return false };
    let can_be = fleet.state.jobs.get(&job).is_some_and(|job| is_untouched(robot, job));
    if can_be {
        give_back(fleet, id, &job, now);
    }
    can_be
}

/// The job goes back to its place in the queue, and its robot is free.
pub(super) fn give_back(fleet: &mut Fleet, id: RobotId, job_id: &JobId, now: Time) {
    let Some(job) = fleet.state.jobs.get_mut(job_id) else { return };
    job.state = JobState::Queued;
    job.at_last_leg = false;
    job.withdrawals += 1;
    fleet.state.queue.insert((9 - job.spec.priority.min(9), job.admitted, job_id.clone()));
    let robot = &mut fleet.state.robots[id.index()];
    robot.free_of_task(now);
    robot.halted_since = None;
    fleet.places.forget();
    fleet.state.plan_is_due = true;
}

pub(super) fn is_untouched(robot: &Robot, job: &Job) -> bool {
    let is_on_its_way =
        matches!(robot.task, Task::Job { phase: Phase::Wait | Phase::Drive | Phase::Stand, .. });
    is_on_its_way && !job.is_begun && job.legs_done == 0 && robot.load.is_none()
}

fn fail(fleet: &mut Fleet, id: RobotId, job: &JobId, now: Time, commands: &mut Vec<Command>) {
    let robot = &fleet.state.robots[id.index()];
    let load = robot.load.as_ref().map_or_else(String::new, |load| format!(" and load {load}"));
    let reason = format!("{}: taken off the floor with job {job}{load}; see to the load", robot.name);
    let code = FailCode::RobotRemoved;
    let news = JobNews::Failed { code: code.as_str().into(), reason };
    fleet.end_job(job, JobState::Failed(code), news, now, commands);
}
