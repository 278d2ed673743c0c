//! How much longer ways take than on an empty floor, learned from the ways that robots have driven: the newest count most.

use serde::{Deserialize, Serialize};

/// A way shorter than this says nothing, ms.
const WAY_MIN_MS: u64 = 5_000;
/// What is known of older ways counts so much less with each new one.
const FORGETS: u64 = 64;
/// Believed before anything was driven, per mille of the time on an empty floor: robots brake and turn.
const FIRST_PERMILLE: u64 = 1_300;
/// Way to a first station, as believed before anything was driven, and as counted at most, ms.
const APPROACH_MS: u64 = 40_000;
const APPROACH_MAX_MS: u64 = 1_800_000;
/// From one end to the next at a place that robots wait for, before any was seen, and as counted at most, ms.
const CYCLE_MS: u64 = 30_000;
const CYCLE_MAX_MS: u64 = 300_000;
/// What is known of older ones counts so much less with each new one.
const CYCLE_FORGETS: u64 = 32;
/// A way counts so much, that fading ones stay whole numbers.
const WAY_COUNTS: u64 = 1_000;
/// And what is believed at least and at most.
const LEAST_PERMILLE: u64 = 1_000;
const MOST_PERMILLE: u64 = 5_000;

/// Time driven, and the time an empty floor would have taken, both fading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    took_ms: u64,
    plain_ms: u64,
    /// All ways to first stations and how many, fading too.
    approach_ms: u64,
    approaches: u64,
    /// From one job's end at its last station to that of the next one there, when that had waited for it, fading.
    cycle_ms: u64,
}

impl Default for Pace {
    fn default() -> Pace {
        let plain_ms = 8 * APPROACH_MS;
        let (approach_ms, approaches) = (plain_ms, 8 * WAY_COUNTS);
        let took_ms = plain_ms * FIRST_PERMILLE / 1_000;
        Pace { took_ms, plain_ms, approach_ms, approaches, cycle_ms: CYCLE_MS }
    }
}

impl Pace {
    /// A way to a first station took so long; on an empty floor it would have taken `plain_ms`.
    pub(crate) fn note(&mut self, took_ms: u64, plain_ms: u64) {
        self.approach_ms = self.approach_ms - self.approach_ms / FORGETS + took_ms.min(APPROACH_MAX_MS);
        self.approaches = self.approaches - self.approaches / FORGETS + WAY_COUNTS;
        if plain_ms >= WAY_MIN_MS {
            let took_ms = took_ms.min(plain_ms * MOST_PERMILLE / 1_000);
            self.took_ms = self.took_ms - self.took_ms / FORGETS + took_ms;
            self.plain_ms = self.plain_ms - self.plain_ms / FORGETS + plain_ms;
        }
    }

    /// A robot that had waited for a place was done there so long after the one before it.
    pub(crate) fn note_cycle(&mut self, cycle_ms: u64) {
        self.cycle_ms =
            self.cycle_ms - self.cycle_ms / CYCLE_FORGETS + cycle_ms.min(CYCLE_MAX_MS) / CYCLE_FORGETS;
    }

    /// From one end to the next at a place that robots wait for, ms.
    pub fn cycle_ms(&self) -> u64 {
        self.cycle_ms
    }

    /// How long robots take to a first station, on average, ms.
    pub fn approach_ms(&self) -> u64 {
        self.approach_ms * WAY_COUNTS / self.approaches.max(1)
    }

    /// How long a way takes that takes `plain_ms` on an empty floor.
    pub fn of(&self, plain_ms: u32) -> u32 {
        let permille = self.took_ms * 1_000 / self.plain_ms.max(1);
        let took = u64::from(plain_ms) * permille.clamp(LEAST_PERMILLE, MOST_PERMILLE) / 1_000;
        u32::try_from(took).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_follows_the_newest_ways_and_stays_within_its_bounds() {
        let mut pace = Pace::default();
        assert_eq!((pace.of(10_000), pace.approach_ms()), (13_000, 40_000));
        (0..500).for_each(|_| pace.note(20_000, 10_000));
        assert!((19_800..=20_000).contains(&pace.of(10_000)), "{pace:?}");
        assert!((19_800..=20_200).contains(&pace.approach_ms()), "{pace:?}");
        (0..500).for_each(|_| pace.note_cycle(45_000));
        assert!((44_900..=45_100).contains(&pace.cycle_ms()), "{pace:?}");
        (0..500).for_each(|_| pace.note(10_000_000, 10_000));
        assert!((49_000..=50_000).contains(&pace.of(10_000)), "{pace:?}");
        (0..500).for_each(|_| pace.note(0, 10_000));
        assert_eq!(pace.of(10_000), 10_000);
    }
}
