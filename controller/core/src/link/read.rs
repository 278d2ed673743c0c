//! From a VDA 5050 state to facts: what it shows against what the fleet knows.

use drover_maps::{Layout, NodeId};
use drover_proto::vda5050::{self, State};

use super::place::{self, Position};
use super::{Pose, RobotError, Seen, errors};
use crate::clock::Time;
use crate::event::{ActionStatus, Connection, Fact, Mode};
use crate::robot::{Robot, Stand, Step};

/// Change of the state of charge worth an event, per mille.
const CHARGE_STEP_PERMILLE: u16 = 10;

/// VDA 5050 has no word for it: the `errorType` of a robot that isn't on its way any more, in small letters.
const OFF_PATH: &str = "offpath";

/// What is known of a state beside what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session<'a> {
    pub(super) now: Time,
    /// The state answers a question that was asked after our last order was sent: it can't be an old one.
    pub(super) is_proven: bool,
    /// The action that cancels the present order, if any.
    pub(super) cancel: Option<&'a str>,
}

/// What a state says.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// Everything it proves that the robot's record doesn't say yet, in the order it must be taken.
    pub(super) facts: Vec<Fact>,
    /// It says more that only the answer to a question can prove.
    pub(super) needs_proof: bool,
}

/// Reads a state.
pub(super) fn read(state: &State, robot: &Robot, layout: &Layout, session: Session<'_>) -> Reading {
    let position = place::position(state, layout);
    let standing = standing(state, robot, layout, session);
    let stray = stray(state, robot, layout, position, standing);
    let mut facts = Vec::new();
    let is_told = robot.stands.as_ref().is_some_and(|known| known.is_sure);
    let is_doubtful = stray.is_some() && !is_told;
    let is_news = |stray: &Stand| {
        let known = robot.stands.as_ref();
        known.is_none_or(|known| !known.is_same(stray)) || (session.is_proven && !is_told)
    };
    let is_back = stray.is_none() && is_back(state, robot, layout, position.is_some());
    let news = if is_back { Some(Stand::default()) } else { stray.clone().filter(is_news) };
    facts.extend(news.map(|Stand { nodes, edges, .. }| Fact::Strayed { nodes, edges }));
    if robot.connection != Some(Connection::Online) {
        facts.push(Fact::Connection(Connection::Online));
    }
    if robot.is_silent {
        facts.push(Fact::Silent(false));
    }
    let mode = mode(state.operating_mode);
    if mode != robot.mode {
        facts.push(Fact::Mode(mode));
    }
    let is_faulted = state.errors.iter().any(|error| error.error_level == vda5050::ErrorLevel::Fatal);
    if is_faulted != robot.is_faulted {
        facts.push(Fact::Faulted(is_faulted));
    }
    let blocked = errors::blocked_edge(state, robot, layout);
    if blocked != robot.blocked.as_ref().map(|blocked| blocked.edge) {
        facts.push(Fact::Blocked { edge: blocked });
    }
    facts.extend(battery(state, robot));
    // Some robots leave `paused` out: who was told to stand and doesn't drive stands.
    let is_paused = state.paused.unwrap_or(robot.hold.is_told && !state.driving);
    if is_paused != robot.hold.is_paused {
        facts.push(Fact::Paused(is_paused));
    }
    if let Standing::At(node) = standing {
        facts.push(Fact::Located { node });
    } else if is_on_our_order(state, robot) {
        facts.extend(shown(state, robot));
        let passed = passed(state, robot, layout, position.as_ref(), session.now);
        facts.extend(passed.filter(|_| stray.is_none()));
    }
    // Told again, an order that begins elsewhere would only be refused again.
    facts.extend(rejected(state, robot).filter(|_| !refuses_to_begin(state, robot, layout)));
    facts.extend(actions(state, robot));
    if state.driving != robot.is_driving {
        facts.push(Fact::Driving(state.driving));
    }
    let has_unloaded = has_unloaded(state, robot);
    facts.extend((has_unloaded && session.is_proven).then_some(Fact::Load(None)));
    let is_unproven = standing == Standing::Unproven || has_unloaded || is_doubtful;
    Reading { facts, needs_proof: is_unproven && !session.is_proven }
}

/// Its job has ended, it still counts as loaded, and it says that nothing is aboard.
fn has_unloaded(state: &State, robot: &Robot) -> bool {
    robot.job().is_none() && robot.load.is_some() && state.loads.as_ref().is_some_and(Vec::is_empty)
}

pub(super) fn is_on_our_order(state: &State, robot: &Robot) -> bool {
    robot.order.last.as_ref().is_some_and(|last| last.order_id == state.order_id)
}

fn is_idle(state: &State) -> bool {
    let ended = |status| matches!(status, vda5050::ActionStatus::Finished | vda5050::ActionStatus::Failed);
    state.node_states.is_empty()
        && state.action_states.iter().all(|action| ended(action.action_status))
        && !state.driving
}

/// It drives an order that the fleet knows nothing of, or one that it refused at first and took when it came again: then
/// it refuses what took that one's place.
pub(super) fn runs_foreign_order(state: &State, robot: &Robot) -> bool {
    let refuses = robot.order.refusals > 0 && !robot.order.is_seen && !is_on_our_order(state, robot);
    (robot.order.last.is_none() || refuses) && !is_idle(state)
}

/// Where a robot without an order of ours stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It has an order, drives, or is a person's: not to be asked.
    Busy,
    /// On a node.
    At(NodeId),
    /// It says so, but the state may be an old one.
    Unproven,
    /// On no node.
    Nowhere,
}

/// Without an order are: a robot at first sight, or heard again after it was off the floor; one that forgot or dropped
/// an order it had shown; one whose order is cancelled; one that was moved when it had nothing to do.
fn standing(state: &State, robot: &Robot, layout: &Layout, session: Session<'_>) -> Standing {
    let is_new = robot.trail.steps.is_empty() && robot.order.count == 0;
    let is_ours = is_new || mode(state.operating_mode).takes_orders();
    if !is_idle(state) || !is_ours {
        return Standing::Busy;
    }
    let is_cancelled = session.cancel.is_some_and(|id| has_ended(state, id));
    let is_sure = is_new || is_cancelled || session.is_proven;
    let was_moved = robot.stands.is_some() && !robot.order.is_cancelled && robot.order.is_complete();
    let is_elsewhere = refuses_to_begin(state, robot, layout);
    let has_none = robot.trail.steps.is_empty() || has_lost_order(state, robot) || was_moved || is_elsewhere;
    if !(has_none || has_dropped_order(state, robot) || is_cancelled) {
        return Standing::Busy;
    }
    match place::node(state, layout) {
        Some(node) if is_sure => Standing::At(node),
        Some(_) => Standing::Unproven,
        None => Standing::Nowhere,
    }
}

fn has_lost_order(state: &State, robot: &Robot) -> bool {
    let last = robot.order.last.as_ref();
    let has_shown_it = last.is_some_and(|last| robot.order.is_seen || last.update_id > 0);
    has_shown_it && !is_on_our_order(state, robot)
}

/// It refuses a new order, and stands at another node than the one the order begins at: it came there unseen.
fn refuses_to_begin(state: &State, robot: &Robot, layout: &Layout) -> bool {
    let new = robot.order.last.as_ref().filter(|last| last.update_id == 0 && !robot.order.is_seen);
    let begins = new.and_then(|last| last.nodes.first()).map(|node| node.node);
    begins.is_some()
        && (robot.order.refusals > 0 || rejected(state, robot).is_some())
        && !is_on_our_order(state, robot)
        && place::node(state, layout).is_some_and(|node| Some(node) != begins)
}

/// It shows our order but nothing of it is left to drive, though it hasn't come to the end of what the state shows: the
/// decision point, or where the message that it doesn't show yet begins.
fn has_dropped_order(state: &State, robot: &Robot) -> bool {
    let Some(last) = robot.order.last.as_ref().filter(|last| last.order_id == state.order_id) else {
        return false;
    };
    let is_told = robot.order.is_shown_by(&state.order_id, state.order_update_id);
    let mut base = last.nodes.iter().filter(|node| node.released);
    let end = if is_told { base.next_back() } else { base.next() };
    state.node_states.is_empty() && end.is_some_and(|end| state.last_node_sequence_id < end.sequence_id)
}

/// The action is shown to have ended, well or badly.
pub(super) fn has_ended(state: &State, action: &str) -> bool {
    state
        .action_states
        .iter()
        .any(|shown| shown.action_id == action && status(shown.action_status) >= ActionStatus::Finished)
}

/// What it overlaps, if it isn't where its way leads.
fn stray(
    state: &State,
    robot: &Robot,
    layout: &Layout,
    position: Option<Position<'_>>,
    standing: Standing,
) -> Option<Stand> {
    let Some(position) = position else {
        let is_placed = !robot.trail.steps.is_empty();
        return place::named_off(state, robot, layout).filter(|_| is_placed);
    };
    let is_placed = !robot.trail.steps.is_empty();
    let is_beside = is_placed && !position.is_on(robot.trail.steps.iter().copied(), layout);
    let is_lost = is_placed && state.errors.iter().any(says_off_path);
    let is_astray =
        is_beside || is_lost || standing == Standing::Nowhere || is_misnamed(state, robot, layout);
    is_astray.then(|| position.overlap(robot.robot_type, layout))
}

fn says_off_path(error: &vda5050::Error) -> bool {
    let letters = error.error_type.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    error.error_level == vda5050::ErrorLevel::Fatal && name == OFF_PATH
}

/// It counts a node of its way as passed, by its sequenceId, and names another node of the layout for it.
fn is_misnamed(state: &State, robot: &Robot, layout: &Layout) -> bool {
    let (named, count) = (layout.node_named(&state.last_node_id), state.last_node_sequence_id);
    let step = robot.trail.steps.iter().find(|step| step.sequence_id == count && count > 0);
    let is_other = step.is_some_and(|step| named.is_some_and(|named| named != step.node));
    is_other && is_on_our_order(state, robot)
}

/// It was astray, and is on its way again: it knows that it is there, or names a node of it.
fn is_back(state: &State, robot: &Robot, layout: &Layout, is_known: bool) -> bool {
    let is_placed = !robot.trail.steps.is_empty() && robot.stands.is_some();
    is_placed && (is_known || layout.node_named(&state.last_node_id).is_some())
}

/// What the state says for people to see.
pub(super) fn seen(now: Time, state: &State) -> Seen {
    let position = state.agv_position.as_ref();
    let mm = |metres: f64| (metres * 1_000.0).round() as i64;
    let square = |speed: Option<f64>| speed.unwrap_or_default() * speed.unwrap_or_default();
    let velocity = state.velocity.as_ref();
    let speed = velocity.map_or(0.0, |it| (square(it.vx) + square(it.vy)).sqrt() * 1_000.0);
    Seen {
        at: now,
        pose: position.map(|position| Pose {
            map: position.map_id.clone(),
            x_mm: mm(position.x),
            y_mm: mm(position.y),
            theta_mdeg: (position.theta.to_degrees() * 1_000.0).round() as i32,
        }),
        speed_mm_s: speed.round() as u32,
        loads: state.loads.as_ref().map(|loads| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            loads.iter().map(|load| (text(&load.load_id), text(&load.load_type))).collect()
        }),
        errors: state
            .errors
            .iter()
            .map(|error| RobotError {
                error_type: error.error_type.clone(),
                is_fatal: error.error_level == vda5050::ErrorLevel::Fatal,
                stops_it: stops_it(error.error_level),
                description: error.error_description.clone().unwrap_or_default(),
            })
            .collect(),
    }
}

fn stops_it(level: vda5050::ErrorLevel) -> bool {
    match level {
        vda5050::ErrorLevel::Fatal | vda5050::ErrorLevel::Critical => true,
        vda5050::ErrorLevel::Warning | vda5050::ErrorLevel::Urgent => false,
    }
}

fn shown(state: &State, robot: &Robot) -> Option<Fact> {
    let is_new = !robot.order.is_seen && robot.order.is_shown_by(&state.order_id, state.order_update_id);
    is_new.then_some(Fact::OrderSeen { update_id: state.order_update_id })
}

/// The last node it says it has passed, if that is news and fits the rest of what it says. Some robots show a new order
/// with the last sequenceId of the one before: what they still list as ahead tells. Who was told of for being too early is
/// heard again when it can have come so far.
fn passed(
    state: &State,
    robot: &Robot,
    layout: &Layout,
    position: Option<&Position<'_>>,
    now: Time,
) -> Option<Fact> {
    let sequence_id = state.last_node_sequence_id;
    let first = robot.trail.steps.front()?;
    let is_ahead_of_itself = state.node_states.iter().any(|node| node.sequence_id <= sequence_id);
    if sequence_id <= first.sequence_id || is_ahead_of_itself {
        return None;
    }
    let is_at = |node: NodeId| layout.node(node).name == state.last_node_id;
    let steps = &robot.trail.steps;
    let is_plausible = match steps.iter().position(|step| step.sequence_id == sequence_id) {
        Some(index) => {
            // By its own position it is at the node, or beyond: not still before it.
            let beyond = steps.iter().skip(index).zip(0..);
            let mut beyond =
                beyond.map(|(step, place)| Step { edge: step.edge.filter(|_| place > 0), ..*step });
            let is_there = position.is_none_or(|position| position.is_on(&mut beyond, layout));
            let step = &steps[index];
            is_at(step.node) && is_there && (step.earliest <= now || !robot.order.is_implausible)
        }
        None => !robot.is_off_path && !robot.trail.steps.iter().any(|step| is_at(step.node)),
    };
    is_plausible.then_some(Fact::Passed { sequence_id })
}

/// An error that names our last message, which the state doesn't show.
fn rejected(state: &State, robot: &Robot) -> Option<Fact> {
    let last = robot.order.last.as_ref().filter(|_| !robot.order.is_seen && !robot.is_refusing())?;
    if robot.order.is_shown_by(&state.order_id, state.order_update_id) {
        return None;
    }
    let update = last.update_id.to_string();
    let names_us = |error: &&vda5050::Error| {
        // 3.0 wants the order's id only, where the order is a new one.
        let named = error.reference("orderUpdateId");
        let is_update = named == Some(&update) || (named.is_none() && last.update_id == 0);
        error.reference("orderId") == Some(&last.order_id) && is_update
    };
    let error = state.errors.iter().find(names_us)?;
    let reason = format!("{} {}", error.error_type, error.error_description.clone().unwrap_or_default());
    Some(Fact::Rejected { order_id: last.order_id.clone(), update_id: last.update_id, reason })
}

fn actions(state: &State, robot: &Robot) -> Vec<Fact> {
    let mut facts = Vec::new();
    for known in &robot.order.actions {
        let shown = state.action_states.iter().find(|shown| shown.action_id == known.id);
        let status = shown.map(|shown| status(shown.action_status));
        if let Some(status) = status.filter(|status| *status > known.status) {
            facts.push(Fact::Action { action_id: known.id.clone(), status });
        }
    }
    facts
}

fn battery(state: &State, robot: &Robot) -> Option<Fact> {
    let charge = state.battery_state.battery_charge;
    let charge_permille =
        if charge.is_finite() { (charge.clamp(0.0, 100.0) * 10.0) as u16 } else { return None };
    let charging = state.battery_state.charging;
    let is_news =
        robot.charge_permille.is_none_or(|known| known.abs_diff(charge_permille) >= CHARGE_STEP_PERMILLE);
    (is_news || charging != robot.is_charging).then_some(Fact::Battery { charge_permille, charging })
}

fn status(status: vda5050::ActionStatus) -> ActionStatus {
    match status {
        vda5050::ActionStatus::Waiting => ActionStatus::Waiting,
        vda5050::ActionStatus::Initializing
        | vda5050::ActionStatus::Running
        | vda5050::ActionStatus::Paused
        | vda5050::ActionStatus::Unknown => ActionStatus::Running,
        vda5050::ActionStatus::Finished => ActionStatus::Finished,
        vda5050::ActionStatus::Failed => ActionStatus::Failed,
    }
}

fn mode(mode: vda5050::OperatingMode) -> Mode {
    match mode {
        vda5050::OperatingMode::Automatic => Mode::Automatic,
        vda5050::OperatingMode::Semiautomatic => Mode::Semiautomatic,
        vda5050::OperatingMode::Manual => Mode::Manual,
        vda5050::OperatingMode::Service
        | vda5050::OperatingMode::Teachin
        | vda5050::OperatingMode::Startup
        | vda5050::OperatingMode::Intervened
        | vda5050::OperatingMode::Unknown => Mode::OutOfControl,
    }
}

pub(super) fn connection(state: vda5050::ConnectionState) -> Connection {
    match state {
        vda5050::ConnectionState::Online => Connection::Online,
        vda5050::ConnectionState::Offline => Connection::Offline,
        vda5050::ConnectionState::ConnectionBroken => Connection::Broken,
    }
}
