//! Bounded: what grows stays under a named limit.

use super::{Violation, broken};
use crate::audit;
use crate::fleet::Fleet;

/// Released steps of one robot, at most.
const TRAIL_MAX: usize = 256;
/// Planned steps of one robot, at most.
const CLAIMS_MAX: usize = 1_024;
/// Open actions of one robot, at most: one ordered on the way, one where it stands.
const ACTIONS_MAX: usize = 2;
/// Notifications that wait for the events broker, at most: a day without it at 10 a second.
const OUTBOX_MAX: usize = 1_000_000;
/// Ids of ended jobs, at most: 30 days at 300,000 a day.
const REMEMBERED_MAX: usize = 10_000_000;
/// Moves against one jam, at most.
const MANOEUVRE_MAX: usize = 4_096;

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    let mut limit = |what: &str, count: usize, most: usize| {
        if count > most {
            found.push(broken("Bounded", format!("{what}: {count}, {most} at most")));
        }
    };
    for robot in fleet.robots() {
        limit("released steps of one robot", robot.trail.steps.len(), TRAIL_MAX);
        limit("planned steps of one robot", robot.claims.len(), CLAIMS_MAX);
        limit("open actions of one robot", robot.order.actions.len(), ACTIONS_MAX);
    }
    let state = &fleet.state;
    limit("notifications not confirmed", state.outbox.len(), OUTBOX_MAX);
    limit("ended jobs remembered", state.remembered.len(), REMEMBERED_MAX);
    limit("jobs queued", state.queue.len(), state.jobs.len());
    limit("moves against a jam", state.manoeuvre.len(), MANOEUVRE_MAX);
    limit("audit entries", state.audit.entries.len(), audit::ENTRIES_MAX);
    limit("idempotency keys", state.audit.keys(), audit::KEYS_MAX);
    limit("edges closed", state.closed_edges.len(), fleet.layout().edge_count());
    limit("zones stopped", state.stopped.len(), fleet.layout().zones().len());
}
