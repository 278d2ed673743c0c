//! Conserved: each load is in exactly one of source, robot, destination, or unknown and awaiting a person.
//!
//! A job's own legs say where its load must be: aboard its robot between a pick that is done and the drop after it, else
//! at a station. A robot without a job may still carry the load of one that has failed: that one awaits a person.

use std::collections::BTreeMap;

use super::{Violation, broken};
use crate::fleet::Fleet;
use crate::job::{ActionSpec, Job};
use crate::robot::{Phase, Robot, Task};

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    let mut aboard = BTreeMap::new();
    for robot in fleet.robots() {
        let Some(load) = &robot.load else { continue };
        if let Some(other) = aboard.insert(load, &robot.name) {
            found.push(broken("Conserved", format!("load {load} is aboard {other} and {}", robot.name)));
        }
    }
    for job in fleet.jobs().filter(|job| !job.state.is_terminal()) {
        let robot = job.state.robot().map(|robot| &fleet.robots()[robot.index()]);
        let carried = carried(job, robot);
        let shown = robot.and_then(|robot| robot.load.as_deref());
        if carried != shown {
            let who = robot.map_or("nobody".to_owned(), |robot| robot.name.to_string());
            let text =
                format!("job {} has {carried:?} picked and not dropped, {who} has {shown:?}", job.spec.id);
            found.push(broken("Conserved", text));
        }
    }
}

/// The load that the job's acted legs leave aboard.
fn carried<'a>(job: &'a Job, robot: Option<&Robot>) -> Option<&'a str> {
    let has_acted = robot.is_some_and(|it| matches!(it.task, Task::Job { phase: Phase::Dwell { .. }, .. }));
    let acted = job.legs_done + usize::from(has_acted);
    let legs = job.spec.legs.iter().take(acted);
    legs.fold(None, |aboard, leg| match leg.action.as_ref().map(|action| action.name.as_str()) {
        Some(ActionSpec::PICK) => Some(leg.load.as_ref().map_or(job.spec.id.0.as_str(), |load| &load.id)),
        Some(ActionSpec::DROP) => None,
        Some(_) | None => aboard,
    })
}
