//! SQLite: one file, WAL, every commit on disk before it is answered.
//!
//! One connection writes and others read: WAL readers never wait for the writer.

use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Row as _, SqlitePool, TypeInfo, ValueRef};

use super::database::{Cell, Database, Result, Row, Transaction, Value, decode};
use super::error::ConnectError;

/// How long a writer waits for another process's transaction.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// How long an operation waits for a free connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(10);
/// Connections that read.
const READERS_MAX: u32 = 4;
/// Takes the write lock at once, not at the first write: two writers can't deadlock.
const BEGIN: &str = "BEGIN IMMEDIATE";

pub(super) struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    /// Opens `sqlite:PATH` (also `sqlite:///PATH`), created if absent.
    pub(super) async fn connect(url: &str) -> std::result::Result<Sqlite, ConnectError> {
        let options = options(path(url)?);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_MAX)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        let readers = pool(READERS_MAX).connect_with(options.read_only(true)).await?;
        Ok(Sqlite { writer, readers })
    }
}

impl Sqlite {
    /// Opens a file that exists, to read only; none when there is no file.
    pub(super) async fn look(url: &str) -> std::result::Result<Option<Sqlite>, ConnectError> {
        let path = path(url)?;
        if !Path::new(path).exists() {
            return Ok(None);
        }
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_MAX);
        let readers = SqlitePoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_MAX);
        let readers = readers.connect_with(options.disable_statement_logging()).await?;
        Ok(Some(Sqlite { writer: readers.clone(), readers }))
    }
}

fn path(url: &str) -> std::result::Result<&str, ConnectError> {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(':') {
        return Err(ConnectError::BadUrl(format!("`{url}` names no file; write sqlite:PATH")));
    }
    Ok(path)
}

fn options(path: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_MAX)
        .disable_statement_logging()
}

impl Database for Sqlite {
    fn define(&self, statement: &'static str) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { sqlx::query(statement).execute(&self.writer).await.map(drop) })
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>>> {
        Box::pin(async move {
            let transaction = self.writer.begin_with(BEGIN).await?;
            Ok(Box::new(transaction) as Box<dyn Transaction>)
        })
    }

    fn read<'a>(
        &'a self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            let rows = bound(statement, values).fetch_all(&self.readers).await?;
            rows.iter().map(row).collect()
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.readers.close().await;
            self.writer.close().await;
        })
    }
}

impl Transaction for sqlx::Transaction<'static, sqlx::Sqlite> {
    fn execute<'a>(
        &'a mut self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { Ok(bound(statement, values).execute(&mut **self).await?.rows_affected()) })
    }

    fn read<'a>(
        &'a mut self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            let rows = bound(statement, values).fetch_all(&mut **self).await?;
            rows.iter().map(row).collect()
        })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        Box::pin((*self).commit())
    }
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bound(statement: &'static str, values: &[Value<'_>]) -> Query {
    values.iter().fold(sqlx::query(statement), |query, value| match *value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value.to_owned()),
        Value::Bytes(value) => query.bind(value.to_vec()),
    })
}

fn row(row: &SqliteRow) -> Result<Row> {
    (0..row.len()).map(|at| cell(row, at)).collect::<Result<Vec<_>>>().map(Row)
}

fn cell(row: &SqliteRow, at: usize) -> Result<Cell> {
    match row.try_get_raw(at)?.type_info().name() {
        "INTEGER" => Ok(Cell::Int(row.try_get(at)?)),
        "TEXT" => Ok(Cell::Text(row.try_get(at)?)),
        "BLOB" => Ok(Cell::Bytes(row.try_get(at)?)),
        other => Err(decode(other, at)),
    }
}
