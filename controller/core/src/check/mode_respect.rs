//! ModeRespect: nothing is released to a robot whose mode forbids orders.

use super::{Violation, broken};
use crate::command::Command;
use crate::fleet::Fleet;

pub(super) fn check(commands: &[Command], fleet: &Fleet, found: &mut Vec<Violation>) {
    for command in commands {
        let Command::Release { robot, order } = command else { continue };
        let facts = &fleet.robots()[robot.index()];
        if !facts.mode.takes_orders() {
            found.push(broken(
                "ModeRespect",
                format!("{}: order {} in mode {:?}", facts.name, order.order_id, facts.mode),
            ));
        }
    }
}
