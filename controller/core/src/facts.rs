//! What a proven fact of a robot changes. Places are freed here and nowhere else (Evidence).

use crate::clock::Time;
use crate::closure;
use crate::command::{Alarm, AlarmCode, Command};
use crate::dispatch;
use crate::event::{Connection, Fact};
use crate::fleet::Fleet;
use crate::hold;
use crate::id::RobotId;
use crate::release;
use crate::robot::{OrderState, Robot, Stand, Step, Trail};
use crate::stray;

/// Takes one fact in.
pub(crate) fn take(fleet: &mut Fleet, id: RobotId, fact: Fact, now: Time, commands: &mut Vec<Command>) {
    let Some(robot) = fleet.state.robots.get_mut(id.index()) else { return };
    match fact {
        Fact::Located { node } => located(fleet, id, node, now, commands),
        Fact::OrderSeen { update_id } => {
            let last = robot.order.last.as_ref().map(|last| last.order_id.as_str());
            if last.is_some_and(|order_id| robot.order.is_shown_by(order_id, update_id)) {
                robot.order.is_seen = true;
                robot.order.refusals = 0;
                dispatch::note_seen(fleet, id, now, commands);
            }
        }
        Fact::Passed { sequence_id } => passed(fleet, id, sequence_id, now, commands),
        Fact::Rejected { order_id, update_id, reason } => {
            rejected(fleet, id, (&order_id, update_id), &reason, now, commands);
        }
        Fact::Action { action_id, status } => {
            dispatch::note_action(fleet, id, &action_id, status, now, commands)
        }
        Fact::Driving(is_driving) => robot.is_driving = is_driving,
        Fact::Battery { charge_permille, charging } => {
            robot.charge_permille = Some(charge_permille);
            robot.is_charging = charging;
        }
        Fact::Mode(mode) => {
            robot.mode = mode;
            robot.order.refusals = 0;
        }
        Fact::Faulted(is_faulted) => {
            robot.is_faulted = is_faulted;
            if is_faulted {
                let text = format!("{}: it reports an error it can't go on with; go and look", robot.name);
                commands.push(alarm(AlarmCode::RobotFaulted, id, text));
            }
        }
        Fact::Connection(connection) => {
            robot.connection = Some(connection);
            robot.order.refusals = 0;
            if connection == Connection::Broken {
                let text =
                    format!("{}: gone from the broker without a word; its places stay reserved", robot.name);
                commands.push(alarm(AlarmCode::RobotLost, id, text));
            }
        }
        Fact::Paused(is_paused) => {
            hold::note(robot, is_paused);
            fleet.state.plan_is_due = true;
        }
        Fact::Strayed { nodes, edges } => {
            stray::take(fleet, id, Stand { nodes, edges, is_sure: false }, commands)
        }
        Fact::Load(load) => robot.load = load,
        Fact::Blocked { edge } => closure::report(fleet, id, edge, now, commands),
        Fact::Silent(is_silent) => {
            robot.is_silent = is_silent;
            if is_silent {
                let text = format!("{}: no state for too long; its places stay reserved", robot.name);
                commands.push(alarm(AlarmCode::RobotLost, id, text));
            }
        }
    }
}

fn alarm(code: AlarmCode, robot: RobotId, text: String) -> Command {
    Command::Alarm(Alarm { code, robot: Some(robot), device: None, text })
}

/// It stands there without an order of ours: first sight, or its order is gone. What it held goes, by its own word.
fn located(
    fleet: &mut Fleet,
    id: RobotId,
    node: drover_maps::NodeId,
    now: Time,
    commands: &mut Vec<Command>,
) {
    if fleet.state.reservations.blocker_of_node(&fleet.layout, id, node).is_some() {
        return stray::contest(fleet, id, node, commands);
    }
    let robot = &mut fleet.state.robots[id.index()];
    if robot.trail.decision_point() == Some(node) {
        dispatch::note_place(robot);
    }
    settle(fleet, id, node, now);
    lose_actions(fleet, id, now, commands);
}

/// It holds nothing, and nothing is known of where it stands: a person has taken it off the floor.
pub(crate) fn forget(fleet: &mut Fleet, id: RobotId) {
    free_all(fleet, id);
    let robot = &mut fleet.state.robots[id.index()];
    robot.trail = Trail { passed: robot.trail.decision_count() + 1, ..Trail::default() };
    robot.order = OrderState { count: robot.order.count, ..OrderState::default() };
    (robot.stands, robot.load, robot.connection) = (None, None, None);
    robot.blocked = None;
    (robot.is_off_path, robot.is_driving) = (false, false);
    // It isn't one that has just joined: nobody waits for it.
    robot.stuck_since = Time::default();
    robot.claims.clear();
    fleet.state.plan_is_due = true;
}

fn free_all(fleet: &mut Fleet, id: RobotId) {
    for step in &fleet.state.robots[id.index()].trail.steps {
        fleet.state.reservations.free_node(step.node);
        step.edge.into_iter().for_each(|edge| fleet.state.reservations.free_edge(edge));
    }
}

/// It holds this node and nothing else from now on, and begins anew there.
fn settle(fleet: &mut Fleet, id: RobotId, node: drover_maps::NodeId, now: Time) {
    free_all(fleet, id);
    let robot = &mut fleet.state.robots[id.index()];
    let step = Step { edge: None, node, sequence_id: 0, earliest: Time::default() };
    let passed = robot.trail.decision_count() + 1;
    robot.trail = Trail { passed, passed_at: now, heading_mdeg: None, steps: [step].into() };
    robot.order = OrderState {
        count: robot.order.count,
        actions: std::mem::take(&mut robot.order.actions),
        ..OrderState::default()
    };
    robot.is_off_path = false;
    (robot.stands, robot.blocked) = (None, None);
    fleet.state.reservations.hold(id, &step);
    robot.claims.clear();
    fleet.state.plan_is_due = true;
}

/// Actions that were told to a robot whose order is gone: nobody knows how far they came, where it has been at their place;
/// they count as failed. Where it hasn't, they were never begun.
fn lose_actions(fleet: &mut Fleet, id: RobotId, now: Time, commands: &mut Vec<Command>) {
    for action in fleet.state.robots[id.index()].order.actions.clone() {
        dispatch::lose_action(fleet, id, &action.id, now, commands);
    }
}

/// It has passed a node of its base: everything behind is free.
fn passed(fleet: &mut Fleet, id: RobotId, sequence_id: u32, now: Time, commands: &mut Vec<Command>) {
    let robot = &mut fleet.state.robots[id.index()];
    let Some(index) = robot.trail.steps.iter().position(|step| step.sequence_id == sequence_id) else {
        let text = format!("{}: it reports sequenceId {sequence_id}, which was not released", robot.name);
        robot.is_off_path = true;
        return commands.push(alarm(AlarmCode::OffItsPath, id, text));
    };
    if robot.trail.steps[index].earliest > now {
        return doubt(robot, id, sequence_id, commands);
    }
    for _ in 0..index {
        pass_one(fleet, id);
    }
    let robot = &mut fleet.state.robots[id.index()];
    robot.trail.passed_at = now;
    robot.is_off_path = false;
    let (Some(here), Some(goal)) = (robot.trail.last_node(), robot.goal) else { return };
    let left = fleet.distances.to(&fleet.layout, goal.node, robot.robot_type)[here.index()];
    if left < robot.best_ms {
        robot.best_ms = left;
        robot.stuck_since = now;
        robot.is_jammed = false;
    }
}

/// It can't have come so far since it was told that it may: nothing is freed, until it can.
fn doubt(robot: &mut Robot, id: RobotId, sequence_id: u32, commands: &mut Vec<Command>) {
    if !std::mem::replace(&mut robot.order.is_implausible, true) {
        let text = format!(
            "{}: it reports sequenceId {sequence_id} sooner than its type's top speed allows; its places stay reserved: \
             check speed_mm_s of its [[robot_type]] in site.toml, --speed of `drover run` in a rehearsal, and the robot",
            robot.name
        );
        commands.push(alarm(AlarmCode::Implausible, id, text));
    }
}

fn pass_one(fleet: &mut Fleet, id: RobotId) {
    let robot = &mut fleet.state.robots[id.index()];
    let Some(left) = robot.trail.steps.pop_front() else { return };
    robot.trail.passed += 1;
    let Some(here) = robot.trail.steps.front_mut() else { return };
    let edge = here.edge.take();
    robot.trail.heading_mdeg = edge.map(|edge| fleet.layout.edge(edge).end_heading_mdeg);
    if !holds_node(robot, left.node) {
        fleet.state.reservations.free_node(left.node);
    }
    if let Some(edge) = edge.filter(|edge| !holds_edge(robot, *edge)) {
        fleet.state.reservations.free_edge(edge);
    }
}

fn holds_node(robot: &Robot, node: drover_maps::NodeId) -> bool {
    robot.trail.steps.iter().any(|step| step.node == node)
}

fn holds_edge(robot: &Robot, edge: drover_maps::EdgeId) -> bool {
    robot.trail.steps.iter().any(|step| step.edge == Some(edge))
}

/// It refused our last message: the same content goes out under the next id, a few times; then it is left alone for a
/// while, and asked again.
fn rejected(
    fleet: &mut Fleet,
    id: RobotId,
    refused: (&str, u32),
    reason: &str,
    now: Time,
    commands: &mut Vec<Command>,
) {
    let robot = &mut fleet.state.robots[id.index()];
    let is_ours =
        robot.order.last.as_ref().is_some_and(|last| (last.order_id.as_str(), last.update_id) == refused);
    if !is_ours || robot.order.is_seen {
        return;
    }
    robot.order.refusals += 1;
    robot.order.refused_at = now;
    let text = format!("{}: it refuses order {} update {}: {reason}", robot.name, refused.0, refused.1);
    commands.push(alarm(AlarmCode::OrderRefused, id, text));
    if !robot.is_refusing() {
        ask_again(fleet, id, commands);
    }
}

/// The refused content under the next id, unless the robot's mode forbids orders.
fn ask_again(fleet: &mut Fleet, id: RobotId, commands: &mut Vec<Command>) {
    let born = fleet.state.born;
    let robot = &mut fleet.state.robots[id.index()];
    let may_be_told = robot.mode.takes_orders() && !robot.order.is_cancelled && robot.stands.is_none();
    if may_be_told && let Some(order) = release::reissue(robot, born) {
        commands.push(Command::Release { robot: id, order: Box::new(order) });
    }
}

/// Robots that were left alone for long enough are asked once more.
pub(crate) fn ask_refusing(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
        let robot = &mut fleet.state.robots[id.index()];
        if robot.is_refusing() && now.since_ms(robot.order.refused_at) >= Robot::REFUSAL_PAUSE_MS {
            robot.order.refusals = Robot::REFUSALS_MAX - 1;
            ask_again(fleet, id, commands);
        }
    }
}
