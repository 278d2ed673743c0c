//! What a run comes to: the numbers by their promised names, verdicts one by one, and both for people and for CI.

use std::fmt::Write;

use serde::Serialize;

use crate::oracle::{INVARIANTS, Violation};
use crate::scenario::Expect;
use crate::story::clock;
use crate::world::{End, Outcome};

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
    let mut verdicts: Vec<Verdict> = INVARIANTS
        .iter()
        .map(|name| Verdict { name: (*name).to_owned(), broken: told(name, &outcome.violations) })
        .collect();
    let tally = &outcome.tally;
    let mut add = |name: &str, holds: bool, why: String| {
        verdicts.push(Verdict { name: name.to_owned(), broken: (!holds).then_some(why) });
    };
    if expect.all_done {
        let text = format!("{} of {} jobs done after {}", tally.done, tally.total, clock(outcome.sim_ms));
        add("all_done", tally.done == tally.total, text);
    }
    if expect.jobs_per_hour_min > 0.0 {
        let found = outcome.jobs_per_hour();
        let text = format!("{found:.1} jobs per hour, expected at least {}", expect.jobs_per_hour_min);
        add("jobs_per_hour_min", found >= expect.jobs_per_hour_min, text);
    }
    let text = format!("jobs are left after {} h", expect.hours_max);
    add("hours_max", outcome.end != End::OutOfTime, text);
    verdicts
}

fn told(invariant: &str, violations: &[Violation]) -> Option<String> {
    let texts: Vec<String> =
        violations.iter().filter(|found| found.invariant == invariant).map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// The report for people, Markdown.
pub fn readable(name: &str, report: &Report, verdicts: &[Verdict]) -> String {
    let mut text = format!("# {name}\n\n");
    let _ = writeln!(
        text,
        "{} of {} jobs done by {} robots in {} of simulated time ({:.1} jobs per hour), {} late, {} failed.\n",
        report.jobs_done,
        report.jobs_total,
        report.robots,
        clock((report.sim_seconds * 1_000.0) as u64),
        report.jobs_per_hour,
        report.jobs_late,
        report.jobs_failed,
    );
    for verdict in verdicts {
        match &verdict.broken {
            None => {
                let _ = writeln!(text, "- {}: held", verdict.name);
            }
            Some(broken) => {
                let _ = writeln!(text, "- {}: BROKEN\n\n```\n{broken}\n```\n", verdict.name);
            }
        }
    }
    text
}

/// The report for CI, JUnit XML.
pub fn junit(name: &str, report: &Report, verdicts: &[Verdict]) -> String {
    let failures = verdicts.iter().filter(|verdict| verdict.broken.is_some()).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" \
         time=\"{:.3}\">\n",
        escaped(name),
        verdicts.len(),
        report.wall_seconds
    );
    for verdict in verdicts {
        let _ =
            write!(text, "  <testcase classname=\"{}\" name=\"{}\"", escaped(name), escaped(&verdict.name));
        match &verdict.broken {
            None => text.push_str("/>\n"),
            Some(broken) => {
                let _ = writeln!(text, "><failure>{}</failure></testcase>", escaped(broken));
            }
        }
    }
    text.push_str("</testsuite>\n");
    text
}

/// Text that XML can carry.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            control if control.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_xml_that_parsers_take() {
        let verdicts = [Verdict { name: "Fifo".into(), broken: Some("a < b & \"c\"\u{1}".into()) }];
        let report = Report {
            jobs_total: 1,
            jobs_done: 0,
            jobs_late: 0,
            jobs_failed: 0,
            sequences_broken: 0,
            invariant_violations: 1,
            robots: 1,
            sim_seconds: 1.0,
            wall_seconds: 0.5,
            jobs_per_hour: 0.0,
            digest: String::new(),
        };
        let xml = junit("x", &report, &verdicts);
        assert!(
            xml.contains("failures=\"1\"") && xml.contains("a &lt; b &amp; &quot;c&quot;</failure>"),
            "{xml}"
        );
    }
}
