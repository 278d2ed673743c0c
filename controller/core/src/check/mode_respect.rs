//! ModeRespect: nothing is released to, and nothing cancelled of, a robot whose mode forbids orders. (A pause is a level:
//! its link holds it back until the mode takes orders again.)

use super::{Violation, broken};
use crate::command::Command;
use crate::fleet::Fleet;

pub(super) fn check(commands: &[Command], fleet: &Fleet, found: &mut Vec<Violation>) {
    for command in commands {
        let (robot, what) = match command {
            Command::Release { robot, order } => (robot, order.order_id.as_str()),
            Command::Cancel { robot } => (robot, "cancelOrder"),
            Command::Reject(_)
            | Command::Refuse { .. }
            | Command::Ignore { .. }
            | Command::Assign { .. }
            | Command::Pause { .. }
            | Command::Device { .. }
            | Command::Layout { .. }
            | Command::Notify(_)
            | Command::Alarm(_) => continue,
        };
        let facts = &fleet.robots()[robot.index()];
        if !facts.mode.takes_orders() {
            found.push(broken("ModeRespect", format!("{}: {what} in mode {:?}", facts.name, facts.mode)));
        }
    }
}
