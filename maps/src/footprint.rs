//! Which places exclude each other: the shapes of nodes and edges, and where they overlap.
//!
//! A node is the disc that the largest admitted robot needs to turn, an edge the straight box that the widest admitted
//! robot sweeps, both with a margin. Boxes reach half a robot beyond their ends. Floating point lives here and in no
//! decision; only `+ - * / sqrt` are used, which give the same bits on every machine.

use nalgebra::{Point2, Vector2};

use crate::ids::{EdgeId, NodeId};
use crate::layout::{Conflicts, RobotType, Rows};
use crate::limits::{CONFLICTS_MAX, GRID_ENTRIES_MAX, MARGIN_MM, OVERLAP_TESTS_MAX};

/// Overlaps up to this depth count as touching, mm.
const TOUCH_MM: f64 = 1.0;
/// Side of a cell of the search grid, mm.
const CELL_MM: f64 = 2_000.0;
/// A box enters the grid in pieces of at most this length, mm, so that long diagonals fill few cells.
const PIECE_MM: f64 = 4_000.0;

/// What a place occupies.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Index of the map it lies on: shapes of different maps never meet.
    pub(crate) map: u32,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Disc(Point2<f64>, f64),
    Boxes(Vec<Oriented>),
}

/// A box by its centre, its unit axis, and half its length and width, mm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Oriented {
    centre: Point2<f64>,
    axis: Vector2<f64>,
    half_length: f64,
    half_width: f64,
}

/// How much room the admitted types need, mm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Radius of the circle round the largest.
    pub(crate) radius: f64,
    /// Half the width of the widest.
    pub(crate) half_width: f64,
    /// Half the length of the longest.
    pub(crate) half_length: f64,
}

impl Room {
    /// The room of the types in a mask; of all types when the mask is empty, which is the safe side.
    pub(crate) fn of(types: &[RobotType], mask: u32) -> Self {
        let margin = f64::from(MARGIN_MM);
        let mut room = Self { radius: 0.0, half_width: 0.0, half_length: 0.0 };
        for (index, robot_type) in types.iter().enumerate() {
            if mask != 0 && mask >> index & 1 == 0 {
                continue;
            }
            let (length, width) = (f64::from(robot_type.length_mm), f64::from(robot_type.width_mm));
            room.radius = room.radius.max((length * length + width * width).sqrt() / 2.0 + margin);
            room.half_width = room.half_width.max(width / 2.0 + margin);
            room.half_length = room.half_length.max(length / 2.0);
        }
        room
    }
}

/// The shape of an edge along its corner points (at least two), mm.
pub(crate) fn edge_body(points: &[Point2<f64>], room: Room) -> Body {
    Body::Boxes(points.windows(2).map(|ends| oriented(ends[0], ends[1], room)).collect())
}

fn oriented(from: Point2<f64>, to: Point2<f64>, room: Room) -> Oriented {
    let way = to - from;
    let length = way.dot(&way).sqrt();
    let axis = if length > 0.0 { way / length } else { Vector2::new(1.0, 0.0) };
    let half_length = length / 2.0 + room.half_length;
    Oriented { centre: from + way / 2.0, axis, half_length, half_width: room.half_width }
}

impl Oriented {
    /// How far the box reaches from its centre along a unit direction.
    fn reach(&self, direction: &Vector2<f64>) -> f64 {
        let across = Vector2::new(-self.axis.y, self.axis.x);
        self.half_length * self.axis.dot(direction).abs() + self.half_width * across.dot(direction).abs()
    }

    fn meets_disc(&self, centre: &Point2<f64>, radius: f64) -> bool {
        let offset = centre - self.centre;
        let across = Vector2::new(-self.axis.y, self.axis.x);
        let dx = (offset.dot(&self.axis).abs() - self.half_length).max(0.0);
        let dy = (offset.dot(&across).abs() - self.half_width).max(0.0);
        (dx * dx + dy * dy).sqrt() < radius - TOUCH_MM
    }

    /// Separating axes: two boxes are apart if some box's axis shows a gap.
    fn meets_box(&self, other: &Self) -> bool {
        let offset = other.centre - self.centre;
        [
            self.axis,
            Vector2::new(-self.axis.y, self.axis.x),
            other.axis,
            Vector2::new(-other.axis.y, other.axis.x),
        ]
        .iter()
        .all(|axis| offset.dot(axis).abs() < self.reach(axis) + other.reach(axis) - TOUCH_MM)
    }
}

fn overlap(a: &Body, b: &Body) -> bool {
    match (a, b) {
        (Body::Disc(p, r), Body::Disc(q, s)) => {
            let offset = q - p;
            offset.dot(&offset).sqrt() < r + s - TOUCH_MM
        }
        (Body::Disc(p, r), Body::Boxes(boxes)) | (Body::Boxes(boxes), Body::Disc(p, r)) => {
            boxes.iter().any(|oriented| oriented.meets_disc(p, *r))
        }
        (Body::Boxes(boxes), Body::Boxes(others)) => {
            boxes.iter().any(|one| others.iter().any(|other| one.meets_box(other)))
        }
    }
}

/// Too many places lie on one another to compute their conflicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooDense;

/// For every place the places it excludes.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConflictSets {
    node_nodes: Rows<NodeId>,
    node_edges: Rows<EdgeId>,
    edge_nodes: Rows<NodeId>,
    edge_edges: Rows<EdgeId>,
}

impl ConflictSets {
    pub(crate) fn of_node(&self, node: NodeId) -> Conflicts<'_> {
        Conflicts { nodes: self.node_nodes.row(node.index()), edges: self.node_edges.row(node.index()) }
    }

    pub(crate) fn of_edge(&self, edge: EdgeId) -> Conflicts<'_> {
        Conflicts { nodes: self.edge_nodes.row(edge.index()), edges: self.edge_edges.row(edge.index()) }
    }

    /// Conflicts of `nodes` shapes followed by edge shapes; `always` holds pairs that conflict whatever their shapes.
    pub(crate) fn compute(shapes: &[Shape], nodes: usize, always: Vec<(u32, u32)>) -> Result<Self, TooDense> {
        let mut pairs = overlapping(shapes)?;
        pairs.extend(always.into_iter().map(|(a, b)| (a.min(b), a.max(b))));
        pairs.sort_unstable();
        pairs.dedup();
        if pairs.len() > CONFLICTS_MAX {
            return Err(TooDense);
        }
        let edges = shapes.len() - nodes;
        let (mut node_nodes, mut node_edges, mut edge_nodes, mut edge_edges) =
            (vec![], vec![], vec![], vec![]);
        let limit = nodes as u32;
        for (a, b) in pairs {
            // a < b, and nodes come before edges.
            match (a < limit, b < limit) {
                (true, true) => node_nodes.extend([(a, NodeId(b)), (b, NodeId(a))]),
                (true, false) => {
                    node_edges.push((a, EdgeId(b - limit)));
                    edge_nodes.push((b - limit, NodeId(a)));
                }
                (false, _) => {
                    edge_edges.extend([(a - limit, EdgeId(b - limit)), (b - limit, EdgeId(a - limit))])
                }
            }
        }
        Ok(Self {
            node_nodes: Rows::from_pairs(nodes, node_nodes),
            node_edges: Rows::from_pairs(nodes, node_edges),
            edge_nodes: Rows::from_pairs(edges, edge_nodes),
            edge_edges: Rows::from_pairs(edges, edge_edges),
        })
    }
}

/// All overlapping pairs (a < b), sorted, once each, found over a uniform grid.
fn overlapping(shapes: &[Shape]) -> Result<Vec<(u32, u32)>, TooDense> {
    let mut cells: Vec<(u32, i32, i32, u32)> = Vec::with_capacity(shapes.len() * 4);
    for (index, shape) in shapes.iter().enumerate() {
        match &shape.body {
            Body::Disc(p, r) => fill(&mut cells, shape.map, index as u32, *p, [*r, *r])?,
            Body::Boxes(boxes) => {
                for oriented in boxes {
                    fill_box(&mut cells, shape.map, index as u32, oriented)?;
                }
            }
        }
    }
    cells.sort_unstable();
    cells.dedup();
    let mut tests = 0;
    let mut pairs = Vec::new();
    for cell in cells.chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2)) {
        for (position, &(.., a)) in cell.iter().enumerate() {
            tests += cell.len() - position;
            if tests > OVERLAP_TESTS_MAX || pairs.len() > CONFLICTS_MAX {
                return Err(TooDense);
            }
            let one = &shapes[a as usize].body;
            let others = cell[position + 1..].iter().map(|&(.., b)| b);
            pairs.extend(others.filter(|&b| overlap(one, &shapes[b as usize].body)).map(|b| (a, b)));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs)
}

fn fill_box(
    cells: &mut Vec<(u32, i32, i32, u32)>,
    map: u32,
    index: u32,
    shape: &Oriented,
) -> Result<(), TooDense> {
    let pieces = (2.0 * shape.half_length / PIECE_MM).ceil().max(1.0);
    let piece = Oriented { half_length: shape.half_length / pieces, ..*shape };
    let reach = [piece.reach(&Vector2::new(1.0, 0.0)), piece.reach(&Vector2::new(0.0, 1.0))];
    for number in 0..pieces as u32 {
        let along = piece.half_length * (2.0 * f64::from(number) + 1.0) - shape.half_length;
        fill(cells, map, index, shape.centre + shape.axis * along, reach)?;
    }
    Ok(())
}

fn fill(
    cells: &mut Vec<(u32, i32, i32, u32)>,
    map: u32,
    index: u32,
    centre: Point2<f64>,
    reach: [f64; 2],
) -> Result<(), TooDense> {
    let cell = |at: f64| (at / CELL_MM).floor() as i32;
    for cx in cell(centre.x - reach[0])..=cell(centre.x + reach[0]) {
        for cy in cell(centre.y - reach[1])..=cell(centre.y + reach[1]) {
            cells.push((map, cx, cy, index));
        }
        if cells.len() > GRID_ENTRIES_MAX {
            return Err(TooDense);
        }
    }
    Ok(())
}
