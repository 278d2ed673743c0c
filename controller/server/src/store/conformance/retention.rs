//! How much of a journal is kept.

use drover_controller::store::{LoadError, Opening, SnapshotError, Store};
use drover_core::clock::Time;
use drover_core::id::{Epoch, Seq};
use drover_core::record::Record;

use super::{Case, EXPIRES, SITE, record};

const DAY_MS: u64 = 24 * 3_600_000;

impl Case {
    /// The same database, of which so many days are kept.
    async fn keeping(&self, days: u64) -> Store {
        Store::connect(Opening { url: &self.url, keep_ms: Some(days * DAY_MS) }).await.unwrap()
    }

    async fn kept(&self) -> (u64, u64) {
        let count = |table: &str| format!("UPDATE {table} SET site = site");
        (self.run(&count("drover_journal")).await, self.run(&count("drover_snapshot")).await)
    }
}

/// Three events on this day, one of three.
fn on_day(epoch: Epoch, day: u64, part: u64) -> Record {
    let from = 1 + 9 * day + 3 * part;
    let mut record = record(epoch, from, from + 2);
    record.time = Time(day * DAY_MS + part * 1_000);
    record.entries.iter_mut().for_each(|entry| entry.time = record.time);
    record
}

/// Three records on each of these days, a snapshot after each.
async fn days(store: &Store, days: u64) -> Epoch {
    let epoch = store.lead(SITE, "test", EXPIRES).await.unwrap();
    for record in (0..days).flat_map(|day| (0..3).map(move |part| on_day(epoch, day, part))) {
        store.append(SITE, &record).await.unwrap();
        store.snapshot(SITE, epoch, record.seq_to, &record.seq_to.0.to_be_bytes()).await.unwrap();
    }
    epoch
}

pub async fn without_an_age_nothing_is_forgotten(case: &Case) {
    let epoch = days(&case.store, 4).await;
    assert_eq!(case.store.shorten(SITE, epoch, Time(900 * DAY_MS)).await.unwrap(), 0);
    assert_eq!(case.kept().await, (12, 2));
    assert_eq!(case.store.beginning(SITE).await.unwrap(), None);
}

pub async fn what_is_old_is_forgotten_up_to_a_snapshot(case: &Case) {
    let store = case.keeping(2).await;
    let epoch = days(&store, 6).await;
    assert_eq!(case.kept().await, (18, 8), "the first one of each day, and the last two");
    let old = store.shorten(SITE, Epoch(epoch.0 - 1), Time(5 * DAY_MS)).await.unwrap_err();
    assert!(matches!(old, SnapshotError::Fenced { .. }), "{old}");
    assert_eq!(store.beginning(SITE).await.unwrap(), None);

    assert_eq!(store.shorten(SITE, epoch, Time(5 * DAY_MS)).await.unwrap(), 1);
    let (seq, bytes) = store.beginning(SITE).await.unwrap().unwrap();
    assert_eq!(
        (seq, bytes),
        (Seq(21), 21_u64.to_be_bytes().to_vec()),
        "the first of day 2, a day before what is kept"
    );
    assert_eq!(case.kept().await, (12, 6), "with the record that ends at the snapshot");
    assert_eq!(store.shorten(SITE, epoch, Time(5 * DAY_MS)).await.unwrap(), 0, "once");

    let mut records = store.records(SITE, Seq(22), None);
    let mut last = Seq(21);
    while let Some(record) = records.next().await.unwrap() {
        assert_eq!(record.seq_from.0, last.0 + 1);
        last = record.seq_to;
    }
    let loaded = store.load(SITE).await.unwrap();
    assert_eq!((last, loaded.last, loaded.snapshot.unwrap().0), (Seq(54), Seq(54), Seq(54)));
    store.append(SITE, &on_day(epoch, 6, 0)).await.unwrap();
}

pub async fn what_restoring_needs_is_never_forgotten(case: &Case) {
    let store = case.keeping(1).await;
    let epoch = store.lead(SITE, "test", EXPIRES).await.unwrap();
    let late = Time(900 * DAY_MS);
    for (part, snapshots) in [(0, 0), (1, 1), (2, 2)] {
        store.append(SITE, &on_day(epoch, 0, part)).await.unwrap();
        let seq = Seq(3 + 3 * part);
        if snapshots > 0 {
            store.snapshot(SITE, epoch, seq, b"x").await.unwrap();
        }
        let forgets = usize::from(snapshots == 2);
        assert_eq!(store.shorten(SITE, epoch, late).await.unwrap(), forgets, "{snapshots} snapshots");
    }
    assert_eq!(case.kept().await, (2, 2), "all from the older snapshot on");
    case.flip("drover_snapshot", "seq = 9", 0).await;
    let loaded = store.load(SITE).await.unwrap();
    assert_eq!((loaded.snapshot.unwrap().0, loaded.records.len()), (Seq(6), 1));
    assert_eq!(store.beginning(SITE).await.unwrap().unwrap().0, Seq(6));
}

pub async fn a_long_past_is_forgotten_in_small_transactions(case: &Case) {
    case.led(450).await;
    let store = case.keeping(1).await;
    let epoch = store.lead(SITE, "test", EXPIRES).await.unwrap();
    for seq in [1_347, 1_350] {
        store.snapshot(SITE, epoch, Seq(seq), b"x").await.unwrap();
    }
    assert_eq!(store.shorten(SITE, epoch, Time(9 * DAY_MS)).await.unwrap(), 3);
    assert_eq!(case.kept().await, (2, 2));
    assert_eq!(store.load(SITE).await.unwrap().last, Seq(1_350));
}

pub async fn a_shortened_journal_without_a_sound_snapshot_is_an_error(case: &Case) {
    let store = case.keeping(1).await;
    let epoch = days(&store, 4).await;
    case.flip("drover_snapshot", "seq = 21", 0).await;
    assert_eq!(store.shorten(SITE, epoch, Time(4 * DAY_MS)).await.unwrap(), 0, "not up to a damaged one");
    assert_eq!(store.shorten(SITE, epoch, Time(9 * DAY_MS)).await.unwrap(), 1);
    case.run("DELETE FROM drover_snapshot").await;
    let gap = |error: LoadError| matches!(error, LoadError::Gap { expected: Seq(1), .. });
    assert!(gap(store.load(SITE).await.unwrap_err()));
    assert!(gap(store.beginning(SITE).await.unwrap_err()));
}
