//! A world as text: layout, robots, jobs, and what must hold. TOML, small enough to read in one look.
//!
//! ```toml
//! what = "two robots meet where two lanes cross"
//! [layout]
//! grid = """
//! ..B..
//! A...C
//! ..D..
//! """
//! [robots]
//! at = ["A", "B"]
//! [[job]]
//! legs = ["A pick", "C drop"]
//! [expect]
//! hours_max = 0.1
//! ```
//!
//! Files are named relative to the scenario and read by the caller: this crate opens nothing.

mod cast;
mod ground;

use std::sync::Arc;

use serde::Deserialize;

use drover_core::job::JobSpec;
use drover_core::{Config, Time, Wish};
use drover_maps::Layout;

use crate::doors::Doors;
use crate::fault::{self, Fault, FaultLine};
use crate::machine::Begin;
use crate::net::Delay;
use crate::process::Blow;
use crate::rng::Rng;
use crate::workload;

pub use ground::{Blocks, Ground};

/// When the clock of every run shows zero: 2026-11-22T00:00:00Z.
pub const START: Time = Time(1_795_305_600_000);

/// The first jobs come this long after the start, ms: robots have told where they are by then.
pub const JOBS_AFTER_MS: u64 = 1_000;

/// Reads a file named in a scenario.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// Why a scenario can't be run: theirs to mend. Says where, what and how.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The text isn't a scenario; the reader's own words name line and key.
    #[error("{0}")]
    Text(#[from] toml::de::Error),
    /// A value can't be used.
    #[error("key `{key}`: {problem}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong and how to mend it.
        problem: String,
    },
}

impl ScenarioError {
    pub(crate) fn value(key: impl Into<String>, problem: impl Into<String>) -> ScenarioError {
        ScenarioError::Value { key: key.into(), problem: problem.into() }
    }

    /// The line of the scenario that has the key, if the text shows it: 1 is the first.
    pub fn line(&self, text: &str) -> Option<usize> {
        match self {
            ScenarioError::Text(error) => {
                let start = error.span()?.start;
                Some(text.get(..start)?.matches('\n').count() + 1)
            }
            ScenarioError::Value { key, .. } => {
                let name = key.rsplit('.').next()?;
                let is_key = |line: &str| line.trim_start().trim_start_matches('[').starts_with(name);
                text.lines().position(is_key).map(|line| line + 1)
            }
        }
    }
}

/// The text, key by key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// What it is about, in a sentence.
    pub what: String,
    /// The seed, when the command line gives none.
    pub seed: u64,
    /// Where it plays.
    pub layout: Ground,
    /// Who plays.
    pub robots: Robots,
    /// Jobs drawn from the seed or read from a wave file.
    pub jobs: Jobs,
    /// Jobs written out; they come before those of `jobs`.
    pub job: Vec<JobLine>,
    /// What must hold.
    pub expect: Expect,
    /// The network.
    pub net: Net,
    /// How the site's doors move, and what goes wrong with them.
    pub doors: Doors,
    /// What an operator does.
    pub operator: Vec<OperatorLine>,
    /// What goes wrong.
    pub fault: Vec<FaultLine>,
    /// When all faults end, seconds after the start; without it a fault without an end never does.
    pub heal_s: Option<u64>,
    /// A second process of the controller stands by.
    pub standby: bool,
    /// Options of the fleet that differ from their defaults.
    pub config: Config,
}

/// Which robots, and where they begin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Robots {
    /// So many on places drawn from the seed.
    pub count: usize,
    /// Or one at each of these nodes or stations.
    pub at: Vec<String>,
    /// They connect one by one within this time, ms; 0 = all at once.
    pub connect_ms: u64,
    /// Drawn state of charge, per cent: lowest and highest.
    pub charge_pct: [u16; 2],
}

impl Default for Robots {
    fn default() -> Self {
        Robots { count: 0, at: Vec::new(), connect_ms: 0, charge_pct: [100, 100] }
    }
}

/// Jobs in numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Jobs {
    /// An NDJSON file of job messages, in queue order.
    pub wave: Option<String>,
    /// Or so many drawn from the seed.
    pub draw: usize,
    /// Stations they start from; a trailing `*` stands for any ending.
    pub from: Vec<String>,
    /// Stations they end at.
    pub to: Vec<String>,
    /// So many sequences at a time, each bound to one end station; 0 = none.
    pub sequences: usize,
    /// Time between two jobs, ms; 0 = all at once.
    pub every_ms: u64,
}

impl Default for Jobs {
    fn default() -> Self {
        Jobs {
            wave: None,
            draw: 0,
            from: vec!["PICK-*".into()],
            to: vec!["DOCK-*".into()],
            sequences: 0,
            every_ms: 0,
        }
    }
}

/// One job written out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobLine {
    /// Its id; `J-1`, `J-2` ... when not given.
    pub id: Option<String>,
    /// `"STATION action"` each; an action of `-` is done on arrival.
    pub legs: Vec<String>,
    /// Its sequence.
    pub sequence: Option<String>,
    /// When it is published, seconds after the first jobs may come.
    pub at_s: u64,
}

/// One thing an operator does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorLine {
    /// When, seconds after the start.
    pub at_s: u64,
    /// `"stop-zone ID"`, `"resume-zone ID"`, `"pause ROBOT"` or `"resume ROBOT"`; a robot is `manufacturer/serial`, or `all`.
    pub does: String,
}

/// What must hold, beside every invariant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Every job is done.
    pub all_done: bool,
    /// Jobs done per simulated hour, at least.
    pub jobs_per_hour_min: f64,
    /// Simulated hours until the run is cut off.
    pub hours_max: f64,
    /// Simulated minutes without news of any job, while jobs are left, after which the run is cut off.
    pub quiet_minutes_max: u64,
}

impl Default for Expect {
    fn default() -> Self {
        Expect { all_done: true, jobs_per_hour_min: 0.0, hours_max: 8.0, quiet_minutes_max: 20 }
    }
}

/// How late messages and commits are, ms: shortest and longest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Net {
    /// Of a message, either way.
    pub latency_ms: [u64; 2],
    /// Of a commit.
    pub commit_ms: [u64; 2],
}

impl Default for Net {
    fn default() -> Self {
        Net { latency_ms: [5, 40], commit_ms: [1, 6] }
    }
}

/// What keeps a process from speaking when it doesn't lead any more; off only to show that each is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guards {
    /// The robots' broker takes the site's messages from one session only: the newest.
    pub session: bool,
    /// A process whose lease may be over is silent.
    pub lease: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Guards { session: true, lease: true }
    }
}

/// A scenario with all names resolved and all chances taken but those of the run itself.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What it is about, in a sentence.
    pub what: String,
    /// Where it plays.
    pub layout: Arc<Layout>,
    /// What the layout's compiler had to say.
    pub warnings: Vec<String>,
    /// Options of the fleet.
    pub config: Config,
    /// Who plays.
    pub robots: Vec<Begin>,
    /// They connect within this time, ms.
    pub connect_ms: u64,
    /// When each job is published, and the job; in queue order.
    pub jobs: Vec<(Time, JobSpec)>,
    /// The seed.
    pub seed: u64,
    /// How the site's doors move.
    pub doors: Doors,
    /// What an operator does, and when.
    pub wishes: Vec<(Time, Wish)>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// When all faults end.
    pub heal: Option<Time>,
    /// A second process stands by.
    pub standby: bool,
    /// What strikes the first process that leads, after so many points of its work: for those who try them all.
    pub blow: Option<(u64, Blow)>,
    /// What keeps a process from speaking when it doesn't lead any more.
    pub guards: Guards,
    /// Latency of messages.
    pub latency: Delay,
    /// Latency of commits.
    pub commit: Delay,
    /// What must hold.
    pub expect: Expect,
}

impl Scenario {
    /// Reads the text.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        Ok(toml::from_str(text)?)
    }

    /// Resolves names and draws what is to be drawn; `seed` goes before the scenario's own.
    pub fn build(&self, seed: Option<u64>, read: ReadFile<'_>) -> Result<Setup, ScenarioError> {
        let seed = seed.unwrap_or(self.seed);
        let (layout, warnings) = self.layout.compile(read)?;
        let robots = cast::begin(&layout, &self.robots, &mut Rng::new(seed, "robots"))?;
        let jobs = workload::jobs(&layout, &self.jobs, &self.job, read, &mut Rng::new(seed, "jobs"))?;
        let mut config = self.config.clone();
        if let Some(line) = self.doors.fault.iter().find(|line| !is_device(&layout, &line.id)) {
            let problem = format!("no device {:?} in site.toml", line.id);
            return Err(ScenarioError::value("doors.fault.id", problem));
        }
        let faults = fault::resolve(&self.fault, &layout, &robots, &mut Rng::new(seed, "faults"))?;
        config.auto_enroll |= robots.len() > layout.robots().len();
        Ok(Setup {
            what: self.what.clone(),
            layout: Arc::new(layout),
            warnings,
            config,
            robots,
            connect_ms: self.robots.connect_ms,
            jobs,
            seed,
            doors: self.doors.clone(),
            wishes: cast::wishes(&self.operator)?,
            faults,
            heal: self.heal_s.map(|s| START.plus_ms(s.saturating_mul(1_000))),
            standby: self.standby,
            blow: None,
            guards: Guards::default(),
            latency: delay("latency_ms", self.net.latency_ms)?,
            commit: delay("commit_ms", self.net.commit_ms)?,
            expect: self.expect.clone(),
        })
    }
}

fn is_device(layout: &Layout, id: &str) -> bool {
    layout.devices().iter().any(|device| device.name == id)
}

fn delay(key: &str, [min_ms, max_ms]: [u64; 2]) -> Result<Delay, ScenarioError> {
    if min_ms > max_ms {
        let problem = format!("[{min_ms}, {max_ms}] falls; write the shorter time first");
        return Err(ScenarioError::value(format!("net.{key}"), problem));
    }
    Ok(Delay { min_ms, max_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_files(name: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {name}"))
    }

    fn problem(text: &str) -> (Option<usize>, String) {
        let error = Scenario::parse(text).and_then(|scenario| scenario.build(None, &no_files)).unwrap_err();
        (error.line(text), error.to_string())
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let (line, text) = problem("what = \"x\"\n[robots]\ncuont = 3\n");
        assert_eq!(line, Some(3));
        assert!(text.contains("cuont") && text.contains("count"), "{text}");
    }

    #[test]
    fn an_unknown_station_is_named_with_its_line() {
        let (line, text) = problem(
            "[layout]\ngrid = \"A.B\"\n[robots]\nat = [\"A\"]\n[[job]]\nlegs = [\"A pick\", \"Z drop\"]\n",
        );
        assert_eq!(line, Some(6));
        assert!(text.contains('Z') && text.contains("A, B"), "{text}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let (_, text) = problem("[layout]\nlif = \"nowhere.json\"\n");
        assert!(text.contains("nowhere.json"), "{text}");
    }
}
