//! A piece of the layout round one robot's way, small enough that "who stands where" is a number of 128 bits.
//!
//! Whoever can't be moved, or stands outside, closes the steps in conflict with it. All the others inside are alike: only
//! the one robot has a goal, so it doesn't matter which of them stands where.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use drover_maps::{EdgeId, Layout, NodeId};

use super::Problem;

/// Places of a region, at most.
pub(super) const PLACES_MAX: usize = 128;
/// Nodes of the way ahead that a region covers, at most.
const WAY_MAX: usize = 40;

/// One bit per place.
pub(super) type Places = u128;

/// One move inside a region.
pub(super) struct Step {
    pub(super) edge: EdgeId,
    pub(super) to: usize,
    /// Where nobody else may stand meanwhile.
    pub(super) meets: Places,
    pub(super) travel_ms: u64,
    /// The one with the goal may take it.
    pub(super) is_for_first: bool,
    /// Everybody else may take it.
    pub(super) is_for_others: bool,
}

/// The region, and who stands in it.
pub(super) struct Region {
    nodes: Vec<NodeId>,
    pub(super) steps: Vec<Vec<Step>>,
    /// By place: from where the others may step onto it.
    pub(super) into: Vec<Places>,
    /// By place: from where the one robot may step onto it.
    onto: Vec<Places>,
    /// By place: who stands there excludes who would stand here.
    pub(super) near: Vec<Places>,
    pub(super) first: usize,
    pub(super) others: Places,
    /// Where the way ends: at the goal, or as far as a region goes.
    pub(super) target: usize,
}

/// Where the one robot is to go, and how.
pub(super) struct Aim {
    pub(super) target: usize,
    /// By place: time to the target, ms.
    pub(super) left_ms: Vec<u64>,
    /// By place: all that conflicts with the straight way on from there.
    pub(super) way: Vec<Places>,
}

/// The nodes of an agent's straight way by this table, its own place first; none if it is barred by what won't move.
pub(super) fn way(problem: &Problem<'_>, first: usize, table: &[u32]) -> Option<Vec<NodeId>> {
    let layout = problem.layout;
    let agent = &problem.agents[first];
    let mut way = vec![agent.node];
    while way.len() < WAY_MAX {
        let here = way[way.len() - 1];
        let open = layout.out_edges(here).iter().filter(|edge| layout.admits_edge(agent.robot_type, **edge));
        let Some(edge) = open.min_by_key(|edge| (table[layout.edge(**edge).to.index()], **edge)) else {
            break;
        };
        let to = layout.edge(*edge).to;
        if table[to.index()] >= table[here.index()] {
            break;
        }
        let bars = |node: &NodeId| {
            let mut fixed = problem.agents.iter().filter(|other| !other.is_movable);
            fixed.any(|other| other.node == *node)
        };
        let mut near =
            layout.edge_conflicts(*edge).nodes.iter().chain(layout.node_conflicts(to).nodes).chain([&to]);
        if problem.is_closed(*edge) || near.any(bars) {
            break;
        }
        way.push(to);
    }
    (way.len() > 1).then_some(way)
}

impl Region {
    /// The nodes of the way and those nearest to it, so many at most.
    pub(super) fn new(problem: &Problem<'_>, first: usize, way: &[NodeId], most: usize) -> Region {
        let nodes = around(problem.layout, way, most.min(PLACES_MAX));
        let places: BTreeMap<NodeId, usize> = nodes.iter().copied().zip(0..).collect();
        let mut region = Region {
            steps: Vec::with_capacity(nodes.len()),
            into: vec![0; nodes.len()],
            onto: vec![0; nodes.len()],
            near: Vec::with_capacity(nodes.len()),
            first: 0,
            others: 0,
            target: way.len() - 1,
            nodes,
        };
        let closed = region.settle(problem, first, &places);
        for place in 0..region.nodes.len() {
            let (steps, near) = region.ground(problem, first, place, &places, &closed);
            for step in &steps {
                region.into[step.to] |= Places::from(step.is_for_others) << place;
                region.onto[step.to] |= Places::from(step.is_for_first) << place;
            }
            region.steps.push(steps);
            region.near.push(near);
        }
        region
    }

    /// Who stands where; the nodes of those who count as fixed.
    fn settle(
        &mut self,
        problem: &Problem<'_>,
        first: usize,
        places: &BTreeMap<NodeId, usize>,
    ) -> Vec<NodeId> {
        let mut closed = Vec::new();
        for (index, agent) in problem.agents.iter().enumerate() {
            match places.get(&agent.node) {
                Some(_) if index == first => {}
                Some(place) if agent.is_movable => self.others |= 1 << place,
                Some(_) | None => closed.push(agent.node),
            }
        }
        closed.sort_unstable();
        closed
    }

    /// The steps from a place, and what conflicts with standing there.
    fn ground(
        &self,
        problem: &Problem<'_>,
        first: usize,
        place: usize,
        places: &BTreeMap<NodeId, usize>,
        closed: &[NodeId],
    ) -> (Vec<Step>, Places) {
        let layout = problem.layout;
        let here = self.nodes[place];
        let bits = |nodes: &[NodeId]| {
            nodes.iter().filter_map(|node| places.get(node)).fold(0, |all, place| all | 1 << place)
        };
        let is_shut = |nodes: &[NodeId]| nodes.iter().any(|node| closed.binary_search(node).is_ok());
        let mut types: Vec<_> = problem.agents.iter().map(|agent| agent.robot_type).collect();
        types.sort_unstable();
        types.dedup();
        let mut steps = Vec::new();
        for edge in layout.out_edges(here) {
            let to = layout.edge(*edge).to;
            let (by_edge, by_node) = (layout.edge_conflicts(*edge).nodes, layout.node_conflicts(to).nodes);
            let is_open =
                !problem.is_closed(*edge) && !is_shut(by_edge) && !is_shut(by_node) && !is_shut(&[to]);
            let Some(end) = places.get(&to).copied().filter(|_| is_open) else { continue };
            let robot_type = problem.agents[first].robot_type;
            steps.push(Step {
                edge: *edge,
                to: end,
                meets: (bits(by_edge) | bits(by_node) | 1 << end) & !(1 << place),
                travel_ms: u64::from(layout.travel_ms(robot_type, *edge)),
                is_for_first: layout.admits_edge(robot_type, *edge),
                is_for_others: types.iter().all(|robot_type| layout.admits_edge(*robot_type, *edge)),
            });
        }
        (steps, bits(layout.node_conflicts(here).nodes) | 1 << place)
    }

    /// The straight way of the one robot to a place, from each.
    pub(super) fn aim(&self, target: usize) -> Aim {
        let mut aim =
            Aim { target, left_ms: vec![u64::MAX; self.nodes.len()], way: vec![0; self.nodes.len()] };
        let mut open = BinaryHeap::from([Reverse((0, target))]);
        aim.left_ms[target] = 0;
        while let Some(Reverse((cost, place))) = open.pop() {
            if cost > aim.left_ms[place] {
                continue;
            }
            for from in bits(self.onto[place]) {
                let steps = self.steps[from].iter().filter(|step| step.is_for_first && step.to == place);
                for step in steps {
                    let sum = cost + step.travel_ms;
                    if sum < aim.left_ms[from] {
                        aim.left_ms[from] = sum;
                        aim.way[from] = step.meets | aim.way[place];
                        open.push(Reverse((sum, from)));
                    }
                }
            }
        }
        aim
    }

    /// Places from which others can come to this one, past the wall.
    pub(super) fn reach(&self, place: usize, wall: Places) -> Places {
        let (mut seen, mut edge) = (1 << place & !wall, 1 << place & !wall);
        while edge != 0 {
            edge = bits(edge).fold(0, |all, place| all | self.into[place]) & !seen & !wall;
            seen |= edge;
        }
        seen
    }

    /// The node of a place.
    pub(super) fn node(&self, place: usize) -> NodeId {
        self.nodes[place]
    }
}

/// The way and the nodes nearest to it, by edges, so many at most.
pub(super) fn around(layout: &Layout, way: &[NodeId], most: usize) -> Vec<NodeId> {
    let mut nodes = way.to_vec();
    let mut is_in = vec![false; layout.node_count()];
    nodes.iter().for_each(|node| is_in[node.index()] = true);
    let mut next = 0;
    while next < nodes.len() && nodes.len() < most {
        let ends = layout.out_edges(nodes[next]).iter().map(|edge| layout.edge(*edge).to);
        let starts = layout.in_edges(nodes[next]).iter().map(|edge| layout.edge(*edge).from);
        for node in ends.chain(starts) {
            if !is_in[node.index()] && nodes.len() < most {
                is_in[node.index()] = true;
                nodes.push(node);
            }
        }
        next += 1;
    }
    nodes
}

/// The places of these bits, in order.
pub(super) fn bits(mut places: Places) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = places.trailing_zeros() as usize;
        (places != 0).then(|| {
            places &= places - 1;
            place
        })
    })
}
