//! Records: appended once, in one transaction; read in order, verified.
//!
//! They are a chain: the body of each names the checksum of the one before it, under its own checksum. So one that was
//! exchanged, removed or restored from another backup is found by the next. What an earlier version wrote names none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use drover_core::id::{Epoch, JobId, Seq};
use drover_core::record::{DecodeError, Record};

use super::Loaded;
use super::database::{Database, Row, Transaction, Value, decode, int};
use super::error::{AppendError, LoadError, Unavailable};
use super::lease::{self, Lease};
use super::{snapshot, sql};

/// Records read at once.
const PAGE: i64 = 64;

/// The last record of a site that this process appended: its end and its checksum.
type Link = (Seq, u32);

/// The journals' last links, so that an append needn't ask for them. Read from the journal where one isn't the record's
/// neighbour; forgotten when the lead changes, for another leader may have cut and written since.
#[derive(Default)]
pub(super) struct Links(Mutex<BTreeMap<String, Link>>);

impl Links {
    fn last(&self, site: &str) -> Option<Link> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(site).copied()
    }

    fn set(&self, site: &str, link: Link) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(site.to_owned(), link);
    }

    pub(super) fn forget(&self, site: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(site);
    }
}

/// One row of the journal, to be written.
struct Draft<'a> {
    site: &'a str,
    record: &'a Record,
    body: Vec<u8>,
    checksum: u32,
}

pub(super) async fn append(
    database: &dyn Database,
    links: &Links,
    site: &str,
    record: &Record,
) -> Result<(), AppendError> {
    let before = checksum_before(database, links, site, record.seq_from).await?;
    let (body, checksum) = record.encode_after(before);
    if body.is_empty() {
        return Err(AppendError::Unencodable { site: site.to_owned(), from: record.seq_from });
    }
    put(database, &Draft { site, record, body, checksum }).await?;
    links.set(site, (record.seq_to, checksum));
    Ok(())
}

/// The checksum of the record that ends where this one begins; none when there is none.
async fn checksum_before(
    database: &dyn Database,
    links: &Links,
    site: &str,
    from: Seq,
) -> Result<Option<u32>, Unavailable> {
    let is_neighbour = |(end, _): &Link| end.0 + 1 == from.0;
    if let Some((_, checksum)) = links.last(site).filter(is_neighbour) {
        return Ok(Some(checksum));
    }
    let rows = database.read(sql::LINK_BEFORE, &[Value::Text(site), Value::Int(int(from.0))]).await?;
    let link =
        rows.first().map(|row| Ok::<_, Unavailable>((Seq(row.int(0)?), checksum(row, 1)?))).transpose()?;
    Ok(link.filter(is_neighbour).map(|(_, checksum)| checksum))
}

/// The checksum at this place of a row.
fn checksum(row: &Row, at: usize) -> Result<u32, Unavailable> {
    Ok(u32::try_from(row.int(at)?).map_err(|_| decode("no checksum of 32 bits", at))?)
}

async fn put(database: &dyn Database, draft: &Draft<'_>) -> Result<(), AppendError> {
    let mut tx = database.begin().await?;
    if !move_tip(&mut *tx, draft).await? {
        return explain(&mut *tx, draft).await;
    }
    if !insert(&mut *tx, draft).await? {
        return explain(&mut *tx, draft).await;
    }
    insert_jobs(&mut *tx, draft).await?;
    tx.commit().await?;
    Ok(())
}

async fn move_tip(tx: &mut dyn Transaction, draft: &Draft<'_>) -> Result<bool, Unavailable> {
    let Draft { site, record, .. } = draft;
    let values = [
        Value::Text(site),
        Value::Int(int(record.epoch.0)),
        Value::Int(int(record.seq_from.0.saturating_sub(1))),
        Value::Int(int(record.seq_to.0)),
    ];
    Ok(tx.execute(sql::MOVE_TIP, &values).await? == 1)
}

async fn insert(tx: &mut dyn Transaction, draft: &Draft<'_>) -> Result<bool, Unavailable> {
    let Draft { site, record, body, checksum } = draft;
    let values = [
        Value::Text(site),
        Value::Int(int(record.seq_from.0)),
        Value::Int(int(record.seq_to.0)),
        Value::Int(int(record.epoch.0)),
        Value::Int(int(record.time.0)),
        Value::Bytes(body),
        Value::Int(i64::from(*checksum)),
    ];
    Ok(tx.execute(sql::APPEND, &values).await? == 1)
}

/// Why the journal didn't take the record: it is there already (the answer of an earlier commit was lost), another
/// epoch leads, or it doesn't follow the last one.
async fn explain(tx: &mut dyn Transaction, draft: &Draft<'_>) -> Result<(), AppendError> {
    let Draft { site, record, .. } = draft;
    let lease = lease::read_in(tx, site).await?;
    let leads = lease.as_ref().map(|lease| lease.epoch).unwrap_or_default();
    if leads != record.epoch {
        return Err(AppendError::Fenced { site: (*site).to_owned(), ours: record.epoch, leads });
    }
    if is_there(tx, draft).await? {
        return Ok(());
    }
    let tip = lease.map(|lease| lease.tip).unwrap_or_default();
    Err(AppendError::OutOfPlace { site: (*site).to_owned(), from: record.seq_from, tip })
}

async fn is_there(tx: &mut dyn Transaction, draft: &Draft<'_>) -> Result<bool, Unavailable> {
    let values = [Value::Text(draft.site), Value::Int(int(draft.record.seq_from.0))];
    let rows = tx.read(sql::RECORD_HEAD, &values).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    let found = (Seq(row.int(0)?), Epoch(row.int(1)?), row.int(2)?);
    Ok(found == (draft.record.seq_to, draft.record.epoch, u64::from(draft.checksum)))
}

async fn insert_jobs(tx: &mut dyn Transaction, draft: &Draft<'_>) -> Result<(), AppendError> {
    let jobs: Vec<(&JobId, String)> =
        draft.record.accepted_jobs().map(|(job, print)| (job, format!("{print:032x}"))).collect();
    let mut rest = jobs.as_slice();
    while !rest.is_empty() {
        let (statement, rows) = sql::insert_jobs(rest.len());
        let (now, later) = rest.split_at(rows);
        let mut values = vec![
            Value::Text(draft.site),
            Value::Int(int(draft.record.seq_from.0)),
            Value::Int(int(draft.record.time.0)),
        ];
        values.extend(now.iter().flat_map(|(job, print)| [Value::Text(&job.0), Value::Text(print)]));
        if tx.execute(statement, &values).await? != rows as u64 {
            return Err(job_twice(tx, draft, now).await?);
        }
        rest = later;
    }
    Ok(())
}

async fn job_twice(
    tx: &mut dyn Transaction,
    draft: &Draft<'_>,
    jobs: &[(&JobId, String)],
) -> Result<AppendError, Unavailable> {
    let mut twice = jobs[0].0;
    for (job, _) in jobs {
        let rows = tx.read(sql::JOB_SEQ, &[Value::Text(draft.site), Value::Text(&job.0)]).await?;
        if rows.first().map(|row| row.int(0)).transpose()? != Some(draft.record.seq_from.0) {
            twice = job;
            break;
        }
    }
    Ok(AppendError::JobTwice { site: draft.site.to_owned(), job: twice.clone() })
}

pub(super) async fn load(database: &dyn Database, site: &str) -> Result<Loaded, LoadError> {
    let started = Instant::now();
    let (snapshot, findings) = snapshot::newest(database, site).await?;
    let snapshot_ms = started.elapsed().as_millis();
    let after = snapshot.as_ref().map(|(seq, _)| *seq).unwrap_or_default();
    let rest = load_after(database, site, after).await?;
    let ms = started.elapsed().as_millis();
    tracing::debug!(ms, snapshot_ms, records = rest.records.len(), "journal read");
    let findings = findings.into_iter().chain(rest.findings).collect();
    Ok(Loaded { snapshot, findings, ..rest })
}

pub(super) async fn load_after(database: &dyn Database, site: &str, after: Seq) -> Result<Loaded, LoadError> {
    let lease = lease::read(database, site).await?;
    let mut findings = Vec::new();
    let mut cursor = Cursor::new(site, Seq(after.0 + 1), None);
    let mut records: Vec<Record> = Vec::new();
    let mut tip = lease.as_ref().map(|lease| lease.tip);
    loop {
        let last = records.last().map_or(after, |record| record.seq_to);
        match cursor.next(database).await {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return whole(site, tip, Loaded { snapshot: None, records, last, findings }),
            Err(error @ LoadError::Damaged { seq, .. }) if cursor.is_at_end(database).await? => {
                let Some(lease) = &lease else { return Err(error) };
                cut(database, site, lease, seq, last).await?;
                findings.push(format!("{error}: it is the last one, and was cut"));
                tip = Some(last);
            }
            Err(error) => return Err(error),
        }
    }
}

/// The journal ends where the lease says, or its last records are missing.
fn whole(site: &str, tip: Option<Seq>, loaded: Loaded) -> Result<Loaded, LoadError> {
    match tip {
        Some(tip) if tip != loaded.last => {
            Err(LoadError::Gap { site: site.to_owned(), expected: Seq(loaded.last.0 + 1), found: tip })
        }
        Some(_) | None => Ok(loaded),
    }
}

/// Moves the damaged last record out of the journal, with the job ids it brought.
async fn cut(
    database: &dyn Database,
    site: &str,
    lease: &Lease,
    damaged: Seq,
    last: Seq,
) -> Result<(), LoadError> {
    let mut tx = database.begin().await?;
    let guard = [
        Value::Text(site),
        Value::Int(int(lease.epoch.0)),
        Value::Int(int(lease.tip.0)),
        Value::Int(int(last.0)),
    ];
    if tx.execute(sql::MOVE_TIP, &guard).await? == 0 {
        return Err(LoadError::Fenced { site: site.to_owned() });
    }
    let key = [Value::Text(site), Value::Int(int(damaged.0))];
    tx.execute(sql::KEEP_CUT, &key).await?;
    tx.execute(sql::CUT, &key).await?;
    tx.execute(sql::CUT_JOBS, &[Value::Text(site), Value::Int(int(last.0))]).await?;
    tx.commit().await?;
    Ok(())
}

/// The records of a site in order, a page at a time, each verified.
pub struct Records {
    database: Arc<dyn Database>,
    cursor: Cursor,
}

impl Records {
    pub(super) fn new(database: Arc<dyn Database>, site: &str, from: Seq, until: Option<Seq>) -> Self {
        Records { database, cursor: Cursor::new(site, from, until) }
    }

    /// The next record; None at the end.
    ///
    /// # Errors
    /// [`LoadError`]: the record is damaged or missing, or the database can't be reached.
    pub async fn next(&mut self) -> Result<Option<Record>, LoadError> {
        self.cursor.next(&*self.database).await
    }
}

/// A place in the journal.
struct Cursor {
    site: String,
    until: Option<Seq>,
    /// The next event's place.
    expected: Seq,
    /// Epoch of the record before.
    epoch: Epoch,
    /// The row before, read or passed over: its end and its checksum.
    before: Option<Link>,
    /// `seq_from` to read the next page at; None before the first page.
    page_from: Option<Seq>,
    page: VecDeque<Row>,
    is_last_page: bool,
}

impl Cursor {
    fn new(site: &str, from: Seq, until: Option<Seq>) -> Self {
        Cursor {
            site: site.to_owned(),
            until,
            expected: Seq(from.0.max(1)),
            epoch: Epoch::default(),
            before: None,
            page_from: None,
            page: VecDeque::new(),
            is_last_page: false,
        }
    }

    async fn next(&mut self, database: &dyn Database) -> Result<Option<Record>, LoadError> {
        loop {
            if self.is_at_end(database).await? {
                return Ok(None);
            }
            let Some(mut row) = self.page.pop_front() else { return Ok(None) };
            let (from, to) = (Seq(row.int(0)?), Seq(row.int(1)?));
            if self.until.is_some_and(|until| from > until) {
                self.page.clear();
                self.is_last_page = true;
                return Ok(None);
            }
            let is_first = self.epoch == Epoch::default();
            if is_first && to < self.expected && from <= to {
                self.before = checksum(&row, 5).ok().map(|checksum| (to, checksum));
                continue;
            }
            let (record, checksum) = self.verified(&mut row, from, is_first)?;
            self.expected = Seq(record.seq_to.0 + 1);
            self.epoch = record.epoch;
            self.before = Some((record.seq_to, checksum));
            return Ok(Some(record));
        }
    }

    /// No row is left.
    async fn is_at_end(&mut self, database: &dyn Database) -> Result<bool, Unavailable> {
        if self.page.is_empty() && !self.is_last_page {
            self.read_page(database).await?;
        }
        Ok(self.page.is_empty())
    }

    async fn read_page(&mut self, database: &dyn Database) -> Result<(), Unavailable> {
        let from = match self.page_from {
            Some(from) => from,
            None => self.holding(database).await?,
        };
        let values = [Value::Text(&self.site), Value::Int(int(from.0)), Value::Int(PAGE)];
        let rows = database.read(sql::RECORDS, &values).await?;
        self.is_last_page = rows.len() < PAGE as usize;
        if let Some(row) = rows.last() {
            self.page_from = Some(Seq(row.int(0)? + 1));
        }
        self.page = rows.into();
        Ok(())
    }

    /// Start of the record that holds the place before the first one wanted, or of the one before that: it is passed
    /// over, and proves the link of the next.
    async fn holding(&self, database: &dyn Database) -> Result<Seq, Unavailable> {
        let values = [Value::Text(&self.site), Value::Int(int(self.expected.0 - 1))];
        let rows = database.read(sql::RECORD_HOLDING, &values).await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?.map_or(self.expected, Seq))
    }

    fn verified(&self, row: &mut Row, from: Seq, is_first: bool) -> Result<(Record, u32), LoadError> {
        let damaged = |reason: String| LoadError::Damaged { site: self.site.clone(), seq: from, reason };
        let checksum = checksum(row, 5).map_err(|error| damaged(error.to_string()))?;
        let (record, after) = match Record::decode_linked(&row.bytes(4)?, checksum) {
            Ok(read) => read,
            Err(error @ DecodeError::Checksum { .. }) => return Err(damaged(error.to_string())),
            Err(source) => return Err(LoadError::Unreadable { site: self.site.clone(), seq: from, source }),
        };
        let key = [record.seq_from.0, record.seq_to.0, record.epoch.0, record.time.0];
        if key != [row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?] {
            return Err(damaged(format!("its key isn't that of its body ({key:?})")));
        }
        if record.entries.len() as u64 != (record.seq_to.0 + 1).saturating_sub(record.seq_from.0) {
            return Err(damaged(format!("{} events", record.entries.len())));
        }
        if record.epoch < self.epoch {
            return Err(damaged(format!("its epoch {:?} is below the one before it", record.epoch)));
        }
        let follows = if is_first { from <= self.expected } else { from == self.expected };
        if !follows {
            return Err(LoadError::Gap { site: self.site.clone(), expected: self.expected, found: from });
        }
        let before = self.before.filter(|(end, _)| end.0 + 1 == from.0);
        if let (Some(named), Some((before, checksum))) = (after, before)
            && named != checksum
        {
            return Err(LoadError::Unlinked { site: self.site.clone(), seq: from, before });
        }
        Ok((record, checksum))
    }
}
