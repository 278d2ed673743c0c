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

mod agenda;
mod change;
mod follow;
mod freeze;
mod journal;
mod ports;
mod requests;
mod strangers;

use std::collections::VecDeque;
use std::sync::Arc;

use drover_maps::TypeId;
use drover_proto::vda5050;

use crate::audit::{AuditEntry, Caller};
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command};
use crate::config::Config;
use crate::device::Level;
use crate::event::{Event, Fact};
use crate::fleet::{Fleet, RestoreError};
use crate::id::{DeviceId, Digest, Epoch, RobotId, RobotName, Seq};
use crate::layouts::Layouts;
use crate::link::{self, DeviceLink, Link, Profile};
use crate::record::Record;

pub use crate::link::{Pose, RobotError, Seen, ToRobot};
use agenda::Agenda;
pub use follow::{FollowError, Follower};
pub use freeze::Frozen;
#[cfg(test)]
pub(crate) use freeze::planted;
use journal::Journal;
pub use ports::{DeviceMessage, Effect, Input, RobotMessage, Ticket, Verdict};
use strangers::Strangers;

/// Time between two alarms of a robot that may not join, ms.
const REFUSAL_MS: u64 = 600_000;
/// Time between two notes of what the events broker has confirmed, ms.
const CONFIRM_NOTE_MS: u64 = 1_000;

/// The whole mind of one site.
#[derive(Debug)]
pub struct Site {
    fleet: Fleet,
    links: Vec<Link>,
    agenda: Agenda,
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
    /// Something can't be stepped: nothing is decided any more.
    frozen: Option<Frozen>,
    /// Another epoch leads: nothing is said any more.
    is_deposed: bool,
    /// Another layout is in use: it may list robots that haven't joined.
    has_changed: bool,
}

#[derive(Clone, Debug)]
enum Held {
    Effect(Effect),
    Deliver(RobotId, Box<crate::release::Order>),
    Pause(RobotId, bool),
    Cancel(RobotId),
    Device(DeviceId, Level),
}

impl Site {
    /// A site with an empty journal; the robots of `site.toml` join at once.
    pub fn new(layout: impl Into<Layouts>, config: Config, epoch: Epoch, now: Time) -> Site {
        let mut site = Site::over(Fleet::new(layout), epoch, Seq(0), now);
        site.configure(config, now);
        site
    }

    /// The site as the journal tells: the newest snapshot (with the last event in it), and all records after it. It is
    /// frozen before a record that can't be stepped; a gap, or a layout that isn't at hand, is an error.
    pub fn restore(
        layouts: impl Into<Layouts>,
        config: Config,
        epoch: Epoch,
        snapshot: Option<(Seq, &[u8])>,
        records: &[Record],
        now: Time,
    ) -> Result<Site, RestoreError> {
        let freeze::Restored { follower, frozen } = freeze::restore(&layouts.into(), snapshot, records)?;
        Ok(Site::begin(follower, frozen, config, epoch, now))
    }

    /// The site that a standby has followed to the journal's end; it leads from here on.
    pub fn lead(follower: Follower, config: Config, epoch: Epoch, now: Time) -> Site {
        Site::begin(follower, None, config, epoch, now)
    }

    fn begin(follower: Follower, frozen: Option<Frozen>, config: Config, epoch: Epoch, now: Time) -> Site {
        let seq = follower.seq();
        let now = now.max(follower.fleet.state.now);
        let mut site = Site::over(follower.fleet, epoch, seq, now);
        site.frozen = frozen;
        site.configure(config, now);
        site
    }

    fn over(fleet: Fleet, epoch: Epoch, seq: Seq, now: Time) -> Site {
        let robots = fleet.state.robots.iter();
        let links: Vec<Link> =
            robots.map(|robot| Link::new(robot, Profile::of(&robot.name, &fleet.layout), 0)).collect();
        let mut agenda = Agenda::default();
        agenda.touch_all(links.len());
        let devices = fleet.state.devices.iter().map(DeviceLink::new).collect();
        let confirmed = fleet.state.notified - fleet.state.outbox.len() as u64;
        Site {
            fleet,
            links,
            agenda,
            devices,
            journal: Journal::new(epoch, seq, now),
            held: VecDeque::new(),
            is_fresh: true,
            confirmed,
            confirm_noted: confirmed,
            confirm_noted_at: now,
            strangers: Strangers::default(),
            notices: Vec::new(),
            frozen: None,
            is_deposed: false,
            has_changed: false,
        }
    }

    fn configure(&mut self, config: Config, now: Time) {
        if self.journal.seq() == Seq(0) || self.fleet.state.config != config {
            self.step(now, Event::Configured(Box::new(config)), None);
        }
        self.enroll_listed(now);
    }

    /// One input; the effects in the order they must be carried out. A site that is deposed has none, a frozen one only
    /// its alarm.
    pub fn receive(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        let before = effects.len();
        if self.frozen.is_none() && !self.is_deposed {
            self.take(now, input, effects);
        } else {
            self.is_deposed |= matches!(input, Input::Fenced);
        }
        if self.is_deposed {
            effects.truncate(before);
        } else if let Some(frozen) = &mut self.frozen {
            effects.truncate(before);
            frozen.tell(now, effects);
        }
    }

    fn take(&mut self, now: Time, input: Input, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.is_fresh) {
            effects.extend(self.fleet.outbox().cloned().map(|again| Effect::Notify(Box::new(again))));
        }
        match input {
            Input::Clock => {}
            Input::Job { ticket, request, by } => {
                let ask = requests::job(request);
                match by {
                    None => drop(self.step(now, ask.event, ticket)),
                    Some(by) => drop(self.ask(now, ask, by, ticket, effects)),
                }
            }
            Input::Confirm { ticket, job, leg, by } => {
                self.ask(now, requests::confirm(job, leg, &by), by, ticket, effects);
            }
            Input::ShortPick { ticket, job, short, by } => {
                self.ask(now, requests::short_pick(job, short, &by), by, ticket, effects);
            }
            Input::Wish { ticket, wish, by } => {
                self.ask(now, requests::wish(wish, &by), by, ticket, effects);
            }
            Input::Layout { ticket, layout, by } => self.ask_layout(now, layout, by, ticket, effects),
            Input::Denied { by, action, subject, code } => {
                self.audit(now, requests::entry(by, &action, subject, Some(code), None))
            }
            Input::Robot { name, message } => self.hear(now, name, message),
            Input::Device { name, message } => self.hear_device(now, &name, &message),
            Input::Committed { seq_to } => self.committed(seq_to, effects),
            Input::EventConfirmed { n } => self.confirmed = self.confirmed.max(n),
            Input::Fenced => self.is_deposed = true,
        }
        self.keep_time(now);
        effects.extend(self.notices.drain(..).map(Effect::Alarm));
        self.poll_links(now, effects);
        self.journal.flush(&self.fleet, effects, &mut self.held);
    }

    /// Ticks that are due, and robots that are silent.
    fn keep_time(&mut self, now: Time) {
        let is_expecting = self.strangers.are_expected(now, self.fleet.state.config.gather_ms);
        if is_expecting != self.fleet.state.expects_strangers {
            self.step(now, Event::StrangersExpected(is_expecting), None);
        }
        if self.fleet.next_timeout().is_some_and(|due| due <= now) {
            self.step(now, Event::Tick, None);
        }
        let is_behind = self.confirmed > self.confirm_noted;
        if is_behind && now.since_ms(self.confirm_noted_at) >= CONFIRM_NOTE_MS {
            self.confirm_noted = self.confirmed;
            self.confirm_noted_at = now;
            self.step(now, Event::Confirmed { n: self.confirmed }, None);
        }
        for link in self.agenda.open(now) {
            let state = &self.fleet.state;
            if let Some(fact) = self.links[link].silence(now, &state.robots[link], &state.config) {
                self.step(now, Event::Robot { robot: RobotId(link as u32), fact }, None);
            }
        }
        self.keep_devices_time(now);
        if std::mem::take(&mut self.has_changed) {
            self.enroll_listed(now);
        }
    }

    fn keep_devices_time(&mut self, now: Time) {
        let fingerprint = self.fleet.layout.fingerprint();
        for index in 0..self.devices.len() {
            let state = &self.fleet.state;
            if let Some(fact) = self.devices[index].silence(now, &state.devices[index], &state.config) {
                self.step(now, Event::Device { device: DeviceId(index as u16), fact }, None);
            }
            if self.fleet.layout.fingerprint() != fingerprint {
                // The devices are numbered anew: the others' turn comes with the next input.
                return;
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
        let fingerprint = self.fleet.layout.fingerprint();
        for fact in facts {
            // What is left out after a change of the layout is told again: each state is a full snapshot.
            if self.fleet.layout.fingerprint() == fingerprint {
                self.step(now, Event::Device { device: DeviceId(index as u16), fact }, None);
            }
        }
    }

    fn hear(&mut self, now: Time, name: RobotName, message: RobotMessage) {
        if let RobotMessage::Factsheet(sheet) = message {
            return self.hear_factsheet(now, name, &sheet);
        }
        let Some(id) = self.fleet.robot_named(&name).or_else(|| self.welcome(now, &name, &message)) else {
            return;
        };
        let layout = Arc::clone(&self.fleet.layout);
        let robot = &self.fleet.state.robots[id.index()];
        let link = &mut self.links[id.index()];
        self.agenda.touch(id);
        let facts = match message {
            RobotMessage::State(state) => link.on_state(now, &state, robot, &layout),
            RobotMessage::Connection(connection) => link.on_connection(&connection, robot),
            RobotMessage::Factsheet(_) => return,
        };
        for fact in facts {
            // A change of the layout gives its ids another meaning: the next state tells the rest again.
            let is_on_it = self.fleet.layout.fingerprint() == layout.fingerprint();
            if is_on_it && self.is_worth_a_try(now, id, &fact) {
                self.step(now, Event::Robot { robot: id, fact }, None);
            }
        }
        let robot = &self.fleet.state.robots[id.index()];
        if self.links[id.index()].is_pause_unheeded(robot) && self.strangers.is_due(&name, now, REFUSAL_MS) {
            let text = format!(
                "{name}: told to stand and drives on; stop it by hand, and see whether it knows startPause"
            );
            let (code, robot) = (AlarmCode::PauseUnheeded, Some(id));
            self.notices.push(Alarm { code, robot, device: None, text });
        }
    }

    /// What the robot requires of orders beyond what is written is told now and then.
    fn hear_factsheet(&mut self, now: Time, name: RobotName, sheet: &vda5050::Factsheet) {
        let robot = self.fleet.robot_named(&name);
        if let Some(id) = robot {
            let unmet = self.links[id.index()].on_factsheet(sheet);
            self.agenda.touch(id);
            if !unmet.is_empty() && self.strangers.is_due(&name, now, REFUSAL_MS) {
                let text = format!(
                    "{name}: its factsheet requires of orders what isn't written: {}; it may refuse them",
                    unmet.join(", ")
                );
                self.notices.push(Alarm { code: AlarmCode::RobotRequires, robot, device: None, text });
            }
        }
        self.strangers.note(name, sheet, &self.fleet.layout);
    }

    /// A robot that can't be placed says so with every state: one event in a while is enough.
    fn is_worth_a_try(&mut self, now: Time, id: RobotId, fact: &Fact) -> bool {
        let robot = &self.fleet.state.robots[id.index()];
        let is_placed = !robot.trail.steps.is_empty() && robot.stands.is_none() && !robot.is_off_path;
        if is_placed || !matches!(fact, Fact::Located { .. }) {
            return true;
        }
        self.strangers.is_due(&robot.name, now, self.fleet.state.config.resend_ms)
    }

    /// A robot nobody listed: it joins if the site lets it, once it shows where it stands.
    fn welcome(&mut self, now: Time, name: &RobotName, message: &RobotMessage) -> Option<RobotId> {
        let state = match message {
            RobotMessage::State(state) => state,
            RobotMessage::Connection(connection) => {
                let is_online = link::is_online(connection) && self.fleet.state.config.auto_enroll;
                self.strangers.note_connection(now, name, &connection.header, is_online);
                return None;
            }
            RobotMessage::Factsheet(_) => return None,
        };
        self.strangers.note_state(name);
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
            let profile = self.strangers.profile(&name, &self.fleet.layout);
            let asked = self.strangers.questions();
            self.links.extend(self.fleet.state.robots.last().map(|robot| Link::new(robot, profile, asked)));
            self.agenda.touch_all(self.links.len());
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
    ) -> Verdict {
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
                self.audit(now, requests::entry(by, ask.action, ask.subject, refused, Some(digest)));
                return verdict;
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
        let answer = verdict.clone();
        effects.extend(ticket.map(|ticket| Effect::Answer { ticket, verdict: answer }));
        verdict
    }

    fn audit(&mut self, now: Time, mut entry: AuditEntry) {
        entry.n = self.fleet.state.audit.count + 1;
        entry.at = now.max(self.fleet.state.now);
        self.step(now, Event::Audited(Box::new(entry)), None);
    }

    fn step(&mut self, now: Time, event: Event, ticket: Option<Ticket>) -> Verdict {
        let mut commands = Vec::new();
        let time = now.max(self.fleet.state.now);
        if self.frozen.is_some() {
            return Verdict::Ignored;
        }
        if let Err(why) = freeze::step(&mut self.fleet, time, event.clone(), &mut commands) {
            let why = format!("the event after it, {}: {why}", event.name());
            self.frozen = Some(Frozen::at(&self.fleet, self.journal.seq(), why));
            return Verdict::Ignored;
        }
        self.touch(&event);
        let seq = self.journal.note(time, event, commands.clone());
        let verdict = ports::verdict(&commands);
        if let Some(ticket) = ticket {
            let verdict = verdict.clone();
            self.held.push_back((seq, Held::Effect(Effect::Answer { ticket, verdict })));
        }
        for command in commands {
            if let Command::Release { robot, .. } | Command::Pause { robot, .. } | Command::Cancel { robot } =
                &command
            {
                self.agenda.touch(*robot);
            }
            let held = match command {
                Command::Release { robot, order } => Held::Deliver(robot, order),
                Command::Notify(notification) => Held::Effect(Effect::Notify(notification)),
                Command::Alarm(alarm) => Held::Effect(Effect::Alarm(alarm)),
                Command::Pause { robot, stand } => Held::Pause(robot, stand),
                Command::Cancel { robot } => Held::Cancel(robot),
                Command::Device { device, want } => Held::Device(device, want),
                Command::Layout { .. } => {
                    self.carry_over();
                    continue;
                }
                Command::Reject(_)
                | Command::Refuse { .. }
                | Command::Ignore { .. }
                | Command::Assign { .. } => continue,
            };
            self.held.push_back((seq, held));
        }
        verdict
    }

    /// Links that the event may concern; others it reaches by commands alone.
    fn touch(&mut self, event: &Event) {
        match event {
            Event::Robot { robot, .. } => self.agenda.touch(*robot),
            Event::Configured(_) | Event::RobotEnrolled { .. } | Event::Wished { .. } => {
                self.agenda.touch_all(self.links.len());
            }
            Event::Tick
            | Event::JobSubmitted(_)
            | Event::JobCancelled { .. }
            | Event::JobUpdated { .. }
            | Event::LegConfirmed { .. }
            | Event::LegShort { .. }
            | Event::Device { .. }
            | Event::Audited(_)
            | Event::StrangersExpected(_)
            | Event::Confirmed { .. } => {}
        }
    }

    /// Everything up to here is durable: now it may leave.
    fn committed(&mut self, seq_to: Seq, effects: &mut Vec<Effect>) {
        self.journal.committed(seq_to);
        while self.held.front().is_some_and(|(seq, _)| *seq <= seq_to) {
            match self.held.pop_front() {
                Some((_, Held::Effect(effect))) => effects.push(effect),
                Some((_, Held::Deliver(robot, order))) => {
                    self.links[robot.index()].deliver(*order);
                    self.agenda.touch(robot);
                }
                Some((_, Held::Pause(robot, stand))) => {
                    self.links[robot.index()].pause(stand);
                    self.agenda.touch(robot);
                }
                Some((_, Held::Cancel(robot))) => {
                    self.links[robot.index()].cancel();
                    self.agenda.touch(robot);
                }
                Some((_, Held::Device(device, want))) => self.devices[device.index()].want(want),
                None => return,
            }
        }
    }

    fn poll_links(&mut self, now: Time, effects: &mut Vec<Effect>) {
        for (name, version, header) in self.strangers.ask(now) {
            let message = link::question(&name, &version, header, now);
            effects.push(Effect::Send { name, message });
        }
        let state = &self.fleet.state;
        for index in self.agenda.open(now) {
            let (link, robot) = (&mut self.links[index], &state.robots[index]);
            if let Some(message) = link.poll(now, robot, &self.fleet.layout, &state.config) {
                effects.push(Effect::Send { name: robot.name.clone(), message });
            }
            self.agenda.set(index, link.next_timeout(robot, &state.config));
        }
        for (link, device) in self.devices.iter_mut().zip(self.fleet.layout.devices()) {
            if let Some(request) = link.poll(now, &state.config) {
                effects.push(Effect::SendDevice { name: device.name.clone(), request });
            }
        }
    }

    /// When `Input::Clock` is due.
    pub fn next_timeout(&self) -> Option<Time> {
        if self.is_deposed || self.frozen.is_some() {
            return self.frozen.as_ref().map(Frozen::due).filter(|_| !self.is_deposed);
        }
        let state = &self.fleet.state;
        let note =
            (self.confirmed > self.confirm_noted).then(|| self.confirm_noted_at.plus_ms(CONFIRM_NOTE_MS));
        let devices = self.devices.iter().zip(&state.devices);
        let devices = devices.filter_map(|(link, device)| link.next_timeout(device, &state.config));
        let strangers = self.strangers.next_timeout(state.config.gather_ms);
        let soft = self.agenda.next().into_iter().chain(note).chain(devices).chain(strangers);
        soft.chain(self.fleet.next_timeout()).min()
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

    /// Where it stands still and why, if something can't be stepped.
    pub fn frozen(&self) -> Option<&Frozen> {
        self.frozen.as_ref()
    }

    /// Another epoch leads: whatever comes in, nothing goes out.
    pub fn is_deposed(&self) -> bool {
        self.is_deposed
    }

    /// Nothing is in flight and nothing waits to be appended.
    pub fn is_idle(&self) -> bool {
        self.journal.is_idle()
    }

    /// The snapshot of a graceful stop: to be taken when the site is idle. None of a frozen site: what couldn't be stepped
    /// may have left its mark.
    pub fn snapshot(&self) -> Option<(Seq, Vec<u8>)> {
        self.frozen.is_none().then(|| (self.journal.seq(), self.fleet.snapshot()))
    }
}
