//! All a fleet can ask of the world. A command leaves the process only after the event that caused it is in the journal.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::device::Level;
use crate::id::{DeviceId, JobId, RobotId};
use crate::job::{Risk, Short};
use crate::release::Order;

/// One output of `Fleet::step`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// The event is refused; the customer is told why.
    Reject(Rejection),
    /// The job was seen before, with the same body: acknowledged and ignored.
    Ignore {
        /// The job.
        job: JobId,
    },
    /// This robot does this job.
    Assign {
        /// The job.
        job: JobId,
        /// The robot.
        robot: RobotId,
    },
    /// This robot may go this far.
    Release {
        /// The robot.
        robot: RobotId,
        /// The message, whole.
        order: Box<Order>,
    },
    /// This robot must stand where it is, or may go on.
    Pause {
        /// The robot.
        robot: RobotId,
        /// True = stand.
        stand: bool,
    },
    /// This robot must give up its order where it is: VDA 5050 `cancelOrder`.
    Cancel {
        /// The robot.
        robot: RobotId,
    },
    /// This device shall be so.
    Device {
        /// The device.
        device: DeviceId,
        /// What is wanted of it now.
        want: Level,
    },
    /// From here on, ids are those of this layout: it is in use.
    Layout {
        /// Its fingerprint.
        fingerprint: u64,
    },
    /// An operator's wish is refused.
    Refuse {
        /// Why, as a stable code.
        code: RejectCode,
        /// Why, in words: the key, the value and the mend.
        reason: String,
    },
    /// Tell the customer.
    Notify(Box<Notification>),
    /// Tell the operator.
    Alarm(Alarm),
}

/// An answer to a bad request: theirs to mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The job concerned.
    pub job: JobId,
    /// Why, as a stable code.
    pub code: RejectCode,
    /// Why, in words: the key, the value and the mend.
    pub reason: String,
}

/// Why a request is refused. Codes are promises: seen in dead-letter headers, in gRPC and in the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RejectCode {
    /// The same id came before with another body.
    JobIdReused,
    /// No such station on the layout.
    UnknownStation,
    /// No robot type can reach the station, or leave it.
    UnreachableStation,
    /// No robot type has what the job requires.
    NoCapableRobot,
    /// The job has no legs.
    NoLegs,
    /// No such job.
    UnknownJob,
    /// The job has ended: too late for this.
    TooLate,
    /// The leg isn't one that waits for a person now.
    NotAwaited,
    /// No such robot.
    UnknownRobot,
    /// No such zone.
    UnknownZone,
    /// No such edge.
    UnknownEdge,
    /// The robot can be driven: it can't be taken off the floor by word.
    RobotActive,
    /// The new layout doesn't fit what is under way.
    LayoutUnfit,
    /// The robot has nothing aboard.
    NotLoaded,
}

impl RejectCode {
    /// All of them.
    pub const ALL: [RejectCode; 10] = [
        RejectCode::JobIdReused,
        RejectCode::UnknownStation,
        RejectCode::UnreachableStation,
        RejectCode::NoCapableRobot,
        RejectCode::NoLegs,
        RejectCode::UnknownJob,
        RejectCode::TooLate,
        RejectCode::NotAwaited,
        RejectCode::UnknownRobot,
        RejectCode::UnknownZone,
    ];

    /// The stable code of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            RejectCode::JobIdReused => "JOB_ID_REUSED",
            RejectCode::UnknownStation => "UNKNOWN_STATION",
            RejectCode::UnreachableStation => "UNREACHABLE_STATION",
            RejectCode::NoCapableRobot => "NO_CAPABLE_ROBOT",
            RejectCode::NoLegs => "NO_LEGS",
            RejectCode::UnknownJob => "UNKNOWN_JOB",
            RejectCode::TooLate => "TOO_LATE",
            RejectCode::NotAwaited => "NOT_AWAITED",
            RejectCode::UnknownRobot => "UNKNOWN_ROBOT",
            RejectCode::UnknownZone => "UNKNOWN_ZONE",
            RejectCode::UnknownEdge => "UNKNOWN_EDGE",
            RejectCode::RobotActive => "ROBOT_ACTIVE",
            RejectCode::LayoutUnfit => "LAYOUT_UNFIT",
            RejectCode::NotLoaded => "NOT_LOADED",
        }
    }
}

/// A numbered message about a job; n rises by one, without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its number.
    pub n: u64,
    /// When it happened.
    pub at: Time,
    /// The job.
    pub job: JobId,
    /// The customer's order.
    pub order_id: Option<String>,
    /// What happened.
    pub what: JobNews,
    /// The robot that has, or had, the job: `manufacturer/serial`.
    pub robot: Option<String>,
    /// The job's unknown fields, as a JSON object's text; empty when there are none.
    pub extra: String,
    /// Why it has this robot, in one line; only with `Assigned`, by a policy that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What can happen to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobNews {
    /// Taken over; from here on it is never lost.
    Accepted,
    /// Has a robot.
    Assigned,
    /// The robot shows its first order.
    Started,
    /// A leg is done.
    LegDone {
        /// The leg's index.
        leg: usize,
        /// What was short there.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        short: Vec<Short>,
    },
    /// Can't go on without a person.
    Blocked {
        /// What is in the way.
        reason: String,
    },
    /// Expected to be done after its cut-off, which hasn't passed yet.
    AtRisk {
        /// When it is expected to be done; none = nobody knows.
        eta: Option<Time>,
        /// Its cut-off.
        due_at: Time,
        /// Why.
        cause: Risk,
    },
    /// All legs done.
    Done,
    /// Ended without being done.
    Failed {
        /// Why, as a stable code.
        code: String,
        /// Why, in words.
        reason: String,
    },
    /// Taken back.
    Cancelled,
}

/// Something an operator must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// A stable code.
    pub code: AlarmCode,
    /// The robot concerned.
    pub robot: Option<RobotId>,
    /// The device concerned.
    #[serde(default)]
    pub device: Option<DeviceId>,
    /// What happened and what to do.
    pub text: String,
}

/// What kind of alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AlarmCode {
    /// A robot refuses our orders again and again.
    OrderRefused,
    /// A robot stands where another's reservation is.
    PlaceContested,
    /// A robot isn't where its order says.
    OffItsPath,
    /// A robot's action failed.
    ActionFailed,
    /// A robot can't go on by itself.
    RobotFaulted,
    /// A robot is gone from the broker, or silent.
    RobotLost,
    /// A robot that nobody listed may not join.
    RobotRefused,
    /// A robot has made no progress for long: who stands in whose way.
    Jammed,
    /// The planner gave a plan that doesn't hold: refused.
    PlanRefused,
    /// A device was asked to open and doesn't show that it is.
    DeviceStuck,
    /// A device is in fault, or nobody answers for it.
    DeviceLost,
    /// A device that was stuck or lost does its work again.
    DeviceBack,
    /// A robot says it was somewhere before it can have been.
    Implausible,
    /// A load whose job has failed is still aboard.
    LoadAboard,
    /// What becomes of a load whose job has ended with it aboard.
    LoadReturn,
    /// A job has been on one leg for too long.
    LegOverdue,
    /// A robot that has begun a job can't go on with it.
    JobHalted,
    /// No open way leads to a station that jobs go to.
    StationUnreachable,
    /// A robot says that its way is blocked: the others go round.
    EdgeBlocked,
    /// An edge that was closed is open again, without an operator's word.
    EdgeOpen,
    /// The journal holds a record that can't be stepped: nothing is decided any more.
    Frozen,
    /// A robot's factsheet requires something of orders that isn't written.
    RobotRequires,
    /// A robot was told to stand and drives on.
    PauseUnheeded,
    /// A new layout waits until nothing is reserved where it differs.
    LayoutPending,
    /// A new layout is in use.
    LayoutChanged,
    /// The layout of the site's files doesn't fit what is under way.
    LayoutRefused,
}

impl AlarmCode {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            AlarmCode::OrderRefused => "ORDER_REFUSED",
            AlarmCode::PlaceContested => "PLACE_CONTESTED",
            AlarmCode::OffItsPath => "OFF_ITS_PATH",
            AlarmCode::ActionFailed => "ACTION_FAILED",
            AlarmCode::RobotFaulted => "ROBOT_FAULTED",
            AlarmCode::RobotLost => "ROBOT_LOST",
            AlarmCode::RobotRefused => "ROBOT_REFUSED",
            AlarmCode::Jammed => "JAMMED",
            AlarmCode::PlanRefused => "PLAN_REFUSED",
            AlarmCode::DeviceStuck => "DEVICE_STUCK",
            AlarmCode::DeviceLost => "DEVICE_LOST",
            AlarmCode::DeviceBack => "DEVICE_BACK",
            AlarmCode::Implausible => "IMPLAUSIBLE",
            AlarmCode::LoadAboard => "LOAD_ABOARD",
            AlarmCode::LoadReturn => "LOAD_RETURN",
            AlarmCode::LegOverdue => "LEG_OVERDUE",
            AlarmCode::JobHalted => "JOB_HALTED",
            AlarmCode::StationUnreachable => "STATION_UNREACHABLE",
            AlarmCode::EdgeBlocked => "EDGE_BLOCKED",
            AlarmCode::EdgeOpen => "EDGE_OPEN",
            AlarmCode::Frozen => "FROZEN",
            AlarmCode::RobotRequires => "ROBOT_REQUIRES",
            AlarmCode::PauseUnheeded => "PAUSE_UNHEEDED",
            AlarmCode::LayoutPending => "LAYOUT_PENDING",
            AlarmCode::LayoutChanged => "LAYOUT_CHANGED",
            AlarmCode::LayoutRefused => "LAYOUT_REFUSED",
        }
    }
}
