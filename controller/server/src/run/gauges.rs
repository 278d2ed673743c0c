//! What `/metrics` shows of the fleet as it is: read once a second, after a step. It changes nothing.

use std::time::{Duration, Instant};

use drover_core::device::{Observed, Trouble};
use drover_core::event::Connection;
use drover_core::job::JobState;
use drover_core::plan::PlannerStats;
use drover_core::robot::{Cause, ChargePhase, Phase, Robot, Task};
use drover_core::{Fleet, Seq, Time};

/// Pause between two readings.
const READ_EVERY: Duration = Duration::from_secs(1);
/// Waiting is counted over such a time at most, by the site's clock: a pause of the process is nobody's waiting.
const SPAN_MAX_MS: u64 = 300_000;

/// The last reading, and what follows from the next one.
pub(super) struct Gauges {
    read_at: Instant,
    /// Fleet's time of the last reading.
    now: Time,
    planner: PlannerStats,
    /// Robot-milliseconds of waiting that don't make a second yet, by cause.
    waited_ms: [u64; CAUSES.len()],
}

/// Words of what a robot does, as [`activity`] numbers them.
const ACTIVITIES: [&str; 10] =
    ["driving", "waiting", "acting", "charging", "idle", "paused", "lost", "error", "manual", "offline"];
/// Words of what a robot waits for, as [`cause`] numbers them.
const CAUSES: [&str; 8] = ["robot", "device", "zone", "plan", "answer", "station", "sequence", "none"];
const WAITING: usize = 1;

impl Gauges {
    pub(super) fn new(fleet: &Fleet) -> Gauges {
        Gauges {
            read_at: Instant::now(),
            now: fleet.now(),
            planner: fleet.planner_stats(),
            waited_ms: [0; CAUSES.len()],
        }
    }

    /// A step took so long; the core has no clock, so that a step that planned tells what planning takes.
    pub(super) fn stepped(&mut self, took: Duration, fleet: &Fleet) {
        let seconds = took.as_secs_f64();
        metrics::histogram!("drover_step_seconds").record(seconds);
        let stats = fleet.planner_stats();
        if stats.plans > self.planner.plans {
            metrics::histogram!("drover_plan_seconds").record(seconds);
        }
        self.planner = stats;
    }

    pub(super) fn is_due(&self) -> bool {
        self.read_at.elapsed() > READ_EVERY
    }

    /// Reads everything.
    pub(super) fn read(&mut self, fleet: &Fleet, stepped: Seq, committed: Seq) {
        self.read_at = Instant::now();
        jobs(fleet);
        self.robots(fleet);
        devices(fleet);
        let stats = self.planner;
        metrics::counter!("drover_plans_total").absolute(stats.plans);
        metrics::counter!("drover_plan_expansions_total").absolute(stats.expansions);
        metrics::counter!("drover_breaker_calls_total").absolute(stats.breaker_calls);
        metrics::counter!("drover_plans_refused_total").absolute(stats.refused);
        metrics::gauge!("drover_zones_stopped").set(fleet.stopped_zones().len() as f64);
        metrics::gauge!("drover_outbox").set(fleet.outbox().count() as f64);
        metrics::gauge!("drover_journal_seq").set(stepped.0 as f64);
        metrics::gauge!("drover_journal_backlog").set(stepped.0.saturating_sub(committed.0) as f64);
        self.now = fleet.now();
    }

    fn robots(&mut self, fleet: &Fleet) {
        let span_ms = fleet.now().since_ms(self.now).min(SPAN_MAX_MS);
        let mut counts = [0_u32; ACTIVITIES.len()];
        for robot in fleet.robots() {
            let activity = activity(robot);
            counts[activity] += 1;
            if activity == WAITING {
                self.waited_ms[cause(robot)] += span_ms;
            }
        }
        for (state, count) in ACTIVITIES.into_iter().zip(counts) {
            metrics::gauge!("drover_robots", "state" => state).set(f64::from(count));
        }
        for (cause, waited_ms) in CAUSES.into_iter().zip(&mut self.waited_ms) {
            metrics::counter!("drover_waiting_seconds_total", "cause" => cause).increment(*waited_ms / 1_000);
            *waited_ms %= 1_000;
        }
        let jammed = fleet.robots().iter().filter(|robot| robot.is_jammed).count();
        metrics::gauge!("drover_robots_jammed").set(jammed as f64);
    }
}

fn jobs(fleet: &Fleet) {
    let mut states = [("queued", 0_u32), ("assigned", 0), ("started", 0)];
    let words = ["overdue", "10m", "30m", "later", "none"];
    let mut due = [[0_u32; 5]; 2];
    for job in fleet.jobs() {
        let state = match job.state {
            JobState::Queued => 0,
            JobState::Assigned(_) => 1,
            JobState::Started(_) => 2,
            JobState::Done | JobState::Failed(_) | JobState::Cancelled => continue,
        };
        states[state].1 += 1;
        due[usize::from(state > 0)][within(job.spec.due_at, fleet.now())] += 1;
    }
    for (state, count) in states {
        metrics::gauge!("drover_jobs", "state" => state).set(f64::from(count));
    }
    for (state, counts) in ["waiting", "under_way"].into_iter().zip(due) {
        for (within, count) in words.into_iter().zip(counts) {
            metrics::gauge!("drover_jobs_due", "state" => state, "within" => within).set(f64::from(count));
        }
    }
    let held = fleet.sequences().filter(|(_, sequence)| sequence.held_by.is_some()).count();
    metrics::gauge!("drover_sequences", "state" => "held").set(held as f64);
    metrics::gauge!("drover_sequences", "state" => "open").set((fleet.sequences().count() - held) as f64);
}

fn within(due: Option<Time>, now: Time) -> usize {
    let Some(due) = due else { return 4 };
    match due.since_ms(now) {
        0 => 0,
        1..=600_000 => 1,
        600_001..=1_800_000 => 2,
        _ => 3,
    }
}

fn devices(fleet: &Fleet) {
    let mut states =
        [("open", 0_u32), ("opening", 0), ("closing", 0), ("closed", 0), ("fault", 0), ("unknown", 0)];
    let mut troubles = [("stuck", 0_u32), ("lost", 0)];
    for device in fleet.devices() {
        let is_heard = device.is_online && !device.is_silent;
        let state = match device.observed {
            _ if !is_heard => 5,
            Observed::Open => 0,
            Observed::Opening => 1,
            Observed::Closing => 2,
            Observed::Closed => 3,
            Observed::Fault => 4,
            Observed::Unknown => 5,
        };
        states[state].1 += 1;
        match device.trouble {
            Some(Trouble::Stuck) => troubles[0].1 += 1,
            Some(Trouble::Lost) => troubles[1].1 += 1,
            None => {}
        }
    }
    for (state, count) in states {
        metrics::gauge!("drover_devices", "state" => state).set(f64::from(count));
    }
    for (trouble, count) in troubles {
        metrics::gauge!("drover_devices_in_trouble", "trouble" => trouble).set(f64::from(count));
    }
}

/// What the robot does, by its place in [`ACTIVITIES`].
fn activity(robot: &Robot) -> usize {
    if !robot.mode.takes_orders() {
        return 8;
    }
    match robot.connection {
        Some(Connection::Broken) => return 6,
        None | Some(Connection::Offline) => return 9,
        Some(Connection::Online) if robot.is_silent => return 6,
        Some(Connection::Online) => {}
    }
    let is_astray = robot.is_faulted || robot.is_off_path || robot.is_refusing();
    if is_astray || robot.stands.is_some() {
        return 7;
    }
    if robot.hold.is_on() {
        return 5;
    }
    match &robot.task {
        Task::Charge {
            phase: ChargePhase::Start { .. } | ChargePhase::Charge | ChargePhase::Stop { .. },
        } => 3,
        Task::Job { phase, .. } | Task::Return { phase, .. } if is_work(phase) => 2,
        Task::Idle | Task::Job { .. } | Task::Return { .. } | Task::Charge { phase: ChargePhase::Drive }
            if robot.is_driving =>
        {
            0
        }
        Task::Job { .. } | Task::Return { .. } | Task::Charge { phase: ChargePhase::Drive } => WAITING,
        Task::Idle if robot.is_busy() => WAITING,
        Task::Idle => 4,
    }
}

/// What a waiting robot waits for, by its place in [`CAUSES`].
fn cause(robot: &Robot) -> usize {
    match (&robot.waits_for, &robot.task) {
        (Some(Cause::Robot(_)), _) => 0,
        (Some(Cause::Device(_)), _) => 1,
        (Some(Cause::Zone(_)), _) => 2,
        (Some(Cause::Plan), _) => 3,
        (Some(Cause::Answer), _) => 4,
        (None, Task::Job { phase: Phase::Wait, .. } | Task::Return { phase: Phase::Wait, .. }) => 5,
        (None, Task::Job { phase: Phase::Stand, .. } | Task::Return { phase: Phase::Stand, .. }) => 6,
        (None, Task::Job { .. } | Task::Return { .. } | Task::Idle | Task::Charge { .. }) => 7,
    }
}

fn is_work(phase: &Phase) -> bool {
    match phase {
        Phase::Act { .. } | Phase::Confirm | Phase::Dwell { .. } => true,
        Phase::Wait | Phase::Drive | Phase::Stand => false,
    }
}
