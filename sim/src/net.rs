//! The network between the controller and the robots: late by some milliseconds, in order on each link.
//!
//! It never looks into a message. Loss, repeats and partitions will live here.

use drover_core::Time;

use crate::rng::Rng;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the controller to a robot.
    Down,
    /// From a robot to the controller.
    Up,
}

/// A range of delays, both ends included, ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// The shortest.
    pub min_ms: u64,
    /// The longest.
    pub max_ms: u64,
}

/// One link each way per robot.
#[derive(Debug)]
pub struct Net {
    delay: Delay,
    rng: Rng,
    /// When the last message of each link arrives: none may overtake it.
    last: Vec<[Time; 2]>,
}

impl Net {
    /// Links for so many robots.
    pub fn new(robots: usize, delay: Delay, rng: Rng) -> Net {
        Net { delay, rng, last: vec![[Time(0); 2]; robots] }
    }

    /// When a message sent now arrives.
    pub fn arrival(&mut self, robot: usize, way: Way, now: Time) -> Time {
        let drawn = now.plus_ms(self.rng.within(self.delay.min_ms, self.delay.max_ms));
        let last = &mut self.last[robot][way as usize];
        *last = drawn.max(*last);
        *last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_link_arrive_in_order() {
        let mut net = Net::new(1, Delay { min_ms: 5, max_ms: 40 }, Rng::new(1, "net"));
        let arrivals: Vec<Time> = (0..200).map(|now| net.arrival(0, Way::Up, Time(now))).collect();
        assert!(arrivals.is_sorted());
        assert!(arrivals.iter().zip(0..).all(|(at, now)| at.0 >= now + 5 && at.0 <= now + 40));
    }
}
