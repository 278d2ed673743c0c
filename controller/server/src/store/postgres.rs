//! PostgreSQL, and what speaks its protocol.

use std::str::FromStr;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{ConnectOptions, Connection as _, PgConnection, PgPool, Row as _, TypeInfo, ValueRef};

use super::database::{Cell, Database, Result, Row, Transaction, Value, decode};
use super::error::ConnectError;

/// Connections: the append, a snapshot, a lease renewal and a reader at once.
const CONNECTIONS_MAX: u32 = 4;
/// How long an operation waits for a connection; the pool tries that long when the server refuses.
const ACQUIRE_MAX: Duration = Duration::from_millis(1_500);
/// A process that stops in the middle of a transaction holds its rows no longer than this, ms: less than a lease, or nobody
/// could take the lead from it.
const IDLE_IN_TRANSACTION_MS: &str = "2000";

pub(super) struct Postgres {
    pool: PgPool,
}

impl Postgres {
    /// Connects to `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE`.
    pub(super) async fn connect(url: &str) -> std::result::Result<Postgres, ConnectError> {
        let options =
            PgConnectOptions::from_str(url).map_err(|error| ConnectError::BadUrl(error.to_string()))?;
        // Tables that exist already are no news.
        let settings = [
            ("client_min_messages", "warning"),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS),
        ];
        let options = options.application_name("drover").options(settings);
        let options = options.disable_statement_logging();
        // The pool would only say that it timed out: the reason is the server's own word.
        PgConnection::connect_with(&options).await?.close().await?;
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(ACQUIRE_MAX);
        Ok(Postgres { pool: pool.connect_with(options).await? })
    }
}

impl Database for Postgres {
    fn define(&self, statement: &'static str) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { sqlx::query(statement).execute(&self.pool).await.map(drop) })
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>>> {
        Box::pin(async move { Ok(Box::new(self.pool.begin().await?) as Box<dyn Transaction>) })
    }

    fn read<'a>(
        &'a self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            let rows = bound(statement, values).fetch_all(&self.pool).await?;
            rows.iter().map(row).collect()
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}

impl Transaction for sqlx::Transaction<'static, sqlx::Postgres> {
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

type Query = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn bound(statement: &'static str, values: &[Value<'_>]) -> Query {
    values.iter().fold(sqlx::query(statement), |query, value| match *value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value.to_owned()),
        Value::Bytes(value) => query.bind(value.to_vec()),
    })
}

fn row(row: &PgRow) -> Result<Row> {
    (0..row.len()).map(|at| cell(row, at)).collect::<Result<Vec<_>>>().map(Row)
}

fn cell(row: &PgRow, at: usize) -> Result<Cell> {
    match row.try_get_raw(at)?.type_info().name() {
        "INT8" => Ok(Cell::Int(row.try_get(at)?)),
        "VARCHAR" | "TEXT" => Ok(Cell::Text(row.try_get(at)?)),
        "BYTEA" => Ok(Cell::Bytes(row.try_get(at)?)),
        other => Err(decode(other, at)),
    }
}
