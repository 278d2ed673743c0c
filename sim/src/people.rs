//! The people: at the stations they confirm what only a person can, after some seconds; the operator makes his rounds and
//! acts on what has been amiss for a while.

use std::collections::{BTreeMap, BTreeSet};

use drover_core::job::{ActionSpec, Short};
use drover_core::robot::{Phase, Task};
use drover_core::{Fleet, JobId, Time};

use crate::rng::Rng;

/// How long a person at a station takes, ms: shortest and longest.
const CONFIRM_MS: [u64; 2] = [3_000, 15_000];
/// Time between two rounds of the operator, ms.
const ROUND_MS: u64 = 2_000;
/// How long something must be amiss before the operator acts, ms: shortest and longest.
const PATIENCE_MS: [u64; 2] = [20_000, 60_000];

/// Who was asked for what, and what is amiss since when.
#[derive(Debug)]
pub struct People {
    rng: Rng,
    asked: BTreeSet<(JobId, usize)>,
    /// Picks that were looked at.
    counted: BTreeSet<(JobId, usize)>,
    round_at: Time,
    /// What is amiss: when it was last seen so, and when the operator will act.
    amiss: BTreeMap<String, (Time, Time)>,
}

impl People {
    /// People who have done nothing yet.
    pub fn new(rng: Rng) -> People {
        People {
            rng,
            asked: BTreeSet::new(),
            counted: BTreeSet::new(),
            round_at: Time(0),
            amiss: BTreeMap::new(),
        }
    }

    /// New confirmations: when, for which job, for which of its legs.
    pub fn look(&mut self, now: Time, fleet: &Fleet) -> Vec<(Time, JobId, usize)> {
        let mut answers = Vec::new();
        for robot in fleet.robots() {
            let Task::Job { job, phase: Phase::Confirm } = &robot.task else { continue };
            let Some(leg) = fleet.job(job).map(|job| job.legs_done) else { continue };
            if self.asked.insert((job.clone(), leg)) {
                let at = now.plus_ms(self.rng.within(CONFIRM_MS[0], CONFIRM_MS[1]));
                answers.push((at, job.clone(), leg));
            }
        }
        answers
    }

    /// Picks at which so many per cent find less than ordered: when it is said, and what.
    pub fn count(&mut self, now: Time, fleet: &Fleet, share: u64) -> Vec<(Time, JobId, Short)> {
        let mut found = Vec::new();
        for robot in fleet.robots() {
            let Task::Job { job, phase } = &robot.task else { continue };
            let is_there = matches!(phase, Phase::Drive | Phase::Act { .. } | Phase::Dwell { .. });
            let Some(facts) = fleet.job(job).filter(|_| is_there) else { continue };
            let action = facts.leg().and_then(|leg| leg.action.as_ref());
            let is_pick = action.is_some_and(|action| action.name == ActionSpec::PICK);
            if is_pick && self.counted.insert((job.clone(), facts.legs_done)) && self.rng.below(100) < share {
                let at = now.plus_ms(self.rng.within(CONFIRM_MS[0], CONFIRM_MS[1]));
                let quantity_milli = self.rng.below(3) * 1_000;
                let short = Short { leg: facts.legs_done, line: 0, quantity_milli, reason: String::new() };
                found.push((at, job.clone(), short));
            }
        }
        found
    }

    /// It is time for the operator's next round.
    pub fn is_round_due(&mut self, now: Time) -> bool {
        let is_due = now.since_ms(self.round_at) >= ROUND_MS;
        if is_due {
            self.round_at = now;
            // What wasn't amiss at the last round has mended itself.
            self.amiss.retain(|_, (seen, _)| now.since_ms(*seen) <= 2 * ROUND_MS);
        }
        is_due
    }

    /// This is amiss now, as it has been for so long that the operator acts.
    pub fn has_waited(&mut self, now: Time, what: String) -> bool {
        let acts_at = now.plus_ms(self.rng.within(PATIENCE_MS[0], PATIENCE_MS[1]));
        let (seen, acts_at) = self.amiss.entry(what.clone()).or_insert((now, acts_at));
        *seen = now;
        let acts = *acts_at <= now;
        if acts {
            self.amiss.remove(&what);
        }
        acts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_acts_on_what_stays_amiss_and_forgets_what_mends_itself() {
        let mut people = People::new(Rng::new(1, "people"));
        let mut rounds = (0..).map(|round| Time(1_000_000 + round * ROUND_MS));
        let mut acted = None;
        for now in rounds.by_ref().take(40) {
            assert!(people.is_round_due(now) && !people.is_round_due(now));
            if people.has_waited(now, "a".to_owned()) && acted.is_none() {
                acted = Some(now.since_ms(Time(1_000_000)));
            }
        }
        assert!(acted.is_some_and(|after| (PATIENCE_MS[0]..=PATIENCE_MS[1] + ROUND_MS).contains(&after)));
        let mut people = People::new(Rng::new(1, "people"));
        for (round, now) in rounds.take(60).enumerate() {
            people.is_round_due(now);
            // Amiss for ten seconds at a time: never long enough.
            assert!(round % 10 > 5 || !people.has_waited(now, "a".to_owned()));
        }
    }
}
