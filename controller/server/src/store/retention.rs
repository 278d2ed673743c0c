//! Forgetting: how much of a journal is kept.
//!
//! A journal is kept for a configured age, and always from a whole snapshot on, so that every record that is kept can be
//! stepped again. It begins at its first event, or at the oldest snapshot. What restoring needs stays: the last two
//! snapshots and all that follows the older one. What was said and isn't confirmed yet is in each snapshot; the sources
//! of layouts and the ids of jobs are kept apart.

use drover_core::clock::Time;
use drover_core::id::{Epoch, Seq};

use super::database::{Database, Value, int};
use super::error::{LoadError, SnapshotError, Unavailable};
use super::snapshot::{self, Writer};
use super::sql;

/// Records forgotten in one transaction: an append waits no longer than for one of them.
const BATCH: i64 = 200;
/// Transactions, at most, in one go; the rest goes after the next snapshot.
const BATCHES_MAX: usize = 50;

/// Forgets what is older than `before` and not needed; gives the number of transactions that took.
pub(super) async fn shorten(
    database: &dyn Database,
    site: &str,
    epoch: Epoch,
    before: Time,
) -> Result<usize, SnapshotError> {
    let writer = Writer { database, site, epoch, seq: Seq(0) };
    let heads = snapshot::heads(database, site).await?;
    let Some((begin, chunks)) = new_beginning(&writer, &heads, before).await? else { return Ok(0) };
    let writer = Writer { seq: begin, ..writer };
    let has_older = heads.last().is_some_and(|(oldest, _)| *oldest < begin);
    let mut next = writer.next_batch().await?;
    if !has_older && next.is_none() || snapshot::read(database, site, begin, chunks).await?.is_err() {
        return Ok(0);
    }
    // First the snapshots: each that is there has all that follows it.
    if has_older {
        writer.run(sql::PRUNE_SNAPSHOTS, &[Value::Text(site), Value::Int(int(begin.0))]).await?;
    }
    let mut batches = 0;
    while let Some(last) = next.filter(|_| batches < BATCHES_MAX) {
        writer.run(sql::FORGET_RECORDS, &[Value::Text(site), Value::Int(int(last.0))]).await?;
        batches += 1;
        next = writer.next_batch().await?;
    }
    Ok(batches)
}

/// The newest of these snapshots that is older than `before` and isn't the last one.
async fn new_beginning(
    writer: &Writer<'_>,
    heads: &[(Seq, u64)],
    before: Time,
) -> Result<Option<(Seq, u64)>, Unavailable> {
    let mut begin = None;
    for head in heads.iter().skip(snapshot::KEPT - 1).rev() {
        if writer.time_at(head.0).await?.is_none_or(|ms| ms >= before.0) {
            break;
        }
        begin = Some(*head);
    }
    Ok(begin)
}

impl Writer<'_> {
    /// The start of the last record of those to be forgotten next. The one that holds the snapshot's place stays: it
    /// proves the link of the next.
    async fn next_batch(&self) -> Result<Option<Seq>, Unavailable> {
        let site = Value::Text(self.site);
        let holding = self.database.read(sql::RECORD_HOLDING, &[site, Value::Int(int(self.seq.0))]).await?;
        let Some(kept) = holding.first().map(|row| row.int(0)).transpose()? else { return Ok(None) };
        let values = [site, Value::Int(int(kept)), Value::Int(BATCH)];
        let rows = self.database.read(sql::FIRST_RECORDS, &values).await?;
        Ok(rows.last().map(|row| row.int(0)).transpose()?.map(Seq))
    }
}

/// What the records that are kept are stepped from: the oldest sound snapshot that has all that follows it; none = the
/// first event is there.
pub(super) async fn beginning(
    database: &dyn Database,
    site: &str,
) -> Result<Option<(Seq, Vec<u8>)>, LoadError> {
    let values = [Value::Text(site), Value::Int(i64::MAX), Value::Int(1)];
    let first = database.read(sql::FIRST_RECORDS, &values).await?;
    let first = first.first().map(|row| row.int(0)).transpose()?.map_or(Seq(1), Seq);
    if first == Seq(1) {
        return Ok(None);
    }
    let heads = snapshot::heads(database, site).await?;
    for (seq, chunks) in heads.into_iter().rev().filter(|(seq, _)| seq.0 + 1 >= first.0) {
        if let Ok(bytes) = snapshot::read(database, site, seq, chunks).await? {
            return Ok(Some((seq, bytes)));
        }
    }
    Err(LoadError::Gap { site: site.to_owned(), expected: Seq(1), found: first })
}
