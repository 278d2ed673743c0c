//! What a run comes to: the numbers by their promised names, verdicts one by one, and both for people and for CI.

mod floor;
mod junit;
mod pack;
mod page;
mod readable;

use std::collections::BTreeSet;

use serde::Serialize;

pub use junit::{Case, junit};
pub use page::html;
pub use readable::markdown;

use crate::expect;
use crate::oracle::{INVARIANTS, Violation};
use crate::scenario::Expect;
use crate::world::Outcome;

/// Which run a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The scenario's file, or the world's name.
    pub name: String,
    /// What it is about, in a sentence.
    pub what: String,
    /// The seed.
    pub seed: u64,
    /// The assignment policy.
    pub policy: String,
    /// The command that runs it again.
    pub again: String,
}

/// `report.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Jobs asked for.
    pub jobs_total: usize,
    /// Jobs done.
    pub jobs_done: usize,
    /// Jobs done after their cut-off.
    pub jobs_late: usize,
    /// Jobs failed, cancelled or refused.
    pub jobs_failed: usize,
    /// Sequences whose jobs weren't all done in order.
    pub sequences_broken: usize,
    /// Invariants broken.
    pub invariant_violations: usize,
    /// Robots.
    pub robots: usize,
    /// Simulated time, s.
    pub sim_seconds: f64,
    /// Real time, s.
    pub wall_seconds: f64,
    /// Jobs done per simulated hour, until the last was done.
    pub jobs_per_hour: f64,
    /// Digest of the fleet at the end: the same seed gives the same.
    pub digest: String,
}

impl Report {
    /// Of a run that took so long.
    pub fn of(outcome: &Outcome, wall_seconds: f64) -> Report {
        let tally = &outcome.tally;
        Report {
            jobs_total: tally.total,
            jobs_done: tally.done,
            jobs_late: tally.late,
            jobs_failed: tally.failed + tally.refused,
            sequences_broken: tally.sequences_broken(),
            invariant_violations: outcome.violations.len(),
            robots: outcome.robots,
            sim_seconds: outcome.sim_ms as f64 / 1_000.0,
            wall_seconds,
            jobs_per_hour: outcome.jobs_per_hour(),
            digest: outcome.digest.to_string(),
        }
    }
}

/// One thing that had to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its name.
    pub name: String,
    /// How it broke; none = it held.
    pub broken: Option<String>,
}

/// Every invariant and every expectation.
pub fn verdicts(outcome: &Outcome, expect: &Expect) -> Vec<Verdict> {
    let found = outcome.violations.iter().map(|found| found.invariant);
    let others: BTreeSet<&str> = found.filter(|name| !INVARIANTS.contains(name)).collect();
    let judge = |name: &str| Verdict { name: name.to_owned(), broken: told(name, &outcome.violations) };
    let mut verdicts: Vec<Verdict> = INVARIANTS.into_iter().chain(others).map(judge).collect();
    verdicts.extend(expect::judge(outcome, expect));
    verdicts
}

/// The same verdicts, each that broke with the command that runs it again.
pub fn told_with(verdicts: &[Verdict], again: &str) -> Vec<Case> {
    let told = |verdict: &Verdict| Case {
        name: verdict.name.clone(),
        broken: verdict.broken.as_ref().map(|broken| format!("{broken}\nagain: {again}")),
    };
    verdicts.iter().map(told).collect()
}

fn told(invariant: &str, violations: &[Violation]) -> Option<String> {
    let texts: Vec<String> =
        violations.iter().filter(|found| found.invariant == invariant).map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}
