//! Site keeps the order of things: receive, step, append, and only then acknowledge and publish.
//!
//! ```text
//!   Input ──► Site ──► Effect::Append ──► (store) ──► Input::Committed ──► Effect::{Answer, Send, Notify}
//!              │ Fleet: hard state, every event journalled
//!              └ Links: soft state, one per robot, rebuilt from its next VDA 5050 state
//! ```
//!
//! The shell waits for one input, hands it over with the time, and carries out the effects. It decides nothing.
//! Nothing leaves before everything that led to it is in the journal (OneWriter). One append is in flight at a time;
//! what arrives meanwhile is stepped in memory and goes with the next.

mod journal;
mod requests;
mod strangers;

use std::collections::VecDeque;
use std::sync::Arc;

use drover_maps::{Layout, TypeId};
use drover_proto::vda5050;

use crate::audit::{AuditEntry, Caller};
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command, Notification};
use crate::config::Config;
use crate::device::Level;
use crate::event::{Event, Fact};
use crate::fleet::{Fleet, RestoreError};
use crate::id::{DeviceId, Digest, Epoch, JobId, RobotId, RobotName, Seq};
use crate::job::JobRequest;
use crate::link::{self, DeviceLink, Link};
use crate::operator::Wish;
use crate::record::Record;
use crate::robot::Robot;

pub use crate::link::{Pose, RobotError, Seen, ToRobot};
use journal::Journal;
use strangers::Strangers;

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
    /// An operator wants something of the floor.
    Wish {
        /// Who awaits the answer, if anybody.
        ticket: Option<Ticket>,
        /// What.
        wish: Wish,
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

/// Time between two alarms of a robot that may not join, ms.
const REFUSAL_MS: u64 = 600_000;
/// Time between two notes of what the events broker has confirmed, ms.
const CONFIRM_NOTE_MS: u64 = 1_000;

/// The whole mind of one site.
#[derive(Debug)]
pub struct Site {
    fleet: Fleet,
    links: Vec<Link>,
    devices: Vec<DeviceLink>,
    journal: Journal,
    /// Effects that wait for the commit of their event.
    held: VecDeque<(Seq, Held)>,
    /// Committed messages and notifications of the journal that must go out again after a start.
    is_fresh: bool,
    confirmed: u64,
    confirm_noted: u64,
    confirm_noted_at: Time,
    strangers: Strangers,
    /// Soft news for the operator, nothing of the journal.
    notices: Vec<Alarm>,
}

#[derive(Clone, Debug)]
enum Held {
    Effect(Effect),
    Deliver(RobotId, Box<crate::release::Order>),
    Pause(RobotId, bool),
    Device(DeviceId, Level),
}

impl Site {
    /// A site with an empty journal; the robots of `site.toml` join at once.
    pub fn new(layout: Arc<Layout>, config: Config, epoch: Epoch, now: Time) -> Site {
        let mut site = Site::over(Fleet::new(layout), epoch, Seq(0), now);
        site.configure(config, now);
        site
    }

    /// The site as the journal tells: the newest snapshot (with the last event in it), and all records after it.
    pub fn restore(
        layout: Arc<Layout>,
        config: Config,
        epoch: Epoch,
        snapshot: Option<(Seq, &[u8])>,
        records: &[Record],
        now: Time,
    ) -> Result<Site, RestoreError> {
        let (fleet, seq) = journal::restore(layout, snapshot, records)?;
        let now = now.max(fleet.state.now);
        let mut site = Site::over(fleet, epoch, seq, now);
        site.configure(config, now);
        Ok(site)
    }

    fn over(fleet: Fleet, epoch: Epoch, seq: Seq, now: Time) -> Site {
        let robots = fleet.state.robots.iter();
        let link =
            |robot: &Robot| Link::new(robot.name.clone(), robot.order.last.clone(), robot.hold.is_told);
        let links = robots.map(link).collect();
        let devices = fleet.state.devices.iter().map(DeviceLink::new).collect();
        let confirmed = fleet.state.notified - fleet.state.outbox.len() as u64;
        Site {
            fleet,
            links,
            devices,
            journal: Journal::new(epoch, seq, now),
            held: VecDeque::new(),
            is_fresh: true,
            confirmed,
            confirm_noted: confirmed,
            confirm_noted_at: now,
            strangers: Strangers::default(),
            notices: Vec::new(),
        }
    }

    fn configure(&mut self, config: Config, now: Time) {
        if self.journal.seq() == Seq(0) || self.fleet.state.config != config {
            self.step(now, Event::Configured(Box::new(config)), None);
        }
        let layout = Arc::clone(&self.fleet.layout);
        for robot in layout.robots() {
            let name = RobotName { manufacturer: robot.manufacturer.clone(), serial: robot.serial.clone() };
            self.enroll(name, robot.robot_type, now);
        }
    }

    /// One input; the effects in the order they must be carried out.
    pub fn receive(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.is_fresh) {
            effects.extend(self.fleet.outbox().cloned().map(|again| Effect::Notify(Box::new(again))));
        }
        match input {
            Input::Clock => {}
            Input::Job { ticket, request, by } => {
                let ask = requests::job(request);
                match by {
                    None => drop(self.step(now, ask.event, ticket)),
                    Some(by) => self.ask(now, ask, by, ticket, effects),
                }
            }
            Input::Confirm { ticket, job, leg, by } => {
                self.ask(now, requests::confirm(job, leg, &by), by, ticket, effects);
            }
            Input::Wish { ticket, wish, by } => self.ask(now, requests::wish(wish, &by), by, ticket, effects),
            Input::Denied { by, action, subject, code } => {
                self.audit(now, requests::entry(by, &action, subject, Some(code), None))
            }
            Input::Robot { name, message } => self.hear(now, name, message),
            Input::Device { name, message } => self.hear_device(now, &name, &message),
            Input::Committed { seq_to } => self.committed(seq_to, effects),
            Input::EventConfirmed { n } => self.confirmed = self.confirmed.max(n),
        }
        self.keep_time(now);
        effects.extend(self.notices.drain(..).map(Effect::Alarm));
        self.poll_links(now, effects);
        self.journal.flush(&self.fleet, effects, &mut self.held);
    }

    /// Ticks that are due, and robots that are silent.
    fn keep_time(&mut self, now: Time) {
        if self.fleet.next_timeout().is_some_and(|due| due <= now) {
            self.step(now, Event::Tick, None);
        }
        let is_behind = self.confirmed > self.confirm_noted;
        if is_behind && now.since_ms(self.confirm_noted_at) >= CONFIRM_NOTE_MS {
            self.confirm_noted = self.confirmed;
            self.confirm_noted_at = now;
            self.step(now, Event::Confirmed { n: self.confirmed }, None);
        }
        for robot in 0..self.links.len() {
            let silence =
                self.links[robot].silence(now, &self.fleet.state.robots[robot], &self.fleet.state.config);
            if let Some(fact) = silence {
                self.step(now, Event::Robot { robot: RobotId(robot as u32), fact }, None);
            }
        }
        self.keep_devices_time(now);
    }

    fn keep_devices_time(&mut self, now: Time) {
        for index in 0..self.devices.len() {
            let state = &self.fleet.state;
            if let Some(fact) = self.devices[index].silence(now, &state.devices[index], &state.config) {
                self.step(now, Event::Device { device: DeviceId(index as u16), fact }, None);
            }
        }
    }

    fn hear_device(&mut self, now: Time, name: &str, message: &DeviceMessage) {
        let found = self.fleet.layout.devices().iter().position(|device| device.name == name);
        let Some(index) = found else { return };
        let device = &self.fleet.state.devices[index];
        let link = &mut self.devices[index];
        let facts = match message {
            DeviceMessage::State(state) => link.on_state(now, state, device),
            DeviceMessage::Connection(connection) => {
                link.on_connection(connection, device).into_iter().collect()
            }
        };
        for fact in facts {
            self.step(now, Event::Device { device: DeviceId(index as u16), fact }, None);
        }
    }

    fn hear(&mut self, now: Time, name: RobotName, message: RobotMessage) {
        if let RobotMessage::Factsheet(sheet) = message {
            return self.strangers.note(name, &sheet);
        }
        let Some(id) = self.fleet.robot_named(&name).or_else(|| self.welcome(now, &name, &message)) else {
            return;
        };
        let layout = Arc::clone(&self.fleet.layout);
        let robot = &self.fleet.state.robots[id.index()];
        let link = &mut self.links[id.index()];
        let facts = match message {
            RobotMessage::State(state) => link.on_state(now, &state, robot, &layout),
            RobotMessage::Connection(connection) => link.on_connection(&connection, robot),
            RobotMessage::Factsheet(_) => return,
        };
        for fact in facts {
            if self.is_worth_a_try(now, id, &fact) {
                self.step(now, Event::Robot { robot: id, fact }, None);
            }
        }
    }

    /// A robot that can't be placed says so with every state: one event in a while is enough.
    fn is_worth_a_try(&mut self, now: Time, id: RobotId, fact: &Fact) -> bool {
        let robot = &self.fleet.state.robots[id.index()];
        let is_placed = !robot.trail.steps.is_empty() && !robot.is_off_path;
        if is_placed || !matches!(fact, Fact::Located { .. }) {
            return true;
        }
        self.strangers.is_due(&robot.name, now, self.fleet.state.config.resend_ms)
    }

    /// A robot nobody listed: it joins if the site lets it, once it shows where it stands.
    fn welcome(&mut self, now: Time, name: &RobotName, message: &RobotMessage) -> Option<RobotId> {
        let RobotMessage::State(state) = message else { return None };
        let place = link::place(state, &self.fleet.layout).filter(|_| self.fleet.state.config.auto_enroll)?;
        match self.strangers.robot_type(name, place, &self.fleet.layout) {
            Ok(robot_type) => self.enroll(name.clone(), robot_type, now),
            Err(text) if self.strangers.is_due(name, now, REFUSAL_MS) => {
                self.notices.push(Alarm { code: AlarmCode::RobotRefused, robot: None, device: None, text });
            }
            Err(_) => {}
        }
        self.fleet.robot_named(name)
    }

    fn enroll(&mut self, name: RobotName, robot_type: TypeId, now: Time) {
        if self.fleet.robot_named(&name).is_none() {
            self.step(now, Event::RobotEnrolled { name: name.clone(), robot_type }, None);
            self.links.push(Link::new(name, None, false));
        }
    }

    /// A request that is written down: done once per idempotency key.
    fn ask(
        &mut self,
        now: Time,
        ask: requests::Ask,
        by: Caller,
        ticket: Option<Ticket>,
        effects: &mut Vec<Effect>,
    ) {
        let audit = &self.fleet.state.audit;
        let digest = Digest::of(&rmp_serde::to_vec(&ask.event).unwrap_or_default());
        let asked = if by.key.is_empty() { None } else { audit.asked(&by.key) };
        let verdict = match asked {
            None => {
                let verdict = self.step(now, ask.event, ticket);
                let refused = match verdict {
                    Verdict::Accepted | Verdict::Ignored => None,
                    Verdict::Rejected { code, .. } => Some(code.to_owned()),
                };
                return self.audit(now, requests::entry(by, ask.action, ask.subject, refused, Some(digest)));
            }
            Some(before) if before == digest => Verdict::Ignored,
            Some(_) => Verdict::Rejected {
                code: "KEY_REUSED",
                reason: format!(
                    "idempotency_key \"{}\" came before with another request: use a new one",
                    by.key
                ),
            },
        };
        effects.extend(ticket.map(|ticket| Effect::Answer { ticket, verdict }));
    }

    fn audit(&mut self, now: Time, mut entry: AuditEntry) {
        entry.n = self.fleet.state.audit.count + 1;
        entry.at = now.max(self.fleet.state.now);
        self.step(now, Event::Audited(Box::new(entry)), None);
    }

    fn step(&mut self, now: Time, event: Event, ticket: Option<Ticket>) -> Verdict {
        let mut commands = Vec::new();
        let time = now.max(self.fleet.state.now);
        self.fleet.step(time, event.clone(), &mut commands);
        let seq = self.journal.note(time, event, commands.clone());
        let verdict = verdict(&commands);
        if let Some(ticket) = ticket {
            let verdict = verdict.clone();
            self.held.push_back((seq, Held::Effect(Effect::Answer { ticket, verdict })));
        }
        for command in commands {
            let held = match command {
                Command::Release { robot, order } => Held::Deliver(robot, order),
                Command::Notify(notification) => Held::Effect(Effect::Notify(notification)),
                Command::Alarm(alarm) => Held::Effect(Effect::Alarm(alarm)),
                Command::Pause { robot, stand } => Held::Pause(robot, stand),
                Command::Device { device, want } => Held::Device(device, want),
                Command::Reject(_)
                | Command::Refuse { .. }
                | Command::Ignore { .. }
                | Command::Assign { .. } => continue,
            };
            self.held.push_back((seq, held));
        }
        verdict
    }

    /// Everything up to here is durable: now it may leave.
    fn committed(&mut self, seq_to: Seq, effects: &mut Vec<Effect>) {
        self.journal.committed(seq_to);
        while self.held.front().is_some_and(|(seq, _)| *seq <= seq_to) {
            match self.held.pop_front() {
                Some((_, Held::Effect(effect))) => effects.push(effect),
                Some((_, Held::Deliver(robot, order))) => self.links[robot.index()].deliver(*order),
                Some((_, Held::Pause(robot, stand))) => self.links[robot.index()].pause(stand),
                Some((_, Held::Device(device, want))) => self.devices[device.index()].want(want),
                None => return,
            }
        }
    }

    fn poll_links(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let state = &self.fleet.state;
        for (link, robot) in self.links.iter_mut().zip(&state.robots) {
            if let Some(message) = link.poll(now, robot, &self.fleet.layout, &state.config) {
                effects.push(Effect::Send { name: robot.name.clone(), message });
            }
        }
        for (link, device) in self.devices.iter_mut().zip(self.fleet.layout.devices()) {
            if let Some(request) = link.poll(now, &state.config) {
                effects.push(Effect::SendDevice { name: device.name.clone(), request });
            }
        }
    }

    /// When `Input::Clock` is due.
    pub fn next_timeout(&self) -> Option<Time> {
        let state = &self.fleet.state;
        let links = self.links.iter().zip(&state.robots);
        let links = links.filter_map(|(link, robot)| link.next_timeout(robot, &state.config));
        let note =
            (self.confirmed > self.confirm_noted).then(|| self.confirm_noted_at.plus_ms(CONFIRM_NOTE_MS));
        let devices = self.devices.iter().zip(&state.devices);
        let devices = devices.filter_map(|(link, device)| link.next_timeout(device, &state.config));
        links.chain(note).chain(devices).chain(self.fleet.next_timeout()).min()
    }

    /// What a robot's newest state says for people to see; none before it spoke.
    pub fn seen(&self, robot: RobotId) -> Option<&Seen> {
        self.links.get(robot.index())?.seen()
    }

    /// The fleet, as far as it has been stepped (which may be ahead of the journal).
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The last event's place.
    pub fn seq(&self) -> Seq {
        self.journal.seq()
    }

    /// Nothing is in flight and nothing waits to be appended.
    pub fn is_idle(&self) -> bool {
        self.journal.is_idle()
    }

    /// The snapshot of a graceful stop: to be taken when the site is idle.
    pub fn snapshot(&self) -> (Seq, Vec<u8>) {
        (self.journal.seq(), self.fleet.snapshot())
    }
}

fn verdict(commands: &[Command]) -> Verdict {
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
        | Command::Device { .. }
        | Command::Notify(_)
        | Command::Alarm(_) => None,
    });
    answers.unwrap_or(Verdict::Accepted)
}
