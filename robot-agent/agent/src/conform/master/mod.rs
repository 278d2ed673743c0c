//! `drover-agent conform --master`: plays difficult robots against any VDA 5050 2.x fleet controller and judges what it
//! sends.
//!
//! ```text
//!  controller ──► broker ──► player ─ mischief ─► Agent ─ drive     play: one robot each, the same phase for all
//!                    ▲          │       │
//!                    └──────────┴───────┘
//!                               └► story ──► judge (pure) ──► report
//! ```
//!
//! It never gives the controller work: that is the user's to do.

pub mod judge;
pub mod mischief;
pub mod options;
pub mod phase;
mod player;
mod probe;
pub mod report;
mod run;
pub mod story;

use crate::BadInput;
use options::Master;
use phase::Phase;
use std::fs;
use std::io::{self, Write};

/// Plays, judges, and writes the result. A failed rule is an error.
pub async fn run(options: Master) -> anyhow::Result<()> {
    if options.list {
        return print(&list());
    }
    let report = run::play(run::prepare(&options)?).await?;
    print(&if options.json { format!("{}\n", report.json()) } else { report.table() })?;
    if let Some(file) = &options.junit {
        fs::write(file, report.junit()).map_err(|error| {
            BadInput::one(format!("--junit {}: can't be written: {error}", file.display()))
        })?;
    }
    match report.failures() {
        0 => Ok(()),
        failures => Err(anyhow::anyhow!("{failures} rules failed")),
    }
}

fn list() -> String {
    let phases = Phase::ALL.map(|phase| format!("{:<14} {}\n", phase.name(), phase.title()));
    let rules = judge::RULES.iter().flat_map(|group| group.iter());
    let rules = rules.map(|rule| format!("{:<26} {:<7} {}\n", rule.id, rule.section, rule.title));
    phases.into_iter().chain(["\n".to_owned()]).chain(rules).collect()
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
