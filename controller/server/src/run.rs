//! The shell around `Site`: wait for one input, hand it over with the time, carry out the effects.
//!
//! It decides nothing. One thread owns the `Site`; every way in and out is a bounded channel. What is absent at the
//! start (database, brokers) is waited for, and `/readyz` says what is missing. The process ends by itself for one
//! reason only: another process leads this site now, or its journal can't be trusted.

mod clock;
mod gauges;
mod journal;
mod layouts;
mod lead;
mod shell;
mod story;
mod tail;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_core::{Notification, RestoreError, Seq, Site};
use drover_maps::Layout;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::config::{Config, Peer, SecretUrl};
use crate::inbox::{Doors, Inbox, Submission};
use crate::report::Observer;
use crate::store::{LoadError, Loaded};
use crate::telemetry::trace::Tracer;
use crate::telemetry::{Health, otlp};
use crate::view::{Maker, Screen};
use crate::{events, intake, mqtt, readmodel};

pub use clock::Clock;
use journal::{Journal, Memory};
pub use lead::Lease;
use lead::{Led, lead};
use shell::{Outlets, Shell};
use tail::Tail;

/// Notifications waiting for the events broker in the channel; more wait in the shell.
pub const NOTIFICATIONS_MAX: usize = 4_096;
/// Pause between two attempts to read the journal.
const LOAD_PAUSE: Duration = Duration::from_secs(1);
/// How long a graceful stop waits for the last commit.
const STOP_MAX: Duration = Duration::from_secs(10);

/// What the shell needs.
pub struct Setup {
    /// The configuration; its MQTT peer may be overruled by `mqtt`.
    pub config: Config,
    /// The compiled layout.
    pub layout: Arc<Layout>,
    /// Where time comes from.
    pub clock: Clock,
    /// Who watches, if anyone.
    pub observer: Option<Observer>,
    /// The doors, both sides.
    pub doors: Doors,
    /// The receiving side of the doors.
    pub inbox: Inbox,
    /// Where the pictures go.
    pub screen: Screen,
    /// What is there and what is missing.
    pub health: Health,
    /// True = stop gracefully.
    pub stop: watch::Receiver<bool>,
}

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another process leads the site.
    #[error(
        "failed to go on leading the site: another process has taken it over; this one ends so that only one leads"
    )]
    Fenced,
    /// The journal is not what was written.
    #[error("failed to {0}")]
    Load(#[from] LoadError),
    /// The journal doesn't lead to a state.
    #[error("failed to restore the site from its journal: {0}")]
    Restore(#[from] RestoreError),
    /// A URL isn't one, or a TLS file isn't good.
    #[error(transparent)]
    Mqtt(#[from] mqtt::UrlError),
    /// A URL isn't one, or a TLS file isn't good.
    #[error(transparent)]
    Amqp(#[from] intake::UrlError),
    /// The embedded broker doesn't start.
    #[error(transparent)]
    Broker(#[from] crate::broker::StartError),
    /// A URL of the jobs broker or the store isn't one.
    #[error("failed to read key `{key}`: {reason}")]
    Url {
        /// The key.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A bug of ours.
    #[error("failed to go on: the store refused a record: {0}; nothing more was sent to robots")]
    Bug(String),
    /// No thread.
    #[error("failed to start the site's thread: {0}")]
    Thread(std::io::Error),
    /// The site's thread is gone: a bug of ours.
    #[error("failed to go on: the site's thread ended without a word; its last log lines say why")]
    Lost,
}

/// Runs a site until it is told to stop, or must.
///
/// # Errors
/// [`RunError`] says why it can't go on; `Ok` after a graceful stop.
pub async fn run(setup: Setup) -> Result<(), RunError> {
    let Setup { config, layout, clock, observer, doors, inbox, screen, health, mut stop } = setup;
    judge(&config)?;
    let follower = follow(&config, &health, &screen)?;
    let led = lead(&config, &layout, &health, &screen, &mut stop).await;
    if let Some(follower) = follower {
        follower.abort();
        // Ended, so that no picture of another leader comes after our own first one.
        let _ = follower.await;
    }
    let Some((led, tail)) = led? else { return Ok(()) };
    let (site, wanted) = restore(&config, &layout, &led, tail, clock).await?;
    let clock = clock.not_before(site.fleet().now());
    let (traces, exporter) = trace(&config, &site, &health)?;
    if let Some(url) = &config.cache {
        let views = screen.views.subscribe();
        readmodel::lead(url, &config.cache_trust, &config.site, led.epoch.0, views, &health)
            .map_err(bad_cache)?;
    }
    let maker = Maker::new(screen, &site, led.epoch, led.holder().to_owned(), clock.speed());
    let outlets = connect(&config, &layout, &doors, &health, led, clock, traces).await?;
    let shell = Shell::new(site, clock, inbox, outlets, maker, observer, stop).wanting(wanted);
    let (end, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("site".into())
        .spawn(move || {
            // Nobody waits any more when the process is being killed.
            let _ = end.send(shell.run());
        })
        .map_err(RunError::Thread)?;
    let Ok(last) = ended.await else { return Err(RunError::Lost) };
    let journal = last?;
    if tokio::time::timeout(STOP_MAX, journal.finished()).await.is_err() {
        tracing::warn!(
            "the last snapshot took too long: the next start steps the journal from the one before"
        );
    }
    if let Some(exporter) = exporter {
        exporter.finished().await;
    }
    Ok(())
}

/// While another process leads, its picture is shown from the cache.
fn follow(config: &Config, health: &Health, screen: &Screen) -> Result<Option<JoinHandle<()>>, RunError> {
    let url = config.cache.as_ref();
    url.map(|url| readmodel::follow(url, &config.cache_trust, &config.site, screen, health))
        .transpose()
        .map_err(bad_cache)
}

fn bad_cache(error: readmodel::ClientError) -> RunError {
    RunError::Url { key: "cache.url", reason: error.to_string() }
}

/// Traces jobs, if the configuration asks for it.
fn trace(
    config: &Config,
    site: &Site,
    health: &Health,
) -> Result<(Option<otlp::Traces>, Option<otlp::Exporter>), RunError> {
    let Some(url) = &config.trace else { return Ok((None, None)) };
    let tracer = Tracer::new(&config.site, site.fleet(), site.seq());
    let wrong = |error: otlp::UrlError| RunError::Url { key: "trace.otlp", reason: error.to_string() };
    let (traces, exporter) = otlp::spawn(url, &config.site, tracer, health).map_err(wrong)?;
    Ok((Some(traces), Some(exporter)))
}

/// Hands in the jobs of a wave file, in order.
async fn feed(file: PathBuf, jobs: mpsc::Sender<Submission>) {
    match tokio::fs::read_to_string(&file).await {
        Ok(text) => {
            let refused = |line, why: String| tracing::warn!(line, why, "a line of jobs.file is refused");
            intake::wave::feed(intake::wave::lines(&text), jobs, refused).await;
        }
        Err(error) => {
            tracing::error!(file = %file.display(), %error, "key `jobs.file`: the file can't be read")
        }
    }
}

/// Everything the site needs is missing until it says that it is there: not ready before the journal is read. To be called
/// before anybody can ask.
pub fn expect_all(config: &Config, health: &Health) {
    let brokers = [intake::PART, events::PART].into_iter().filter(|_| matches!(config.jobs, Peer::Url(_)));
    [journal::PART, mqtt::PART].into_iter().chain(brokers).for_each(|part| health.expect(part));
}

/// The site as its journal tells, on the journal's layout; and the layout of the site's files, where it is another one.
async fn restore(
    config: &Config,
    given: &Arc<Layout>,
    led: &Led,
    tail: Tail,
    clock: Clock,
) -> Result<(Site, Option<Arc<Layout>>), RunError> {
    let started = Instant::now();
    // A standby may have waited for long: the files are read anew.
    let files = layouts::read(config).await;
    let layout = files.as_ref().map_or(given, |(layout, _)| layout);
    let (site, is_new) = match tail.finish(led).await {
        Some(follower) => (Site::lead(follower, config.core.clone(), led.epoch, clock.now()), false),
        None => read(config, layout, led, clock).await?,
    };
    let wanted = layouts::keep(led, &site, files, is_new).await;
    let (epoch, ms) = (led.epoch.0, started.elapsed().as_millis());
    tracing::info!(
        site = config.site,
        epoch,
        seq = site.seq().0,
        "leads the site, {ms} ms after it took the lead"
    );
    Ok((site, wanted))
}

/// The whole journal from its newest snapshot on; true = it is empty, and the site new.
async fn read(
    config: &Config,
    layout: &Arc<Layout>,
    led: &Led,
    clock: Clock,
) -> Result<(Site, bool), RunError> {
    let started = Instant::now();
    let (layout, core) = (Arc::clone(layout), config.core.clone());
    let loaded = patiently(|| led.store.load(&led.site)).await?;
    tell_findings(&loaded.findings);
    let snapshot = loaded.snapshot.as_ref().map(|(seq, bytes)| (*seq, bytes.as_slice()));
    if snapshot.is_none() && loaded.records.is_empty() {
        return Ok((Site::new(layout, core, led.epoch, clock.now()), true));
    }
    let layouts = layouts::of_journal(&led.store, &led.site, layout, &loaded).await?;
    let site = Site::restore(layouts, core, led.epoch, snapshot, &loaded.records, clock.now())?;
    let events: usize = loaded.records.iter().map(|record| record.entries.len()).sum();
    tracing::info!("restored {events} events in {} ms", started.elapsed().as_millis());
    Ok((site, false))
}

/// The records after this place, which was followed.
async fn load_after(led: &Led, after: Seq) -> Result<Loaded, LoadError> {
    patiently(|| led.store.load_after(&led.site, after)).await
}

/// Reads the journal, for as long as it takes while the store is away.
async fn patiently<F: Future<Output = Result<Loaded, LoadError>>>(
    load: impl Fn() -> F,
) -> Result<Loaded, LoadError> {
    loop {
        match load().await {
            Err(LoadError::Unavailable(error)) => tracing::warn!(%error, "the journal can't be read yet"),
            done => return done,
        }
        tokio::time::sleep(LOAD_PAUSE).await;
    }
}

fn tell_findings(findings: &[String]) {
    for finding in findings {
        tracing::error!(finding, "the journal was damaged at its end");
    }
}

/// Starts every task that carries something out, each behind its own bounded channel.
async fn connect(
    config: &Config,
    layout: &Layout,
    doors: &Doors,
    health: &Health,
    led: Led,
    clock: Clock,
    traces: Option<otlp::Traces>,
) -> Result<Outlets, RunError> {
    let (to_mqtt, outgoing) = mpsc::channel(mqtt::OUTGOING_MAX);
    let (notifications, news) = mpsc::channel(NOTIFICATIONS_MAX);
    mqtt::spawn(&mqtt_options(config, layout).await?, doors, health, outgoing, led.lease.clone())?;
    match &config.jobs {
        Peer::Embedded => {
            tokio::spawn(confirm_locally(news, doors.confirmed.clone()));
            if let Some(file) = &config.jobs_file {
                tokio::spawn(feed(file.clone(), doors.submissions.clone()));
            }
        }
        Peer::Url(url) => {
            let broker = &jobs_broker(config, url);
            events::spawn(broker, &config.site, news, doors.confirmed.clone(), health)?;
            intake::spawn(broker, &config.site, doors.submissions.clone(), health)?;
        }
    }
    let memory = Memory { clock, remember_jobs_ms: config.core.remember_jobs_ms };
    let journal = Journal::spawn(led, doors, health.clone(), memory, traces);
    Ok(Outlets { journal, mqtt: to_mqtt, notifications, health: health.clone() })
}

/// Where jobs come from and events go to.
pub(crate) fn jobs_broker(config: &Config, url: &SecretUrl) -> intake::Broker {
    let url_file = config.secret_files.iter().find(|(key, _)| key == "jobs.url_file");
    let url_file = url_file.map(|(_, file)| file.clone());
    intake::Broker { url: url.clone(), trust: config.jobs_trust.clone(), url_file }
}

/// What can't be mended by waiting is told before anything is waited for.
fn judge(config: &Config) -> Result<(), RunError> {
    if let Peer::Url(url) = &config.jobs {
        intake::link::Address::of(&jobs_broker(config, url))?;
    }
    if let Peer::Url(url) = &config.mqtt.peer {
        mqtt::client_options(&robots_broker(config, url.clone(), None))?;
    }
    Ok(())
}

async fn mqtt_options(config: &Config, layout: &Layout) -> Result<mqtt::Options, RunError> {
    let url = match &config.mqtt.peer {
        Peer::Embedded => SecretUrl::new(format!("mqtt://{}", crate::broker::start().await?)),
        Peer::Url(url) => url.clone(),
    };
    Ok(robots_broker(config, url, Some(layout)))
}

/// Who the leader is on the robots' broker.
pub(crate) fn robots_broker(config: &Config, url: SecretUrl, layout: Option<&Layout>) -> mqtt::Options {
    let given = &config.mqtt;
    // A URL may name the user alone, with the password in its file.
    let in_url = || mqtt::address(&url).ok().and_then(|address| address.login).map(|(user, _)| user);
    let login = given.username.clone().or_else(in_url).zip(given.password.clone());
    mqtt::Options {
        url,
        trust: given.trust.clone(),
        login,
        client_id: format!("drover-{}", config.site),
        interfaces: mqtt::Interfaces::of(&given.interface, layout),
        site: config.site.clone(),
    }
}

/// Without an events broker there is nobody to tell: every notification counts as confirmed.
async fn confirm_locally(mut news: mpsc::Receiver<Notification>, confirmed: mpsc::Sender<u64>) {
    while let Some(notification) = news.recv().await {
        if confirmed.send(notification.n).await.is_err() {
            return;
        }
    }
}
