//! Edges that nobody is led over, as people see them: whose word it is, since when and until when.

use drover_core::{Fleet, RobotName};
use serde::{Deserialize, Serialize};

use super::parts::reason;

/// A blocked edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedEdgeView {
    /// Its id on the layout.
    pub edge: String,
    /// Who blocked it; empty = a robot says so.
    pub by: String,
    /// Since when.
    pub at_ms: u64,
    /// Why; empty = not said.
    pub reason: String,
    /// When it opens by itself.
    pub until_ms: Option<u64>,
    /// The robot that stands before something on it.
    pub robot: Option<RobotName>,
}

impl BlockedEdgeView {
    pub(super) fn all(fleet: &Fleet) -> Vec<BlockedEdgeView> {
        let name = |edge| fleet.layout().edge(edge).name.clone();
        let by_operator = fleet.closed_edges().iter().map(|(edge, stop)| BlockedEdgeView {
            edge: name(*edge),
            by: stop.by.clone(),
            at_ms: stop.at.0,
            reason: reason("edge.block", &name(*edge), stop, fleet).unwrap_or_default(),
            until_ms: stop.until.map(|until| until.0),
            robot: None,
        });
        let by_robot = fleet.reported_edges().map(|(robot, blocked)| BlockedEdgeView {
            edge: name(blocked.edge),
            by: String::new(),
            at_ms: blocked.at.0,
            reason: String::new(),
            until_ms: None,
            robot: Some(fleet.robots()[robot.index()].name.clone()),
        });
        by_operator.chain(by_robot).collect()
    }
}
