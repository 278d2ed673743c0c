//! Snapshots: in chunks, each its own transaction, so that appends go on between them.
//!
//! A snapshot counts only when all its chunks are there; of the whole ones the last two are kept. The journal is
//! never shortened, so a damaged snapshot only costs time: the one before it, or an empty fleet, is taken instead.

use drover_core::id::{Epoch, Seq};

use super::database::{Database, Transaction, Value, int};
use super::error::{LoadError, SnapshotError, Unavailable};
use super::{lease, sql};

/// Largest chunk, bytes.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;
/// Whole snapshots kept.
const KEPT: usize = 2;

/// Who writes which snapshot.
struct Writer<'a> {
    database: &'a dyn Database,
    site: &'a str,
    epoch: Epoch,
    seq: Seq,
}

pub(super) async fn write(
    database: &dyn Database,
    site: &str,
    epoch: Epoch,
    seq: Seq,
    bytes: &[u8],
) -> Result<(), SnapshotError> {
    let writer = Writer { database, site, epoch, seq };
    if whole(database, site).await?.contains(&seq) {
        return Ok(());
    }
    writer.run(sql::DROP_SNAPSHOT, &writer.key()).await?;
    let chunks: Vec<&[u8]> =
        if bytes.is_empty() { vec![bytes] } else { bytes.chunks(CHUNK_BYTES_MAX).collect() };
    for (at, body) in chunks.iter().enumerate() {
        writer.put(at, chunks.len(), body).await?;
    }
    writer.prune().await
}

impl<'a> Writer<'a> {
    fn key(&self) -> [Value<'a>; 2] {
        [Value::Text(self.site), Value::Int(int(self.seq.0))]
    }

    async fn put(&self, at: usize, chunks: usize, body: &[u8]) -> Result<(), SnapshotError> {
        let [site, seq] = self.key();
        let values = [
            site,
            seq,
            Value::Int(int(at as u64)),
            Value::Int(int(chunks as u64)),
            Value::Bytes(body),
            Value::Int(i64::from(crc32fast::hash(body))),
        ];
        self.run(sql::PUT_CHUNK, &values).await
    }

    async fn prune(&self) -> Result<(), SnapshotError> {
        let whole = whole(self.database, self.site).await?;
        let Some(oldest_kept) = whole.get(KEPT - 1) else { return Ok(()) };
        let values = [Value::Text(self.site), Value::Int(int(oldest_kept.0))];
        self.run(sql::PRUNE_SNAPSHOTS, &values).await
    }

    /// One guarded statement in its own transaction.
    async fn run(&self, statement: &'static str, values: &[Value<'_>]) -> Result<(), SnapshotError> {
        let mut tx = self.database.begin().await?;
        let guard = [Value::Text(self.site), Value::Int(int(self.epoch.0)), Value::Int(int(self.seq.0))];
        if tx.execute(sql::HOLD_LEASE, &guard).await? == 0 {
            return Err(self.explain(&mut *tx).await?);
        }
        tx.execute(statement, values).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn explain(&self, tx: &mut dyn Transaction) -> Result<SnapshotError, Unavailable> {
        let lease = lease::read_in(tx, self.site).await?;
        let (leads, tip) = lease.map(|lease| (lease.epoch, lease.tip)).unwrap_or_default();
        let site = self.site.to_owned();
        Ok(if leads == self.epoch {
            SnapshotError::Ahead { site, seq: self.seq, tip }
        } else {
            SnapshotError::Fenced { site, ours: self.epoch, leads }
        })
    }
}

/// Places of the whole snapshots, newest first.
async fn whole(database: &dyn Database, site: &str) -> Result<Vec<Seq>, Unavailable> {
    Ok(heads(database, site).await?.into_iter().map(|(seq, _)| seq).collect())
}

/// Place and number of chunks of each whole snapshot, newest first.
async fn heads(database: &dyn Database, site: &str) -> Result<Vec<(Seq, u64)>, Unavailable> {
    let rows = database.read(sql::SNAPSHOT_HEADS, &[Value::Text(site)]).await?;
    let mut heads = Vec::new();
    let mut next = (0, 0);
    for row in &rows {
        let (seq, chunk, chunks) = (row.int(0)?, row.int(1)?, row.int(2)?);
        let expected = if next.0 == seq { next.1 } else { 0 };
        next = (seq, if chunk == expected { chunk + 1 } else { u64::MAX });
        if next.1 == chunks {
            heads.push((Seq(seq), chunks));
        }
    }
    Ok(heads)
}

/// The newest whole and undamaged snapshot, and what was found damaged before it.
pub(super) async fn newest(
    database: &dyn Database,
    site: &str,
) -> Result<(Option<(Seq, Vec<u8>)>, Vec<String>), LoadError> {
    let mut findings = Vec::new();
    for (seq, chunks) in heads(database, site).await? {
        match read(database, site, seq, chunks).await? {
            Ok(bytes) => return Ok((Some((seq, bytes)), findings)),
            Err(chunk) => {
                findings.push(format!(
                    "chunk {chunk} of the snapshot of {site} at {seq:?} is damaged: passed over"
                ));
            }
        }
    }
    Ok((None, findings))
}

/// The bytes, or the number of the damaged chunk.
async fn read(
    database: &dyn Database,
    site: &str,
    seq: Seq,
    chunks: u64,
) -> Result<Result<Vec<u8>, u64>, Unavailable> {
    let mut bytes = Vec::new();
    for chunk in 0..chunks {
        let values = [Value::Text(site), Value::Int(int(seq.0)), Value::Int(int(chunk))];
        let mut rows = database.read(sql::SNAPSHOT_CHUNK, &values).await?;
        let Some(row) = rows.first_mut() else { return Ok(Err(chunk)) };
        let body = row.bytes(0)?;
        if u64::from(crc32fast::hash(&body)) != row.int(1)? {
            return Ok(Err(chunk));
        }
        bytes.extend(body);
    }
    Ok(Ok(bytes))
}
