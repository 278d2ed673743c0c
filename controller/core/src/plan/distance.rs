//! Distances to a goal: reverse Dijkstra on demand, kept per (goal, robot type) under a named limit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use drover_maps::{EdgeId, Layout, NodeId, TypeId};

/// No way.
pub const UNREACHABLE: u32 = u32::MAX;

/// Tables kept at most.
pub const TABLES_MAX: usize = 4_096;

/// Time lost at an edge that nobody may enter now, ms: a way round is found where there is one.
const LOST_AT_CLOSED_MS: u32 = 1_200_000;

/// Travel time to (or from) one node for each node, ms.
pub type Table = Arc<Vec<u32>>;

/// A cache of distance tables. Not state: it may be thrown away at any time without a changed decision.
#[derive(Clone, Debug, Default)]
pub struct Distances {
    tables: BTreeMap<(NodeId, TypeId), Table>,
    obstacles: Vec<(NodeId, u32)>,
    closed: Vec<EdgeId>,
}

impl Distances {
    /// Places where somebody stands who can't be moved, each with the time lost there, ms, sorted by node; and edges that
    /// nobody may enter now, sorted.
    pub fn set_ground(&mut self, obstacles: &[(NodeId, u32)], closed: &[EdgeId]) {
        if self.obstacles != obstacles || self.closed != closed {
            self.obstacles = obstacles.to_vec();
            self.closed = closed.to_vec();
            self.tables.clear();
        }
    }

    /// Travel time from each node to the goal for robots of this type.
    pub fn to(&mut self, layout: &Layout, goal: NodeId, robot_type: TypeId) -> Table {
        if let Some(table) = self.tables.get(&(goal, robot_type)) {
            return Arc::clone(table);
        }
        if self.tables.len() >= TABLES_MAX {
            self.tables.clear();
        }
        let table = Arc::new(self.search(layout, goal, robot_type, Direction::To));
        self.tables.insert((goal, robot_type), Arc::clone(&table));
        table
    }

    /// Travel time from this node to each node for robots of this type; not kept.
    pub fn from(&self, layout: &Layout, start: NodeId, robot_type: TypeId) -> Vec<u32> {
        self.search(layout, start, robot_type, Direction::From)
    }

    fn search(&self, layout: &Layout, root: NodeId, robot_type: TypeId, direction: Direction) -> Vec<u32> {
        let mut table = vec![UNREACHABLE; layout.node_count()];
        let mut open = BinaryHeap::new();
        table[root.index()] = 0;
        open.push(Reverse((0_u32, root)));
        while let Some(Reverse((cost, node))) = open.pop() {
            if cost > table[node.index()] {
                continue;
            }
            for (edge, next) in direction.edges(layout, node) {
                if !layout.admits_edge(robot_type, edge) {
                    continue;
                }
                let onto = layout.edge(edge).to;
                let at_node = if onto == root { 0 } else { self.lost_at(onto) };
                let lost = if self.closed.binary_search(&edge).is_ok() { LOST_AT_CLOSED_MS } else { at_node };
                let sum = cost.saturating_add(layout.travel_ms(robot_type, edge)).saturating_add(lost);
                if sum < table[next.index()] {
                    table[next.index()] = sum;
                    open.push(Reverse((sum, next)));
                }
            }
        }
        table
    }

    fn lost_at(&self, node: NodeId) -> u32 {
        self.obstacles.binary_search_by_key(&node, |(at, _)| *at).map_or(0, |index| self.obstacles[index].1)
    }
}

#[derive(Clone, Copy)]
enum Direction {
    To,
    From,
}

impl Direction {
    fn edges(self, layout: &Layout, node: NodeId) -> impl Iterator<Item = (EdgeId, NodeId)> + '_ {
        let edges = match self {
            Direction::To => layout.in_edges(node),
            Direction::From => layout.out_edges(node),
        };
        edges.iter().map(move |edge| match self {
            Direction::To => (*edge, layout.edge(*edge).from),
            Direction::From => (*edge, layout.edge(*edge).to),
        })
    }
}
