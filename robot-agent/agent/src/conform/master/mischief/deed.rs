//! What the robot itself has to do for a phase: go, come back, forget, be driven by hand.
//!
//! A deed begins in the middle of an order, on a node, so that the robot isn't left between two.

use super::Mischief;
use crate::conform::master::phase::Phase;
use drover_proto::vda5050::State;

/// How long a deed lasts, ms.
const SILENT_MS: u64 = 20_000;
const OFFLINE_MS: u64 = 10_000;
const FORGETFUL_MS: u64 = 5_000;
const MANUAL_MS: u64 = 15_000;
/// So long after a deed the controller's answer to it is waited for.
const AFTER_MS: u64 = 30_000;

/// Something for the robot to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Make a state now.
    Show,
    /// Cut the connection without a goodbye.
    Cut,
    /// Lose the order, as by a restart.
    Forget,
    /// Connect again.
    Return,
    /// Be driven by hand: the order is dropped.
    Manual,
    /// Be the controller's again.
    Automatic,
}

/// How far the phase's deed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    Before,
    /// Until then.
    During(u64),
    /// Over; with the number received until then, and when it has been waited long enough.
    After(usize, u64),
}

impl Course {
    pub fn ends_at(self) -> Option<u64> {
        match self {
            Self::Before | Self::After(..) => None,
            Self::During(until_ms) => Some(until_ms),
        }
    }
}

impl Mischief {
    /// The next thing to do.
    pub fn next_deed(&mut self, now_ms: u64) -> Option<Deed> {
        if self.course.ends_at().is_some_and(|at| at <= now_ms) {
            self.course = Course::After(self.received.len(), now_ms + AFTER_MS);
            self.deeds.extend(match self.phase {
                Phase::Offline | Phase::Forgetful => Some(Deed::Return),
                Phase::Manual => Some(Deed::Automatic),
                Phase::Silent => Some(Deed::Show),
                Phase::Fair
                | Phase::Late
                | Phase::Lossy
                | Phase::Duplicating
                | Phase::Rejecting
                | Phase::WrongVersion => None,
            });
        }
        self.deeds.pop_front()
    }

    /// In the middle of a deed: the phase can't end.
    pub fn is_busy(&self) -> bool {
        matches!(self.course, Course::During(_)) || !self.deeds.is_empty()
    }

    /// The deed was done, if the phase has one, and enough was received.
    pub fn is_done(&self, now_ms: u64) -> bool {
        let has_enough = self.received.len() >= self.phase.enough();
        match self.course {
            Course::Before => has_enough && duration(self.phase).is_none(),
            Course::During(_) => false,
            Course::After(before, until_ms) => self.received.len() > before || now_ms >= until_ms,
        }
    }

    /// The phase was exercised: an order came, and the deed was done.
    pub fn is_exercised(&self) -> bool {
        let has_deed = duration(self.phase).is_some();
        !self.received.is_empty() && (!has_deed || matches!(self.course, Course::After(..)))
    }

    /// Looks at a state of the robot for the moment to begin.
    pub(super) fn watch(&mut self, now_ms: u64, state: &State) {
        let node = (state.last_node_id.clone(), state.last_node_sequence_id);
        let has_passed = node != self.node && !state.node_states.is_empty();
        self.node = node;
        let count = self.received.len();
        let is_time = has_passed && count > 0 || count >= self.phase.enough();
        let Some(duration_ms) = duration(self.phase).filter(|_| is_time) else { return };
        if self.course != Course::Before {
            return;
        }
        self.course = Course::During(now_ms + duration_ms);
        self.deeds.extend(match self.phase {
            Phase::Offline => Some(Deed::Cut),
            Phase::Forgetful => Some(Deed::Forget),
            Phase::Manual => Some(Deed::Manual),
            Phase::Silent
            | Phase::Fair
            | Phase::Late
            | Phase::Lossy
            | Phase::Duplicating
            | Phase::Rejecting
            | Phase::WrongVersion => None,
        });
    }
}

const fn duration(phase: Phase) -> Option<u64> {
    match phase {
        Phase::Silent => Some(SILENT_MS),
        Phase::Offline => Some(OFFLINE_MS),
        Phase::Forgetful => Some(FORGETFUL_MS),
        Phase::Manual => Some(MANUAL_MS),
        Phase::Fair
        | Phase::Late
        | Phase::Lossy
        | Phase::Duplicating
        | Phase::Rejecting
        | Phase::WrongVersion => None,
    }
}
