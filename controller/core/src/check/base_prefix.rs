//! BasePrefix: an update begins at the decision point of the message before it, ids rise by one, nothing released follows
//! something that isn't.

use super::{Violation, Watch, broken};
use crate::command::Command;
use crate::fleet::Fleet;
use crate::release::Order;

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    for robot in fleet.robots() {
        let Some(last) = robot.order.last.as_ref() else { continue };
        let end = last.nodes.iter().rfind(|node| node.released).map(|node| node.node);
        if end != robot.trail.decision_point() {
            let text = format!("{}: the last message ends elsewhere than its decision point", robot.name);
            found.push(broken("BasePrefix", text));
        }
    }
}

/// Each release of this step against the message the robot was told before.
pub(super) fn check_releases(commands: &[Command], watch: &Watch, fleet: &Fleet, found: &mut Vec<Violation>) {
    for command in commands {
        let Command::Release { robot, order } = command else { continue };
        let name = &fleet.robots()[robot.index()].name;
        if !is_well_formed(order) {
            found.push(broken("BasePrefix", format!("{name}: order {} is malformed", order.order_id)));
        }
        let Some(before) = watch.last_order(*robot).filter(|before| before.order_id == order.order_id) else {
            continue;
        };
        let end = before.nodes.iter().rfind(|node| node.released);
        let first = order.nodes.first();
        let is_reissue = order.nodes == before.nodes;
        let stitches =
            end.map(|node| (node.node, node.sequence_id)) == first.map(|node| (node.node, node.sequence_id));
        if order.update_id != before.update_id + 1 || !(stitches || is_reissue) {
            let text = format!(
                "{name}: order {} update {} doesn't continue the base",
                order.order_id, order.update_id
            );
            found.push(broken("BasePrefix", text));
        }
    }
}

fn is_well_formed(order: &Order) -> bool {
    let rises = order.nodes.windows(2).all(|pair| pair[1].sequence_id == pair[0].sequence_id + 2);
    let is_prefix = order.nodes.windows(2).all(|pair| pair[0].released || !pair[1].released);
    let starts = order.nodes.first().is_some_and(|node| node.released);
    rises && is_prefix && starts && order.edges.len() + 1 == order.nodes.len()
}
