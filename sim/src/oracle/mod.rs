//! The judge. It sees only three things: the journal's records, the messages on the wire, and where the robots truly
//! are. It shares no code with the controller's own checks, so that one mistake can't hide in both.
//!
//! ```text
//!   records ─► OnceOnly, Fifo, Replay, OneWriter      orders ─► BasePrefix, Evidence, OnceOnly, Fifo
//!   states  ─► Evidence (what was reported left)      poses  ─► Exclusive, Covered, Observed
//!   devices ─► Observed (what was heard open)
//! ```
//!
//! Each rule is one file and answers with breaches; this file names the robots and tells the story.

mod base;
mod covered;
mod doors;
mod exclusive;
mod fifo;
mod hearing;
mod modes;
mod once;
mod prefix;
mod replay;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use drover_core::job::{Job, JobSpec};
use drover_core::record::DecodeError;
use drover_core::{
    Command, Digest, Epoch, Event, JobId, JobNews, Notification, Record, RobotId, RobotName, Seq, Time,
};
use drover_maps::{Layout, NodeId};
use drover_proto::device::DeviceState;
use drover_proto::vda5050::{InstantActions, Order, State};

use crate::geometry::Outline;
use crate::story::{Happened, Story, clock};

/// All invariants judged here, for reports that list what held.
pub const INVARIANTS: [&str; 14] = [
    "Exclusive",
    "Covered",
    "Evidence",
    "Acyclic",
    "BasePrefix",
    "OnceOnly",
    "Fifo",
    "Conserved",
    "ModeRespect",
    "Observed",
    "OneWriter",
    "Replay",
    "Bounded",
    "Live",
];

/// Violations after which nobody learns anything new.
const VIOLATIONS_MAX: usize = 10;

/// A rule that was broken, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) invariant: &'static str,
    pub(crate) robots: Vec<usize>,
    pub(crate) text: String,
}

impl Breach {
    pub(crate) fn new(invariant: &'static str, robots: &[usize], text: String) -> Breach {
        Breach { invariant, robots: robots.to_vec(), text }
    }
}

/// A broken promise, ready to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's name.
    pub invariant: &'static str,
    /// Simulated time since the start, ms.
    pub at_ms: u64,
    /// The robots concerned.
    pub robots: Vec<String>,
    /// What is wrong.
    pub text: String,
    /// What led to it.
    pub story: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} broken at {} by {}: ", self.invariant, clock(self.at_ms), self.robots.join(" and "))?;
        write!(f, "{}", self.text)?;
        self.story.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// A robot as it truly is, whatever anyone says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// The map it is on.
    pub map: String,
    /// Its outline there.
    pub outline: Outline,
    /// Names of the loads aboard.
    pub loads: Vec<String>,
    /// A person moves it, or has put it where it is: nobody's word led it there. May be taken back at once; the oracle
    /// remembers until the robot stands on its own base again.
    pub moved_by_hand: bool,
    /// It lies about itself: its own claims prove nothing, and who runs into it is excused.
    pub is_hostile: bool,
    /// It was carried off the floor: it has no body there.
    pub is_off_floor: bool,
}

/// What is known of the jobs from the journal and the events: shared by the rules.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    /// As accepted.
    pub(crate) specs: BTreeMap<JobId, JobSpec>,
    /// The job each robot has, from the journal.
    pub(crate) of_robot: BTreeMap<usize, JobId>,
}

/// The whole judge. All times are those of the simulated clock.
#[derive(Debug)]
pub struct Oracle {
    layout: Arc<Layout>,
    start: Time,
    names: Vec<RobotName>,
    /// Index of each robot by its place in the journal.
    enrolled: Vec<Option<usize>>,
    jobs: Jobs,
    /// Freed when the controller hears it.
    heard: base::Bases,
    /// Freed when the robot says it.
    said: base::Bases,
    prefix: prefix::Prefix,
    once: once::Once,
    fifo: fifo::Fifo,
    doors: doors::Doors,
    hearing: hearing::Hearing,
    modes: modes::Modes,
    writer: writer::Writer,
    story: Story,
    violations: Vec<Violation>,
}

impl Oracle {
    /// A judge over these robots; `start` is the moment the run's clock shows zero.
    pub fn new(layout: Arc<Layout>, names: Vec<RobotName>, start: Time) -> Oracle {
        let robots = names.len();
        Oracle {
            heard: base::Bases::new("Evidence", &layout, robots),
            said: base::Bases::new("Exclusive", &layout, robots),
            prefix: prefix::Prefix::new(robots),
            once: once::Once::default(),
            fifo: fifo::Fifo::default(),
            doors: doors::Doors::default(),
            hearing: hearing::Hearing::new(robots),
            modes: modes::Modes::new(robots),
            writer: writer::Writer::new(robots),
            story: Story::new(robots),
            jobs: Jobs::default(),
            violations: Vec::new(),
            enrolled: Vec::new(),
            layout,
            start,
            names,
        }
    }

    /// What was found so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Nothing new can be learnt.
    pub fn is_full(&self) -> bool {
        self.violations.len() >= VIOLATIONS_MAX
    }

    /// The story of some robots up to now.
    pub fn story_of(&self, robots: &[usize]) -> Vec<String> {
        self.story.tell(robots, self.start, &|robot| self.names[robot].to_string(), &|node| {
            self.layout.node(node).name.clone()
        })
    }

    /// A job was published to the queue.
    pub fn job_published(&mut self, job: &JobSpec) {
        self.fifo.published(&job.id);
    }

    /// The process of this epoch acts from here on: it hears, sends and acknowledges all that is told next. A run that
    /// never says so has one process, of epoch 1.
    pub fn acts(&mut self, epoch: Epoch) {
        self.writer.acts(epoch);
    }

    /// A process took over the lead, with the journal read back up to `seq`.
    pub fn process_began(&mut self, now: Time, epoch: Epoch, seq: Seq) {
        let breaches = self.writer.began(epoch, seq);
        self.judge(now, breaches);
    }

    /// The queue was told that a job is taken over, refused or known: it forgets it.
    pub fn job_acked(&mut self, now: Time, job: &JobId) {
        let breaches = self.writer.acked(job);
        self.judge(now, breaches);
    }

    /// Instant actions left the controller.
    pub fn instant_sent(&mut self, now: Time, robot: usize, actions: &InstantActions) {
        let mut breaches: Vec<Breach> = self.writer.may_send(&[robot]).into_iter().collect();
        breaches.extend(self.modes.instant_sent(self.writer.acting(), robot, actions));
        self.judge(now, breaches);
    }

    /// A record became durable.
    pub fn recorded(&mut self, now: Time, record: &Record) {
        let mut breaches = self.writer.recorded(record);
        for entry in &record.entries {
            self.enrol(&entry.event);
            self.hear_journal(&entry.event);
            if let (Event::JobSubmitted(spec), false) = (&entry.event, entry.is_refused()) {
                self.jobs.specs.entry(spec.id.clone()).or_insert_with(|| JobSpec::clone(spec));
                breaches.extend(self.fifo.admitted(spec));
            }
            for command in &entry.commands {
                self.assign(now, command);
                self.release(entry.time, command);
            }
        }
        self.judge(now, breaches);
    }

    fn enrol(&mut self, event: &Event) {
        if let Event::RobotEnrolled { name, .. } = event {
            self.enrolled.push(self.names.iter().position(|known| known == name));
        }
    }

    fn assign(&mut self, now: Time, command: &Command) {
        let Command::Assign { job, robot } = command else { return };
        let Some(robot) = self.robot_of(*robot) else { return };
        self.story.note(now, robot, Happened::Job(format!("gets job {job}")));
        self.jobs.of_robot.insert(robot, job.clone());
    }

    fn hear_journal(&mut self, event: &Event) {
        if let Event::Robot { robot, .. } = event
            && let Some(robot) = self.robot_of(*robot)
        {
            self.modes.recorded(robot, event);
        }
    }

    fn release(&mut self, at: Time, command: &Command) {
        if let Command::Release { robot, order } = command
            && let Some(robot) = self.robot_of(*robot)
        {
            self.writer.released(robot, at, order);
        }
    }

    fn robot_of(&self, robot: RobotId) -> Option<usize> {
        self.enrolled.get(robot.index()).copied().flatten()
    }

    /// An order left the controller.
    pub fn order_sent(&mut self, now: Time, robot: usize, order: &Order) {
        let mut breaches = self.prefix.sent(robot, order, self.heard.of(robot), &self.layout);
        if !self.prefix.is_resend() {
            let decided = self.writer.decided(now, robot, order);
            let base = self.heard.of(robot);
            breaches.extend(self.doors.ordered(robot, order, base, decided, &self.layout));
            let mut conflicts = self.said.extend(robot, order);
            conflicts.extend(self.heard.extend(robot, order));
            conflicts.retain(|breach| self.heard.were_known(decided, breach));
            breaches.extend(conflicts);
            breaches.extend(self.once.ordered(robot, order, &self.jobs, &self.layout));
            breaches.extend(self.fifo.ordered(robot, order, &self.jobs));
        }
        breaches.extend(self.writer.ordered(robot, order, &self.layout));
        breaches.extend(self.modes.ordered(self.writer.acting(), robot, order));
        self.story.note(now, robot, self.ordered(order));
        self.judge(now, breaches);
    }

    fn ordered(&self, order: &Order) -> Happened {
        let released: Vec<_> = order.nodes.iter().filter(|node| node.released).collect();
        let named = |name: &str| self.layout.node_named(name);
        Happened::Ordered {
            order_id: order.order_id.clone(),
            update_id: order.order_update_id,
            from: released.first().and_then(|node| named(&node.node_id)),
            to: released.last().and_then(|node| named(&node.node_id)),
            to_sequence_id: released.last().map_or(0, |node| node.sequence_id),
            actions: released.iter().map(|node| node.actions.len()).sum(),
        }
    }

    /// A state left its robot.
    pub fn state_said(&mut self, now: Time, robot: usize, state: &State) {
        self.hearing.said(robot, state.header.header_id);
        self.said.report(now, robot, state);
    }

    /// A state arrived at the controller.
    pub fn state_heard(&mut self, now: Time, robot: usize, state: &State) {
        let age = self.hearing.heard(robot, state.header.header_id);
        if age.is_newest {
            self.heard.report(now, robot, state);
            self.prefix.heard(robot, state);
        }
        if age.is_plain {
            self.modes.heard(self.writer.acting(), robot, state);
        }
        let told = Happened::Told {
            update_id: state.order_update_id,
            last: self.layout.node_named(&state.last_node_id),
            last_sequence_id: state.last_node_sequence_id,
            driving: state.driving,
        };
        self.story.note(now, robot, told);
    }

    /// A device's state arrived at the controller.
    pub fn device_heard(&mut self, now: Time, device: usize, state: &DeviceState) {
        self.doors.heard(now, device, state);
    }

    /// A notification left the controller.
    pub fn notified(&mut self, now: Time, notification: &Notification) {
        let mut breaches = self.writer.notified(notification);
        if !self.writer.is_repeat() {
            breaches.extend(self.once.notified(notification, &self.jobs));
            breaches.extend(self.fifo.notified(notification));
        }
        let robot = self.names.iter().position(|name| Some(name.to_string()) == notification.robot);
        if let Some(robot) = robot {
            let text = format!("job {} {}", notification.job, word(&notification.what));
            self.story.note(now, robot, Happened::Job(text));
        }
        self.judge(now, breaches);
    }

    /// Where all robots truly are, and which devices are truly open.
    pub fn looked(&mut self, now: Time, truths: &[Truth], is_open: &[bool]) {
        let mut breaches = exclusive::overlaps(truths);
        for (robot, truth) in truths.iter().enumerate() {
            breaches.extend(doors::under_a_shut_door(&self.layout, robot, truth, is_open));
            breaches.extend(covered::off_its_base(&self.layout, robot, self.heard.of(robot), truth));
        }
        self.judge(now, breaches);
    }

    /// Where one robot truly is, beside those near it.
    pub fn looked_at(&mut self, now: Time, robot: usize, truth: &Truth, near: &[(usize, Truth)]) {
        let mut breaches = exclusive::overlaps_of(robot, truth, near);
        breaches.extend(covered::off_its_base(&self.layout, robot, self.heard.of(robot), truth));
        self.judge(now, breaches);
    }

    /// The whole journal, at the end, and the digest the live fleet has.
    pub fn replayed(&mut self, now: Time, records: Vec<Record>, live: Digest) {
        let entries = records.iter().flat_map(|record| &record.entries);
        let mut kept = BTreeSet::new();
        for entry in entries {
            if let Event::JobSubmitted(spec) = &entry.event {
                kept.insert(spec.id.clone());
            }
        }
        let mut breaches: Vec<Breach> = self.writer.lost(&kept).into_iter().collect();
        breaches.extend(replay::replayed(&self.layout, records, live));
        self.judge(now, breaches);
    }

    /// A record can't be read back.
    pub fn unreadable(&mut self, now: Time, error: &DecodeError) {
        self.judge(now, vec![Breach::new("Replay", &[], error.to_string())]);
    }

    /// A process can't be restored from the journal, or writes what doesn't follow it.
    pub fn unrestorable(&mut self, now: Time, why: &str) {
        self.judge(now, vec![Breach::new("Replay", &[], why.to_owned())]);
    }

    /// What was found, at the end.
    pub fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    /// Jobs that haven't ended, for the end of a run; `why` says what the controller has to say about it.
    pub fn unfinished(&mut self, now: Time, jobs: &[&Job], why: Vec<String>) {
        let named: Vec<String> = jobs.iter().take(8).map(|job| job.spec.id.to_string()).collect();
        if self.is_full() || named.is_empty() {
            return;
        }
        let robots = jobs.iter().filter_map(|job| self.robot_of(job.state.robot()?)).take(3);
        self.violations.push(Violation {
            invariant: "Live",
            at_ms: now.since_ms(self.start),
            robots: robots.map(|robot| self.names[robot].to_string()).collect(),
            text: format!("{} job(s) never ended: {}", jobs.len(), named.join(", ")),
            story: why,
        });
    }

    /// Turns breaches into violations; each once per invariant and robots.
    fn judge(&mut self, now: Time, breaches: Vec<Breach>) {
        for breach in breaches {
            let robots: Vec<String> =
                breach.robots.iter().map(|robot| self.names[*robot].to_string()).collect();
            let is_known = |known: &Violation| {
                known.invariant == breach.invariant && known.robots == robots && !robots.is_empty()
            };
            if self.is_full() || self.violations.iter().any(is_known) {
                continue;
            }
            let story = self.story_of(&breach.robots);
            let at_ms = now.since_ms(self.start);
            self.violations.push(Violation {
                invariant: breach.invariant,
                at_ms,
                robots,
                text: breach.text,
                story,
            });
        }
    }
}

/// The released node at the end of an order's base.
pub(crate) fn decision_node(order: &Order) -> Option<&drover_proto::vda5050::Node> {
    order.nodes.iter().rev().find(|node| node.released)
}

/// What happened to a job, in a word or two.
pub(crate) fn word(news: &JobNews) -> String {
    match news {
        JobNews::Accepted => "accepted".into(),
        JobNews::Assigned => "assigned".into(),
        JobNews::Started => "started".into(),
        JobNews::LegDone { leg } => format!("leg {leg} done"),
        JobNews::Blocked { reason } => format!("blocked: {reason}"),
        JobNews::Done => "done".into(),
        JobNews::Failed { code, reason } => format!("failed: {code} {reason}"),
        JobNews::Cancelled => "cancelled".into(),
    }
}

/// A node's name for a message.
pub(crate) fn name_of(layout: &Layout, node: NodeId) -> &str {
    &layout.node(node).name
}
