//! Robots over MQTT: their messages parsed on the way in, orders written on the way out.
//!
//! Three tasks. *Poll* drives the connection and never waits for anything else (a publish awaited there freezes the
//! client). *Decode* parses, off the fleet's thread. *Publish* writes orders, QoS 0 and not retained: what is lost or
//! comes while the broker is away is dropped, since the link sends again until a state shows it.

mod interfaces;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use drover_core::{DeviceMessage, RobotMessage, RobotName, ToRobot};
use drover_proto::device::{DeviceRequest, DeviceTopic, DeviceTopicKind};
use drover_proto::parse_in;
use drover_proto::vda5050::{Dialect, Header, Topic, TopicKind, encode, encode_in};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, NetworkOptions, Packet,
    Publish, QoS, SubscribeFilter, TlsConfiguration, Transport,
};
use tokio::sync::mpsc;

use crate::config::SecretUrl;
use crate::inbox::{Doors, FromDevice, FromRobot};
use crate::run::Lease;
use crate::telemetry::Health;
use crate::tls::{self, Trust};

pub use interfaces::Interfaces;

/// Largest packet read or written, bytes.
const PACKET_MAX: usize = 1024 * 1024;
/// Unacknowledged packets of ours at once.
const INFLIGHT_MAX: u16 = 100;
/// Packets waiting to be written.
const REQUESTS_MAX: usize = 1_000;
/// Raw messages waiting to be parsed; beyond it states are shed.
const RAW_MAX: usize = 16_384;
/// Messages waiting to be published; beyond it they are dropped and sent again by the link.
pub const OUTGOING_MAX: usize = 4_096;
/// Pause between two attempts to connect, at most.
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Pause between two log lines on malformed messages.
const MALFORMED_LOG_EVERY: Duration = Duration::from_secs(10);
/// Where brokers listen when the URL says nothing.
const PORT: u16 = 1883;
/// The same with TLS.
const PORT_SECURE: u16 = 8883;
/// Name in [`Health`].
pub const PART: &str = "mqtt";

/// A message to publish.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// For a robot.
    Robot(RobotName, ToRobot),
    /// For a site device, by its id.
    Device(String, DeviceRequest),
}

/// Where the broker is, and who we are there.
#[derive(Clone, Debug)]
pub struct Options {
    /// `mqtt://[user:password@]host[:port]`, or `mqtts://`.
    pub url: SecretUrl,
    /// Whom `mqtts://` trusts.
    pub trust: Trust,
    /// User and password; they go before the URL's own.
    pub login: Option<(String, SecretUrl)>,
    /// One id per site: the broker drops an old leader's session when the new one connects.
    pub client_id: String,
    /// Topic prefixes.
    pub interfaces: Interfaces,
    /// The site's id, in the topics of its devices.
    pub site: String,
}

/// The broker's URL can't be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the MQTT url `{url}`: {mend}")]
pub struct UrlError {
    url: String,
    mend: String,
}

/// Starts the three tasks; they end with the runtime.
///
/// # Errors
/// [`UrlError`] when the URL isn't one. An absent broker is no error: it is waited for.
pub fn spawn(
    options: &Options,
    doors: &Doors,
    health: &Health,
    outgoing: mpsc::Receiver<Outgoing>,
    lease: Lease,
) -> Result<(), UrlError> {
    let (client, mut events) = AsyncClient::new(client_options(options)?, REQUESTS_MAX);
    health.expect(PART);
    let mut network = NetworkOptions::new();
    // Orders are small and must not wait for one another.
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    let (raw, raw_rx) = mpsc::channel(RAW_MAX);
    let is_connected = Arc::new(AtomicBool::new(false));
    let poll = Poll {
        client: client.clone(),
        raw,
        health: health.clone(),
        is_connected: Arc::clone(&is_connected),
        options: options.clone(),
    };
    tokio::spawn(poll.run(events));
    tokio::spawn(decode(raw_rx, doors.clone(), options.clone()));
    let publisher = Publisher { client, is_connected, lease, options: options.clone() };
    tokio::spawn(publisher.run(outgoing));
    Ok(())
}

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_secure: bool,
    /// User and password.
    pub(crate) login: Option<(String, String)>,
}

/// Takes a broker's URL apart.
pub(crate) fn address(url: &SecretUrl) -> Result<Address, UrlError> {
    let wrong = |mend: &str| UrlError { url: url.to_string(), mend: mend.to_owned() };
    let (is_secure, rest) = match url.reveal().split_once("://") {
        Some(("mqtt" | "tcp", rest)) => (false, rest),
        Some(("mqtts", rest)) => (true, rest),
        Some(_) | None => return Err(wrong("it must begin with mqtt:// or mqtts://")),
    };
    let rest = rest.trim_end_matches('/');
    let (login, host) = rest.rsplit_once('@').map_or((None, rest), |(login, host)| (Some(login), host));
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) => {
            (host, port.parse().map_err(|_| wrong("the port must be a number, e.g. mqtt://127.0.0.1:1883"))?)
        }
        None if is_secure => (host, PORT_SECURE),
        None => (host, PORT),
    };
    if host.is_empty() {
        return Err(wrong("it names no host, e.g. mqtt://127.0.0.1:1883"));
    }
    let login = login.map(|login| login.split_once(':').unwrap_or((login, "")));
    let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
    Ok(Address { host: host.to_owned(), port, is_secure, login })
}

/// How the client connects. `client_id` is ours alone on the broker: two of one name throw each other out.
///
/// # Errors
/// [`UrlError`] when the URL isn't one, or a TLS file isn't good.
pub(crate) fn client_options(options: &Options) -> Result<MqttOptions, UrlError> {
    let Address { host, port, is_secure, login } = address(&options.url)?;
    let mut client = MqttOptions::new(&options.client_id, host, port);
    if is_secure {
        let wrong =
            |error: tls::FileError| UrlError { url: options.url.to_string(), mend: error.to_string() };
        let trusting = options.trust.client().map_err(wrong)?;
        client.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(trusting)));
    }
    let from_file =
        options.login.as_ref().map(|(user, password)| (user.clone(), password.reveal().to_owned()));
    let login = from_file.or(login);
    if let Some((user, password)) = login {
        client.set_credentials(user, password);
    }
    client.set_clean_session(false).set_inflight(INFLIGHT_MAX).set_keep_alive(Duration::from_secs(10));
    client.set_max_packet_size(PACKET_MAX, PACKET_MAX);
    Ok(client)
}

/// Why a connection failed, and the mend when it is known.
pub(crate) fn told(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => "the broker refuses the login: bad user or password; mend keys `mqtt.username` and \
              `mqtt.password_file`, or the broker's list of passwords"
            .to_owned(),
        other => tls::told(other, "mqtt.ca"),
    }
}

/// What a leader listens to: robots of every dialect under every prefix, and the site's devices.
pub(crate) fn filters(options: &Options) -> Vec<SubscribeFilter> {
    let device = |kind, qos| SubscribeFilter::new(DeviceTopic::filter(&options.site, kind), qos);
    let mut filters = vec![
        device(DeviceTopicKind::State, QoS::AtMostOnce),
        device(DeviceTopicKind::Connection, QoS::AtLeastOnce),
    ];
    for interface in options.interfaces.all() {
        for dialect in Dialect::ALL {
            let filter = |kind, qos| SubscribeFilter::new(Topic::filter(dialect, interface, kind), qos);
            filters.extend([
                filter(TopicKind::State, QoS::AtMostOnce),
                filter(TopicKind::Connection, QoS::AtLeastOnce),
                filter(TopicKind::Factsheet, QoS::AtMostOnce),
            ]);
        }
    }
    filters
}

struct Poll {
    client: AsyncClient,
    raw: mpsc::Sender<Publish>,
    health: Health,
    is_connected: Arc<AtomicBool>,
    options: Options,
}

impl Poll {
    async fn run(self, mut events: EventLoop) {
        let mut pause = Duration::from_millis(100);
        // A session that the broker kept for the process before may lack what is listened to now.
        let mut has_subscribed = false;
        while !self.raw.is_closed() {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(answer))) => {
                    pause = Duration::from_millis(100);
                    if !(answer.session_present && has_subscribed) {
                        has_subscribed = self.subscribe();
                    }
                    self.is_connected.store(true, Ordering::Relaxed);
                    self.health.up(PART);
                }
                Ok(Event::Incoming(Packet::Publish(message))) => self.take(message),
                Ok(_) => {}
                Err(error) => {
                    self.is_connected.store(false, Ordering::Relaxed);
                    self.health.down(PART, told(&error));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    fn subscribe(&self) -> bool {
        let asked = self.client.try_subscribe_many(filters(&self.options));
        if let Err(error) = &asked {
            tracing::error!(%error, "could not subscribe to the robots; will try at the next connection");
        }
        asked.is_ok()
    }

    /// Overload sheds telemetry: the next state is a full one.
    fn take(&self, message: Publish) {
        if self.raw.try_send(message).is_err() {
            metrics::counter!("drover_robot_messages_shed_total").increment(1);
        }
    }
}

/// A message, parsed.
enum Parsed {
    Robot(FromRobot),
    Device(FromDevice),
}

async fn decode(mut raw: mpsc::Receiver<Publish>, doors: Doors, options: Options) {
    let mut told: Option<Instant> = None;
    while let Some(message) = raw.recv().await {
        let sent = match parse(&message, &options) {
            Ok(Some(Parsed::Robot(parsed))) => doors.robots.send(parsed).await.is_ok(),
            Ok(Some(Parsed::Device(parsed))) => doors.devices.send(parsed).await.is_ok(),
            Ok(None) => true,
            Err(reason) => {
                metrics::counter!("drover_robot_messages_malformed_total").increment(1);
                if told.is_none_or(|at| at.elapsed() > MALFORMED_LOG_EVERY) {
                    told = Some(Instant::now());
                    tracing::debug!(topic = %message.topic, reason, "a message is malformed: dropped");
                }
                true
            }
        };
        if !sent {
            return;
        }
    }
}

fn parse(message: &Publish, options: &Options) -> Result<Option<Parsed>, String> {
    if let Some(topic) = DeviceTopic::parse(&message.topic) {
        return parse_device(&topic, &message.payload, &options.site);
    }
    parse_robot(message, &options.interfaces).map(|parsed| parsed.map(Parsed::Robot))
}

fn parse_device(topic: &DeviceTopic, bytes: &[u8], site: &str) -> Result<Option<Parsed>, String> {
    if topic.site != site {
        return Ok(None);
    }
    let parsed = match topic.kind {
        DeviceTopicKind::State => drover_proto::parse_device_state(bytes).map(DeviceMessage::State),
        DeviceTopicKind::Connection => {
            drover_proto::parse_device_connection(bytes).map(DeviceMessage::Connection)
        }
        DeviceTopicKind::Request => return Ok(None),
    };
    metrics::counter!("drover_device_messages_total", "kind" => topic.kind.as_str()).increment(1);
    parsed
        .map(|message| Some(Parsed::Device((topic.device.clone(), message))))
        .map_err(|error| error.to_string())
}

fn parse_robot(message: &Publish, interfaces: &Interfaces) -> Result<Option<FromRobot>, String> {
    let topic = Topic::parse(&message.topic).map_err(|error| error.to_string())?;
    let (dialect, kind, bytes) = (topic.dialect, topic.kind, &message.payload);
    let name = RobotName { manufacturer: topic.manufacturer, serial: topic.serial };
    if topic.interface != interfaces.of_robot(&name) {
        return Ok(None);
    }
    let parsed = match kind {
        TopicKind::State => parse_in(dialect, bytes).map(|state| RobotMessage::State(Box::new(state))),
        TopicKind::Connection => parse_in(dialect, bytes).map(RobotMessage::Connection),
        TopicKind::Factsheet => {
            parse_in(dialect, bytes).map(|sheet| RobotMessage::Factsheet(Box::new(sheet)))
        }
        TopicKind::Order | TopicKind::InstantActions | TopicKind::Visualization => return Ok(None),
    };
    metrics::counter!("drover_robot_messages_total", "kind" => kind.as_str()).increment(1);
    parsed.map(|message| Some((name, message))).map_err(|error| error.to_string())
}

struct Publisher {
    client: AsyncClient,
    is_connected: Arc<AtomicBool>,
    lease: Lease,
    options: Options,
}

impl Publisher {
    async fn run(self, mut outgoing: mpsc::Receiver<Outgoing>) {
        while let Some(message) = outgoing.recv().await {
            let (topic, kind, body) = self.write(&message);
            let counter = if self.publish(topic, body) {
                "drover_published_total"
            } else {
                "drover_publish_dropped_total"
            };
            metrics::counter!(counter, "kind" => kind).increment(1);
        }
    }

    /// In the dialect of the version that the link wrote into the header.
    fn write(&self, message: &Outgoing) -> (String, &'static str, Vec<u8>) {
        match message {
            Outgoing::Robot(name, message) => {
                let of = |header: &Header| Dialect::of_version(&header.version);
                let (dialect, kind, body) = match message {
                    ToRobot::Order(order) => {
                        let dialect = of(&order.header);
                        (dialect, TopicKind::Order, encode_in(dialect, &**order))
                    }
                    ToRobot::InstantActions(actions) => {
                        let dialect = of(&actions.header);
                        (dialect, TopicKind::InstantActions, encode_in(dialect, &**actions))
                    }
                };
                let interface = self.options.interfaces.of_robot(name);
                let topic = Topic::of(dialect, interface, &name.manufacturer, &name.serial, kind);
                (topic.to_string(), kind.as_str(), body)
            }
            Outgoing::Device(device, request) => {
                let topic = DeviceTopic::new(&self.options.site, device, DeviceTopicKind::Request);
                (topic.to_string(), "device_request", encode(request))
            }
        }
    }

    /// A leader that is no longer sure to lead stays silent.
    fn publish(&self, topic: String, body: Vec<u8>) -> bool {
        self.is_connected.load(Ordering::Relaxed)
            && self.lease.is_sure()
            && self.client.try_publish(topic, QoS::AtMostOnce, false, body).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_host_port_and_login() {
        let read = |text: &str| address(&SecretUrl::new(text)).ok();
        let plain = Address { host: "127.0.0.1".into(), port: 1884, is_secure: false, login: None };
        assert_eq!(read("mqtt://127.0.0.1:1884"), Some(plain));
        let login = Some(("ann".to_owned(), "p@ss".to_owned()));
        assert_eq!(
            read("mqtt://ann:p@ss@broker"),
            Some(Address { host: "broker".into(), port: 1883, is_secure: false, login })
        );
        let secure = read("mqtts://broker").unwrap();
        assert_eq!((secure.port, secure.is_secure), (8883, true));
        assert_eq!(read("mqtt://broker:port"), None);
        assert_eq!(read("http://broker"), None);
    }

    #[test]
    fn a_password_file_goes_with_the_user_of_the_url() {
        let login = Some(("ann".to_owned(), SecretUrl::new("from-file")));
        let options = Options {
            url: SecretUrl::new("mqtt://ann@broker"),
            trust: Trust::of("mqtt"),
            login,
            client_id: "drover-t".into(),
            interfaces: Interfaces::of("uagv", None),
            site: "t".into(),
        };
        let login = client_options(&options).unwrap().credentials().unwrap();
        assert_eq!((login.username.as_str(), login.password.as_str()), ("ann", "from-file"));
    }

    #[test]
    fn a_message_on_a_foreign_topic_or_of_a_broken_body_is_no_input() {
        let publish = |topic: &str, body: &str| Publish::new(topic, QoS::AtMostOnce, body.to_owned());
        let interfaces = Interfaces::of("uagv", None);
        let parse = |topic: &str, body: &str| parse_robot(&publish(topic, body), &interfaces);
        assert!(parse("uagv/v2/acme/r1/order", "{}").is_ok_and(|parsed| parsed.is_none()));
        assert!(parse("other/v2/acme/r1/state", "{}").is_ok_and(|parsed| parsed.is_none()));
        assert!(parse("uagv/v2/acme/r1/state", "{}").is_err());
        assert!(parse("uagv/v1/acme/r1/state", "{}").is_err());
        assert!(parse("nonsense", "{}").is_err());
    }

    #[test]
    fn each_major_is_read_on_its_own_topics_only() {
        let interfaces = Interfaces::of("uagv", None);
        let read = |topic: &str, version: &str, word: &str| {
            let body = format!(r#"{{"version":"{version}","connectionState":"{word}"}}"#);
            let parsed = parse_robot(&Publish::new(topic, QoS::AtMostOnce, body), &interfaces);
            parsed.ok().flatten().map(|(name, _)| name.serial)
        };
        let r1 = Some("r1".to_owned());
        assert_eq!(read("uagv/v3/acme/r1/connection", "3.0.0", "CONNECTION_BROKEN"), r1);
        assert_eq!(read("uagv/v2/acme/r1/connection", "2.0.0", "CONNECTIONBROKEN"), r1);
        assert_eq!(read("uagv/v2/acme/r1/connection", "3.0.0", "ONLINE"), None);
        assert_eq!(read("uagv/v3/acme/r1/connection", "2.1.0", "ONLINE"), None);
    }
}
