//! All that can happen to a fleet. Every event is journalled before anything it caused leaves the process.

use serde::{Deserialize, Serialize};

use drover_maps::{EdgeId, NodeId, TypeId};

use crate::audit::AuditEntry;
use crate::clock::Time;
use crate::config::Config;
use crate::device::Observed;
use crate::id::{DeviceId, JobId, RobotId, RobotName};
use crate::job::{JobSpec, Short};
use crate::operator::Wish;

/// One input of `Fleet::step`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Time has passed: what `next_timeout` asked for.
    Tick,
    /// The site's options from here on: the first event of a journal, and whenever they changed.
    Configured(Box<Config>),
    /// A job came in, in queue order.
    JobSubmitted(Box<JobSpec>),
    /// The customer takes a job back.
    JobCancelled {
        /// The job.
        job: JobId,
    },
    /// The customer changes a job.
    JobUpdated {
        /// The job.
        job: JobId,
        /// The new cut-off, if it changes.
        due_at: Option<Time>,
        /// The new priority, if it changes.
        priority: Option<u8>,
    },
    /// A person at the station confirmed the present leg of a job.
    LegConfirmed {
        /// The job.
        job: JobId,
        /// The leg's index.
        leg: usize,
        /// Who confirmed.
        by: String,
    },
    /// A person at the station says that less was there than ordered.
    LegShort {
        /// The job.
        job: JobId,
        /// How much less, and where.
        short: Short,
        /// Who says so.
        by: String,
    },
    /// A robot joins the fleet.
    RobotEnrolled {
        /// Its name on the wire.
        name: RobotName,
        /// Its type.
        robot_type: TypeId,
    },
    /// Proven news of a robot.
    Robot {
        /// Who.
        robot: RobotId,
        /// What.
        fact: Fact,
    },
    /// Proven news of a site device.
    Device {
        /// Which.
        device: DeviceId,
        /// What.
        fact: DeviceFact,
    },
    /// An operator wants something of the floor.
    Wished {
        /// Who.
        by: String,
        /// What.
        wish: Box<Wish>,
    },
    /// Somebody asked for a change, and was answered so.
    Audited(Box<AuditEntry>),
    /// Robots that nobody listed are on the broker and haven't said where they stand; or none is left.
    StrangersExpected(bool),
    /// The broker has confirmed every notification up to and including `n`.
    Confirmed {
        /// The highest confirmed number.
        n: u64,
    },
}

impl Event {
    /// What kind of event it is, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Tick => "Tick",
            Event::Configured(_) => "Configured",
            Event::JobSubmitted(_) => "JobSubmitted",
            Event::JobCancelled { .. } => "JobCancelled",
            Event::JobUpdated { .. } => "JobUpdated",
            Event::LegConfirmed { .. } => "LegConfirmed",
            Event::LegShort { .. } => "LegShort",
            Event::RobotEnrolled { .. } => "RobotEnrolled",
            Event::Robot { .. } => "Robot",
            Event::Device { .. } => "Device",
            Event::Wished { .. } => "Wished",
            Event::Audited(_) => "Audited",
            Event::StrangersExpected(_) => "StrangersExpected",
            Event::Confirmed { .. } => "Confirmed",
        }
    }
}

/// Proven news of one robot, as its link read it from the robot's own messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// It stands at a node and has no order of ours: first sight, or after it lost its order.
    Located {
        /// Where.
        node: NodeId,
    },
    /// Its state shows our present order, at this update.
    OrderSeen {
        /// The update it shows.
        update_id: u32,
    },
    /// It has passed the node with this sequenceId of the present order, tail clear.
    Passed {
        /// VDA 5050 `lastNodeSequenceId`.
        sequence_id: u32,
    },
    /// It refused the message with these ids.
    Rejected {
        /// The order's id.
        order_id: String,
        /// The update's id.
        update_id: u32,
        /// VDA 5050 `errorType` and description.
        reason: String,
    },
    /// An action of ours changed its status.
    Action {
        /// The action's id.
        action_id: String,
        /// Its new status.
        status: ActionStatus,
    },
    /// It began to move, or stopped.
    Driving(bool),
    /// Its battery changed.
    Battery {
        /// State of charge, in per mille.
        charge_permille: u16,
        /// It is charging.
        charging: bool,
    },
    /// Who drives it changed.
    Mode(Mode),
    /// It can no longer go on by itself, or can again.
    Faulted(bool),
    /// The broker says whether it is there.
    Connection(Connection),
    /// No state for too long, or states again.
    Silent(bool),
    /// It stands because it was told to pause, by us or at its panel; or no longer.
    Paused(bool),
    /// It isn't on the way it was given: these places are what it overlaps by its own word. No places = it is back;
    /// the same ones again = it has answered that it is so.
    Strayed {
        /// Nodes it overlaps.
        nodes: Vec<NodeId>,
        /// Edges it overlaps.
        edges: Vec<EdgeId>,
    },
    /// What it says it has aboard, by name; none = nothing.
    Load(Option<String>),
    /// It stands because something is in its way; or no longer.
    Blocked {
        /// The edge of its own way.
        edge: Option<EdgeId>,
    },
}

/// Proven news of one site device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceFact {
    /// It shows something else than before.
    Shows {
        /// What.
        observed: Observed,
        /// Why, in words, when it can't go on.
        reason: Option<String>,
    },
    /// Somebody answers for it, or no longer.
    Online(bool),
    /// No state for too long, or states again.
    Silent(bool),
}

/// VDA 5050 `actionStatus`, as far as it decides something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ActionStatus {
    /// Not begun.
    Waiting,
    /// Begun.
    Running,
    /// Ended well.
    Finished,
    /// Ended badly.
    Failed,
}

/// VDA 5050 `operatingMode`, as far as it decides something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// We drive it.
    Automatic,
    /// It drives by itself, speed by a person: still ours.
    Semiautomatic,
    /// A person drives it.
    Manual,
    /// Out of our control: service, teach-in or a mode we don't know.
    OutOfControl,
}

impl Mode {
    /// Orders may be sent in this mode (ModeRespect).
    pub fn takes_orders(self) -> bool {
        match self {
            Mode::Automatic | Mode::Semiautomatic => true,
            Mode::Manual | Mode::OutOfControl => false,
        }
    }
}

/// VDA 5050 `connectionState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// There.
    Online,
    /// Left in good order.
    Offline,
    /// Gone without a word.
    Broken,
}
