//! The speed along a way: trapezoids under each edge's limit that end at rest, solved in closed form.
//!
//! Distances are metres from where the profile begins, times seconds from when it begins.

/// One edge, or what is left of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub length_m: f64,
    pub limit_m_s: f64,
}

/// A time of constant acceleration.
#[derive(Clone, Copy, Debug)]
struct Piece {
    t0: f64,
    t1: f64,
    s0: f64,
    s1: f64,
    v0: f64,
    a: f64,
}

/// A planned motion that ends at rest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    pieces: Vec<Piece>,
    end_t: f64,
    end_s: f64,
}

const EPSILON: f64 = 1e-9;

impl Profile {
    /// From speed `v0` over the spans to rest at the end of the last. Braking harder than `accel` happens only if the
    /// spans are too short for it, so the end is never passed.
    pub fn plan(v0: f64, spans: &[Span], accel: f64) -> Self {
        let speeds = junction_speeds(v0, spans, accel);
        let mut profile = Self::default();
        for (span, ends) in spans.iter().zip(speeds.windows(2)) {
            profile.push_span(*span, ends[0], ends[1], accel);
        }
        profile
    }

    /// From speed `v0` to rest as soon as possible.
    pub fn brake(v0: f64, accel: f64) -> Self {
        let mut profile = Self::default();
        profile.push(v0 * v0 / (2.0 * accel), v0, 0.0);
        profile
    }

    /// Seconds until rest.
    pub fn end_t(&self) -> f64 {
        self.end_t
    }

    /// Metres until rest.
    pub fn end_s(&self) -> f64 {
        self.end_s
    }

    /// Distance and speed at a time.
    pub fn at(&self, t: f64) -> (f64, f64) {
        if t >= self.end_t {
            return (self.end_s, 0.0);
        }
        let index = self.pieces.partition_point(|piece| piece.t1 <= t);
        let Some(piece) = self.pieces.get(index) else { return (self.end_s, 0.0) };
        let dt = (t - piece.t0).max(0.0);
        let s = piece.s0 + piece.v0 * dt + 0.5 * piece.a * dt * dt;
        (s.clamp(piece.s0, piece.s1), (piece.v0 + piece.a * dt).max(0.0))
    }

    /// When a distance is reached; `None` beyond the end.
    pub fn time_at(&self, s: f64) -> Option<f64> {
        if s > self.end_s + EPSILON {
            return None;
        }
        let index = self.pieces.partition_point(|piece| piece.s1 < s - EPSILON);
        let Some(piece) = self.pieces.get(index) else { return Some(self.end_t) };
        let ds = (s - piece.s0).max(0.0);
        if s >= piece.s1 - EPSILON {
            return Some(piece.t1);
        }
        let root = (piece.v0 * piece.v0 + 2.0 * piece.a * ds).max(0.0).sqrt();
        let sum = piece.v0 + root;
        // From rest, no way takes no time.
        Some(if sum > 0.0 { (piece.t0 + 2.0 * ds / sum).min(piece.t1) } else { piece.t0 })
    }

    /// When the last braking begins.
    pub fn last_braking_t(&self) -> f64 {
        let trailing = self.pieces.iter().rev().take_while(|piece| piece.a < 0.0).last();
        trailing.map_or(self.end_t, |piece| piece.t0)
    }

    fn push_span(&mut self, span: Span, v0: f64, v1: f64, accel: f64) {
        let peak = span.limit_m_s.min(((v0 * v0 + v1 * v1) / 2.0 + accel * span.length_m).sqrt());
        if peak <= v0.max(v1) + EPSILON {
            return self.push_direct(span.length_m, v0, v1, accel);
        }
        let up = (peak * peak - v0 * v0).abs() / (2.0 * accel);
        let down = (peak * peak - v1 * v1).abs() / (2.0 * accel);
        let level = (span.length_m - up - down).max(0.0);
        self.push(up, v0, peak);
        self.push(level, peak, peak);
        self.push(span.length_m - up - level, peak, v1);
    }

    /// Straight from one speed to the other, as late as the span allows.
    fn push_direct(&mut self, length: f64, v0: f64, v1: f64, accel: f64) {
        let needed = ((v1 * v1 - v0 * v0).abs() / (2.0 * accel)).min(length);
        let level = length - needed;
        if v1 >= v0 {
            self.push(needed, v0, v1);
            self.push(level, v1, v1);
        } else {
            self.push(level, v0, v0);
            self.push(needed, v0, v1);
        }
    }

    fn push(&mut self, length: f64, v0: f64, v1: f64) {
        if length <= EPSILON || v0 + v1 <= EPSILON {
            self.end_s += length.max(0.0);
            return;
        }
        let (t0, s0) = (self.end_t, self.end_s);
        self.end_t = t0 + 2.0 * length / (v0 + v1);
        self.end_s = s0 + length;
        let a = (v1 * v1 - v0 * v0) / (2.0 * length);
        self.pieces.push(Piece { t0, t1: self.end_t, s0, s1: self.end_s, v0, a });
    }
}

/// Speeds at both ends of every span: as fast as limits, acceleration and the rest at the end allow.
fn junction_speeds(v0: f64, spans: &[Span], accel: f64) -> Vec<f64> {
    let mut speeds = vec![0.0; spans.len() + 1];
    for i in (1..spans.len()).rev() {
        let reachable = (speeds[i + 1] * speeds[i + 1] + 2.0 * accel * spans[i].length_m).sqrt();
        speeds[i] = spans[i].limit_m_s.min(spans[i - 1].limit_m_s).min(reachable);
    }
    speeds[0] = v0;
    for i in 0..spans.len() {
        let reachable = (speeds[i] * speeds[i] + 2.0 * accel * spans[i].length_m).sqrt();
        speeds[i + 1] = speeds[i + 1].min(reachable);
    }
    speeds
}

#[cfg(test)]
mod tests {
    use super::{Profile, Span};

    fn span(length_m: f64, limit_m_s: f64) -> Span {
        Span { length_m, limit_m_s }
    }

    #[test]
    fn a_long_edge_is_a_trapezoid() {
        let profile = Profile::plan(0.0, &[span(10.0, 1.0)], 0.5);
        assert!((profile.end_t() - 12.0).abs() < 1e-9);
        assert_eq!(profile.at(5.0), (4.0, 1.0));
        assert!((profile.last_braking_t() - 10.0).abs() < 1e-9);
        assert!((profile.time_at(4.0).unwrap() - 5.0).abs() < 1e-9);
    }

    #[test]
    fn where_it_begins_it_is_at_once() {
        let profile = Profile::plan(0.0, &[span(0.0, 1.0), span(2.0, 1.0)], 0.5);
        assert_eq!(profile.time_at(0.0), Some(0.0));
    }

    #[test]
    fn a_short_edge_is_a_triangle() {
        let profile = Profile::plan(0.0, &[span(1.0, 5.0)], 1.0);
        assert!((profile.end_t() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_slow_edge_is_entered_at_its_limit() {
        let profile = Profile::plan(0.0, &[span(5.0, 2.0), span(5.0, 0.5)], 1.0);
        let t = profile.time_at(5.0).unwrap();
        assert!((profile.at(t).1 - 0.5).abs() < 1e-6);
        assert!((profile.end_s() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_way_too_short_to_brake_still_ends_at_its_end() {
        let profile = Profile::plan(2.0, &[span(0.1, 2.0)], 0.5);
        assert!((profile.at(profile.end_t()).0 - 0.1).abs() < 1e-9);
    }

    #[test]
    fn braking_on_the_spot_takes_half_the_square_of_the_speed() {
        assert!((Profile::brake(2.0, 1.0).end_s() - 2.0).abs() < 1e-9);
    }
}
