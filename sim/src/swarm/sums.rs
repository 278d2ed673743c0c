//! What many seeds come to: what was simulated, what broke, and what was never seen.

use drover_core::command::RejectCode;

use crate::fault::Kind;
use crate::marks::Marks;
use crate::report::Verdict;
use crate::world::Outcome;

/// Runs after which everything must have been seen.
pub const LONG_RUN: u64 = 1_000;

/// Sums over seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// Seeds run.
    pub seeds: u64,
    /// Seeds under which something broke.
    pub broken: u64,
    /// Invariants broken.
    pub violations: u64,
    /// Simulated time, ms.
    pub sim_ms: u64,
    /// Robots times simulated time, ms.
    pub robot_ms: u64,
    /// Jobs done.
    pub jobs_done: u64,
    /// Points at which a process could have been struck.
    pub points: u64,
    /// What was seen.
    pub marks: Marks,
}

impl Sums {
    /// One more seed.
    pub fn add(&mut self, outcome: &Outcome, verdicts: &[Verdict]) {
        self.seeds += 1;
        self.broken += u64::from(verdicts.iter().any(|verdict| verdict.broken.is_some()));
        self.violations += outcome.violations.len() as u64;
        self.sim_ms += outcome.sim_ms;
        self.robot_ms += outcome.sim_ms * outcome.robots as u64;
        self.jobs_done += outcome.tally.done as u64;
        self.points += outcome.traffic.points;
        self.marks.merge(&outcome.marks);
    }

    /// Simulated hours.
    pub fn sim_hours(&self) -> f64 {
        self.sim_ms as f64 / 3_600_000.0
    }

    /// Robots at a time, on average.
    pub fn robots_mean(&self) -> f64 {
        self.robot_ms as f64 / self.sim_ms.max(1) as f64
    }

    /// What a long run must have seen and hasn't: fault kinds and rejection codes.
    pub fn unseen(&self) -> Vec<String> {
        let faults = Kind::all().map(|kind| ("fault", kind.name()));
        let codes = RejectCode::ALL.iter().map(|code| ("reject", code.as_str()));
        let unseen = faults.chain(codes).filter(|(kind, name)| self.marks.count(kind, name) == 0);
        unseen.map(|(kind, name)| format!("{kind} {name}")).collect()
    }
}
