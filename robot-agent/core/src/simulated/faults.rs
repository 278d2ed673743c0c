//! What a simulator or a test may do to a robot. No protocol reaches these.

use super::SimulatedDrive;
use crate::drive::Drive;
use crate::spec::Pose;

impl SimulatedDrive {
    /// Puts the robot elsewhere. One that was on its way is off its path until its order is cancelled.
    pub fn kidnap(&mut self, now_ms: u64, pose: Pose) {
        self.advance(now_ms);
        let was_on_its_way = !self.legs.is_empty();
        self.abandon(now_ms);
        self.pose = pose;
        self.lost = was_on_its_way;
    }

    /// The machine stops where it is, or can go on.
    pub fn set_broken(&mut self, now_ms: u64, broken: bool) {
        self.advance(now_ms);
        self.broken = broken;
        if broken { self.brake() } else { self.go() }
    }

    /// Somebody or something is in the way: it waits in front of it by itself, and goes on when the way is free.
    pub fn set_obstructed(&mut self, now_ms: u64, obstructed: bool) {
        self.advance(now_ms);
        if obstructed != self.obstructed {
            self.obstructed = obstructed;
            if obstructed { self.brake() } else { self.go() }
        }
    }

    /// The next task of this kind to end will fail.
    pub fn fail_next(&mut self, kind: &str) {
        self.failing.push(kind.to_owned());
    }

    /// Sets the state of charge, 0 to 1000.
    pub fn set_charge(&mut self, now_ms: u64, permille: u16) {
        self.advance(now_ms);
        self.battery.set_charge(permille);
        self.empty = self.battery.is_empty();
        if self.empty { self.brake() } else { self.go() }
    }
}
