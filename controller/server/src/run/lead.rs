//! Who leads: take the lease when it is free, ours or over; renew it; know when it is no longer sure.
//!
//! The lease is for liveness. Safety comes from the epoch: a deposed leader's append is refused. The deadline kept
//! here only keeps a leader that slept between its commit and its publish from speaking late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use drover_core::{Epoch, Time};
use tokio::sync::watch;

use super::{RunError, journal};
use crate::config::Config;
use crate::store::{ConnectError, LeadError, Store, Unavailable};
use crate::telemetry::Health;
use crate::tls;
use crate::view::Screen;

/// How long a lease holds unless it is renewed.
const LEASE: Duration = Duration::from_secs(4);
/// Pause between two renewals, and between two looks of a standby.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// Pause between two attempts to reach the store, at most.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// Until when this process surely leads, on its own monotonic clock. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lease {
    started: Instant,
    deadline_ms: Arc<AtomicU64>,
}

impl Lease {
    /// Nobody can have taken the lead yet.
    pub fn is_sure(&self) -> bool {
        (self.started.elapsed().as_millis() as u64) < self.deadline_ms.load(Ordering::Acquire)
    }

    fn new(asked: Instant) -> Lease {
        let lease = Lease { started: Instant::now(), deadline_ms: Arc::new(AtomicU64::new(0)) };
        lease.extend(asked);
        lease
    }

    /// The store has granted a lease that was asked for at this moment.
    fn extend(&self, asked: Instant) {
        let until = (asked + LEASE).saturating_duration_since(self.started);
        self.deadline_ms.store(until.as_millis() as u64, Ordering::Release);
    }

    fn end(&self) {
        self.deadline_ms.store(0, Ordering::Release);
    }
}

/// A store in which this process leads.
#[derive(Clone)]
pub(super) struct Led {
    pub(super) store: Store,
    pub(super) site: String,
    pub(super) epoch: Epoch,
    /// Our name in the lease.
    pub(super) holder: String,
    pub(super) lease: Lease,
}

/// Opens the store and takes the lead, for as long as it takes. None = told to stop meanwhile.
pub(super) async fn lead(
    config: &Config,
    health: &Health,
    screen: &Screen,
    stop: &mut watch::Receiver<bool>,
) -> Result<Option<Led>, RunError> {
    let mut pause = Duration::from_millis(100);
    let mut store = None;
    metrics::gauge!("drover_leader").set(0.0);
    loop {
        match attempt(config, &mut store).await {
            Ok(Ok(led)) => {
                metrics::gauge!("drover_leader").set(1.0);
                metrics::gauge!("drover_epoch").set(led.epoch.0 as f64);
                health.up(journal::PART);
                return Ok(Some(led));
            }
            Ok(Err(leader)) => {
                screen.note_leader(&leader);
                health.down(journal::PART, format!("standing by: {leader} leads"));
                pause = RENEW_EVERY;
            }
            Err(ConnectError::Unavailable(error)) => {
                health.down(journal::PART, tls::told(&error, "sslrootcert of store.url"));
            }
            Err(error @ (ConnectError::UnknownScheme(_) | ConnectError::BadUrl(_))) => {
                return Err(RunError::Url { key: "store.url", reason: error.to_string() });
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(BACKOFF_MAX),
            _ = stop.wait_for(|stop| *stop) => return Ok(None),
        }
    }
}

/// One attempt: the lead, or the name of who has it.
async fn attempt(config: &Config, kept: &mut Option<Store>) -> Result<Result<Led, String>, ConnectError> {
    let store = match kept {
        Some(store) => store.clone(),
        None => kept.insert(Store::connect(config.store.reveal()).await?).clone(),
    };
    let us = holder(config);
    if let Some(lease) = store.lease(&config.site).await?
        && lease.holder != us
        && lease.expires > now()
    {
        return Ok(Err(lease.holder));
    }
    let asked = Instant::now();
    match store.lead(&config.site, &us, expires()).await {
        Ok(epoch) => {
            let (site, lease) = (config.site.clone(), Lease::new(asked));
            Ok(Ok(Led { store, site, epoch, holder: us, lease }))
        }
        Err(LeadError::Contended { .. }) => Ok(Err("another process".to_owned())),
        Err(LeadError::Unavailable(error)) => Err(error.into()),
    }
}

/// Our name in the lease: two processes can't listen on one address, so the same name is this one, started again.
fn holder(config: &Config) -> String {
    let host = std::env::var("HOSTNAME").ok();
    let host = host.or_else(|| std::fs::read_to_string("/etc/hostname").ok()).unwrap_or_default();
    format!("{}/{}", host.trim(), config.listen)
}

impl Led {
    /// Renews the lease until it is lost; resolves then.
    pub(super) async fn keep(&self) {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            let asked = Instant::now();
            match self.store.renew(&self.site, self.epoch, expires()).await {
                Ok(true) => self.lease.extend(asked),
                Ok(false) => {
                    metrics::gauge!("drover_leader").set(0.0);
                    return;
                }
                Err(Unavailable { .. }) => tracing::debug!("the lease was not renewed: the store is away"),
            }
        }
    }

    /// A graceful stop lets the next leader begin at once.
    pub(super) async fn give_up(&self) {
        self.lease.end();
        if let Err(error) = self.store.renew(&self.site, self.epoch, Time(0)).await {
            tracing::debug!(%error, "the lease was not given back; it ends by itself");
        }
        self.store.close().await;
    }
}

fn expires() -> Time {
    now().plus_ms(LEASE.as_millis() as u64)
}

fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64)
}
