//! Who leads: asks the store what [`drover_core::lead`] wants to know, and tells the publishers until when it is sure. A
//! standby follows the journal between two looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use drover_core::lead::{Answer, Ask, Lead, Lease as Terms};
use drover_core::{Epoch, Time};
use drover_maps::Layout;
use tokio::sync::watch;

use super::tail::Tail;
use super::{RunError, journal};
use crate::config::Config;
use crate::store::{ConnectError, LeadError, Store, Unavailable};
use crate::telemetry::Health;
use crate::tls;
use crate::view::Screen;

/// Pause between two attempts to reach the store, at most.
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// Mends a store that refuses our certificate, or we its.
const TRUST_KEY: &str = "sslrootcert of store.url";

/// Until when this process surely leads, on its own monotonic clock. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lease {
    started: Instant,
    deadline_ms: Arc<AtomicU64>,
}

impl Lease {
    /// Nobody can have taken the lead yet.
    pub fn is_sure(&self) -> bool {
        self.own().0 < self.deadline_ms.load(Ordering::Acquire)
    }

    fn new() -> Lease {
        Lease { started: Instant::now(), deadline_ms: Arc::default() }
    }

    fn own(&self) -> Time {
        Time(self.started.elapsed().as_millis() as u64)
    }

    fn at(&self, own: Time) -> Instant {
        self.started + Duration::from_millis(own.0)
    }

    fn set(&self, until: Time) {
        self.deadline_ms.store(until.0, Ordering::Release);
    }
}

/// A store in which this process leads.
#[derive(Clone)]
pub(super) struct Led {
    pub(super) store: Store,
    pub(super) site: String,
    pub(super) epoch: Epoch,
    pub(super) lease: Lease,
    lead: Lead,
}

/// Opens the store and takes the lead, for as long as it takes; gives the journal as far as it was followed meanwhile.
/// None = told to stop.
pub(super) async fn lead(
    config: &Config,
    layout: &Arc<Layout>,
    health: &Health,
    screen: &Screen,
    stop: &mut watch::Receiver<bool>,
) -> Result<Option<(Led, Tail)>, RunError> {
    metrics::gauge!("drover_leader").set(0.0);
    tokio::select! {
        led = take(config, layout, health, screen) => led.map(Some),
        _ = stop.wait_for(|stop| *stop) => Ok(None),
    }
}

async fn take(
    config: &Config,
    layout: &Arc<Layout>,
    health: &Health,
    screen: &Screen,
) -> Result<(Led, Tail), RunError> {
    let store = open(config, health).await?;
    let (mut lead, lease) = (Lead::new(holder(config)), Lease::new());
    let mut tail = Tail::new(store.clone(), &config.site, Arc::clone(layout));
    loop {
        match ask(&store, &config.site, &mut lead, &lease).await {
            Ok(Some(leader)) => {
                screen.note_leader(&leader);
                health.down(journal::PART, format!("standing by: {leader} leads"));
                let look_at = lead.next_timeout().unwrap_or_default();
                tail.catch_up(lease.at(look_at)).await;
            }
            Ok(None) => {}
            Err(error) => health.down(journal::PART, tls::told(&error, TRUST_KEY)),
        }
        if let Some(epoch) = lead.epoch() {
            metrics::gauge!("drover_leader").set(1.0);
            metrics::gauge!("drover_epoch").set(epoch.0 as f64);
            health.up(journal::PART);
            let site = config.site.clone();
            return Ok((Led { store, site, epoch, lease, lead }, tail));
        }
        rest(&lead, &lease).await;
    }
}

/// Connects to the store, for as long as it takes.
async fn open(config: &Config, health: &Health) -> Result<Store, RunError> {
    let mut pause = Duration::from_millis(100);
    loop {
        match Store::connect(config.store.reveal()).await {
            Ok(store) => return Ok(store),
            Err(ConnectError::Unavailable(error)) => health.down(journal::PART, tls::told(&error, TRUST_KEY)),
            Err(error @ (ConnectError::UnknownScheme(_) | ConnectError::BadUrl(_))) => {
                return Err(RunError::Url { key: "store.url", reason: error.to_string() });
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACKOFF_MAX);
    }
}

/// Asks the store what is due, if anything is. Gives who leads, where another process does.
async fn ask(
    store: &Store,
    site: &str,
    lead: &mut Lead,
    lease: &Lease,
) -> Result<Option<String>, Unavailable> {
    let Some(ask) = lead.poll(lease.own()) else { return Ok(None) };
    let expires = Terms::expiry(now());
    let answer = match ask {
        Ask::Look => match store.lease(site).await {
            Ok(found) => {
                let found = found.map(|found| Terms { holder: found.holder, expires: found.expires });
                lead.looked(lease.own(), found.as_ref(), now());
                let is_open = lead.next_timeout() == Some(Time::default());
                return Ok(found.map(|found| found.holder).filter(|_| !is_open));
            }
            Err(error) => Err(error),
        },
        Ask::Take => match store.lead(site, lead.us(), expires).await {
            Ok(epoch) => Ok(Answer::Granted(epoch)),
            Err(LeadError::Contended { .. }) => Ok(Answer::Refused),
            Err(LeadError::Unavailable(error)) => Err(error),
        },
        Ask::Renew(epoch) => store
            .renew(site, epoch, expires)
            .await
            .map(|is_ours| if is_ours { Answer::Granted(epoch) } else { Answer::Refused }),
    };
    lead.answered(lease.own(), answer.as_ref().copied().unwrap_or(Answer::Away));
    lease.set(lead.sure_until());
    answer.map(|_| None)
}

/// Until there is something to ask; for ever once the lead is over.
async fn rest(lead: &Lead, lease: &Lease) {
    match lead.next_timeout() {
        Some(due) => tokio::time::sleep_until(lease.at(due).into()).await,
        None => std::future::pending().await,
    }
}

/// Our name in the lease: two processes can't listen on one address, so the same name is this one, started again.
fn holder(config: &Config) -> String {
    let host = std::env::var("HOSTNAME").ok();
    let host = host.or_else(|| std::fs::read_to_string("/etc/hostname").ok()).unwrap_or_default();
    format!("{}/{}", host.trim(), config.listen)
}

impl Led {
    /// Our name in the lease.
    pub(super) fn holder(&self) -> &str {
        self.lead.us()
    }

    /// Renews the lease until it is lost; resolves then.
    pub(super) async fn keep(&self) {
        let mut lead = self.lead.clone();
        while !lead.is_over() {
            rest(&lead, &self.lease).await;
            if ask(&self.store, &self.site, &mut lead, &self.lease).await.is_err() {
                tracing::debug!("the lease was not renewed: the store is away");
            }
        }
        metrics::gauge!("drover_leader").set(0.0);
    }

    /// A graceful stop lets the next leader begin at once.
    pub(super) async fn give_up(mut self) {
        self.lease.set(Time::default());
        if let Some(epoch) = self.lead.give_up()
            && let Err(error) = self.store.renew(&self.site, epoch, Time::default()).await
        {
            tracing::debug!(%error, "the lease was not given back; it ends by itself");
        }
        self.store.close().await;
    }
}

fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64)
}
