//! Conserved: each load is aboard at most one robot.

use std::collections::BTreeMap;

use super::{Violation, broken};
use crate::fleet::Fleet;

pub(super) fn check(fleet: &Fleet, found: &mut Vec<Violation>) {
    let mut aboard = BTreeMap::new();
    for robot in fleet.robots() {
        let Some(load) = &robot.load else { continue };
        if let Some(other) = aboard.insert(load, &robot.name) {
            found.push(broken("Conserved", format!("load {load} is aboard {other} and {}", robot.name)));
        }
    }
}
