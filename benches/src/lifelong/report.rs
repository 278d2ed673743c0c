//! What a run came to: one JSON line for machines, a few lines for people.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Account;
use super::play::Cost;

/// Tasks finished are given after every so many steps, and after the last.
const EVERY: usize = 100;

/// The figures of a run. CPU is that of the process, all threads, distance searches included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// After so many steps, so many tasks.
    pub tasks_finished: BTreeMap<usize, u32>,
    /// Tasks finished at the last step by robots that ignore each other.
    pub conflict_free: u32,
    /// Steps played.
    pub steps: usize,
    /// Robots.
    pub robots: usize,
    /// CPU before step 0, reading the files included.
    pub setup_cpu_ms: f64,
    /// CPU per step.
    pub cpu_ms_mean: f64,
    /// CPU of the step that took most.
    pub cpu_ms_max: f64,
    /// CPU per step for assignment.
    pub cpu_ms_assign_mean: f64,
    /// CPU per step for planning.
    pub cpu_ms_plan_mean: f64,
    /// The most memory held; none where the system doesn't tell.
    pub peak_rss_mb: Option<f64>,
    /// Actions that were waits, of all.
    pub wait_share: f64,
    /// The most steps a robot didn't get nearer to its goal.
    pub longest_no_progress_steps: u32,
    /// Calls of the breaker of jams; there is none yet.
    pub breaker_calls: u32,
    /// Actions that were turns, of all.
    pub turn_share: f64,
    /// The most steps a robot with a task stayed in its cell.
    pub longest_stand_steps: u32,
    /// Which robot that was.
    pub longest_stand_robot: u32,
    /// The step after which it had stood so long.
    pub longest_stand_until: u32,
}

impl Report {
    /// Of the account of a plan that holds, what it took, and the tasks robots finish that ignore each other.
    pub fn new(robots: usize, account: &Account, cost: &Cost, conflict_free: u32) -> Report {
        let last = account.finished.len().saturating_sub(1);
        let shown = |(step, finished): (usize, &u32)| {
            ((step > 0 && step % EVERY == 0) || step == last).then_some((step, *finished))
        };
        let per_step = |seconds: f64| 1e3 * seconds / last.max(1) as f64;
        let share = |count: u64| count as f64 / (last * robots).max(1) as f64;
        Report {
            tasks_finished: account.finished.iter().enumerate().filter_map(shown).collect(),
            conflict_free,
            steps: last,
            robots,
            setup_cpu_ms: 1e3 * cost.setup_s,
            cpu_ms_mean: per_step(cost.assign_s + cost.plan_s),
            cpu_ms_max: 1e3 * cost.longest_step_s,
            cpu_ms_assign_mean: per_step(cost.assign_s),
            cpu_ms_plan_mean: per_step(cost.plan_s),
            peak_rss_mb: cost.peak_rss_mb,
            wait_share: share(account.waits),
            longest_no_progress_steps: cost.no_progress_steps_max,
            breaker_calls: 0,
            turn_share: share(account.turns),
            longest_stand_steps: account.stand.steps,
            longest_stand_robot: account.stand.robot,
            longest_stand_until: account.stand.until,
        }
    }

    /// Tasks finished at the last step.
    pub fn finished(&self) -> u32 {
        self.tasks_finished.last_key_value().map_or(0, |(_, finished)| *finished)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (finished, alone) = (self.finished(), self.conflict_free);
        writeln!(out, "{} robots, {} steps", self.robots, self.steps)?;
        write!(out, "tasks finished      {finished}; robots that ignore each other: {alone}")?;
        if alone > 0 {
            write!(out, " ({:.0} %)", 100.0 * f64::from(finished) / f64::from(alone))?;
        }
        let curve = self.tasks_finished.iter().map(|(step, finished)| format!("{step}: {finished}"));
        writeln!(out, "\n  after step        {}", curve.collect::<Vec<_>>().join(", "))?;
        writeln!(
            out,
            "CPU per step        {:.1} ms mean, {:.1} ms max; assignment {:.1} ms, planning {:.1} ms; setup {:.0} ms",
            self.cpu_ms_mean,
            self.cpu_ms_max,
            self.cpu_ms_assign_mean,
            self.cpu_ms_plan_mean,
            self.setup_cpu_ms
        )?;
        if let Some(peak) = self.peak_rss_mb {
            writeln!(out, "peak memory         {peak:.0} MB")?;
        }
        let (waits, turns) = (100.0 * self.wait_share, 100.0 * self.turn_share);
        let forward = if self.steps > 0 { 100.0 - waits - turns } else { 0.0 };
        writeln!(out, "actions             {forward:.1} % forward, {turns:.1} % turns, {waits:.1} % waits")?;
        writeln!(out, "longest no progress {} steps", self.longest_no_progress_steps)?;
        write!(
            out,
            "longest stand       {} steps: robot {}, until step {}",
            self.longest_stand_steps, self.longest_stand_robot, self.longest_stand_until
        )
    }
}
