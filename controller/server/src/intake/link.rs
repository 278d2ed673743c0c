//! One connection to RabbitMQ: opened with limits, watched, closed; and the pauses between attempts.
//!
//! lapin's own recovery isn't used: its channels come back with other delivery tags. A connection here lives and dies
//! whole, and whoever owns it starts anew. Every wait for the broker has a limit: lapin waits for ever in an outage. A
//! broker that is short of memory or disk space takes nothing until it has them again: that is told, and waited out.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use lapin::options::ExchangeDeclareOptions;
use lapin::tcp::{AsyncTcpStream, RustlsConnector};
use lapin::types::FieldTable;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::config::SecretUrl;
use crate::telemetry::Health;
use crate::tls::Trust;

/// A broker that is silent for so long counts as gone, in seconds; a stopped consumer holds its queue as long.
const HEARTBEAT_S: u16 = 5;
/// How long opening, declaring or subscribing may take.
const SETUP_MAX: Duration = Duration::from_secs(15);
/// How long the broker may take to confirm a message, or to take one.
pub(crate) const CONFIRM_MAX: Duration = Duration::from_secs(10);
/// Pause between two looks at a connection.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long closing may take.
const CLOSE_MAX: Duration = Duration::from_secs(2);
/// Pause between two attempts, first and longest.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The broker's URL can't be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the AMQP url `{url}`: {mend}")]
pub struct UrlError {
    url: String,
    mend: String,
}

/// Why a connection ended: the world's fault, tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Outage {
    #[error("{0}")]
    Broker(#[from] lapin::Error),
    #[error("{0} took longer than {1:?}")]
    TooSlow(&'static str, Duration),
    #[error("the broker ended the subscription")]
    Cancelled,
    #[error("the broker refused a message")]
    Refused,
    #[error("no queue takes messages of {0}")]
    Unroutable(String),
    #[error("the connection is gone")]
    Gone,
    #[error(transparent)]
    Url(#[from] UrlError),
}

/// What is told of a broker that takes no messages.
const BLOCKED: &str =
    "the broker takes no messages: it is short of memory or disk space; see `rabbitmqctl status`";

/// The broker as it is configured.
#[derive(Clone, Debug)]
pub struct Broker {
    /// `amqp://[user:password@]host[:port][/vhost]`, or `amqps://`.
    pub url: SecretUrl,
    /// Whom `amqps://` trusts.
    pub trust: Trust,
    /// The file that holds the URL: read again before each connection, since passwords are changed.
    pub url_file: Option<PathBuf>,
}

impl Broker {
    /// A broker whose certificate, if it has one, this machine trusts.
    pub fn of(url: impl Into<String>) -> Broker {
        Broker { url: SecretUrl::new(url), trust: Trust::of("jobs"), url_file: None }
    }

    /// Where it is now. A file that can't be read leaves the URL as it was.
    async fn renewed(&mut self) -> Result<Address, UrlError> {
        if let Some(file) = &self.url_file {
            match tokio::fs::read_to_string(file).await {
                Ok(text) => self.url = SecretUrl::new(text.trim()),
                Err(error) => {
                    tracing::warn!(file = %file.display(), %error, "jobs.url_file can't be read; its last URL stays");
                }
            }
        }
        Address::of(self)
    }
}

/// Where the broker is, and with `amqps://` how it is trusted.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) uri: AMQPUri,
    trusting: Option<Arc<ClientConfig>>,
}

impl Address {
    pub(crate) fn of(broker: &Broker) -> Result<Address, UrlError> {
        let refused = |mend: String| UrlError { url: broker.url.to_string(), mend };
        let mut uri: AMQPUri = broker.url.reveal().parse().map_err(&refused)?;
        // The standard reads a bare slash as the vhost without a name, which nobody means.
        if uri.vhost.is_empty() {
            uri.vhost = "/".to_owned();
        }
        uri.query.heartbeat = Some(HEARTBEAT_S);
        let trusting = match uri.scheme {
            AMQPScheme::AMQP => None,
            AMQPScheme::AMQPS => Some(broker.trust.client().map_err(|error| refused(error.to_string()))?),
        };
        Ok(Address { uri, trusting })
    }

    /// lapin's own TLS would trust the machine's list beside the signer that is named.
    pub(crate) async fn connect(&self, properties: ConnectionProperties) -> lapin::Result<Connection> {
        let Some(trusting) = self.trusting.clone() else {
            return Connection::connect_uri(self.uri.clone(), properties).await;
        };
        let runtime = lapin::runtime::default_runtime()?;
        let connect = async move |uri: AMQPUri, runtime| {
            let host = uri.authority.host;
            let found: Vec<_> = tokio::net::lookup_host((host.as_str(), uri.authority.port)).await?.collect();
            let plain = AsyncTcpStream::connect(&runtime, found).await?;
            Ok(plain.into_rustls(&RustlsConnector::from(Arc::clone(&trusting)), &host).await?)
        };
        Connection::connector(self.uri.clone(), runtime, connect, properties).await
    }
}

/// An open connection with one channel.
pub(crate) struct Link {
    connection: Connection,
    pub(crate) channel: Channel,
    /// Whose connection it is, in [`Health`].
    part: &'static str,
    health: Health,
}

impl Link {
    /// Opens it; the broker shows what it is for and `part` is what [`Health`] calls it.
    pub(crate) async fn open(
        broker: &mut Broker,
        site: &str,
        part: &'static str,
        health: &Health,
    ) -> Result<Link, Outage> {
        let address = broker.renewed().await?;
        let properties =
            ConnectionProperties::default().with_connection_name(format!("drover {site} {part}").into());
        let connection = limited("connecting", SETUP_MAX, address.connect(properties)).await?;
        let channel = limited("opening a channel", SETUP_MAX, connection.create_channel()).await?;
        Ok(Link { connection, channel, part, health: health.clone() })
    }

    /// Declares a durable exchange.
    pub(crate) async fn exchange(&self, name: &str, kind: ExchangeKind) -> Result<(), Outage> {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        self.setup(self.channel.exchange_declare(name.into(), kind, options, FieldTable::default())).await
    }

    /// Waits for a step of setting up.
    pub(crate) async fn setup<T>(&self, step: impl Future<Output = lapin::Result<T>>) -> Result<T, Outage> {
        limited("setting up exchanges and queues", SETUP_MAX, step).await
    }

    /// Looks after a connection that is set up: one that is gone is an outage; whether the broker takes messages is told,
    /// and returned.
    pub(crate) fn look(&self) -> Result<bool, Outage> {
        if !(self.connection.status().connected() && self.channel.status().connected()) {
            return Err(Outage::Gone);
        }
        let is_open = !self.connection.status().blocked();
        if is_open {
            self.health.up(self.part);
        } else {
            self.health.down(self.part, BLOCKED);
        }
        Ok(is_open)
    }

    /// Waits until the broker has taken something: within [`CONFIRM_MAX`], in which the time when it takes nothing from
    /// anybody doesn't count.
    pub(crate) async fn taken<T>(
        &self,
        what: &'static str,
        step: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, Outage> {
        let mut step = pin!(step);
        let (mut deadline, mut was_blocked) = (Instant::now() + CONFIRM_MAX, false);
        loop {
            if let Ok(result) = tokio::time::timeout(LOOK_EVERY, &mut step).await {
                if was_blocked {
                    self.look()?;
                }
                return Ok(result?);
            }
            if !self.look()? {
                (deadline, was_blocked) = (Instant::now() + CONFIRM_MAX, true);
            } else if Instant::now() >= deadline {
                return Err(Outage::TooSlow(what, CONFIRM_MAX));
            }
        }
    }

    /// Closes it, so that the broker gives what isn't acknowledged to the next connection at once.
    pub(crate) async fn close(self) {
        // Whatever went wrong, the connection is dropped next.
        let _ = tokio::time::timeout(CLOSE_MAX, self.connection.close(200, "bye".into())).await;
    }
}

/// Waits for the broker, but not for ever.
pub(crate) async fn limited<T>(
    what: &'static str,
    limit: Duration,
    step: impl Future<Output = lapin::Result<T>>,
) -> Result<T, Outage> {
    match tokio::time::timeout(limit, step).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Outage::TooSlow(what, limit)),
    }
}

/// The pause before the next attempt: doubles up to its limit.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Backoff {
        Backoff(PAUSE_MIN)
    }

    /// The last attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.0 = PAUSE_MIN;
    }

    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, UrlError> {
        Address::of(&Broker::of(url))
    }

    #[test]
    fn a_bare_slash_means_the_default_vhost() {
        for url in ["amqp://127.0.0.1:5671", "amqp://127.0.0.1:5671/", "amqp://127.0.0.1:5671/%2f"] {
            assert_eq!(parse(url).unwrap().uri.vhost, "/", "{url}");
        }
        assert_eq!(parse("amqp://h/dc").unwrap().uri.vhost, "dc");
    }

    #[test]
    fn an_unusable_url_is_refused_without_its_password() {
        for url in ["amqpss://u:secret@host", "http://u:secret@host", "nonsense"] {
            let text = parse(url).unwrap_err().to_string();
            assert!(text.contains("AMQP url") && !text.contains("secret"), "{text}");
        }
    }
}
