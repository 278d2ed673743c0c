//! Observed: nothing is released through a device that the controller hadn't last heard to be open when it decided, and no
//! robot is under a door that isn't open.

use drover_core::Time;
use drover_maps::{DeviceKind, Layout};
use drover_proto::device::{Condition, DeviceState};
use drover_proto::vda5050::Order;

use super::base::Base;
use super::{Breach, Truth};
use crate::geometry::distance_to_segment;

/// States of one device kept: an order is decided a few messages before it leaves, at most.
const HEARD_MAX: usize = 64;
/// A word of a device that is older than this says nothing any more, ms.
const HEARD_WITHIN_MS: u64 = 60_000;
/// A robot's centre this near the middle of a door's edge is under the door, m.
const UNDER_M: f64 = 0.3;

/// What was heard of each device, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    heard: Vec<Vec<(Time, Condition)>>,
}

impl Doors {
    pub(crate) fn heard(&mut self, now: Time, device: usize, state: &DeviceState) {
        if self.heard.len() <= device {
            self.heard.resize(device + 1, Vec::new());
        }
        let known = &mut self.heard[device];
        known.push((now, state.state));
        if known.len() > HEARD_MAX {
            known.remove(0);
        }
    }

    /// An order's new edges through a device that wasn't open for all that was known.
    pub(crate) fn ordered(
        &self,
        robot: usize,
        order: &Order,
        base: &Base,
        decided: Time,
        layout: &Layout,
    ) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for edge in order.edges.iter().filter(|edge| edge.released) {
            let Some(id) = layout.edge_named(&edge.edge_id) else { continue };
            let Some(device) = layout.edge(id).device.map(usize::from) else { continue };
            let is_held = base.places.iter().any(|place| place.edge == Some(id));
            if is_held || self.was_open(device, decided) {
                continue;
            }
            let name = &layout.devices()[device].name;
            let text = format!("it is released through {name}, which was not heard to be open");
            breaches.push(Breach::new("Observed", &[robot], text));
        }
        breaches
    }

    /// Heard open at that time, or at the very moment.
    fn was_open(&self, device: usize, decided: Time) -> bool {
        let Some(heard) = self.heard.get(device) else { return false };
        let before = heard.iter().rfind(|(at, _)| *at < decided);
        let then = heard.iter().filter(|(at, _)| *at == decided);
        let is_fresh = |at: Time| decided.since_ms(at) <= HEARD_WITHIN_MS;
        before.into_iter().chain(then).any(|(at, state)| *state == Condition::Open && is_fresh(*at))
    }
}

/// A robot that is under a door that isn't open, or has passed under it since the last look. `is_open` is the physical
/// truth, by place in `Layout::devices`.
pub(crate) fn under_a_shut_door(
    layout: &Layout,
    robot: usize,
    (truth, before): (&Truth, (f64, f64)),
    is_open: &[bool],
) -> Option<Breach> {
    for (device, _) in layout.devices().iter().zip(is_open).filter(|(_, is_open)| !**is_open) {
        if device.kind != DeviceKind::Door {
            continue;
        }
        for edge in &device.edges {
            let edge = layout.edge(*edge);
            let (from, to) = (layout.node(edge.from), layout.node(edge.to));
            let middle = |a: i32, b: i32| f64::from(a + b) / 2_000.0;
            let door = (middle(from.x_mm, to.x_mm), middle(from.y_mm, to.y_mm));
            let away = distance_to_segment(door, before, (truth.outline.x_m, truth.outline.y_m));
            if from.map == truth.map && away < UNDER_M {
                let text = format!("it is under {}, which isn't open", device.name);
                return Some(Breach::new("Observed", &[robot], text));
            }
        }
    }
    None
}
