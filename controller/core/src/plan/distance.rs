//! Distances to a node: Dijkstra on demand over compact rows of arcs, kept per (node, robot type) under a named limit. When
//! the ground changes, a table is repaired where the change reaches, the next time it is asked for (after Ramalingam and
//! Reps, "An incremental algorithm for a generalization of the shortest-path problem", J. Algorithms 1996). The queue is
//! a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan: JACM 1990): costs taken out never fall, so a cost's bucket is the highest
//! bit in which it differs from the last one.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_maps::{EdgeId, Layout, NodeId, TypeId};

use super::ground::Ground;
use super::window::Priced;

/// No way.
pub const UNREACHABLE: u32 = u32::MAX;

/// Tables kept at most.
pub const TABLES_MAX: usize = 4_096;

/// Changes of the ground kept at most: a table older than these is made anew.
const CHANGES_MAX: usize = 1_024;

/// Time lost at an edge that nobody may enter now, ms: a way round is found where there is one.
const LOST_AT_CLOSED_MS: u32 = 1_200_000;

/// Travel time to one node for each node, ms.
pub type Table = Arc<Vec<u32>>;

/// A cache of distance tables. Not state: it may be thrown away at any time without a changed decision.
#[derive(Clone, Debug, Default)]
pub struct Distances {
    tables: BTreeMap<(NodeId, TypeId), Kept>,
    arcs: BTreeMap<TypeId, Arcs>,
    fronts: BTreeMap<(NodeId, TypeId), Arc<Vec<NodeId>>>,
    ground: Option<Arc<Ground>>,
    search: Search,
    obstacles: Vec<(NodeId, u32)>,
    closed: Vec<EdgeId>,
    /// Time lost on driving onto each node, ms; empty = none anywhere.
    lost: Vec<u32>,
    changes: Changes,
    priced: Option<Priced>,
}

#[derive(Clone, Debug)]
struct Kept {
    table: Table,
    /// Changes of the ground it knows of.
    known: u64,
}

/// Nodes from where a step has got another price, the oldest first.
#[derive(Clone, Debug, Default)]
struct Changes {
    nodes: Vec<NodeId>,
    forgotten: u64,
}

impl Changes {
    fn count(&self) -> u64 {
        self.forgotten + self.nodes.len() as u64
    }

    fn note(&mut self, node: NodeId) {
        if self.nodes.len() >= CHANGES_MAX {
            self.nodes.drain(..CHANGES_MAX / 2);
            self.forgotten += CHANGES_MAX as u64 / 2;
        }
        self.nodes.push(node);
    }

    /// Those after the first `known`; none if some of them are forgotten.
    fn since(&self, known: u64) -> Option<&[NodeId]> {
        let first = usize::try_from(known.checked_sub(self.forgotten)?).ok()?;
        self.nodes.get(first..)
    }
}

impl Distances {
    /// Places where somebody stands who can't be moved, each with the time lost there, ms, sorted by node; and edges that
    /// nobody may enter now, sorted.
    pub fn set_ground(&mut self, layout: &Layout, obstacles: &[(NodeId, u32)], closed: &[EdgeId]) {
        if self.obstacles == obstacles && self.closed == closed {
            return;
        }
        self.fronts.clear();
        self.lost.resize(layout.node_count(), 0);
        let before = std::mem::replace(&mut self.obstacles, obstacles.to_vec());
        for (node, _) in before.iter().filter(|place| obstacles.binary_search(place).is_err()) {
            self.set_lost(layout, *node, 0);
        }
        for (node, lost) in obstacles.iter().filter(|place| before.binary_search(place).is_err()) {
            self.set_lost(layout, *node, *lost);
        }
        let before = std::mem::replace(&mut self.closed, closed.to_vec());
        let is_in = |edges: &[EdgeId], edge: &EdgeId| edges.binary_search(edge).is_ok();
        let opened = before.iter().filter(|edge| !is_in(closed, edge));
        let changed: Vec<EdgeId> =
            opened.chain(closed.iter().filter(|edge| !is_in(&before, edge))).copied().collect();
        if !changed.is_empty() {
            self.arcs.clear();
        }
        changed.into_iter().for_each(|edge| self.changes.note(layout.edge(edge).from));
        if let Some(priced) = &mut self.priced {
            priced.set_ground(layout, obstacles, closed);
        }
    }

    /// The layout in beats, with its prices.
    pub(super) fn priced(&mut self, layout: &Layout) -> &mut Priced {
        let ground = self.ground(layout);
        self.priced.get_or_insert_with(|| {
            let mut priced = Priced::new(layout, &ground);
            priced.set_ground(layout, &self.obstacles, &self.closed);
            priced
        })
    }

    fn set_lost(&mut self, layout: &Layout, node: NodeId, lost: u32) {
        self.lost[node.index()] = lost;
        for edge in layout.in_edges(node) {
            self.changes.note(layout.edge(*edge).from);
        }
    }

    /// The layout as the planner walks it. A cache serves one layout.
    pub fn ground(&mut self, layout: &Layout) -> Arc<Ground> {
        Arc::clone(self.ground.get_or_insert_with(|| Arc::new(Ground::new(layout))))
    }

    /// Travel time from each node to the goal for robots of this type.
    pub fn to(&mut self, layout: &Layout, goal: NodeId, robot_type: TypeId) -> Table {
        let (key, count) = ((goal, robot_type), self.changes.count());
        let kept = self.tables.get(&key);
        if let Some(kept) = kept.filter(|kept| kept.known == count) {
            return Arc::clone(&kept.table);
        }
        if kept.is_none() && self.tables.len() >= TABLES_MAX {
            self.tables.clear();
        }
        let closed = &self.closed;
        let arcs = self.arcs.entry(robot_type).or_insert_with(|| Arcs::new(layout, robot_type, closed));
        let floor = Floor { arcs, lost: &self.lost, goal: goal.0 };
        let fresh = || Kept { table: Arc::new(vec![UNREACHABLE; layout.node_count()]), known: 0 };
        let kept = self.tables.entry(key).or_insert_with(fresh);
        let table = Arc::make_mut(&mut kept.table);
        let is_fresh = table[goal.index()] == UNREACHABLE;
        match self.changes.since(kept.known).filter(|_| !is_fresh) {
            Some(changed) => self.search.repair(&floor, changed, table),
            None => self.search.fill(&floor, table),
        }
        kept.known = count;
        Arc::clone(&kept.table)
    }

    /// The node where the travel time from `start`, plus what `onward` says of the node, is least, the lower id of two
    /// alike; `onward` says none of a node that doesn't count.
    pub fn soonest(
        &mut self,
        layout: &Layout,
        start: NodeId,
        robot_type: TypeId,
        onward: impl Fn(NodeId) -> Option<u64>,
    ) -> Option<NodeId> {
        let closed = &self.closed;
        let arcs = self.arcs.entry(robot_type).or_insert_with(|| Arcs::new(layout, robot_type, closed));
        let mut table = vec![UNREACHABLE; layout.node_count()];
        let mut best: Option<(u64, NodeId)> = None;
        let open = &mut self.search.open;
        open.begin();
        open.improve(&mut table, start.0, 0);
        while let Some((cost, node)) = open.pop() {
            if best.is_some_and(|(least, _)| u64::from(cost) > least) {
                break;
            }
            if cost != table[node as usize] {
                continue;
            }
            let found = onward(NodeId(node)).map(|onward| (u64::from(cost) + onward, NodeId(node)));
            best = best.into_iter().chain(found).min();
            for (next, length) in arcs.from.of(node) {
                let lost = self.lost.get(*next as usize).unwrap_or(&0);
                open.improve(&mut table, *next, cost.saturating_add(*length).saturating_add(*lost));
            }
        }
        open.clear();
        best.map(|(_, node)| node)
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
}

/// What a search towards a goal walks on.
struct Floor<'a> {
    arcs: &'a Arcs,
    lost: &'a [u32],
    goal: u32,
}

impl Floor<'_> {
    /// Time from where an edge onto this node begins, ms, but for the edge's own. Who is at the goal has lost nothing there:
    /// it is priced without what stands on it.
    fn onto(&self, node: u32, cost: u32) -> u32 {
        let lost = if node == self.goal { 0 } else { self.lost.get(node as usize).copied().unwrap_or(0) };
        cost.saturating_add(lost)
    }

    /// Time from this node by its best next step, ms.
    fn best(&self, node: u32, table: &[u32]) -> u32 {
        let step =
            |(next, length): &(u32, u32)| self.onto(*next, table[*next as usize]).saturating_add(*length);
        self.arcs.from.of(node).iter().map(step).min().unwrap_or(UNREACHABLE)
    }
}

/// What searches need, kept for the next one.
#[derive(Clone, Debug, Default)]
struct Search {
    open: Radix,
    /// Nodes whose time was wrong.
    stale: Vec<u32>,
}

impl Search {
    fn fill(&mut self, floor: &Floor<'_>, table: &mut [u32]) {
        table.fill(UNREACHABLE);
        self.open.begin();
        self.open.improve(table, floor.goal, 0);
        self.spread(floor, table);
    }

    fn spread(&mut self, floor: &Floor<'_>, table: &mut [u32]) {
        while let Some((cost, node)) = self.open.pop() {
            if cost == table[node as usize] {
                let cost = floor.onto(node, cost);
                for (before, length) in floor.arcs.to.of(node) {
                    self.open.improve(table, *before, cost.saturating_add(*length));
                }
            }
        }
    }

    /// First, in order of time, whoever has no step left that is as good as its time says becomes stale, and those that may
    /// have relied on it are looked at; then times spread into the stale from around, and from where they fell.
    fn repair(&mut self, floor: &Floor<'_>, changed: &[NodeId], table: &mut [u32]) {
        self.open.begin();
        for node in changed.iter().map(|node| node.0).filter(|node| *node != floor.goal) {
            self.look_at(table, node);
        }
        self.stale.clear();
        while let Some((cost, node)) = self.open.pop() {
            if table[node as usize] == UNREACHABLE || floor.best(node, table) <= cost {
                continue;
            }
            table[node as usize] = UNREACHABLE;
            self.stale.push(node);
            let cost = floor.onto(node, cost);
            for (before, length) in floor.arcs.to.of(node) {
                if *before != floor.goal && table[*before as usize] >= cost.saturating_add(*length) {
                    self.look_at(table, *before);
                }
            }
        }
        self.open.begin();
        for node in self.stale.iter().copied().chain(changed.iter().map(|node| node.0)) {
            let best = floor.best(node, table);
            self.open.improve(table, node, best);
        }
        self.spread(floor, table);
    }

    fn look_at(&mut self, table: &[u32], node: u32) {
        if table[node as usize] != UNREACHABLE {
            self.open.put(table[node as usize], node);
        }
    }
}

/// Where steps lead from each node, and from where they lead to it, with the edge's time, ms.
#[derive(Clone, Debug)]
struct Arcs {
    from: Rows,
    to: Rows,
}

impl Arcs {
    fn new(layout: &Layout, robot_type: TypeId, closed: &[EdgeId]) -> Arcs {
        let length = |edge: EdgeId| {
            let lost = if closed.binary_search(&edge).is_ok() { LOST_AT_CLOSED_MS } else { 0 };
            layout.travel_ms(robot_type, edge).saturating_add(lost)
        };
        let (mut from, mut to) = (Rows::new(layout), Rows::new(layout));
        for node in layout.nodes() {
            let out = layout.out_edges(node).iter().filter(|edge| layout.admits_edge(robot_type, **edge));
            from.push(out.map(|edge| (layout.edge(*edge).to.0, length(*edge))));
            let into = layout.in_edges(node).iter().filter(|edge| layout.admits_edge(robot_type, **edge));
            to.push(into.map(|edge| (layout.edge(*edge).from.0, length(*edge))));
        }
        Arcs { from, to }
    }
}

#[derive(Clone, Debug)]
struct Rows {
    starts: Vec<u32>,
    arcs: Vec<(u32, u32)>,
}

impl Rows {
    fn new(layout: &Layout) -> Rows {
        Rows { starts: vec![0], arcs: Vec::with_capacity(layout.edge_count()) }
    }

    fn push(&mut self, row: impl Iterator<Item = (u32, u32)>) {
        self.arcs.extend(row);
        self.starts.push(self.arcs.len() as u32);
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

    fn clear(&mut self) {
        self.buckets.iter_mut().for_each(Vec::clear);
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
