//! The seam: which of the free robots does a job. One file per policy.

pub mod nearest;

use crate::id::RobotId;

/// A free robot that can do the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The robot.
    pub robot: RobotId,
    /// Travel time to the first station, ms.
    pub travel_ms: u32,
}

/// What a policy sees.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Robots that could do the job, by id.
    pub candidates: &'a [Candidate],
}

/// Chooses a robot for the job whose turn it is.
pub trait Policy {
    /// The robot, or none to let the job wait.
    fn choose(&self, view: &View<'_>) -> Option<RobotId>;
}
