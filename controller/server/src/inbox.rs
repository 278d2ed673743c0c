//! The doors into the shell: one bounded channel per kind of input, each with a named limit.
//!
//! Jobs and confirmations come with a way to answer; the answer is given after the commit. A dropped answer means
//! that the process is ending: the asker must not acknowledge anything.

use std::sync::Arc;

use drover_core::job::{JobRequest, Short};
use drover_core::{Caller, DeviceMessage, Fleet, JobId, RobotMessage, RobotName, Seq, Verdict, Wish};
use drover_maps::Layout;
use tokio::sync::{mpsc, oneshot};

use crate::store::LayoutSource;

/// Jobs waiting to be stepped, at most.
pub const SUBMISSIONS_MAX: usize = 256;
/// Robot messages waiting to be stepped, at most.
pub const ROBOT_MESSAGES_MAX: usize = 8_192;
/// Device messages waiting to be stepped, at most.
pub const DEVICE_MESSAGES_MAX: usize = 1_024;
/// Denied requests waiting to be written down, at most; beyond it they are counted only.
pub const DENIED_MAX: usize = 64;
/// Questions of screens and programs waiting, at most.
pub const QUESTIONS_MAX: usize = 64;
/// Confirmations of the events broker waiting, at most.
pub const CONFIRMED_MAX: usize = 1_024;

/// What is asked of the fleet with an answer awaited.
#[derive(Debug)]
pub enum Request {
    /// A job, a cancellation or an update.
    Job {
        /// What.
        request: JobRequest,
        /// Who asks; none = the queue.
        by: Option<Caller>,
    },
    /// A person at the station confirms the present leg.
    Confirm {
        /// The job.
        job: JobId,
        /// The leg's index.
        leg: usize,
        /// Who.
        by: Caller,
    },
    /// A person at the station says that less was there than ordered.
    ShortPick {
        /// The job.
        job: JobId,
        /// How much less, and where.
        short: Short,
        /// Who.
        by: Caller,
    },
    /// An operator wants something of the floor.
    Wish {
        /// What.
        wish: Wish,
        /// Who.
        by: Caller,
    },
    /// The site's files hold this layout: it is to be used.
    Layout {
        /// Which.
        layout: Arc<Layout>,
        /// What it is compiled from, to be kept first; none = it is kept.
        source: Option<Box<LayoutSource>>,
        /// Who.
        by: Caller,
    },
}

/// A request that was turned away at the door: written down, not answered.
#[derive(Clone, Debug)]
pub struct Denied {
    /// Who asked.
    pub by: Caller,
    /// What for, e.g. `zone.stop`.
    pub action: String,
    /// What it was to be done to.
    pub subject: String,
    /// Why not, as a stable code.
    pub code: String,
}

/// A request, and where its verdict goes after the commit.
#[derive(Debug)]
pub struct Submission {
    /// What is asked.
    pub request: Request,
    /// Where the verdict goes.
    pub answer: oneshot::Sender<Verdict>,
}

impl Submission {
    /// A job request from the queue, and the future of its verdict.
    pub fn job(request: JobRequest) -> (Submission, oneshot::Receiver<Verdict>) {
        let (answer, verdict) = oneshot::channel();
        (Submission { request: Request::Job { request, by: None }, answer }, verdict)
    }
}

/// Something asked of the present state, between two steps. It must be quick: the fleet waits for it.
pub type Question = Box<dyn FnOnce(&Fleet, Seq) + Send>;

/// A message of a robot, parsed.
pub type FromRobot = (RobotName, RobotMessage);

/// A message of a site device, parsed, with the device's id.
pub type FromDevice = (String, DeviceMessage);

/// The sending ends.
#[derive(Clone, Debug)]
pub struct Doors {
    /// Jobs, cancellations, updates, confirmations: in queue order.
    pub submissions: mpsc::Sender<Submission>,
    /// What robots say.
    pub robots: mpsc::Sender<FromRobot>,
    /// What site devices say.
    pub devices: mpsc::Sender<FromDevice>,
    /// What was turned away.
    pub denied: mpsc::Sender<Denied>,
    /// What people and programs want to know.
    pub questions: mpsc::Sender<Question>,
    /// The append in flight is durable up to here.
    pub committed: mpsc::Sender<Seq>,
    /// The events broker has confirmed up to here.
    pub confirmed: mpsc::Sender<u64>,
}

/// The receiving ends.
#[derive(Debug)]
pub struct Inbox {
    pub(crate) submissions: mpsc::Receiver<Submission>,
    pub(crate) robots: mpsc::Receiver<FromRobot>,
    pub(crate) devices: mpsc::Receiver<FromDevice>,
    pub(crate) denied: mpsc::Receiver<Denied>,
    pub(crate) questions: mpsc::Receiver<Question>,
    pub(crate) committed: mpsc::Receiver<Seq>,
    pub(crate) confirmed: mpsc::Receiver<u64>,
}

/// All channels, both ends.
pub fn open() -> (Doors, Inbox) {
    let (submissions, submissions_rx) = mpsc::channel(SUBMISSIONS_MAX);
    let (robots, robots_rx) = mpsc::channel(ROBOT_MESSAGES_MAX);
    let (devices, devices_rx) = mpsc::channel(DEVICE_MESSAGES_MAX);
    let (denied, denied_rx) = mpsc::channel(DENIED_MAX);
    let (questions, questions_rx) = mpsc::channel(QUESTIONS_MAX);
    let (committed, committed_rx) = mpsc::channel(1);
    let (confirmed, confirmed_rx) = mpsc::channel(CONFIRMED_MAX);
    let doors = Doors { submissions, robots, devices, denied, questions, committed, confirmed };
    let inbox = Inbox {
        submissions: submissions_rx,
        robots: robots_rx,
        devices: devices_rx,
        denied: denied_rx,
        questions: questions_rx,
        committed: committed_rx,
        confirmed: confirmed_rx,
    };
    (doors, inbox)
}

impl Doors {
    /// Asks the present state, and waits for the answer; none when the process is ending.
    pub async fn ask<T, F>(&self, question: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce(&Fleet, Seq) -> T + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let boxed: Question = Box::new(move |fleet, seq| {
            // The asker may have gone away meanwhile.
            let _ = reply.send(question(fleet, seq));
        });
        self.questions.send(boxed).await.ok()?;
        answer.await.ok()
    }

    /// Hands in a request, and waits for its verdict after the commit; none when the process is ending.
    pub async fn submit(&self, request: Request) -> Option<Verdict> {
        let (answer, verdict) = oneshot::channel();
        self.submissions.send(Submission { request, answer }).await.ok()?;
        verdict.await.ok()
    }
}
