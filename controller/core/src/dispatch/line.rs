//! Whose turn it is at a station: who has waited for long goes before whoever happens to be looked at first, the most urgent
//! and then the oldest job before the others. So nobody waits for ever.
//!
//! Under a policy that looks ahead everybody who stands at its waiting place counts, and the earlier cut-off goes first; a job
//! without one counts as due some time after it came, so that it doesn't wait for ever either.

use drover_maps::StationId;

use super::leg;
use crate::clock::Time;
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::Job;
use crate::robot::{Phase, Task};

/// Who has stood at its waiting place for so long goes first, ms.
const LONG_MS: u64 = 60_000;
/// A job without a cut-off counts as due so long after it was accepted, ms.
const NO_CUT_OFF_MS: u64 = 3_600_000;

/// Other robots that have waited long for the station, could go there now, and have an older job.
pub(super) fn ahead(fleet: &Fleet, id: RobotId, job: &JobId, station: StationId, now: Time) -> usize {
    let looks_ahead = fleet.state.config.policy.policy().looks_ahead();
    let (long_ms, rank) =
        if looks_ahead { (0, by_cut_off as fn(&Job) -> Rank) } else { (LONG_MS, by_age as fn(&Job) -> Rank) };
    let Some(mine) = fleet.state.jobs.get(job).map(rank) else { return 0 };
    let comes_before = |other: &JobId, robot_type: usize| {
        fleet.state.jobs.get(other).is_some_and(|job| {
            rank(job) < mine && job.station() == Some(station) && fleet.serves(robot_type, station)
        }) && leg::may_approach(fleet, other)
    };
    let robots = fleet.state.robots.iter().zip((0..).map(RobotId));
    let waits = robots.filter(|(robot, other)| match &robot.task {
        Task::Job { job: theirs, phase: Phase::Wait } => {
            let has_waited = robot.is_at_goal() && now.since_ms(robot.goal_since) >= long_ms;
            *other != id && has_waited && robot.is_usable() && comes_before(theirs, robot.robot_type.index())
        }
        // What is brought back goes before what is still to be done.
        Task::Return { back, phase: Phase::Wait } => {
            let is_for_it = fleet.layout.station_named(&back.station) == Some(station);
            *other != id && is_for_it && robot.is_at_goal() && robot.is_usable()
        }
        Task::Idle | Task::Job { .. } | Task::Return { .. } | Task::Charge { .. } => false,
    });
    waits.count()
}

/// Who goes first: the least.
pub(super) type Rank = (u8, u64, u64);

fn by_age(job: &Job) -> Rank {
    (9 - job.spec.priority.min(9), 0, job.admitted)
}

pub(super) fn by_cut_off(job: &Job) -> Rank {
    let due_at = job.spec.due_at.unwrap_or_else(|| job.accepted_at.plus_ms(NO_CUT_OFF_MS));
    (9 - job.spec.priority.min(9), due_at.0, job.admitted)
}
