//! What we measure, and how. Every number in the documents has the command that makes it; the commands live in `bin/`.
//!
//! Process CPU time is the clock: figures compare on a busy machine.

use std::fs;
use std::io::Write;

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

pub mod controller;
#[expect(missing_docs, clippy::unwrap_used, reason = "shared with the tests of the controller")]
pub mod kit;
pub mod lifelong;
pub mod queue;
pub mod restart;
pub mod site;

/// CPU time of this process so far, all threads, seconds.
pub fn cpu_seconds() -> f64 {
    let at = clock_gettime(ClockId::ProcessCPUTime);
    at.tv_sec as f64 + at.tv_nsec as f64 / 1e9
}

/// The most memory this process has held so far, MB; none where there is no `/proc`.
pub fn peak_rss_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1_000.0)
}

/// To three places.
pub fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// Prints figures: as one line for a machine, or a line each.
///
/// # Errors
/// Nobody reads them any more.
pub fn show(figures: &Value, is_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if is_json {
        return Ok(writeln!(out, "{figures}")?);
    }
    for (name, value) in figures.as_object().into_iter().flatten() {
        writeln!(out, "{name:<28} {value}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn cpu_time_rises_with_work() {
        let before = super::cpu_seconds();
        let mut sum = 0_u64;
        while super::cpu_seconds() < before + 0.05 {
            sum = sum.wrapping_mul(31).wrapping_add(1);
        }
        assert_ne!(sum, 0);
    }
}
