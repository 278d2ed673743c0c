//! OneWriter: records follow each other without gap or overlap; neither the epoch nor the journal's time ever falls.

use super::{Violation, broken};
use crate::clock::Time;
use crate::id::{Epoch, Seq};
use crate::record::Record;

/// What a record must follow: the last place, epoch and time before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tip {
    /// The last event's place.
    pub seq: Seq,
    /// The epoch it was written in.
    pub epoch: Epoch,
    /// Its time.
    pub time: Time,
}

impl Tip {
    /// Checks that the record follows, and moves on to its end.
    pub fn follow(&mut self, record: &Record) -> Result<(), Violation> {
        let length = record.entries.len() as u64;
        let is_whole = record.seq_from.0 == self.seq.0 + 1 && record.seq_to.0 == self.seq.0 + length;
        let times = record.entries.iter().map(|entry| entry.time);
        let never_falls = times.clone().zip(times.skip(1)).all(|(one, next)| one <= next);
        let begins = record.entries.first().is_none_or(|entry| entry.time >= self.time);
        if !is_whole || record.epoch < self.epoch || !never_falls || !begins {
            let (from, to, epoch) = (record.seq_from.0, record.seq_to.0, record.epoch.0);
            let text = format!("record {from} to {to} of epoch {epoch} doesn't follow {self:?}");
            return Err(broken("OneWriter", text));
        }
        *self = Tip { seq: record.seq_to, epoch: record.epoch, time: record.time };
        Ok(())
    }
}
