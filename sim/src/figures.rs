//! A run in a handful of figures, and the mean of many runs with what it is worth.

use crate::record::Kind;
use crate::world::Outcome;

/// What one run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Jobs done per simulated hour.
    pub jobs_per_hour: f64,
    /// Mean time of a job from accepted to done, s.
    pub job_mean_s: f64,
    /// Time that 95 of 100 jobs didn't exceed, s.
    pub job_p95_s: f64,
    /// Jobs late: done after their cut-off, or not at all though it has passed.
    pub late: f64,
    /// Share of the jobs with a cut-off that were done before it, per cent.
    pub on_time_pct: f64,
    /// Share of the jobs done late that were told to be at risk before, per cent.
    pub late_told_pct: f64,
    /// Jobs told to be at risk.
    pub at_risk: f64,
    /// Time that loads were out of the cold, altogether, minutes.
    pub warm_min: f64,
    /// Jobs whose load was out of the cold for longer than it may be.
    pub too_warm: f64,
    /// Way driven without a load, m per job done.
    pub empty_m_per_job: f64,
    /// Share of the time on the way that robots stood in traffic, per cent.
    pub traffic_pct: f64,
    /// Share of all robots' time spent waiting for a station or a turn, per cent.
    pub turn_pct: f64,
    /// Busiest robot's way over the mean way, 1 = all drove as far.
    pub wear: f64,
}

/// Name and unit of each figure, in the order of [`Figures::all`].
pub const NAMES: [(&str, &str); 13] = [
    ("jobs_per_hour", "jobs/h"),
    ("job_mean_s", "s"),
    ("job_p95_s", "s"),
    ("late", "jobs"),
    ("on_time", "%"),
    ("late_foretold", "%"),
    ("at_risk", "jobs"),
    ("out_of_cold", "min"),
    ("too_warm", "jobs"),
    ("empty_m_per_job", "m/job"),
    ("traffic_pct", "%"),
    ("turn_pct", "%"),
    ("wear", "max/mean"),
];

impl Figures {
    /// Of a recorded run; what needs a recording is 0 without one.
    pub fn of(outcome: &Outcome) -> Figures {
        let tally = &outcome.tally;
        let seconds = |ms: u64| ms as f64 / 1_000.0;
        let plain = Figures {
            jobs_per_hour: outcome.jobs_per_hour(),
            job_mean_s: seconds(tally.took_mean_ms()),
            job_p95_s: seconds(tally.took_p95_ms()),
            late: (tally.late + tally.missed(outcome.end_at())) as f64,
            on_time_pct: 100.0 * ratio(tally.on_time as f64, tally.with_cut_off() as f64),
            late_told_pct: 100.0 * ratio(tally.late_told as f64, tally.late as f64),
            at_risk: tally.warned() as f64,
            warm_min: seconds(outcome.cold.out_ms()) / 60.0,
            too_warm: outcome.cold.too_long() as f64,
            ..Figures::default()
        };
        let Some(recording) = &outcome.recording else { return plain };
        let [driving, waiting, ..] = recording.states_ms().map(|ms| ms as f64);
        let turn = recording.kinds_ms.get(&Kind::WaitTurn).map_or(0.0, |ms| *ms as f64);
        let all: f64 = recording.states_ms().iter().map(|ms| *ms as f64).sum();
        let ways = &recording.driven_mm;
        let mean_mm = ways.iter().sum::<u64>() as f64 / ways.len().max(1) as f64;
        Figures {
            empty_m_per_job: recording.driven.empty_mm as f64 / 1_000.0 / (tally.done.max(1) as f64),
            traffic_pct: 100.0 * ratio(waiting - turn, driving + waiting - turn),
            turn_pct: 100.0 * ratio(turn, all),
            wear: ratio(ways.iter().max().map_or(0.0, |mm| *mm as f64), mean_mm),
            ..plain
        }
    }

    /// All of them, in the order of [`NAMES`].
    pub fn all(&self) -> [f64; NAMES.len()] {
        [
            self.jobs_per_hour,
            self.job_mean_s,
            self.job_p95_s,
            self.late,
            self.on_time_pct,
            self.late_told_pct,
            self.at_risk,
            self.warm_min,
            self.too_warm,
            self.empty_m_per_job,
            self.traffic_pct,
            self.turn_pct,
            self.wear,
        ]
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// The mean of a few numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean; 0 of none.
    pub mean: f64,
    /// Its standard error; none of fewer than two.
    pub error: Option<f64>,
}

impl Mean {
    /// Of these.
    pub fn of(numbers: &[f64]) -> Mean {
        let count = numbers.len() as f64;
        let mean = ratio(numbers.iter().sum(), count);
        let squares: f64 = numbers.iter().map(|one| (one - mean) * (one - mean)).sum();
        let error = (numbers.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt());
        Mean { mean, error }
    }

    /// It is more than twice its standard error away from nothing.
    pub fn is_clear(&self) -> bool {
        self.error.is_some_and(|error| self.mean.abs() > 2.0 * error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_mean_is_the_textbooks() {
        let mean = Mean::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(mean.mean, 5.0);
        assert!((mean.error.unwrap() - (32.0_f64 / 7.0 / 8.0).sqrt()).abs() < 1e-12);
        assert_eq!((Mean::of(&[3.0]).error, Mean::of(&[]).mean), (None, 0.0));
        assert!(Mean::of(&[1.0, 1.1]).is_clear() && !Mean::of(&[1.0, -1.0]).is_clear());
    }
}
