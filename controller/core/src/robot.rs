//! A robot: what it has told us, what it holds, and what it is about.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use drover_maps::{EdgeId, Layout, NodeId, TypeId, ZoneId};

use crate::clock::Time;
use crate::event::{ActionStatus, Connection, Mode};
use crate::hold::Hold;
use crate::id::{DeviceId, JobId, RobotId, RobotName};
use crate::load::Load;
use crate::release::Order;

/// A robot of the fleet: hard state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Robot {
    /// Its name on the wire.
    pub name: RobotName,
    /// Its type on the layout.
    pub robot_type: TypeId,
    /// What the broker says of it.
    pub connection: Option<Connection>,
    /// It hasn't sent a state for too long.
    pub is_silent: bool,
    /// Who drives it.
    pub mode: Mode,
    /// It can't go on by itself.
    pub is_faulted: bool,
    /// It isn't where its order says.
    pub is_off_path: bool,
    /// Whether it must stand, and does.
    #[serde(default)]
    pub hold: Hold,
    /// It moves.
    pub is_driving: bool,
    /// State of charge, per mille; none = it hasn't said.
    pub charge_permille: Option<u16>,
    /// It is charging.
    pub is_charging: bool,
    /// The place it holds and the way released to it; empty until it was seen on the layout.
    pub trail: Trail,
    /// What it overlaps by its own word off its way, or where another robot holds the place: nobody's base enters it.
    #[serde(default)]
    pub stands: Option<Stand>,
    /// What it has been told.
    pub order: OrderState,
    /// Planned steps beyond the decision point, in order.
    pub claims: VecDeque<Claim>,
    /// Where it is to go.
    pub goal: Option<Goal>,
    /// Since when it has had that goal.
    pub goal_since: Time,
    /// The way to its goal when it was sent there, on an empty floor, ms; 0 = not known.
    #[serde(default)]
    pub goal_ms: u32,
    /// What it is about.
    pub task: Task,
    /// Since when it has had no task, while it has none.
    #[serde(default)]
    pub free_since: Time,
    /// The least time to its goal it has had since it has that goal, ms.
    pub best_ms: u32,
    /// Since when it has come no nearer to its goal.
    pub stuck_since: Time,
    /// It has been without progress for so long that the operator was told.
    pub is_jammed: bool,
    /// What its next step waits for, as the last release found it.
    pub waits_for: Option<Cause>,
    /// The load aboard, by name.
    pub load: Option<String>,
    /// What it says is in its way.
    #[serde(default)]
    pub blocked: Option<Blocked>,
    /// When the operator was last told that its way is blocked.
    #[serde(default)]
    pub blocked_told_at: Time,
    /// Since when it can't go on with its job; none = it can, or has none.
    #[serde(default)]
    pub halted_since: Option<Time>,
    /// That it can't go on with what it has begun was told.
    #[serde(default)]
    pub is_halt_told: bool,
}

/// Places taken by fact, not by a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// Nodes it overlaps, sorted.
    pub nodes: Vec<NodeId>,
    /// Edges it overlaps, sorted.
    pub edges: Vec<EdgeId>,
    /// It has said so twice, the second time as an answer: no old message said it.
    #[serde(default)]
    pub is_sure: bool,
}

impl Stand {
    /// What a robot at this node overlaps.
    pub(crate) fn at(layout: &Layout, node: NodeId) -> Stand {
        let conflicts = layout.node_conflicts(node);
        let mut nodes = conflicts.nodes.to_vec();
        nodes.push(node);
        nodes.sort_unstable();
        Stand { nodes, edges: conflicts.edges.to_vec(), is_sure: false }
    }

    /// The same places.
    pub(crate) fn is_same(&self, other: &Stand) -> bool {
        (&self.nodes, &self.edges) == (&other.nodes, &other.edges)
    }

    /// It overlaps the node.
    pub fn bars_node(&self, node: NodeId) -> bool {
        self.nodes.binary_search(&node).is_ok()
    }

    /// It overlaps the edge.
    pub fn bars_edge(&self, edge: EdgeId) -> bool {
        self.edges.binary_search(&edge).is_ok()
    }
}

/// An edge of its own way that a robot can't drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// Which.
    pub edge: EdgeId,
    /// Since when.
    pub at: Time,
}

/// A goal, and how it is to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Where.
    pub node: NodeId,
    /// The robot stays until its work there is done; else it gives way when pushed.
    pub is_work: bool,
}

/// The released way: last reported node first, decision point last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Count of the nodes reported passed, over the robot's life: the number of `steps[0]`.
    pub passed: u64,
    /// When `steps[0]` was reported.
    pub passed_at: Time,
    /// Direction of travel at `steps[0]`, mdeg; none = unknown.
    pub heading_mdeg: Option<i32>,
    /// The way.
    pub steps: VecDeque<Step>,
}

/// One released node and the edge that leads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The edge to it; none where the way began.
    pub edge: Option<EdgeId>,
    /// The node.
    pub node: NodeId,
    /// Its VDA 5050 sequenceId in the present order.
    pub sequence_id: u32,
    /// The robot can't have passed it before: released, then driven at top speed.
    #[serde(default)]
    pub earliest: Time,
}

impl Trail {
    /// The last reported node.
    pub fn last_node(&self) -> Option<NodeId> {
        self.steps.front().map(|step| step.node)
    }

    /// The last released node: where the robot stops without an update.
    pub fn decision_point(&self) -> Option<NodeId> {
        self.steps.back().map(|step| step.node)
    }

    /// The count of the decision point.
    pub fn decision_count(&self) -> u64 {
        self.passed + self.steps.len().saturating_sub(1) as u64
    }

    /// The robot has reported its decision point.
    pub fn is_at_decision_point(&self) -> bool {
        self.steps.len() == 1
    }
}

/// A planned step beyond the decision point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The edge.
    pub edge: EdgeId,
    /// The node it leads to.
    pub node: NodeId,
    /// Its place in the order of the whole plan.
    pub rank: u32,
    /// Steps of others that must have been reported before: robot and count.
    pub after: Vec<(RobotId, u64)>,
}

/// What the robot was last told, and what of it has been seen to arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// Orders given so far.
    pub count: u64,
    /// The last message, whole, to be resent until a state shows it.
    pub last: Option<Order>,
    /// A state has shown the last message.
    pub is_seen: bool,
    /// The job whose first order the last message is.
    pub starts: Option<JobId>,
    /// Where the last message is one refused before: the update id its content first had. A copy of any of them may be
    /// taken late.
    #[serde(default)]
    pub reissued_since: Option<u32>,
    /// Messages refused in a row.
    pub refusals: u32,
    /// When it last refused one.
    pub refused_at: Time,
    /// Actions of the present order that haven't ended.
    pub actions: Vec<PendingAction>,
    /// It must give the order up, and hasn't shown that it has.
    #[serde(default)]
    pub is_cancelled: bool,
    /// It said it was somewhere before it can have been, and the operator was told.
    #[serde(default)]
    pub is_implausible: bool,
}

impl OrderState {
    /// A state with these ids shows the content of the last message.
    pub fn is_shown_by(&self, order_id: &str, update_id: u32) -> bool {
        let since = |last: &Order| self.reissued_since.unwrap_or(last.update_id);
        self.last.as_ref().is_some_and(|last| last.order_id == order_id && update_id >= since(last))
    }

    /// Everything told has been taken over and done, and no horizon is left: a new order may begin.
    pub fn is_complete(&self) -> bool {
        self.actions.is_empty()
            && self
                .last
                .as_ref()
                .is_none_or(|last| self.is_seen && last.nodes.iter().all(|node| node.released))
    }
}

/// An action the robot was told to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAction {
    /// Its id.
    pub id: String,
    /// How far it has come.
    pub status: ActionStatus,
}

/// What a robot is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Nothing; it may be on its way to a parking place.
    Idle,
    /// A job.
    Job {
        /// Which.
        job: JobId,
        /// Where in the present leg.
        phase: Phase,
    },
    /// What is left of a job that has ended in the middle of its work; nobody takes that back again.
    Return {
        /// What goes where.
        back: Box<Return>,
        /// Where in it.
        phase: Phase,
    },
    /// Charging.
    Charge {
        /// Where in it.
        phase: ChargePhase,
    },
}

/// What is left of a job that has ended in the middle of its work: an action that was told is let finish, and what is
/// aboard then is put down where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// The job; it has ended.
    pub job: JobId,
    /// The station that the load goes to, by name.
    pub station: String,
    /// The load.
    pub load: Load,
    /// What becomes of the load by the action that is let finish; none = there is none any more.
    pub finishes: Option<Work>,
    /// When the operator is to be told that the load isn't there yet.
    pub tell_at: Time,
    /// How often the robot has failed to put it down.
    pub failures: u8,
}

/// What an action of a job does to the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// It takes the load aboard.
    Pick,
    /// It puts the load down.
    Drop,
    /// Nothing.
    Other,
}

/// Where in a leg a robot is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The station has no place for it yet: it waits on a holding node.
    Wait,
    /// It has a place at the station and drives there.
    Drive,
    /// It stands at the station; its action may not begin yet, because a job before it in the sequence isn't done.
    Stand,
    /// Its action runs.
    Act {
        /// The action's id.
        action_id: String,
    },
    /// A person must confirm.
    Confirm,
    /// It stands until this moment.
    Dwell {
        /// Until when.
        until: Time,
    },
}

/// Where in charging a robot is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChargePhase {
    /// On its way to the charger.
    Drive,
    /// `startCharging` runs.
    Start {
        /// The action's id.
        action_id: String,
    },
    /// Charging.
    Charge,
    /// `stopCharging` runs.
    Stop {
        /// The action's id.
        action_id: String,
    },
}

/// What the next step of a robot waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cause {
    /// The plan has no next step for it: it stays for now.
    Plan,
    /// Another robot holds the place or has to pass first.
    Robot(RobotId),
    /// The state that shows the last message.
    Answer,
    /// A device that isn't observed open.
    Device(DeviceId),
    /// An operator's stop of a zone.
    Zone(ZoneId),
}

impl Robot {
    /// A robot that has just joined; it holds nothing until it is seen on the layout.
    pub fn new(name: RobotName, robot_type: TypeId, now: Time) -> Robot {
        Robot {
            name,
            robot_type,
            connection: None,
            is_silent: false,
            mode: Mode::Automatic,
            is_faulted: false,
            is_off_path: false,
            hold: Hold::default(),
            is_driving: false,
            charge_permille: None,
            is_charging: false,
            trail: Trail::default(),
            stands: None,
            blocked: None,
            blocked_told_at: Time::default(),
            halted_since: None,
            is_halt_told: false,
            order: OrderState::default(),
            claims: VecDeque::new(),
            goal: None,
            goal_since: now,
            goal_ms: 0,
            task: Task::Idle,
            free_since: now,
            best_ms: u32::MAX,
            stuck_since: now,
            is_jammed: false,
            waits_for: None,
            load: None,
        }
    }

    /// It is there, drives by our orders, isn't paused and can go on: it may be sent an order.
    pub fn is_usable(&self) -> bool {
        self.can_go_on() && !self.hold.is_on() && !self.order.is_cancelled && !self.trail.steps.is_empty()
    }

    /// It is there, drives by our orders, is on its way and takes what it is told.
    pub fn can_go_on(&self) -> bool {
        self.connection == Some(Connection::Online)
            && !self.is_silent
            && self.mode.takes_orders()
            && !self.is_faulted
            && !self.is_off_path
            && self.stands.is_none()
            && !self.is_refusing()
    }

    /// It has refused one message too many: it is left alone for a while.
    pub fn is_refusing(&self) -> bool {
        self.order.refusals >= Self::REFUSALS_MAX
    }

    /// It may be moved by the planner: usable, and not held by work where it stands.
    pub fn is_movable(&self) -> bool {
        let works = match &self.task {
            Task::Idle => false,
            Task::Job { phase, .. } | Task::Return { phase, .. } => match phase {
                Phase::Wait | Phase::Drive => false,
                Phase::Stand | Phase::Act { .. } | Phase::Confirm | Phase::Dwell { .. } => true,
            },
            Task::Charge { phase } => *phase != ChargePhase::Drive,
        };
        self.is_usable() && !works && self.order.actions.is_empty()
    }

    /// It has reported the goal and holds nothing else.
    pub fn is_at_goal(&self) -> bool {
        self.goal.is_some_and(|goal| {
            self.trail.is_at_decision_point() && self.trail.last_node() == Some(goal.node)
        })
    }

    /// It is done with its task: nothing to do, nowhere to go.
    pub(crate) fn free_of_task(&mut self, now: Time) {
        self.task = Task::Idle;
        self.free_since = now;
        self.goal = None;
        self.order.starts = None;
    }

    /// Time must pass for it: it is on its way, works, or waits.
    pub fn is_busy(&self) -> bool {
        let waits = !matches!(self.task, Task::Idle | Task::Charge { phase: ChargePhase::Charge });
        !self.trail.steps.is_empty()
            && (waits
                || !self.claims.is_empty()
                || !self.trail.is_at_decision_point()
                || (self.goal.is_some() && !self.is_at_goal()))
    }

    /// Until when it stands, if its leg asks it to.
    pub(crate) fn dwells_until(&self) -> Option<Time> {
        match self.task {
            Task::Job { phase: Phase::Dwell { until }, .. }
            | Task::Return { phase: Phase::Dwell { until }, .. } => Some(until),
            Task::Idle | Task::Job { .. } | Task::Return { .. } | Task::Charge { .. } => None,
        }
    }

    /// The job it has, if any.
    pub fn job(&self) -> Option<&JobId> {
        match &self.task {
            Task::Job { job, .. } => Some(job),
            Task::Idle | Task::Return { .. } | Task::Charge { .. } => None,
        }
    }

    /// Refusals in a row after which a robot is left alone for a while.
    pub const REFUSALS_MAX: u32 = 5;
    /// For so long, ms.
    pub const REFUSAL_PAUSE_MS: u64 = 60_000;
}
