//! ONE robot's VDA 5050 session: soft state, rebuilt from the robot's next state, which is a full snapshot.
//!
//! Reads states into facts by comparing them with what the fleet already knows, so that a repeated or late state says
//! nothing new. Delivers one message at a time: sends it, and sends the identical one again until a state shows it
//! (QoS 0 promises nothing). Never invents content: what it sends was released and committed before.

mod device;
mod errors;
mod place;
mod profile;
mod read;
mod write;

pub(crate) use device::DeviceLink;
pub(crate) use place::node as place;
pub(crate) use profile::Profile;

use read::Session;

use drover_maps::Layout;
use drover_proto::vda5050;

use crate::change::Change;
use crate::clock::Time;
use crate::config::Config;
use crate::event::{Connection, Fact};
use crate::id::RobotName;
use crate::release::Order;
use crate::robot::Robot;

/// Times a message is sent again at the same pace before the pace halves.
const RESENDS_PER_PACE: u32 = 3;
/// The slowest pace is this many times the first one.
const PACE_MAX: u64 = 8;
/// Time between two questions for a state, ms.
pub(crate) const ASK_MS: u64 = 5_000;
/// Questions without an answer after which a robot is taken to give none: its states are believed as they come.
const ASKS_MAX: u32 = 24;
/// A header id lower than the newest by less than this belongs to a late state; by more, to a robot that counts anew.
const LATE_IDS: u32 = 4_096;
/// Late states in a row after which the robot is asked: it may have begun to count anew without a word.
const LATES_MAX: u32 = 8;
/// A robot that was told to stand this often and drives on doesn't understand it.
const PAUSES_MAX: u32 = 4;
/// Time between two cancels of an order that isn't ours, ms.
const CANCEL_MS: u64 = 10_000;

/// The session with one robot.
#[derive(Clone, Debug)]
pub struct Link {
    name: RobotName,
    profile: Profile,
    /// The committed message the robot was last told.
    order: Option<Order>,
    sent_at: Option<Time>,
    sends: u32,
    /// When the last order was sent, this one or the one before.
    ordered_at: Option<Time>,
    heard_at: Option<Time>,
    /// The broker said ONLINE since we are here.
    is_there: bool,
    asked_at: Option<Time>,
    /// Header id of the newest state of this session. Time stamps decide nothing.
    newest: Option<u32>,
    /// Late states since the newest.
    lates: u32,
    /// Something was said that only an answer proves.
    must_ask: bool,
    /// The question's action: a state that shows it was written after our last order was sent.
    question: Option<String>,
    asks: u32,
    /// It is committed that the robot must give its order up.
    must_cancel: bool,
    cancel_sent_at: Option<Time>,
    /// The cancel is shown to have ended.
    is_cancel_over: bool,
    runs_foreign_order: bool,
    cancelled_at: Option<Time>,
    /// It is committed that the robot must stand.
    stand: bool,
    paused_at: Option<Time>,
    /// Times it was told to stand or go on since that was committed.
    pauses: u32,
    seen: Option<Seen>,
    order_headers: u32,
    action_headers: u32,
}

/// What a robot's newest state says for people to see; nothing is decided by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// When it came.
    pub at: Time,
    /// Where the robot stands by its own word.
    pub pose: Option<Pose>,
    /// How fast it drives, mm/s.
    pub speed_mm_s: u32,
    /// Loads aboard, id and type; none = it doesn't say.
    pub loads: Option<Vec<(String, String)>>,
    /// What it complains of.
    pub errors: Vec<RobotError>,
}

/// A pose on the layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pose {
    /// The map.
    pub map: String,
    /// East, mm.
    pub x_mm: i64,
    /// North, mm.
    pub y_mm: i64,
    /// Counter-clockwise from east, mdeg.
    pub theta_mdeg: i32,
}

/// VDA 5050 `errors[]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotError {
    /// VDA 5050 `errorType`.
    pub error_type: String,
    /// VDA 5050 `errorLevel` FATAL.
    pub is_fatal: bool,
    /// It can't go on with its order: FATAL, or 3.0's CRITICAL.
    pub stops_it: bool,
    /// VDA 5050 `errorDescription`.
    pub description: String,
}

/// What a link wants published to its robot, QoS 0, not retained.
#[derive(Clone, Debug, PartialEq)]
pub enum ToRobot {
    /// Topic `order`.
    Order(Box<vda5050::Order>),
    /// Topic `instantActions`.
    InstantActions(Box<vda5050::InstantActions>),
}

/// The broker says that it is there.
pub(crate) fn is_online(message: &vda5050::Connection) -> bool {
    read::connection(message.connection_state) == Connection::Online
}

/// A robot that isn't of the fleet is asked where it stands, in the version it writes.
pub(crate) fn question(name: &RobotName, version: &str, header: u32, now: Time) -> ToRobot {
    let header = write::head(name, version, header, now);
    let id = write::action_id(name, "stateRequest", now.0);
    ToRobot::InstantActions(Box::new(write::instant("stateRequest", id, header)))
}

impl Link {
    /// A session that hasn't heard of its robot; the robot's record says what it was last told.
    /// Instant actions are numbered on from what it may have been sent before it joined.
    pub(crate) fn new(robot: &Robot, profile: Profile, action_headers: u32) -> Link {
        Link {
            name: robot.name.clone(),
            profile,
            order: robot.order.last.clone(),
            sent_at: None,
            sends: 0,
            ordered_at: None,
            heard_at: None,
            is_there: false,
            asked_at: None,
            newest: None,
            lates: 0,
            must_ask: false,
            question: None,
            asks: 0,
            must_cancel: robot.order.is_cancelled,
            cancel_sent_at: None,
            is_cancel_over: false,
            runs_foreign_order: false,
            cancelled_at: None,
            stand: robot.hold.is_told,
            paused_at: None,
            pauses: 0,
            seen: None,
            order_headers: 0,
            action_headers,
        }
    }

    /// A committed message takes the place of the one before.
    pub fn deliver(&mut self, order: Order) {
        self.order = Some(order);
        self.sent_at = None;
        self.sends = 0;
        self.must_cancel = false;
        self.forget_question();
    }

    /// It is committed that the robot must give its order up.
    pub fn cancel(&mut self) {
        self.must_cancel = true;
        self.cancel_sent_at = None;
        self.is_cancel_over = false;
    }

    /// It is committed that the robot must stand, or may go on.
    pub fn pause(&mut self, stand: bool) {
        self.stand = stand;
        (self.paused_at, self.pauses) = (None, 0);
    }

    /// It was told to stand again and again, drives, and says nothing of a pause.
    pub fn is_pause_unheeded(&self, robot: &Robot) -> bool {
        self.stand && !robot.hold.is_paused && robot.is_driving && self.pauses >= PAUSES_MAX
    }

    /// What its newest state says for people to see.
    pub fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    /// What the state proves that the fleet doesn't know yet. Late states prove nothing.
    pub fn on_state(
        &mut self,
        now: Time,
        state: &vda5050::State,
        robot: &Robot,
        layout: &Layout,
    ) -> Vec<Fact> {
        self.heard_at = Some(now);
        let is_answer = self.question.as_ref().is_some_and(|question| read::has_ended(state, question));
        if self.is_late(&state.header) && !is_answer {
            self.lates += 1;
            self.must_ask |= self.lates >= LATES_MAX;
            return Vec::new();
        }
        self.newest = Some(state.header.header_id);
        self.lates = 0;
        self.profile.note_version(&state.header);
        self.seen = Some(read::seen(now, state));
        self.runs_foreign_order = read::runs_foreign_order(state, robot);
        let cancel = self.cancel_id(robot);
        self.is_cancel_over |= cancel.as_ref().is_some_and(|id| read::has_ended(state, id));
        let is_proven = is_answer || self.asks >= ASKS_MAX;
        let reading = read::read(state, robot, layout, Session { now, is_proven, cancel: cancel.as_deref() });
        self.must_ask = reading.needs_proof;
        if !self.must_ask && !is_answer {
            self.forget_question();
        }
        reading.facts
    }

    /// Another layout is in use: what was told is the same there, or is told no more.
    pub(crate) fn carry(&mut self, change: &Change) {
        self.order = self.order.take().and_then(|order| change.order(&order));
    }

    fn forget_question(&mut self) {
        (self.must_ask, self.question, self.asks, self.asked_at) = (false, None, 0, None);
    }

    fn is_late(&self, header: &vda5050::Header) -> bool {
        let behind = |newest: u32| newest.wrapping_sub(header.header_id);
        self.newest.is_some_and(|newest| (1..LATE_IDS).contains(&behind(newest)))
    }

    /// Its factsheet came: what it requires of orders and we don't write.
    pub fn on_factsheet(&mut self, sheet: &vda5050::Factsheet) -> Vec<String> {
        self.profile.learn(sheet)
    }

    /// What the broker says of the robot: a new session begins. Its time stamps are old by nature and decide nothing.
    pub fn on_connection(&mut self, message: &vda5050::Connection, robot: &Robot) -> Vec<Fact> {
        let connection = read::connection(message.connection_state);
        self.is_there = connection == Connection::Online;
        (self.newest, self.lates) = (None, 0);
        self.profile.note_version(&message.header);
        if robot.connection == Some(connection) { Vec::new() } else { vec![Fact::Connection(connection)] }
    }

    /// The robot has been silent for too long, and the fleet doesn't know.
    pub fn silence(&self, now: Time, robot: &Robot, config: &Config) -> Option<Fact> {
        let heard = self.heard_at?;
        let is_silent = now.since_ms(heard) >= self.profile.silent_ms(config.silent_ms);
        (is_silent && !robot.is_silent).then_some(Fact::Silent(true))
    }

    /// The message that is due now, if any: never before the robot was heard, never in a mode that forbids orders.
    pub fn poll(&mut self, now: Time, robot: &Robot, layout: &Layout, config: &Config) -> Option<ToRobot> {
        if self.heard_at.is_none() {
            return self.poll_question(now);
        }
        if let Some(question) = self.poll_proof(now) {
            return Some(question);
        }
        if robot.order.is_cancelled {
            return self.poll_give_up(now, robot, config);
        }
        if let Some(cancel) = self.poll_cancel(now, robot) {
            return Some(cancel);
        }
        if let Some(action) =
            self.pause_due(robot, config).filter(|(due, _)| *due <= now).map(|(_, action)| action)
        {
            self.paused_at = Some(now);
            self.pauses += 1;
            return Some(self.instant(action, now));
        }
        let is_due = self.due_at(robot, config).is_some_and(|due| due <= now);
        if !is_due || !robot.mode.takes_orders() {
            return None;
        }
        let order = self.order.as_ref()?;
        (self.sent_at, self.ordered_at) = (Some(now), Some(now));
        self.sends += 1;
        self.order_headers += 1;
        let header = write::head(&self.name, &self.profile.version, self.order_headers, now);
        Some(ToRobot::Order(Box::new(write::order(order, layout, &self.profile, header))))
    }

    /// Who is there but hasn't been heard is asked for a state, and told nothing before it has answered.
    fn poll_question(&mut self, now: Time) -> Option<ToRobot> {
        let waited = self.asked_at.is_none_or(|at| now.since_ms(at) >= ASK_MS);
        if !(self.is_there && waited) {
            return None;
        }
        self.asked_at = Some(now);
        Some(self.instant("stateRequest", now))
    }

    /// What only an answer proves is asked, under the same id until it is answered.
    fn poll_proof(&mut self, now: Time) -> Option<ToRobot> {
        if self.proof_due_at().is_none_or(|due| due > now) {
            return None;
        }
        self.asked_at = Some(now);
        self.asks += 1;
        let id = self.question.get_or_insert_with(|| write::action_id(&self.name, "stateRequest", now.0));
        let id = id.clone();
        Some(self.instant_as("stateRequest", id, now))
    }

    fn proof_due_at(&self) -> Option<Time> {
        let due = self.asked_at.map_or(Time(0), |asked| asked.plus_ms(ASK_MS));
        (self.must_ask && self.asks < ASKS_MAX).then_some(due)
    }

    /// The cancel of the present order: nothing else is sent until it has ended.
    fn poll_give_up(&mut self, now: Time, robot: &Robot, config: &Config) -> Option<ToRobot> {
        if self.give_up_due_at(robot, config).is_none_or(|due| due > now) {
            return None;
        }
        self.cancel_sent_at = Some(now);
        let id = self.cancel_id(robot)?;
        Some(self.instant_as("cancelOrder", id, now))
    }

    fn give_up_due_at(&self, robot: &Robot, config: &Config) -> Option<Time> {
        let is_due = self.must_cancel && robot.order.is_cancelled && !self.is_cancel_over;
        let due = self.cancel_sent_at.map_or(Time(0), |sent| sent.plus_ms(config.resend_ms));
        (is_due && robot.mode.takes_orders()).then_some(due)
    }

    /// The action that cancels the present order: the same one also after a start of ours.
    fn cancel_id(&self, robot: &Robot) -> Option<String> {
        let order = robot.order.last.as_ref().filter(|_| robot.order.is_cancelled)?;
        Some(write::action_id(&self.name, "cancelOrder", &order.order_id))
    }

    fn instant(&mut self, action: &str, now: Time) -> ToRobot {
        let id = write::action_id(&self.name, action, now.0);
        self.instant_as(action, id, now)
    }

    fn instant_as(&mut self, action: &str, id: String, now: Time) -> ToRobot {
        self.action_headers += 1;
        let header = write::head(&self.name, &self.profile.version, self.action_headers, now);
        let mut message = write::instant(action, id, header);
        if self.profile.old_instant_actions() {
            message.old_actions.clone_from(&message.actions);
        }
        ToRobot::InstantActions(Box::new(message))
    }

    /// A robot that isn't on the layout yet but drives somebody's order: ours to stop, since it is configured as ours.
    fn poll_cancel(&mut self, now: Time, robot: &Robot) -> Option<ToRobot> {
        if self.cancel_due(robot).is_none_or(|due| due > now) {
            return None;
        }
        self.cancelled_at = Some(now);
        Some(self.instant("cancelOrder", now))
    }

    fn cancel_due(&self, robot: &Robot) -> Option<Time> {
        let is_unplaced = robot.trail.steps.is_empty();
        let is_foreign =
            self.runs_foreign_order && (is_unplaced || robot.order.refusals > 0) && robot.mode.takes_orders();
        is_foreign.then(|| self.cancelled_at.map_or(Time(0), |sent| sent.plus_ms(CANCEL_MS)))
    }

    /// The pause, or its end, that no state shows yet. A pause that isn't ours isn't ours to lift.
    fn pause_due(&self, robot: &Robot, config: &Config) -> Option<(Time, &'static str)> {
        let hold = &robot.hold;
        let action = match self.stand {
            true if !hold.is_paused => "startPause",
            false if hold.is_paused && hold.is_ours && !hold.is_told => "stopPause",
            true | false => return None,
        };
        let due = self.paused_at.map_or(Time(0), |sent| sent.plus_ms(config.resend_ms));
        robot.mode.takes_orders().then_some((due, action))
    }

    /// When the order is due. Not while a question is open: what is answered must have been said after all that we sent.
    fn due_at(&self, robot: &Robot, config: &Config) -> Option<Time> {
        if self.must_ask && self.asks < ASKS_MAX {
            return None;
        }
        let (order, last) = (self.order.as_ref()?, robot.order.last.as_ref()?);
        let is_last = order.update_id == last.update_id && order.order_id == last.order_id;
        if !is_last || robot.order.is_seen || robot.is_refusing() {
            return None;
        }
        let earliest = self.ordered_at.map_or(Time(0), |at| at.plus_ms(self.profile.order_interval_ms()));
        let pace = 1_u64 << (self.sends.saturating_sub(1) / RESENDS_PER_PACE).min(PACE_MAX.ilog2());
        let due = self.sent_at.map_or(Time(0), |sent| sent.plus_ms(config.resend_ms * pace));
        Some(due.max(earliest))
    }

    /// When `poll` or `silence` has something to do.
    pub fn next_timeout(&self, robot: &Robot, config: &Config) -> Option<Time> {
        let Some(heard) = self.heard_at else {
            return self.asked_at.filter(|_| self.is_there).map(|asked| asked.plus_ms(ASK_MS));
        };
        let resend = self.due_at(robot, config).filter(|_| robot.mode.takes_orders());
        let silence = (!robot.is_silent).then(|| heard.plus_ms(self.profile.silent_ms(config.silent_ms)));
        let pause = self.pause_due(robot, config).map(|(due, _)| due);
        let (proof, cancel) = (self.proof_due_at(), self.give_up_due_at(robot, config));
        if robot.order.is_cancelled {
            return silence.into_iter().chain(proof).chain(cancel).min();
        }
        let foreign = self.cancel_due(robot);
        resend.into_iter().chain(silence).chain(pause).chain(proof).chain(foreign).min()
    }
}
