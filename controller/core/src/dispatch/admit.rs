//! Admission: what is accepted, in queue order, and what is refused with a code. Never twice the same job (OnceOnly).

use drover_maps::{Layout, StationId};

use crate::change;
use crate::clock::Time;
use crate::command::{Command, JobNews, RejectCode, Rejection};
use crate::dispatch::{CutOff, Looked, bring_back, no_way};
use crate::fleet::Fleet;
use crate::id::JobId;
use crate::job::{Job, JobSpec, JobState, LegSpec};

/// Takes a job over, or says why not.
pub(crate) fn submit(fleet: &mut Fleet, spec: JobSpec, now: Time, commands: &mut Vec<Command>) {
    match fleet.state.fingerprint_of(&spec.id) {
        Some(known) if known == spec.fingerprint => commands.push(Command::Ignore { job: spec.id }),
        Some(_) => {
            let reason =
                format!("job_id \"{}\" came before with another body: give each job its own id", spec.id);
            reject(spec.id, RejectCode::JobIdReused, reason, commands);
        }
        None => match fit(fleet, &spec) {
            Ok(stations) => accept(fleet, spec, stations, now, commands),
            Err((code, reason)) => reject(spec.id, code, reason, commands),
        },
    }
}

fn accept(
    fleet: &mut Fleet,
    spec: JobSpec,
    stations: Vec<StationId>,
    now: Time,
    commands: &mut Vec<Command>,
) {
    let id = spec.id.clone();
    fleet.state.admitted += 1;
    let admitted = fleet.state.admitted;
    if let Some(sequence) = &spec.sequence {
        fleet.state.sequences.entry(sequence.clone()).or_default().members.push_back(id.clone());
    }
    fleet.state.queue.insert((9 - spec.priority.min(9), admitted, id.clone()));
    let job = Job {
        spec,
        stations,
        admitted,
        accepted_at: now,
        state: JobState::Queued,
        legs_done: 0,
        at_last_leg: false,
        is_begun: false,
        withdrawals: 0,
        failures: 0,
        failed_by: Vec::new(),
        why: String::new(),
        turn_at: None,
        cut_off: CutOff::default(),
        shorts: Vec::new(),
        leg_since: now,
        is_overdue: false,
        ended_at: None,
    };
    fleet.state.jobs.insert(id.clone(), job);
    no_way::note(fleet, &id, now);
    fleet.notify(&id, JobNews::Accepted, now, commands);
}

/// The job's stations, if it can be done on this layout and on one that is to come.
fn fit(fleet: &Fleet, spec: &JobSpec) -> Result<Vec<StationId>, (RejectCode, String)> {
    let serves = |robot_type: usize, station: StationId| fleet.serves(robot_type, station);
    let stations = stations(&fleet.layout, serves, &spec.requires, &spec.legs)?;
    change::will_go(fleet, spec)?;
    Ok(stations)
}

/// The stations of these legs, if some robot type can do all of them on this layout; `serves` says which type can reach and
/// leave which station.
pub(crate) fn stations(
    layout: &Layout,
    serves: impl Fn(usize, StationId) -> bool,
    requires: &[String],
    legs: &[LegSpec],
) -> Result<Vec<StationId>, (RejectCode, String)> {
    if legs.is_empty() {
        return Err((RejectCode::NoLegs, "legs is empty: a job has 1 to 16 legs".into()));
    }
    let mut stations = Vec::with_capacity(legs.len());
    for (index, leg) in legs.iter().enumerate() {
        let Some(station) = layout.station_named(&leg.station) else {
            let reason = format!(
                "legs[{index}].station \"{}\" is not on the layout: use a stationId of it",
                leg.station
            );
            return Err((RejectCode::UnknownStation, reason));
        };
        stations.push(station);
    }
    let capable = |robot_type: usize| can(layout, robot_type, requires);
    if !(0..layout.robot_types().len()).any(capable) {
        let reason = format!("requires {requires:?}: no robot type has all of these capabilities");
        return Err((RejectCode::NoCapableRobot, reason));
    }
    let serves = |robot_type: usize| capable(robot_type) && stations.iter().all(|at| serves(robot_type, *at));
    if !(0..layout.robot_types().len()).any(serves) {
        let names: Vec<&str> = legs.iter().map(|leg| leg.station.as_str()).collect();
        let reason = format!("legs: no robot type that may do the job can reach and leave all of {names:?}");
        return Err((RejectCode::UnreachableStation, reason));
    }
    Ok(stations)
}

/// The robot type has every capability; one that declares none is taken to have them all.
pub(crate) fn can(layout: &Layout, robot_type: usize, requires: &[String]) -> bool {
    let has = layout.robot_types()[robot_type].capabilities.as_ref();
    has.is_none_or(|has| requires.iter().all(|needed| has.contains(needed)))
}

/// Takes a job back, however far it is; resolves a held sequence when the failed job is named.
pub(crate) fn cancel(fleet: &mut Fleet, id: &JobId, now: Time, commands: &mut Vec<Command>) {
    let Some(job) = fleet.state.jobs.get(id) else {
        return unknown(id, commands);
    };
    if job.state == JobState::Cancelled {
        return commands.push(Command::Ignore { job: id.clone() });
    }
    let (is_failed, has_ended) = (matches!(job.state, JobState::Failed(_)), job.state.is_terminal());
    let sequence = job.spec.sequence.clone().filter(|_| is_failed);
    if sequence.is_some_and(|name| fleet.state.release_hold(&name, id)) {
        return;
    }
    if has_ended {
        let reason = format!("cancel \"{id}\": the job has ended");
        return reject(id.clone(), RejectCode::TooLate, reason, commands);
    }
    bring_back::end_early(fleet, id, JobState::Cancelled, JobNews::Cancelled, now, commands);
}

/// Changes a job's cut-off or priority while it waits or is under way. Who does what is decided anew until its pick
/// begins, by a policy that looks ahead; by the others while it is queued.
pub(crate) fn update(
    fleet: &mut Fleet,
    id: &JobId,
    due_at: Option<Time>,
    priority: Option<u8>,
    commands: &mut Vec<Command>,
) {
    let Some(job) = fleet.state.jobs.get_mut(id) else {
        return unknown(id, commands);
    };
    if job.state.is_terminal() {
        let reason = format!("update \"{id}\": the job has ended");
        return reject(id.clone(), RejectCode::TooLate, reason, commands);
    }
    let was = (9 - job.spec.priority.min(9), job.admitted, id.clone());
    job.spec.due_at = due_at.or(job.spec.due_at);
    job.spec.priority = priority.unwrap_or(job.spec.priority);
    let now_at = (9 - job.spec.priority.min(9), job.admitted, id.clone());
    if fleet.state.queue.remove(&was) {
        fleet.state.queue.insert(now_at);
    }
    // A policy that looks ahead looks at once.
    fleet.state.looked = Looked::default();
}

fn unknown(id: &JobId, commands: &mut Vec<Command>) {
    let reason = format!("job_id \"{id}\" is not known: it was never accepted, or ended long ago");
    reject(id.clone(), RejectCode::UnknownJob, reason, commands);
}

fn reject(job: JobId, code: RejectCode, reason: String, commands: &mut Vec<Command>) {
    commands.push(Command::Reject(Rejection { job, code, reason }));
}
