//! Exclusive, physically: the outlines of two robots never overlap, neither when looked at nor on the way from one look to
//! the next, whatever anyone was told.

use drover_core::Time;

use super::{Breach, Truth};
use crate::geometry::{Outline, Sweep};

/// Depth up to which two outlines count as touching, m.
const TOUCH_M: f64 = 0.001;

/// Where each robot was when it was last looked at.
#[derive(Debug)]
pub(crate) struct Exclusive {
    last: Vec<Option<Seen>>,
}

#[derive(Clone, Debug)]
struct Seen {
    at: Time,
    map: String,
    outline: Outline,
}

/// A robot now, and whether its body counts: not if it is off the floor, or where no word of ours led it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body<'a> {
    pub(crate) robot: usize,
    pub(crate) truth: &'a Truth,
    pub(crate) counts: bool,
}

/// The box around all that a robot may have touched since it was last looked at, m.
struct Swept<'a> {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
    /// It was looked at before, and hasn't moved since.
    stood: bool,
    body: &'a Body<'a>,
}

impl Swept<'_> {
    fn may_meet(&self, other: &Swept<'_>) -> bool {
        !(self.stood && other.stood) && self.south < other.north && other.south < self.north
    }
}

impl Exclusive {
    pub(crate) fn new(robots: usize) -> Exclusive {
        Exclusive { last: vec![None; robots] }
    }

    /// All pairs that overlap. Sorted by x and swept, so that only robots of one strip are compared; two that have both
    /// stood since they were last looked at were compared then.
    pub(crate) fn overlaps(&self, now: Time, bodies: &[Body<'_>]) -> Vec<Breach> {
        let mut order: Vec<Swept<'_>> =
            bodies.iter().filter(|body| body.counts).map(|body| self.swept(body)).collect();
        order.sort_unstable_by(|a, b| a.west.total_cmp(&b.west).then(a.body.robot.cmp(&b.body.robot)));
        let mut breaches = Vec::new();
        for (index, left) in order.iter().enumerate() {
            let strip = order[index + 1..].iter().take_while(|right| right.west < left.east);
            for right in strip.filter(|right| left.may_meet(right)) {
                breaches.extend(self.overlap(now, left.body, right.body));
            }
        }
        breaches
    }

    /// Those among `near` that overlap this robot.
    pub(crate) fn overlaps_of(&self, now: Time, body: &Body<'_>, near: &[Body<'_>]) -> Vec<Breach> {
        let near = near.iter().filter(|other| other.counts && body.counts);
        near.filter_map(|other| self.overlap(now, body, other)).collect()
    }

    /// Where a robot is now: the next look begins here. One that was carried somewhere else has no way from there to here.
    pub(crate) fn seen(&mut self, now: Time, body: &Body<'_>) {
        let Truth { map, outline, .. } = body.truth;
        match &mut self.last[body.robot] {
            Some(seen) if seen.map == *map => (seen.at, seen.outline) = (now, *outline),
            last => *last = Some(Seen { at: now, map: map.clone(), outline: *outline }),
        }
        if !body.counts {
            self.last[body.robot] = None;
        }
    }

    /// Where it was when it was last looked at; where it is, if it wasn't.
    pub(crate) fn before(&self, robot: usize, truth: &Truth) -> Outline {
        let seen = self.last[robot].as_ref().filter(|seen| seen.map == truth.map);
        seen.map_or(truth.outline, |seen| seen.outline)
    }

    /// The box around all that it may have touched since it was last looked at.
    fn swept<'a>(&self, body: &'a Body<'a>) -> Swept<'a> {
        let now = &body.truth.outline;
        let seen = self.last[body.robot].as_ref().filter(|seen| seen.map == body.truth.map);
        let before = seen.map_or(now, |seen| &seen.outline);
        let radius_m = now.radius_m();
        Swept {
            west: now.x_m.min(before.x_m) - radius_m,
            east: now.x_m.max(before.x_m) + radius_m,
            south: now.y_m.min(before.y_m) - radius_m,
            north: now.y_m.max(before.y_m) + radius_m,
            stood: seen.is_some_and(|seen| seen.outline == *now),
            body,
        }
    }

    fn overlap(&self, now: Time, one: &Body<'_>, other: &Body<'_>) -> Option<Breach> {
        if one.truth.map != other.truth.map {
            return None;
        }
        let (from, sweeps) = self.sweeps(now, one, other);
        let (part, [here, there]) = sweeps[0].first_overlap(&sweeps[1], TOUCH_M)?;
        let mut robots = [one.robot, other.robot];
        robots.sort_unstable();
        let ago_ms = ((1.0 - part) * now.since_ms(from) as f64).round();
        let when = if ago_ms > 0.0 { format!(" {ago_ms} ms ago") } else { String::new() };
        let text = format!(
            "their outlines overlap{when} at x {:.3} y {:.3} and x {:.3} y {:.3}",
            here.x_m, here.y_m, there.x_m, there.y_m
        );
        Some(Breach::new("Exclusive", &robots, text))
    }

    /// Both motions from the later of their last looks until now.
    fn sweeps(&self, now: Time, one: &Body<'_>, other: &Body<'_>) -> (Time, [Sweep; 2]) {
        let at = |body: &Body<'_>| self.last[body.robot].as_ref().map_or(now, |seen| seen.at);
        let from = at(one).max(at(other));
        (from, [one, other].map(|body| self.sweep(now, from, body)))
    }

    fn sweep(&self, now: Time, from: Time, body: &Body<'_>) -> Sweep {
        let whole = Sweep { from: self.before(body.robot, body.truth), to: body.truth.outline };
        let since = self.last[body.robot].as_ref().map_or(now, |seen| seen.at);
        let (gone, all) = (from.since_ms(since), now.since_ms(since));
        let begin = if all == 0 { whole.to } else { whole.at(gone as f64 / all as f64) };
        Sweep { from: begin, to: whole.to }
    }
}
