//! What a run came to: counted by an observer that watches every step and trusts nothing it can check itself.
//!
//! The order of a sequence is judged from the journal's records alone (admitted, started, done), distances from the
//! nodes robots reported, waiting from their states over time. The observer changes nothing.

mod chart;
mod judge;
mod markdown;
mod motion;
mod summary;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drover_core::{Effect, Fleet, Time};
use drover_maps::Layout;

pub use judge::{JobStory, Judge, Outcome};
pub(crate) use markdown::punctual;
pub use motion::Motion;
pub use summary::{Summary, Truck};

/// Different violations kept with their text; more are only counted.
const VIOLATIONS_KEPT_MAX: usize = 20;
/// Simulated time between two looks at the invariants, at most.
const CHECK_EVERY_MS: u64 = 1_000;

/// Everything counted so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Jobs and sequences.
    pub judge: Judge,
    /// Robots.
    pub motion: Motion,
    /// Robots by what they are about, at the last look: away, idle, job, charge.
    pub robots: [usize; 4],
    /// Looks that found an invariant broken.
    pub violations: u64,
    /// The first different ones.
    pub violation_texts: Vec<String>,
    /// What planning has cost: plans, expansions, deadlock breaker calls, refused plans.
    pub planner: [u64; 4],
    /// Time of the last look.
    pub now: Time,
}

/// The counting, shared with whoever shows it.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Tally>>);

impl Shared {
    /// The counts now. Hold it briefly: the fleet waits for it.
    pub fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches every step of a site.
#[derive(Debug)]
pub struct Observer {
    shared: Shared,
    checked_at: Time,
}

impl Observer {
    /// An observer and the counts it keeps.
    pub fn new() -> (Observer, Shared) {
        let shared = Shared::default();
        (Observer { shared: shared.clone(), checked_at: Time::default() }, shared)
    }

    /// Called after each step, with all it caused.
    pub fn observe(&mut self, now: Time, effects: &[Effect], fleet: &Fleet) {
        let mut tally = self.shared.lock();
        let mut is_commit = false;
        for effect in effects {
            if let Effect::Append(record) = effect {
                is_commit = true;
                tally.judge.take(record);
            }
        }
        tally.motion.take(now, fleet);
        tally.now = now;
        if is_commit || now.since_ms(self.checked_at) >= CHECK_EVERY_MS {
            self.checked_at = now;
            tally.check(fleet);
        }
    }
}

impl Tally {
    fn check(&mut self, fleet: &Fleet) {
        self.robots = motion::by_task(fleet);
        let stats = fleet.planner_stats();
        self.planner = [stats.plans, stats.expansions, stats.breaker_calls, stats.refused];
        for violation in drover_core::check::violations(fleet) {
            self.violations += 1;
            let text = format!("{}: {}", violation.invariant, violation.text);
            if self.violation_texts.len() < VIOLATIONS_KEPT_MAX && !self.violation_texts.contains(&text) {
                tracing::error!("invariant broken: {text}");
                self.violation_texts.push(text);
            }
        }
    }
}

/// Writes `report.json`, `report.md` and the pictures into a folder, and makes the folder if need be.
///
/// # Errors
/// What the file system says.
pub fn write(folder: &Path, summary: &Summary, tally: &Tally, layout: &Layout) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(summary).unwrap_or_default();
    std::fs::write(folder.join("report.json"), json + "\n")?;
    std::fs::write(folder.join("report.md"), markdown::write(summary))?;
    std::fs::write(folder.join("jobs.svg"), chart::jobs_over_time(&tally.judge))?;
    std::fs::write(folder.join("traffic.svg"), chart::traffic(layout, &tally.motion))
}
