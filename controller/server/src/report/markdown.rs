//! `report.md`: the run for people.

use std::fmt::Write;

use super::{Summary, Truck};

/// The report as Markdown.
pub(super) fn write(summary: &Summary) -> String {
    let mut text = String::from("# Report\n\n");
    let word = if summary.is_good() {
        "All jobs done, in order, no invariant broken."
    } else {
        "**Not all went well.**"
    };
    let _ = writeln!(text, "{word}\n");
    table(&mut text, &figures(summary));
    trucks(&mut text, &summary.trucks);
    let _ =
        writeln!(text, "## Where the time went\n\nAll robots together, while they had something to do.\n");
    let waiting = summary
        .waiting_by_cause
        .iter()
        .map(|(cause, s)| (format!("standing for {}", meaning(cause)), format!("{s} s")));
    let busy = [
        ("driving".to_owned(), format!("{} s", summary.driving_seconds)),
        ("working: picking, dropping, charging".to_owned(), format!("{} s", summary.working_seconds)),
    ];
    table(&mut text, &busy.into_iter().chain(waiting).collect::<Vec<_>>());
    if !summary.violations.is_empty() {
        let _ = writeln!(text, "## Broken invariants\n");
        for violation in &summary.violations {
            let _ = writeln!(text, "- {violation}");
        }
        text.push('\n');
    }
    text.push_str("## Pictures\n\n![Jobs over time](jobs.svg)\n\n![Traffic](traffic.svg)\n");
    text
}

fn figures(summary: &Summary) -> Vec<(String, String)> {
    let rows: Vec<(&str, String)> = vec![
        ("jobs", summary.jobs_total.to_string()),
        ("done", summary.jobs_done.to_string()),
        ("late", summary.jobs_late.to_string()),
        ("failed or refused", summary.jobs_failed.to_string()),
        ("sequences broken", summary.sequences_broken.to_string()),
        ("invariant violations", summary.invariant_violations.to_string()),
        ("robots", summary.robots.to_string()),
        ("time, simulated", format!("{:.0} s", summary.sim_seconds)),
        ("time, real", format!("{:.0} s", summary.wall_seconds)),
        ("throughput", format!("{:.0} jobs/h", summary.jobs_per_hour)),
        ("distance", format!("{} m", summary.distance_m)),
        ("charging cycles", summary.charging_cycles.to_string()),
        ("starved: stood although the way was free", format!("{:.2} %", summary.starved_share * 100.0)),
        ("stood for another robot", format!("{:.2} %", summary.waiting_for_robots_share * 100.0)),
        ("plans", summary.planner.plans.to_string()),
    ];
    rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn table(text: &mut String, rows: &[(String, String)]) {
    text.push_str("| | |\n|---|---:|\n");
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text.push('\n');
}

fn trucks(text: &mut String, trucks: &[Truck]) {
    if trucks.is_empty() {
        return;
    }
    text.push_str("## Trucks\n\n| truck | jobs | done | late | cut-off | last job | | order kept |\n");
    text.push_str("|---|---:|---:|---:|---:|---:|---|---|\n");
    for truck in trucks {
        let order = if truck.in_order { "yes" } else { "**no**" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {order} |",
            truck.sequence,
            truck.jobs,
            truck.done,
            truck.late,
            moment(truck.due_s),
            moment(truck.ended_s),
            punctual(truck.late_by_s),
        );
    }
    text.push('\n');
}

/// How a truck stands against its cut-off, in words.
pub(crate) fn punctual(late_by_s: Option<i64>) -> String {
    match late_by_s {
        Some(late) if late > 0 => format!("late by {}", moment(Some(late))),
        Some(late) => format!("on time, {} to spare", moment(Some(-late))),
        None => "-".to_owned(),
    }
}

fn moment(seconds: Option<i64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |s| format!("{}:{:02}", s / 60, s % 60))
}

fn meaning(cause: &str) -> &str {
    match cause {
        "robot" => "another robot",
        "plan" => "the plan",
        "start" => "its first order after standing to arrive",
        "answer" => "the robot's answer to the last order",
        "turn" => "its turn: at the station, a job before it in the sequence isn't done",
        "station" => "a free place at the station",
        "itself" => "the robot itself: the way is released, it hasn't moved yet",
        other => other,
    }
}
