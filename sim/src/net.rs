//! The network between the controller and the robots: late by some milliseconds, in order on each link; in bad weather
//! messages are lost, repeated, late, or overtake each other.
//!
//! It never looks into a message. A message of QoS 1 is late at worst.

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

/// What befalls the messages of one robot, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Messages lost, per cent.
    pub loss_pct: u64,
    /// Messages that arrive twice, per cent.
    pub repeat_pct: u64,
    /// Messages may overtake each other by so much, ms.
    pub reorder_ms: u64,
    /// Messages are later by so much at most, in order, ms.
    pub late_ms: u64,
}

/// What became of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Toll {
    /// Lost.
    pub lost: u64,
    /// Arrived twice.
    pub repeated: u64,
    /// Overtook another.
    pub reordered: u64,
    /// Later than fair weather allows.
    pub late: u64,
}

/// One link each way per robot.
#[derive(Debug)]
pub struct Net {
    delay: Delay,
    rng: Rng,
    /// When the last message of each link arrives: none may overtake it in fair weather.
    last: Vec<[Time; 2]>,
    weather: Vec<Weather>,
    toll: Toll,
}

impl Net {
    /// Links for so many robots, in fair weather.
    pub fn new(robots: usize, delay: Delay, rng: Rng) -> Net {
        let (last, weather) = (vec![[Time(0); 2]; robots], vec![Weather::default(); robots]);
        Net { delay, rng, last, weather, toll: Toll::default() }
    }

    /// The weather of one robot, to be changed.
    pub fn weather(&mut self, robot: usize) -> &mut Weather {
        &mut self.weather[robot]
    }

    /// What became of the messages so far.
    pub fn toll(&self) -> Toll {
        self.toll
    }

    /// When a message sent now arrives: never, once, or twice.
    pub fn arrivals(&mut self, robot: usize, way: Way, now: Time) -> [Option<Time>; 2] {
        let weather = self.weather[robot];
        if weather == Weather::default() {
            return [Some(self.in_order(robot, way, now, 0)), None];
        }
        if self.happens(weather.loss_pct) {
            self.toll.lost += 1;
            return [None, None];
        }
        let first = self.one(robot, way, now, weather);
        let is_repeated = self.happens(weather.repeat_pct);
        self.toll.repeated += u64::from(is_repeated);
        let again = if is_repeated { Some(self.one(robot, way, now, weather)) } else { None };
        [Some(first), again]
    }

    /// When a message of QoS 1 arrives.
    pub fn sure_arrival(&mut self, robot: usize, way: Way, now: Time) -> Time {
        self.in_order(robot, way, now, self.weather[robot].late_ms)
    }

    fn one(&mut self, robot: usize, way: Way, now: Time, weather: Weather) -> Time {
        if weather.reorder_ms == 0 {
            return self.in_order(robot, way, now, weather.late_ms);
        }
        let most = self.delay.max_ms + weather.reorder_ms + weather.late_ms;
        let at = now.plus_ms(self.rng.within(self.delay.min_ms, most));
        let last = &mut self.last[robot][way as usize];
        self.toll.reordered += u64::from(at < *last);
        *last = at.max(*last);
        at
    }

    fn in_order(&mut self, robot: usize, way: Way, now: Time, late_ms: u64) -> Time {
        let drawn = now.plus_ms(self.rng.within(self.delay.min_ms, self.delay.max_ms + late_ms));
        self.toll.late += u64::from(drawn.since_ms(now) > self.delay.max_ms);
        let last = &mut self.last[robot][way as usize];
        *last = drawn.max(*last);
        *last
    }

    fn happens(&mut self, pct: u64) -> bool {
        pct > 0 && self.rng.below(100) < pct
    }

    /// A new session: what was on its way is gone, and delays nothing any more.
    pub fn begin_session(&mut self, robot: usize, now: Time) {
        self.last[robot] = [now; 2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net() -> Net {
        Net::new(1, Delay { min_ms: 5, max_ms: 40 }, Rng::new(1, "net"))
    }

    fn arrivals(net: &mut Net, count: u64) -> Vec<Time> {
        (0..count).flat_map(|now| net.arrivals(0, Way::Up, Time(now))).flatten().collect()
    }

    #[test]
    fn messages_of_one_link_arrive_in_order() {
        let arrivals = arrivals(&mut net(), 200);
        assert!(arrivals.is_sorted());
        assert!(arrivals.iter().zip(0..).all(|(at, now)| at.0 >= now + 5 && at.0 <= now + 40));
    }

    #[test]
    fn in_bad_weather_messages_are_lost_repeated_and_overtake_each_other() {
        let mut net = net();
        *net.weather(0) = Weather { loss_pct: 50, repeat_pct: 20, reorder_ms: 500, late_ms: 0 };
        let arrivals = arrivals(&mut net, 2_000);
        let toll = net.toll();
        assert!((800..1_200).contains(&toll.lost) && (100..300).contains(&toll.repeated), "{toll:?}");
        assert_eq!(arrivals.len() as u64, 2_000 - toll.lost + toll.repeated);
        assert!(!arrivals.is_sorted() && toll.reordered > 100, "{toll:?}");
    }

    #[test]
    fn late_messages_stay_in_order_and_sure_ones_are_never_lost() {
        let mut net = net();
        *net.weather(0) = Weather { loss_pct: 90, late_ms: 1_000, ..Weather::default() };
        let sure: Vec<Time> = (0..200).map(|now| net.sure_arrival(0, Way::Down, Time(now))).collect();
        assert!(sure.is_sorted() && net.toll().late > 100 && net.toll().lost == 0);
    }
}
