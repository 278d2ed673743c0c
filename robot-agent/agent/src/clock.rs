//! The robots' clock: wall time at the start, then as fast as asked, never backwards.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest sleep, so that a very slow clock can't overflow a timer.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

/// Monotonic milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start_ms: u64,
    started: Instant,
    speed: f64,
}

impl Clock {
    pub fn start(speed: f64) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start_ms = u64::try_from(since.as_millis()).unwrap_or_default();
        Self { start_ms, started: Instant::now(), speed }
    }

    pub fn now_ms(&self) -> u64 {
        self.start_ms + (self.started.elapsed().as_secs_f64() * 1_000.0 * self.speed) as u64
    }

    /// How long to sleep until the robots' clock shows this.
    pub fn until(&self, at_ms: Option<u64>) -> Duration {
        let Some(at_ms) = at_ms else { return SLEEP_MAX };
        let target_s = at_ms.saturating_sub(self.start_ms) as f64 / 1_000.0 / self.speed;
        let left_s = target_s - self.started.elapsed().as_secs_f64();
        // A tenth of a millisecond late: waking early would only mean sleeping again.
        Duration::from_secs_f64((left_s + 0.000_1).clamp(0.0, SLEEP_MAX.as_secs_f64()))
    }
}
