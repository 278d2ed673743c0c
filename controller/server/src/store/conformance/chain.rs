//! The chain of records: what CRCs of single rows can't tell.

use drover_controller::store::LoadError;
use drover_core::id::{Digest, Epoch, Seq};
use drover_core::record::Record;

use super::{Case, SITE, jobs, record};

impl Case {
    async fn checksum(&self, from: u64) -> u32 {
        crc32fast::hash(&self.body(&format!("drover_journal WHERE seq_from = {from}")).await)
    }

    /// Puts this record into the row of its key, whole, as if it had been written after this one.
    async fn exchange(&self, record: &Record, before: Option<u32>) {
        let (body, checksum) = record.encode_after(before);
        let place = format!("seq_from = {}", record.seq_from.0);
        self.set_body("drover_journal", &place, &body).await;
        let time = record.time.0;
        let update =
            format!("UPDATE drover_journal SET checksum = {checksum}, time_ms = {time} WHERE {place}");
        assert_eq!(self.run(&update).await, 1);
    }
}

/// Another record at the same place.
fn other(epoch: Epoch, from: u64) -> Record {
    jobs(epoch, from, ["J-7".to_owned(), "J-8".to_owned(), "J-9".to_owned()])
}

pub async fn a_record_that_was_exchanged_is_found_and_nothing_is_cut(case: &Case) {
    let epoch = case.led(5).await;
    for from in [4, 7, 10] {
        let (written, before) = (record(epoch, from, from + 2), case.checksum(from - 3).await);
        case.exchange(&other(epoch, from), Some(before)).await;
        let error = case.store.load(SITE).await.unwrap_err();
        let next = Seq(from + 3);
        assert!(
            matches!(&error, LoadError::Unlinked { seq, before, .. } if *seq == next && before.0 + 1 == seq.0),
            "{error}"
        );
        let read = case.store.records(SITE, next, None).next().await.unwrap_err();
        assert!(matches!(read, LoadError::Unlinked { seq, .. } if seq == next), "from the middle: {read}");
        case.exchange(&written, Some(before)).await;
    }
    assert_eq!(case.loaded_seqs().await.len(), 5);
    assert_eq!(case.run("DELETE FROM drover_cut").await, 0);
}

pub async fn a_record_of_another_past_is_found(case: &Case) {
    let epoch = case.led(5).await;
    for from in [4, 13] {
        let (written, before) = (record(epoch, from, from + 2), case.checksum(from - 3).await);
        case.exchange(&other(epoch, from), Some(before ^ 1)).await;
        let error = case.store.load(SITE).await.unwrap_err();
        assert!(matches!(&error, LoadError::Unlinked { seq, .. } if seq.0 == from), "{error}");
        case.exchange(&written, Some(before)).await;
    }
    assert_eq!(case.loaded_seqs().await.len(), 5);
    assert_eq!(case.run("DELETE FROM drover_cut").await, 0);
}

pub async fn a_flipped_byte_in_any_of_the_last_64_records_is_found(case: &Case) {
    case.led(70).await;
    for at in 6..70_usize {
        let from = 1 + 3 * at as u64;
        let place = format!("seq_from = {from}");
        for byte in [at, 31 * at, 97 * at + 5] {
            let body = case.flip("drover_journal", &place, byte).await;
            let error = case.store.records(SITE, Seq(from), None).next().await.unwrap_err();
            assert!(
                matches!(error, LoadError::Damaged { seq, .. } if seq == Seq(from)),
                "{from}, {byte}: {error}"
            );
            case.set_body("drover_journal", &place, &body).await;
        }
    }
    assert_eq!(case.loaded_seqs().await.len(), 70);
}

pub async fn what_an_earlier_version_wrote_is_read_and_goes_on_in_a_chain(case: &Case) {
    let epoch = case.led(3).await;
    for from in [1, 4, 7] {
        case.exchange(&record(epoch, from, from + 2), None).await;
    }
    let next = case.store.lead(SITE, "newer", super::EXPIRES).await.unwrap();
    case.store.append(SITE, &record(next, 10, 12)).await.unwrap();
    case.store.append(SITE, &record(next, 13, 15)).await.unwrap();
    assert_eq!(case.loaded_seqs().await, [(1, 3), (4, 6), (7, 9), (10, 12), (13, 15)]);
    case.exchange(&other(epoch, 7), None).await;
    let error = case.store.load(SITE).await.unwrap_err();
    assert!(matches!(error, LoadError::Unlinked { seq: Seq(10), before: Seq(9), .. }), "{error}");
}

pub async fn a_snapshot_of_another_backup_is_passed_over(case: &Case) {
    let epoch = case.led(1).await;
    for (from, bytes) in [(4, b"the first"), (7, b"the other")] {
        let digest = Some(Digest::of(bytes));
        case.store.append(SITE, &Record { digest, ..record(epoch, from, from + 2) }).await.unwrap();
        case.store.snapshot(SITE, epoch, Seq(from + 2), bytes).await.unwrap();
    }
    assert_eq!(case.store.load(SITE).await.unwrap().snapshot, Some((Seq(9), b"the other".to_vec())));
    case.run("DELETE FROM drover_snapshot WHERE seq = 9").await;
    case.store.snapshot(SITE, epoch, Seq(9), b"a backup's").await.unwrap();
    let loaded = case.store.load(SITE).await.unwrap();
    assert_eq!(loaded.snapshot, Some((Seq(6), b"the first".to_vec())));
    assert_eq!((loaded.records.len(), loaded.findings.len()), (1, 1));
    assert!(loaded.findings[0].contains("digest"), "{:?}", loaded.findings);
}
