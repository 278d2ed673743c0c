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
mod check;
mod error;
mod ground;
mod operator;
mod text;

use std::sync::Arc;

use drover_core::job::{JobRequest, JobSpec};
use drover_core::{Config, Time, Wish};
use drover_maps::Layout;

use crate::doors::Doors;
use crate::fault::{self, Fault};
use crate::machine::Begin;
use crate::net::Delay;
use crate::process::Blow;
use crate::rng::Rng;
use crate::workload;

pub use error::ScenarioError;
pub use ground::{Blocks, Ground};
pub use text::{Arrival, Drawn, Expect, JobLine, Jobs, Net, OperatorLine, Robots, Scenario, Stream, Trucks};

/// When the clock of every run shows zero: 2026-11-22T00:00:00Z.
pub const START: Time = Time(1_795_305_600_000);

/// The first jobs come this long after the start, ms: robots have told where they are by then.
pub const JOBS_AFTER_MS: u64 = 1_000;

/// Reads a file named in a scenario.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

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
    /// In each second each robot stands still with this probability, per cent.
    pub delay_pct: u32,
    /// When each job is published, and the job; in queue order.
    pub jobs: Vec<(Time, JobSpec)>,
    /// The seed.
    pub seed: u64,
    /// How the site's doors move.
    pub doors: Doors,
    /// What an operator wants of the floor, and when.
    pub wishes: Vec<(Time, Wish)>,
    /// What is taken back, and when.
    pub changes: Vec<(Time, JobRequest)>,
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
        let scenario = toml::from_str(text).map_err(|error| ScenarioError::text(text, &error))?;
        check::options(text)?;
        Ok(scenario)
    }

    /// Resolves names and draws what is to be drawn; `seed` goes before the scenario's own.
    pub fn build(&self, seed: Option<u64>, read: ReadFile<'_>) -> Result<Setup, ScenarioError> {
        let seed = seed.unwrap_or(self.seed);
        let (layout, warnings) = self.layout.compile(read)?;
        let robots = cast::begin(&layout, &self.robots, &mut Rng::new(seed, "robots"))?;
        let mut jobs = workload::jobs(&layout, &self.jobs, &self.job, read, &mut Rng::new(seed, "jobs"))?;
        jobs.extend(workload::stream::all(&layout, &self.jobs.stream, seed)?);
        jobs.sort_by_key(|(at, _)| *at);
        check::check(self, &layout, &jobs)?;
        let (wishes, changes) = operator::lines(&self.operator, &layout, &robots, &jobs)?;
        let faults = fault::resolve(&self.fault, &layout, &robots, &mut Rng::new(seed, "faults"))?;
        let mut config = self.config.clone();
        config.auto_enroll |= robots.len() > layout.robots().len();
        Ok(Setup {
            what: self.what.clone(),
            layout: Arc::new(layout),
            warnings,
            config,
            robots,
            connect_ms: self.robots.connect_ms,
            delay_pct: self.robots.delay_pct,
            jobs,
            seed,
            doors: self.doors.clone(),
            wishes,
            changes,
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

fn delay(key: &str, [min_ms, max_ms]: [u64; 2]) -> Result<Delay, ScenarioError> {
    if min_ms > max_ms {
        let problem = format!("[{min_ms}, {max_ms}] falls; write the shorter time first");
        return Err(ScenarioError::value(format!("net.{key}"), problem));
    }
    Ok(Delay { min_ms, max_ms })
}
