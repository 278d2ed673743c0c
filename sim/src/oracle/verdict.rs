//! What the oracle is told of robots, and what it answers.

use std::fmt;

use crate::geometry::Outline;
use crate::story::clock;

/// All invariants judged here, for reports that list what held.
pub const INVARIANTS: [&str; 14] = [
    "Exclusive",
    "Covered",
    "Evidence",
    "Acyclic",
    "BasePrefix",
    "OnceOnly",
    "Fifo",
    "Conserved",
    "ModeRespect",
    "Observed",
    "OneWriter",
    "Replay",
    "Bounded",
    "Live",
];

/// A rule that was broken, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) invariant: &'static str,
    pub(crate) robots: Vec<usize>,
    pub(crate) text: String,
}

impl Breach {
    pub(crate) fn new(invariant: &'static str, robots: &[usize], text: String) -> Breach {
        Breach { invariant, robots: robots.to_vec(), text }
    }
}

/// A broken promise, ready to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's name.
    pub invariant: &'static str,
    /// Simulated time since the start, ms.
    pub at_ms: u64,
    /// The robots concerned.
    pub robots: Vec<String>,
    /// What is wrong.
    pub text: String,
    /// What led to it.
    pub story: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} broken at {} by {}: ", self.invariant, clock(self.at_ms), self.robots.join(" and "))?;
        write!(f, "{}", self.text)?;
        self.story.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// A robot as it truly is, whatever anyone says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// The map it is on.
    pub map: String,
    /// Its outline there.
    pub outline: Outline,
    /// Names of the loads aboard.
    pub loads: Vec<String>,
    /// A person moves it, or has put it where it is: nobody's word led it there. May be taken back at once; the oracle
    /// remembers until the robot stands on its own base again.
    pub moved_by_hand: bool,
    /// It lies about itself: its own claims prove nothing, and who runs into it is excused.
    pub is_hostile: bool,
    /// It was carried off the floor: it has no body there.
    pub is_off_floor: bool,
}
