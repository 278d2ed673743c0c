//! Snapshots: in chunks, each its own transaction, so that appends go on between them.
//!
//! A snapshot counts only when all its chunks are there; of the whole ones the last two are kept, and one a day where the
//! journal is to be shortened (`retention`). What follows a kept one is kept, so a damaged one only costs time: the one
//! before it, or in a journal that was never shortened an empty fleet, is taken instead.

use drover_core::id::{Digest, Epoch, Seq};
use drover_core::record::Record;

use super::database::{Database, Transaction, Value, int};
use super::error::{LoadError, SnapshotError, Unavailable};
use super::{lease, sql};

/// Largest chunk, bytes.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;
/// Whole snapshots kept.
pub(super) const KEPT: usize = 2;
/// A day of journal time, ms.
const DAY_MS: u64 = 24 * 3_600_000;

/// A leader at a place that the journal has reached.
pub(super) struct Writer<'a> {
    pub(super) database: &'a dyn Database,
    pub(super) site: &'a str,
    pub(super) epoch: Epoch,
    pub(super) seq: Seq,
}

/// Writes one; `keeps_days` = one of each day stays.
pub(super) async fn write(writer: &Writer<'_>, bytes: &[u8], keeps_days: bool) -> Result<(), SnapshotError> {
    if heads(writer.database, writer.site).await?.iter().any(|(seq, _)| *seq == writer.seq) {
        return Ok(());
    }
    writer.run(sql::DROP_SNAPSHOT, &writer.key()).await?;
    let chunks: Vec<&[u8]> =
        if bytes.is_empty() { vec![bytes] } else { bytes.chunks(CHUNK_BYTES_MAX).collect() };
    for (at, body) in chunks.iter().enumerate() {
        writer.put(at, chunks.len(), body).await?;
    }
    writer.prune(keeps_days).await
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

    /// Forgets what the last two have made needless.
    async fn prune(&self, keeps_days: bool) -> Result<(), SnapshotError> {
        let heads = heads(self.database, self.site).await?;
        if !keeps_days {
            let Some((kept, _)) = heads.get(KEPT - 1) else { return Ok(()) };
            let values = [Value::Text(self.site), Value::Int(int(kept.0))];
            return self.run(sql::PRUNE_SNAPSHOTS, &values).await;
        }
        let [(aged, _), (before, _), ..] = heads.get(KEPT..).unwrap_or_default() else { return Ok(()) };
        let day = async |seq| Ok::<_, Unavailable>(self.time_at(seq).await?.map(|ms| ms / DAY_MS));
        if day(*aged).await? != day(*before).await? {
            return Ok(());
        }
        self.run(sql::DROP_SNAPSHOT, &[Value::Text(self.site), Value::Int(int(aged.0))]).await
    }

    /// Journal time at this place, ms; none when its record is gone.
    pub(super) async fn time_at(&self, seq: Seq) -> Result<Option<u64>, Unavailable> {
        let rows =
            self.database.read(sql::TIME_AT, &[Value::Text(self.site), Value::Int(int(seq.0))]).await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?)
    }

    /// One guarded statement in its own transaction.
    pub(super) async fn run(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<(), SnapshotError> {
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

/// Place and number of chunks of each whole snapshot, newest first.
pub(super) async fn heads(database: &dyn Database, site: &str) -> Result<Vec<(Seq, u64)>, Unavailable> {
    let rows = database.read(sql::SNAPSHOT_HEADS, &[Value::Text(site)]).await?;
    let mut heads = Vec::new();
    for row in &rows {
        let (seq, chunks, there) = (row.int(0)?, row.int(1)?, row.int(2)?);
        if there == chunks {
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
            Err(why) => findings.push(format!("the snapshot of {site} at {seq:?} is passed over: {why}")),
        }
    }
    Ok((None, findings))
}

/// The bytes, or what is wrong with them.
pub(super) async fn read(
    database: &dyn Database,
    site: &str,
    seq: Seq,
    chunks: u64,
) -> Result<Result<Vec<u8>, String>, Unavailable> {
    let mut bytes = Vec::new();
    for chunk in 0..chunks {
        let values = [Value::Text(site), Value::Int(int(seq.0)), Value::Int(int(chunk))];
        let mut rows = database.read(sql::SNAPSHOT_CHUNK, &values).await?;
        let Some(row) = rows.first_mut() else { return Ok(Err(format!("chunk {chunk} is missing"))) };
        let body = row.bytes(0)?;
        if u64::from(crc32fast::hash(&body)) != row.int(1)? {
            return Ok(Err(format!("chunk {chunk} is damaged")));
        }
        bytes.extend(body);
    }
    match digest_at(database, site, seq).await? {
        Some(digest) if digest != Digest::of(&bytes) => {
            Ok(Err("its digest isn't that of the journal's record there".to_owned()))
        }
        Some(_) | None => Ok(Ok(bytes)),
    }
}

/// The digest that the journal's record at this place ends with; none where it has none, isn't there or can't be read:
/// whoever reads the journal finds that out.
async fn digest_at(database: &dyn Database, site: &str, seq: Seq) -> Result<Option<Digest>, Unavailable> {
    let mut rows = database.read(sql::RECORD_AT, &[Value::Text(site), Value::Int(int(seq.0))]).await?;
    let Some(row) = rows.first_mut() else { return Ok(None) };
    let (body, checksum) = (row.bytes(0)?, u32::try_from(row.int(1)?).unwrap_or_default());
    let record = Record::decode(&body, checksum).ok().filter(|record| record.seq_to == seq);
    Ok(record.and_then(|record| record.digest))
}
