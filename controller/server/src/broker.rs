//! An MQTT broker inside this process: for demonstrations and tests on one machine, never for a site.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Largest message, bytes.
const PAYLOAD_MAX: usize = 1024 * 1024;
/// Robots and controllers connected, at most.
const CONNECTIONS_MAX: usize = 10_000;
/// How long the broker may take to listen.
const START_MAX: Duration = Duration::from_secs(10);
/// Pause before the next look at something that isn't there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Bytes handed on at once, at most.
const RELAY_BYTES: usize = 64 * 1024;

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
pub async fn start() -> Result<SocketAddr, StartError> {
    let inner = free_port().map_err(StartError::Port)?;
    let mut broker = Broker::new(config(inner));
    std::thread::Builder::new()
        .name("mqtt-broker".into())
        .spawn(move || {
            if let Err(error) = broker.start() {
                tracing::error!(%error, "the embedded MQTT broker ended");
            }
        })
        .map_err(StartError::Thread)?;
    wait_for(inner).await?;
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(StartError::Port)?;
    let listen = door.local_addr().map_err(StartError::Port)?;
    tokio::spawn(relay(door, inner));
    Ok(listen)
}

async fn wait_for(broker: SocketAddr) -> Result<(), StartError> {
    let deadline = Instant::now() + START_MAX;
    while Instant::now() < deadline {
        if TcpStream::connect(broker).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Err(StartError::Silent(broker))
}

/// The broker leaves Nagle's algorithm on, and gives no way to its sockets: small messages would wait up to 40 ms for an
/// acknowledgement that the reader's system holds back. This door acknowledges at once.
async fn relay(door: TcpListener, broker: SocketAddr) {
    loop {
        match door.accept().await {
            Ok((client, _)) => drop(tokio::spawn(pass(client, broker))),
            Err(error) => {
                tracing::warn!(%error, "the embedded MQTT broker can't take a connection");
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

/// Hands bytes to and fro until one side closes; then the other is closed too.
async fn pass(mut client: TcpStream, broker: SocketAddr) -> std::io::Result<()> {
    let mut inner = TcpStream::connect(broker).await?;
    client.set_nodelay(true)?;
    inner.set_nodelay(true)?;
    let ((mut client_in, mut client_out), (mut inner_in, mut inner_out)) = (client.split(), inner.split());
    let down = async {
        let mut bytes = vec![0; RELAY_BYTES];
        loop {
            let count = inner_in.read(&mut bytes).await?;
            if count == 0 {
                return std::io::Result::Ok(());
            }
            #[cfg(target_os = "linux")]
            inner_in.as_ref().set_quickack(true)?;
            client_out.write_all(&bytes[..count]).await?;
        }
    };
    tokio::select! {
        done = tokio::io::copy(&mut client_in, &mut inner_out) => done.map(drop),
        done = down => done,
    }
}

/// The broker can't report the port it took, so a free one is found first.
fn free_port() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
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
