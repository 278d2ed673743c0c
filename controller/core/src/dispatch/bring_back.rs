//! Bringing back: what a robot still does for a job that has ended in the middle of its work.
//!
//! The job has ended for its customer and its sequence at once. An action that its robot was told is let finish: a base
//! can't be taken back. What is aboard then goes to the site's station for that (`Layout::returns`), or to where it was
//! picked, and is put down there. Where that can't be, the operator is told and it is tried on; where nobody knows where
//! the load is, or the robot fails again and again, a person sees to it (Conserved). OnceOnly: it is put down again only
//! after the robot's own word that it failed.

use super::remedy::Failure;
use super::{goal, leg};
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command, JobNews};
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::{ActionSpec, FailCode, JobState, LegSpec};
use crate::load::Load;
use crate::release::{self, Action};
use crate::robot::{Goal, Phase, Return, Robot, Task, Work};

/// A load that isn't back after so long is told to the operator, ms.
const TELL_MS: u64 = 120_000;
/// And again after so long, ms.
const TELL_AGAIN_MS: u64 = 600_000;
/// A robot that couldn't put the load down tries again after so long, ms.
const RETRY_MS: u64 = 30_000;
/// It tries so often.
const TRIES_MAX: u8 = 3;

/// Ends a job before its work is done: its sequence goes on, and its robot with what is left of it.
pub(super) fn end_early(
    fleet: &mut Fleet,
    id: &JobId,
    state: JobState,
    news: JobNews,
    now: Time,
    commands: &mut Vec<Command>,
) {
    let rest = rest(fleet, id, now);
    fleet.end_job(id, state, news, now, commands);
    if let Some((id, task, goal)) = rest {
        let robot = &mut fleet.state.robots[id.index()];
        (robot.task, robot.goal) = (task, goal);
        fleet.state.plan_is_due = true;
        advance(fleet, id, now, commands);
    }
}

/// What is left of the job on its robot; none = nothing is aboard, nor will be.
fn rest(fleet: &Fleet, id: &JobId, now: Time) -> Option<(RobotId, Task, Option<Goal>)> {
    let job = fleet.state.jobs.get(id)?;
    let robot_id = job.state.robot()?;
    let robot = &fleet.state.robots[robot_id.index()];
    let Task::Job { phase, .. } = &robot.task else { return None };
    let is_told = !robot.order.actions.is_empty();
    let finishes = job.leg().map(work).filter(|_| is_told);
    let is_picking = finishes == Some(Work::Pick);
    if robot.load.is_none() && !is_picking {
        return None;
    }
    let acted = job.legs_done + usize::from(is_picking || matches!(phase, Phase::Dwell { .. }));
    let pick = job.spec.legs.iter().take(acted).rfind(|leg| work(leg) == Work::Pick)?;
    let returns = fleet.layout.returns().filter(|at| fleet.serves(robot.robot_type.index(), *at));
    let back = Return {
        job: id.clone(),
        station: returns.map_or(&pick.station, |at| &fleet.layout.station(at).name).clone(),
        load: leg::load_of(pick, id),
        finishes,
        tell_at: now.plus_ms(TELL_MS),
        failures: 0,
    };
    let (phase, goal) = if is_told { (phase.clone(), robot.goal) } else { (Phase::Wait, None) };
    Some((robot_id, Task::Return { back: Box::new(back), phase }, goal))
}

fn work(leg: &LegSpec) -> Work {
    match leg.action.as_ref().map(|action| action.name.as_str()) {
        Some(ActionSpec::PICK) => Work::Pick,
        Some(ActionSpec::DROP) => Work::Drop,
        Some(_) | None => Work::Other,
    }
}

/// Takes the robot's way back one phase further, as far as it goes now.
pub(super) fn advance(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    loop {
        let robot = &fleet.state.robots[id.index()];
        let Task::Return { back, phase } = robot.task.clone() else { return };
        let is_over = robot.load.is_none() && back.finishes.is_none();
        let next = match phase {
            Phase::Wait | Phase::Drive | Phase::Stand | Phase::Dwell { .. } if is_over => {
                let text = format!(
                    "{}: load {} of job {}, which has ended, isn't aboard any more: its way back to {} ends",
                    robot.name, back.load.id, back.job, back.station
                );
                commands.push(alarm(AlarmCode::LoadReturn, id, text));
                return free(fleet, id, now);
            }
            Phase::Wait => seek(fleet, id, &back.station, now),
            Phase::Drive => arrive(robot),
            // A person has moved it.
            Phase::Stand if !robot.is_at_goal() => Some(Phase::Drive),
            Phase::Stand => stand(fleet, id, &back, commands),
            Phase::Dwell { until } if now >= until => Some(Phase::Wait),
            Phase::Dwell { .. } | Phase::Act { .. } | Phase::Confirm => None,
        };
        let Some(phase) = next else { return tell(fleet, id, now, commands) };
        fleet.state.robots[id.index()].task = Task::Return { back, phase };
    }
}

/// A place at the station, or until there is one a holding node near it.
fn seek(fleet: &mut Fleet, id: RobotId, station: &str, now: Time) -> Option<Phase> {
    let layout = std::sync::Arc::clone(&fleet.layout);
    let station = layout.station_named(station)?;
    if let Some(node) = goal::at_station(fleet, id, station).first() {
        goal::set(fleet, id, *node, true, now);
        return Some(Phase::Drive);
    }
    if fleet.state.robots[id.index()].goal.is_none() {
        let place = layout.station(station).nodes.first().copied();
        if let Some(node) = goal::nearest_of(fleet, id, layout.holding(), place) {
            goal::set(fleet, id, node, false, now);
        }
    }
    None
}

fn arrive(robot: &Robot) -> Option<Phase> {
    let begun = robot.order.actions.first().map(|action| action.id.clone());
    robot.is_at_goal().then(|| begun.map_or(Phase::Stand, |action_id| Phase::Act { action_id }))
}

fn stand(fleet: &mut Fleet, id: RobotId, back: &Return, commands: &mut Vec<Command>) -> Option<Phase> {
    let robot = &fleet.state.robots[id.index()];
    if !(robot.is_usable() && robot.order.is_complete()) {
        return None;
    }
    let action = drop_of(fleet, id, back);
    let action_id = action.id.clone();
    release::act(fleet, id, action, commands);
    Some(Phase::Act { action_id })
}

/// The message that puts the load down.
pub(super) fn drop_of(fleet: &mut Fleet, id: RobotId, back: &Return) -> Action {
    let action = ActionSpec { name: ActionSpec::DROP.to_owned(), parameters: Vec::new() };
    leg::message(fleet, id, &action, &back.station, Some(&back.load))
}

/// An action has ended, well or not.
pub(super) fn note_end(
    fleet: &mut Fleet,
    id: RobotId,
    failure: Option<Failure>,
    was_begun: bool,
    now: Time,
    commands: &mut Vec<Command>,
) {
    let robot = &mut fleet.state.robots[id.index()];
    let Task::Return { back, phase } = &mut robot.task else { return };
    let never_began = *phase == Phase::Drive && !was_begun;
    let finished = back.finishes.take();
    match (finished, failure) {
        (_, Some(Failure::Lost)) if !never_began && finished != Some(Work::Other) => {
            let load = back.load.id.clone();
            robot.load = Some(load);
            leave(fleet, id, "nobody knows whether it is aboard", now, commands);
        }
        (Some(Work::Pick), None) => {
            robot.load = Some(back.load.id.clone());
            set_out(fleet, id);
        }
        (Some(Work::Pick), Some(_)) => free(fleet, id, now),
        (None | Some(Work::Drop), None) => {
            robot.load = None;
            if finished.is_some() {
                let text = format!(
                    "{}: load {} of job {}, which has ended, was being put down at the job's own station and lies there",
                    robot.name, back.load.id, back.job
                );
                commands.push(alarm(AlarmCode::LoadReturn, id, text));
            }
            free(fleet, id, now);
        }
        (Some(Work::Drop | Work::Other), _) | (None, Some(Failure::Lost)) => set_out(fleet, id),
        (None, Some(Failure::Reported)) => try_again(fleet, id, now, commands),
    }
}

/// It goes where the load belongs.
fn set_out(fleet: &mut Fleet, id: RobotId) {
    fleet.places.forget();
    fleet.state.plan_is_due = true;
    let robot = &mut fleet.state.robots[id.index()];
    robot.goal = None;
    if let Task::Return { phase, .. } = &mut robot.task {
        *phase = Phase::Wait;
    }
}

fn try_again(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    let robot = &mut fleet.state.robots[id.index()];
    let Task::Return { back, phase } = &mut robot.task else { return };
    back.failures += 1;
    if back.failures >= TRIES_MAX {
        return leave(fleet, id, "the robot can't put it down", now, commands);
    }
    *phase = Phase::Dwell { until: now.plus_ms(RETRY_MS) };
    let text = format!(
        "{}: it couldn't put down load {} of job {}, which has ended, at {}; it tries again: look whether there is room",
        robot.name, back.load.id, back.job, back.station
    );
    commands.push(alarm(AlarmCode::LoadReturn, id, text));
}

/// A person sees to the load: until then the robot is given nothing.
fn leave(fleet: &mut Fleet, id: RobotId, why: &str, now: Time, commands: &mut Vec<Command>) {
    commands.extend(aboard(id, &fleet.state.robots[id.index()], why));
    free(fleet, id, now);
}

fn free(fleet: &mut Fleet, id: RobotId, now: Time) {
    fleet.places.forget();
    fleet.state.robots[id.index()].free_of_task(now);
}

/// The robot is taken off the floor while it brings a load back.
pub(super) fn let_go(fleet: &Fleet, id: RobotId, commands: &mut Vec<Command>) {
    commands.extend(aboard(id, &fleet.state.robots[id.index()], "the robot is taken off the floor"));
}

/// A person has taken off what the robot carried: a job that was to bring it has failed.
pub(crate) fn unload(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    let robot = &mut fleet.state.robots[id.index()];
    let Some(load) = robot.load.take() else { return };
    if let Some(job) = robot.job().cloned() {
        let code = FailCode::LoadTaken;
        let reason = format!("{}: a person took off load {load} of job {job}", robot.name);
        let news = JobNews::Failed { code: code.as_str().into(), reason };
        end_early(fleet, &job, JobState::Failed(code), news, now, commands);
    }
    advance(fleet, id, now, commands);
}

/// What is told of a load that is a person's matter from here on.
fn aboard(id: RobotId, robot: &Robot, why: &str) -> Option<Command> {
    let Task::Return { back, .. } = &robot.task else { return None };
    let Load { id: load, .. } = &back.load;
    let text = format!(
        "{}: load {load} of job {}, which has ended, needs a person: {why}; look, and see to it",
        robot.name, back.job
    );
    Some(alarm(AlarmCode::LoadAboard, id, text))
}

/// A load that isn't back after long is told, now and then.
fn tell(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    let layout = std::sync::Arc::clone(&fleet.layout);
    let robot = &mut fleet.state.robots[id.index()];
    let can_go_on = robot.is_usable();
    let Task::Return { back, phase } = &mut robot.task else { return };
    if now < back.tell_at {
        return;
    }
    back.tell_at = now.plus_ms(TELL_AGAIN_MS);
    let why = match phase {
        _ if !can_go_on => "the robot can't go on",
        _ if layout.station_named(&back.station).is_none() => "the layout has no such station any more",
        Phase::Wait => "no place there is free, or no way leads there",
        Phase::Drive => "it is still on its way",
        Phase::Stand | Phase::Act { .. } | Phase::Confirm | Phase::Dwell { .. } => "its action takes long",
    };
    let text = format!(
        "{}: load {} of job {}, which has ended, isn't back at {} yet: {why}; it is tried on, or take the load off",
        robot.name, back.load.id, back.job, back.station
    );
    commands.push(alarm(AlarmCode::LoadReturn, id, text));
}

fn alarm(code: AlarmCode, robot: RobotId, text: String) -> Command {
    Command::Alarm(Alarm { code, robot: Some(robot), device: None, text })
}
