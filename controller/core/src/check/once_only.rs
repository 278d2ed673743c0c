//! OnceOnly: a job is with at most one robot, and a robot with at most one job; an ended job is with none.

use super::{Violation, broken};
use crate::fleet::Fleet;
use crate::id::RobotId;

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    for (index, robot) in fleet.robots().iter().enumerate() {
        let Some(id) = robot.job() else { continue };
        let with = fleet.job(id).and_then(|job| job.state.robot());
        if with != Some(RobotId(index as u32)) {
            found.push(broken("OnceOnly", format!("{} does job {id}, which isn't with it", robot.name)));
        }
    }
    for job in fleet.jobs() {
        let Some(robot) = job.state.robot() else { continue };
        if fleet.robots()[robot.index()].job() != Some(&job.spec.id) {
            found.push(broken("OnceOnly", format!("job {} is with a robot that doesn't do it", job.spec.id)));
        }
    }
}
