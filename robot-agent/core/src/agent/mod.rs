//! The protocol machine: takes orders over or refuses them, hands the base to the drive, reports.
//!
//! It must never hand over a waypoint that isn't released, and never tell of a node before the drive did.

mod book;
mod catalogue;
mod check;
mod course;
mod factsheet;
mod fields;
mod instant;
mod maps;
mod order;
mod perform;
mod report;
mod trouble;

use crate::clock::iso8601;
use crate::drive::{Drive, Progress};
use crate::spec::{Identity, Options, Pose, Spec, Start, StoredMap};
use book::{Book, Origin};
use course::{Course, Step};
use drover_proto::vda5050::{
    Connection, ConnectionState, Dialect, Error, Factsheet, InstantActions, Load, OperatingMode, Order,
    State, TopicKind, Visualization,
};
use maps::Maps;
use report::Report;

/// `newBaseRequest` rises this long before the robot would begin to slow.
const NEW_BASE_LEAD_MS: u64 = 2_000;
/// A drive that reports nothing new at one instant this often is left alone until the next.
const ROUNDS_MAX: u32 = 10_000;

/// What came in from the broker.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// Topic `order`.
    Order(Order),
    /// Topic `instantActions`.
    InstantActions(InstantActions),
    /// The robot's own retained `connection`, as the broker has it.
    Connection(Connection),
    /// A message on a topic that couldn't be read, and why.
    Malformed(TopicKind, String),
}

/// What goes out to the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// When it happened, milliseconds; the header says the same.
    pub at_ms: u64,
    /// The body.
    pub message: Message,
}

/// A message of the robot.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Topic `state`, QoS 0.
    State(Box<State>),
    /// Topic `connection`, QoS 1, retained.
    Connection(Connection),
    /// Topic `factsheet`, QoS 0, retained.
    Factsheet(Box<Factsheet>),
    /// Topic `visualization`, QoS 0.
    Visualization(Box<Visualization>),
}

impl Message {
    /// The last level of its topic.
    pub fn topic(&self) -> TopicKind {
        match self {
            Self::State(_) => TopicKind::State,
            Self::Connection(_) => TopicKind::Connection,
            Self::Factsheet(_) => TopicKind::Factsheet,
            Self::Visualization(_) => TopicKind::Visualization,
        }
    }

    /// The broker keeps it.
    pub fn is_retained(&self) -> bool {
        self.topic().is_retained()
    }

    /// MQTT quality of service, 0 or 1.
    pub fn qos(&self) -> u8 {
        u8::from(matches!(self, Self::Connection(_)))
    }
}

/// One robot.
#[derive(Clone, Debug)]
pub struct Agent<D> {
    identity: Identity,
    spec: Spec,
    options: Options,
    drive: D,
    now_ms: u64,
    course: Course,
    book: Book,
    /// Ids of the cancelOrder actions that run.
    cancelling: Vec<String>,
    /// Ids of the startPause actions that run.
    pausing: Vec<String>,
    is_paused: bool,
    mode: OperatingMode,
    errors: Vec<Error>,
    loads: Vec<Load>,
    maps: Maps,
    report: Report,
}

impl<D: Drive> Agent<D> {
    /// A robot at rest, without order, not connected yet.
    pub fn new(
        identity: Identity,
        spec: Spec,
        options: Options,
        start: &Start,
        drive: D,
        now_ms: u64,
    ) -> Self {
        let of_start = options.maps.iter().any(|map| map.map_id == start.map_id);
        let of_start = (!of_start).then(|| StoredMap::new(start.map_id.as_str()));
        let maps = Maps::new(of_start.iter().chain(&options.maps));
        Self {
            maps,
            identity,
            spec,
            options,
            drive,
            now_ms,
            course: Course::at(&start.node_id),
            book: Book::default(),
            cancelling: Vec::new(),
            pausing: Vec::new(),
            is_paused: false,
            mode: OperatingMode::Automatic,
            errors: Vec::new(),
            loads: Vec::new(),
            report: Report::default(),
        }
    }

    /// A message came in.
    pub fn on_message(&mut self, now_ms: u64, incoming: Incoming) {
        self.advance(now_ms);
        match incoming {
            Incoming::Order(order) => self.on_order(order),
            Incoming::InstantActions(message) => self.on_instant_actions(message),
            Incoming::Connection(connection) => match connection.connection_state {
                ConnectionState::ConnectionBroken if self.report.is_connected => self.send_online(),
                ConnectionState::ConnectionBroken | ConnectionState::Online | ConnectionState::Offline => {}
            },
            Incoming::Malformed(topic, why) => self.on_malformed(topic, why),
        }
        self.settle();
    }

    /// The session with the broker stands, the subscriptions are asked for: ONLINE, factsheet and state go out.
    pub fn on_connected(&mut self, now_ms: u64) {
        self.advance(now_ms);
        self.report.is_connected = true;
        self.send_online();
        self.send_factsheet();
        self.report.is_dirty = true;
        self.settle();
    }

    /// The session broke: the robot goes on to its decision point, nothing is sent.
    pub fn on_disconnected(&mut self, now_ms: u64) {
        self.advance(now_ms);
        self.report.is_connected = false;
        self.report.outbox.clear();
    }

    /// An orderly stop: OFFLINE is the last message.
    pub fn on_shutdown(&mut self, now_ms: u64) {
        self.advance(now_ms);
        self.report.outbox.clear();
        self.send_connection(ConnectionState::Offline);
        self.report.is_connected = false;
    }

    /// Time passes.
    pub fn advance(&mut self, now_ms: u64) {
        let mut rounds = 0;
        while let Some(at) = self.next_timeout().filter(|at| *at <= now_ms) {
            rounds = if at > self.now_ms { 0 } else { rounds + 1 };
            if rounds > ROUNDS_MAX {
                break;
            }
            self.catch_up(at);
        }
        self.catch_up(now_ms);
    }

    /// When [`Agent::advance`] has something to do, if nothing comes in before.
    pub fn next_timeout(&self) -> Option<u64> {
        let new_base = self.new_base_at().filter(|at| *at > self.now_ms);
        [
            self.drive.next_timeout(),
            self.report.next_state_ms(&self.options),
            self.report.next_visual_ms,
            new_base,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The next message to send, oldest first.
    pub fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.report.outbox.pop_front()
    }

    /// Where the machine really is.
    pub fn pose(&self) -> Pose {
        self.drive.status().pose
    }

    /// The last will for the broker: CONNECTIONBROKEN, retained, QoS 1.
    pub fn will(&self) -> Connection {
        Connection { header: self.header(0), connection_state: ConnectionState::ConnectionBroken }
    }

    /// Someone turns the key. Out of AUTOMATIC and SEMIAUTOMATIC the robot stops and drops its order.
    pub fn set_mode(&mut self, now_ms: u64, mode: OperatingMode) {
        self.advance(now_ms);
        self.mode = mode;
        if !self.takes_orders() {
            self.drive.abandon(self.now_ms);
            self.fail_open_actions(|_| true);
            self.close_order();
        }
        self.report.is_dirty = true;
        self.settle();
    }

    /// Someone has put the robot on this node and told it so. Whatever order it had is over.
    pub fn relocate(&mut self, now_ms: u64, node_id: &str) {
        self.advance(now_ms);
        self.drive.abandon(self.now_ms);
        self.fail_open_actions(|_| true);
        self.close_order();
        self.course.last_node_id = node_id.to_owned();
        self.report.is_dirty = true;
        self.settle();
    }

    /// What is aboard.
    pub fn loads(&self) -> &[Load] {
        &self.loads
    }

    /// The node it passed last, as it believes; empty if none.
    pub fn last_node_id(&self) -> &str {
        &self.course.last_node_id
    }

    /// Who drives it.
    pub fn mode(&self) -> OperatingMode {
        self.mode
    }

    /// What is aboard, as after a restart or when someone takes a load off by hand.
    pub fn set_loads(&mut self, now_ms: u64, loads: Vec<Load>) {
        self.advance(now_ms);
        self.loads = loads;
        self.report.is_dirty = true;
        self.settle();
    }

    /// The major version it speaks.
    pub fn dialect(&self) -> Dialect {
        self.options.dialect
    }

    /// One of its topics.
    pub fn topic(&self, kind: TopicKind) -> String {
        self.identity.topic(self.options.dialect, kind)
    }

    /// Who the robot is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The machine.
    pub fn drive(&self) -> &D {
        &self.drive
    }

    /// The machine, for faults and service; call [`Agent::advance`] afterwards.
    pub fn drive_mut(&mut self) -> &mut D {
        &mut self.drive
    }

    /// No order is under way: nothing to drive and no action open.
    pub fn is_idle(&self) -> bool {
        self.course.steps.is_empty() && !self.book.has_open()
    }

    fn takes_orders(&self) -> bool {
        match self.mode {
            OperatingMode::Automatic | OperatingMode::Semiautomatic => true,
            OperatingMode::Manual
            | OperatingMode::Service
            | OperatingMode::Teachin
            | OperatingMode::Startup
            | OperatingMode::Intervened
            | OperatingMode::Unknown => false,
        }
    }

    fn catch_up(&mut self, at_ms: u64) {
        self.now_ms = self.now_ms.max(at_ms);
        self.drive.advance(self.now_ms);
        self.settle();
    }

    /// Takes the drive's news and does all that follows at this instant, then reports once.
    fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let has_news = self.take_news();
            let has_moved = self.enter_edge() | self.start_actions() | self.end_cancel() | self.end_pause();
            if !self.give_base() && !has_news && !has_moved {
                break;
            }
        }
        self.send_due();
    }

    fn take_news(&mut self) -> bool {
        let mut has_news = false;
        while let Some(progress) = self.drive.poll() {
            has_news = true;
            self.report.is_dirty = true;
            match progress {
                Progress::Reached(seq) => self.on_reached(seq),
                Progress::Done(id, outcome) => self.on_done(&id, outcome),
            }
        }
        has_news
    }

    fn on_reached(&mut self, seq: u64) {
        for step in self.course.reach(seq) {
            for id in self.book.leave_edge(step.edge.sequence_id) {
                self.drive.interrupt(self.now_ms, &id);
            }
            if self.cancelling.is_empty() {
                self.book.trigger(Origin::Node(step.node.sequence_id));
            }
        }
    }

    /// The robot leaves its node: the actions of the edge begin.
    fn enter_edge(&mut self) -> bool {
        let may_enter = self.cancelling.is_empty() && !self.book.is_blocking();
        let Some(step) = self.course.steps.front_mut().filter(|step| may_enter && enterable(step)) else {
            return false;
        };
        step.entered = true;
        let origin = Origin::Edge(step.edge.sequence_id);
        self.book.trigger(origin);
        true
    }

    fn start_actions(&mut self) -> bool {
        let started = self.book.start(!self.drive.is_driving());
        let has_started = !started.is_empty();
        for action in started {
            self.perform(action);
        }
        self.report.is_dirty |= has_started;
        has_started
    }

    fn give_base(&mut self) -> bool {
        if !self.cancelling.is_empty() || self.book.is_blocking() {
            return false;
        }
        let waypoints = self.course.give();
        if waypoints.is_empty() {
            return false;
        }
        self.drive.extend(self.now_ms, waypoints);
        true
    }

    /// When `newBaseRequest` rises; `None` if there is no horizon to ask for.
    fn new_base_at(&self) -> Option<u64> {
        let course = &self.course;
        if !course.has_horizon() || course.has_base_to_give() || !self.cancelling.is_empty() {
            return None;
        }
        if course.given == 0 {
            return Some(self.now_ms);
        }
        self.drive.slows_at().map(|at| at.saturating_sub(NEW_BASE_LEAD_MS))
    }
}

fn enterable(step: &Step) -> bool {
    step.is_released() && !step.entered
}
