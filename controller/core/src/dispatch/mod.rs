//! WHICH robot, and what it is about.
//!
//! One pass, in this order: robots go on with their legs (`leg`), with what is left of jobs that ended early
//! (`bring_back`) and with their charging (`charge`); low robots go to free chargers; jobs whose robots can't go on
//! (`withdraw`), are on a leg for too long (`overdue`) or have no open way (`no_way`) go back to the queue or are told
//! to the operator; queued jobs get robots by the policy (`assign`, or `ahead` for one that plans), after a look at all
//! cut-offs (`cutoff`); whoever is left without work parks (`park`), and leaves places that a new layout changes
//! (`leave`). Between two passes a robot whose own news came goes on alone.
//! Jobs are admitted in queue order (`admit`). A job of a sequence is assigned only when the one before it has started,
//! may drive to its last station only when the one before it stands there, and may act there only when every one before
//! it has ended (Fifo). Two robots never have the same goal, nor goals in conflict (`goal`).

mod admit;
mod ahead;
mod assign;
mod bring_back;
mod charge;
mod cutoff;
mod demand;
mod forecast;
mod goal;
mod leave;
mod leg;
mod line;
mod no_way;
mod overdue;
mod pace;
mod park;
mod places;
pub mod policy;
mod remedy;
mod sequence;
mod short_pick;
mod withdraw;

pub(crate) use admit::{cancel, stations, submit, update};
pub(crate) use ahead::Looked;
pub use ahead::Proposal;
pub(crate) use bring_back::unload;
pub use cutoff::CutOff;
pub(crate) use leave::turn_away;
pub(crate) use leg::{actions_at, confirm, lose_action, note_action, note_place, note_seen};
pub(crate) use no_way::NoWay;
pub use pace::Pace;
pub(crate) use places::Places;
pub use sequence::Sequence;
pub(crate) use short_pick::note_short;
pub(crate) use withdraw::let_go;

use crate::clock::Time;
use crate::command::Command;
use crate::fleet::Fleet;
use crate::id::RobotId;
use crate::job::JobState;
use crate::robot::Task;

/// Everything that can be decided now.
pub(crate) fn pass(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    fleet.places.forget();
    for robot in (0..fleet.state.robots.len() as u32).map(RobotId) {
        advance(fleet, robot, now, commands);
    }
    charge::send_low(fleet, now);
    withdraw::pass(fleet, now, commands);
    overdue::pass(fleet, now, commands);
    no_way::pass(fleet, now, commands);
    cutoff::pass(fleet, now, commands);
    assign::assign(fleet, now, commands);
    park::park(fleet, now);
    leave::send_out(fleet, now);
}

/// The robot's task goes on, as far as it does now.
fn advance(fleet: &mut Fleet, robot: RobotId, now: Time, commands: &mut Vec<Command>) {
    match fleet.state.robots[robot.index()].task {
        Task::Idle => {}
        Task::Job { .. } => leg::advance(fleet, robot, now, commands),
        Task::Return { .. } => bring_back::advance(fleet, robot, now, commands),
        Task::Charge { .. } => charge::advance(fleet, robot, commands),
    }
}

/// A robot's own news, between two passes.
pub(crate) fn hear(fleet: &mut Fleet, robot: RobotId, now: Time, commands: &mut Vec<Command>) {
    advance(fleet, robot, now, commands);
    withdraw::is_halted(&mut fleet.state.robots[robot.index()], now);
}

/// Whoever has stood for as long as its leg asked goes on.
pub(crate) fn end_dwells(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    for robot in (0..fleet.state.robots.len() as u32).map(RobotId) {
        if fleet.state.robots[robot.index()].dwells_until().is_some_and(|until| until <= now) {
            advance(fleet, robot, now, commands);
        }
    }
}

/// A message to this robot is about to leave: it may be the first of its job.
pub(crate) fn note_release(fleet: &mut Fleet, id: RobotId) {
    let Some(job) = fleet.state.robots[id.index()].job().cloned() else { return };
    let is_first = fleet.state.jobs.get(&job).is_some_and(|job| matches!(job.state, JobState::Assigned(_)));
    if is_first {
        fleet.state.robots[id.index()].order.starts = Some(job);
    }
}

/// An action for its job is about to leave: the job stays with this robot.
pub(crate) fn note_begun(fleet: &mut Fleet, id: RobotId) {
    let Some(job) = fleet.state.robots[id.index()].job() else { return };
    if let Some(job) = fleet.state.jobs.get_mut(job) {
        job.is_begun = true;
    }
}
