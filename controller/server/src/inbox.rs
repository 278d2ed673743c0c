//! The doors into the shell: one bounded channel per kind of input, each with a named limit.
//!
//! Jobs and confirmations come with a way to answer; the answer is given after the commit. A dropped answer means
//! that the process is ending: the asker must not acknowledge anything.

use drover_core::job::JobRequest;
use drover_core::{Fleet, JobId, RobotMessage, RobotName, Seq, Verdict};
use tokio::sync::{mpsc, oneshot};

/// Jobs waiting to be stepped, at most.
pub const SUBMISSIONS_MAX: usize = 256;
/// Robot messages waiting to be stepped, at most.
pub const ROBOT_MESSAGES_MAX: usize = 8_192;
/// Questions of screens and programs waiting, at most.
pub const QUESTIONS_MAX: usize = 64;
/// Confirmations of the events broker waiting, at most.
pub const CONFIRMED_MAX: usize = 1_024;

/// What is asked of the fleet with an answer awaited.
#[derive(Debug)]
pub enum Request {
    /// A job, a cancellation or an update.
    Job(JobRequest),
    /// A person at the station confirms the present leg.
    Confirm {
        /// The job.
        job: JobId,
        /// The leg's index.
        leg: usize,
        /// Who.
        by: String,
    },
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
    /// A job request, and the future of its verdict.
    pub fn job(request: JobRequest) -> (Submission, oneshot::Receiver<Verdict>) {
        let (answer, verdict) = oneshot::channel();
        (Submission { request: Request::Job(request), answer }, verdict)
    }
}

/// Something asked of the present state, between two steps. It must be quick: the fleet waits for it.
pub type Question = Box<dyn FnOnce(&Fleet, Seq) + Send>;

/// A message of a robot, parsed.
pub type FromRobot = (RobotName, RobotMessage);

/// The sending ends.
#[derive(Clone, Debug)]
pub struct Doors {
    /// Jobs, cancellations, updates, confirmations: in queue order.
    pub submissions: mpsc::Sender<Submission>,
    /// What robots say.
    pub robots: mpsc::Sender<FromRobot>,
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
    pub(crate) questions: mpsc::Receiver<Question>,
    pub(crate) committed: mpsc::Receiver<Seq>,
    pub(crate) confirmed: mpsc::Receiver<u64>,
}

/// All channels, both ends.
pub fn open() -> (Doors, Inbox) {
    let (submissions, submissions_rx) = mpsc::channel(SUBMISSIONS_MAX);
    let (robots, robots_rx) = mpsc::channel(ROBOT_MESSAGES_MAX);
    let (questions, questions_rx) = mpsc::channel(QUESTIONS_MAX);
    let (committed, committed_rx) = mpsc::channel(1);
    let (confirmed, confirmed_rx) = mpsc::channel(CONFIRMED_MAX);
    let doors = Doors { submissions, robots, questions, committed, confirmed };
    let inbox = Inbox {
        submissions: submissions_rx,
        robots: robots_rx,
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
