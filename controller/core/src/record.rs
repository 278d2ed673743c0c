//! A journal record: the events of one group commit with the commands each one caused.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::command::Command;
use crate::event::Event;
use crate::id::{Digest, Epoch, JobId, Seq};

/// What is appended to the journal in one transaction, before anything in it leaves the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The first event's place.
    pub seq_from: Seq,
    /// The last event's place.
    pub seq_to: Seq,
    /// The leader that wrote it.
    pub epoch: Epoch,
    /// Journal time of the last event.
    pub time: Time,
    /// The events in order, each with its commands.
    pub entries: Vec<Entry>,
    /// Digest of the hard state after the last event, at every checkpoint.
    pub digest: Option<Digest>,
}

/// An event and what it caused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Journal time: never falls.
    pub time: Time,
    /// What happened.
    pub event: Event,
    /// What it caused: the commitments.
    pub commands: Vec<Command>,
}

/// Why a record can't be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not what was written.
    #[error("read a journal record: checksum {found:08x}, expected {expected:08x}: the record is damaged")]
    Checksum {
        /// Of the bytes.
        found: u32,
        /// As stored.
        expected: u32,
    },
    /// The bytes are not a record of this version or an older one.
    #[error("read a journal record: {0}")]
    Format(#[from] rmp_serde::decode::Error),
}

impl Record {
    /// The record as bytes, and their checksum (CRC-32).
    pub fn encode(&self) -> (Vec<u8>, u32) {
        let bytes = rmp_serde::to_vec_named(self).unwrap_or_default();
        let checksum = crc32fast::hash(&bytes);
        (bytes, checksum)
    }

    /// The record in these bytes.
    pub fn decode(bytes: &[u8], checksum: u32) -> Result<Record, DecodeError> {
        let found = crc32fast::hash(bytes);
        if found != checksum {
            return Err(DecodeError::Checksum { found, expected: checksum });
        }
        Ok(rmp_serde::from_slice(bytes)?)
    }

    /// Ids and fingerprints of the jobs accepted in this record: unique keys of the store.
    pub fn accepted_jobs(&self) -> impl Iterator<Item = (&JobId, u128)> {
        self.entries.iter().filter_map(|entry| match &entry.event {
            Event::JobSubmitted(spec) if !entry.is_refused() => Some((&spec.id, spec.fingerprint)),
            _ => None,
        })
    }
}

impl Entry {
    /// The event was answered by a rejection, or ignored as seen before.
    pub fn is_refused(&self) -> bool {
        self.commands.iter().any(|command| matches!(command, Command::Reject(_) | Command::Ignore { .. }))
    }
}
