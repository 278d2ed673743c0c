//! From a VDA 5050 state to facts: what it shows against what the fleet knows.

use drover_maps::{Layout, NodeId};
use drover_proto::vda5050::{self, State};

use super::{Pose, RobotError, Seen};
use crate::clock::Time;
use crate::event::{ActionStatus, Connection, Fact, Mode};
use crate::robot::Robot;

/// How near a node a robot must be to be taken as standing on it, mm.
const AT_NODE_MM: u32 = 500;
/// Change of the state of charge worth an event, per mille.
const CHARGE_STEP_PERMILLE: u16 = 10;

/// Everything the state proves that the robot's record doesn't say yet, in the order it must be taken.
pub(super) fn facts(state: &State, robot: &Robot, layout: &Layout) -> Vec<Fact> {
    let mut facts = Vec::new();
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
    facts.extend(battery(state, robot));
    // Some robots leave `paused` out: who was told to stand and doesn't drive stands.
    let is_paused = state.paused.unwrap_or(robot.hold.is_told && !state.driving);
    if is_paused != robot.hold.is_paused {
        facts.push(Fact::Paused(is_paused));
    }
    facts.extend(located(state, robot, layout));
    if is_on_our_order(state, robot) {
        facts.extend(shown(state, robot));
        facts.extend(passed(state, robot, layout));
    }
    facts.extend(rejected(state, robot));
    facts.extend(actions(state, robot));
    if state.driving != robot.is_driving {
        facts.push(Fact::Driving(state.driving));
    }
    facts
}

fn is_on_our_order(state: &State, robot: &Robot) -> bool {
    robot.order.last.as_ref().is_some_and(|last| last.order_id == state.order_id)
}

fn is_idle(state: &State) -> bool {
    let ended = |status| matches!(status, vda5050::ActionStatus::Finished | vda5050::ActionStatus::Failed);
    state.node_states.is_empty()
        && state.action_states.iter().all(|action| ended(action.action_status))
        && !state.driving
}

/// It drives an order that the fleet knows nothing of.
pub(super) fn runs_foreign_order(state: &State, robot: &Robot) -> bool {
    robot.order.last.is_none() && !is_idle(state)
}

/// Where it stands, when it has no order of ours: at first sight, or when it forgot an order it had shown.
fn located(state: &State, robot: &Robot, layout: &Layout) -> Option<Fact> {
    let has_shown_it =
        robot.order.last.as_ref().is_some_and(|last| robot.order.is_seen || last.update_id > 0);
    let has_lost_order = has_shown_it && !is_on_our_order(state, robot);
    if !(robot.trail.steps.is_empty() || has_lost_order) || !is_idle(state) {
        return None;
    }
    Some(Fact::Located { node: place(state, layout)? })
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
                description: error.error_description.clone().unwrap_or_default(),
            })
            .collect(),
    }
}

/// The node it stands on: by its own word, else by its position.
pub(crate) fn place(state: &State, layout: &Layout) -> Option<NodeId> {
    layout.node_named(&state.last_node_id).or_else(|| {
        let position = state.agv_position.as_ref().filter(|position| position.position_initialized)?;
        let (x, y) = ((position.x * 1_000.0).round() as i64, (position.y * 1_000.0).round() as i64);
        layout.nearest_node(x, y).filter(|(_, away)| *away <= AT_NODE_MM).map(|(node, _)| node)
    })
}

fn shown(state: &State, robot: &Robot) -> Option<Fact> {
    let last = robot.order.last.as_ref()?;
    let is_new = !robot.order.is_seen && state.order_update_id >= last.update_id;
    is_new.then_some(Fact::OrderSeen { update_id: state.order_update_id })
}

/// The last node it says it has passed, if that is news and fits the rest of what it says. Some robots show a new order
/// with the last sequenceId of the one before: what they still list as ahead tells.
fn passed(state: &State, robot: &Robot, layout: &Layout) -> Option<Fact> {
    let sequence_id = state.last_node_sequence_id;
    let first = robot.trail.steps.front()?;
    let is_ahead_of_itself = state.node_states.iter().any(|node| node.sequence_id <= sequence_id);
    if sequence_id <= first.sequence_id || is_ahead_of_itself {
        return None;
    }
    let is_at = |node: NodeId| layout.node(node).name == state.last_node_id;
    let step = robot.trail.steps.iter().find(|step| step.sequence_id == sequence_id);
    let is_plausible = match step {
        Some(step) => is_at(step.node),
        None => !robot.is_off_path && !robot.trail.steps.iter().any(|step| is_at(step.node)),
    };
    is_plausible.then_some(Fact::Passed { sequence_id })
}

/// An error that names our last message, which the state doesn't show.
fn rejected(state: &State, robot: &Robot) -> Option<Fact> {
    let last = robot.order.last.as_ref().filter(|_| !robot.order.is_seen && !robot.is_refusing())?;
    if state.order_id == last.order_id && state.order_update_id >= last.update_id {
        return None;
    }
    let update = last.update_id.to_string();
    let names = |error: &&vda5050::Error, key: &str, value: &str| {
        error
            .error_references
            .iter()
            .any(|reference| reference.reference_key == key && reference.reference_value == value)
    };
    let error = state
        .errors
        .iter()
        .find(|error| names(error, "orderId", &last.order_id) && names(error, "orderUpdateId", &update))?;
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
