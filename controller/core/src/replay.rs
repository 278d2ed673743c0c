//! Replay: the same version, stepping a journal again, reaches the same commands and the same digest (Replay).

use crate::check::Tip;
use crate::clock::Time;
use crate::fleet::Fleet;
use crate::id::{Digest, Seq};
use crate::layouts::{self, Layouts};
use crate::record::{Entry, Record};

/// What a replay reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The last event's place.
    pub seq: Seq,
    /// Digest of the hard state there.
    pub digest: Digest,
    /// Events stepped.
    pub events: u64,
    /// Commands compared.
    pub commands: u64,
    /// Checkpoints whose digest was compared.
    pub checkpoints: u64,
    /// Journal time of the last event.
    pub time: Time,
    tip: Tip,
}

impl Replayed {
    /// Nothing stepped yet, from this place on.
    pub(crate) fn at(seq: Seq) -> Replayed {
        Replayed {
            tip: Tip { seq, ..Tip::default() },
            seq,
            digest: Digest([0; 16]),
            events: 0,
            commands: 0,
            checkpoints: 0,
            time: Time::default(),
        }
    }
}

/// Why a replay stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The journal misses something.
    #[error("the journal goes from seq {after:?} to seq {found:?}: records are missing")]
    Gap {
        /// The last place read.
        after: Seq,
        /// The next one found.
        found: Seq,
    },
    /// Two leaders wrote, or a clock fell.
    #[error("OneWriter is broken: {0}")]
    Writers(String),
    /// The same event caused something else.
    #[error("seq {seq:?}: the event causes other commands than recorded: recorded {expected}, now {found}")]
    Diverged {
        /// The event's place.
        seq: Seq,
        /// As recorded.
        expected: String,
        /// As stepped.
        found: String,
    },
    /// A layout that it goes over to isn't at hand.
    #[error("the journal goes over to layout {fingerprint:016x}, which isn't kept with it")]
    Layout {
        /// Which.
        fingerprint: u64,
    },
    /// The state is another one.
    #[error("seq {seq:?}: the state's digest is {found}, recorded {expected}")]
    Digest {
        /// The checkpoint's place.
        seq: Seq,
        /// As recorded.
        expected: Digest,
        /// As stepped.
        found: Digest,
    },
}

/// Steps all records from the journal's first on and compares commands and digests.
pub fn replay(
    layouts: impl Into<Layouts>,
    records: impl Iterator<Item = Record>,
    observer: &mut dyn FnMut(Seq, &Entry, &Fleet),
) -> Result<Replayed, ReplayError> {
    replay_from(Fleet::new(layouts), Seq(0), records, observer)
}

/// The same from a snapshot on: the fleet as it was restored from it, its place, and all records after it.
pub fn replay_from(
    mut fleet: Fleet,
    seq: Seq,
    records: impl Iterator<Item = Record>,
    observer: &mut dyn FnMut(Seq, &Entry, &Fleet),
) -> Result<Replayed, ReplayError> {
    let mut done = Replayed::at(seq);
    for record in records {
        step(&mut fleet, &record, &mut done, observer)?;
    }
    done.digest = fleet.digest();
    Ok(done)
}

/// Steps one record and compares.
pub(crate) fn step(
    fleet: &mut Fleet,
    record: &Record,
    done: &mut Replayed,
    observer: &mut dyn FnMut(Seq, &Entry, &Fleet),
) -> Result<(), ReplayError> {
    if record.seq_from.0 != done.seq.0 + 1 {
        return Err(ReplayError::Gap { after: done.seq, found: record.seq_from });
    }
    done.tip.follow(record).map_err(|violation| ReplayError::Writers(violation.text))?;
    for entry in &record.entries {
        let mut commands = Vec::new();
        if let Some(fingerprint) = layouts::wanted(&entry.event).filter(|it| fleet.layouts.get(*it).is_none())
        {
            return Err(ReplayError::Layout { fingerprint });
        }
        fleet.step(entry.time, entry.event.clone(), &mut commands);
        done.seq.0 += 1;
        done.events += 1;
        done.commands += commands.len() as u64;
        done.time = entry.time;
        if commands != entry.commands {
            let (expected, found) = (format!("{:?}", entry.commands), format!("{commands:?}"));
            return Err(ReplayError::Diverged { seq: done.seq, expected, found });
        }
        observer(done.seq, entry, fleet);
    }
    if let Some(expected) = record.digest {
        let found = fleet.digest();
        done.checkpoints += 1;
        if found != expected {
            return Err(ReplayError::Digest { seq: done.seq, expected, found });
        }
    }
    Ok(())
}
