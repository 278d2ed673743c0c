//! Where time comes from, at real speed or faster.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use drover_core::Time;

/// A clock that starts at the real time and then runs at its own speed. It never steps: a correction of the
/// system's clock must not make the fleet wait an hour.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Time,
    started: Instant,
    speed: f64,
}

impl Clock {
    /// Slowest and fastest clock.
    pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=100.0;

    /// A clock that starts now and runs `speed` times as fast as the real one.
    pub fn start(speed: f64) -> Clock {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { origin: Time(since.as_millis() as u64), started: Instant::now(), speed }
    }

    /// The same clock, put forward if it is behind this time: the journal's time never falls, and a fleet whose system
    /// clock was set back must not wait until it has caught up.
    #[must_use]
    pub fn not_before(self, time: Time) -> Clock {
        Clock { origin: self.origin.plus_ms(time.since_ms(self.now())), ..self }
    }

    /// The time now.
    pub fn now(&self) -> Time {
        self.origin.plus_ms((self.started.elapsed().as_secs_f64() * 1_000.0 * self.speed) as u64)
    }

    /// How long to wait, in real time, until this clock shows `time`.
    pub fn until(&self, time: Time) -> Duration {
        Duration::from_secs_f64(time.since_ms(self.now()) as f64 / 1_000.0 / self.speed)
    }

    /// How fast it runs.
    pub fn speed(&self) -> f64 {
        self.speed
    }
}
