//! What led to a violation, told in about ten lines: the last things that happened to the robots concerned.

use std::collections::VecDeque;
use std::fmt::Write;

use drover_core::Time;
use drover_maps::NodeId;

/// Lines kept per robot: a story is short.
const KEPT: usize = 12;
/// Lines told.
const TOLD: usize = 12;

/// One thing that happened to a robot, small enough to note always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// An order message left the controller.
    Ordered {
        /// VDA 5050 `orderId`.
        order_id: String,
        /// VDA 5050 `orderUpdateId`.
        update_id: u32,
        /// First node.
        from: Option<NodeId>,
        /// Decision point.
        to: Option<NodeId>,
        /// The decision point's sequenceId.
        to_sequence_id: u32,
        /// Released actions.
        actions: usize,
    },
    /// A state arrived at the controller.
    Told {
        /// VDA 5050 `orderUpdateId`.
        update_id: u32,
        /// VDA 5050 `lastNodeId`.
        last: Option<NodeId>,
        /// VDA 5050 `lastNodeSequenceId`.
        last_sequence_id: u32,
        /// VDA 5050 `driving`.
        driving: bool,
    },
    /// Its job changed.
    Job(String),
}

/// The last things that happened, per robot.
#[derive(Debug, Default)]
pub struct Story {
    told: u64,
    lines: Vec<VecDeque<(Time, u64, Happened)>>,
}

impl Story {
    /// For so many robots.
    pub fn new(robots: usize) -> Story {
        Story { told: 0, lines: vec![VecDeque::new(); robots] }
    }

    /// Notes one thing.
    pub fn note(&mut self, at: Time, robot: usize, happened: Happened) {
        self.told += 1;
        let Some(lines) = self.lines.get_mut(robot) else { return };
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back((at, self.told, happened));
    }

    /// The last lines about these robots, oldest first; times in seconds since `start`.
    pub fn tell(
        &self,
        robots: &[usize],
        start: Time,
        robot_name: &dyn Fn(usize) -> String,
        node_name: &dyn Fn(NodeId) -> String,
    ) -> Vec<String> {
        let mut all: Vec<(usize, &(Time, u64, Happened))> = robots
            .iter()
            .flat_map(|robot| self.lines.get(*robot).into_iter().flatten().map(|line| (*robot, line)))
            .collect();
        all.sort_by_key(|(_, (_, number, _))| *number);
        let skipped = all.len().saturating_sub(TOLD);
        all[skipped..]
            .iter()
            .map(|(robot, (at, _, happened))| {
                format!(
                    "{} {:<14} {}",
                    clock(at.since_ms(start)),
                    robot_name(*robot),
                    happened.tell(node_name)
                )
            })
            .collect()
    }
}

impl Happened {
    fn tell(&self, node_name: &dyn Fn(NodeId) -> String) -> String {
        let name = |node: &Option<NodeId>| node.map_or("?".to_owned(), node_name);
        match self {
            Happened::Ordered { order_id, update_id, from, to, to_sequence_id, actions } => {
                let mut text = format!(
                    "order {order_id} update {update_id}: {} to {} (sequence {to_sequence_id})",
                    name(from),
                    name(to)
                );
                if *actions > 0 {
                    let _ = write!(text, ", {actions} action(s)");
                }
                text
            }
            Happened::Told { update_id, last, last_sequence_id, driving } => format!(
                "state: update {update_id}, last node {} (sequence {last_sequence_id}), {}",
                name(last),
                if *driving { "driving" } else { "standing" }
            ),
            Happened::Job(text) => text.clone(),
        }
    }
}

/// `1:02:03.004` of simulated time.
pub fn clock(ms: u64) -> String {
    format!("{}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
}
