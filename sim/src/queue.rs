//! What will happen, in order of time; at the same time, in the order it was asked for.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use drover_core::Time;

/// Things to come, keyed by (time, sequence number): two runs take them out in the same order.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Coming<T>>,
    asked: u64,
}

#[derive(Debug)]
struct Coming<T> {
    at: Time,
    number: u64,
    item: T,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { heap: BinaryHeap::new(), asked: 0 }
    }
}

impl<T> Queue<T> {
    /// Puts a thing on its time.
    pub fn push(&mut self, at: Time, item: T) {
        self.asked += 1;
        self.heap.push(Coming { at, number: self.asked, item });
    }

    /// The next thing and its time.
    pub fn pop(&mut self) -> Option<(Time, T)> {
        self.heap.pop().map(|coming| (coming.at, coming.item))
    }
}

impl<T> Coming<T> {
    fn key(&self) -> (Time, u64) {
        (self.at, self.number)
    }
}

impl<T> PartialEq for Coming<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Coming<T> {}

impl<T> PartialOrd for Coming<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Coming<T> {
    /// The heap gives its greatest first: the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_together_comes_in_the_order_asked() {
        let mut queue = Queue::default();
        for (at, item) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b')] {
            queue.push(Time(at), item);
        }
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, item)| item).collect();
        assert_eq!(order, "abcd");
    }
}
