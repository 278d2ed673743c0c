//! The lease of a site: who leads, in which epoch, until when, and where the journal ends (`tip`).
//!
//! Every write of a leader touches this row under its own epoch, so a deposed leader's write finds no row.

use drover_core::clock::Time;
use drover_core::id::{Epoch, Seq};

use super::database::{Database, Transaction, Value, int};
use super::error::{LeadError, Unavailable};
use super::sql;

/// Who leads a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The epoch that leads.
    pub epoch: Epoch,
    /// The process that leads, as it called itself.
    pub holder: String,
    /// When the lease ends unless it is renewed, by the holder's clock.
    pub expires: Time,
    /// The journal's last place.
    pub tip: Seq,
}

pub(super) async fn read(database: &dyn Database, site: &str) -> Result<Option<Lease>, Unavailable> {
    lease(&database.read(sql::LEASE, &[Value::Text(site)]).await?)
}

/// The same within a transaction.
pub(super) async fn read_in(tx: &mut dyn Transaction, site: &str) -> Result<Option<Lease>, Unavailable> {
    lease(&tx.read(sql::LEASE, &[Value::Text(site)]).await?)
}

fn lease(rows: &[super::database::Row]) -> Result<Option<Lease>, Unavailable> {
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Lease {
        epoch: Epoch(row.int(0)?),
        holder: row.text(1)?,
        expires: Time(row.int(2)?),
        tip: Seq(row.int(3)?),
    }))
}

pub(super) async fn lead(
    database: &dyn Database,
    site: &str,
    holder: &str,
    expires: Time,
) -> Result<Epoch, LeadError> {
    let mut tx = database.begin().await?;
    let epoch = match read_in(&mut *tx, site).await? {
        Some(lease) => take(&mut *tx, site, lease.epoch, holder, expires).await?,
        None => first(&mut *tx, site, holder, expires).await?,
    };
    let Some(epoch) = epoch else { return Err(LeadError::Contended { site: site.to_owned() }) };
    tx.commit().await?;
    Ok(epoch)
}

async fn take(
    tx: &mut dyn Transaction,
    site: &str,
    old: Epoch,
    holder: &str,
    expires: Time,
) -> Result<Option<Epoch>, Unavailable> {
    let epoch = Epoch(old.0 + 1);
    let values = [
        Value::Text(site),
        Value::Int(int(epoch.0)),
        Value::Text(holder),
        Value::Int(int(expires.0)),
        Value::Int(int(old.0)),
    ];
    let taken = tx.execute(sql::TAKE_LEASE, &values).await? == 1;
    Ok(taken.then_some(epoch))
}

/// The first leader, or the first after the row was lost: the epoch rises above all in the journal.
async fn first(
    tx: &mut dyn Transaction,
    site: &str,
    holder: &str,
    expires: Time,
) -> Result<Option<Epoch>, Unavailable> {
    let last = tx.read(sql::LAST_RECORD, &[Value::Text(site)]).await?;
    let (tip, epoch) = match last.first() {
        Some(row) => (row.int(0)?, row.int(1)? + 1),
        None => (0, 1),
    };
    let values = [
        Value::Text(site),
        Value::Int(int(epoch)),
        Value::Text(holder),
        Value::Int(int(expires.0)),
        Value::Int(int(tip)),
    ];
    let inserted = tx.execute(sql::FIRST_LEASE, &values).await? == 1;
    Ok(inserted.then_some(Epoch(epoch)))
}

pub(super) async fn renew(
    database: &dyn Database,
    site: &str,
    epoch: Epoch,
    expires: Time,
) -> Result<bool, Unavailable> {
    let mut tx = database.begin().await?;
    let values = [Value::Text(site), Value::Int(int(epoch.0)), Value::Int(int(expires.0))];
    let is_ours = tx.execute(sql::RENEW_LEASE, &values).await? == 1;
    tx.commit().await?;
    Ok(is_ours)
}
