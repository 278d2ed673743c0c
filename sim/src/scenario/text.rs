//! The text of a scenario, key by key. sim/scenarios/README.md tells of each; a test holds it to that.

use serde::Deserialize;

use drover_core::Config;
use drover_maps::Temperature;

use super::ground::Ground;
use crate::doors::Doors;
use crate::fault::FaultLine;

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
    /// Jobs in numbers.
    pub jobs: Jobs,
    /// Jobs written out.
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
    /// So many in all; those beyond `at` begin on places drawn from the seed.
    pub count: usize,
    /// One at each of these nodes or stations.
    pub at: Vec<String>,
    /// Where the drawn ones begin.
    pub drawn: Drawn,
    /// Their types, taken in turns; the layout's own when empty.
    pub types: Vec<String>,
    /// The versions of VDA 5050 they speak, "2.1" or "3.0", taken in turns; 2.1 when empty.
    pub versions: Vec<String>,
    /// Robots of the site file, `manufacturer/serial`, that never connect.
    pub absent: Vec<String>,
    /// They connect one by one within this time, ms; 0 = all at once.
    pub connect_ms: u64,
    /// Drawn state of charge, per cent: lowest and highest.
    pub charge_pct: [u16; 2],
    /// In each second each stands still with this probability, per cent.
    pub delay_pct: u32,
}

impl Default for Robots {
    fn default() -> Self {
        Robots {
            count: 0,
            at: Vec::new(),
            drawn: Drawn::Parked,
            types: Vec::new(),
            versions: Vec::new(),
            absent: Vec::new(),
            connect_ms: 0,
            charge_pct: [100, 100],
            delay_pct: 0,
        }
    }
}

/// Where drawn robots begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drawn {
    /// On parking nodes, then on holding nodes, then on any that is no station and no charger.
    Parked,
    /// On any node, stations too.
    Anywhere,
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
    /// Jobs that come while the site works.
    pub stream: Vec<Stream>,
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
            stream: Vec::new(),
        }
    }
}

/// Jobs that come while the site works: at a rate, or for trucks that leave on time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stream {
    /// Its jobs' ids begin with this.
    pub name: Option<String>,
    /// Jobs per hour.
    pub per_hour: f64,
    /// The first may come, seconds after the start.
    pub from_s: u64,
    /// The last may come, seconds after the start.
    pub until_s: u64,
    /// How they are spread.
    pub arrival: Arrival,
    /// Jobs of one burst.
    pub burst: u64,
    /// Instead of a rate: trucks.
    pub truck: Option<Trucks>,
    /// Stations they start from; a trailing `*` stands for any ending.
    pub from: Vec<String>,
    /// Stations they end at.
    pub to: Vec<String>,
    /// Instead of `from` and `to`: `"STATION action"` each, 1 to 16.
    pub legs: Vec<String>,
    /// How long the robot stands after each action, s.
    pub dwell_s: u64,
    /// The cut-off, so long after the job came, s.
    pub due_after_s: Option<u64>,
    /// 0 to 9, 9 first.
    pub priority: u8,
    /// How cold the load must be kept.
    pub temperature: Option<Temperature>,
    /// Instead of `temperature`: as cold as the zone of the job's first station.
    pub as_stored: bool,
    /// How long the load may be outside a zone so cold, s.
    pub max_out_of_cold_s: Option<u32>,
    /// Capabilities the robot must have.
    pub requires: Vec<String>,
}

impl Default for Stream {
    fn default() -> Self {
        let plain = Jobs::default();
        Stream {
            name: None,
            per_hour: 0.0,
            from_s: 0,
            until_s: 0,
            arrival: Arrival::Steady,
            burst: 10,
            truck: None,
            from: plain.from,
            to: plain.to,
            legs: Vec::new(),
            dwell_s: 0,
            due_after_s: None,
            priority: 5,
            temperature: None,
            as_stored: false,
            max_out_of_cold_s: None,
            requires: Vec::new(),
        }
    }
}

/// How the jobs of a stream are spread over its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// One after the other, at equal times.
    Steady,
    /// Each by itself, whenever chance wants.
    Poisson,
    /// Many at once, then none for a while.
    Burst,
}

/// Trucks that leave on time: one sequence each, which ends at one station drawn from `to` (the last leg).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trucks {
    /// Time between two departures, s; the first leaves so long after `from_s`.
    pub every_s: u64,
    /// Jobs of each.
    pub jobs: u64,
    /// How long before a departure its jobs come, s.
    pub lead_s: u64,
}

/// One job written out.
#[derive(Clone, Debug, Deserialize)]
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
    /// How long the robot stands after each action, s.
    pub dwell_s: u64,
    /// The cut-off, so long after it is published, s.
    pub due_after_s: Option<u64>,
    /// 0 to 9, 9 first.
    pub priority: u8,
    /// How cold the load must be kept.
    pub temperature: Option<Temperature>,
    /// How long the load may be outside a zone so cold, s.
    pub max_out_of_cold_s: Option<u32>,
    /// Capabilities the robot must have.
    pub requires: Vec<String>,
}

impl Default for JobLine {
    fn default() -> Self {
        JobLine {
            id: None,
            legs: Vec::new(),
            sequence: None,
            at_s: 0,
            dwell_s: 0,
            due_after_s: None,
            priority: 5,
            temperature: None,
            max_out_of_cold_s: None,
            requires: Vec::new(),
        }
    }
}

/// One thing an operator does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorLine {
    /// When, seconds after the start.
    pub at_s: u64,
    /// What, e.g. `"stop-zone ID"`; a robot is `manufacturer/serial`, or `all`.
    pub does: String,
}

/// What must hold, beside every invariant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Every job is done.
    pub all_done: bool,
    /// Every job with a cut-off is done before it.
    pub on_time: bool,
    /// Jobs done after their cut-off, at most.
    pub late_max: Option<usize>,
    /// Jobs failed, cancelled or refused, at most.
    pub failed_max: Option<usize>,
    /// Jobs done per simulated hour, at least.
    pub jobs_per_hour_min: f64,
    /// Time from accepted to done that 95 of 100 jobs keep, minutes.
    pub job_minutes_p95_max: Option<f64>,
    /// Share of the time with a job that robots wait for each other, 0 to 1.
    pub wait_share_max: Option<f64>,
    /// Jams handed to the joint search, at least.
    pub breaker_calls_min: u64,
    /// And at most.
    pub breaker_calls_max: Option<u64>,
    /// Simulated hours until the run is cut off.
    pub hours_max: f64,
    /// Simulated minutes without news of any job, while jobs are left, after which the run is cut off.
    pub quiet_minutes_max: u64,
}

impl Default for Expect {
    fn default() -> Self {
        Expect {
            all_done: true,
            on_time: false,
            late_max: None,
            failed_max: None,
            jobs_per_hour_min: 0.0,
            job_minutes_p95_max: None,
            wait_share_max: None,
            breaker_calls_min: 0,
            breaker_calls_max: None,
            hours_max: 8.0,
            quiet_minutes_max: 20,
        }
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
