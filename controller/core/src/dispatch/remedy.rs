//! An action of a job has failed: what the site wants done about it (`Layout::remedies`), one remedy after the other. After
//! the last one the job fails, and what is aboard awaits a person.
//!
//! OnceOnly: a robot does an action again only after its own word that it failed. Where an order was lost nobody knows how
//! far the action came: then only a person can tell.

use drover_maps::Remedy;

use super::{admit, leg, withdraw};
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command, JobNews};
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::{FailCode, Job, JobState};
use crate::robot::{Phase, Robot, Task};

/// How an action ended that didn't end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The robot said so.
    Reported,
    /// The robot lost its order at the action's place.
    Lost,
}

/// Does what comes next about it.
pub(super) fn pass(
    fleet: &mut Fleet,
    id: RobotId,
    job: &JobId,
    failure: Failure,
    now: Time,
    commands: &mut Vec<Command>,
) {
    let remedy = next(fleet, id, job, failure);
    let robot = &fleet.state.robots[id.index()];
    let what = format!("{}: its action for job {job} failed", robot.name);
    let text = match remedy {
        None => return fail(fleet, id, job, what + "; look at the robot and its load", now, commands),
        Some(Remedy::Retry) => what + "; it does it again",
        Some(Remedy::AnotherRobot) => what + "; another robot does the job",
        Some(Remedy::Operator) => {
            let leg = fleet.state.jobs.get(job).map_or(0, |job| job.legs_done);
            what + &format!("; do it by hand and confirm leg {leg} of the job")
        }
    };
    commands.push(alarm(AlarmCode::ActionFailed, id, text));
    match remedy {
        Some(Remedy::AnotherRobot) => hand_over(fleet, id, job, now),
        Some(Remedy::Operator) => set_phase(fleet, id, Phase::Confirm),
        // Where it stands already, it has arrived; a person may have moved it.
        Some(Remedy::Retry) => set_phase(fleet, id, Phase::Drive),
        None => {}
    }
    leg::advance(fleet, id, now, commands);
}

/// The next remedy that can be, if any is left.
fn next(fleet: &mut Fleet, id: RobotId, job: &JobId, failure: Failure) -> Option<Remedy> {
    let action = fleet.state.jobs.get(job).and_then(Job::leg)?.action.clone()?;
    let layout = std::sync::Arc::clone(&fleet.layout);
    let is_empty = fleet.state.robots[id.index()].load.is_none();
    loop {
        let facts = fleet.state.jobs.get_mut(job)?;
        let remedy = *layout.remedies(&action.name).get(usize::from(facts.failures))?;
        facts.failures += 1;
        let can_be = match remedy {
            Remedy::Retry => failure == Failure::Reported,
            Remedy::AnotherRobot => {
                failure == Failure::Reported && is_empty && facts.legs_done == 0 && failed_by(fleet, id, job)
            }
            Remedy::Operator => true,
        };
        if can_be {
            return Some(remedy);
        }
    }
}

/// The robot is noted as one that failed at the job; false = there is no other.
pub(super) fn failed_by(fleet: &mut Fleet, id: RobotId, job: &JobId) -> bool {
    let Some(facts) = fleet.state.jobs.get_mut(job) else { return false };
    if !facts.failed_by.contains(&id) {
        facts.failed_by.push(id);
    }
    fleet.state.jobs.get(job).is_some_and(|facts| others_can(fleet, facts))
}

/// The robot is there, and made for the job.
fn can(fleet: &Fleet, id: RobotId, job: &Job) -> bool {
    let robot = &fleet.state.robots[id.index()];
    let robot_type = robot.robot_type.index();
    robot.can_go_on()
        && admit::can(&fleet.layout, robot_type, &job.spec.requires)
        && job.stations.iter().all(|station| fleet.serves(robot_type, *station))
}

/// Robots that aren't given the job: they failed at it, and there are others.
pub(super) fn barred(fleet: &Fleet, job: &Job) -> Vec<RobotId> {
    if job.failed_by.is_empty() || !others_can(fleet, job) { Vec::new() } else { job.failed_by.clone() }
}

/// A robot that hasn't failed at the job can do it.
fn others_can(fleet: &Fleet, job: &Job) -> bool {
    let mut robots = (0..fleet.state.robots.len() as u32).map(RobotId);
    robots.any(|other| !job.failed_by.contains(&other) && can(fleet, other, job))
}

fn hand_over(fleet: &mut Fleet, id: RobotId, job: &JobId, now: Time) {
    fleet.state.jobs.get_mut(job).into_iter().for_each(|facts| facts.is_begun = false);
    withdraw::give_back(fleet, id, job, now);
}

fn set_phase(fleet: &mut Fleet, id: RobotId, new: Phase) {
    if let Robot { task: Task::Job { phase, .. }, .. } = &mut fleet.state.robots[id.index()] {
        *phase = new;
    }
}

fn fail(fleet: &mut Fleet, id: RobotId, job: &JobId, text: String, now: Time, commands: &mut Vec<Command>) {
    commands.push(alarm(AlarmCode::ActionFailed, id, text.clone()));
    let robot = &fleet.state.robots[id.index()];
    if let Some(load) = &robot.load {
        let text =
            format!("{}: load {load} of the failed job {job} is still aboard; take it off", robot.name);
        commands.push(alarm(AlarmCode::LoadAboard, id, text));
    }
    let code = FailCode::ActionFailed;
    let news = JobNews::Failed { code: code.as_str().into(), reason: text };
    fleet.end_job(job, JobState::Failed(code), news, now, commands);
}

fn alarm(code: AlarmCode, robot: RobotId, text: String) -> Command {
    Command::Alarm(Alarm { code, robot: Some(robot), device: None, text })
}
