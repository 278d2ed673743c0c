//! From a plan to claims: each planned step waits for the reported exits of those who pass before it.
//!
//! Walks the plan's moves in their total order and remembers who leaves each place last. A move that enters a place
//! comes after the last exit from everything that conflicts with it; earlier exits come before that one by their own
//! arcs. Every arc points back in the total order, so the graph has no cycle (Acyclic).

use drover_maps::{EdgeId, Layout, NodeId};

use crate::id::RobotId;
use crate::plan::Move;
use crate::robot::{Claim, Robot};

/// A step's report: this robot has passed this many nodes.
type Exit = (RobotId, u64);

struct Exits<'a> {
    layout: &'a Layout,
    nodes: Vec<Option<Exit>>,
    edges: Vec<Option<Exit>>,
}

/// Replaces the claims of all robots by those of the plan.
pub(crate) fn lay(layout: &Layout, robots: &mut [Robot], moves: &[Move]) {
    let mut exits = Exits::of_bases(layout, robots);
    let mut ends: Vec<(Option<NodeId>, u64)> = Vec::with_capacity(robots.len());
    for robot in robots.iter_mut() {
        robot.claims.clear();
        ends.push((robot.trail.decision_point(), robot.trail.decision_count()));
    }
    for (rank, planned) in moves.iter().enumerate() {
        let id = planned.robot;
        let to = layout.edge(planned.edge).to;
        let after = exits.before(id, planned.edge, to, robots);
        let (end, count) = &mut ends[id.index()];
        *count += 1;
        exits.leave(*end, planned.edge, (id, *count));
        *end = Some(to);
        let claim = Claim { edge: planned.edge, node: to, rank: rank as u32, after };
        robots[id.index()].claims.push_back(claim);
    }
}

impl Exits<'_> {
    /// The released bases: each place of a trail but its last node will be left at a known count.
    fn of_bases<'a>(layout: &'a Layout, robots: &[Robot]) -> Exits<'a> {
        let mut exits =
            Exits { layout, nodes: vec![None; layout.node_count()], edges: vec![None; layout.edge_count()] };
        for (index, robot) in robots.iter().enumerate() {
            let id = RobotId(index as u32);
            let steps = &robot.trail.steps;
            for (place, (from, to)) in steps.iter().zip(steps.iter().skip(1)).enumerate() {
                let count = robot.trail.passed + place as u64 + 1;
                if let Some(edge) = to.edge {
                    exits.leave(Some(from.node), edge, (id, count));
                }
            }
        }
        exits
    }

    fn leave(&mut self, node: Option<NodeId>, edge: EdgeId, exit: Exit) {
        if let Some(node) = node {
            self.nodes[node.index()] = Some(exit);
        }
        self.edges[edge.index()] = Some(exit);
    }

    /// Exits of other robots, not reported yet, that must come before this one enters the edge and the node.
    fn before(&self, robot: RobotId, edge: EdgeId, node: NodeId, robots: &[Robot]) -> Vec<Exit> {
        let mut latest: Vec<Exit> = Vec::new();
        let mut note = |exit: Option<Exit>| {
            let Some((other, count)) = exit.filter(|(other, _)| *other != robot) else { return };
            if robots[other.index()].trail.passed >= count {
                return;
            }
            match latest.iter_mut().find(|(known, _)| *known == other) {
                Some((_, known)) => *known = count.max(*known),
                None => latest.push((other, count)),
            }
        };
        note(self.edges[edge.index()]);
        note(self.nodes[node.index()]);
        for conflicts in [self.layout.edge_conflicts(edge), self.layout.node_conflicts(node)] {
            conflicts.nodes.iter().for_each(|node| note(self.nodes[node.index()]));
            conflicts.edges.iter().for_each(|edge| note(self.edges[edge.index()]));
        }
        latest.sort_unstable();
        latest
    }
}
