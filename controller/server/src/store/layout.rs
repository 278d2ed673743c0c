//! The sources of the layouts a journal was written on, so that a start, a standby and a replay can step it after the files
//! have changed. In chunks, each its own transaction; a source counts only when all its chunks are there.

use drover_core::id::{Epoch, Seq};

use super::database::{Database, Value, int};
use super::error::{LoadError, SnapshotError, Unavailable};
use super::snapshot::CHUNK_BYTES_MAX;
use super::{lease, sql};

/// What a layout is compiled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutSource {
    /// Of the layout it compiles to.
    pub fingerprint: u64,
    /// The LIF file.
    pub lif: Vec<u8>,
    /// `site.toml`, if there is one.
    pub site: Option<String>,
}

impl LayoutSource {
    /// The length of the LIF file, the LIF file, and what is left is `site.toml`; without one nothing is left but a mark.
    fn encode(&self) -> Vec<u8> {
        let mut body = (self.lif.len() as u64).to_be_bytes().to_vec();
        body.extend_from_slice(&self.lif);
        body.push(u8::from(self.site.is_some()));
        body.extend_from_slice(self.site.as_deref().unwrap_or_default().as_bytes());
        body
    }

    fn decode(fingerprint: u64, body: &[u8]) -> Option<LayoutSource> {
        let (length, rest) = body.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let (lif, rest) = rest.split_at_checked(length)?;
        let (has_site, site) = rest.split_first()?;
        let site = if *has_site == 1 { Some(String::from_utf8(site.to_vec()).ok()?) } else { None };
        Some(LayoutSource { fingerprint, lif: lif.to_vec(), site })
    }
}

/// Keeps a source, unless it is kept already; `since` is the journal's end when it came, 0 for what a new journal begins on:
/// then whatever was kept before belongs to no journal and goes.
pub(super) async fn keep(
    database: &dyn Database,
    site: &str,
    epoch: Epoch,
    since: Seq,
    source: &LayoutSource,
) -> Result<(), SnapshotError> {
    let known = heads(database, site).await?;
    if known.contains(&source.fingerprint) && (since.0 > 0 || known.len() == 1) {
        return Ok(());
    }
    let name = format!("{:016x}", source.fingerprint);
    let body = source.encode();
    let chunks: Vec<&[u8]> = body.chunks(CHUNK_BYTES_MAX).collect();
    for (at, chunk) in chunks.iter().enumerate() {
        let mut tx = database.begin().await?;
        let guard = [Value::Text(site), Value::Int(int(epoch.0)), Value::Int(0)];
        if tx.execute(sql::HOLD_LEASE, &guard).await? == 0 {
            let leads = lease::read_in(&mut *tx, site).await?.map(|lease| lease.epoch).unwrap_or_default();
            return Err(SnapshotError::Fenced { site: site.to_owned(), ours: epoch, leads });
        }
        if at == 0 && since.0 == 0 {
            tx.execute(sql::FORGET_LAYOUTS, &[Value::Text(site)]).await?;
        } else if at == 0 {
            tx.execute(sql::DROP_LAYOUT, &[Value::Text(site), Value::Text(&name)]).await?;
        }
        let values = [
            Value::Text(site),
            Value::Text(&name),
            Value::Int(int(at as u64)),
            Value::Int(int(chunks.len() as u64)),
            Value::Int(int(since.0)),
            Value::Bytes(chunk),
            Value::Int(i64::from(crc32fast::hash(chunk))),
        ];
        tx.execute(sql::PUT_LAYOUT, &values).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Fingerprints of the sources that are kept whole, in the order in which they came: the journal's first one first.
pub(super) async fn heads(database: &dyn Database, site: &str) -> Result<Vec<u64>, Unavailable> {
    let rows = database.read(sql::LAYOUT_HEADS, &[Value::Text(site)]).await?;
    let mut found: Vec<(u64, u64)> = Vec::new();
    for row in &rows {
        let (name, chunks, since, there) = (row.text(0)?, row.int(1)?, row.int(2)?, row.int(3)?);
        if let (Ok(fingerprint), true) = (u64::from_str_radix(&name, 16), chunks == there) {
            found.push((since, fingerprint));
        }
    }
    found.sort_by_key(|(since, _)| *since);
    Ok(found.into_iter().map(|(_, fingerprint)| fingerprint).collect())
}

/// The source of this fingerprint, if it is kept whole and undamaged.
pub(super) async fn read(
    database: &dyn Database,
    site: &str,
    fingerprint: u64,
) -> Result<Option<LayoutSource>, LoadError> {
    if !heads(database, site).await?.contains(&fingerprint) {
        return Ok(None);
    }
    let name = format!("{fingerprint:016x}");
    let mut body = Vec::new();
    for at in 0.. {
        let values = [Value::Text(site), Value::Text(&name), Value::Int(at)];
        let mut rows = database.read(sql::LAYOUT_CHUNK, &values).await.map_err(Unavailable::from)?;
        let Some(row) = rows.first_mut() else { break };
        let chunk = row.bytes(0).map_err(Unavailable::from)?;
        if u64::from(crc32fast::hash(&chunk)) != row.int(1).map_err(Unavailable::from)? {
            return Ok(None);
        }
        body.extend(chunk);
    }
    Ok(LayoutSource::decode(fingerprint, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_it_was_written_and_a_cut_one_is_none() {
        for site in [None, Some(String::new()), Some("x = 1".to_owned())] {
            let source = LayoutSource { fingerprint: 7, lif: b"{}".to_vec(), site };
            let body = source.encode();
            assert_eq!(LayoutSource::decode(7, &body), Some(source));
            assert_eq!(LayoutSource::decode(7, &body[..9]), None);
        }
    }
}
