//! The journal's writing end: gathers events while an append is in flight, numbers them, adds checkpoints.

use std::collections::VecDeque;

use super::{Effect, Held};
use crate::clock::Time;
use crate::command::Command;
use crate::event::Event;
use crate::fleet::Fleet;
use crate::id::{Digest, Epoch, Seq};
use crate::record::{Entry, Record};

/// Events in one record, at most.
const RECORD_EVENTS_MAX: usize = 4_096;

#[derive(Debug)]
pub(super) struct Journal {
    epoch: Epoch,
    seq: Seq,
    entries: Vec<Entry>,
    in_flight: Option<Seq>,
    snapshot_at: Time,
    snapshot_seq: Seq,
}

impl Journal {
    pub(super) fn new(epoch: Epoch, seq: Seq, now: Time) -> Journal {
        Journal { epoch, seq, entries: Vec::new(), in_flight: None, snapshot_at: now, snapshot_seq: seq }
    }

    pub(super) fn seq(&self) -> Seq {
        self.seq
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.entries.is_empty()
    }

    /// Numbers an event that was stepped.
    pub(super) fn note(&mut self, time: Time, event: Event, commands: Vec<Command>) -> Seq {
        self.seq.0 += 1;
        self.entries.push(Entry { time, event, commands });
        self.seq
    }

    pub(super) fn committed(&mut self, seq_to: Seq) {
        if self.in_flight == Some(seq_to) {
            self.in_flight = None;
        }
    }

    /// Appends what was stepped, if nothing is in flight; with a snapshot and its digest when one is due.
    pub(super) fn flush(
        &mut self,
        fleet: &Fleet,
        effects: &mut Vec<Effect>,
        held: &mut VecDeque<(Seq, Held)>,
    ) {
        let Some(last) = self.entries.last().filter(|_| self.in_flight.is_none()) else { return };
        let time = last.time;
        let count = self.entries.len().min(RECORD_EVENTS_MAX);
        let is_whole = count == self.entries.len();
        let rest = self.entries.split_off(count);
        let entries = std::mem::replace(&mut self.entries, rest);
        let seq_from = Seq(self.seq.0 + 1 - (entries.len() + self.entries.len()) as u64);
        let seq_to = Seq(seq_from.0 + entries.len() as u64 - 1);
        let time = if is_whole { time } else { entries.last().map_or(time, |entry| entry.time) };
        let digest = self.checkpoint(fleet, time, is_whole, held);
        self.in_flight = Some(seq_to);
        effects.push(Effect::Append(Box::new(Record {
            seq_from,
            seq_to,
            epoch: self.epoch,
            time,
            entries,
            digest,
        })));
    }

    fn checkpoint(
        &mut self,
        fleet: &Fleet,
        now: Time,
        is_whole: bool,
        held: &mut VecDeque<(Seq, Held)>,
    ) -> Option<Digest> {
        let config = fleet.config();
        let is_old = now.since_ms(self.snapshot_at) >= config.snapshot_ms;
        let is_far = self.seq.0 - self.snapshot_seq.0 >= config.snapshot_events;
        if !is_whole || !(is_old || is_far) {
            return None;
        }
        self.snapshot_at = now;
        self.snapshot_seq = self.seq;
        let bytes = fleet.snapshot();
        let digest = Digest::of(&bytes);
        held.push_back((self.seq, Held::Effect(Effect::Snapshot { seq: self.seq, bytes })));
        Some(digest)
    }
}
