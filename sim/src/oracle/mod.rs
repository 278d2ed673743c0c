//! The judge. It sees only three things: the journal's records, the messages on the wire, and where the robots truly
//! are. It shares no code with the controller's own checks, so that one mistake can't hide in both.
//!
//! ```text
//!   records  ─► OneWriter, Fifo, OnceOnly, Acyclic, Bounded, Replay
//!   messages ─► BasePrefix, Evidence, Exclusive, OnceOnly, Fifo, ModeRespect, Observed, Bounded, OneWriter
//!   floor    ─► Exclusive, Covered, Conserved, Observed
//! ```
//!
//! Each rule is one file and answers with breaches; `journal`, `wire` and `floor` hand each of the three on to the rules;
//! this file names the robots and tells the story.

mod acyclic;
mod base;
mod bounded;
mod conserved;
mod covered;
mod doors;
mod exclusive;
mod fifo;
mod floor;
mod hearing;
mod journal;
mod modes;
mod once;
mod prefix;
mod replay;
mod strays;
#[cfg(test)]
mod tests;
mod verdict;
mod wire;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_core::job::{Job, JobSpec};
use drover_core::{JobId, JobNews, RobotId, RobotName, Time};
use drover_maps::{Layout, NodeId, TypeId};
use drover_proto::vda5050::Order;

use crate::story::Story;

pub(crate) use verdict::Breach;
pub use verdict::{INVARIANTS, Truth, Violation};

/// Violations after which nobody learns anything new.
const VIOLATIONS_MAX: usize = 10;

/// What is known of the jobs from the journal and the events: shared by the rules.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    /// As accepted.
    pub(crate) specs: BTreeMap<JobId, JobSpec>,
    /// The job each robot has, from the journal.
    pub(crate) of_robot: BTreeMap<usize, JobId>,
}

/// The whole judge. All times are those of the simulated clock.
#[derive(Debug)]
pub struct Oracle {
    layout: Arc<Layout>,
    start: Time,
    names: Vec<RobotName>,
    /// Index of each robot by its name on the wire.
    named: BTreeMap<String, usize>,
    /// Index of each robot by its place in the journal.
    enrolled: Vec<Option<usize>>,
    types: Vec<Option<TypeId>>,
    jobs: Jobs,
    /// Freed when the controller hears it.
    heard: base::Bases,
    /// Freed when the robot says it.
    said: base::Bases,
    hearing: hearing::Hearing,
    prefix: prefix::Prefix,
    strays: strays::Strays,
    modes: modes::Modes,
    once: once::Once,
    fifo: fifo::Fifo,
    acyclic: acyclic::Acyclic,
    bounded: bounded::Bounded,
    writer: writer::Writer,
    doors: doors::Doors,
    exclusive: exclusive::Exclusive,
    conserved: conserved::Conserved,
    /// Robots that nobody's word led where they are, until they stand on their own base again.
    excused: Vec<bool>,
    story: Story,
    violations: Vec<Violation>,
}

impl Oracle {
    /// A judge over these robots; `start` is the moment the run's clock shows zero.
    pub fn new(layout: Arc<Layout>, names: Vec<RobotName>, start: Time) -> Oracle {
        let robots = names.len();
        Oracle {
            named: (0..).zip(&names).map(|(index, name)| (name.to_string(), index)).collect(),
            enrolled: Vec::new(),
            types: vec![None; robots],
            jobs: Jobs::default(),
            heard: base::Bases::new("Evidence", &layout, robots),
            said: base::Bases::new("Exclusive", &layout, robots),
            hearing: hearing::Hearing::new(robots),
            prefix: prefix::Prefix::new(robots),
            strays: strays::Strays::default(),
            modes: modes::Modes::new(robots),
            once: once::Once::default(),
            fifo: fifo::Fifo::default(),
            acyclic: acyclic::Acyclic::new(&layout),
            bounded: bounded::Bounded::new(robots, layout.devices().len()),
            writer: writer::Writer::new(robots),
            doors: doors::Doors::default(),
            exclusive: exclusive::Exclusive::new(robots),
            conserved: conserved::Conserved::new(robots),
            excused: vec![false; robots],
            story: Story::new(robots),
            violations: Vec::new(),
            layout,
            start,
            names,
        }
    }

    /// What was found so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Nothing new can be learnt.
    pub fn is_full(&self) -> bool {
        self.violations.len() >= VIOLATIONS_MAX
    }

    /// The story of some robots up to now.
    pub fn story_of(&self, robots: &[usize]) -> Vec<String> {
        self.story.tell(robots, self.start, &|robot| self.names[robot].to_string(), &|node| {
            self.layout.node(node).name.clone()
        })
    }

    /// What was found, at the end.
    pub fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    fn robot_of(&self, robot: RobotId) -> Option<usize> {
        self.enrolled.get(robot.index()).copied().flatten()
    }

    /// Jobs that haven't ended, for the end of a run; `why` says what the controller has to say about it.
    pub fn unfinished(&mut self, now: Time, jobs: &[&Job], why: Vec<String>) {
        let named: Vec<String> = jobs.iter().take(8).map(|job| job.spec.id.to_string()).collect();
        if self.is_full() || named.is_empty() {
            return;
        }
        let robots = jobs.iter().filter_map(|job| self.robot_of(job.state.robot()?)).take(3);
        self.violations.push(Violation {
            invariant: "Live",
            at_ms: now.since_ms(self.start),
            robots: robots.map(|robot| self.names[robot].to_string()).collect(),
            text: format!("{} job(s) never ended: {}", jobs.len(), named.join(", ")),
            story: why,
        });
    }

    /// Robots that never came to put down what they were to bring back, for the end of a run.
    pub fn unreturned(&mut self, now: Time, robots: Vec<String>) {
        if self.is_full() || robots.is_empty() {
            return;
        }
        self.violations.push(Violation {
            invariant: "Live",
            at_ms: now.since_ms(self.start),
            text: format!("{} load(s) never came back", robots.len()),
            robots,
            story: Vec::new(),
        });
    }

    /// Turns breaches into violations; each once per invariant and robots.
    fn judge(&mut self, now: Time, breaches: Vec<Breach>) {
        for breach in breaches {
            let robots: Vec<String> =
                breach.robots.iter().map(|robot| self.names[*robot].to_string()).collect();
            let is_known = |known: &Violation| {
                known.invariant == breach.invariant && known.robots == robots && !robots.is_empty()
            };
            if self.is_full() || self.violations.iter().any(is_known) {
                continue;
            }
            let story = self.story_of(&breach.robots);
            let at_ms = now.since_ms(self.start);
            self.violations.push(Violation {
                invariant: breach.invariant,
                at_ms,
                robots,
                text: breach.text,
                story,
            });
        }
    }
}

/// The released node at the end of an order's base.
pub(crate) fn decision_node(order: &Order) -> Option<&drover_proto::vda5050::Node> {
    order.nodes.iter().rev().find(|node| node.released)
}

/// What happened to a job, in a word or two.
pub(crate) fn word(news: &JobNews) -> String {
    match news {
        JobNews::Accepted => "accepted".into(),
        JobNews::Assigned => "assigned".into(),
        JobNews::Started => "started".into(),
        JobNews::LegDone { leg, .. } => format!("leg {leg} done"),
        JobNews::AtRisk { cause, .. } => format!("at risk: {}", cause.as_str()),
        JobNews::Blocked { reason } => format!("blocked: {reason}"),
        JobNews::Done => "done".into(),
        JobNews::Failed { code, reason } => format!("failed: {code} {reason}"),
        JobNews::Cancelled => "cancelled".into(),
    }
}

/// A node's name for a message.
pub(crate) fn name_of(layout: &Layout, node: NodeId) -> &str {
    &layout.node(node).name
}
