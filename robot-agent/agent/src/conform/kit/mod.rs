//! What a rule may do with the robot: say something, wait until a state shows something, look back at what was said.
//!
//! Nothing here knows a socket or a clock: the time and the messages come in, what is to be sent is put out. A rule is an
//! `async fn` over this; the session polls it after every message and at every deadline.

mod heard;
mod say;
mod wait;

use super::ground::{Ground, Place, Stop};
use super::report::Finding;
use super::rules::Rule;
use super::watch::Watch;
use drover_agent_core::clock::iso8601;
use drover_proto::vda5050::{
    ConnectionState, Factsheet, Header, Node, NodePosition, State, TopicKind, VERSION,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::task::Poll;
use uuid::Uuid;

/// A state has to follow an event within this.
pub(crate) const EVENT_MS: u64 = 10_000;
/// How long a robot is given to do what it shouldn't.
pub(crate) const QUIET_MS: u64 = 2_000;
/// States kept for one rule; a robot that says more in that time loses the oldest.
const LOG_MAX: usize = 20_000;

/// Why a rule didn't pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    Fail(String),
    Skip(String),
}

/// How a rule ended.
pub(crate) type Verdict = Result<(), Halt>;

pub(crate) fn fail<T>(why: impl Into<String>) -> Result<T, Halt> {
    Err(Halt::Fail(why.into()))
}

pub(crate) fn skip<T>(why: impl Into<String>) -> Result<T, Halt> {
    Err(Halt::Skip(why.into()))
}

/// Fails with this text unless it holds.
pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Halt::Fail(why())) }
}

/// A message of the robot as the broker brought it.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub kind: TopicKind,
    pub retained: bool,
    pub qos: u8,
    pub payload: Vec<u8>,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    Publish(TopicKind, Vec<u8>),
    /// Subscribe again: the broker brings what it keeps.
    Resubscribe,
}

/// Whom the kit drives, and how.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub manufacturer: String,
    pub serial: String,
    /// Of each wait, milliseconds.
    pub patience_ms: u64,
    /// A harmless node action; `None`: chosen from the factsheet.
    pub action: Option<String>,
    /// The layout's ground; `None`: a line ahead of the robot.
    pub ground: Option<Ground>,
    /// Metres between the nodes of that line.
    pub step_m: f64,
}

struct Inner {
    setting: Setting,
    name: String,
    now_ms: u64,
    deadline: Option<u64>,
    outbox: VecDeque<Say>,
    notes: Vec<String>,
    findings: Vec<Finding>,
    current: &'static str,
    log: Vec<Rc<State>>,
    /// Waits look at the states from here on.
    mark: usize,
    watch: Watch,
    ground: Option<Ground>,
    factsheet: Option<Factsheet>,
    connection: Option<ConnectionState>,
    heard: BTreeMap<TopicKind, u32>,
    /// What came since the last resubscription: retained, and with which QoS.
    kept: BTreeMap<TopicKind, (bool, u8)>,
    header_ids: BTreeMap<TopicKind, u32>,
    count: u32,
    /// A startPause was sent, and no stopPause since.
    may_be_paused: bool,
}

/// The robot's partner.
pub(crate) struct Kit(RefCell<Inner>);

impl Kit {
    pub fn new(setting: Setting, now_ms: u64) -> Rc<Self> {
        Rc::new(Self(RefCell::new(Inner {
            name: format!("conform-{:x}", now_ms / 1_000),
            setting,
            now_ms,
            deadline: None,
            outbox: VecDeque::new(),
            notes: Vec::new(),
            findings: Vec::new(),
            current: "meeting the robot",
            log: Vec::new(),
            mark: 0,
            watch: Watch::default(),
            ground: None,
            factsheet: None,
            connection: None,
            heard: BTreeMap::new(),
            kept: BTreeMap::new(),
            header_ids: BTreeMap::new(),
            count: 0,
            may_be_paused: false,
        })))
    }

    // What goes in and out: for the session and the shell.

    pub fn hear(&self, now_ms: u64, heard: &Heard) {
        let inner = &mut *self.0.borrow_mut();
        inner.now_ms = inner.now_ms.max(now_ms);
        *inner.heard.entry(heard.kind).or_default() += 1;
        if heard.retained {
            inner.kept.insert(heard.kind, (true, heard.qos));
        } else {
            inner.kept.entry(heard.kind).or_insert((false, heard.qos));
        }
        inner.watch.hear(inner.now_ms, heard);
        match heard.kind {
            // What a broker keeps may be of yesterday.
            TopicKind::State if heard.retained => {}
            TopicKind::State => inner.hear_state(&heard.payload),
            TopicKind::Connection => {
                if let Ok(connection) = drover_proto::parse_connection(&heard.payload) {
                    inner.connection = Some(connection.connection_state);
                }
            }
            TopicKind::Factsheet => inner.factsheet = drover_proto::parse_factsheet(&heard.payload).ok(),
            TopicKind::Order | TopicKind::InstantActions | TopicKind::Visualization => {}
        }
    }

    pub fn set_now(&self, now_ms: u64) {
        let inner = &mut *self.0.borrow_mut();
        inner.now_ms = inner.now_ms.max(now_ms);
    }

    pub fn take_deadline(&self) -> Option<u64> {
        self.0.borrow_mut().deadline.take()
    }

    pub fn take_say(&self) -> Option<Say> {
        self.0.borrow_mut().outbox.pop_front()
    }

    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().notes)
    }

    pub fn take_findings(&self) -> Vec<Finding> {
        std::mem::take(&mut self.0.borrow_mut().findings)
    }

    pub fn current(&self) -> &'static str {
        self.0.borrow().current
    }

    /// A rule begins: of the past, only the last state is left.
    pub fn begin(&self, rule: &'static str) {
        let inner = &mut *self.0.borrow_mut();
        inner.current = rule;
        let surplus = inner.log.len().saturating_sub(1);
        inner.log.drain(..surplus);
        inner.mark = 0;
    }

    pub fn note(&self, text: String) {
        self.0.borrow_mut().notes.push(text);
    }

    pub fn report(&self, rule: &'static Rule, verdict: Verdict, ms: u64) {
        self.0.borrow_mut().findings.push(Finding::of(rule, verdict, ms));
    }

    pub fn watched(&self, rule: &str) -> Verdict {
        self.0.borrow().watch.verdict(rule)
    }

    pub fn set_ground(&self, ground: Ground) {
        self.0.borrow_mut().ground = Some(ground);
    }

    pub fn setting(&self) -> Setting {
        self.0.borrow().setting.clone()
    }

    pub fn now_ms(&self) -> u64 {
        self.0.borrow().now_ms
    }
}

impl Inner {
    fn hear_state(&mut self, payload: &[u8]) {
        let Ok(state) = drover_proto::parse_state(payload) else { return };
        if self.log.len() >= LOG_MAX {
            self.log.remove(0);
            self.mark = self.mark.saturating_sub(1);
        }
        self.log.push(Rc::new(state));
    }

    fn say(&mut self, kind: TopicKind, body: Vec<u8>) {
        self.mark = self.log.len();
        self.outbox.push_back(Say::Publish(kind, body));
    }

    /// A state from the mark on for which it holds, `None` when the time is up.
    fn look(&mut self, deadline: u64, holds: &impl Fn(&State) -> bool) -> Poll<Option<Rc<State>>> {
        let found = self.log.iter().skip(self.mark).position(|state| holds(state));
        if let Some(found) = found {
            self.mark += found;
            return Poll::Ready(self.log.get(self.mark).cloned());
        }
        self.pass(deadline).map(|()| None)
    }

    fn pass(&mut self, deadline: u64) -> Poll<()> {
        if self.now_ms >= deadline {
            return Poll::Ready(());
        }
        self.deadline = Some(self.deadline.map_or(deadline, |other| other.min(deadline)));
        Poll::Pending
    }

    fn header(&mut self, kind: TopicKind) -> Header {
        let id = self.header_ids.entry(kind).or_default();
        *id += 1;
        let header_id = *id;
        // Some robots take no other version than their own.
        let version = self.log.last().map(|state| state.header.version.clone());
        let version = version.filter(|version| version.starts_with("2.")).unwrap_or(VERSION.to_owned());
        let Setting { manufacturer, serial, .. } = &self.setting;
        Header { version, ..Header::new(header_id, iso8601(self.now_ms), manufacturer, serial) }
    }

    fn fresh(&mut self, word: &str) -> String {
        self.count += 1;
        format!("{}-{word}-{}", self.name, self.count)
    }

    fn fresh_action(&mut self) -> String {
        let name = self.fresh(&self.setting.serial.clone());
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }
}

/// Where a state says the robot is.
pub(crate) fn place(state: &State) -> Place {
    let pose = state.agv_position.as_ref().map(|at| (at.map_id.clone(), at.x, at.y));
    Place { node_id: state.last_node_id.clone(), pose }
}

fn node(stop: &Stop, sequence_id: u32, released: bool) -> Node {
    let position =
        NodePosition { x: stop.x_m, y: stop.y_m, map_id: stop.map.clone(), ..NodePosition::default() };
    Node { node_position: Some(position), ..Node::new(stop.id.as_str(), sequence_id, released) }
}
