//! What the store asks of a database: transactions, and the three kinds of value it keeps.

use futures::future::BoxFuture;

/// An answer of the driver.
pub(super) type Result<T> = std::result::Result<T, sqlx::Error>;

/// A connected database.
pub(super) trait Database: Send + Sync {
    /// Runs a statement that defines a table, alone.
    fn define(&self, statement: &'static str) -> BoxFuture<'_, Result<()>>;
    /// Begins a transaction that may write.
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Transaction>>>;
    /// Reads committed rows.
    fn read<'a>(
        &'a self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, Result<Vec<Row>>>;
    /// Closes the connections.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A transaction; rolled back when dropped.
pub(super) trait Transaction: Send {
    /// Runs a statement; gives the number of rows it touched.
    fn execute<'a>(
        &'a mut self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, Result<u64>>;
    /// Reads rows.
    fn read<'a>(
        &'a mut self,
        statement: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, Result<Vec<Row>>>;
    /// Makes it durable.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<()>>;
}

/// A value handed to a statement.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// A number.
    Int(i64),
    /// A name.
    Text(&'a str),
    /// A body.
    Bytes(&'a [u8]),
}

/// A value read.
pub(super) enum Cell {
    /// A number.
    Int(i64),
    /// A name.
    Text(String),
    /// A body.
    Bytes(Vec<u8>),
}

/// A row read; its cells are taken by their place.
pub(super) struct Row(pub(super) Vec<Cell>);

impl Row {
    /// The number at this place.
    pub(super) fn int(&self, at: usize) -> Result<u64> {
        match self.0.get(at) {
            Some(Cell::Int(value)) => u64::try_from(*value).map_err(|_| decode("a negative number", at)),
            Some(Cell::Text(_) | Cell::Bytes(_)) | None => Err(decode("no number", at)),
        }
    }

    /// The name at this place.
    pub(super) fn text(&self, at: usize) -> Result<String> {
        match self.0.get(at) {
            Some(Cell::Text(value)) => Ok(value.clone()),
            Some(Cell::Int(_) | Cell::Bytes(_)) | None => Err(decode("no text", at)),
        }
    }

    /// The body at this place.
    pub(super) fn bytes(&mut self, at: usize) -> Result<Vec<u8>> {
        match self.0.get_mut(at) {
            Some(Cell::Bytes(value)) => Ok(std::mem::take(value)),
            Some(Cell::Int(_) | Cell::Text(_)) | None => Err(decode("no bytes", at)),
        }
    }
}

/// A number as databases keep it.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn decode(what: &str, at: usize) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} in column {at}").into())
}
