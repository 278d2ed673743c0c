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

/// A record as its bytes hold it in a chain. A reader that knows no chains passes over `after`.
#[derive(Serialize)]
struct Linked<'a> {
    seq_from: Seq,
    seq_to: Seq,
    epoch: Epoch,
    time: Time,
    entries: &'a [Entry],
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u32>,
}

/// The same, read.
#[derive(Deserialize)]
struct LinkedOwned {
    seq_from: Seq,
    seq_to: Seq,
    epoch: Epoch,
    time: Time,
    entries: Vec<Entry>,
    digest: Option<Digest>,
    #[serde(default)]
    after: Option<u32>,
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
        self.encode_after(None)
    }

    /// The same with the checksum of the record before it within the bytes: a chain, in which no record can be exchanged
    /// unnoticed. None = there is none before it.
    pub fn encode_after(&self, before: Option<u32>) -> (Vec<u8>, u32) {
        let linked = Linked {
            seq_from: self.seq_from,
            seq_to: self.seq_to,
            epoch: self.epoch,
            time: self.time,
            entries: &self.entries,
            digest: self.digest,
            after: before,
        };
        let bytes = rmp_serde::to_vec_named(&linked).unwrap_or_default();
        let checksum = crc32fast::hash(&bytes);
        (bytes, checksum)
    }

    /// The record in these bytes.
    pub fn decode(bytes: &[u8], checksum: u32) -> Result<Record, DecodeError> {
        Ok(Record::decode_linked(bytes, checksum)?.0)
    }

    /// The record in these bytes, and the checksum of the one that was before it when it was written; none in what was
    /// written without a chain.
    pub fn decode_linked(bytes: &[u8], checksum: u32) -> Result<(Record, Option<u32>), DecodeError> {
        let found = crc32fast::hash(bytes);
        if found != checksum {
            return Err(DecodeError::Checksum { found, expected: checksum });
        }
        let LinkedOwned { seq_from, seq_to, epoch, time, entries, digest, after } =
            rmp_serde::from_slice(bytes)?;
        Ok((Record { seq_from, seq_to, epoch, time, entries, digest }, after))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u64) -> Record {
        let entries = vec![Entry { time: Time(seq), event: Event::Tick, commands: Vec::new() }];
        let (seq, digest) = (Seq(seq), Some(Digest([0xC1; 16])));
        Record { seq_from: seq, seq_to: seq, epoch: Epoch(1), time: Time(seq.0), entries, digest }
    }

    #[test]
    fn a_chained_record_is_read_by_a_reader_that_knows_no_chains_and_the_other_way_round() {
        let (bytes, checksum) = record(7).encode_after(Some(0xC1C1_C1C1));
        assert_eq!(rmp_serde::from_slice::<Record>(&bytes).expect("an older reader's way"), record(7));
        assert_eq!(Record::decode_linked(&bytes, checksum).expect("ours"), (record(7), Some(0xC1C1_C1C1)));
        let older = rmp_serde::to_vec_named(&record(7)).expect("an older writer's way");
        let (bytes, checksum) = record(7).encode();
        assert_eq!(bytes, older, "without a chain nothing is added");
        assert_eq!(Record::decode_linked(&older, checksum).expect("ours"), (record(7), None));
    }

    #[test]
    fn every_flipped_byte_of_the_last_64_records_is_found() {
        let mut before = None;
        for seq in 1..=64 {
            let (bytes, checksum) = record(seq).encode_after(before);
            for at in 0..bytes.len() {
                for flip in [0x01, 0x80, 0xFF] {
                    let mut bytes = bytes.clone();
                    bytes[at] ^= flip;
                    let found = Record::decode_linked(&bytes, checksum);
                    assert!(matches!(found, Err(DecodeError::Checksum { .. })), "record {seq}, byte {at}");
                }
            }
            before = Some(checksum);
        }
    }
}
