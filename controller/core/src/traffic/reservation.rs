//! The reservation table: at most one holder per place, and none beside it in conflict.

use serde::{Deserialize, Serialize};

use drover_maps::{Conflicts, EdgeId, Layout, NodeId};

use crate::id::RobotId;
use crate::robot::Step;

/// Who holds each node and each edge of a layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservations {
    nodes: Vec<Option<RobotId>>,
    edges: Vec<Option<RobotId>>,
}

impl Reservations {
    /// Nobody holds anything.
    pub fn new(layout: &Layout) -> Reservations {
        Reservations { nodes: vec![None; layout.node_count()], edges: vec![None; layout.edge_count()] }
    }

    /// Who holds the node.
    pub fn node(&self, node: NodeId) -> Option<RobotId> {
        self.nodes[node.index()]
    }

    /// Who holds the edge.
    pub fn edge(&self, edge: EdgeId) -> Option<RobotId> {
        self.edges[edge.index()]
    }

    /// Another robot that holds the node or a place in conflict with it.
    pub fn blocker_of_node(&self, layout: &Layout, robot: RobotId, node: NodeId) -> Option<RobotId> {
        other(self.node(node), robot).or_else(|| self.blocker_in(layout.node_conflicts(node), robot))
    }

    /// Another robot that holds the edge or a place in conflict with it.
    pub fn blocker_of_edge(&self, layout: &Layout, robot: RobotId, edge: EdgeId) -> Option<RobotId> {
        other(self.edge(edge), robot).or_else(|| self.blocker_in(layout.edge_conflicts(edge), robot))
    }

    fn blocker_in(&self, conflicts: Conflicts<'_>, robot: RobotId) -> Option<RobotId> {
        let nodes = conflicts.nodes.iter().find_map(|node| other(self.node(*node), robot));
        nodes.or_else(|| conflicts.edges.iter().find_map(|edge| other(self.edge(*edge), robot)))
    }

    /// The robot holds the step's edge and node from now on.
    pub(crate) fn hold(&mut self, robot: RobotId, step: &Step) {
        self.nodes[step.node.index()] = Some(robot);
        if let Some(edge) = step.edge {
            self.edges[edge.index()] = Some(robot);
        }
    }

    /// Nobody holds the node any more.
    pub(crate) fn free_node(&mut self, node: NodeId) {
        self.nodes[node.index()] = None;
    }

    /// Nobody holds the edge any more.
    pub(crate) fn free_edge(&mut self, edge: EdgeId) {
        self.edges[edge.index()] = None;
    }
}

fn other(holder: Option<RobotId>, robot: RobotId) -> Option<RobotId> {
    holder.filter(|holder| *holder != robot)
}
