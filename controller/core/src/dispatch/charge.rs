//! Charging: low robots go to free chargers, charge, and come back.

use crate::change;
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command};
use crate::dispatch::goal;
use crate::fleet::Fleet;
use crate::id::RobotId;
use crate::release::{self, Action};
use crate::robot::{ChargePhase, Robot, Task};

/// VDA 5050 predefined action.
pub(crate) const START: &str = "startCharging";
/// VDA 5050 predefined action.
pub(crate) const STOP: &str = "stopCharging";

/// Its charge is at or under this many per cent.
fn is_under(robot: &Robot, percent: u8) -> bool {
    robot.charge_permille.is_some_and(|charge| charge <= u16::from(percent) * 10)
}

/// It should charge before it takes another job.
pub(crate) fn is_low(fleet: &Fleet, robot: &Robot) -> bool {
    let battery = fleet.layout.robot_type(robot.robot_type).battery.as_ref();
    battery.is_some_and(|battery| is_under(robot, battery.low_pct))
}

/// It must charge before it takes another job.
pub(crate) fn is_critical(fleet: &Fleet, robot: &Robot) -> bool {
    let battery = fleet.layout.robot_type(robot.robot_type).battery.as_ref();
    battery.is_some_and(|battery| is_under(robot, battery.critical_pct))
}

/// Sends idle robots that are low to free chargers.
pub(crate) fn send_low(fleet: &mut Fleet, now: Time) {
    for id in (0..fleet.state.robots.len() as u32).map(RobotId) {
        let robot = &fleet.state.robots[id.index()];
        if robot.task != Task::Idle || !robot.is_movable() || !is_low(fleet, robot) {
            continue;
        }
        let layout = std::sync::Arc::clone(&fleet.layout);
        if let Some(charger) = goal::nearest_of(fleet, id, layout.chargers(), None) {
            fleet.state.robots[id.index()].task = Task::Charge { phase: ChargePhase::Drive };
            goal::set(fleet, id, charger, true, now);
        }
    }
}

/// Takes the robot's charging one phase further.
pub(crate) fn advance(fleet: &mut Fleet, id: RobotId, commands: &mut Vec<Command>) {
    let robot = &fleet.state.robots[id.index()];
    let Task::Charge { phase } = &robot.task else { return };
    let battery = fleet.layout.robot_type(robot.robot_type).battery.as_ref();
    let full = battery.map_or(1_000, |battery| u16::from(battery.resume_pct) * 10);
    let must_leave = robot.trail.decision_point().is_some_and(|here| change::is_touched(fleet, here));
    let is_full = must_leave || robot.charge_permille.is_none_or(|charge| charge >= full);
    let may_act = robot.is_usable() && robot.order.is_complete();
    match phase {
        ChargePhase::Drive if robot.is_at_goal() => {
            let begun = robot.order.actions.first().map(|action| action.id.clone());
            if let Some(action_id) = begun {
                set(fleet, id, ChargePhase::Start { action_id });
            } else if may_act {
                let action_id = act(fleet, id, START, commands);
                set(fleet, id, ChargePhase::Start { action_id });
            }
        }
        ChargePhase::Charge if is_full && may_act => {
            let action_id = act(fleet, id, STOP, commands);
            set(fleet, id, ChargePhase::Stop { action_id });
        }
        ChargePhase::Drive | ChargePhase::Start { .. } | ChargePhase::Charge | ChargePhase::Stop { .. } => {}
    }
}

fn set(fleet: &mut Fleet, id: RobotId, phase: ChargePhase) {
    fleet.state.robots[id.index()].task = Task::Charge { phase };
}

fn act(fleet: &mut Fleet, id: RobotId, name: &str, commands: &mut Vec<Command>) -> String {
    let action = Action { id: fleet.next_action_id(id), name: name.into(), parameters: Vec::new() };
    let action_id = action.id.clone();
    release::act(fleet, id, action, commands);
    action_id
}

/// An action of the robot's charging has ended.
pub(crate) fn note_action(
    fleet: &mut Fleet,
    id: RobotId,
    action: &str,
    is_well: bool,
    commands: &mut Vec<Command>,
) {
    let Task::Charge { phase } = fleet.state.robots[id.index()].task.clone() else { return };
    fleet.places.forget();
    let now = fleet.state.now;
    let robot = &mut fleet.state.robots[id.index()];
    match phase {
        ChargePhase::Drive => {}
        ChargePhase::Start { action_id } if action_id == action && is_well => {
            set(fleet, id, ChargePhase::Charge)
        }
        ChargePhase::Stop { action_id } if action_id == action && is_well => robot.free_of_task(now),
        ChargePhase::Start { .. } | ChargePhase::Stop { .. } => {
            let text = format!("{}: {START} or {STOP} failed; look at the charger", robot.name);
            robot.free_of_task(now);
            commands.push(Command::Alarm(Alarm {
                code: AlarmCode::ActionFailed,
                robot: Some(id),
                device: None,
                text,
            }));
        }
        ChargePhase::Charge => {}
    }
}
