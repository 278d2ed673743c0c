//! The jobs' queue as the controller sees it: in order, some unanswered at a time, late by some milliseconds. What wasn't
//! acknowledged when its consumer went comes again, in its place.

use std::collections::{BTreeSet, VecDeque};

use drover_core::Time;

use crate::net::Delay;
use crate::rng::Rng;

/// Requests handed over and not yet answered, at most: the consumer's prefetch.
const PREFETCH: usize = 64;

/// Requests on their way, by their place in the workload.
#[derive(Debug)]
pub struct Intake {
    delay: Delay,
    rng: Rng,
    waiting: VecDeque<usize>,
    unanswered: BTreeSet<usize>,
    /// Place in the queue of each request: redelivery keeps it.
    published: Vec<usize>,
    last: Time,
    /// Rises when the consumer goes: deliveries of an earlier one count no more.
    consumer: u64,
    is_down: bool,
    is_consumed: bool,
}

impl Intake {
    /// An empty queue that nobody reads.
    pub fn new(delay: Delay, rng: Rng) -> Intake {
        Intake {
            delay,
            rng,
            waiting: VecDeque::new(),
            unanswered: BTreeSet::new(),
            published: Vec::new(),
            last: Time(0),
            consumer: 0,
            is_down: false,
            is_consumed: false,
        }
    }

    /// A producer publishes.
    pub fn publish(&mut self, request: usize) {
        self.waiting.push_back(self.published.len());
        self.published.push(request);
    }

    /// The broker is away, or back.
    pub fn set_down(&mut self, is_down: bool) {
        self.is_down = is_down;
        if is_down {
            self.redeliver();
        }
    }

    /// A process consumes from now on; what another had unanswered comes again.
    pub fn consume(&mut self) {
        self.redeliver();
        self.is_consumed = true;
    }

    /// The consumer is gone.
    pub fn abandon(&mut self) {
        self.redeliver();
        self.is_consumed = false;
    }

    fn redeliver(&mut self) {
        self.consumer += 1;
        let again = std::mem::take(&mut self.unanswered);
        again.into_iter().rev().for_each(|place| self.waiting.push_front(place));
    }

    /// The next delivery to make, and when it arrives.
    pub fn deliver(&mut self, now: Time) -> Option<(Time, Delivery)> {
        if self.is_down || !self.is_consumed || self.unanswered.len() == PREFETCH {
            return None;
        }
        let place = self.waiting.pop_front()?;
        self.unanswered.insert(place);
        self.last = now.plus_ms(self.rng.within(self.delay.min_ms, self.delay.max_ms)).max(self.last);
        Some((self.last, Delivery { place, consumer: self.consumer }))
    }

    /// The request of a delivery; none if its consumer is gone.
    pub fn request(&self, delivery: Delivery) -> Option<usize> {
        (delivery.consumer == self.consumer).then(|| self.published[delivery.place])
    }

    /// The controller acknowledges a delivery; the request, if the acknowledgement counts.
    pub fn answer(&mut self, place: usize) -> Option<usize> {
        (!self.is_down && self.unanswered.remove(&place)).then(|| self.published[place])
    }

    /// Nothing waits and nothing is unanswered.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.unanswered.is_empty()
    }
}

/// A request on its way to a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the queue: the handle of its acknowledgement.
    pub place: usize,
    consumer: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_acknowledged_comes_again_in_its_place() {
        let mut intake = Intake::new(Delay { min_ms: 1, max_ms: 1 }, Rng::new(1, "intake"));
        (10..14).for_each(|request| intake.publish(request));
        assert!(intake.deliver(Time(0)).is_none(), "nobody consumes");
        intake.consume();
        let first: Vec<Delivery> =
            std::iter::from_fn(|| intake.deliver(Time(0))).map(|(_, delivery)| delivery).collect();
        assert_eq!(first.len(), 4);
        assert_eq!(intake.answer(first[1].place), Some(11));
        intake.consume();
        assert_eq!(intake.request(first[0]), None, "its consumer is gone");
        let again = std::iter::from_fn(|| intake.deliver(Time(0)));
        let again: Vec<Delivery> = again.map(|(_, delivery)| delivery).collect();
        let requests: Vec<_> = again.iter().map(|delivery| intake.request(*delivery).unwrap()).collect();
        assert_eq!(requests, [10, 12, 13]);
    }

    #[test]
    fn a_broker_that_is_away_delivers_and_takes_nothing() {
        let mut intake = Intake::new(Delay { min_ms: 1, max_ms: 1 }, Rng::new(1, "intake"));
        intake.consume();
        intake.publish(7);
        let (_, delivery) = intake.deliver(Time(0)).unwrap();
        intake.set_down(true);
        assert_eq!((intake.answer(delivery.place), intake.deliver(Time(0))), (None, None));
        intake.set_down(false);
        let (_, again) = intake.deliver(Time(0)).unwrap();
        assert_eq!((intake.request(again), intake.answer(again.place)), (Some(7), Some(7)));
        assert!(intake.is_empty());
    }
}
