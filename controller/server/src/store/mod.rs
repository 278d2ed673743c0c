//! The journal of a site, its snapshots, its job ids and its lease, in one SQL database.
//!
//! ```text
//!   lead ─► Epoch          one conditional transaction; the only lease authority
//!   load ─► Loaded         newest whole snapshot and every record after it, verified
//!   append(Record)         ONE transaction: lease row still ours and at the record's place, journal row, job ids
//!   snapshot(Seq, bytes)   in chunks, in the background; the last two are kept
//!   shorten(now)           what is older than the store is to keep, and not needed, in small transactions
//!   keep_layout(source)    in chunks, before the first record on that layout
//! ```
//!
//! The store decides nothing about robots or jobs. It never loses a committed record, never writes for a deposed
//! leader, and never hides damage: a damaged last record is cut and reported, earlier damage is an error.
//! A new database is one file with a `Database`, one line in [`Store::connect`], and must pass `conformance.rs`.

mod database;
mod error;
mod journal;
mod layout;
mod lease;
#[cfg(test)]
mod lint;
mod postgres;
mod retention;
mod snapshot;
mod sql;
mod sqlite;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_core::clock::Time;
use drover_core::id::{Epoch, Seq};
use drover_core::record::Record;

use database::{Database, Value, int};
use journal::Links;
use snapshot::Writer;

pub use error::{AppendError, ConnectError, LeadError, LoadError, SnapshotError, Unavailable};
pub use journal::Records;
pub use layout::LayoutSource;
pub use lease::Lease;
pub use snapshot::CHUNK_BYTES_MAX;

/// An operation that takes longer counts as failed; whether it took effect is unknown then.
const OPERATION_MAX: Duration = Duration::from_secs(5);
/// The same for reading or writing a whole journal tail or snapshot.
const BULK_MAX: Duration = Duration::from_secs(600);
/// Attempts to create the tables: two processes that start at once may disturb each other.
const CREATE_ATTEMPTS_MAX: usize = 5;

/// A database with the tables of any number of sites. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Store {
    database: Arc<dyn Database>,
    links: Arc<Links>,
    keep_ms: Option<u64>,
}

/// Which database, and how much of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening<'a> {
    /// `sqlite:PATH` or `postgres://...`.
    pub url: &'a str,
    /// Age at which a journal's records are forgotten, ms; none = never.
    pub keep_ms: Option<u64>,
}

impl<'a> From<&'a str> for Opening<'a> {
    /// Everything is kept.
    fn from(url: &'a str) -> Opening<'a> {
        Opening { url, keep_ms: None }
    }
}

impl<'a> From<&'a String> for Opening<'a> {
    fn from(url: &'a String) -> Opening<'a> {
        url.as_str().into()
    }
}

/// What a new leader starts from.
#[derive(Debug)]
pub struct Loaded {
    /// The newest whole snapshot: its place and its bytes.
    pub snapshot: Option<(Seq, Vec<u8>)>,
    /// Every record after the snapshot, in order, without a gap.
    pub records: Vec<Record>,
    /// The last event's place; 0 in an empty journal.
    pub last: Seq,
    /// What was damaged and is left out: shown to the operator.
    pub findings: Vec<String>,
}

/// What a look at a database finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// No database file yet.
    Absent,
    /// A database without our tables.
    Empty,
    /// The same, and we may not make them.
    Forbidden,
    /// Our tables, and who leads the site, if anyone ever did.
    Ready(Option<Lease>),
}

impl Store {
    /// Looks at the database of this URL and changes nothing: no file and no table is made.
    ///
    /// # Errors
    /// [`ConnectError`]: the URL is no store's, or the database can't be reached now.
    pub async fn look(url: &str, site: &str) -> Result<Look, ConnectError> {
        let database: Arc<dyn Database> = match url.split(':').next().unwrap_or_default() {
            "sqlite" => match sqlite::Sqlite::look(url).await? {
                Some(database) => Arc::new(database),
                None => return Ok(Look::Absent),
            },
            "postgres" | "postgresql" => Arc::new(postgres::Postgres::connect(url).await?),
            other => return Err(ConnectError::UnknownScheme(other.to_owned())),
        };
        let store = Store::over(database, None);
        let look = match store.ping().await {
            Ok(()) => Look::Ready(store.lease(site).await?),
            Err(error) if error.is_no_table() => store.may_create(url).await,
            Err(error) => return Err(error.into()),
        };
        store.close().await;
        Ok(look)
    }

    fn over(database: Arc<dyn Database>, keep_ms: Option<u64>) -> Store {
        Store { database, links: Arc::default(), keep_ms }
    }

    /// Asked of PostgreSQL only; what doesn't know the question is taken at its best.
    async fn may_create(&self, url: &str) -> Look {
        if url.starts_with("sqlite:") {
            return Look::Empty;
        }
        let answer = self.database.read(sql::MAY_CREATE, &[]).await;
        match answer.ok().and_then(|rows| rows.first().and_then(|row| row.int(0).ok())) {
            Some(0) => Look::Forbidden,
            Some(_) | None => Look::Empty,
        }
    }

    /// Connects to `sqlite:PATH` or `postgres://...` and creates the tables that are absent.
    ///
    /// # Errors
    /// [`ConnectError`]: the URL is no store's, or the database can't be reached now.
    pub async fn connect(opening: impl Into<Opening<'_>>) -> Result<Store, ConnectError> {
        let Opening { url, keep_ms } = opening.into();
        let started = Instant::now();
        let scheme = url.split(':').next().unwrap_or_default();
        let database: Arc<dyn Database> = match scheme {
            "sqlite" => Arc::new(sqlite::Sqlite::connect(url).await?),
            "postgres" | "postgresql" => Arc::new(postgres::Postgres::connect(url).await?),
            other => return Err(ConnectError::UnknownScheme(other.to_owned())),
        };
        let store = Store::over(database, keep_ms);
        store.create_tables().await?;
        tracing::debug!(ms = started.elapsed().as_millis(), "store opened");
        Ok(store)
    }

    async fn create_tables(&self) -> Result<(), ConnectError> {
        for statement in sql::CREATE {
            let mut attempt = 1;
            while let Err(error) = self.database.define(statement).await {
                if attempt == CREATE_ATTEMPTS_MAX {
                    return Err(Unavailable::from(error).into());
                }
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// Takes the leadership of a site, whoever had it: the epoch rises by one, and every append, snapshot and
    /// renewal of an older epoch is refused from here on. `expires` is the new lease's end.
    ///
    /// # Errors
    /// [`LeadError`]: somebody else took it at the same moment, or the database can't be reached.
    pub async fn lead(&self, site: &str, holder: &str, expires: Time) -> Result<Epoch, LeadError> {
        self.links.forget(site);
        limited(OPERATION_MAX, lease::lead(&*self.database, site, holder, expires)).await
    }

    /// Prolongs the lease of `epoch`; false when another epoch leads.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn renew(&self, site: &str, epoch: Epoch, expires: Time) -> Result<bool, Unavailable> {
        limited(OPERATION_MAX, lease::renew(&*self.database, site, epoch, expires)).await
    }

    /// Who leads the site, if anyone ever did.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn lease(&self, site: &str) -> Result<Option<Lease>, Unavailable> {
        limited(OPERATION_MAX, lease::read(&*self.database, site)).await
    }

    /// Appends a record in one transaction. After [`AppendError::Unavailable`] the outcome is unknown: append the
    /// same record again until it is Ok or another error; a record that is already there, identical, is Ok.
    ///
    /// # Errors
    /// [`AppendError`].
    pub async fn append(&self, site: &str, record: &Record) -> Result<(), AppendError> {
        limited(OPERATION_MAX, journal::append(&*self.database, &self.links, site, record)).await
    }

    /// Reads what a new leader starts from. For the leader only: a damaged last record is moved out of the journal.
    ///
    /// # Errors
    /// [`LoadError`]: damage before the last record, a gap, or the database can't be reached.
    pub async fn load(&self, site: &str) -> Result<Loaded, LoadError> {
        limited(BULK_MAX, journal::load(&*self.database, site)).await
    }

    /// The same for a standby that has followed the journal to `after` and leads now: no snapshot.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn load_after(&self, site: &str, after: Seq) -> Result<Loaded, LoadError> {
        limited(BULK_MAX, journal::load_after(&*self.database, site, after)).await
    }

    /// The newest whole and undamaged snapshot, if there is one: where a standby begins. Reads only.
    ///
    /// # Errors
    /// [`LoadError`]: the database can't be reached.
    pub async fn newest_snapshot(&self, site: &str) -> Result<Option<(Seq, Vec<u8>)>, LoadError> {
        let read = async { Ok::<_, LoadError>(snapshot::newest(&*self.database, site).await?.0) };
        limited(BULK_MAX, read).await
    }

    /// The records from the one that holds `from` on, up to the one that holds `until`, for a replay. Reads only.
    #[must_use]
    pub fn records(&self, site: &str, from: Seq, until: Option<Seq>) -> Records {
        Records::new(Arc::clone(&self.database), site, from, until)
    }

    /// Writes the snapshot at `seq`, and forgets older ones but the last two, and one a day where a journal is shortened.
    /// Appends go on meanwhile.
    ///
    /// # Errors
    /// [`SnapshotError`]: another epoch leads, or the journal isn't as far as `seq` yet.
    pub async fn snapshot(
        &self,
        site: &str,
        epoch: Epoch,
        seq: Seq,
        bytes: &[u8],
    ) -> Result<(), SnapshotError> {
        let writer = Writer { database: &*self.database, site, epoch, seq };
        limited(BULK_MAX, snapshot::write(&writer, bytes, self.keep_ms.is_some())).await
    }

    /// Forgets the records that are older than the store is to keep, up to a snapshot that is that old, in small
    /// transactions; gives how many it took. To be called after a snapshot; what is left over goes after the next.
    ///
    /// # Errors
    /// [`SnapshotError`]: another epoch leads.
    pub async fn shorten(&self, site: &str, epoch: Epoch, now: Time) -> Result<usize, SnapshotError> {
        let Some(keep_ms) = self.keep_ms else { return Ok(0) };
        let before = Time(now.0.saturating_sub(keep_ms));
        limited(BULK_MAX, retention::shorten(&*self.database, site, epoch, before)).await
    }

    /// What the journal's records are stepped from: none = its first event; else the snapshot after which everything is
    /// kept, its place and its bytes.
    ///
    /// # Errors
    /// [`LoadError`]: what comes before the first record is neither there nor in a sound snapshot.
    pub async fn beginning(&self, site: &str) -> Result<Option<(Seq, Vec<u8>)>, LoadError> {
        limited(BULK_MAX, retention::beginning(&*self.database, site)).await
    }

    /// Keeps the source of a layout, before the first record on it; `since` is the journal's end, 0 for what a new journal
    /// begins on.
    ///
    /// # Errors
    /// [`SnapshotError`]: another epoch leads.
    pub async fn keep_layout(
        &self,
        site: &str,
        epoch: Epoch,
        since: Seq,
        source: &LayoutSource,
    ) -> Result<(), SnapshotError> {
        limited(BULK_MAX, layout::keep(&*self.database, site, epoch, since, source)).await
    }

    /// Fingerprints of the layouts whose sources are kept, the journal's first one first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn layouts(&self, site: &str) -> Result<Vec<u64>, Unavailable> {
        limited(OPERATION_MAX, layout::heads(&*self.database, site)).await
    }

    /// The source of this layout, if it is kept whole.
    ///
    /// # Errors
    /// [`LoadError`]: the database can't be reached.
    pub async fn layout(&self, site: &str, fingerprint: u64) -> Result<Option<LayoutSource>, LoadError> {
        limited(BULK_MAX, layout::read(&*self.database, site, fingerprint)).await
    }

    /// Forgets the ids of jobs accepted before this moment, so that the table doesn't grow for ever; gives how many.
    /// An id must stay here no longer than the fleet remembers it: call with now - `remember_jobs_ms` at each snapshot.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn forget_jobs(&self, site: &str, accepted_before: Time) -> Result<u64, Unavailable> {
        let forget = async {
            let mut tx = self.database.begin().await?;
            let values = [Value::Text(site), Value::Int(int(accepted_before.0))];
            let forgotten = tx.execute(sql::FORGET_JOBS, &values).await?;
            tx.commit().await?;
            Ok::<_, Unavailable>(forgotten)
        };
        limited(OPERATION_MAX, forget).await
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn ping(&self) -> Result<(), Unavailable> {
        let ask = async { Ok::<_, Unavailable>(self.database.read(sql::PING, &[]).await.map(drop)?) };
        limited(OPERATION_MAX, ask).await
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

async fn limited<T, E: From<Unavailable>>(
    limit: Duration,
    operation: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(limit, operation).await {
        Ok(result) => result,
        Err(_) => Err(Unavailable::too_slow(limit).into()),
    }
}
