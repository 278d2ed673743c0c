//! `drover-sim capacity`: throughput against fleet size.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use drover_core::Config;
use drover_core::plan::Algorithm;
use drover_sim::capacity::{Line, Question, Sample, knee, lines, sample, setup, svg};
use drover_sim::{Scenario, Wire, World};

use super::files::save;
use super::progress::Progress;
use super::{BadInput, PolicyName, pool};

/// Fleet sizes looked at when no step is given, about.
const SIZES: usize = 8;
/// Robots, at most.
const ROBOTS_MAX: usize = 10_000;

/// Arguments of `capacity`.
#[derive(Debug, Args)]
pub struct Capacity {
    /// The layout, LIF 1.0.
    #[arg(long, value_name = "FILE")]
    layout: PathBuf,
    /// Its site.toml: robot types, zones, chargers, parking, doors.
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    /// Fleet sizes, both ends included.
    #[arg(long, value_name = "A..B", value_parser = range)]
    robots: (usize, usize),
    /// From one size to the next; about eight sizes when not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    step: Option<u32>,
    /// Runs of each size.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
    /// Simulated hours of each run; the first fifth fills the floor and doesn't count.
    #[arg(long, default_value_t = 1.0, value_parser = hours)]
    hours: f64,
    /// Stations that jobs start from; a trailing * stands for any ending.
    #[arg(long, default_value = "PICK-*", value_delimiter = ',', value_name = "STATIONS")]
    from: Vec<String>,
    /// Stations that jobs end at.
    #[arg(long, default_value = "DOCK-*", value_delimiter = ',', value_name = "STATIONS")]
    to: Vec<String>,
    /// How robots are chosen for jobs.
    #[arg(long, value_name = "NAME", value_parser = super::policy)]
    policy: Option<PolicyName>,
    /// How ways are planned: pibt, epibt or lacam.
    #[arg(long, value_name = "NAME")]
    planner: Option<Algorithm>,
    /// An option of the fleet as in a scenario's [config], e.g. window_ms=10000; may be given again.
    #[arg(long = "option", value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// In each second each robot stands still with this probability, per cent.
    #[arg(long, value_name = "PERCENT", default_value_t = 0)]
    delay: u32,
    /// So many worlds at a time; as many as there are cores when not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Writes the curve as an SVG picture.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Ends with everything as one JSON line.
    #[arg(long)]
    json: bool,
}

/// Reads `20..60`.
fn range(text: &str) -> Result<(usize, usize), String> {
    let mend = || format!("write A..B with 1 <= A <= B <= {ROBOTS_MAX}, e.g. 20..60");
    let (from, to) = text.split_once("..").ok_or_else(mend)?;
    let (from, to): (usize, usize) = (from.parse().map_err(|_| mend())?, to.parse().map_err(|_| mend())?);
    if from < 1 || from > to || to > ROBOTS_MAX { Err(mend()) } else { Ok((from, to)) }
}

/// Reads simulated hours.
fn hours(text: &str) -> Result<f64, String> {
    let hours: f64 = text.parse().map_err(|_| "write a number of hours, e.g. 1 or 0.5".to_owned())?;
    let is_fair = (0.02..=48.0).contains(&hours);
    if is_fair { Ok(hours) } else { Err("write 0.02 to 48 hours".to_owned()) }
}

impl Capacity {
    /// Whether every invariant held in every run.
    pub fn run(&self) -> Result<bool, BadInput> {
        let question = self.question()?;
        let sizes = self.sizes();
        // Bad input is told before anything runs: the largest fleet is the one that may not fit.
        self.setup(&question, self.robots.1, 1)?;
        let count = self.seeds * sizes.len() as u64;
        let mut samples: Vec<(usize, Vec<Sample>)> = sizes.iter().map(|size| (*size, Vec::new())).collect();
        let mut progress = Progress::new();
        progress.show(|| format!("0 of {count} runs"));
        let size_of = |task: u64| (task / self.seeds) as usize;
        let play = |task| self.play(&question, sizes[size_of(task)], 1 + task % self.seeds);
        pool::in_order(pool::threads(self.threads), count, &|| true, &play, |task, played| {
            samples[size_of(task)].1.push(played?);
            progress.show(|| format!("{} of {count} runs", task + 1));
            Ok(())
        })?;
        progress.end();
        let lines = lines(&samples);
        if let Some(path) = &self.plot {
            save(path, &svg(&format!("Capacity of {}", self.layout.display()), &lines))?;
        }
        self.tell(&question, &lines);
        Ok(lines.iter().all(|line| line.violations == 0))
    }

    fn question(&self) -> Result<Question, BadInput> {
        Ok(Question {
            lif: self.layout.display().to_string(),
            site: self.site.as_ref().map(|path| path.display().to_string()),
            from: self.from.clone(),
            to: self.to.clone(),
            hours: self.hours,
            delay_pct: self.delay,
            config: self.config()?,
        })
    }

    fn config(&self) -> Result<Config, BadInput> {
        let text = format!("[config]\n{}\n", self.options.join("\n"));
        let scenario = Scenario::parse(&text).map_err(|error| BadInput(format!("--option: {error}")))?;
        let mut config = scenario.config;
        config.policy = self.policy.unwrap_or(config.policy);
        config.planner = self.planner.unwrap_or(config.planner);
        Ok(config)
    }

    fn sizes(&self) -> Vec<usize> {
        let (from, to) = self.robots;
        let step = self.step.map_or((to - from).div_ceil(SIZES - 1), |step| step as usize).max(1);
        let mut sizes: Vec<usize> = (from..to).step_by(step).collect();
        sizes.push(to);
        sizes
    }

    fn setup(&self, question: &Question, robots: usize, seed: u64) -> Result<drover_sim::Setup, BadInput> {
        let read = |name: &str| {
            fs::read(name).map_err(|error| format!("{name}: {error}; name a file that can be read"))
        };
        setup(question, robots, seed, &read)
            .map_err(|error| BadInput(format!("{}: {robots} robots: {error}", self.layout.display())))
    }

    fn play(&self, question: &Question, robots: usize, seed: u64) -> Result<Sample, BadInput> {
        let setup = self.setup(question, robots, seed)?;
        let outcome = World::new(setup, Wire::Typed, None).recorded().run(&mut |_, _| ());
        outcome
            .map(|outcome| sample(&outcome))
            .map_err(|error| BadInput(format!("seed {seed}: failed to {error}")))
    }

    fn tell(&self, question: &Question, lines: &[Line]) {
        let knee = knee(lines);
        if self.json {
            let line = json!({
                "layout": self.layout.display().to_string(), "policy": question.config.policy.as_str(),
                "planner": question.config.planner.as_str(), "options": self.options,
                "delay_pct": self.delay, "hours": self.hours, "seeds": self.seeds, "knee": knee, "sizes": lines,
            });
            println!("{line}");
            return;
        }
        println!(
            "{:>7} {:>17} {:>12} {:>11} {:>13}",
            "robots", "jobs/h", "per added", "in traffic", "for a station"
        );
        for line in lines {
            let error = line.error.map_or(String::new(), |error| format!(" ± {error:.1}"));
            let rate = format!("{:.1}{error}", line.jobs_per_hour);
            println!(
                "{:>7} {rate:>17} {:>12.2} {:>9.1} % {:>11.1} %{}",
                line.robots,
                line.per_added_robot,
                line.traffic_pct,
                line.turn_pct,
                if line.violations > 0 {
                    format!("  {} violation(s)", line.violations)
                } else {
                    String::new()
                }
            );
        }
        match knee {
            Some(robots) => println!(
                "The knee is at {robots} robots: each one beyond adds less than half of what the first ones add."
            ),
            None => println!(
                "No knee: each robot up to {} adds at least half of what the first ones add.",
                self.robots.1
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_hours_are_read_and_judged() {
        assert_eq!(range("20..60"), Ok((20, 60)));
        for bad in ["20", "0..3", "6..5", "a..b", "1..99999", "1...3"] {
            assert!(range(bad).is_err(), "{bad}");
        }
        assert!(hours("0.5").is_ok() && hours("0").is_err() && hours("NaN").is_err());
    }
}
