//! Whether a new layout fits what is under way: every open job can still be done, every robot has its type, and no stop of a
//! person's would vanish.

use drover_maps::StationId;

use super::{Carry, Change};
use crate::command::RejectCode;
use crate::dispatch;
use crate::fleet::Fleet;
use crate::job::{Job, JobSpec};

/// Flaws named at once, at most.
const NAMED_MAX: usize = 10;

/// What doesn't fit, in words: what, and the mend.
pub(super) fn flaws(fleet: &Fleet, change: &Change) -> Vec<String> {
    let (layout, carry) = (&fleet.layout, &change.carry);
    let mut flaws = Vec::new();
    for robot in fleet.state.robots.iter().filter(|robot| carry.kind(robot.robot_type).is_none()) {
        let kind = &layout.robot_type(robot.robot_type).name;
        flaws.push(format!(
            "robot {} is of type \"{kind}\", which the new layout lacks: keep the type",
            robot.name
        ));
    }
    for job in fleet.state.jobs.values().filter(|job| !job.state.is_terminal()) {
        if let Err((_, why)) = still_goes(fleet, change, job) {
            flaws.push(format!("job {}: {why}; or cancel the job", job.spec.id));
        }
    }
    let is_known = |zone: &&String| change.layout.zones().iter().any(|known| known.name == **zone);
    for zone in fleet.state.stopped.keys().filter(|zone| !is_known(zone)) {
        flaws.push(format!("zone \"{zone}\" is stopped, and the new layout lacks it: resume it first"));
    }
    flaws
}

pub(super) fn text(flaws: &[String]) -> String {
    let named = flaws.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
    let more = flaws.len().saturating_sub(NAMED_MAX);
    if more > 0 { format!("{named}; and {more} more") } else { named }
}

/// What is left of the job can be done there, by the robot that has it or by some robot.
fn still_goes(fleet: &Fleet, change: &Change, job: &Job) -> Result<(), (RejectCode, String)> {
    let kind = job.state.robot().map(|robot| fleet.state.robots[robot.index()].robot_type);
    let kind = kind.and_then(|kind| change.carry.kind(kind)).map(drover_maps::TypeId::index);
    let serves = |robot_type: usize, station: StationId| {
        kind.is_none_or(|kind| kind == robot_type) && change.serves[robot_type][station.index()]
    };
    let legs = &job.spec.legs[job.legs_done.min(job.spec.legs.len())..];
    if legs.is_empty() {
        return Ok(());
    }
    dispatch::stations(&change.layout, serves, &job.spec.requires, legs).map(drop)
}

/// A job that comes while a change is pending can be done on the new layout, too.
pub(crate) fn will_go(fleet: &Fleet, spec: &JobSpec) -> Result<(), (RejectCode, String)> {
    let Some(change) = &fleet.change else { return Ok(()) };
    let serves = |robot_type: usize, station: StationId| change.serves[robot_type][station.index()];
    let there = dispatch::stations(&change.layout, serves, &spec.requires, &spec.legs);
    there.map(drop).map_err(|(code, why)| (code, format!("on the layout that is about to come, {why}")))
}

/// The job's stations as they are there. Where a leg that is done went is no longer asked: any station stands for one that
/// is gone. None if a station that it still goes to is gone.
pub(super) fn carry_job(job: &mut Job, carry: &Carry) -> Option<()> {
    let there: Vec<Option<StationId>> = job.stations.iter().map(|station| carry.station(*station)).collect();
    if job.state.is_terminal() {
        job.stations = there.into_iter().collect::<Option<_>>().unwrap_or_default();
        return Some(());
    }
    let left = there.iter().skip(job.legs_done).copied().collect::<Option<Vec<_>>>()?;
    let present = *left.first()?;
    job.stations = there.into_iter().map(|station| station.unwrap_or(present)).collect();
    Some(())
}
