//! A robot whose controller takes JSON lines over TCP: the example to write another maker's driver from.
//!
//! The words, and what a robot must do with them, are in `words`; the socket is in `link`. What is left here is a driver's
//! whole duty: hand the way on, keep what isn't reached yet, and say nothing of the robot that the robot didn't say. While
//! the link is broken the robot is a breakdown in its state; when it is back, all that is still to do is said again.

mod link;
#[cfg(test)]
mod peer;
mod words;

use super::{Machine, Settings};
use crate::findings::{Findings, Section};
use crate::robot::Robot;
use drover_agent_core::{Abilities, Drive, Facing, Fault, Pose, Progress, Status, Waypoint};
use drover_proto::vda5050::Action;
use link::{Event, Link};
use std::collections::VecDeque;
use tokio::sync::mpsc::error::TrySendError;
use words::{Line, Place, Report, Said, Stand, Task, Word};

/// How often the driver looks for news, milliseconds.
const POLL_MS: u64 = 20;
/// A robot that says nothing for so long is a breakdown, milliseconds.
const SILENCE_MS: u64 = 3_000;
/// A robot's word is older than now by up to this, seconds; it counts when the way is cut.
const LATENCY_S: f64 = 0.5;
/// A robot this near to a waypoint at rest stands on it, metres.
const HERE_M: f64 = 0.01;

/// The driver's own keys: `address`.
pub(super) fn settings(findings: &mut Findings, section: &mut Section<'_>) -> Settings {
    let example = "\"10.0.0.7:7200\"";
    let Some(address) = section.text(findings, "address", example) else { return Settings::new() };
    if let Some(fault) = address_fault(address) {
        let mend = format!("{fault}; write the controller's host and port: {example}");
        findings.add(section.key("address"), format!("{address:?}"), mend);
    }
    Settings::from([("address", address.to_owned())])
}

/// Opens the link; the robot is where it starts until it says otherwise.
pub(super) fn build(robot: &Robot, now_ms: u64) -> anyhow::Result<Machine> {
    Ok(Box::new(TcpLines::new(robot, now_ms)))
}

fn address_fault(address: &str) -> Option<&'static str> {
    let Some((host, port)) = address.rsplit_once(':') else { return Some("has no port") };
    let is_v6 = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || host.contains(char::is_whitespace) || host.contains('/') {
        return Some("has no host");
    }
    if host.contains(':') && !is_v6 {
        return Some("has a bare IPv6 address; put it in brackets");
    }
    port.parse::<u16>().map_or(true, |port| port == 0).then_some("has a port that isn't 1 to 65535")
}

#[derive(Debug)]
struct TcpLines {
    link: Link,
    is_up: bool,
    now_ms: u64,
    heard_ms: u64,
    report: Report,
    /// What isn't reached yet, by the `seq` the robot knows it by.
    way: VecDeque<(u64, Waypoint)>,
    /// The last such `seq`. It rises for ever, over restarts too: an order's own begins anew with each.
    last_seq: u64,
    held: bool,
    /// What runs, as it was said.
    open: Vec<(String, Word)>,
    news: VecDeque<Progress>,
    /// Number of the last line said, and of the last that moves or stops the robot.
    said: u64,
    moved: u64,
    /// Lines that the link had no room for.
    backlog: VecDeque<Vec<u8>>,
    accel_m_s2: f64,
    is_garbled_told: bool,
    /// Lines read, for who steps a peer in time with it.
    lines_read: u64,
}

impl TcpLines {
    fn new(robot: &Robot, now_ms: u64) -> Self {
        let address = robot.settings.get("address").map(String::as_str).unwrap_or_default();
        let Pose { map_id: map, x_m: x, y_m: y, theta_rad: theta } = pose_of(robot);
        let charge = f64::from(robot.start.charge_permille) / 10.0;
        Self {
            link: link::open(address),
            is_up: false,
            now_ms,
            heard_ms: now_ms,
            report: Report { map, x, y, theta, charge, ..Report::default() },
            way: VecDeque::new(),
            last_seq: now_ms,
            held: false,
            open: Vec::new(),
            news: VecDeque::new(),
            said: 0,
            moved: 0,
            backlog: VecDeque::new(),
            accel_m_s2: f64::from(robot.spec.accel_mm_s2.max(1)) / 1_000.0,
            is_garbled_told: false,
            lines_read: 0,
        }
    }

    fn say(&mut self, word: Word) {
        self.said += 1;
        match word {
            Word::Goto(_) | Word::EndAt(_) | Word::Cancel {} | Word::Hold(_) => self.moved = self.said,
            Word::Act(_) | Word::Interrupt(_) | Word::Localise(_) => {}
        }
        if !self.is_up {
            // All is said again when the link is there.
            return;
        }
        let mut text = serde_json::to_vec(&Line { n: self.said, word }).unwrap_or_default();
        text.push(b'\n');
        self.backlog.push_back(text);
        self.write();
    }

    /// Hands over what the link has room for.
    fn write(&mut self) {
        while let Some(text) = self.backlog.pop_front() {
            match self.link.out.try_send(text) {
                Ok(()) => {}
                Err(TrySendError::Full(text)) => return self.backlog.push_front(text),
                Err(TrySendError::Closed(_)) => return self.backlog.clear(),
            }
        }
    }

    /// The link is new: the robot may have forgotten everything, or nothing.
    fn say_all(&mut self) {
        self.say(Word::Hold(self.held));
        for index in 0..self.way.len() {
            let (seq, waypoint) = &self.way[index];
            self.say(Word::Goto(place(*seq, waypoint)));
        }
        match self.way.back() {
            Some((seq, _)) => self.say(Word::EndAt(*seq)),
            None => self.say(Word::Cancel {}),
        }
        for (_, word) in self.open.clone() {
            self.say(word);
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Up => {
                self.is_up = true;
                self.heard_ms = self.now_ms;
                self.say_all();
            }
            Event::Down => {
                self.is_up = false;
                self.backlog.clear();
            }
            Event::Line(line) => {
                self.lines_read += 1;
                match serde_json::from_slice(&line) {
                    Ok(said) => self.take(said),
                    Err(error) => {
                        if !std::mem::replace(&mut self.is_garbled_told, true) {
                            tracing::warn!(%error, "a line of a robot's controller can't be read; left out");
                        }
                    }
                }
            }
        }
    }

    fn take(&mut self, said: Said) {
        self.heard_ms = self.now_ms;
        match said {
            Said::Reached(seq) => {
                // One it was never sent to is a word from before.
                let is_ours = seq <= self.last_seq;
                let count = self.way.iter().take_while(|(next, _)| is_ours && *next <= seq).count();
                let reached = self.way.drain(..count);
                self.news.extend(reached.map(|(_, waypoint)| Progress::Reached(waypoint.seq)));
            }
            Said::Done(id) => self.finish(id, Ok(String::new())),
            Said::Failed(failure) => self.finish(failure.id, Err(failure.why)),
            Said::Pose(report) => self.report = report,
        }
    }

    /// What was interrupted, or has ended before, is no news.
    fn finish(&mut self, id: String, outcome: Result<String, String>) {
        if let Some(index) = self.open.iter().position(|(open, _)| *open == id) {
            self.open.remove(index);
            self.news.push_back(Progress::Done(id, outcome));
        }
    }

    fn start(&mut self, id: &str, word: Word) {
        self.open.push((id.to_owned(), word.clone()));
        self.say(word);
    }

    /// How many waypoints it takes to come to rest on one, by what the robot said last.
    fn stopping_at(&self) -> usize {
        let speed = self.report.speed.abs();
        let mut left = speed * speed / (2.0 * self.accel_m_s2) + speed * LATENCY_S;
        let mut from = (self.report.x, self.report.y);
        for (index, (_, waypoint)) in self.way.iter().enumerate() {
            for to in waypoint.via_m.iter().copied().chain([(waypoint.x_m, waypoint.y_m)]) {
                left -= (to.0 - from.0).hypot(to.1 - from.1);
                from = to;
            }
            if left <= 0.0 {
                return index + 1;
            }
        }
        self.way.len()
    }
}

impl Drive for TcpLines {
    fn extend(&mut self, now_ms: u64, waypoints: Vec<Waypoint>) {
        self.advance(now_ms);
        for waypoint in waypoints {
            self.last_seq += 1;
            self.say(Word::Goto(place(self.last_seq, &waypoint)));
            self.way.push_back((self.last_seq, waypoint));
        }
    }

    fn cut(&mut self, now_ms: u64) -> usize {
        self.advance(now_ms);
        let on_a_waypoint = !self.is_driving() && self.report.since < HERE_M;
        if self.way.is_empty() || on_a_waypoint {
            self.abandon(now_ms);
            return 0;
        }
        self.way.truncate(self.stopping_at());
        if let Some((seq, _)) = self.way.back() {
            self.say(Word::EndAt(*seq));
        }
        self.way.len()
    }

    fn hold(&mut self, now_ms: u64, held: bool) {
        self.advance(now_ms);
        self.held = held;
        self.say(Word::Hold(held));
    }

    fn abandon(&mut self, now_ms: u64) {
        self.advance(now_ms);
        self.way.clear();
        self.say(Word::Cancel {});
    }

    fn begin(&mut self, now_ms: u64, action: Action) {
        self.advance(now_ms);
        self.start(&action.action_id, Word::Act(task(&action)));
    }

    fn abilities(&self) -> Abilities {
        Abilities { localises: true, stores_maps: false }
    }

    fn localise(&mut self, now_ms: u64, id: &str, pose: Pose) -> Result<(), String> {
        self.advance(now_ms);
        if !self.way.is_empty() || self.is_driving() {
            return Err("it has a way to go; cancel its order first".to_owned());
        }
        let Pose { map_id: map, x_m: x, y_m: y, theta_rad: theta } = pose;
        self.start(id, Word::Localise(Stand { id: id.to_owned(), map, x, y, theta }));
        Ok(())
    }

    fn interrupt(&mut self, now_ms: u64, id: &str) {
        self.advance(now_ms);
        self.open.retain(|(open, _)| open != id);
        self.say(Word::Interrupt(id.to_owned()));
    }

    fn advance(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        while let Ok(event) = self.link.events.try_recv() {
            self.hear(event);
        }
        self.write();
    }

    fn next_timeout(&self) -> Option<u64> {
        Some(self.now_ms + POLL_MS)
    }

    fn poll(&mut self) -> Option<Progress> {
        self.news.pop_front()
    }

    /// A robot that hasn't read yet that it shall move or stop may be doing either.
    fn is_driving(&self) -> bool {
        self.report.driving || self.report.n < self.moved
    }

    fn status(&self) -> Status {
        let mut faults = self.report.faults();
        let is_silent = self.now_ms > self.heard_ms + SILENCE_MS;
        if (!self.is_up || is_silent) && !faults.contains(&Fault::Breakdown) {
            faults.push(Fault::Breakdown);
        }
        Status {
            pose: self.report.pose(),
            driving: self.is_driving(),
            speed_m_s: self.report.speed,
            omega_rad_s: self.report.omega,
            since_waypoint_m: self.report.since.max(0.0),
            charge_pct: self.report.charge.clamp(0.0, 100.0),
            charging: self.report.charging,
            faults,
        }
    }
}

fn place(seq: u64, waypoint: &Waypoint) -> Place {
    let (tangential, global) = match waypoint.facing {
        Facing::Tangential(angle) => (Some(angle).filter(|angle| *angle != 0.0), None),
        Facing::Global(angle) => (None, Some(angle)),
    };
    Place {
        seq,
        node: waypoint.node_id.clone(),
        map: waypoint.map_id.clone(),
        x: waypoint.x_m,
        y: waypoint.y_m,
        via: waypoint.via_m.clone(),
        max_speed: waypoint.max_speed_m_s,
        tangential,
        global,
        theta: waypoint.theta_rad,
    }
}

fn task(action: &Action) -> Task {
    let parameters = action.action_parameters.iter();
    let parameters = parameters.map(|parameter| (parameter.key.clone(), parameter.value.clone()));
    Task { id: action.action_id.clone(), kind: action.action_type.clone(), parameters: parameters.collect() }
}

fn pose_of(robot: &Robot) -> Pose {
    let start = &robot.start;
    Pose { map_id: start.map_id.clone(), x_m: start.x_m, y_m: start.y_m, theta_rad: start.theta_rad }
}
