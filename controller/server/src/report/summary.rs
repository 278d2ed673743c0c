//! The figures of a run, as `report.json` promises them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{JobStory, Outcome, Tally};

/// One sequence, usually a truck.
#[derive(Clone, Debug, Serialize)]
pub struct Truck {
    /// Its name.
    pub sequence: String,
    /// Its jobs.
    pub jobs: usize,
    /// Those done.
    pub done: usize,
    /// Those done after their cut-off.
    pub late: usize,
    /// Started and done in the order of admission.
    pub in_order: bool,
    /// The earliest cut-off, seconds after the first job was accepted.
    pub due_s: Option<i64>,
    /// The last job's end, seconds after the first job was accepted.
    pub ended_s: Option<i64>,
    /// How late the last job was; negative = before the cut-off. Seconds.
    pub late_by_s: Option<i64>,
}

/// What planning has cost.
#[derive(Clone, Debug, Serialize)]
pub struct Planner {
    /// Plans made.
    pub plans: u64,
    /// Nodes expanded.
    pub expansions: u64,
    /// Calls of the deadlock breaker.
    pub breaker_calls: u64,
    /// Plans refused by the validator.
    pub refused: u64,
}

/// `report.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Jobs handed in, refused ones included.
    pub jobs_total: u64,
    /// Done.
    pub jobs_done: u64,
    /// Done, but after their cut-off.
    pub jobs_late: u64,
    /// Failed or refused.
    pub jobs_failed: u64,
    /// Of those, refused.
    pub jobs_refused: u64,
    /// Taken back.
    pub jobs_cancelled: u64,
    /// Sequences not started or not done in the order of admission.
    pub sequences_broken: u64,
    /// Looks that found an invariant broken.
    pub invariant_violations: u64,
    /// Robots of the fleet.
    pub robots: usize,
    /// From the first job accepted to the last one ended, simulated.
    pub sim_seconds: f64,
    /// The same in real time.
    pub wall_seconds: f64,
    /// Jobs done per simulated hour.
    pub jobs_per_hour: f64,
    /// Charging cycles ended.
    pub charging_cycles: u64,
    /// Driven by all robots, m.
    pub distance_m: u64,
    /// Share of the time on the way that robots stood although the way ahead was free.
    pub starved_share: f64,
    /// Share of the time on the way that robots stood for another robot.
    pub waiting_for_robots_share: f64,
    /// Time robots stood on the way by cause, s.
    pub waiting_by_cause: BTreeMap<&'static str, u64>,
    /// Time robots drove, s.
    pub driving_seconds: u64,
    /// Time robots picked, dropped and charged, s.
    pub working_seconds: u64,
    /// Sequences.
    pub trucks: Vec<Truck>,
    /// Planning.
    pub planner: Planner,
    /// The first different violations.
    pub violations: Vec<String>,
}

impl Summary {
    /// The figures now; `wall_seconds` as measured by the caller.
    pub fn of(tally: &Tally, robots: usize, wall_seconds: f64) -> Summary {
        let judge = &tally.judge;
        let count = |outcome| judge.count(&outcome) as u64;
        let sim_seconds = judge.span().map_or(0.0, |(from, to)| to.since_ms(from) as f64 / 1_000.0);
        let (done, motion) = (count(Outcome::Done), &tally.motion);
        let trucks: Vec<Truck> = judge.sequences().into_iter().map(|name| truck(tally, name)).collect();
        let for_robots = motion.waiting_ms.get("robot").copied().unwrap_or_default();
        let [plans, expansions, breaker_calls, refused] = tally.planner;
        Summary {
            jobs_total: judge.jobs().len() as u64 + judge.refused(),
            jobs_done: done,
            jobs_late: judge.jobs().iter().filter(|job| job.late_ms().is_some()).count() as u64,
            jobs_failed: count(Outcome::Failed) + judge.refused(),
            jobs_refused: judge.refused(),
            jobs_cancelled: count(Outcome::Cancelled),
            sequences_broken: trucks.iter().filter(|truck| !truck.in_order).count() as u64,
            invariant_violations: tally.violations,
            robots,
            sim_seconds,
            wall_seconds: rounded(wall_seconds),
            jobs_per_hour: if sim_seconds > 0.0 { rounded(done as f64 * 3_600.0 / sim_seconds) } else { 0.0 },
            charging_cycles: motion.charging_cycles,
            distance_m: motion.distance_mm / 1_000,
            starved_share: (motion.starved_share() * 10_000.0).round() / 10_000.0,
            waiting_for_robots_share: share(for_robots, motion.driving_ms),
            waiting_by_cause: motion.waiting_ms.iter().map(|(cause, ms)| (*cause, ms / 1_000)).collect(),
            driving_seconds: motion.driving_ms / 1_000,
            working_seconds: motion.working_ms / 1_000,
            trucks,
            planner: Planner { plans, expansions, breaker_calls, refused },
            violations: tally.violation_texts.clone(),
        }
    }

    /// Every job was done, in order, and nothing broke.
    pub fn is_good(&self) -> bool {
        self.jobs_failed == 0
            && self.jobs_done + self.jobs_cancelled == self.jobs_total
            && self.sequences_broken == 0
            && self.invariant_violations == 0
    }
}

fn truck(tally: &Tally, sequence: &str) -> Truck {
    let judge = &tally.judge;
    let jobs: Vec<&JobStory> =
        judge.jobs().iter().filter(|job| job.sequence.as_deref() == Some(sequence)).collect();
    let start = judge.jobs().first().map_or(0, |job| job.accepted_at.0 as i64);
    let after_start = |ms: u64| (ms as i64 - start) / 1_000;
    let due = jobs.iter().filter_map(|job| job.due_at).min().map(|at| at.0);
    let is_over = jobs.iter().all(|job| job.ended.is_some());
    let ended =
        jobs.iter().filter_map(|job| job.ended.as_ref()).map(|(at, _)| at.0).max().filter(|_| is_over);
    Truck {
        sequence: sequence.to_owned(),
        jobs: jobs.len(),
        done: jobs.iter().filter(|job| matches!(job.ended, Some((_, Outcome::Done)))).count(),
        late: jobs.iter().filter(|job| job.late_ms().is_some()).count(),
        in_order: judge.is_in_order(sequence),
        due_s: due.map(after_start),
        ended_s: ended.map(after_start),
        late_by_s: due.zip(ended).map(|(due, ended)| (ended as i64 - due as i64) / 1_000),
    }
}

fn share(part: u64, rest: u64) -> f64 {
    let whole = part + rest;
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0 }
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
