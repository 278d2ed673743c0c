//! Distances to or from a node: Dijkstra on demand over compact rows of arcs, kept per (node, robot type) under a named
//! limit until the ground changes. The queue is a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan: JACM 1990): costs taken out
//! never fall, so a cost's bucket is the highest bit in which it differs from the last one.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_maps::{EdgeId, Layout, NodeId, TypeId};

use super::ground::Ground;

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
    tables: BTreeMap<(Direction, NodeId, TypeId), Table>,
    arcs: BTreeMap<(Direction, TypeId), Arcs>,
    fronts: BTreeMap<(NodeId, TypeId), Arc<Vec<NodeId>>>,
    ground: Option<Arc<Ground>>,
    open: Radix,
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
            self.arcs.clear();
            self.fronts.clear();
        }
    }

    /// The layout as the planner walks it. A cache serves one layout.
    pub fn ground(&mut self, layout: &Layout) -> Arc<Ground> {
        Arc::clone(self.ground.get_or_insert_with(|| Arc::new(Ground::new(layout))))
    }

    /// Travel time from each node to the goal for robots of this type.
    pub fn to(&mut self, layout: &Layout, goal: NodeId, robot_type: TypeId) -> Table {
        self.table(layout, (Direction::To, goal, robot_type))
    }

    /// Travel time from this node to each node for robots of this type.
    pub fn from(&mut self, layout: &Layout, start: NodeId, robot_type: TypeId) -> Table {
        self.table(layout, (Direction::From, start, robot_type))
    }

    /// So many holding nodes from where the goal is reached soonest by robots of this type; the lower id of two alike.
    pub fn holding_near(
        &mut self,
        layout: &Layout,
        goal: NodeId,
        robot_type: TypeId,
        count: usize,
    ) -> Arc<Vec<NodeId>> {
        if let Some(front) = self.fronts.get(&(goal, robot_type)).filter(|front| front.len() == count) {
            return Arc::clone(front);
        }
        let table = self.to(layout, goal, robot_type);
        let mut nodes = layout.holding().to_vec();
        nodes.sort_unstable_by_key(|node| (table[node.index()], *node));
        nodes.truncate(count);
        let front = Arc::new(nodes);
        self.fronts.insert((goal, robot_type), Arc::clone(&front));
        front
    }

    fn table(&mut self, layout: &Layout, key: (Direction, NodeId, TypeId)) -> Table {
        if let Some(table) = self.tables.get(&key) {
            return Arc::clone(table);
        }
        if self.tables.len() >= TABLES_MAX {
            self.tables.clear();
        }
        let table = Arc::new(self.search(layout, key));
        self.tables.insert(key, Arc::clone(&table));
        table
    }

    fn search(
        &mut self,
        layout: &Layout,
        (direction, root, robot_type): (Direction, NodeId, TypeId),
    ) -> Vec<u32> {
        let (obstacles, closed) = (&self.obstacles, &self.closed);
        let arcs = self.arcs.entry((direction, robot_type));
        let arcs = arcs.or_insert_with(|| Arcs::new(layout, direction, robot_type, obstacles, closed));
        let mut table = vec![UNREACHABLE; layout.node_count()];
        table[root.index()] = 0;
        self.open.begin();
        // Who is at the root has lost nothing there: its own arcs are priced without what stands on it.
        for (edge, next) in direction.edges(layout, root) {
            if layout.admits_edge(robot_type, edge) {
                let onto = layout.edge(edge).to;
                let lost = lost(edge, onto, if onto == root { &[] } else { obstacles }, closed);
                self.open.improve(
                    &mut table,
                    next.0,
                    layout.travel_ms(robot_type, edge).saturating_add(lost),
                );
            }
        }
        while let Some((cost, node)) = self.open.pop() {
            if cost == table[node as usize] {
                for (next, length) in arcs.of(node) {
                    self.open.improve(&mut table, *next, cost.saturating_add(*length));
                }
            }
        }
        table
    }
}

/// Time lost on an edge that leads onto a node, ms.
fn lost(edge: EdgeId, onto: NodeId, obstacles: &[(NodeId, u32)], closed: &[EdgeId]) -> u32 {
    if closed.binary_search(&edge).is_ok() {
        return LOST_AT_CLOSED_MS;
    }
    obstacles.binary_search_by_key(&onto, |(at, _)| *at).map_or(0, |index| obstacles[index].1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// Where the search goes from each node and what it costs, on the present ground, ms.
#[derive(Clone, Debug)]
struct Arcs {
    starts: Vec<u32>,
    arcs: Vec<(u32, u32)>,
}

impl Arcs {
    fn new(
        layout: &Layout,
        direction: Direction,
        robot_type: TypeId,
        obstacles: &[(NodeId, u32)],
        closed: &[EdgeId],
    ) -> Arcs {
        let mut rows = Arcs { starts: vec![0], arcs: Vec::with_capacity(layout.edge_count()) };
        for node in layout.nodes() {
            for (edge, next) in direction.edges(layout, node) {
                if layout.admits_edge(robot_type, edge) {
                    let lost = lost(edge, layout.edge(edge).to, obstacles, closed);
                    rows.arcs.push((next.0, layout.travel_ms(robot_type, edge).saturating_add(lost)));
                }
            }
            rows.starts.push(rows.arcs.len() as u32);
        }
        rows
    }

    fn of(&self, node: u32) -> &[(u32, u32)] {
        &self.arcs[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }
}

/// What is still to be looked at, cheapest first.
#[derive(Clone, Debug)]
struct Radix {
    last: u32,
    buckets: Vec<Vec<(u32, u32)>>,
}

impl Default for Radix {
    fn default() -> Radix {
        Radix { last: 0, buckets: vec![Vec::new(); u32::BITS as usize + 1] }
    }
}

impl Radix {
    fn begin(&mut self) {
        self.last = 0;
    }

    /// Notes the cost if it is less than what is known of the node.
    fn improve(&mut self, table: &mut [u32], node: u32, cost: u32) {
        if cost < table[node as usize] {
            table[node as usize] = cost;
            self.put(cost, node);
        }
    }

    fn put(&mut self, cost: u32, node: u32) {
        let bucket = u32::BITS - (cost ^ self.last).leading_zeros();
        self.buckets[bucket as usize].push((cost, node));
    }

    fn pop(&mut self) -> Option<(u32, u32)> {
        let first = self.buckets.iter().position(|bucket| !bucket.is_empty())?;
        if first > 0 {
            let mut bucket = std::mem::take(&mut self.buckets[first]);
            self.last = bucket.iter().map(|(cost, _)| *cost).min().unwrap_or(self.last);
            for (cost, node) in bucket.drain(..) {
                self.put(cost, node);
            }
            self.buckets[first] = bucket;
        }
        self.buckets[0].pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_come_out_of_the_queue_in_order() {
        let mut open = Radix::default();
        open.begin();
        let costs = [700, 3, 0, 1_200_000, 64, 65, 3, u32::MAX - 1];
        costs.iter().zip(0..).for_each(|(cost, node)| open.put(*cost, node));
        let mut found: Vec<u32> = std::iter::from_fn(|| open.pop()).map(|(cost, _)| cost).collect();
        assert!(found.is_sorted(), "{found:?}");
        found.dedup();
        assert_eq!(found, [0, 3, 64, 65, 700, 1_200_000, u32::MAX - 1]);
    }
}
