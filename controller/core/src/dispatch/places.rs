//! Who goes to each node and who stands there: made anew in each step that asks, so that a node is looked at alone and not
//! every robot.

use drover_maps::NodeId;

use crate::id::RobotId;
use crate::robot::Robot;

/// Robots by the nodes they go to and stand at. Not state: it says nothing the robots don't say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    goals: Vec<Vec<RobotId>>,
    standing: Vec<Vec<RobotId>>,
    strays: Vec<RobotId>,
    used: Vec<NodeId>,
    is_known: bool,
}

impl Places {
    /// A robot has changed: to be looked at again before anybody asks.
    pub(crate) fn forget(&mut self) {
        self.is_known = false;
    }

    /// Looks at all robots, unless nothing has changed since the last look.
    pub(crate) fn know(&mut self, nodes: usize, robots: &[Robot]) {
        if std::mem::replace(&mut self.is_known, true) {
            return;
        }
        self.goals.resize(nodes, Vec::new());
        self.standing.resize(nodes, Vec::new());
        self.strays.clear();
        for node in self.used.drain(..) {
            self.goals[node.index()].clear();
            self.standing[node.index()].clear();
        }
        for (robot, id) in robots.iter().zip((0..).map(RobotId)) {
            robot.goal.into_iter().for_each(|goal| self.go(id, goal.node));
            if let Some(node) = robot.trail.decision_point() {
                self.standing[node.index()].push(id);
                self.used.push(node);
            }
            if robot.stands.is_some() {
                self.strays.push(id);
            }
        }
    }

    /// The robot's goal is this node now, no longer the one before.
    pub(crate) fn set(&mut self, robot: RobotId, before: Option<NodeId>, node: NodeId) {
        if self.is_known {
            before.into_iter().for_each(|before| self.goals[before.index()].retain(|other| *other != robot));
            self.go(robot, node);
        }
    }

    fn go(&mut self, robot: RobotId, node: NodeId) {
        self.goals[node.index()].push(robot);
        self.used.push(node);
    }

    /// Robots whose goal this node is.
    pub(crate) fn going_to(&self, node: NodeId) -> &[RobotId] {
        &self.goals[node.index()]
    }

    /// Robots that stand where nobody led them.
    pub(crate) fn strays(&self) -> &[RobotId] {
        &self.strays
    }

    /// Robots whose base ends at this node.
    pub(crate) fn standing_at(&self, node: NodeId) -> &[RobotId] {
        &self.standing[node.index()]
    }
}
