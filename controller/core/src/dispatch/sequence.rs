//! Jobs that stay in order: the members of a sequence that haven't ended, in queue order.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::id::JobId;
use crate::job::{Job, JobState};

/// A sequence with members that haven't ended, or that is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Members that haven't ended, in queue order.
    pub members: VecDeque<JobId>,
    /// The failed member that holds the rest, until an operator cancels it.
    pub held_by: Option<JobId>,
}

impl Sequence {
    /// The member that may be given a robot now: the first queued one, if all before it have started.
    pub fn next(&self, jobs: &BTreeMap<JobId, Job>) -> Option<&JobId> {
        if self.held_by.is_some() {
            return None;
        }
        for id in &self.members {
            match jobs.get(id)?.state {
                JobState::Queued => return Some(id),
                JobState::Started(_) => {}
                JobState::Assigned(_) | JobState::Done | JobState::Failed(_) | JobState::Cancelled => {
                    return None;
                }
            }
        }
        None
    }

    /// Members that have a robot.
    pub fn under_way(&self, jobs: &BTreeMap<JobId, Job>) -> usize {
        self.members.iter().filter(|id| jobs.get(id).is_some_and(|job| job.state.robot().is_some())).count()
    }

    /// All members before this one stand at their last station.
    pub fn may_approach(&self, jobs: &BTreeMap<JobId, Job>, job: &JobId) -> bool {
        let mut before = self.members.iter().take_while(|member| *member != job);
        before.all(|member| jobs.get(member).is_some_and(|member| member.at_last_leg))
    }

    /// All members before this one have ended.
    pub fn may_end(&self, job: &JobId) -> bool {
        self.members.front() == Some(job)
    }
}
