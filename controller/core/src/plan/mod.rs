//! WHICH way: joint moves for a window, from the decision points on.
//!
//! A plan is ONE total order of single moves. Each is valid where everybody stands at that point of the order: its edge
//! and its end conflict with nobody's place. So a plan can always be executed, one move after the other; moves that
//! don't conflict run side by side (`traffic::lay`). A full cycle of robots each following the next has no such order
//! and is never planned. Times in a plan only decide who goes first; execution never relies on them.

mod clear;
mod cycle;
pub mod distance;
pub mod epibt;
pub mod floor;
pub mod flow;
pub mod ground;
pub mod guidance;
pub mod joint;
pub mod lacam;
pub mod lattice;
pub mod lifelong;
pub mod lns;
pub mod matching;
mod operation;
pub mod pibt;
pub mod reach;
mod region;
pub mod streets;
mod tree;
pub mod validate;
pub mod window;

use std::fmt;
use std::str::FromStr;

use drover_maps::{EdgeId, Layout, NodeId, TypeId};
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::id::RobotId;
use crate::robot::Goal;

pub(crate) use cycle::cycle;
pub use distance::Distances;

/// What a planner is given.
pub struct Problem<'a> {
    /// The map.
    pub layout: &'a Layout,
    /// When the plan begins.
    pub now: Time,
    /// How far it looks ahead, ms.
    pub window_ms: u64,
    /// Everybody who stands on the layout, by robot id.
    pub agents: Vec<Agent>,
    /// Places of released bases, which are left at an estimated time.
    pub tails: Vec<Tail>,
    /// Edges that nobody may enter now, sorted.
    pub closed: &'a [EdgeId],
    /// Moves that come first, whatever else is planned.
    pub manoeuvre: &'a [(RobotId, EdgeId)],
    /// Expansions it may spend.
    pub budget: u64,
}

impl Problem<'_> {
    /// Nobody may enter this edge now.
    pub fn is_closed(&self, edge: EdgeId) -> bool {
        self.closed.binary_search(&edge).is_ok()
    }
}

/// A robot as the planner sees it: at its decision point.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Who.
    pub robot: RobotId,
    /// Its type.
    pub robot_type: TypeId,
    /// Its decision point.
    pub node: NodeId,
    /// Its direction there, mdeg; none = unknown.
    pub heading_mdeg: Option<i32>,
    /// When it will be there, as far as one can tell.
    pub free_at: Time,
    /// Where it is to go.
    pub goal: Option<Goal>,
    /// It may be moved; else it is an obstacle.
    pub is_movable: bool,
    /// Lower goes first.
    pub rank: (u8, u64),
    /// How much longer than the shortest way it may go round rather than wait, ms.
    pub patience_ms: u64,
}

impl Agent {
    /// Its work is at this node: nobody moves it from there.
    pub fn works_at(&self, node: NodeId) -> bool {
        self.goal.is_some_and(|goal| goal.is_work && goal.node == node)
    }
}

/// A place of a released base.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// Index of the agent that leaves it.
    pub agent: usize,
    /// The node it leaves.
    pub node: NodeId,
    /// The edge it leaves by.
    pub edge: EdgeId,
    /// When, as far as one can tell.
    pub until: Time,
}

/// One step of one robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Who.
    pub robot: RobotId,
    /// Along which edge.
    pub edge: EdgeId,
    /// When it may begin, as far as one can tell.
    pub start: Time,
}

/// The moves in their total order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The moves.
    pub moves: Vec<Move>,
    /// Expansions spent.
    pub expansions: u64,
}

/// The seam: one file per algorithm.
pub trait Planner {
    /// A plan for the window. The same problem gives the same plan, always.
    fn plan(&self, problem: &Problem<'_>, distances: &mut Distances) -> Plan;
}

/// The planners there are, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// One move after the other.
    #[default]
    Pibt,
    /// Operations of many beats, refined.
    Epibt,
    /// Rounds of single moves, with a search over where everybody stands.
    Lacam,
}

/// Every planner and its name.
pub const PLANNERS: [(Algorithm, &str, &(dyn Planner + Sync)); 3] = [
    (Algorithm::Pibt, "pibt", &pibt::Pibt),
    (Algorithm::Epibt, "epibt", &window::WindowedEpibt),
    (Algorithm::Lacam, "lacam", &lacam::Lacam),
];

/// No planner has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no planner {name:?}; write one of {}", PLANNERS.map(|(_, name, _)| format!("{name:?}")).join(", "))]
pub struct UnknownAlgorithm {
    name: String,
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Algorithm, UnknownAlgorithm> {
        let found = PLANNERS.iter().find(|(_, known, _)| *known == name);
        found.map(|(algorithm, ..)| *algorithm).ok_or_else(|| UnknownAlgorithm { name: name.to_owned() })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Algorithm {
    fn row(self) -> &'static (Algorithm, &'static str, &'static (dyn Planner + Sync)) {
        PLANNERS.iter().find(|(algorithm, ..)| *algorithm == self).unwrap_or(&PLANNERS[0])
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The planner of this name.
    pub fn planner(self) -> &'static dyn Planner {
        self.row().2
    }
}

/// What planning has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannerStats {
    /// Cycles.
    pub plans: u64,
    /// Expansions.
    pub expansions: u64,
    /// Jams handed to the breaker.
    pub breaker_calls: u64,
    /// Plans that didn't pass validation.
    pub refused: u64,
}
