//! `report.md`: the same for people who read text.

use std::fmt::Write;

use super::{Heading, Report, Verdict};
use crate::record::{Kind, Recording};
use crate::story::clock;
use crate::world::Outcome;

/// Places told of.
const PLACES: usize = 10;
/// Names of the states, in the order of the recording.
pub(crate) const STATE_NAMES: [&str; crate::record::STATES] =
    ["driving", "waiting", "working", "charging", "idle", "out"];

/// The text, Markdown.
pub fn markdown(heading: &Heading, report: &Report, verdicts: &[Verdict], outcome: &Outcome) -> String {
    let broken = verdicts.iter().filter(|verdict| verdict.broken.is_some()).count();
    let verdict =
        if broken == 0 { "All held.".to_owned() } else { format!("{broken} of {} broke.", verdicts.len()) };
    let mut text = format!("# {}\n\n{}\n\n**{verdict}** {}\n\n", heading.name, heading.what, numbers(report));
    let _ = writeln!(text, "Again: `{}`\n\n## What had to hold\n", heading.again);
    for verdict in verdicts {
        match &verdict.broken {
            None => text += &format!("- {}: held\n", verdict.name),
            Some(broken) => text += &format!("- {}: BROKEN\n\n```\n{broken}\n```\n\n", verdict.name),
        }
    }
    match &outcome.recording {
        Some(recording) => text + &times(recording, outcome) + &places(recording) + &faults(recording),
        None => text,
    }
}

fn numbers(report: &Report) -> String {
    format!(
        "{} of {} jobs done by {} robots in {} of simulated time ({:.1} jobs per hour), {} late, {} failed.",
        report.jobs_done,
        report.jobs_total,
        report.robots,
        clock((report.sim_seconds * 1_000.0) as u64),
        report.jobs_per_hour,
        report.jobs_late,
        report.jobs_failed,
    )
}

fn times(recording: &Recording, outcome: &Outcome) -> String {
    let (states, tally) = (recording.states_ms(), &outcome.tally);
    let sum = states.iter().sum::<u64>().max(1) as f64;
    let mut text = "\n## Where the robots' time went\n\n| | share |\n|---|---:|\n".to_owned();
    for (name, ms) in STATE_NAMES.iter().zip(states) {
        text += &format!("| {name} | {:.1} % |\n", 100.0 * ms as f64 / sum);
    }
    let waits = recording.kinds_ms.iter().filter(|(kind, ms)| kind.waits() && **ms > 0);
    let waits: Vec<String> =
        waits.map(|(kind, ms)| format!("{} {:.1} %", why(*kind), 100.0 * *ms as f64 / sum)).collect();
    let waits = if waits.is_empty() { "nobody waited".to_owned() } else { waits.join(", ") };
    let driven = recording.driven;
    text + &format!(
        "\nWaiting, by cause: {waits}.\nDriven: {:.1} km, {:.1} km of it empty. A job took {:.0} s on average from accepted to \
         done, 95 % at most {:.0} s.\n",
        driven.all_mm as f64 / 1e6,
        driven.empty_mm as f64 / 1e6,
        tally.took_mean_ms() as f64 / 1e3,
        tally.took_p95_ms() as f64 / 1e3,
    )
}

fn why(kind: Kind) -> &'static str {
    match kind {
        Kind::WaitTurn => "for the station's turn",
        Kind::WaitRobot => "for another robot",
        Kind::WaitDevice => "for a door",
        Kind::WaitZone => "for a stopped zone",
        Kind::WaitPlan => "for the plan",
        Kind::WaitAnswer => "for an answer",
        Kind::Idle
        | Kind::ToPark
        | Kind::ToPick
        | Kind::ToDrop
        | Kind::Act
        | Kind::Confirm
        | Kind::ToCharge
        | Kind::Charge
        | Kind::Paused
        | Kind::Faulted
        | Kind::Manual
        | Kind::Lost
        | Kind::Absent
        | Kind::Unled => kind.as_str(),
    }
}

fn places(recording: &Recording) -> String {
    let hottest = recording.hottest(PLACES);
    if hottest.is_empty() {
        return String::new();
    }
    let mut text =
        "\n## Where they waited longest\n\n| node | in traffic | for its turn |\n|---|---:|---:|\n"
            .to_owned();
    for (node, traffic_ms, turn_ms) in hottest {
        let name = &recording.layout.node(node).name;
        text += &format!("| {name} | {} s | {} s |\n", traffic_ms / 1_000, turn_ms / 1_000);
    }
    text
}

fn faults(recording: &Recording) -> String {
    if recording.faults.is_empty() {
        return String::new();
    }
    let mut text = "\n## Faults\n\n".to_owned();
    for fault in &recording.faults {
        let until = fault.until_ms.map_or("the end".to_owned(), clock);
        text += &format!("- {}: {} to {until}\n", fault.name, clock(fault.from_ms));
    }
    text
}
