//! The queue of jobs as the controller sees it: in order, some unanswered at a time, late by some milliseconds.

use std::collections::VecDeque;

use drover_core::Time;

use crate::net::Delay;
use crate::rng::Rng;

/// Jobs handed over and not yet answered, at most: the consumer's prefetch.
const PREFETCH: usize = 64;

/// Jobs on their way, by their place in the workload.
#[derive(Debug)]
pub struct Intake {
    delay: Delay,
    rng: Rng,
    waiting: VecDeque<usize>,
    unanswered: usize,
    last: Time,
}

impl Intake {
    /// An empty queue.
    pub fn new(delay: Delay, rng: Rng) -> Intake {
        Intake { delay, rng, waiting: VecDeque::new(), unanswered: 0, last: Time(0) }
    }

    /// A producer publishes.
    pub fn publish(&mut self, job: usize) {
        self.waiting.push_back(job);
    }

    /// The next job to hand over, and when it arrives.
    pub fn deliver(&mut self, now: Time) -> Option<(Time, usize)> {
        if self.unanswered == PREFETCH {
            return None;
        }
        let job = self.waiting.pop_front()?;
        self.unanswered += 1;
        self.last = now.plus_ms(self.rng.within(self.delay.min_ms, self.delay.max_ms)).max(self.last);
        Some((self.last, job))
    }

    /// The controller acknowledged a job.
    pub fn answer(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }
}
