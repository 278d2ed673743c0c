//! Fifo: in each sequence, members start and reach their last leg in queue order; a job that was taken back from a robot
//! that couldn't go on may be overtaken on the way, never at the end.

use super::{Violation, broken};
use crate::fleet::Fleet;
use crate::job::JobState;

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    for (name, sequence) in fleet.sequences() {
        let members: Vec<_> = sequence.members.iter().filter_map(|id| fleet.job(id)).collect();
        for pair in members.windows(2) {
            let started = |state: &JobState| matches!(state, JobState::Started(_));
            let starts_early = started(&pair[1].state) && !started(&pair[0].state);
            let arrives_early = pair[1].at_last_leg && !pair[0].at_last_leg;
            let is_ahead = pair[0].withdrawals == 0 && (starts_early || arrives_early);
            if pair[1].admitted <= pair[0].admitted || is_ahead {
                let text = format!("sequence {name}: {} is ahead of {}", pair[1].spec.id, pair[0].spec.id);
                found.push(broken("Fifo", text));
            }
        }
    }
}
