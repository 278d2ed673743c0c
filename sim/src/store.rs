//! The journal's store: bytes with a checksum, durable some milliseconds after they were handed over.
//!
//! Full disks, torn writes and other epochs will live here.

use drover_core::record::DecodeError;
use drover_core::{Record, Seq, Time};

use crate::net::Delay;
use crate::rng::Rng;

/// One row, as a database would hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    bytes: Vec<u8>,
    checksum: u32,
}

/// Records in order, and the newest snapshot.
#[derive(Debug)]
pub struct Store {
    commit: Delay,
    rng: Rng,
    rows: Vec<Row>,
    in_flight: Option<Box<Record>>,
    snapshot: Option<(Seq, Vec<u8>)>,
}

impl Store {
    /// An empty store.
    pub fn new(commit: Delay, rng: Rng) -> Store {
        Store { commit, rng, rows: Vec::new(), in_flight: None, snapshot: None }
    }

    /// Takes a record over; says when it will be durable. One at a time.
    pub fn append(&mut self, now: Time, record: Box<Record>) -> Time {
        self.in_flight = Some(record);
        now.plus_ms(self.rng.within(self.commit.min_ms, self.commit.max_ms))
    }

    /// The record in flight is durable.
    pub fn commit(&mut self) -> Option<Box<Record>> {
        let record = self.in_flight.take()?;
        let (bytes, checksum) = record.encode();
        self.rows.push(Row { bytes, checksum });
        Some(record)
    }

    /// Keeps the newest snapshot.
    pub fn keep_snapshot(&mut self, seq: Seq, bytes: Vec<u8>) {
        self.snapshot = Some((seq, bytes));
    }

    /// The newest snapshot: the last event in it, and its bytes.
    pub fn snapshot(&self) -> Option<(Seq, &[u8])> {
        self.snapshot.as_ref().map(|(seq, bytes)| (*seq, bytes.as_slice()))
    }

    /// All durable records, read back from their bytes.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, DecodeError>> + '_ {
        self.rows.iter().map(|row| Record::decode(&row.bytes, row.checksum))
    }
}
