//! Where a robot is by its own word, in integers: on the way it was given, at a node, or beside both.
//!
//! A position on a map that the layout doesn't know says nothing, nor does one that isn't initialised.

use drover_maps::{EdgeId, Layout, NodeId, TypeId};
use drover_proto::vda5050::State;

use crate::robot::{Robot, Stand, Step};

/// How near a node a robot must be to be taken as standing on it, mm.
const AT_NODE_MM: u64 = 500;
/// How far beside the way it was given a robot may be, mm.
const BESIDE_MM: u64 = 500;
/// Clear space kept on every side of a robot, mm.
const MARGIN_MM: u64 = 50;

/// A point on a map, mm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position<'a> {
    map: &'a str,
    at: Point,
}

type Point = (i64, i64);

/// Where the robot says it is; none = it doesn't know, or on no map of the layout.
pub(super) fn position<'a>(state: &'a State, layout: &Layout) -> Option<Position<'a>> {
    let said = state.agv_position.as_ref().filter(|said| said.position_initialized)?;
    if !(said.x.is_finite() && said.y.is_finite()) {
        return None;
    }
    let mm = |metres: f64| (metres * 1_000.0).round() as i64;
    let position = Position { map: &said.map_id, at: (mm(said.x), mm(said.y)) };
    let is_known = layout.nodes().any(|node| position.is_on_map_of(node, layout));
    is_known.then_some(position)
}

/// The node it stands on: by its position, where that is known, else by its own word.
pub(crate) fn node(state: &State, layout: &Layout) -> Option<NodeId> {
    let named = layout.node_named(&state.last_node_id);
    let Some(position) = position(state, layout) else { return named };
    let is_at = |node: &NodeId| {
        position.is_on_map_of(*node, layout)
            && is_within(apart_squared(position.at, point(*node, layout)), AT_NODE_MM)
    };
    let nearest = || layout.nearest_node(position.at.0, position.at.1).map(|(node, _)| node);
    named.filter(is_at).or_else(|| nearest().filter(is_at))
}

impl Position<'_> {
    fn is_on_map_of(&self, node: NodeId, layout: &Layout) -> bool {
        self.map.is_empty() || self.map == layout.node(node).map
    }

    /// It is at a node or an edge of the way, or on the straight line between an edge's ends.
    pub(super) fn is_on(&self, mut way: impl Iterator<Item = Step>, layout: &Layout) -> bool {
        way.any(|step| {
            let ends = step.edge.map(|edge| layout.edge(edge)).map(|edge| [edge.from, edge.to]);
            let straight = ends.map(|ends| ends.map(|node| point(node, layout)));
            let away = |line: &[Point]| away_squared(self.at, line);
            let is_near = is_within(away(&[point(step.node, layout)]), BESIDE_MM)
                || straight.is_some_and(|line| is_within(away(&line), BESIDE_MM))
                || step.edge.is_some_and(|edge| is_within(away(&line(edge, layout)), BESIDE_MM));
            is_near && self.is_on_map_of(step.node, layout)
        })
    }

    /// All places whose robots a robot of this type would meet here; at least the nearest node.
    pub(super) fn overlap(&self, robot_type: TypeId, layout: &Layout) -> Stand {
        let reach = reach_mm(robot_type, layout);
        let on_map = |node: NodeId| self.is_on_map_of(node, layout);
        let meets = |line: &[Point]| is_within(away_squared(self.at, line), reach);
        let nodes = layout.nodes().filter(|node| on_map(*node) && meets(&[point(*node, layout)]));
        let mut nodes: Vec<NodeId> = nodes.collect();
        let is_near = |edge: &EdgeId| on_map(layout.edge(*edge).to) && meets(&line(*edge, layout));
        let edges: Vec<EdgeId> = layout.edges().filter(is_near).collect();
        if nodes.is_empty() && edges.is_empty() {
            nodes.extend(layout.nearest_node(self.at.0, self.at.1).map(|(node, _)| node));
        }
        Stand { nodes, edges, is_sure: false }
    }
}

/// What it overlaps when it doesn't know its position: the node it names, if that isn't on its way.
pub(super) fn named_off(state: &State, robot: &Robot, layout: &Layout) -> Option<Stand> {
    let named = layout.node_named(&state.last_node_id)?;
    let is_on_way = robot.trail.steps.iter().any(|step| step.node == named);
    (!is_on_way).then(|| Stand::at(layout, named))
}

/// From the robot's middle to that of any other it could touch, whatever their headings, mm.
fn reach_mm(robot_type: TypeId, layout: &Layout) -> u64 {
    let half = |length: u32, width: u32| {
        let (length, width) = (u64::from(length), u64::from(width));
        (length * length + width * width).isqrt() / 2 + 1
    };
    let types = layout.robot_types().iter();
    let largest = types.map(|other| half(other.length_mm, other.width_mm)).max().unwrap_or(0);
    let own = layout.robot_type(robot_type);
    half(own.length_mm, own.width_mm) + largest + 2 * MARGIN_MM
}

fn point(node: NodeId, layout: &Layout) -> Point {
    let node = layout.node(node);
    (i64::from(node.x_mm), i64::from(node.y_mm))
}

/// The edge's corner points with its ends.
fn line(edge: EdgeId, layout: &Layout) -> Vec<Point> {
    let ends = layout.edge(edge);
    let bends = layout.bends(edge).iter().map(|[x, y]| (i64::from(*x), i64::from(*y)));
    std::iter::once(point(ends.from, layout)).chain(bends).chain([point(ends.to, layout)]).collect()
}

fn is_within(squared: u128, limit_mm: u64) -> bool {
    squared <= u128::from(limit_mm) * u128::from(limit_mm)
}

/// From the point to the nearest one of a line, mm^2, rounded down.
fn away_squared(at: Point, line: &[Point]) -> u128 {
    let ends = line.iter().map(|end| apart_squared(at, *end)).min().unwrap_or(u128::MAX);
    let pieces = line.windows(2).filter_map(|ends| beside_squared(at, ends[0], ends[1]));
    pieces.fold(ends, u128::min)
}

/// From the point to the line through two others, where its foot lies between them, mm^2.
fn beside_squared(at: Point, from: Point, to: Point) -> Option<u128> {
    let difference =
        |a: Point, b: Point| (i128::from(a.0.saturating_sub(b.0)), i128::from(a.1.saturating_sub(b.1)));
    let ((px, py), (wx, wy)) = (difference(at, from), difference(to, from));
    // A position beyond all layouts is far from every line; and its products would not fit.
    if px.abs().max(py.abs()) > i128::from(u32::MAX) {
        return None;
    }
    let (along, length) = (px * wx + py * wy, wx * wx + wy * wy);
    if along <= 0 || along >= length {
        return None;
    }
    let across = (px * wy - py * wx).unsigned_abs();
    Some(across * across / length.unsigned_abs())
}

fn apart_squared(a: Point, b: Point) -> u128 {
    let (dx, dy) = (u128::from(a.0.abs_diff(b.0)), u128::from(a.1.abs_diff(b.1)));
    dx.saturating_mul(dx).saturating_add(dy.saturating_mul(dy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_as_far_from_a_line_as_from_its_nearest_piece() {
        let line = [(0, 0), (4_000, 0), (4_000, 3_000)];
        assert_eq!(away_squared((2_000, 300), &line), 300 * 300);
        assert_eq!(away_squared((-300, 400), &line), 500 * 500);
        assert_eq!(away_squared((4_100, 2_000), &line), 100 * 100);
        assert_eq!(away_squared((1_000, 1_000), &[(0, 0), (2_000, 2_000)]), 0);
        assert!(away_squared((i64::MAX, i64::MIN), &line) > 1 << 100);
    }
}
