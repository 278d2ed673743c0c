//! What the floor tells the rules: where robots, loads and doors truly are. A robot that nobody's word led where it is
//! breaks nothing there, until it stands on its own base again.

use drover_core::Time;

use super::exclusive::Body;
use super::{Breach, Oracle, Truth, covered, doors};

impl Oracle {
    /// Where all robots truly are, and which devices are truly open. A device that lies about itself counts as open.
    pub fn looked(&mut self, now: Time, truths: &[Truth], is_open: &[bool]) {
        let mut breaches = Vec::new();
        for (robot, truth) in truths.iter().enumerate() {
            breaches.extend(self.place(robot, truth));
        }
        let bodies: Vec<Body<'_>> =
            truths.iter().enumerate().map(|(robot, truth)| self.body(robot, truth)).collect();
        breaches.extend(self.exclusive.overlaps(now, &bodies));
        for body in &bodies {
            let before = self.exclusive.before(body.robot, body.truth);
            let way = (body.truth, (before.x_m, before.y_m));
            let under = body.counts.then(|| doors::under_a_shut_door(&self.layout, body.robot, way, is_open));
            breaches.extend(under.flatten());
            self.exclusive.seen(now, body);
        }
        self.judge(now, breaches);
    }

    /// Where one robot truly is, beside those near it.
    pub fn looked_at(&mut self, now: Time, robot: usize, truth: &Truth, near: &[(usize, Truth)]) {
        let mut breaches: Vec<Breach> = self.place(robot, truth);
        for (other, theirs) in near {
            self.excused[*other] |= is_excused(theirs);
        }
        let body = self.body(robot, truth);
        let near: Vec<Body<'_>> = near.iter().map(|(other, theirs)| self.body(*other, theirs)).collect();
        breaches.extend(self.exclusive.overlaps_of(now, &body, &near));
        self.exclusive.seen(now, &body);
        self.judge(now, breaches);
    }

    /// One robot by itself: on its base, with its loads.
    fn place(&mut self, robot: usize, truth: &Truth) -> Vec<Breach> {
        let base = self.heard.of(robot);
        let off = covered::off_its_base(&self.layout, robot, base, truth);
        let is_home = off.is_none() && !base.places.is_empty();
        self.excused[robot] = is_excused(truth) || (self.excused[robot] && !is_home);
        let mut breaches = self.conserved.looked(robot, truth, self.excused[robot], &self.layout);
        breaches.extend(off.filter(|_| !self.excused[robot]));
        breaches
    }

    fn body<'a>(&self, robot: usize, truth: &'a Truth) -> Body<'a> {
        Body { robot, truth, counts: !self.excused[robot] }
    }
}

fn is_excused(truth: &Truth) -> bool {
    truth.moved_by_hand || truth.is_hostile || truth.is_off_floor
}
