//! The shape of one waypoint's way: straight, or a line of points.

use super::profile::Span;
use crate::drive::{Facing, Waypoint};
use std::f64::consts::{PI, TAU};

/// Direction changes up to this are driven without stopping: 5 degrees.
pub(crate) const TURN_MIN_RAD: f64 = 5.0 / 180.0 * PI;
const SPEED_MIN_M_S: f64 = 0.01;

/// A waypoint with the line that leads to it.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub seq: u64,
    pub map_id: String,
    pub length_m: f64,
    pub limit_m_s: f64,
    pub end_theta: Option<f64>,
    /// How the robot points when it begins; `None` if the leg has no direction.
    pub theta_in: Option<f64>,
    /// How the robot points when it arrives.
    pub theta_out: Option<f64>,
    facing: Facing,
    points: Vec<(f64, f64)>,
}

impl Leg {
    pub fn new(from: (f64, f64), waypoint: Waypoint, top_speed_m_s: f64) -> Self {
        let mut points = vec![from];
        points.extend(waypoint.via_m.iter().copied().filter(|p| p.0.is_finite() && p.1.is_finite()));
        points.push((waypoint.x_m, waypoint.y_m));
        let length_m = points.windows(2).map(|pair| distance(pair[0], pair[1])).sum();
        let limit = waypoint.max_speed_m_s.unwrap_or(top_speed_m_s);
        let mut leg = Self {
            seq: waypoint.seq,
            map_id: waypoint.map_id,
            length_m,
            limit_m_s: limit.min(top_speed_m_s).max(SPEED_MIN_M_S),
            end_theta: waypoint.theta_rad,
            theta_in: None,
            theta_out: None,
            facing: waypoint.facing,
            points,
        };
        leg.theta_in = leg.points.windows(2).find_map(|pair| leg.theta_of(pair[0], pair[1]));
        leg.theta_out = leg.points.windows(2).rev().find_map(|pair| leg.theta_of(pair[0], pair[1]));
        leg
    }

    pub fn span(&self) -> Span {
        Span { length_m: self.length_m, limit_m_s: self.limit_m_s }
    }

    pub fn end(&self) -> (f64, f64) {
        self.points.last().copied().unwrap_or_default()
    }

    /// The point at a distance along the leg, and how the robot points there; `None` if the leg has no direction.
    pub fn at(&self, s: f64) -> ((f64, f64), Option<f64>) {
        let mut left = s;
        for pair in self.points.windows(2) {
            let length = distance(pair[0], pair[1]);
            if left < length {
                let part = left.max(0.0) / length;
                let x = pair[0].0 + (pair[1].0 - pair[0].0) * part;
                let y = pair[0].1 + (pair[1].1 - pair[0].1) * part;
                return ((x, y), self.theta_of(pair[0], pair[1]));
            }
            left -= length;
        }
        (self.end(), self.theta_out)
    }

    /// The robot has to stop at the end: to turn to the node's own direction.
    pub fn turns_at_end(&self) -> bool {
        match (self.end_theta, self.theta_out) {
            (Some(end), Some(out)) => needs_turn(out, end),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn theta_of(&self, from: (f64, f64), to: (f64, f64)) -> Option<f64> {
        if distance(from, to) < 1e-6 {
            return None;
        }
        Some(match self.facing {
            Facing::Tangential(offset) => wrap((to.1 - from.1).atan2(to.0 - from.0) + offset),
            Facing::Global(theta) => wrap(theta),
        })
    }
}

/// Into -pi to pi.
pub(crate) fn wrap(theta: f64) -> f64 {
    if !theta.is_finite() {
        return 0.0;
    }
    let turned = theta.rem_euclid(TAU);
    if turned > PI { turned - TAU } else { turned }
}

pub(crate) fn needs_turn(from: f64, to: f64) -> bool {
    wrap(to - from).abs() > TURN_MIN_RAD
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    // Not hypot: its last bit differs between platforms.
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    (dx * dx + dy * dy).sqrt()
}
