//! Rectangles on a floor: where robots truly are, and how near they are to their way.

/// A robot's outline at one moment, metres and radians.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outline {
    /// Centre, east.
    pub x_m: f64,
    /// Centre, north.
    pub y_m: f64,
    /// Direction of the length.
    pub theta_rad: f64,
    /// Half the length.
    pub half_length_m: f64,
    /// Half the width.
    pub half_width_m: f64,
}

impl Outline {
    /// Radius of the circle around it.
    pub fn radius_m(&self) -> f64 {
        length(self.half_length_m, self.half_width_m)
    }

    /// The two rectangles share more than `slack_m` in every direction (separating axis test).
    pub fn overlaps(&self, other: &Outline, slack_m: f64) -> bool {
        let apart = (other.x_m - self.x_m, other.y_m - self.y_m);
        if length(apart.0, apart.1) >= self.radius_m() + other.radius_m() {
            return false;
        }
        let axes = [self.axes(), other.axes()].concat();
        axes.iter().all(|axis| dot(*axis, apart).abs() + slack_m < self.reach(*axis) + other.reach(*axis))
    }

    /// Directions of length and width.
    fn axes(&self) -> [(f64, f64); 2] {
        let (sin, cos) = self.theta_rad.sin_cos();
        [(cos, sin), (-sin, cos)]
    }

    /// Half the shadow on an axis.
    fn reach(&self, axis: (f64, f64)) -> f64 {
        let [along, across] = self.axes();
        dot(axis, along).abs() * self.half_length_m + dot(axis, across).abs() * self.half_width_m
    }
}

/// Distance from a point to the straight line between two others, all in metres.
pub fn distance_to_segment(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let along = (to.0 - from.0, to.1 - from.1);
    let offset = (point.0 - from.0, point.1 - from.1);
    let squared = dot(along, along);
    let part = if squared > 0.0 { (dot(offset, along) / squared).clamp(0.0, 1.0) } else { 0.0 };
    length(offset.0 - along.0 * part, offset.1 - along.1 * part)
}

fn dot(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.0 + a.1 * b.1
}

fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::FRAC_PI_4;

    fn robot(x_m: f64, y_m: f64, theta_rad: f64) -> Outline {
        Outline { x_m, y_m, theta_rad, half_length_m: 0.5, half_width_m: 0.3 }
    }

    #[test]
    fn rectangles_side_by_side_do_not_overlap() {
        assert!(!robot(0.0, 0.0, 0.0).overlaps(&robot(0.0, 0.61, 0.0), 0.0));
        assert!(robot(0.0, 0.0, 0.0).overlaps(&robot(0.0, 0.59, 0.0), 0.0));
    }

    #[test]
    fn a_turned_corner_counts() {
        assert!(!robot(0.0, 0.0, 0.0).overlaps(&robot(1.01, 0.0, 0.0), 0.0));
        assert!(robot(0.0, 0.0, 0.0).overlaps(&robot(1.01, 0.0, FRAC_PI_4), 0.0));
    }

    #[test]
    fn a_point_beside_and_beyond_a_segment() {
        assert_eq!(distance_to_segment((1.0, 2.0), (0.0, 0.0), (4.0, 0.0)), 2.0);
        assert_eq!(distance_to_segment((7.0, 4.0), (0.0, 0.0), (4.0, 0.0)), 5.0);
        assert_eq!(distance_to_segment((3.0, 4.0), (0.0, 0.0), (0.0, 0.0)), 5.0);
    }
}
