//! A job that has been on one leg for too long: the operator and the customer are told what it waits for, once for each
//! leg. Where nothing of it was begun another robot gets it, if there is one; else it stays for the operator.

use super::{remedy, withdraw};
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command, JobNews};
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::Job;
use crate::robot::{Cause, Phase, Robot, Task};

pub(super) fn pass(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    let most_ms = fleet.state.config.leg_timeout_ms;
    if most_ms == 0 {
        return;
    }
    for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
        let robot = &fleet.state.robots[id.index()];
        let Some(job) = robot.job().and_then(|job| fleet.state.jobs.get(job)) else { continue };
        if job.leg_since == Time::default() {
            // A snapshot of before there was the limit doesn't say.
            let job = job.spec.id.clone();
            fleet.state.jobs.get_mut(&job).into_iter().for_each(|job| job.leg_since = now);
        } else if !job.is_overdue && now.since_ms(job.leg_since) >= most_ms {
            let job = job.spec.id.clone();
            act(fleet, id, &job, now, commands);
        }
    }
}

fn act(fleet: &mut Fleet, id: RobotId, job_id: &JobId, now: Time, commands: &mut Vec<Command>) {
    let Some(job) = fleet.state.jobs.get_mut(job_id) else { return };
    job.is_overdue = true;
    let (leg, long_s) = (job.legs_done, now.since_ms(job.leg_since) / 1_000);
    let waits_for = waits_for(fleet, id, job_id);
    let is_untouched = |job: &Job| withdraw::is_untouched(&fleet.state.robots[id.index()], job);
    let goes = fleet.state.jobs.get(job_id).is_some_and(is_untouched) && remedy::failed_by(fleet, id, job_id);
    let mend = if goes { "another robot gets it" } else { "go and see, or cancel it" };
    let name = &fleet.state.robots[id.index()].name;
    let text =
        format!("{name}: on leg {leg} of job {job_id} for {long_s} s, it waits for {waits_for}; {mend}");
    let alarm = Alarm { code: AlarmCode::LegOverdue, robot: Some(id), device: None, text: text.clone() };
    commands.push(Command::Alarm(alarm));
    fleet.notify(job_id, JobNews::Blocked { reason: text }, now, commands);
    if goes {
        withdraw::give_back(fleet, id, job_id, now);
    }
}

/// What the robot waits for, in words.
fn waits_for(fleet: &Fleet, id: RobotId, job: &JobId) -> String {
    let robot = &fleet.state.robots[id.index()];
    let job = fleet.state.jobs.get(job);
    let station = job.and_then(Job::leg).map_or("", |leg| &leg.station);
    let Task::Job { phase, .. } = &robot.task else { return "nothing".to_owned() };
    match phase {
        _ if !robot.can_go_on() => why_halted(robot).to_owned(),
        _ if robot.hold.is_on() => "an operator to resume it".to_owned(),
        Phase::Wait => format!("a place at {station}"),
        Phase::Drive => robot.waits_for.map_or("its way".to_owned(), |cause| of_cause(fleet, cause)),
        Phase::Stand => "its turn in its sequence".to_owned(),
        Phase::Act { .. } => format!("the end of its action at {station}"),
        Phase::Confirm => format!("a person to confirm at {station}"),
        Phase::Dwell { .. } => format!("the end of its time at {station}"),
    }
}

fn of_cause(fleet: &Fleet, cause: Cause) -> String {
    match cause {
        Cause::Plan => "a way".to_owned(),
        Cause::Robot(other) => format!("{} to move on", fleet.state.robots[other.index()].name),
        Cause::Answer => "its own answer to the last message".to_owned(),
        Cause::Device(device) => format!("{} to open", fleet.layout.devices()[device.index()].name),
        Cause::Zone(zone) => format!("zone {} to be resumed", fleet.layout.zones()[zone.index()].name),
    }
}

/// Why a robot can't go on, in words.
pub(super) fn why_halted(robot: &Robot) -> &'static str {
    if robot.is_faulted {
        "it reports an error it can't go on with"
    } else if robot.connection != Some(crate::event::Connection::Online) || robot.is_silent {
        "it isn't there"
    } else if !robot.mode.takes_orders() {
        "a person drives it"
    } else if robot.is_refusing() {
        "it refuses its orders"
    } else {
        "it stands where its way doesn't lead"
    }
}
