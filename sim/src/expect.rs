//! What a scenario expects beside the invariants: one verdict per expectation that was written.

use crate::report::Verdict;
use crate::scenario::Expect;
use crate::story::clock;
use crate::world::{End, Outcome};

/// A verdict on every expectation.
pub fn judge(outcome: &Outcome, expect: &Expect) -> Vec<Verdict> {
    let tally = &outcome.tally;
    let mut verdicts = Vec::new();
    let mut add = |name: &str, holds: bool, why: String| {
        verdicts.push(Verdict { name: name.to_owned(), broken: (!holds).then_some(why) });
    };
    if expect.all_done {
        let text = format!("{} of {} jobs done after {}", tally.done, tally.total, clock(outcome.sim_ms));
        add("all_done", tally.done == tally.total, text);
    }
    if expect.on_time {
        add("on_time", tally.late == 0, format!("{} jobs were done after their cut-off", tally.late));
    }
    if let Some(most) = expect.late_max {
        add(
            "late_max",
            tally.late <= most,
            format!("{} jobs were late, expected {most} at most", tally.late),
        );
    }
    if let Some(most) = expect.failed_max {
        let failed = tally.failed + tally.refused;
        add("failed_max", failed <= most, format!("{failed} jobs failed, expected {most} at most"));
    }
    if expect.jobs_per_hour_min > 0.0 {
        let found = outcome.jobs_per_hour();
        let text = format!("{found:.1} jobs per hour, expected at least {}", expect.jobs_per_hour_min);
        add("jobs_per_hour_min", found >= expect.jobs_per_hour_min, text);
    }
    if let Some(most) = expect.job_minutes_p95_max {
        let found = tally.took_p95_ms() as f64 / 60_000.0;
        let text = format!("95 of 100 jobs took up to {found:.1} minutes, expected {most} at most");
        add("job_minutes_p95_max", found <= most, text);
    }
    if let Some(most) = expect.wait_share_max {
        let found = outcome.waits.share();
        let text = format!("robots waited {found:.3} of the time they had a job, expected {most} at most");
        add("wait_share_max", found <= most, text);
    }
    let calls = outcome.breaker_calls;
    if expect.breaker_calls_min > 0 {
        let text = format!("{calls} jams were searched, expected at least {}", expect.breaker_calls_min);
        add("breaker_calls_min", calls >= expect.breaker_calls_min, text);
    }
    if let Some(most) = expect.breaker_calls_max {
        add(
            "breaker_calls_max",
            calls <= most,
            format!("{calls} jams were searched, expected {most} at most"),
        );
    }
    let text = format!("jobs are left after {} h", expect.hours_max);
    add("hours_max", outcome.end != End::OutOfTime, text);
    verdicts
}
