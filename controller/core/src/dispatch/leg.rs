//! A leg: wait for a place at the station, drive there, act, stand, done.

use drover_maps::{NodeId, StationId};

use crate::clock::Time;
use crate::command::{Command, JobNews, RejectCode, Rejection};
use crate::dispatch::remedy::{self, Failure};
use crate::dispatch::{bring_back, forecast, goal, line};
use crate::event::ActionStatus;
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::{ActionSpec, Job, JobState, LegSpec};
use crate::load::Load;
use crate::release::{self, Action};
use crate::robot::{ChargePhase, Phase, Robot, Task};

/// Who is let in within this of an end had waited for it, ms.
const LET_IN_MS: u64 = 10_000;
/// A robot leaves the cold so long before it has to, ms.
const COLD_LEAD_MS: u64 = 10_000;

/// Takes the robot's job one phase further, as far as it goes now.
pub(crate) fn advance(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    while !stays(fleet, id, now) {
        let Task::Job { job, phase } = fleet.state.robots[id.index()].task.clone() else { return };
        let next = match phase {
            Phase::Wait => wait(fleet, id, &job, now),
            Phase::Drive | Phase::Stand if !may_approach(fleet, &job) => turn_back(fleet, id, &job),
            Phase::Drive => arrive(fleet, id, &job),
            // A person has moved it.
            Phase::Stand if !fleet.state.robots[id.index()].is_at_goal() => Some(Phase::Drive),
            Phase::Stand => stand(fleet, id, &job, commands),
            Phase::Act { .. } | Phase::Confirm => None,
            Phase::Dwell { until } if now >= until => return leg_done(fleet, id, &job, now, commands),
            Phase::Dwell { .. } => None,
        };
        let Some(phase) = next else { return };
        fleet.state.robots[id.index()].task = Task::Job { job, phase };
    }
}

/// Nothing can come of a closer look at its task.
fn stays(fleet: &Fleet, id: RobotId, now: Time) -> bool {
    let robot = &fleet.state.robots[id.index()];
    let Task::Job { job, phase } = &robot.task else { return true };
    match phase {
        Phase::Drive => !robot.is_at_goal() && may_approach(fleet, job),
        Phase::Act { .. } | Phase::Confirm => true,
        Phase::Dwell { until } => now < *until,
        Phase::Wait | Phase::Stand => false,
    }
}

/// Waits for a place at the station, on a holding node near it.
fn wait(fleet: &mut Fleet, id: RobotId, job: &JobId, now: Time) -> Option<Phase> {
    let layout = std::sync::Arc::clone(&fleet.layout);
    let station = fleet.state.jobs.get(job)?.station()?;
    if may_approach(fleet, job) {
        let open = goal::at_station(fleet, id, station);
        if let Some(node) = open.first().filter(|_| line::ahead(fleet, id, job, station, now) < open.len()) {
            goal::set(fleet, id, *node, true, now);
            return Some(Phase::Drive);
        }
    }
    let place = layout.station(station).nodes.first().copied()?;
    if let Some(cold) = waits_in_the_cold(fleet, id, job, station, now) {
        let is_there = fleet.state.robots[id.index()].goal.is_some_and(|goal| cold.contains(&goal.node));
        let node = if is_there { None } else { goal::nearest_of(fleet, id, &cold, Some(place)) };
        if let Some(node) = node {
            goal::set(fleet, id, node, false, now);
        }
        if is_there || node.is_some() {
            return None;
        }
    }
    let front = goal::front_of(fleet, id, place);
    let is_next = is_next(fleet, job);
    let is_in_front = fleet.state.robots[id.index()].goal.is_some_and(|goal| front.contains(&goal.node));
    let node = match fleet.state.robots[id.index()].goal {
        Some(_) if is_in_front || !is_next => None,
        Some(_) => goal::nearest_of(fleet, id, &front, Some(place)),
        None if is_next => goal::nearest_of(fleet, id, layout.holding(), Some(place)),
        None => {
            let back: Vec<NodeId> =
                layout.holding().iter().filter(|node| !front.contains(node)).copied().collect();
            goal::nearest_of(fleet, id, &back, Some(place))
        }
    };
    if let Some(node) = node {
        goal::set(fleet, id, node, false, now);
    }
    None
}

/// Holding nodes cold enough for its load, if its turn comes so late that it can still come from there in time.
fn waits_in_the_cold(
    fleet: &mut Fleet,
    id: RobotId,
    job: &JobId,
    station: StationId,
    now: Time,
) -> Option<Vec<NodeId>> {
    let job = fleet.state.jobs.get(job)?;
    let (turn_at, needed) = (job.turn_at?, job.spec.temperature?);
    let robot = &fleet.state.robots[id.index()];
    let (here, robot_type) = (robot.trail.decision_point()?, robot.robot_type);
    if robot.load.is_none() || !job.is_on_last_leg() || !forecast::is_cold(fleet, here, needed) {
        return None;
    }
    let way_ms = forecast::way_to(fleet, here, station, robot_type);
    let leaves_at = now.plus_ms(u64::from(fleet.state.pace.of(way_ms)) + COLD_LEAD_MS);
    let layout = std::sync::Arc::clone(&fleet.layout);
    let holding = layout.holding().iter().copied();
    let cold = holding.filter(|node| forecast::is_cold(fleet, *node, needed));
    (leaves_at < turn_at).then(|| cold.collect())
}

/// It is among the first of its sequence: it may hold the approach of its last station.
fn is_next(fleet: &Fleet, id: &JobId) -> bool {
    let Some(job) = fleet.state.jobs.get(id) else { return false };
    let sequence = job.spec.sequence.as_ref().filter(|_| job.is_on_last_leg());
    let sequence = sequence.and_then(|name| fleet.state.sequences.get(name));
    sequence.is_none_or(|sequence| sequence.members.iter().take(goal::FRONT).any(|member| member == id))
}

pub(super) fn may_approach(fleet: &Fleet, id: &JobId) -> bool {
    let Some(job) = fleet.state.jobs.get(id) else { return false };
    let sequence = job.spec.sequence.as_ref().filter(|_| job.is_on_last_leg());
    sequence
        .and_then(|name| fleet.state.sequences.get(name))
        .is_none_or(|sequence| sequence.may_approach(&fleet.state.jobs, id))
}

/// The present action may begin: not the last one of a job before whose turn it is.
fn may_act(fleet: &Fleet, job: &Job) -> bool {
    let sequence = job.spec.sequence.as_ref().filter(|_| job.is_on_last_leg());
    let sequence = sequence.and_then(|name| fleet.state.sequences.get(name));
    sequence.is_none_or(|sequence| sequence.may_end(&job.spec.id))
}

fn arrive(fleet: &mut Fleet, id: RobotId, job: &JobId) -> Option<Phase> {
    let robot = &fleet.state.robots[id.index()];
    if !robot.is_at_goal() {
        return None;
    }
    let begun = robot.order.actions.first().map(|action| action.id.clone());
    let job = fleet.state.jobs.get_mut(job)?;
    job.at_last_leg |= job.is_on_last_leg();
    Some(begun.map_or(Phase::Stand, |action_id| Phase::Act { action_id }))
}

/// It waits its turn again: a job before it in the sequence has lost its robot and may need the place, or the place is about
/// to change.
pub(super) fn turn_back(fleet: &mut Fleet, id: RobotId, job: &JobId) -> Option<Phase> {
    fleet.places.forget();
    fleet.state.robots[id.index()].goal = None;
    fleet.state.jobs.get_mut(job)?.at_last_leg = false;
    Some(Phase::Wait)
}

/// At the station: begins what is to be done there as soon as it may.
fn stand(fleet: &mut Fleet, id: RobotId, job: &JobId, commands: &mut Vec<Command>) -> Option<Phase> {
    let job = fleet.state.jobs.get(job)?;
    if !may_act(fleet, job) {
        return None;
    }
    let (leg, id_of_job) = (job.leg()?.clone(), job.spec.id.clone());
    match &leg.action {
        None => Some(Phase::Dwell { until: Time(fleet.state.now.0 + leg.dwell_ms) }),
        Some(action) if action.name == ActionSpec::CONFIRM => Some(Phase::Confirm),
        Some(action) => {
            let robot = &fleet.state.robots[id.index()];
            if !(robot.is_usable() && robot.order.is_complete()) {
                return None;
            }
            let action = write(fleet, id, action, &leg, &id_of_job);
            let action_id = action.id.clone();
            release::act(fleet, id, action, commands);
            Some(Phase::Act { action_id })
        }
    }
}

/// What goes with the last released node, when it is the goal and the work there may begin on arrival.
pub(crate) fn actions_at(fleet: &mut Fleet, id: RobotId, end: NodeId) -> Vec<Action> {
    let robot = &fleet.state.robots[id.index()];
    if robot.goal.map(|goal| goal.node) != Some(end) {
        return Vec::new();
    }
    match &robot.task {
        Task::Charge { phase: ChargePhase::Drive } => {
            let name = super::charge::START.to_owned();
            vec![Action { id: fleet.next_action_id(id), name, parameters: Vec::new() }]
        }
        Task::Job { job, phase: Phase::Drive } => {
            let Some(job) = fleet.state.jobs.get(job).filter(|job| may_act(fleet, job)) else {
                return Vec::new();
            };
            let (Some(leg), id_of_job) = (job.leg().cloned(), job.spec.id.clone()) else { return Vec::new() };
            match &leg.action {
                Some(action) if action.name != ActionSpec::CONFIRM => {
                    vec![write(fleet, id, action, &leg, &id_of_job)]
                }
                Some(_) | None => Vec::new(),
            }
        }
        Task::Return { back, phase: Phase::Drive } if back.finishes.is_none() => {
            let back = back.clone();
            vec![bring_back::drop_of(fleet, id, &back)]
        }
        Task::Idle | Task::Job { .. } | Task::Return { .. } | Task::Charge { .. } => Vec::new(),
    }
}

/// The action's message. A drop that names no load means the one aboard.
fn write(fleet: &mut Fleet, id: RobotId, action: &ActionSpec, leg: &LegSpec, job: &JobId) -> Action {
    let legs = fleet.state.jobs.get(job).map(|job| &job.spec.legs[..job.legs_done]);
    let picked = legs.into_iter().flatten().rev().find_map(|leg| leg.load.clone());
    let load = leg.load.clone().or(picked.filter(|_| action.name == ActionSpec::DROP));
    message(fleet, id, action, &leg.station, load.as_ref())
}

/// The message of an action at a station.
pub(super) fn message(
    fleet: &mut Fleet,
    id: RobotId,
    action: &ActionSpec,
    station: &str,
    load: Option<&Load>,
) -> Action {
    let mut parameters = action.parameters.clone();
    parameters.push(("stationName".into(), text(station)));
    if let Some(load) = load {
        parameters.push(("loadId".into(), text(&load.id)));
        if let Some(load_type) = &load.load_type {
            parameters.push(("loadType".into(), text(load_type)));
        }
    }
    Action { id: fleet.next_action_id(id), name: action.name.clone(), parameters }
}

/// A string as JSON text.
fn text(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A robot says how far its action is.
pub(crate) fn note_action(
    fleet: &mut Fleet,
    id: RobotId,
    action: &str,
    status: ActionStatus,
    now: Time,
    commands: &mut Vec<Command>,
) {
    match status {
        ActionStatus::Waiting | ActionStatus::Running => {
            let actions = &mut fleet.state.robots[id.index()].order.actions;
            actions.iter_mut().filter(|known| known.id == action).for_each(|known| known.status = status);
        }
        ActionStatus::Finished => end(fleet, id, action, None, now, commands),
        ActionStatus::Failed => end(fleet, id, action, Some(Failure::Reported), now, commands),
    }
}

/// The robot lost the order with the action.
pub(crate) fn lose_action(
    fleet: &mut Fleet,
    id: RobotId,
    action: &str,
    now: Time,
    commands: &mut Vec<Command>,
) {
    end(fleet, id, action, Some(Failure::Lost), now, commands);
}

fn end(
    fleet: &mut Fleet,
    id: RobotId,
    action: &str,
    failure: Option<Failure>,
    now: Time,
    commands: &mut Vec<Command>,
) {
    let robot = &mut fleet.state.robots[id.index()];
    let Some(place) = robot.order.actions.iter().position(|known| known.id == action) else { return };
    let was_begun = robot.order.actions.remove(place).status == ActionStatus::Running;
    match (robot.task.clone(), failure) {
        // One that was never begun is ordered again on arrival.
        (Task::Job { phase: Phase::Drive, .. }, Some(_)) if !was_begun => {}
        // Told with the last stretch of the way, it may end before the robot is known to have arrived.
        (Task::Job { job, phase: Phase::Drive | Phase::Act { .. } }, None) => acted(fleet, id, job, now),
        (Task::Job { job, phase: Phase::Drive | Phase::Act { .. } }, Some(failure)) => {
            remedy::pass(fleet, id, &job, failure, now, commands);
        }
        (Task::Charge { .. }, _) => {
            super::charge::note_action(fleet, id, action, failure.is_none(), commands);
        }
        (Task::Return { .. }, failure) => bring_back::note_end(fleet, id, failure, was_begun, now, commands),
        (Task::Idle | Task::Job { .. }, _) => {}
    }
}

/// It is where its actions were to be done: from here on they may have begun.
pub(crate) fn note_place(robot: &mut Robot) {
    let Some(action_id) = robot.order.actions.first().map(|action| action.id.clone()) else { return };
    match &mut robot.task {
        Task::Job { phase: phase @ Phase::Drive, .. } | Task::Return { phase: phase @ Phase::Drive, .. } => {
            *phase = Phase::Act { action_id };
        }
        Task::Charge { phase: phase @ ChargePhase::Drive } => *phase = ChargePhase::Start { action_id },
        Task::Idle | Task::Job { .. } | Task::Return { .. } | Task::Charge { .. } => {}
    }
}

/// The load that a pick takes.
pub(super) fn load_of(leg: &LegSpec, job: &JobId) -> Load {
    leg.load.clone().unwrap_or_else(|| Load { id: job.0.clone(), load_type: None })
}

fn acted(fleet: &mut Fleet, id: RobotId, job: JobId, now: Time) {
    let Some(leg) = fleet.state.jobs.get(&job).and_then(Job::leg).cloned() else { return };
    let robot = &mut fleet.state.robots[id.index()];
    match leg.action.as_ref().map(|action| action.name.as_str()) {
        Some(ActionSpec::PICK) => robot.load = Some(load_of(&leg, &job).id),
        Some(ActionSpec::DROP) => robot.load = None,
        Some(_) | None => {}
    }
    robot.task = Task::Job { job, phase: Phase::Dwell { until: now.plus_ms(leg.dwell_ms) } };
}

/// A state has shown the robot's last message: its job may have started.
pub(crate) fn note_seen(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    if let Some(job) = fleet.state.robots[id.index()].order.starts.take() {
        start(fleet, id, &job, now, commands);
    }
}

fn start(fleet: &mut Fleet, id: RobotId, id_of_job: &JobId, now: Time, commands: &mut Vec<Command>) {
    if let Some(job) = fleet.state.jobs.get_mut(id_of_job)
        && job.state == JobState::Assigned(id)
    {
        job.state = JobState::Started(id);
        fleet.notify(id_of_job, JobNews::Started, now, commands);
    }
}

/// A person has confirmed the leg.
pub(crate) fn confirm(fleet: &mut Fleet, job: &JobId, leg: usize, now: Time, commands: &mut Vec<Command>) {
    let is_present = fleet.state.jobs.get(job).is_some_and(|facts| facts.legs_done == leg);
    if !(is_present && end_confirm(fleet, job, now, commands)) {
        let reason = format!("leg {leg} of job \"{job}\" doesn't wait for a person now");
        let (job, code) = (job.clone(), RejectCode::NotAwaited);
        commands.push(Command::Reject(Rejection { job, code, reason }));
    }
}

/// The present leg goes on, if it waits for a person.
pub(super) fn end_confirm(fleet: &mut Fleet, job: &JobId, now: Time, commands: &mut Vec<Command>) -> bool {
    let robot = fleet.state.jobs.get(job).and_then(|job| job.state.robot());
    let awaited = Task::Job { job: job.clone(), phase: Phase::Confirm };
    let Some(id) = robot.filter(|robot| fleet.state.robots[robot.index()].task == awaited) else {
        return false;
    };
    acted(fleet, id, job.clone(), now);
    advance(fleet, id, now, commands);
    true
}

/// The robot is done at its last station: how long after the one before it, if it was let in when that was done.
fn note_end(fleet: &mut Fleet, id: RobotId, station: StationId, now: Time) {
    let let_in = fleet.state.robots[id.index()].goal_since;
    let before = fleet.state.ended.insert(station, now);
    if let Some(before) = before.filter(|before| let_in >= *before && let_in.since_ms(*before) < LET_IN_MS) {
        fleet.state.pace.note_cycle(now.since_ms(before));
    }
}

fn leg_done(fleet: &mut Fleet, id: RobotId, id_of_job: &JobId, now: Time, commands: &mut Vec<Command>) {
    start(fleet, id, id_of_job, now, commands);
    let Some(job) = fleet.state.jobs.get_mut(id_of_job) else { return };
    let leg = job.legs_done;
    let work_ms = forecast::work_ms(job, leg);
    job.legs_done += 1;
    job.failures = 0;
    (job.leg_since, job.is_overdue) = (now, false);
    let short = job.shorts.iter().filter(|short| short.leg == leg).cloned().collect();
    let is_last = job.leg().is_none();
    if is_last && let Some(station) = job.stations.last().copied() {
        note_end(fleet, id, station, now);
    } else if leg == 0 {
        let robot = &fleet.state.robots[id.index()];
        let took_ms = now.since_ms(robot.goal_since).saturating_sub(u64::from(work_ms));
        fleet.state.pace.note(took_ms, u64::from(robot.goal_ms));
    }
    fleet.notify(id_of_job, JobNews::LegDone { leg, short }, now, commands);
    if is_last {
        fleet.end_job(id_of_job, JobState::Done, JobNews::Done, now, commands);
        return;
    }
    fleet.places.forget();
    let robot = &mut fleet.state.robots[id.index()];
    robot.goal = None;
    robot.task = Task::Job { job: id_of_job.clone(), phase: Phase::Wait };
    advance(fleet, id, now, commands);
}
