//! Throughput against fleet size: the same layout and always more jobs than robots, with ever more robots.
//!
//! Jobs go from a random pick to a random dock and are all open from the start, enough for the whole time, so that only the
//! fleet limits. The first part of the time fills the floor and doesn't count.

use serde::Serialize;

use drover_core::Config;
use drover_core::plan::Distances;
use drover_maps::{Layout, StationId, TypeId};

use crate::figures::{Figures, Mean};
use crate::scenario::{Expect, Ground, Jobs, ReadFile, Robots, Scenario, ScenarioError, Setup};
use crate::world::{End, Outcome};

mod plot;

pub use plot::svg;

/// Part of the time that doesn't count.
const WARM_UP: f64 = 0.2;
/// Another robot that adds less than this part of what one of the first ones adds isn't worth it.
const WORTH: f64 = 0.5;
/// Ways measured to know how many jobs are enough, at most.
const WAYS_MAX: usize = 400;
/// Jobs asked for, at most.
const JOBS_MAX: usize = 50_000;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Question {
    /// A LIF file.
    pub lif: String,
    /// Its `site.toml`.
    pub site: Option<String>,
    /// Stations that jobs start from; a trailing `*` stands for any ending.
    pub from: Vec<String>,
    /// Stations that jobs end at.
    pub to: Vec<String>,
    /// Simulated hours.
    pub hours: f64,
    /// In each second each robot stands still with this probability, per cent.
    pub delay_pct: u32,
    /// Options of the fleet.
    pub config: Config,
}

/// What one run came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Jobs done per hour once the floor was full.
    pub jobs_per_hour: f64,
    /// Share of the time on the way that robots stood in traffic, per cent.
    pub traffic_pct: f64,
    /// Share of all robots' time spent waiting for a station, per cent.
    pub turn_pct: f64,
    /// Invariants broken, and 1 if everything stood still; jobs left at the end aren't counted, there always are some.
    pub violations: usize,
}

/// One fleet size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Robots.
    pub robots: usize,
    /// Jobs done per hour, mean over the seeds.
    pub jobs_per_hour: f64,
    /// Its standard error; none with one seed.
    pub error: Option<f64>,
    /// What each robot beyond the size before added, jobs per hour; the first size: its mean per robot.
    pub per_added_robot: f64,
    /// Share of the time on the way that robots stood in traffic, per cent.
    pub traffic_pct: f64,
    /// Share of all robots' time spent waiting for a station, per cent.
    pub turn_pct: f64,
    /// Invariants broken and runs in which everything stood still, over all seeds.
    pub violations: usize,
}

/// A world of this many robots.
///
/// # Errors
/// What is wrong with the layout, the stations or the fleet's size.
pub fn setup(
    question: &Question,
    robots: usize,
    seed: u64,
    read: ReadFile<'_>,
) -> Result<Setup, ScenarioError> {
    let mut scenario = Scenario {
        what: format!("{robots} robots and always more jobs"),
        layout: Ground { lif: Some(question.lif.clone()), site: question.site.clone(), ..Ground::default() },
        robots: Robots { count: robots, delay_pct: question.delay_pct, ..Robots::default() },
        jobs: Jobs { draw: 1, from: question.from.clone(), to: question.to.clone(), ..Jobs::default() },
        expect: Expect { all_done: false, hours_max: question.hours, ..Expect::default() },
        config: question.config.clone(),
        ..Scenario::default()
    };
    let layout = scenario.build(Some(seed), read)?.layout;
    scenario.jobs.draw = enough(&layout, question, robots)?;
    scenario.build(Some(seed), read)
}

/// More jobs than the robots can do: as many as if each were nothing but its loaded way, alone on the floor.
fn enough(layout: &Layout, question: &Question, robots: usize) -> Result<usize, ScenarioError> {
    let from = crate::workload::stations_of(layout, "from", &question.from)?;
    let to = crate::workload::stations_of(layout, "to", &question.to)?;
    let way_ms = mean_way_ms(layout, &from, &to).max(1_000);
    let jobs = robots as u64 * (question.hours * 3_600_000.0) as u64 / way_ms + robots as u64;
    Ok(usize::try_from(jobs).unwrap_or(JOBS_MAX).min(JOBS_MAX))
}

fn mean_way_ms(layout: &Layout, from: &[StationId], to: &[StationId]) -> u64 {
    let mut distances = Distances::default();
    let mut ways = Vec::new();
    for end in to {
        let Some(end) = layout.station(*end).nodes.first() else { continue };
        let table = distances.to(layout, *end, TypeId(0));
        let starts = from.iter().filter_map(|start| layout.station(*start).nodes.first());
        ways.extend(
            starts.map(|start| u64::from(table[start.index()])).filter(|ms| *ms < u64::from(u32::MAX)),
        );
        if ways.len() >= WAYS_MAX {
            break;
        }
    }
    ways.iter().sum::<u64>() / ways.len().max(1) as u64
}

/// What a recorded run came to.
pub fn sample(outcome: &Outcome) -> Sample {
    let figures = Figures::of(outcome);
    let begin_ms = (outcome.sim_ms as f64 * WARM_UP) as u64;
    let points = outcome.recording.as_ref().map_or(&[][..], |recording| recording.series.points());
    let begin = points.iter().rfind(|point| point.at_ms <= begin_ms);
    let (done, at_ms) = begin.map_or((0, 0), |point| (point.done, point.at_ms));
    let hours = (outcome.sim_ms - at_ms) as f64 / 3_600_000.0;
    let broken = outcome.violations.iter().filter(|found| found.invariant != "Live");
    Sample {
        jobs_per_hour: if hours > 0.0 { (outcome.tally.done - done) as f64 / hours } else { 0.0 },
        traffic_pct: figures.traffic_pct,
        turn_pct: figures.turn_pct,
        violations: broken.count() + usize::from(outcome.end == End::Quiet),
    }
}

/// A line for each fleet size, from its samples; sizes rise.
pub fn lines(samples: &[(usize, Vec<Sample>)]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (robots, of) in samples {
        let mean = |figure: fn(&Sample) -> f64| Mean::of(&of.iter().map(figure).collect::<Vec<_>>());
        let rate = mean(|sample| sample.jobs_per_hour);
        let (before, size) = lines.last().map_or((0.0, 0), |line| (line.jobs_per_hour, line.robots));
        let added = robots.saturating_sub(size).max(1) as f64;
        lines.push(Line {
            robots: *robots,
            jobs_per_hour: rate.mean,
            error: rate.error,
            per_added_robot: (rate.mean - before) / added,
            traffic_pct: mean(|sample| sample.traffic_pct).mean,
            turn_pct: mean(|sample| sample.turn_pct).mean,
            violations: of.iter().map(|sample| sample.violations).sum(),
        });
    }
    lines
}

/// The fleet size beyond which another robot adds less than half of what the first ones add each; none = not reached.
pub fn knee(lines: &[Line]) -> Option<usize> {
    let worth = WORTH * lines.first()?.per_added_robot;
    let last = lines.iter().rposition(|line| line.per_added_robot >= worth)?;
    (last + 1 < lines.len()).then(|| lines[last].robots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(rates: &[(usize, f64)]) -> Vec<(usize, Vec<Sample>)> {
        let sample = |jobs_per_hour| Sample { jobs_per_hour, traffic_pct: 1.0, turn_pct: 2.0, violations: 0 };
        rates.iter().map(|(robots, rate)| (*robots, vec![sample(*rate), sample(*rate)])).collect()
    }

    #[test]
    fn the_knee_is_the_last_size_worth_its_robots() {
        let told = lines(&samples(&[(10, 100.0), (20, 190.0), (30, 230.0), (40, 240.0)]));
        assert_eq!(told.iter().map(|line| line.per_added_robot).collect::<Vec<_>>(), [10.0, 9.0, 4.0, 1.0]);
        assert_eq!(knee(&told), Some(20));
        assert_eq!(knee(&lines(&samples(&[(10, 100.0), (20, 190.0)]))), None);
        assert_eq!(knee(&lines(&samples(&[(10, 100.0), (20, 130.0), (30, 230.0), (40, 240.0)]))), Some(30));
        assert_eq!(knee(&[]), None);
    }

    #[test]
    fn the_plot_marks_the_knee_and_every_size() {
        let picture = svg("a < b", &lines(&samples(&[(10, 100.0), (20, 190.0), (30, 230.0)])));
        assert!(picture.contains("a &lt; b") && picture.contains(">20 robots<"), "{picture}");
        assert_eq!(picture.matches("<circle").count(), 6);
    }
}
