//! An MQTT broker inside this process: for demonstrations and tests on one machine, never for a site.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// Largest message, bytes.
const PAYLOAD_MAX: usize = 1024 * 1024;
/// Robots and controllers connected, at most.
const CONNECTIONS_MAX: usize = 10_000;
/// How long the broker may take to listen.
const START_MAX: Duration = Duration::from_secs(10);

/// Why there is no embedded broker.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port.
    #[error("failed to find a free port on 127.0.0.1 for the embedded MQTT broker: {0}")]
    Port(std::io::Error),
    /// No thread.
    #[error("failed to start the thread of the embedded MQTT broker: {0}")]
    Thread(std::io::Error),
    /// It doesn't listen.
    #[error("failed to start the embedded MQTT broker: it does not listen on {0} after 10 s")]
    Silent(SocketAddr),
}

/// Starts a broker on a free loopback port. It runs until the process ends: it knows no other stop.
///
/// # Errors
/// [`StartError`] when there is no port, no thread, or no answer.
pub fn start() -> Result<SocketAddr, StartError> {
    let listen = free_port().map_err(StartError::Port)?;
    let mut broker = Broker::new(config(listen));
    std::thread::Builder::new()
        .name("mqtt-broker".into())
        .spawn(move || {
            if let Err(error) = broker.start() {
                tracing::error!(%error, "the embedded MQTT broker ended");
            }
        })
        .map_err(StartError::Thread)?;
    let deadline = Instant::now() + START_MAX;
    while Instant::now() < deadline {
        if TcpStream::connect_timeout(&listen, Duration::from_millis(200)).is_ok() {
            return Ok(listen);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(StartError::Silent(listen))
}

/// The broker can't report the port it took, so a free one is found first.
fn free_port() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn config(listen: SocketAddr) -> Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 30_000,
        max_payload_size: PAYLOAD_MAX,
        max_inflight_count: 500,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings {
        name: "embedded".into(),
        listen,
        tls: None,
        next_connection_delay_ms: 0,
        connections,
    };
    Config {
        router: RouterConfig {
            max_connections: CONNECTIONS_MAX,
            max_outgoing_packet_count: 1_000,
            // A slow reader loses what falls out of the ring: 10 segments of 16 MiB are minutes of states.
            max_segment_size: 16 * 1024 * 1024,
            max_segment_count: 10,
            ..RouterConfig::default()
        },
        v4: Some(HashMap::from([("embedded".to_owned(), server)])),
        ..Config::default()
    }
}
