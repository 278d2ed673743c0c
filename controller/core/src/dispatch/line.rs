//! Whose turn it is at a station: who has waited for long goes before whoever happens to be looked at first, the most urgent
//! and then the oldest job before the others. So nobody waits for ever.

use drover_maps::StationId;

use super::leg;
use crate::clock::Time;
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::Job;
use crate::robot::{Phase, Task};

/// Who has stood at its waiting place for so long goes first, ms.
const LONG_MS: u64 = 60_000;

/// Other robots that have waited long for the station, could go there now, and have an older job.
pub(super) fn ahead(fleet: &Fleet, id: RobotId, job: &JobId, station: StationId, now: Time) -> usize {
    let Some(mine) = fleet.state.jobs.get(job).map(rank) else { return 0 };
    let comes_before = |other: &JobId, robot_type: usize| {
        fleet.state.jobs.get(other).is_some_and(|job| {
            rank(job) < mine && job.station() == Some(station) && fleet.serves(robot_type, station)
        }) && leg::may_approach(fleet, other)
    };
    let robots = fleet.state.robots.iter().zip((0..).map(RobotId));
    let waits = robots.filter(|(robot, other)| match &robot.task {
        Task::Job { job: theirs, phase: Phase::Wait } => {
            let has_waited = robot.is_at_goal() && now.since_ms(robot.goal_since) >= LONG_MS;
            *other != id && has_waited && robot.is_usable() && comes_before(theirs, robot.robot_type.index())
        }
        Task::Idle | Task::Job { .. } | Task::Charge { .. } => false,
    });
    waits.count()
}

fn rank(job: &Job) -> (u8, u64) {
    (9 - job.spec.priority.min(9), job.admitted)
}
