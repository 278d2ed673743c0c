//! Every SQL text, once, for all databases.
//!
//! Kept within Spanner's PostgreSQL interface: keys that rise, plain tables, single statements, `ON CONFLICT` with its
//! key named. `lint` judges each of them. SQLite reads `bytea` and `bigint` as it does BLOB and INTEGER.

use std::sync::LazyLock;

/// The tables, each statement run alone.
pub(super) const CREATE: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS drover_lease (
        site varchar(128) NOT NULL, epoch bigint NOT NULL, holder varchar(256) NOT NULL,
        expires_ms bigint NOT NULL, tip bigint NOT NULL, PRIMARY KEY (site))",
    "CREATE TABLE IF NOT EXISTS drover_journal (
        site varchar(128) NOT NULL, seq_from bigint NOT NULL, seq_to bigint NOT NULL, epoch bigint NOT NULL,
        time_ms bigint NOT NULL, body bytea NOT NULL, checksum bigint NOT NULL, PRIMARY KEY (site, seq_from))",
    "CREATE TABLE IF NOT EXISTS drover_cut (
        site varchar(128) NOT NULL, seq_from bigint NOT NULL, seq_to bigint NOT NULL, epoch bigint NOT NULL,
        time_ms bigint NOT NULL, body bytea NOT NULL, checksum bigint NOT NULL, PRIMARY KEY (site, seq_from, epoch))",
    "CREATE TABLE IF NOT EXISTS drover_jobs (
        site varchar(128) NOT NULL, job_id varchar(512) NOT NULL, fingerprint varchar(32) NOT NULL,
        seq bigint NOT NULL, accepted_ms bigint NOT NULL, PRIMARY KEY (site, job_id))",
    "CREATE INDEX IF NOT EXISTS drover_jobs_accepted ON drover_jobs (site, accepted_ms)",
    "CREATE TABLE IF NOT EXISTS drover_snapshot (
        site varchar(128) NOT NULL, seq bigint NOT NULL, chunk bigint NOT NULL, chunks bigint NOT NULL,
        body bytea NOT NULL, checksum bigint NOT NULL, PRIMARY KEY (site, seq, chunk))",
    "CREATE TABLE IF NOT EXISTS drover_layout (
        site varchar(128) NOT NULL, fingerprint varchar(16) NOT NULL, chunk bigint NOT NULL, chunks bigint NOT NULL,
        since bigint NOT NULL, body bytea NOT NULL, checksum bigint NOT NULL, PRIMARY KEY (site, fingerprint, chunk))",
];

pub(super) const PING: &str = "SELECT COUNT(*) FROM drover_lease";

/// 1 where tables may be made, 0 where not.
pub(super) const MAY_CREATE: &str =
    "SELECT COUNT(*) FROM (SELECT 1) AS one WHERE has_schema_privilege(current_schema(), 'CREATE')";

pub(super) const LEASE: &str = "SELECT epoch, holder, expires_ms, tip FROM drover_lease WHERE site = $1";
pub(super) const FIRST_LEASE: &str = "INSERT INTO drover_lease (site, epoch, holder, expires_ms, tip)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (site) DO NOTHING";
pub(super) const TAKE_LEASE: &str = "UPDATE drover_lease SET epoch = $2, holder = $3, expires_ms = $4
    WHERE site = $1 AND epoch = $5";
pub(super) const RENEW_LEASE: &str = "UPDATE drover_lease SET expires_ms = $3 WHERE site = $1 AND epoch = $2";
/// The guard of an append: the lease is ours, and the journal ends where the record begins.
pub(super) const MOVE_TIP: &str =
    "UPDATE drover_lease SET tip = $4 WHERE site = $1 AND epoch = $2 AND tip = $3";
/// The guard of a snapshot: the lease is ours, and the journal is as far as the snapshot.
pub(super) const HOLD_LEASE: &str =
    "UPDATE drover_lease SET epoch = $2 WHERE site = $1 AND epoch = $2 AND tip >= $3";

pub(super) const APPEND: &str =
    "INSERT INTO drover_journal (site, seq_from, seq_to, epoch, time_ms, body, checksum)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (site, seq_from) DO NOTHING";
pub(super) const LAST_RECORD: &str =
    "SELECT seq_to, epoch FROM drover_journal WHERE site = $1 ORDER BY seq_from DESC LIMIT 1";
pub(super) const RECORD_HEAD: &str =
    "SELECT seq_to, epoch, checksum FROM drover_journal WHERE site = $1 AND seq_from = $2";
/// The end and the checksum of the record before this place.
pub(super) const LINK_BEFORE: &str = "SELECT seq_to, checksum FROM drover_journal
    WHERE site = $1 AND seq_from < $2 ORDER BY seq_from DESC LIMIT 1";
pub(super) const FIRST_RECORDS: &str =
    "SELECT seq_from FROM drover_journal WHERE site = $1 AND seq_from < $2 ORDER BY seq_from LIMIT $3";
pub(super) const FORGET_RECORDS: &str = "DELETE FROM drover_journal WHERE site = $1 AND seq_from <= $2";
pub(super) const TIME_AT: &str = "SELECT time_ms FROM drover_journal
    WHERE site = $1 AND seq_from <= $2 ORDER BY seq_from DESC LIMIT 1";
pub(super) const RECORD_HOLDING: &str = "SELECT seq_from FROM drover_journal
    WHERE site = $1 AND seq_from <= $2 ORDER BY seq_from DESC LIMIT 1";
pub(super) const RECORD_AT: &str = "SELECT body, checksum FROM drover_journal
    WHERE site = $1 AND seq_from <= $2 ORDER BY seq_from DESC LIMIT 1";
pub(super) const RECORDS: &str = "SELECT seq_from, seq_to, epoch, time_ms, body, checksum FROM drover_journal
    WHERE site = $1 AND seq_from >= $2 ORDER BY seq_from LIMIT $3";
/// What is cut is kept for whoever looks into it.
pub(super) const KEEP_CUT: &str =
    "INSERT INTO drover_cut (site, seq_from, seq_to, epoch, time_ms, body, checksum)
    SELECT site, seq_from, seq_to, epoch, time_ms, body, checksum FROM drover_journal
    WHERE site = $1 AND seq_from = $2 ON CONFLICT (site, seq_from, epoch) DO NOTHING";
pub(super) const CUT: &str = "DELETE FROM drover_journal WHERE site = $1 AND seq_from = $2";
pub(super) const CUT_JOBS: &str = "DELETE FROM drover_jobs WHERE site = $1 AND seq > $2";

pub(super) const JOB_SEQ: &str = "SELECT seq FROM drover_jobs WHERE site = $1 AND job_id = $2";
pub(super) const FORGET_JOBS: &str = "DELETE FROM drover_jobs WHERE site = $1 AND accepted_ms < $2";

pub(super) const SNAPSHOT_HEADS: &str = "SELECT seq, chunks, COUNT(*) FROM drover_snapshot
    WHERE site = $1 GROUP BY seq, chunks ORDER BY seq DESC";
pub(super) const SNAPSHOT_CHUNK: &str =
    "SELECT body, checksum FROM drover_snapshot WHERE site = $1 AND seq = $2 AND chunk = $3";
pub(super) const PUT_CHUNK: &str = "INSERT INTO drover_snapshot (site, seq, chunk, chunks, body, checksum)
    VALUES ($1, $2, $3, $4, $5, $6)";
pub(super) const DROP_SNAPSHOT: &str = "DELETE FROM drover_snapshot WHERE site = $1 AND seq = $2";
pub(super) const PRUNE_SNAPSHOTS: &str = "DELETE FROM drover_snapshot WHERE site = $1 AND seq < $2";

pub(super) const LAYOUT_HEADS: &str = "SELECT fingerprint, chunks, since, COUNT(*) FROM drover_layout
    WHERE site = $1 GROUP BY fingerprint, chunks, since";
pub(super) const LAYOUT_CHUNK: &str =
    "SELECT body, checksum FROM drover_layout WHERE site = $1 AND fingerprint = $2 AND chunk = $3";
pub(super) const PUT_LAYOUT: &str =
    "INSERT INTO drover_layout (site, fingerprint, chunk, chunks, since, body, checksum)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(super) const DROP_LAYOUT: &str = "DELETE FROM drover_layout WHERE site = $1 AND fingerprint = $2";
pub(super) const FORGET_LAYOUTS: &str = "DELETE FROM drover_layout WHERE site = $1";

/// Job ids inserted by one statement, largest first: few texts, so that each stays prepared.
pub(super) const JOBS_PER_INSERT: [usize; 4] = [64, 16, 4, 1];

static INSERT_JOBS: LazyLock<[String; 4]> = LazyLock::new(|| JOBS_PER_INSERT.map(insert_jobs_text));

/// The statement for the largest number of rows of [`JOBS_PER_INSERT`] that is at most `len`, and that number.
pub(super) fn insert_jobs(len: usize) -> (&'static str, usize) {
    let at = JOBS_PER_INSERT.iter().position(|rows| *rows <= len).unwrap_or(JOBS_PER_INSERT.len() - 1);
    (&INSERT_JOBS[at], JOBS_PER_INSERT[at])
}

/// Values: site, seq and time once ($1 to $3), then job id and fingerprint of each row.
fn insert_jobs_text(rows: usize) -> String {
    let row = |at: usize| format!("($1, ${}, ${}, $2, $3)", 4 + 2 * at, 5 + 2 * at);
    let rows = (0..rows).map(row).collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO drover_jobs (site, job_id, fingerprint, seq, accepted_ms) VALUES {rows}
        ON CONFLICT (site, job_id) DO NOTHING"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_inserts_take_the_largest_statement_that_fits() {
        assert_eq!([1, 3, 4, 63, 64, 1000].map(|len| insert_jobs(len).1), [1, 1, 4, 16, 64, 64]);
        assert!(insert_jobs(4).0.contains("($1, $10, $11, $2, $3)"), "{}", insert_jobs(4).0);
    }
}
