//! The store that all processes of a site share: the lease row, the journal's rows with checksums, snapshots. It guards as
//! the real one does: an append counts only under the epoch that leads, and only right behind the last row.
//!
//! Rows may be torn by a crash; a torn tail was never acknowledged and is cut. Damage anywhere else is an error.

use drover_core::record::DecodeError;
use drover_core::{Epoch, Record, Seq, Time};

/// One row, as a database would hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    seq_from: Seq,
    seq_to: Seq,
    bytes: Vec<u8>,
    checksum: u32,
}

/// The lease row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseRow {
    /// The epoch that leads, or led.
    pub epoch: Epoch,
    /// Which process.
    pub holder: usize,
    /// Until when, unless it is renewed.
    pub expires: Time,
}

/// What an append came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is durable, now or since an attempt whose answer was lost.
    Durable,
    /// Another epoch leads.
    Fenced,
    /// It doesn't follow the last row: a bug.
    OutOfPlace,
}

/// What a start reads.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The newest snapshot that can be read, with the last event in it.
    pub snapshot: Option<(Seq, Vec<u8>)>,
    /// All records behind it.
    pub records: Vec<Record>,
}

/// Records in order, the newest snapshots, the lease.
#[derive(Debug, Default)]
pub struct Store {
    rows: Vec<Row>,
    torn: Option<Row>,
    snapshots: Vec<(Seq, Vec<u8>)>,
    lease: Option<LeaseRow>,
}

/// Snapshots kept.
const SNAPSHOTS_KEPT: usize = 3;

impl Store {
    /// The lease row, if anybody ever led.
    pub fn lease(&self) -> Option<&LeaseRow> {
        self.lease.as_ref()
    }

    /// A process takes the lead: the next epoch.
    pub fn lead(&mut self, holder: usize, expires: Time) -> Epoch {
        let epoch = Epoch(self.lease.as_ref().map_or(0, |lease| lease.epoch.0) + 1);
        self.lease = Some(LeaseRow { epoch, holder, expires });
        epoch
    }

    /// Prolongs the lease of this epoch; false when another one leads.
    pub fn renew(&mut self, epoch: Epoch, expires: Time) -> bool {
        let ours = self.lease.as_mut().filter(|lease| lease.epoch == epoch);
        ours.map(|lease| lease.expires = expires).is_some()
    }

    /// The last event written.
    pub fn tip(&self) -> Seq {
        self.rows.last().map_or(Seq(0), |last| last.seq_to)
    }

    /// One transaction: the lease is still this epoch's, and the record follows the last row.
    pub fn append(&mut self, record: &Record) -> Appended {
        if self.lease.as_ref().map(|lease| lease.epoch) != Some(record.epoch) {
            return Appended::Fenced;
        }
        let row = row(record);
        if self.rows.last() == Some(&row) {
            return Appended::Durable;
        }
        if record.seq_from.0 != self.tip().0 + 1 {
            return Appended::OutOfPlace;
        }
        self.rows.push(row);
        Appended::Durable
    }

    /// The writer dies in the middle of this append: half of the row is left behind.
    pub fn tear(&mut self, record: &Record) {
        let mut row = row(record);
        row.bytes.truncate(row.bytes.len() / 2);
        self.torn = Some(row);
    }

    /// Keeps a snapshot of the epoch that leads.
    pub fn keep_snapshot(&mut self, epoch: Epoch, seq: Seq, bytes: Vec<u8>) {
        if self.lease.as_ref().is_some_and(|lease| lease.epoch == epoch) {
            self.snapshots.push((seq, bytes));
            let surplus = self.snapshots.len().saturating_sub(SNAPSHOTS_KEPT);
            self.snapshots.drain(..surplus);
        }
    }

    /// Snapshots can't be read any more.
    pub fn lose_snapshots(&mut self) -> usize {
        std::mem::take(&mut self.snapshots).len()
    }

    /// What a start needs: the newest snapshot and the records behind it. A torn tail is cut.
    pub fn load(&mut self) -> Result<Loaded, DecodeError> {
        if let Some(torn) = self.torn.take()
            && Record::decode(&torn.bytes, torn.checksum).is_ok()
        {
            self.rows.push(torn);
        }
        let snapshot = self.snapshots.last().cloned();
        let after = snapshot.as_ref().map_or(Seq(0), |(seq, _)| *seq);
        let first = self.rows.partition_point(|row| row.seq_to <= after);
        let records = self.rows[first..].iter().map(|row| Record::decode(&row.bytes, row.checksum));
        Ok(Loaded { snapshot, records: records.collect::<Result<_, _>>()? })
    }

    /// All durable records, read back from their bytes.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, DecodeError>> + '_ {
        self.rows.iter().map(|row| Record::decode(&row.bytes, row.checksum))
    }

    /// Bytes of the whole journal.
    pub fn journal_bytes(&self) -> u64 {
        self.rows.iter().map(|row| row.bytes.len() as u64).sum()
    }

    /// One bit of a row is another from now on: row by number, bit by number.
    pub fn flip(&mut self, row: usize, bit: usize) {
        if let Some(byte) = self.rows.get_mut(row).and_then(|row| row.bytes.get_mut(bit / 8)) {
            *byte ^= 1 << (bit % 8);
        }
    }
}

fn row(record: &Record) -> Row {
    let (bytes, checksum) = record.encode();
    Row { seq_from: record.seq_from, seq_to: record.seq_to, bytes, checksum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drover_core::{Entry, Event};

    fn record(epoch: u64, seq: u64) -> Record {
        let entry = Entry { time: Time(seq), event: Event::Tick, commands: Vec::new() };
        let (seq, entries) = (Seq(seq), vec![entry]);
        Record { seq_from: seq, seq_to: seq, epoch: Epoch(epoch), time: Time(1), entries, digest: None }
    }

    fn led() -> Store {
        let mut store = Store::default();
        assert_eq!(store.lead(0, Time(4_000)), Epoch(1));
        store
    }

    #[test]
    fn an_append_of_a_deposed_epoch_is_refused() {
        let mut store = led();
        assert_eq!(store.append(&record(1, 1)), Appended::Durable);
        assert_eq!(store.lead(1, Time(9_000)), Epoch(2));
        assert_eq!(store.append(&record(1, 2)), Appended::Fenced);
        assert!(!store.renew(Epoch(1), Time(99_000)) && store.renew(Epoch(2), Time(10_000)));
        assert_eq!(store.append(&record(2, 2)), Appended::Durable);
    }

    #[test]
    fn a_record_tried_again_is_durable_once_and_a_gap_is_refused() {
        let mut store = led();
        assert_eq!(store.append(&record(1, 1)), Appended::Durable);
        assert_eq!(store.append(&record(1, 1)), Appended::Durable);
        assert_eq!(store.records().count(), 1);
        assert_eq!(store.append(&record(1, 3)), Appended::OutOfPlace);
    }

    #[test]
    fn a_torn_tail_is_cut_and_a_snapshot_shortens_the_load() {
        let mut store = led();
        (1..=4).for_each(|seq| assert_eq!(store.append(&record(1, seq)), Appended::Durable));
        store.keep_snapshot(Epoch(1), Seq(3), vec![7]);
        store.tear(&record(1, 5));
        let loaded = store.load().unwrap();
        assert_eq!((loaded.snapshot, loaded.records.len()), (Some((Seq(3), vec![7])), 1));
        assert_eq!(store.lose_snapshots(), 1);
        assert_eq!(store.load().unwrap().records.len(), 4);
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_detected() {
        let mut store = led();
        (1..=3).for_each(|seq| assert_eq!(store.append(&record(1, seq)), Appended::Durable));
        let bits = store.rows[1].bytes.len() * 8;
        for bit in 0..bits {
            store.flip(1, bit);
            assert!(store.load().is_err(), "bit {bit} went unseen");
            store.flip(1, bit);
        }
        assert_eq!(store.load().unwrap().records.len(), 3);
    }
}
