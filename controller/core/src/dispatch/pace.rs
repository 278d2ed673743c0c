//! How much longer ways take than on an empty floor, learned from the ways that robots have driven: the newest count most.

use serde::{Deserialize, Serialize};

/// A way shorter than this says nothing, ms.
const WAY_MIN_MS: u64 = 5_000;
/// What is known of older ways counts so much less with each new one.
const FORGETS: u64 = 64;
/// Believed before anything was driven, per mille of the time on an empty floor: robots brake and turn.
const FIRST_PERMILLE: u64 = 1_300;
/// And what is believed at least and at most.
const LEAST_PERMILLE: u64 = 1_000;
const MOST_PERMILLE: u64 = 5_000;

/// Time driven, and the time an empty floor would have taken, both fading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    took_ms: u64,
    plain_ms: u64,
}

impl Default for Pace {
    fn default() -> Pace {
        let plain_ms = 600_000;
        Pace { took_ms: plain_ms * FIRST_PERMILLE / 1_000, plain_ms }
    }
}

impl Pace {
    /// A way took so long; on an empty floor it would have taken `plain_ms`.
    pub(crate) fn note(&mut self, took_ms: u64, plain_ms: u64) {
        if plain_ms >= WAY_MIN_MS {
            let took_ms = took_ms.min(plain_ms * MOST_PERMILLE / 1_000);
            self.took_ms = self.took_ms - self.took_ms / FORGETS + took_ms;
            self.plain_ms = self.plain_ms - self.plain_ms / FORGETS + plain_ms;
        }
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
        assert_eq!(pace.of(10_000), 13_000);
        (0..500).for_each(|_| pace.note(20_000, 10_000));
        assert!((19_800..=20_000).contains(&pace.of(10_000)), "{pace:?}");
        (0..500).for_each(|_| pace.note(10_000_000, 10_000));
        assert!((49_000..=50_000).contains(&pace.of(10_000)), "{pace:?}");
        (0..500).for_each(|_| pace.note(0, 10_000));
        assert_eq!(pace.of(10_000), 10_000);
    }
}
