//! What every store must do. Compiled by the tests of the stores only; they call `suite!` with their own start.
//!
//! Each claim is an act on a fresh database. `Case` reaches around the store to damage what it wrote.

#[path = "conformance/chain.rs"]
mod chain;
#[path = "conformance/retention.rs"]
mod retention;

pub use chain::*;
pub use retention::*;

use drover_controller::store::{AppendError, CHUNK_BYTES_MAX, LayoutSource, LoadError, SnapshotError, Store};
use drover_core::clock::Time;
use drover_core::event::Event;
use drover_core::id::{Epoch, JobId, Seq};
use drover_core::job::JobSpec;
use drover_core::record::{Entry, Record};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};

/// A fresh database, by the store and by the back door.
pub struct Case {
    pub url: String,
    pub store: Store,
    door: Door,
}

enum Door {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Declares a test for each claim; `$start` gives `Option<(guard, Case)>`.
macro_rules! suite {
    ($start:path: $($claim:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $claim() {
            let Some((_guard, case)) = $start().await else { return };
            conformance::$claim(&case).await;
        })+
    };
    ($start:path) => {
        conformance::suite!($start:
            an_empty_journal_loads_as_nothing,
            records_come_back_in_order_from_another_connection,
            each_leader_gets_a_higher_epoch,
            of_leaders_at_the_same_moment_each_gets_its_own_epoch,
            a_lost_lease_row_does_not_lower_the_epoch,
            an_old_epoch_writes_nothing,
            a_record_appended_again_is_there_once,
            a_record_out_of_place_is_refused,
            a_missing_record_is_found,
            a_missing_last_record_is_found,
            a_flipped_byte_in_the_last_record_cuts_it,
            a_flipped_byte_in_an_earlier_record_is_an_error,
            a_damaged_key_is_found,
            a_job_accepted_twice_is_refused_until_it_is_forgotten,
            a_record_may_accept_a_thousand_jobs,
            a_snapshot_comes_back_whole,
            the_last_two_snapshots_are_kept,
            half_a_snapshot_is_passed_over,
            a_damaged_snapshot_is_passed_over,
            a_snapshot_ahead_of_the_journal_is_refused,
            layouts_come_back_whole_in_the_order_in_which_they_came,
            records_stream_from_the_middle_to_an_end,
            sites_do_not_see_each_other,
            a_record_that_was_exchanged_is_found_and_nothing_is_cut,
            a_record_of_another_past_is_found,
            a_flipped_byte_in_any_of_the_last_64_records_is_found,
            what_an_earlier_version_wrote_is_read_and_goes_on_in_a_chain,
            a_snapshot_of_another_backup_is_passed_over,
            without_an_age_nothing_is_forgotten,
            what_is_old_is_forgotten_up_to_a_snapshot,
            what_restoring_needs_is_never_forgotten,
            a_long_past_is_forgotten_in_small_transactions,
            a_shortened_journal_without_a_sound_snapshot_is_an_error,
        );
    };
}
pub(crate) use suite;

pub const SITE: &str = "fresh-dc";
const EXPIRES: Time = Time(60_000);

impl Case {
    pub async fn open(url: String) -> Case {
        let store = Store::connect(&url).await.unwrap();
        let door = match url.strip_prefix("sqlite:") {
            Some(path) => Door::Sqlite(SqlitePool::connect(&format!("sqlite://{path}")).await.unwrap()),
            None => Door::Postgres(PgPool::connect(&url).await.unwrap()),
        };
        Case { url, store, door }
    }

    async fn run(&self, statement: &str) -> u64 {
        let statement = AssertSqlSafe(statement.to_owned());
        match &self.door {
            Door::Sqlite(pool) => sqlx::query(statement).execute(pool).await.unwrap().rows_affected(),
            Door::Postgres(pool) => sqlx::query(statement).execute(pool).await.unwrap().rows_affected(),
        }
    }

    async fn body(&self, place: &str) -> Vec<u8> {
        let query = AssertSqlSafe(format!("SELECT body FROM {place}"));
        match &self.door {
            Door::Sqlite(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
            Door::Postgres(pool) => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
        }
    }

    async fn set_body(&self, table: &str, place: &str, body: &[u8]) {
        let update = AssertSqlSafe(format!("UPDATE {table} SET body = $1 WHERE {place}"));
        let body = body.to_vec();
        let rows = match &self.door {
            Door::Sqlite(pool) => sqlx::query(update).bind(body).execute(pool).await.unwrap().rows_affected(),
            Door::Postgres(pool) => {
                sqlx::query(update).bind(body).execute(pool).await.unwrap().rows_affected()
            }
        };
        assert_eq!(rows, 1, "{place}");
    }

    /// Flips one byte of a body, and gives the body as it was.
    async fn flip(&self, table: &str, place: &str, at: usize) -> Vec<u8> {
        let body = self.body(&format!("{table} WHERE {place}")).await;
        let mut flipped = body.clone();
        flipped[at % body.len()] ^= 0x10;
        self.set_body(table, place, &flipped).await;
        body
    }

    /// A leader that has written records of three events each.
    async fn led(&self, records: u64) -> Epoch {
        let epoch = self.store.lead(SITE, "test", EXPIRES).await.unwrap();
        for at in 0..records {
            self.store.append(SITE, &record(epoch, 1 + 3 * at, 3 + 3 * at)).await.unwrap();
        }
        epoch
    }

    async fn loaded_seqs(&self) -> Vec<(u64, u64)> {
        let loaded = self.store.load(SITE).await.unwrap();
        loaded.records.iter().map(|record| (record.seq_from.0, record.seq_to.0)).collect()
    }
}

/// A record of ticks.
pub fn record(epoch: Epoch, from: u64, to: u64) -> Record {
    let entries = (from..=to).map(|seq| entry(seq, Event::Tick)).collect();
    Record { seq_from: Seq(from), seq_to: Seq(to), epoch, time: Time(1_000 + to), entries, digest: None }
}

/// A record that accepts these jobs.
fn jobs(epoch: Epoch, from: u64, ids: impl IntoIterator<Item = String>) -> Record {
    let events = ids.into_iter().map(|id| Event::JobSubmitted(Box::new(job(&id))));
    let entries: Vec<Entry> = (from..).zip(events).map(|(seq, event)| entry(seq, event)).collect();
    let to = from + entries.len() as u64 - 1;
    Record { seq_from: Seq(from), seq_to: Seq(to), epoch, time: Time(1_000 + to), entries, digest: None }
}

fn entry(seq: u64, event: Event) -> Entry {
    Entry { time: Time(1_000 + seq), event, commands: Vec::new() }
}

fn job(id: &str) -> JobSpec {
    JobSpec {
        id: JobId(id.to_owned()),
        order_id: None,
        sequence: None,
        legs: Vec::new(),
        due_at: None,
        best_before: None,
        temperature: None,
        max_out_of_cold_s: None,
        requires: Vec::new(),
        priority: 5,
        extra: String::new(),
        fingerprint: u128::MAX,
    }
}

pub async fn an_empty_journal_loads_as_nothing(case: &Case) {
    let loaded = case.store.load(SITE).await.unwrap();
    assert!(loaded.snapshot.is_none() && loaded.records.is_empty());
    assert_eq!(loaded.last, Seq(0));
    assert_eq!(case.store.lease(SITE).await.unwrap(), None);
}

pub async fn records_come_back_in_order_from_another_connection(case: &Case) {
    let epoch = case.led(200).await;
    let other = Store::connect(&case.url).await.unwrap();
    let loaded = other.load(SITE).await.unwrap();
    let written: Vec<Record> = (0..200).map(|at| record(epoch, 1 + 3 * at, 3 + 3 * at)).collect();
    assert_eq!(loaded.records, written);
    assert_eq!(loaded.last, Seq(600));
    other.close().await;
}

pub async fn each_leader_gets_a_higher_epoch(case: &Case) {
    for expected in 1..=5 {
        assert_eq!(case.store.lead(SITE, "test", EXPIRES).await.unwrap(), Epoch(expected));
    }
    let lease = case.store.lease(SITE).await.unwrap().unwrap();
    assert_eq!((lease.epoch, lease.holder.as_str(), lease.expires), (Epoch(5), "test", EXPIRES));
    assert!(case.store.renew(SITE, Epoch(5), Time(70_000)).await.unwrap());
    assert_eq!(case.store.lease(SITE).await.unwrap().unwrap().expires, Time(70_000));
}

pub async fn of_leaders_at_the_same_moment_each_gets_its_own_epoch(case: &Case) {
    let leaders = (0..8).map(|_| {
        let store = case.store.clone();
        tokio::spawn(async move { store.lead(SITE, "test", EXPIRES).await.ok() })
    });
    let leaders = leaders.collect::<Vec<_>>();
    let mut epochs = Vec::new();
    for leader in leaders {
        epochs.extend(leader.await.unwrap());
    }
    epochs.sort();
    let expected: Vec<Epoch> = (1..=epochs.len() as u64).map(Epoch).collect();
    assert_eq!(epochs, expected);
    assert!(!epochs.is_empty());
}

pub async fn a_lost_lease_row_does_not_lower_the_epoch(case: &Case) {
    case.store.lead(SITE, "test", EXPIRES).await.unwrap();
    let epoch = case.led(2).await;
    assert_eq!(case.run("DELETE FROM drover_lease").await, 1);
    let next = case.store.lead(SITE, "test", EXPIRES).await.unwrap();
    assert!(next > epoch, "{next:?}");
    case.store.append(SITE, &record(next, 7, 7)).await.unwrap();
}

pub async fn an_old_epoch_writes_nothing(case: &Case) {
    let old = case.led(1).await;
    let new = case.store.lead(SITE, "other", EXPIRES).await.unwrap();
    let append = case.store.append(SITE, &record(old, 4, 6)).await.unwrap_err();
    assert!(
        matches!(append, AppendError::Fenced { ours, leads, .. } if ours == old && leads == new),
        "{append}"
    );
    let again = case.store.append(SITE, &record(old, 1, 3)).await.unwrap_err();
    assert!(matches!(again, AppendError::Fenced { .. }), "{again}");
    let snapshot = case.store.snapshot(SITE, old, Seq(3), b"old").await.unwrap_err();
    assert!(matches!(snapshot, SnapshotError::Fenced { leads, .. } if leads == new), "{snapshot}");
    assert!(!case.store.renew(SITE, old, Time(90_000)).await.unwrap());
    let loaded = case.store.load(SITE).await.unwrap();
    assert_eq!((loaded.records.len(), loaded.snapshot, loaded.last), (1, None, Seq(3)));
}

pub async fn a_record_appended_again_is_there_once(case: &Case) {
    let epoch = case.led(1).await;
    let accepted = jobs(epoch, 4, ["J-1".to_owned(), "J-2".to_owned()]);
    for _ in 0..3 {
        case.store.append(SITE, &accepted).await.unwrap();
    }
    assert_eq!(case.loaded_seqs().await, [(1, 3), (4, 5)]);
}

pub async fn a_record_out_of_place_is_refused(case: &Case) {
    let epoch = case.led(2).await;
    let mut other = record(epoch, 4, 6);
    other.time = Time(9_999);
    for wrong in [other, record(epoch, 8, 9), record(epoch, 6, 8), record(epoch, 1, 9)] {
        let error = case.store.append(SITE, &wrong).await.unwrap_err();
        assert!(matches!(error, AppendError::OutOfPlace { tip: Seq(6), .. }), "{error}");
    }
    assert_eq!(case.loaded_seqs().await, [(1, 3), (4, 6)]);
}

pub async fn a_missing_record_is_found(case: &Case) {
    case.led(5).await;
    assert_eq!(case.run("DELETE FROM drover_journal WHERE seq_from = 7").await, 1);
    let error = case.store.load(SITE).await.unwrap_err();
    assert!(
        matches!(&error, LoadError::Gap { site, expected: Seq(7), found: Seq(10) } if site == SITE),
        "{error}"
    );
}

pub async fn a_missing_last_record_is_found(case: &Case) {
    case.led(5).await;
    assert_eq!(case.run("DELETE FROM drover_journal WHERE seq_from = 13").await, 1);
    let error = case.store.load(SITE).await.unwrap_err();
    assert!(matches!(error, LoadError::Gap { expected: Seq(13), found: Seq(15), .. }), "{error}");
}

pub async fn a_flipped_byte_in_the_last_record_cuts_it(case: &Case) {
    let epoch = case.led(3).await;
    for at in [0, 1, 17, 40, 61, usize::MAX / 2] {
        case.store.append(SITE, &jobs(epoch, 10, ["J-1".to_owned()])).await.unwrap();
        case.flip("drover_journal", "seq_from = 10", at).await;
        let loaded = case.store.load(SITE).await.unwrap();
        assert_eq!((loaded.records.len(), loaded.last), (3, Seq(9)));
        assert!(loaded.findings[0].contains("damaged"), "{:?}", loaded.findings);
    }
    case.store.append(SITE, &jobs(epoch, 10, ["J-1".to_owned()])).await.unwrap();
    assert_eq!(case.loaded_seqs().await, [(1, 3), (4, 6), (7, 9), (10, 10)]);
}

pub async fn a_flipped_byte_in_an_earlier_record_is_an_error(case: &Case) {
    case.led(4).await;
    let length = case.body("drover_journal WHERE seq_from = 4").await.len();
    for at in (0..length).step_by(7) {
        let body = case.flip("drover_journal", "seq_from = 4", at).await;
        let error = case.store.load(SITE).await.unwrap_err();
        assert!(
            matches!(&error, LoadError::Damaged { site, seq: Seq(4), .. } if site == SITE),
            "byte {at}: {error}"
        );
        case.set_body("drover_journal", "seq_from = 4", &body).await;
    }
    assert_eq!(case.loaded_seqs().await.len(), 4);
}

pub async fn a_damaged_key_is_found(case: &Case) {
    case.led(4).await;
    for column in ["seq_to", "epoch", "time_ms", "checksum"] {
        case.run(&format!("UPDATE drover_journal SET {column} = {column} + 1 WHERE seq_from = 4")).await;
        let error = case.store.load(SITE).await.unwrap_err();
        assert!(matches!(error, LoadError::Damaged { seq: Seq(4), .. }), "{column}: {error}");
        case.run(&format!("UPDATE drover_journal SET {column} = {column} - 1 WHERE seq_from = 4")).await;
    }
    assert_eq!(case.loaded_seqs().await.len(), 4);
}

pub async fn a_job_accepted_twice_is_refused_until_it_is_forgotten(case: &Case) {
    let epoch = case.led(1).await;
    case.store.append(SITE, &jobs(epoch, 4, ["J-1".to_owned()])).await.unwrap();
    let again = jobs(epoch, 5, ["J-0".to_owned(), "J-1".to_owned()]);
    let error = case.store.append(SITE, &again).await.unwrap_err();
    assert!(matches!(&error, AppendError::JobTwice { job, .. } if job.0 == "J-1"), "{error}");
    assert_eq!(case.store.forget_jobs(SITE, Time(1_004)).await.unwrap(), 0);
    assert_eq!(case.store.forget_jobs(SITE, Time(1_005)).await.unwrap(), 1);
    case.store.append(SITE, &again).await.unwrap();
    let error = case.store.append(SITE, &jobs(epoch, 7, ["J-0".to_owned()])).await.unwrap_err();
    assert!(
        matches!(&error, AppendError::JobTwice { job, .. } if job.0 == "J-0"),
        "still remembered: {error}"
    );
}

pub async fn a_record_may_accept_a_thousand_jobs(case: &Case) {
    let epoch = case.led(0).await;
    let many = jobs(epoch, 1, (0..1_000).map(|at| format!("J-{at}")));
    case.store.append(SITE, &many).await.unwrap();
    let error = case.store.append(SITE, &jobs(epoch, 1_001, ["J-777".to_owned()])).await.unwrap_err();
    assert!(matches!(&error, AppendError::JobTwice { job, .. } if job.0 == "J-777"), "{error}");
    assert_eq!(case.store.load(SITE).await.unwrap().records, [many]);
}

fn snapshot_bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

pub async fn a_snapshot_comes_back_whole(case: &Case) {
    let epoch = case.led(4).await;
    let lengths = [(Seq(1), 0), (Seq(3), 1), (Seq(6), CHUNK_BYTES_MAX), (Seq(8), 3 * CHUNK_BYTES_MAX + 5)];
    for (seq, length) in lengths {
        let bytes = snapshot_bytes(length);
        case.store.snapshot(SITE, epoch, seq, &bytes).await.unwrap();
        case.store.snapshot(SITE, epoch, seq, &bytes).await.unwrap();
        let loaded = case.store.load(SITE).await.unwrap();
        assert_eq!(loaded.snapshot, Some((seq, bytes)));
        assert!(loaded.records.iter().all(|record| record.seq_to > seq), "only what comes after {seq:?}");
        assert!(loaded.records[0].seq_from.0 <= seq.0 + 1, "nothing is missing after {seq:?}");
        assert_eq!(loaded.last, Seq(12));
    }
}

pub async fn the_last_two_snapshots_are_kept(case: &Case) {
    let epoch = case.led(4).await;
    for seq in [3, 6, 9, 12] {
        case.store.snapshot(SITE, epoch, Seq(seq), &snapshot_bytes(CHUNK_BYTES_MAX + 1)).await.unwrap();
    }
    assert_eq!(case.run("DELETE FROM drover_snapshot WHERE seq < 9").await, 0);
    assert_eq!(case.run("DELETE FROM drover_snapshot").await, 4);
}

pub async fn layouts_come_back_whole_in_the_order_in_which_they_came(case: &Case) {
    let epoch = case.led(4).await;
    let layout = |fingerprint: u64, site: Option<&str>| LayoutSource {
        fingerprint,
        lif: snapshot_bytes(CHUNK_BYTES_MAX + 1),
        site: site.map(str::to_owned),
    };
    let (first, second) = (layout(u64::MAX, None), layout(1, Some("x = 1")));
    for (since, source) in [(0, &first), (3, &second), (7, &first)] {
        case.store.keep_layout(SITE, epoch, Seq(since), source).await.unwrap();
    }
    assert_eq!(case.store.layouts(SITE).await.unwrap(), [u64::MAX, 1]);
    assert_eq!(case.store.layout(SITE, u64::MAX).await.unwrap(), Some(first));
    assert_eq!(case.store.layout(SITE, 1).await.unwrap(), Some(second.clone()));
    assert_eq!(case.store.layout(SITE, 2).await.unwrap(), None);
    case.run("DELETE FROM drover_layout WHERE fingerprint = '0000000000000001' AND chunk = 1").await;
    assert_eq!(case.store.layout(SITE, 1).await.unwrap(), None, "half of one is none");
    case.store.keep_layout(SITE, epoch, Seq(9), &second).await.unwrap();
    case.store.keep_layout(SITE, epoch, Seq(0), &second).await.unwrap();
    assert_eq!(case.store.layouts(SITE).await.unwrap(), [1], "a new journal begins on its own");
    let old = case.store.keep_layout(SITE, Epoch(epoch.0 - 1), Seq(9), &layout(5, None)).await;
    assert!(matches!(old, Err(SnapshotError::Fenced { .. })), "{old:?}");
}

pub async fn half_a_snapshot_is_passed_over(case: &Case) {
    let epoch = case.led(4).await;
    for seq in [6, 9] {
        case.store.snapshot(SITE, epoch, Seq(seq), &snapshot_bytes(2 * CHUNK_BYTES_MAX + 1)).await.unwrap();
    }
    for chunk in [2, 1, 0] {
        case.run(&format!("DELETE FROM drover_snapshot WHERE seq = 9 AND chunk = {chunk}")).await;
        let loaded = case.store.load(SITE).await.unwrap();
        assert_eq!(loaded.snapshot.map(|(seq, _)| seq), Some(Seq(6)));
        assert_eq!(loaded.records.len(), 2);
    }
    case.store.snapshot(SITE, epoch, Seq(9), b"written again").await.unwrap();
    assert_eq!(case.store.load(SITE).await.unwrap().snapshot, Some((Seq(9), b"written again".to_vec())));
}

pub async fn a_damaged_snapshot_is_passed_over(case: &Case) {
    let epoch = case.led(4).await;
    for seq in [6, 9] {
        case.store.snapshot(SITE, epoch, Seq(seq), &snapshot_bytes(2 * CHUNK_BYTES_MAX)).await.unwrap();
    }
    case.flip("drover_snapshot", "seq = 9 AND chunk = 1", 4_711).await;
    let loaded = case.store.load(SITE).await.unwrap();
    assert_eq!(loaded.snapshot.map(|(seq, _)| seq), Some(Seq(6)));
    assert_eq!((loaded.records.len(), loaded.findings.len()), (2, 1));
    case.flip("drover_snapshot", "seq = 6 AND chunk = 0", 0).await;
    let loaded = case.store.load(SITE).await.unwrap();
    assert_eq!((loaded.snapshot, loaded.records.len()), (None, 4));
}

pub async fn a_snapshot_ahead_of_the_journal_is_refused(case: &Case) {
    let epoch = case.led(2).await;
    let error = case.store.snapshot(SITE, epoch, Seq(7), b"ahead").await.unwrap_err();
    assert!(matches!(error, SnapshotError::Ahead { seq: Seq(7), tip: Seq(6), .. }), "{error}");
}

pub async fn records_stream_from_the_middle_to_an_end(case: &Case) {
    case.led(300).await;
    for (from, until, expected) in
        [(1, None, 1..=300), (0, Some(6), 1..=2), (8, Some(400), 3..=134), (900, None, 300..=300)]
    {
        let mut records = case.store.records(SITE, Seq(from), until.map(Seq));
        let mut found = Vec::new();
        while let Some(record) = records.next().await.unwrap() {
            found.push(record.seq_to.0 / 3);
        }
        assert_eq!(found, expected.collect::<Vec<_>>(), "from {from} until {until:?}");
    }
    assert_eq!(case.store.records(SITE, Seq(901), None).next().await.unwrap(), None);
}

pub async fn sites_do_not_see_each_other(case: &Case) {
    case.led(2).await;
    let epoch = case.store.lead("other-dc", "test", EXPIRES).await.unwrap();
    case.store.append("other-dc", &jobs(epoch, 1, ["J-1".to_owned()])).await.unwrap();
    case.store.snapshot("other-dc", epoch, Seq(1), b"other").await.unwrap();
    let loaded = case.store.load(SITE).await.unwrap();
    assert_eq!((loaded.records.len(), loaded.snapshot, loaded.last), (2, None, Seq(6)));
    assert_eq!(case.store.load("other-dc").await.unwrap().last, Seq(1));
}
