//! What the shell hands to a site, and what the site asks of the shell: no decisions, only words.

use std::sync::Arc;

use drover_maps::Layout;
use drover_proto::vda5050;

use super::ToRobot;
use crate::audit::Caller;
use crate::command::{Alarm, Command, Notification};
use crate::id::{JobId, RobotName, Seq};
use crate::job::{JobRequest, Short};
use crate::operator::Wish;
use crate::record::Record;

/// Shell's handle for something that awaits an answer: a delivery, a call, a line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// One thing the shell hands in.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time has passed.
    Clock,
    /// A request about a job, in queue order.
    Job {
        /// Who awaits the answer, if anybody.
        ticket: Option<Ticket>,
        /// What is asked.
        request: JobRequest,
        /// Who asks; none = the queue.
        by: Option<Caller>,
    },
    /// A person at a station confirms a leg.
    Confirm {
        /// Who awaits the answer, if anybody.
        ticket: Option<Ticket>,
        /// The job.
        job: JobId,
        /// The leg's index.
        leg: usize,
        /// Who confirms.
        by: Caller,
    },
    /// A person at the station says that less was there than ordered.
    ShortPick {
        /// Who awaits the answer, if anybody.
        ticket: Option<Ticket>,
        /// The job.
        job: JobId,
        /// How much less, and where.
        short: Short,
        /// Who says so.
        by: Caller,
    },
    /// An operator wants something of the floor.
    Wish {
        /// Who awaits the answer, if anybody.
        ticket: Option<Ticket>,
        /// What.
        wish: Wish,
        /// Who.
        by: Caller,
    },
    /// The site's files hold this layout, and somebody, or the start, says so: it is to be used.
    Layout {
        /// Who awaits the answer, if anybody.
        ticket: Option<Ticket>,
        /// Which; its source is kept with the journal.
        layout: Arc<Layout>,
        /// Who.
        by: Caller,
    },
    /// A request was turned away before it came here: it is only written down.
    Denied {
        /// Who asked.
        by: Caller,
        /// What for, e.g. `zone.stop`.
        action: String,
        /// What it was to be done to.
        subject: String,
        /// Why not, as a stable code.
        code: String,
    },
    /// A site device's message.
    Device {
        /// Whose, by its id in `site.toml`.
        name: String,
        /// Which.
        message: DeviceMessage,
    },
    /// A robot's message.
    Robot {
        /// Whose.
        name: RobotName,
        /// Which.
        message: RobotMessage,
    },
    /// The append in flight is durable up to here.
    Committed {
        /// Its last event.
        seq_to: Seq,
    },
    /// The append in flight was refused: another epoch leads. This site is over.
    Fenced,
    /// The events broker has confirmed this notification and all before it.
    EventConfirmed {
        /// Its number.
        n: u64,
    },
}

/// A message of a robot, parsed.
#[derive(Clone, Debug)]
pub enum RobotMessage {
    /// Topic `state`.
    State(Box<vda5050::State>),
    /// Topic `connection`.
    Connection(vda5050::Connection),
    /// Topic `factsheet`.
    Factsheet(Box<vda5050::Factsheet>),
}

/// A message of a site device, parsed.
#[derive(Clone, Debug)]
pub enum DeviceMessage {
    /// Topic `state`.
    State(drover_proto::device::DeviceState),
    /// Topic `connection`.
    Connection(drover_proto::device::DeviceConnection),
}

/// One thing the shell must do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Append to the journal, then say `Input::Committed`; tried again until it is durable. One is in flight at a time.
    Append(Box<Record>),
    /// Answer a request.
    Answer {
        /// Whose.
        ticket: Ticket,
        /// With what.
        verdict: Verdict,
    },
    /// Publish to a robot.
    Send {
        /// Which.
        name: RobotName,
        /// What.
        message: ToRobot,
    },
    /// Publish to a device: a level, QoS 0, not retained.
    SendDevice {
        /// Which, by its id in `site.toml`.
        name: String,
        /// What.
        request: drover_proto::device::DeviceRequest,
    },
    /// Publish to the customer, in order of n, then say `Input::EventConfirmed`.
    Notify(Box<Notification>),
    /// Tell the operator.
    Alarm(Alarm),
    /// Store a snapshot, in the background.
    Snapshot {
        /// The last event in it.
        seq: Seq,
        /// The snapshot.
        bytes: Vec<u8>,
    },
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken over: it is in the journal.
    Accepted,
    /// Seen before with the same body.
    Ignored,
    /// Refused.
    Rejected {
        /// Why, as a stable code.
        code: &'static str,
        /// Why, in words.
        reason: String,
    },
}

/// What these commands answer to the request that caused them.
pub(super) fn verdict(commands: &[Command]) -> Verdict {
    let answers = commands.iter().find_map(|command| match command {
        Command::Reject(rejection) => {
            Some(Verdict::Rejected { code: rejection.code.as_str(), reason: rejection.reason.clone() })
        }
        Command::Refuse { code, reason } => {
            Some(Verdict::Rejected { code: code.as_str(), reason: reason.clone() })
        }
        Command::Ignore { .. } => Some(Verdict::Ignored),
        Command::Assign { .. }
        | Command::Release { .. }
        | Command::Pause { .. }
        | Command::Cancel { .. }
        | Command::Device { .. }
        | Command::Layout { .. }
        | Command::Notify(_)
        | Command::Alarm(_) => None,
    });
    answers.unwrap_or(Verdict::Accepted)
}
