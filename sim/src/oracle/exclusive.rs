//! Exclusive, physically: the outlines of two robots never overlap, whatever anyone was told.

use super::{Breach, Truth};

/// Depth up to which two outlines count as touching, m.
const TOUCH_M: f64 = 0.001;

/// All pairs that overlap. Sorted by x and swept, so that only robots of one strip are compared.
pub(crate) fn overlaps(truths: &[Truth]) -> Vec<Breach> {
    let mut order: Vec<usize> = (0..truths.len()).collect();
    order.sort_by(|a, b| truths[*a].outline.x_m.total_cmp(&truths[*b].outline.x_m));
    let reach_m = 2.0 * truths.iter().map(|truth| truth.outline.radius_m()).fold(0.0, f64::max);
    let mut breaches = Vec::new();
    for (index, left) in order.iter().enumerate() {
        let limit = truths[*left].outline.x_m + reach_m;
        let strip = order[index + 1..].iter().take_while(|right| truths[**right].outline.x_m < limit);
        breaches
            .extend(strip.filter_map(|right| overlap((*left, &truths[*left]), (*right, &truths[*right]))));
    }
    breaches
}

/// Those among `near` that overlap this robot.
pub(crate) fn overlaps_of(robot: usize, truth: &Truth, near: &[(usize, Truth)]) -> Vec<Breach> {
    near.iter().filter_map(|(other, theirs)| overlap((robot, truth), (*other, theirs))).collect()
}

fn overlap(one: (usize, &Truth), other: (usize, &Truth)) -> Option<Breach> {
    if one.1.map != other.1.map || !one.1.outline.overlaps(&other.1.outline, TOUCH_M) {
        return None;
    }
    let mut robots = [one.0, other.0];
    robots.sort_unstable();
    let text = format!(
        "their outlines overlap at x {:.3} y {:.3} and x {:.3} y {:.3}",
        one.1.outline.x_m, one.1.outline.y_m, other.1.outline.x_m, other.1.outline.y_m
    );
    Some(Breach::new("Exclusive", &robots, text))
}
