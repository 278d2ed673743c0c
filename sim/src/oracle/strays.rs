//! Exclusive, for a robot that is where nobody sent it: once it is heard there, nobody's way is released into it.

use std::collections::BTreeMap;

use drover_core::{Epoch, Time};
use drover_maps::{EdgeId, Layout, RobotType, TypeId};
use drover_proto::vda5050::{AgvPosition, Order, State};

use super::base::{Base, Place};
use super::{Breach, covered, name_of};

/// A robot that says it is farther than this from all it was released is astray, m.
const ASTRAY_M: f64 = 1.0;
/// It has moved on when it says it is farther than this from where it was, m.
const MOVED_M: f64 = 0.1;
/// Two robots this much nearer than their sides touch for certain, m.
const SLACK_M: f64 = 0.05;

/// Where a robot says it stands, off its way.
#[derive(Clone, Debug)]
struct Stray {
    since: Time,
    /// The process that heard it.
    by: Epoch,
    map: String,
    at: (f64, f64),
}

/// All robots that were heard off their way.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    strays: BTreeMap<usize, Stray>,
}

impl Strays {
    /// A state arrived that nobody may take for a late one; `base` is what the robot holds after it.
    pub(crate) fn heard(
        &mut self,
        now: Time,
        by: Epoch,
        robot: usize,
        state: &State,
        base: &Base,
        layout: &Layout,
    ) {
        let position = state.agv_position.as_ref().filter(|position| position.position_initialized);
        let position =
            position.filter(|position| !base.places.is_empty() && is_astray(position, base, layout));
        let Some(position) = position else { return self.remove(robot) };
        let at = (position.x, position.y);
        let known = self.strays.get(&robot);
        let stays = known.is_some_and(|known| {
            known.by == by
                && known.map == position.map_id
                && (known.at.0 - at.0).hypot(known.at.1 - at.1) <= MOVED_M
        });
        if !stays {
            self.strays.insert(robot, Stray { since: now, by, map: position.map_id.clone(), at });
        }
    }

    /// It is off its way no more, or a named person has carried it off the floor.
    pub(crate) fn remove(&mut self, robot: usize) {
        self.strays.remove(&robot);
    }

    /// An order that is no resend, decided then: none of its new edges leads through a stray.
    pub(crate) fn ordered(
        &self,
        by: Epoch,
        decided: Time,
        (robot, order): (usize, &Order),
        base: &Base,
        (layout, types): (&Layout, &[Option<TypeId>]),
    ) -> Vec<Breach> {
        let known = self
            .strays
            .iter()
            .filter(|(other, stray)| **other != robot && stray.by == by && stray.since < decided);
        let mut breaches = Vec::new();
        for (other, stray) in known {
            let of = |robot: usize| types[robot].map(|robot_type| layout.robot_type(robot_type));
            let (Some(mover), Some(stander)) = (of(robot), of(*other)) else { continue };
            let reach_m = half_width_m(mover) + half_width_m(stander) - SLACK_M;
            let meets = |edge: &EdgeId| {
                layout.node(layout.edge(*edge).from).map == stray.map
                    && covered::distance_to_edge(layout, *edge, stray.at) < reach_m
            };
            let edges = order.edges.iter().filter(|edge| edge.released);
            let edges = edges.filter_map(|edge| layout.edge_named(&edge.edge_id));
            let is_new = |edge: &EdgeId| !base.places.iter().any(|place| place.edge == Some(*edge));
            if let Some(edge) = edges.filter(is_new).find(meets) {
                let to = name_of(layout, layout.edge(edge).to);
                let text = format!("the way to {to} was released through a robot that had been heard there");
                breaches.push(Breach::new("Exclusive", &[robot, *other], text));
            }
        }
        breaches
    }
}

fn is_astray(position: &AgvPosition, base: &Base, layout: &Layout) -> bool {
    let is_near = |place: &Place| {
        layout.node(place.node).map == position.map_id
            && covered::distance_m(layout, place, (position.x, position.y)) <= ASTRAY_M
    };
    !base.places.iter().any(is_near)
}

/// The shorter side counts: a robot may turn on the spot.
fn half_width_m(robot_type: &RobotType) -> f64 {
    f64::from(robot_type.width_mm.min(robot_type.length_mm)) / 2_000.0
}
