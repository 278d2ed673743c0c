//! The journal as its tables hold it, read from outside.

use anyhow::Context;
use drover_core::{Record, Seq};
use sqlx::{PgPool, SqlitePool};

use super::ID;

const TIP: &str = "SELECT tip FROM drover_lease WHERE site = $1";
const NEWEST: &str = "SELECT MAX(seq) FROM drover_snapshot WHERE site = $1";
const CHUNKS: &str = "SELECT body FROM drover_snapshot WHERE site = $1 AND seq = $2 ORDER BY chunk";
const RECORDS: &str =
    "SELECT body, checksum FROM drover_journal WHERE site = $1 AND seq_from > $2 ORDER BY seq_from";

/// A connection to one of the databases.
pub enum Journal {
    /// A PostgreSQL.
    Postgres(PgPool),
    /// A file.
    Sqlite(SqlitePool),
}

/// The same on both pools.
macro_rules! on {
    ($journal:expr, $pool:ident => $work:expr) => {
        match $journal {
            Journal::Postgres($pool) => $work,
            Journal::Sqlite($pool) => $work,
        }
    };
}

impl Journal {
    /// Connects to a store's URL.
    ///
    /// # Errors
    /// Nobody answers there.
    pub async fn open(url: &str) -> anyhow::Result<Journal> {
        Ok(match url.strip_prefix("sqlite:") {
            Some(path) => Journal::Sqlite(SqlitePool::connect(&format!("sqlite://{path}")).await?),
            None => Journal::Postgres(PgPool::connect(url).await?),
        })
    }

    /// The last place.
    ///
    /// # Errors
    /// Nobody ever led.
    pub async fn tip(&self) -> anyhow::Result<i64> {
        let tip = on!(self, pool => sqlx::query_scalar(TIP).bind(ID).fetch_one(pool).await);
        tip.context("failed to read the lease")
    }

    /// The newest snapshot: its place and its bytes.
    ///
    /// # Errors
    /// There is none.
    pub async fn snapshot(&self) -> anyhow::Result<(Seq, Vec<u8>)> {
        let seq: Option<i64> = on!(self, pool => sqlx::query_scalar(NEWEST).bind(ID).fetch_one(pool).await)?;
        let seq = seq.context("there is no snapshot yet")?;
        let chunks: Vec<Vec<u8>> =
            on!(self, pool => sqlx::query_scalar(CHUNKS).bind(ID).bind(seq).fetch_all(pool).await)?;
        Ok((Seq(seq as u64), chunks.concat()))
    }

    /// All records after this place, as bytes and checksums.
    ///
    /// # Errors
    /// The database is gone.
    pub async fn rows(&self, after: Seq) -> anyhow::Result<Vec<(Vec<u8>, i64)>> {
        let after = after.0 as i64;
        Ok(on!(self, pool => sqlx::query_as(RECORDS).bind(ID).bind(after).fetch_all(pool).await)?)
    }

    /// Closes the connection.
    pub async fn close(self) {
        on!(self, pool => pool.close().await);
    }
}

/// The records in these rows.
///
/// # Errors
/// One is damaged.
pub fn decode(rows: &[(Vec<u8>, i64)]) -> anyhow::Result<Vec<Record>> {
    rows.iter().map(|(body, checksum)| Ok(Record::decode(body, u32::try_from(*checksum)?)?)).collect()
}
