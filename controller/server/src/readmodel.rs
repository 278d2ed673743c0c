//! The view in Redis: what a standby's screens, and other services, see of a site. A cache and nothing more.
//!
//! ```text
//!   leader:  View ─► changes ─► one script: fenced by epoch, on top of our own last write, or whole
//!   standby: once a second ─► View, leads = false
//! ```
//!
//! Redis may be absent, hung, flushed or killed at any time: no decision changes and nothing waits for it. Every call
//! has a limit, whatever fails is begun anew, and what isn't as we wrote it is written whole again. Keys, each with a
//! time to live that every write renews:
//!
//! ```text
//!   drover:<site>:head      format, seq, epoch, write, at_ms, speed, leader, jobs_left_out
//!   drover:<site>:robots    manufacturer/serial -> JSON of a RobotView
//!   drover:<site>:jobs      job id              -> JSON of a JobView
//!   drover:<site>:stations  station id          -> JSON of a StationView
//!   drover:<site>:site      zones, devices, blocked_edges, alarms, audit, robots, stations -> JSON lists; the last two:
//!                           names in order
//! ```

mod changes;
mod read;
mod write;

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::SecretUrl;
use crate::telemetry::Health;
use crate::tls::{self, FileError, Trust};
use crate::view::{Screen, View};

/// Name in [`Health`].
pub const PART: &str = "cache";
/// How the keys are written; a reader of another format leaves them alone.
pub const FORMAT: &str = "1";
/// How long a view stays that nobody renews.
pub const TTL: Duration = Duration::from_secs(60);
/// Shortest pause between two writes.
const WRITE_EVERY: Duration = Duration::from_millis(500);
/// Longest pause: so long a flushed view may stay away.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// Pause between two looks of a standby.
const READ_EVERY: Duration = Duration::from_secs(1);
/// How long Redis may take to answer, or to be connected to.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// Pause between two attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// Why the view isn't written or read now: the world's fault, tried again.
#[derive(Debug, thiserror::Error)]
enum Outage {
    #[error("{0}")]
    Redis(#[from] RedisError),
    #[error("no answer within {ANSWER_MAX:?}")]
    TooSlow,
    #[error("{0} isn't as this version writes it")]
    Unreadable(String),
}

/// No client can be made of `[cache]`.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// `cache.url` isn't a URL.
    #[error("{0}; write redis://[user:password@]host[:port][/db], or rediss:// for TLS")]
    Url(#[from] RedisError),
    /// `cache.ca` can't be used.
    #[error(transparent)]
    Trust(#[from] FileError),
}

/// Names of a site's keys.
#[derive(Clone, Debug)]
struct Keys {
    head: String,
    /// robots, jobs, stations, site.
    hashes: [String; 4],
}

const ROBOTS: usize = 0;
const JOBS: usize = 1;
const STATIONS: usize = 2;
const SITE: usize = 3;

impl Keys {
    fn of(site: &str) -> Keys {
        let key = |name: &str| format!("drover:{site}:{name}");
        Keys { head: key("head"), hashes: ["robots", "jobs", "stations", "site"].map(key) }
    }
}

/// Writes every picture this leader makes, until the process ends. An absent Redis is no error: it is waited for.
///
/// # Errors
/// [`ClientError`] when the URL isn't one, or the CA can't be used.
pub fn lead(
    url: &SecretUrl,
    trust: &Trust,
    site: &str,
    epoch: u64,
    views: watch::Receiver<std::sync::Arc<View>>,
    health: &Health,
) -> Result<JoinHandle<()>, ClientError> {
    let client = client(url, trust)?;
    health.welcome(PART);
    Ok(tokio::spawn(write::Writer::new(client, Keys::of(site), epoch, views, health.clone()).serve()))
}

/// Shows what the leader wrote, once a second, until the task is ended: when this process leads itself.
///
/// # Errors
/// [`ClientError`] when the URL isn't one, or the CA can't be used.
pub fn follow(
    url: &SecretUrl,
    trust: &Trust,
    site: &str,
    screen: &Screen,
    health: &Health,
) -> Result<JoinHandle<()>, ClientError> {
    let client = client(url, trust)?;
    health.welcome(PART);
    let reader = read::Reader::new(client, Keys::of(site), site, screen.views.clone(), health.clone());
    Ok(tokio::spawn(reader.serve()))
}

/// PING, for `drover check`.
pub(crate) async fn ping(url: &SecretUrl, trust: &Trust) -> Result<(), String> {
    let client = client(url, trust).map_err(|error| error.to_string())?;
    let answer = async {
        let mut connection = connect(&client).await?;
        limited(redis::cmd("PING").query_async::<String>(&mut connection)).await
    };
    answer.await.map(drop).map_err(|outage| outage.to_string())
}

fn client(url: &SecretUrl, trust: &Trust) -> Result<Client, ClientError> {
    let Some(ca) = &trust.ca else { return Ok(Client::open(url.reveal())?) };
    let pem = tls::pem("cache.ca", ca)?;
    let certificates = redis::TlsCertificates { client_tls: None, root_cert: Some(pem) };
    Ok(Client::build_with_tls(url.reveal(), certificates)?)
}

/// A connection lives and dies whole: after a late answer nobody knows what was done.
async fn connect(client: &Client) -> Result<MultiplexedConnection, Outage> {
    let config = AsyncConnectionConfig::new();
    let config = config.set_connection_timeout(Some(ANSWER_MAX)).set_response_timeout(Some(ANSWER_MAX));
    limited(client.get_multiplexed_async_connection_with_config(&config)).await
}

async fn limited<T>(answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, Outage> {
    match tokio::time::timeout(ANSWER_MAX, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Outage::TooSlow),
    }
}
