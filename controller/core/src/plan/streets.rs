//! One-way streets from the layout: where ways run side by side, every other one is cheaper the other way.
//!
//! Robots that meet head on in a lane one robot wide stop each other. Hand-drawn patterns of alternating one-way lanes
//! (League of Robot Runners 2024) bring their waits down; here the pattern is drawn from the lattice: a street is a run of
//! steps straight ahead, and it goes the other way than the nearest streets beside it.

use std::collections::BTreeMap;

use super::lattice::{Lattice, NONE, Step};

/// Runs of fewer steps aren't streets.
const STEPS_MIN: usize = 3;
/// Stretches into which the length of the floor is cut to see which streets run side by side.
const STRETCHES: i64 = 1_024;

/// A run of steps straight ahead and the run the other way.
struct Street {
    /// Runs along the first axis rather than the second.
    is_level: bool,
    /// Where it lies across.
    across: i64,
    /// From where to where it runs.
    span: (i64, i64),
    /// States entered along it, towards greater and towards lesser positions.
    up: Vec<u32>,
    down: Vec<u32>,
}

/// The states that are entered against the direction of their street.
pub fn against(lattice: &Lattice) -> Vec<u32> {
    let mut found = Vec::new();
    let (level, upright): (Vec<Street>, Vec<Street>) =
        streets(lattice).into_iter().partition(|street| street.is_level);
    for mut streets in [level, upright] {
        streets.sort_by_key(|street| (street.across, street.span));
        let least = streets.iter().map(|street| street.span.0).min().unwrap_or(0);
        let most = streets.iter().map(|street| street.span.1).max().unwrap_or(0);
        let stretch = ((most - least) / STRETCHES + 1).max(1);
        // Which way the last street goes, for each stretch: 1 up, -1 down.
        let mut last = vec![0_i64; ((most - least) / stretch) as usize + 1];
        for street in streets {
            let span =
                ((street.span.0 - least) / stretch) as usize..=((street.span.1 - least) / stretch) as usize;
            let beside: i64 = last[span.clone()].iter().sum();
            let way = if beside > 0 { -1 } else { 1 };
            last[span].fill(way);
            found.extend(if way > 0 { street.down } else { street.up });
        }
    }
    found.sort_unstable();
    found
}

fn streets(lattice: &Lattice) -> Vec<Street> {
    let mut by_ends: BTreeMap<(u32, u32), Street> = BTreeMap::new();
    let states = 0..lattice.state_count() as u32;
    for first in states.filter(|state| lattice.behind(*state).is_empty()) {
        let mut entered = Vec::new();
        let mut at = lattice.after(first, Step::Ahead);
        while at != NONE {
            entered.push(at);
            at = lattice.after(at, Step::Ahead);
        }
        let Some(last) = entered.last().filter(|_| entered.len() >= STEPS_MIN) else { continue };
        let (from, to) = (lattice.place(first), lattice.place(*last));
        let (start, end) = (lattice.at(from).map(i64::from), lattice.at(to).map(i64::from));
        let along = [end[0] - start[0], end[1] - start[1]];
        let is_level = along[0].abs() >= along[1].abs();
        let axis = usize::from(!is_level);
        let street = by_ends.entry((from.min(to), from.max(to))).or_insert_with(|| Street {
            is_level,
            across: start[1 - axis] + end[1 - axis],
            span: (start[axis].min(end[axis]), start[axis].max(end[axis])),
            up: Vec::new(),
            down: Vec::new(),
        });
        if along[axis] > 0 { &mut street.up } else { &mut street.down }.extend(entered);
    }
    by_ends.into_values().filter(|street| !street.up.is_empty() && !street.down.is_empty()).collect()
}
