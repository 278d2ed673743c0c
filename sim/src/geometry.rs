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

    /// The two rectangles share more than `slack_m` in every direction.
    pub fn overlaps(&self, other: &Outline, slack_m: f64) -> bool {
        self.round_gap_m(other) < 0.0 && self.gap_m(other) < -slack_m
    }

    /// The widest gap between the two in any direction of their sides, m: never more than their distance; negative where
    /// they overlap (separating axis test).
    fn gap_m(&self, other: &Outline) -> f64 {
        let apart = (other.x_m - self.x_m, other.y_m - self.y_m);
        let axes = self.axes().into_iter().chain(other.axes());
        let gaps = axes.map(|axis| dot(axis, apart).abs() - self.reach(axis) - other.reach(axis));
        gaps.fold(f64::NEG_INFINITY, f64::max)
    }

    /// The gap between the circles around the two, m: quick, and never more than their distance.
    fn round_gap_m(&self, other: &Outline) -> f64 {
        length(other.x_m - self.x_m, other.y_m - self.y_m) - self.radius_m() - other.radius_m()
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

/// A straight motion from one outline to the next, turning evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sweep {
    /// Where it begins.
    pub from: Outline,
    /// Where it ends.
    pub to: Outline,
}

/// Parts into which a sweep is cut at most: two robots at 2 m/s move 50 mm against each other in one of 200 ms.
const SWEEP_PARTS: f64 = 16.0;

impl Sweep {
    /// The outline after a part of the way, 0 to 1.
    pub fn at(&self, part: f64) -> Outline {
        let (from, to) = (&self.from, &self.to);
        let between = |from: f64, to: f64| from + (to - from) * part;
        Outline {
            x_m: between(from.x_m, to.x_m),
            y_m: between(from.y_m, to.y_m),
            theta_rad: from.theta_rad + turn(from.theta_rad, to.theta_rad) * part,
            ..*to
        }
    }

    /// The first part of both ways, 0 to 1, at which they share more than `slack_m`, and both outlines there. Goes ahead by
    /// what the gap between them allows at least (conservative advancement: Mirtich 1996), in steps that are never
    /// shorter than a sixteenth.
    pub fn first_overlap(&self, other: &Sweep, slack_m: f64) -> Option<(f64, [Outline; 2])> {
        let closing_m = self.closing_m(other);
        if self.to.round_gap_m(&other.to) > closing_m || self.to.gap_m(&other.to) > closing_m {
            return None;
        }
        let mut part: f64 = 0.0;
        loop {
            let both = [self.at(part), other.at(part)];
            let gap_m = both[0].gap_m(&both[1]);
            if gap_m < -slack_m {
                return Some((part, both));
            }
            if part >= 1.0 || closing_m <= 0.0 {
                return None;
            }
            part = (part + (gap_m / closing_m).max(1.0 / SWEEP_PARTS)).min(1.0);
        }
    }

    /// How much any two points of theirs can come nearer to each other on the whole way, m.
    fn closing_m(&self, other: &Sweep) -> f64 {
        let moved = |sweep: &Sweep| (sweep.to.x_m - sweep.from.x_m, sweep.to.y_m - sweep.from.y_m);
        let turned_m =
            |sweep: &Sweep| turn(sweep.from.theta_rad, sweep.to.theta_rad).abs() * sweep.to.radius_m();
        let (mine, theirs) = (moved(self), moved(other));
        length(mine.0 - theirs.0, mine.1 - theirs.1) + turned_m(self) + turned_m(other)
    }
}

/// The shorter way round from one direction to another, rad.
fn turn(from_rad: f64, to_rad: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    (to_rad - from_rad + PI).rem_euclid(TAU) - PI
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
    fn robots_that_pass_through_each_other_between_two_looks_overlap() {
        let sweep = |from: f64, to: f64| Sweep { from: robot(from, 0.0, 0.0), to: robot(to, 0.0, 0.0) };
        let (part, _) = sweep(0.0, 3.0).first_overlap(&sweep(3.0, 0.0), 0.001).unwrap();
        assert!((0.3..0.45).contains(&part), "{part}");
        let beside = Sweep { from: robot(3.0, 0.7, 0.0), to: robot(0.0, 0.7, 0.0) };
        assert_eq!(sweep(0.0, 3.0).first_overlap(&beside, 0.001), None);
    }

    #[test]
    fn a_corner_cut_between_two_looks_overlaps() {
        let stander = Sweep { from: robot(0.0, 0.0, 0.0), to: robot(0.0, 0.0, 0.0) };
        let cutter = Sweep { from: robot(1.1, 0.2, 0.0), to: robot(0.2, 1.1, 0.0) };
        assert!(stander.first_overlap(&cutter, 0.001).is_some());
        assert!(!cutter.from.overlaps(&stander.to, 0.001) && !cutter.to.overlaps(&stander.to, 0.001));
    }

    #[test]
    fn a_turn_on_the_spot_sweeps_what_its_ends_do_not_touch() {
        let turning = Sweep { from: robot(0.0, 0.0, 0.0), to: robot(0.0, 0.0, std::f64::consts::PI) };
        let beside = Sweep { from: robot(0.0, 0.75, 0.0), to: robot(0.0, 0.75, 0.0) };
        assert!(turning.first_overlap(&beside, 0.001).is_some());
        assert!(!turning.to.overlaps(&beside.to, 0.001));
    }

    #[test]
    fn a_point_beside_and_beyond_a_segment() {
        assert_eq!(distance_to_segment((1.0, 2.0), (0.0, 0.0), (4.0, 0.0)), 2.0);
        assert_eq!(distance_to_segment((7.0, 4.0), (0.0, 0.0), (4.0, 0.0)), 5.0);
        assert_eq!(distance_to_segment((3.0, 4.0), (0.0, 0.0), (0.0, 0.0)), 5.0);
    }
}
