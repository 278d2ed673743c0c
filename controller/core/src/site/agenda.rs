//! When each link has something to do next, so that an input looks at those links alone that it touched or that are due.

use std::collections::BTreeSet;

use crate::clock::Time;
use crate::id::RobotId;

#[derive(Debug, Default)]
pub(super) struct Agenda {
    due_at: Vec<Option<Time>>,
    queue: BTreeSet<(Time, usize)>,
    touched: BTreeSet<usize>,
}

impl Agenda {
    /// Something changed for this robot's link.
    pub(super) fn touch(&mut self, robot: RobotId) {
        self.touched.insert(robot.index());
    }

    /// Something may have changed for any link.
    pub(super) fn touch_all(&mut self, links: usize) {
        self.touched.extend(0..links);
    }

    /// Links that were touched or are due, by robot id.
    pub(super) fn open(&self, now: Time) -> Vec<usize> {
        let due = self.queue.range(..=(now, usize::MAX)).map(|(_, link)| *link);
        let mut open: Vec<usize> = due.chain(self.touched.iter().copied()).collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    /// The link has been seen to: when it is due next.
    pub(super) fn set(&mut self, link: usize, due_at: Option<Time>) {
        self.touched.remove(&link);
        if self.due_at.len() <= link {
            self.due_at.resize(link + 1, None);
        }
        let before = std::mem::replace(&mut self.due_at[link], due_at);
        if before != due_at {
            before.map(|at| self.queue.remove(&(at, link)));
            due_at.map(|at| self.queue.insert((at, link)));
        }
    }

    /// When the first link is due.
    pub(super) fn next(&self) -> Option<Time> {
        self.queue.first().map(|(at, _)| *at)
    }
}
