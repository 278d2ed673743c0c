//! The loop: one input in, its effects out.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_core::command::AlarmCode;
use drover_core::{Caller, Effect, Input, Notification, Seq, Site, Ticket, Verdict};
use drover_maps::Layout;
use tokio::sync::{mpsc, oneshot, watch};

use super::gauges::Gauges;
use super::journal::{Journal, Refused};
use super::{Clock, NOTIFICATIONS_MAX, RunError, STOP_MAX, story};
use crate::inbox::{Denied, Inbox, Request, Submission};
use crate::mqtt::Outgoing;
use crate::report::Observer;
use crate::telemetry::Health;
use crate::view::Maker;

/// Notifications waiting in the shell before admission slows.
const BACKLOG_MAX: usize = NOTIFICATIONS_MAX;
/// Inputs taken, at most, before a clock that is due is given its turn: a cycle that takes longer than the pause
/// between two cycles must not keep robots from being heard, nor the other way round.
const TURNS_PER_CLOCK_MAX: u32 = 512;
/// Who asks for the layout of the files at a start, in the audit.
const KEEPER: &str = "drover";
/// Name in [`Health`]: missing once the site is frozen.
const PART: &str = "mind";

/// Where effects go.
pub(super) struct Outlets {
    pub(super) journal: Journal,
    pub(super) mqtt: mpsc::Sender<Outgoing>,
    pub(super) notifications: mpsc::Sender<Notification>,
    pub(super) health: Health,
}

/// The site, and everything it is connected with.
pub(super) struct Shell {
    site: Site,
    clock: Clock,
    inbox: Inbox,
    outlets: Outlets,
    maker: Maker,
    observer: Option<Observer>,
    stop: watch::Receiver<bool>,
    /// The layout of the site's files, where it isn't the journal's.
    wanted: Option<Arc<Layout>>,
    answers: HashMap<Ticket, oneshot::Sender<Verdict>>,
    tickets: u64,
    backlog: VecDeque<Notification>,
    gauges: Gauges,
    committed: Seq,
    turns_since_clock: u32,
}

/// What the loop woke up for.
enum Turn {
    Input(Input),
    Question(crate::inbox::Question),
    Keep(Submission),
    Flush,
    Show,
    Refused(Refused),
    Stop,
}

impl Shell {
    pub(super) fn new(
        site: Site,
        clock: Clock,
        inbox: Inbox,
        outlets: Outlets,
        maker: Maker,
        observer: Option<Observer>,
        stop: watch::Receiver<bool>,
    ) -> Shell {
        let (gauges, committed) = (Gauges::new(site.fleet()), site.seq());
        Shell {
            site,
            clock,
            inbox,
            outlets,
            maker,
            observer,
            stop,
            wanted: None,
            answers: HashMap::new(),
            tickets: 0,
            backlog: VecDeque::new(),
            gauges,
            committed,
            turns_since_clock: 0,
        }
    }

    /// The site's files hold this layout, where it isn't the journal's.
    pub(super) fn wanting(self, wanted: Option<Arc<Layout>>) -> Shell {
        Shell { wanted, ..self }
    }

    /// Runs on the thread that calls it, until told to stop. A long step then blocks nobody's sockets.
    pub(super) fn run(mut self) -> Result<Journal, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.map_err(RunError::Thread)?.block_on(async {
            self.serve().await?;
            self.finish().await;
            Ok(self.outlets.journal)
        })
    }

    async fn serve(&mut self) -> Result<(), RunError> {
        // Whatever a restored site still has to say goes out at once.
        self.step(Input::Clock);
        if let Some(layout) = self.wanted.take() {
            let reason = "site.layout and its site.toml differ at the start".to_owned();
            let by = Caller { name: KEEPER.to_owned(), key: String::new(), reason };
            self.step(Input::Layout { ticket: None, layout, by });
        }
        loop {
            match self.next().await {
                Turn::Input(input) => self.step(input),
                Turn::Question(question) => question(self.site.fleet(), self.site.seq()),
                Turn::Keep(submission) => self.outlets.journal.keep(submission, self.site.seq()),
                Turn::Flush => self.flush(),
                Turn::Show => self.maker.make_if_due(self.clock.now(), &self.site),
                Turn::Refused(Refused::Fenced) => return Err(RunError::Fenced),
                Turn::Refused(Refused::Bug(text)) => return Err(RunError::Bug(text)),
                Turn::Stop => return Ok(()),
            }
        }
    }

    /// Waits for one input. What makes room comes first; the clock comes last, but is never put off for long.
    async fn next(&mut self) -> Turn {
        let overdue = self.site.next_timeout().is_some_and(|time| time <= self.clock.now());
        if overdue && self.turns_since_clock >= TURNS_PER_CLOCK_MAX {
            return Turn::Input(Input::Clock);
        }
        let admits = self.backlog.len() < BACKLOG_MAX;
        let alarm = self.site.next_timeout().map(|time| self.clock.until(time));
        let (clock, show) = (after(alarm), after(self.maker.due_in(&self.site)));
        let Shell { inbox, outlets, stop, backlog, .. } = self;
        let submission = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Turn::Stop,
            refused = outlets.journal.refused() => return Turn::Refused(refused),
            Some(seq_to) = inbox.committed.recv() => return Turn::Input(Input::Committed { seq_to }),
            Some(n) = inbox.confirmed.recv() => return Turn::Input(Input::EventConfirmed { n }),
            () = room(&outlets.notifications), if !backlog.is_empty() => return Turn::Flush,
            Some(question) = inbox.questions.recv() => return Turn::Question(question),
            Some(submission) = inbox.submissions.recv(), if admits => submission,
            Some(Denied { by, action, subject, code }) = inbox.denied.recv() => {
                return Turn::Input(Input::Denied { by, action, subject, code });
            }
            Some((name, message)) = inbox.devices.recv() => return Turn::Input(Input::Device { name, message }),
            Some((name, message)) = inbox.robots.recv() => return Turn::Input(Input::Robot { name, message }),
            () = show => return Turn::Show,
            () = clock => return Turn::Input(Input::Clock),
        };
        // Before the first record on a layout its source is kept.
        if matches!(submission.request, Request::Layout { source: Some(_), .. }) {
            return Turn::Keep(submission);
        }
        Turn::Input(self.admit(submission))
    }

    fn admit(&mut self, submission: Submission) -> Input {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.answers.insert(ticket, submission.answer);
        match submission.request {
            Request::Job { request, by } => Input::Job { ticket: Some(ticket), request, by },
            Request::ShortPick { job, short, by } => {
                Input::ShortPick { ticket: Some(ticket), job, short, by }
            }
            Request::Confirm { job, leg, by } => Input::Confirm { ticket: Some(ticket), job, leg, by },
            Request::Wish { wish, by } => Input::Wish { ticket: Some(ticket), wish, by },
            Request::Layout { layout, by, source: _ } => Input::Layout { ticket: Some(ticket), layout, by },
        }
    }

    fn step(&mut self, input: Input) {
        self.turns_since_clock = if matches!(input, Input::Clock) { 0 } else { self.turns_since_clock + 1 };
        if let Input::Committed { seq_to } = &input {
            self.committed = *seq_to;
        }
        let now = self.clock.now();
        let started = Instant::now();
        self.note(&input);
        let mut effects = Vec::new();
        self.site.receive(now, input, &mut effects);
        self.gauges.stepped(started.elapsed(), self.site.fleet());
        if let Some(observer) = &mut self.observer {
            observer.observe(now, &effects, self.site.fleet());
        }
        if self.gauges.is_due() {
            self.gauges.read(self.site.fleet(), self.site.seq(), self.committed);
        }
        for effect in effects {
            self.carry_out(effect);
        }
        self.maker.make_if_due(now, &self.site);
    }

    /// What the picture must know of an input before it is stepped.
    fn note(&mut self, input: &Input) {
        match input {
            Input::Committed { seq_to } => self.maker.note_committed(*seq_to),
            Input::Robot { .. } | Input::Device { .. } => self.maker.note_change(),
            Input::Clock
            | Input::Job { .. }
            | Input::Confirm { .. }
            | Input::ShortPick { .. }
            | Input::Wish { .. }
            | Input::Layout { .. }
            | Input::Denied { .. }
            | Input::Fenced
            | Input::EventConfirmed { .. } => {}
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Append(record) => {
                story::tell(&record, self.site.fleet());
                self.maker.note_record(&record, self.site.fleet());
                self.outlets.journal.append(record);
            }
            Effect::Answer { ticket, verdict } => {
                if let Some(answer) = self.answers.remove(&ticket) {
                    // The asker may have gone away meanwhile; the job stands.
                    let _ = answer.send(verdict);
                }
            }
            Effect::Send { name, message } => self.send(Outgoing::Robot(name, message)),
            Effect::SendDevice { name, request } => self.send(Outgoing::Device(name, request)),
            Effect::Notify(notification) => {
                self.maker.note_news(&notification);
                self.backlog.push_back(*notification);
                self.flush();
            }
            Effect::Alarm(alarm) => {
                if alarm.code == AlarmCode::Frozen {
                    self.outlets.health.down(PART, alarm.text.clone());
                }
                story::alarm(&alarm, self.site.fleet());
                self.maker.note_alarm(self.clock.now(), &alarm, self.site.fleet());
            }
            Effect::Snapshot { seq, bytes } => self.outlets.journal.snapshot(seq, bytes),
        }
    }

    fn send(&self, message: Outgoing) {
        if self.outlets.mqtt.try_send(message).is_err() {
            metrics::counter!("drover_publish_dropped_total", "kind" => "queue").increment(1);
        }
    }

    /// Notifications leave in order of n; what finds no room waits here.
    fn flush(&mut self) {
        while let Some(notification) = self.backlog.pop_front() {
            match self.outlets.notifications.try_send(notification) {
                Ok(()) => {}
                Err(
                    mpsc::error::TrySendError::Full(notification)
                    | mpsc::error::TrySendError::Closed(notification),
                ) => {
                    self.backlog.push_front(notification);
                    return;
                }
            }
        }
    }

    /// A graceful stop: what is in flight becomes durable, then the state is stored whole.
    async fn finish(&mut self) {
        let deadline = Instant::now() + STOP_MAX;
        while !self.site.is_idle() && Instant::now() < deadline {
            let wait = tokio::time::timeout(Duration::from_millis(100), self.inbox.committed.recv());
            match wait.await {
                Ok(Some(seq_to)) => self.step(Input::Committed { seq_to }),
                Ok(None) => break,
                Err(_) => {}
            }
        }
        if let Some((seq, bytes)) = self.site.snapshot() {
            tracing::info!(seq = seq.0, bytes = bytes.len(), "stopping: last snapshot");
            self.outlets.journal.last_snapshot(seq, bytes).await;
        }
    }
}

/// Resolves after this pause; never without one.
async fn after(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

async fn room(notifications: &mpsc::Sender<Notification>) {
    // A closed channel never has room: the events task is gone only at the end of the process.
    if notifications.reserve().await.is_err() {
        std::future::pending::<()>().await;
    }
}
