//! Robots that fall behind by chance: in each second each stands still with the same probability, whatever it is about.

use drover_core::Time;

use crate::rng::Rng;

/// Who stands still now.
#[derive(Debug)]
pub struct Delays {
    rng: Rng,
    per_cent: u32,
    second: u64,
    stands: Vec<bool>,
}

impl Delays {
    /// Nobody stands yet.
    pub fn new(robots: usize, per_cent: u32, rng: Rng) -> Delays {
        Delays { rng, per_cent, second: 0, stands: vec![false; robots] }
    }

    /// A new second is drawn anew.
    pub fn look(&mut self, now: Time) {
        let second = now.0 / 1_000;
        if self.per_cent > 0 && second != self.second {
            self.second = second;
            self.stands.fill_with(|| self.rng.below(100) < u64::from(self.per_cent));
        }
    }

    /// The robot stands still.
    pub fn stands(&self, robot: usize) -> bool {
        self.stands[robot]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_is_drawn_once_and_nobody_is_spared() {
        let mut delays = Delays::new(50, 10, Rng::new(1, "delays"));
        let mut counts = [0; 50];
        for second in 1..=1_000 {
            delays.look(Time(second * 1_000));
            let drawn = delays.stands.clone();
            delays.look(Time(second * 1_000 + 800));
            assert_eq!(delays.stands, drawn);
            (0..50).filter(|robot| delays.stands(*robot)).for_each(|robot| counts[robot] += 1);
        }
        assert!(counts.iter().all(|count| (60..140).contains(count)), "{counts:?}");
    }

    #[test]
    fn without_delays_nobody_stands() {
        let mut delays = Delays::new(2, 0, Rng::new(1, "delays"));
        (0..100).for_each(|second| delays.look(Time(second * 1_000)));
        assert!(!delays.stands(0) && !delays.stands(1));
    }
}
