//! What stands between a robot and the broker, in both directions, and makes the robot a difficult one.
//!
//! Pure: time comes in, the same calls and the same seed give the same. It never changes what the controller sent, only
//! whether and when the robot gets it; and of what the robot says only version, extra errors, number and time.

mod chance;
mod deed;
mod inbound;
mod outbound;

use super::phase::Phase;
use super::story::How;
use chance::Chance;
use deed::Course;
pub use deed::Deed;
use drover_agent_core::{Incoming, Message};
use drover_proto::vda5050::{Error, State};
use std::collections::VecDeque;

/// The layer of one robot.
#[derive(Debug)]
pub struct Mischief {
    phase: Phase,
    chance: Chance,
    /// On their way to the robot, by time.
    to_robot: VecDeque<(u64, Incoming)>,
    /// On their way to the broker, by time.
    to_broker: VecDeque<(u64, Outward)>,
    deeds: VecDeque<Deed>,
    course: Course,
    /// Orders and updates of this phase, each once.
    received: Vec<(String, u32)>,
    /// Never taken, however often they come.
    refused: Vec<(String, u32)>,
    /// Told in states until an order is taken.
    errors: Vec<Error>,
    /// Order and update of the robot's last state.
    shown: (String, u32),
    /// Its last node then, with the sequence id.
    node: (String, u32),
    /// States it made, and the latest of them.
    count: u64,
    recent: VecDeque<State>,
}

/// What leaves for the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Outward {
    /// The message.
    pub message: Message,
    /// What it is to the judge; of states only.
    pub how: How,
}

impl Mischief {
    /// A fair robot so far.
    pub fn new(seed: u64) -> Self {
        Self {
            phase: Phase::Fair,
            chance: Chance::of(seed),
            to_robot: VecDeque::new(),
            to_broker: VecDeque::new(),
            deeds: VecDeque::new(),
            course: Course::Before,
            received: Vec::new(),
            refused: Vec::new(),
            errors: Vec::new(),
            shown: (String::new(), 0),
            node: (String::new(), 0),
            count: 0,
            recent: VecDeque::new(),
        }
    }

    /// The next kind of mischief; what is under way still arrives.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.course = Course::Before;
        self.received.clear();
        // A state under the version of the new phase.
        self.deeds.push_back(Deed::Show);
    }

    /// The mischief now.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The connection is gone, and with it whatever was under way.
    pub fn on_cut(&mut self) {
        self.to_robot.clear();
        self.to_broker.clear();
    }

    /// Orders and updates received in this phase, each counted once.
    pub fn received(&self) -> usize {
        self.received.len()
    }

    /// When something is due.
    pub fn next_timeout(&self) -> Option<u64> {
        let inward = self.to_robot.front().map(|(at, _)| *at);
        let outward = self.to_broker.iter().map(|(at, _)| *at).min();
        [inward, outward, self.course.ends_at()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
