//! How much of their time robots with a job wait for each other, counted at each look.

use drover_core::Fleet;
use drover_core::robot::{Cause, Task};

/// Looks at robots with a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// At all of them.
    pub looks: u64,
    /// At those that waited for another robot.
    pub waiting: u64,
}

impl Waits {
    /// Counts all robots as they are now.
    pub fn look(&mut self, fleet: &Fleet) {
        for robot in fleet.robots().iter().filter(|robot| matches!(robot.task, Task::Job { .. })) {
            self.looks += 1;
            self.waiting += u64::from(matches!(robot.waits_for, Some(Cause::Robot(_))));
        }
    }

    /// The share, 0 to 1.
    pub fn share(&self) -> f64 {
        self.waiting as f64 / self.looks.max(1) as f64
    }
}
