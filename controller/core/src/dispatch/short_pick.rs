//! A person at the station says that less was there than ordered. It is noted with the leg and told with its end; the job
//! goes on with what there is. Where nothing was there to pick the job fails, and its robot is free.

use super::{bring_back, leg};
use crate::clock::Time;
use crate::command::{Command, JobNews, RejectCode, Rejection};
use crate::fleet::Fleet;
use crate::id::JobId;
use crate::job::{ActionSpec, FailCode, Job, JobState, LegSpec, Short};

/// Takes the person's word in; for a leg of one line it is a confirmation, too.
pub(crate) fn note_short(
    fleet: &mut Fleet,
    id: &JobId,
    short: Short,
    now: Time,
    commands: &mut Vec<Command>,
) {
    let Some(job) = fleet.state.jobs.get_mut(id) else {
        let reason = format!("job_id \"{id}\" is not known: it was never accepted, or ended long ago");
        return reject(id, RejectCode::UnknownJob, reason, commands);
    };
    if let Err((code, reason)) = check(job, &short) {
        return reject(id, code, reason, commands);
    }
    let is_whole = lines(job, short.leg) == 1;
    job.shorts.retain(|known| (known.leg, known.line) != (short.leg, short.line));
    job.shorts.push(short);
    job.shorts.sort_by_key(|short| (short.leg, short.line));
    if comes_to_nothing(job) {
        let code = FailCode::ShortPick;
        let reason = format!("nothing was there to pick on leg {} at {}", job.legs_done, station(job));
        let news = JobNews::Failed { code: code.as_str().into(), reason };
        bring_back::end_early(fleet, id, JobState::Failed(code), news, now, commands);
    } else if is_whole {
        leg::end_confirm(fleet, id, now, commands);
    }
}

/// Only of the present leg, and where something is picked.
fn check(job: &Job, short: &Short) -> Result<(), (RejectCode, String)> {
    let (id, leg) = (&job.spec.id, short.leg);
    if job.state.is_terminal() {
        return Err((RejectCode::TooLate, format!("short pick of job \"{id}\": the job has ended")));
    }
    if leg != job.legs_done || !job.leg().is_some_and(takes) {
        let reason = format!(
            "leg {leg} of job \"{id}\" isn't one where something is picked now: name its present leg, {}",
            job.legs_done
        );
        return Err((RejectCode::NotAwaited, reason));
    }
    let lines = lines(job, leg);
    if short.line >= lines {
        let reason = format!("line {} of leg {leg} of job \"{id}\": the leg has {lines}, from 0", short.line);
        return Err((RejectCode::NotAwaited, reason));
    }
    Ok(())
}

fn station(job: &Job) -> &str {
    job.leg().map_or("", |leg| &leg.station)
}

fn action(leg: &LegSpec) -> Option<&str> {
    leg.action.as_ref().map(|action| action.name.as_str())
}

/// Something is taken there, by the robot or by a person.
fn takes(leg: &LegSpec) -> bool {
    matches!(action(leg), Some(ActionSpec::PICK | ActionSpec::CONFIRM))
}

fn lines(job: &Job, leg: usize) -> u32 {
    job.spec.legs.get(leg).map_or(1, |leg| leg.lines.max(1))
}

/// Every line of the leg was short by all of it.
fn is_empty(job: &Job, leg: usize) -> bool {
    let is_nothing = |line: u32| {
        let mut shorts = job.shorts.iter();
        shorts.any(|short| (short.leg, short.line, short.quantity_milli) == (leg, line, 0))
    };
    (0..lines(job, leg)).all(is_nothing)
}

/// The robot can't pick what isn't there; where people pick, the job goes on while there is another leg to pick at.
fn comes_to_nothing(job: &Job) -> bool {
    let is_pick = job.leg().is_some_and(|leg| action(leg) == Some(ActionSpec::PICK));
    let mut picks = (0..).zip(&job.spec.legs).filter(|(_, leg)| takes(leg));
    is_empty(job, job.legs_done) && (is_pick || picks.all(|(leg, _)| is_empty(job, leg)))
}

fn reject(id: &JobId, code: RejectCode, reason: String, commands: &mut Vec<Command>) {
    commands.push(Command::Reject(Rejection { job: id.clone(), code, reason }));
}
