//! Robots over time: how far they drove, where, what they waited for, how often they charged.

use std::collections::BTreeMap;

use drover_core::robot::{Cause, ChargePhase, Phase, Robot, Task};
use drover_core::{Fleet, Time};
use drover_maps::EdgeId;

/// Time of all robots together, ms, and distance.
#[derive(Debug, Default)]
pub struct Motion {
    /// Passes of each edge.
    pub passes: Vec<u32>,
    /// Driven, as the robots reported their nodes, mm.
    pub distance_mm: u64,
    /// Driving.
    pub driving_ms: u64,
    /// Working: picking, dropping, charging.
    pub working_ms: u64,
    /// Standing on the way or at a station's door, by cause.
    pub waiting_ms: BTreeMap<&'static str, u64>,
    /// Standing at the end of the base, on the way, although no robot was in the way.
    pub starved_ms: u64,
    /// Charging cycles ended.
    pub charging_cycles: u64,
    seen: Vec<Seen>,
    layout: Option<u64>,
    at: Option<Time>,
}

/// What was last seen of a robot.
#[derive(Debug, Default)]
struct Seen {
    passed: u64,
    /// Edges ahead: the one that leads to node `passed + 1` first.
    ahead: Vec<Option<EdgeId>>,
    is_charging: bool,
}

impl Motion {
    /// Looks at all robots. What they did since the last look is what they were doing then.
    pub fn take(&mut self, now: Time, fleet: &Fleet) {
        let elapsed_ms = self.at.map_or(0, |at| now.since_ms(at));
        self.at = Some(now);
        let layout = fleet.layout().fingerprint();
        if self.layout.replace(layout).is_some_and(|before| before != layout) {
            // Ids are others: what was counted by edge is counted anew.
            (self.passes, self.seen) = (Vec::new(), Vec::new());
        }
        self.passes.resize(fleet.layout().edge_count(), 0);
        self.seen.resize_with(fleet.robots().len(), Seen::default);
        for (index, robot) in fleet.robots().iter().enumerate() {
            self.spend(robot, elapsed_ms);
            self.follow(index, robot, fleet);
        }
    }

    fn spend(&mut self, robot: &Robot, elapsed_ms: u64) {
        if robot.is_driving {
            self.driving_ms += elapsed_ms;
            return;
        }
        let cause = match doing(robot) {
            Doing::Work => {
                self.working_ms += elapsed_ms;
                return;
            }
            Doing::Nothing => return,
            Doing::Wait(cause) => cause,
        };
        *self.waiting_ms.entry(cause).or_default() += elapsed_ms;
        if matches!(cause, "plan" | "answer") {
            self.starved_ms += elapsed_ms;
        }
    }

    fn follow(&mut self, index: usize, robot: &Robot, fleet: &Fleet) {
        let seen = &mut self.seen[index];
        let is_charging = matches!(robot.task, Task::Charge { phase: ChargePhase::Charge });
        if seen.is_charging && !is_charging {
            self.charging_cycles += 1;
        }
        seen.is_charging = is_charging;
        let steps = robot.trail.passed.saturating_sub(seen.passed) as usize;
        for edge in seen.ahead.iter().take(steps).flatten() {
            self.passes[edge.index()] += 1;
            self.distance_mm += u64::from(fleet.layout().edge(*edge).length_mm);
        }
        if steps > 0 || seen.ahead.len() + 1 != robot.trail.steps.len() {
            seen.passed = robot.trail.passed;
            seen.ahead = robot.trail.steps.iter().skip(1).map(|step| step.edge).collect();
        }
    }

    /// Share of the time on the way that robots stood although the way ahead was free; 0 to 1.
    pub fn starved_share(&self) -> f64 {
        let whole = self.driving_ms + self.starved_ms;
        if whole == 0 { 0.0 } else { self.starved_ms as f64 / whole as f64 }
    }
}

/// What a robot that stands is doing.
enum Doing {
    Work,
    Nothing,
    /// On its way, or at a station it may not use yet: for this cause.
    Wait(&'static str),
}

fn doing(robot: &Robot) -> Doing {
    let is_on_its_way = robot.goal.is_some() && !robot.is_at_goal();
    match &robot.task {
        Task::Job { phase, .. } | Task::Return { phase, .. } => match phase {
            Phase::Act { .. } | Phase::Confirm | Phase::Dwell { .. } => Doing::Work,
            Phase::Stand => Doing::Wait("turn"),
            Phase::Wait if !is_on_its_way => Doing::Wait("station"),
            Phase::Wait | Phase::Drive if is_on_its_way => Doing::Wait(cause(robot)),
            Phase::Wait | Phase::Drive => Doing::Nothing,
        },
        Task::Charge { phase } if *phase != ChargePhase::Drive => Doing::Work,
        Task::Idle | Task::Charge { .. } if is_on_its_way => Doing::Wait(cause(robot)),
        Task::Idle | Task::Charge { .. } => Doing::Nothing,
    }
}

fn cause(robot: &Robot) -> &'static str {
    match robot.waits_for {
        Some(Cause::Robot(_)) => "robot",
        Some(Cause::Plan) => "plan",
        Some(Cause::Device(_)) => "device",
        Some(Cause::Zone(_)) => "zone",
        Some(Cause::Answer) if robot.order.last.as_ref().is_some_and(|last| last.update_id == 0) => "start",
        Some(Cause::Answer) => "answer",
        None => "itself",
    }
}

/// Robots that are away, idle, at a job, charging; those never seen don't count.
pub(super) fn by_task(fleet: &Fleet) -> [usize; 4] {
    let mut counts = [0; 4];
    for robot in fleet.robots().iter().filter(|robot| robot.connection.is_some()) {
        let place = match &robot.task {
            _ if !robot.is_usable() => 0,
            Task::Idle => 1,
            Task::Job { .. } | Task::Return { .. } => 2,
            Task::Charge { .. } => 3,
        };
        counts[place] += 1;
    }
    counts
}
