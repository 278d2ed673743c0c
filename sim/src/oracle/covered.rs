//! Covered: a robot's true position lies on what it was released and hasn't reported leaving, or on what it refused or
//! forgot, since it may have taken a later copy of the same message.

use drover_maps::{EdgeId, Layout};

use super::base::{Base, Place};
use super::{Breach, Truth, name_of};
use crate::geometry::distance_to_segment;

/// How far a robot's centre may be from its way, m: half the margin around every footprint.
const OFF_MAX_M: f64 = 0.025;

/// The same for a robot that has only just said where it stands, m: it is taken to be at a node this near.
const ROUGH_MAX_M: f64 = 0.5;

/// The robot, if its true place is off its base. A robot that was never seen has none.
pub(crate) fn off_its_base(layout: &Layout, robot: usize, base: &Base, truth: &Truth) -> Option<Breach> {
    let (first, last) = (base.places.front()?, base.places.back()?);
    let at = (truth.outline.x_m, truth.outline.y_m);
    let most_m = if base.is_rough { ROUGH_MAX_M } else { OFF_MAX_M };
    let is_on =
        |place: &Place| layout.node(place.node).map == truth.map && distance_m(layout, place, at) <= most_m;
    if base.places.iter().chain(&base.given_back).any(is_on) {
        return None;
    }
    let off = base.places.iter().map(|place| distance_m(layout, place, at)).fold(f64::INFINITY, f64::min);
    let text = format!(
        "it is {off:.3} m off its base ({} to {}), at x {:.3} y {:.3}",
        name_of(layout, first.node),
        name_of(layout, last.node),
        at.0,
        at.1
    );
    Some(Breach::new("Covered", &[robot], text))
}

/// To the node and along the edge that leads to it.
pub(crate) fn distance_m(layout: &Layout, place: &Place, at: (f64, f64)) -> f64 {
    let node = point(layout.node(place.node).x_mm, layout.node(place.node).y_mm);
    let to_node = distance_to_segment(at, node, node);
    place.edge.map_or(to_node, |edge| distance_to_edge(layout, edge, at).min(to_node))
}

/// To the line of an edge, bends and all.
pub(crate) fn distance_to_edge(layout: &Layout, edge: EdgeId, at: (f64, f64)) -> f64 {
    let line = line_of(layout, edge);
    let ends = line.clone().zip(line.skip(1));
    ends.map(|(from, to)| distance_to_segment(at, from, to)).fold(f64::INFINITY, f64::min)
}

fn line_of(layout: &Layout, edge: EdgeId) -> impl Iterator<Item = (f64, f64)> + Clone + '_ {
    let (from, to) = (layout.node(layout.edge(edge).from), layout.node(layout.edge(edge).to));
    let bends = layout.bends(edge).iter().map(|[x_mm, y_mm]| point(*x_mm, *y_mm));
    [point(from.x_mm, from.y_mm)].into_iter().chain(bends).chain([point(to.x_mm, to.y_mm)])
}

fn point(x_mm: i32, y_mm: i32) -> (f64, f64) {
    (f64::from(x_mm) / 1_000.0, f64::from(y_mm) / 1_000.0)
}
