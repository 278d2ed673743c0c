//! What the terminal shows while the wave is driven, and at the end.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::report::{Outcome, Shared, Summary, punctual};
use crate::run::Clock;

/// Pause between two looks on a terminal.
const BAR_EVERY: Duration = Duration::from_millis(300);
/// Pause between two plain lines, where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Progress {
    bar: Option<ProgressBar>,
    jobs: usize,
    clock: Clock,
    started_ms: u64,
    told: Instant,
}

impl Progress {
    pub(super) fn start(jobs: usize, robots: usize, url: &str, clock: Clock) -> Progress {
        eprintln!("{jobs} jobs, {robots} robots, {} times real speed\npage: {url}", clock.speed());
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(jobs as u64));
        if let Some(bar) = &bar {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} jobs  {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        }
        Progress { bar, jobs, clock, started_ms: clock.now().0, told: Instant::now() }
    }

    pub(super) fn show(&mut self, shared: &Shared) {
        let every = if self.bar.is_some() { BAR_EVERY } else { LINE_EVERY };
        if self.told.elapsed() < every {
            return;
        }
        self.told = Instant::now();
        let (ended, line) = self.line(shared);
        match &self.bar {
            Some(bar) => {
                bar.set_position(ended as u64);
                bar.set_message(line);
            }
            None => eprintln!("{ended}/{} jobs  {line}", self.jobs),
        }
    }

    fn line(&self, shared: &Shared) -> (usize, String) {
        let now = self.clock.now();
        let seconds = now.0.saturating_sub(self.started_ms) / 1_000;
        let tally = shared.lock();
        let done = tally.judge.count(&Outcome::Done) as u64;
        let per_hour = (done * 3_600).checked_div(seconds).unwrap_or(0);
        let [away, idle, job, charge] = tally.robots;
        let risk = tally.judge.at_risk(now);
        let broken = if tally.violations > 0 { "  INVARIANT BROKEN" } else { "" };
        let text = format!(
            "{}:{:02} sim{broken}  trucks at risk: {risk}  {per_hour} jobs/h  \
             {job} at work, {charge} charging, {idle} idle, {away} away",
            seconds / 60,
            seconds % 60,
        );
        (tally.judge.ended(), text)
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The summary as a table.
pub(super) fn print(summary: &Summary, folder: &Path) {
    println!("\n{:<12} {:>5} {:>5} {:>5}  {:<26} order kept", "truck", "jobs", "done", "late", "");
    for truck in &summary.trucks {
        println!(
            "{:<12} {:>5} {:>5} {:>5}  {:<26} {}",
            truck.sequence,
            truck.jobs,
            truck.done,
            truck.late,
            punctual(truck.late_by_s),
            if truck.in_order { "yes" } else { "NO" },
        );
    }
    println!(
        "\njobs          {} done of {}, {} late, {} failed or refused",
        summary.jobs_done, summary.jobs_total, summary.jobs_late, summary.jobs_failed
    );
    println!("sequences     {} broken", summary.sequences_broken);
    println!("invariants    {} violations", summary.invariant_violations);
    println!(
        "time          {:.0} s simulated in {:.0} s, {:.0} jobs/h with {} robots",
        summary.sim_seconds, summary.wall_seconds, summary.jobs_per_hour, summary.robots
    );
    println!("driven        {} m, {} charging cycles", summary.distance_m, summary.charging_cycles);
    println!(
        "on the way    {:.2} % starved, {:.2} % stood for another robot",
        summary.starved_share * 100.0,
        summary.waiting_for_robots_share * 100.0
    );
    println!("report        {}", folder.join("report.md").display());
}
