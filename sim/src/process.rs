//! A process of the controller: a [`Site`] while it leads, with the shell's own guards; a standby, or nothing, else. It can
//! die or fall asleep between any two of its acts.
//!
//! The shell is the simulator's own, the mind is the real one. What it may do alone: hold the lease, keep one append in
//! flight, and stay silent when it isn't sure that it leads.

use std::collections::VecDeque;

use drover_core::{Effect, Epoch, Input, Notification, Record, Site, Time};

/// How long a lease holds unless it is renewed, ms.
pub const LEASE_MS: u64 = 4_000;
/// Time between two renewals, and between two looks of a standby, ms.
pub const RENEW_MS: u64 = 1_000;

/// Where in its work a process can be struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// An input has come, nothing was done yet.
    BeforeStep,
    /// The mind has taken it in, nothing has left.
    AfterStep,
    /// A record is about to be handed to the store.
    BeforeAppend,
    /// It was handed over.
    AfterAppend,
    /// A request is about to be acknowledged.
    BeforeAck,
    /// It was acknowledged.
    AfterAck,
    /// A message is about to be published.
    BeforePublish,
    /// It was published.
    AfterPublish,
}

/// What strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// It dies.
    Crash,
    /// It dies in the middle of an append.
    Tear,
    /// It sleeps, ms.
    Stall(u64),
}

/// What a point came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Struck {
    /// Nothing: it goes on.
    Not,
    /// The blow falls now.
    By(Blow),
}

/// One process.
#[derive(Debug, Default)]
pub struct Process {
    /// The mind, while it leads.
    pub site: Option<Site>,
    /// It runs.
    pub is_up: bool,
    /// Rises whenever it starts, dies or loses the lead: what was meant for an earlier life counts no more.
    pub life: u64,
    /// The epoch it leads in, or led in.
    pub epoch: Epoch,
    /// Until when nobody else can have taken the lead.
    pub sure_until: Time,
    /// The record the store works on.
    pub in_flight: Option<Box<Record>>,
    /// When the mind wants to be woken.
    pub timer: Option<Time>,
    /// It is being stopped in good order.
    pub is_stopping: bool,
    /// It sleeps; what came meanwhile waits.
    pub is_asleep: bool,
    /// Inputs that came while it slept.
    pub waiting: VecDeque<Input>,
    /// Events that wait until it is sure again that it leads.
    pub unsaid: VecDeque<Notification>,
    /// Effects that it hasn't carried out yet.
    pub effects: VecDeque<Effect>,
    /// So many points are passed before this strikes.
    pub blow: Option<(u64, Blow)>,
    /// Points passed so far.
    pub points: u64,
}

impl Process {
    /// It leads, as far as it knows.
    pub fn leads(&self) -> bool {
        self.is_up && self.site.is_some()
    }

    /// It passes a point.
    pub fn pass(&mut self, point: Point) -> Struck {
        self.points += 1;
        match &mut self.blow {
            None => Struck::Not,
            Some((_, Blow::Tear)) if point != Point::BeforeAppend => Struck::Not,
            Some((left, _)) if *left > 0 => {
                *left -= 1;
                Struck::Not
            }
            Some((_, blow)) => {
                let blow = *blow;
                self.blow = None;
                Struck::By(blow)
            }
        }
    }

    /// It is gone: all that it had in memory with it. The record the store worked on, if any.
    pub fn fall(&mut self) -> Option<Box<Record>> {
        let in_flight = self.in_flight.take();
        *self = Process { life: self.life + 1, points: self.points, blow: self.blow, ..Process::default() };
        in_flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blow_falls_once_after_so_many_points_and_a_torn_write_only_at_an_append() {
        let mut process = Process { blow: Some((2, Blow::Crash)), ..Process::default() };
        let points = [Point::BeforeStep, Point::AfterStep, Point::BeforeAck, Point::AfterAck];
        let struck: Vec<_> = points.into_iter().map(|point| process.pass(point)).collect();
        assert_eq!(struck, [Struck::Not, Struck::Not, Struck::By(Blow::Crash), Struck::Not]);
        process.blow = Some((0, Blow::Tear));
        assert_eq!(process.pass(Point::BeforeStep), Struck::Not);
        assert_eq!(process.pass(Point::BeforeAppend), Struck::By(Blow::Tear));
    }
}
