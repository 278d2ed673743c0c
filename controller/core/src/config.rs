//! What a site may set. Every option is typed, has a unit and a default, and is validated where it is read.

use serde::{Deserialize, Serialize};

use crate::dispatch::policy;
use crate::plan::Algorithm;

/// The options of a fleet. Part of the hard state: a replay needs the same ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The site's id: goes into order ids, action ids and notifications.
    pub site: String,
    /// Robots not listed in `site.toml` join by themselves.
    pub auto_enroll: bool,
    /// How robots are chosen for jobs.
    pub policy: policy::Name,
    /// How ways are planned.
    pub planner: Algorithm,
    /// Time between two planning cycles, ms.
    pub cycle_ms: u64,
    /// How far ahead a plan looks, ms.
    pub window_ms: u64,
    /// Round trip of an order and the state that shows it, ms.
    pub round_trip_ms: u64,
    /// Unreleased nodes shown to a robot beyond its base, at most.
    pub horizon_nodes_max: usize,
    /// Time after which a message that no state shows is sent again, ms.
    pub resend_ms: u64,
    /// Time without a state after which a robot counts as lost, ms.
    pub silent_ms: u64,
    /// How long nobody is moved while robots that have just joined haven't been seen yet, ms.
    pub gather_ms: u64,
    /// Jobs of one sequence that may be under way at once, at least.
    pub sequence_spread_min: usize,
    /// Robots that may wait for one station beside those it serves.
    pub station_queue_max: usize,
    /// Time between two snapshots, ms.
    pub snapshot_ms: u64,
    /// Journalled events between two snapshots, at most.
    pub snapshot_events: u64,
    /// How long before a robot reaches a device it is asked to open, ms.
    pub device_lead_ms: u64,
    /// How long a device stays open after the last robot needed it, ms.
    pub device_hold_ms: u64,
    /// Time after which a device that was asked to open and isn't counts as stuck, ms.
    pub device_stuck_ms: u64,
    /// Time without a state after which nobody answers for a device, ms.
    pub device_silent_ms: u64,
    /// How long a job may be on one leg before the operator is told, ms; 0 = for ever.
    pub leg_timeout_ms: u64,
    /// How long a job's id is remembered after the job has ended, ms.
    pub remember_jobs_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            site: "site".into(),
            auto_enroll: false,
            policy: policy::Name::default(),
            planner: Algorithm::default(),
            cycle_ms: 500,
            window_ms: 15_000,
            round_trip_ms: 1_000,
            horizon_nodes_max: 8,
            resend_ms: 3_000,
            silent_ms: 35_000,
            gather_ms: 10_000,
            sequence_spread_min: 3,
            station_queue_max: 2,
            snapshot_ms: 30_000,
            snapshot_events: 50_000,
            device_lead_ms: 8_000,
            device_hold_ms: 3_000,
            device_stuck_ms: 20_000,
            device_silent_ms: 12_000,
            leg_timeout_ms: 3_600_000,
            remember_jobs_ms: 30 * 24 * 3_600_000,
        }
    }
}
