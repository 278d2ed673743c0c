//! Numbers over time: one point a second at first, every second one of them when the list is full.

/// Points kept.
pub(crate) const POINTS_MAX: usize = 2_048;
/// States of the stacked series: driving, waiting, working, charging, idle, out.
pub const STATES: usize = 6;

/// One moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// When, ms since the start.
    pub at_ms: u64,
    /// Jobs done so far.
    pub done: usize,
    /// Jobs done late so far.
    pub late: usize,
    /// Robots in each state.
    pub states: [u32; STATES],
}

/// Points of ever rarer moments.
#[derive(Clone, Debug)]
pub struct Series {
    points: Vec<Point>,
    every: u64,
    offered: u64,
}

impl Default for Series {
    fn default() -> Self {
        Series { points: Vec::new(), every: 1, offered: 0 }
    }
}

impl Series {
    /// A point; most are left out once the run is long.
    pub(crate) fn note(&mut self, point: Point) {
        if self.offered.is_multiple_of(self.every) {
            if self.points.len() == POINTS_MAX {
                self.halve();
            }
            if self.offered.is_multiple_of(self.every) {
                self.points.push(point);
            }
        }
        self.offered += 1;
    }

    fn halve(&mut self) {
        let mut place = 0;
        self.points.retain(|_| {
            place += 1;
            place % 2 == 1
        });
        self.every *= 2;
    }

    /// All points kept, oldest first.
    pub fn points(&self) -> &[Point] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_even_points_under_the_limit() {
        let mut series = Series::default();
        for at_ms in 0..100_000 {
            series.note(Point { at_ms, done: 0, late: 0, states: [0; STATES] });
        }
        let points = series.points();
        assert!(points.len() <= POINTS_MAX && points.len() >= POINTS_MAX / 2, "{}", points.len());
        let step = points[1].at_ms - points[0].at_ms;
        assert!(points.windows(2).all(|pair| pair[1].at_ms - pair[0].at_ms == step));
        assert!(100_000 - points[points.len() - 1].at_ms <= step);
    }
}
