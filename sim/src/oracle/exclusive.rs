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

impl Exclusive {
    pub(crate) fn new(robots: usize) -> Exclusive {
        Exclusive { last: vec![None; robots] }
    }

    /// All pairs that overlap. Sorted by x and swept, so that only robots of one strip are compared.
    pub(crate) fn overlaps(&self, now: Time, bodies: &[Body<'_>]) -> Vec<Breach> {
        let mut order: Vec<(f64, &Body<'_>)> =
            bodies.iter().filter(|body| body.counts).map(|body| (self.west(body), body)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut breaches = Vec::new();
        for (index, (_, left)) in order.iter().enumerate() {
            let limit = self.east(left);
            let strip = order[index + 1..].iter().take_while(|(west, _)| *west < limit);
            breaches.extend(strip.filter_map(|(_, right)| self.overlap(now, left, right)));
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

    fn west(&self, body: &Body<'_>) -> f64 {
        let now = &body.truth.outline;
        now.x_m.min(self.before(body.robot, body.truth).x_m) - now.radius_m()
    }

    fn east(&self, body: &Body<'_>) -> f64 {
        let now = &body.truth.outline;
        now.x_m.max(self.before(body.robot, body.truth).x_m) + now.radius_m()
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
