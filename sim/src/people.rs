//! The people at the stations: they confirm what only a person can, after some seconds.

use std::collections::BTreeSet;

use drover_core::robot::{Phase, Task};
use drover_core::{Fleet, JobId, Time};

use crate::rng::Rng;

/// How long a person takes, ms: shortest and longest.
const CONFIRM_MS: [u64; 2] = [3_000, 15_000];

/// Who was asked for what. Sees what the station's screen would show: robots that wait for a confirmation.
#[derive(Debug)]
pub struct People {
    rng: Rng,
    asked: BTreeSet<(JobId, usize)>,
}

impl People {
    /// People who have done nothing yet.
    pub fn new(rng: Rng) -> People {
        People { rng, asked: BTreeSet::new() }
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
}
