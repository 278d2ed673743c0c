//! Every plan passes here before it becomes claims: replays the moves one after the other.

use drover_maps::{Layout, NodeId};

use super::{Plan, Problem};
use crate::id::RobotId;

/// Why a plan doesn't hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A move of a robot that isn't on the layout or may not be moved.
    #[error("move {index}: robot {robot:?} can't be moved")]
    Immovable {
        /// The move's place in the plan.
        index: usize,
        /// The robot.
        robot: RobotId,
    },
    /// A move that doesn't begin where the robot stands, or may not use its edge.
    #[error("move {index}: robot {robot:?} can't take this edge")]
    Detached {
        /// The move's place in the plan.
        index: usize,
        /// The robot.
        robot: RobotId,
    },
    /// A move into a place in conflict with where another stands at that point.
    #[error("move {index}: robot {robot:?} runs into robot {other:?}")]
    Conflict {
        /// The move's place in the plan.
        index: usize,
        /// The robot.
        robot: RobotId,
        /// The one it runs into.
        other: RobotId,
    },
}

/// Replays the plan; the first flaw, if there is one.
pub fn validate(problem: &Problem<'_>, plan: &Plan) -> Result<(), Flaw> {
    let layout = problem.layout;
    let mut standing: Vec<Option<usize>> = vec![None; layout.node_count()];
    let mut at: Vec<NodeId> = problem.agents.iter().map(|agent| agent.node).collect();
    for (index, node) in at.iter().enumerate() {
        standing[node.index()] = Some(index);
    }
    for (index, step) in plan.moves.iter().enumerate() {
        let robot = step.robot;
        let found = problem.agents.binary_search_by_key(&robot, |agent| agent.robot);
        let Some(agent) = found.ok().filter(|agent| problem.agents[*agent].is_movable) else {
            return Err(Flaw::Immovable { index, robot });
        };
        let edge = layout.edge(step.edge);
        let robot_type = problem.agents[agent].robot_type;
        if edge.from != at[agent] || !layout.admits_edge(robot_type, step.edge) {
            return Err(Flaw::Detached { index, robot });
        }
        if let Some(other) = blocker(layout, &standing, step.edge, edge.to, agent) {
            return Err(Flaw::Conflict { index, robot, other: problem.agents[other].robot });
        }
        standing[edge.from.index()] = None;
        standing[edge.to.index()] = Some(agent);
        at[agent] = edge.to;
    }
    Ok(())
}

fn blocker(
    layout: &Layout,
    standing: &[Option<usize>],
    edge: drover_maps::EdgeId,
    to: NodeId,
    agent: usize,
) -> Option<usize> {
    let near = layout.edge_conflicts(edge).nodes.iter().chain(layout.node_conflicts(to).nodes);
    near.chain([&to]).find_map(|node| standing[node.index()].filter(|other| *other != agent))
}
