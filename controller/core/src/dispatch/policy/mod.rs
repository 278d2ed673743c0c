//! The seam: which free robot does which job that may begin. One file per policy, one line in [`POLICIES`].
//!
//! A policy sees a batch of jobs of one priority, in queue order, and says who does what; the rest waits. It decides in
//! integers, breaks ties by place and id, and never sees how the jobs or robots are kept. Whether a job may begin at all
//! (its sequence, a crowded station) is judged before and after it, not by it.

pub mod longest_idle;
pub mod matching;
pub mod nearest;
pub mod planning;
pub mod sparse;
pub mod throughput;

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::RobotId;

/// Every policy by its name; the first is the default.
pub const POLICIES: [(&str, &(dyn Policy + Sync)); 5] = [
    ("nearest", &nearest::Nearest),
    ("longest_idle", &longest_idle::LongestIdle),
    ("matching", &matching::Matching),
    ("throughput", &throughput::Throughput),
    ("planning", &planning::Planning),
];

/// A robot that can do the job: a free one, or for a policy that looks ahead one that will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The robot.
    pub robot: RobotId,
    /// Travel time to the first station, ms.
    pub travel_ms: u32,
    /// How long it has been without a task, ms.
    pub idle_ms: u64,
    /// Until it is free, ms: 0 = it is, or could be at once.
    pub free_ms: u32,
    /// It has a job that it hasn't picked yet.
    pub is_bound: bool,
    /// Charge that would be missing to what it must keep after the job, per mille.
    pub missing_permille: u16,
    /// Capabilities it has that aren't asked for.
    pub spare: u8,
}

/// What becomes of a job when it begins now, for a policy that looks ahead. Times are at the pace of the traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// From its first station, with the work there, until a robot stands at its last, ms.
    pub to_turn_ms: u32,
    /// Until its turn at its last station comes, ms; 0 = it has come, or there is no sequence.
    pub turn_ms: u32,
    /// The work at its last station, ms.
    pub end_ms: u32,
    /// Until it must be done, so that those behind it in its sequence can be in time, ms; none = no cut-off.
    pub due_ms: Option<i64>,
    /// Where it would wait for its turn it is too warm for the load.
    pub gets_warm: bool,
    /// Days until its goods must be used.
    pub days_left: Option<i32>,
    /// Jobs behind it in its sequence.
    pub followers: u32,
    /// It is expected to be late, as things stand.
    pub is_at_risk: bool,
    /// The robot that has it and hasn't picked yet.
    pub has: Option<RobotId>,
}

/// A job that may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Time since it was accepted, ms.
    pub waited_ms: u64,
    /// Travel time from its first station along the others, ms.
    pub length_ms: u32,
    /// Robots that have jobs which lead to its stations, counted at each.
    pub busy: u32,
    /// Jobs that wait, this one too, and lead to that of its stations to which most do; 0 for a policy that doesn't weigh it.
    pub backlog: u32,
    /// What becomes of it; nothing is known for a policy that doesn't look ahead.
    pub outlook: Outlook,
    /// Robots that could do it, by id.
    pub candidates: Vec<Candidate>,
}

/// One decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The job's place in the batch.
    pub job: usize,
    /// The robot that does it: one of its candidates.
    pub robot: RobotId,
}

/// Chooses robots for jobs.
pub trait Policy {
    /// Jobs it wants to see at once, at most; at least 1.
    fn batch_max(&self) -> usize;

    /// Who does what: each job and each robot at most once, best first. A job it leaves out waits.
    fn choose(&self, batch: &[Open]) -> Vec<Choice>;

    /// It wants to see robots that aren't free yet, jobs that aren't picked yet, and what becomes of each job.
    fn looks_ahead(&self) -> bool {
        false
    }

    /// It weighs how many jobs wait: only then are they counted.
    fn weighs_backlog(&self) -> bool {
        false
    }

    /// Why this robot does this job, in one line.
    fn why(&self, _open: &Open, candidate: &Candidate) -> String {
        format!("there in {} s", candidate.travel_ms / 1_000)
    }
}

/// All robots of the batch, by id.
fn robots(batch: &[Open]) -> Vec<RobotId> {
    let mut is_seen: Vec<bool> = Vec::new();
    for candidate in batch.iter().flat_map(|open| &open.candidates) {
        let place = candidate.robot.index();
        is_seen.resize(is_seen.len().max(place + 1), false);
        is_seen[place] = true;
    }
    (0..is_seen.len()).filter(|place| is_seen[*place]).map(|place| RobotId(place as u32)).collect()
}

/// The name of a policy there is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name(&'static str);

/// No policy has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no policy {name:?}; write one of {}", known())]
pub struct Unknown {
    name: String,
}

fn known() -> String {
    POLICIES.map(|(name, _)| format!("{name:?}")).join(", ")
}

impl Name {
    /// The policy of this name.
    ///
    /// # Errors
    /// Names the policies there are.
    pub fn of(name: &str) -> Result<Name, Unknown> {
        let found = POLICIES.iter().find(|(known, _)| *known == name);
        found.map(|(known, _)| Name(known)).ok_or_else(|| Unknown { name: name.to_owned() })
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    pub(crate) fn policy(self) -> &'static dyn Policy {
        let found = POLICIES.iter().find(|(known, _)| *known == self.0);
        found.map_or(POLICIES[0].1, |(_, policy)| *policy)
    }
}

impl Default for Name {
    fn default() -> Self {
        Name(POLICIES[0].0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Name::of(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Batches of up to six jobs and eight robots: each job has some of the robots, by id.
    pub(crate) fn batches() -> impl Strategy<Value = Vec<Open>> {
        let candidate = prop::option::of((0..100_000_u32, 0..100_000_u64))
            .prop_map(|found| found.unwrap_or((u32::MAX, 0)));
        let job = (0..3_000_000_u64, 0..100_000_u32, prop::collection::vec(candidate, 8));
        prop::collection::vec(job, 0..6).prop_map(|jobs| jobs.into_iter().map(open).collect())
    }

    fn open((waited_ms, length_ms, drawn): (u64, u32, Vec<(u32, u64)>)) -> Open {
        let travel: Vec<u32> = drawn.iter().map(|(travel_ms, _)| *travel_ms).collect();
        let mut open = job(waited_ms, length_ms, &travel);
        open.candidates
            .iter_mut()
            .zip(drawn)
            .for_each(|(candidate, (_, idle_ms))| candidate.idle_ms = idle_ms);
        open.candidates.retain(|candidate| candidate.travel_ms != u32::MAX);
        open
    }

    /// A job that robots 0, 1, ... are so far away from.
    pub(crate) fn job(waited_ms: u64, length_ms: u32, travel: &[u32]) -> Open {
        let candidate = |(robot, travel_ms): (u32, &u32)| Candidate {
            robot: RobotId(robot),
            travel_ms: *travel_ms,
            idle_ms: 0,
            free_ms: 0,
            is_bound: false,
            missing_permille: 0,
            spare: 0,
        };
        let candidates = (0..).zip(travel).map(candidate).collect();
        Open { waited_ms, length_ms, busy: 0, backlog: 1, outlook: Outlook::default(), candidates }
    }

    #[test]
    fn an_unknown_name_is_told_with_those_there_are() {
        let told = Name::of("best").unwrap_err().to_string();
        assert!(told.contains("\"best\"") && told.contains("\"nearest\"") && told.contains("\"matching\""));
        assert_eq!(Name::default().as_str(), "nearest");
    }

    proptest! {
        #[test]
        fn every_policy_gives_each_robot_and_each_job_once_and_to_one_who_can(batch in batches()) {
            for (name, policy) in POLICIES {
                let batch = &batch[..batch.len().min(policy.batch_max())];
                let choices = policy.choose(batch);
                for (index, choice) in choices.iter().enumerate() {
                    let can = batch[choice.job].candidates.iter().any(|one| one.robot == choice.robot);
                    prop_assert!(can, "{name}: {choice:?} of {batch:?}");
                    let twice = choices[..index].iter().any(|other| other.job == choice.job || other.robot == choice.robot);
                    prop_assert!(!twice, "{name}: {choices:?}");
                }
            }
        }

        #[test]
        fn no_policy_leaves_a_job_and_a_robot_for_it_waiting(batch in batches()) {
            for (name, policy) in POLICIES {
                let batch = &batch[..batch.len().min(policy.batch_max())];
                let choices = policy.choose(batch);
                for (job, open) in batch.iter().enumerate().filter(|(job, _)| choices.iter().all(|choice| choice.job != *job)) {
                    let free = open.candidates.iter().find(|one| choices.iter().all(|choice| choice.robot != one.robot));
                    prop_assert!(free.is_none(), "{name}: job {job} waits for nobody: {batch:?}");
                }
            }
        }
    }
}
