//! What every MQTT connection of the agent has in common.

use std::time::Duration;

use rumqttc::{AsyncClient, EventLoop, LastWill, MqttOptions, NetworkOptions, QoS};

use crate::broker::Broker;

/// First pause before a new try to connect.
pub(crate) const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// The longest.
pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(3);
const CONNECT_MAX_S: u64 = 5;
const PACKET_MAX: usize = 512 * 1024;

/// One connection: who, how long it may be quiet, and what is said, retained, when it dies.
pub(crate) struct Terms<'a> {
    pub broker: &'a Broker,
    pub client_id: String,
    pub login: Option<&'a (String, String)>,
    pub keep_alive: Duration,
    pub will: Option<(String, Vec<u8>)>,
    /// Messages the client may hold.
    pub channel: usize,
}

/// A client with a clean session; nothing is connected before the loop is polled.
pub(crate) fn client(terms: Terms<'_>) -> (AsyncClient, EventLoop) {
    let broker = terms.broker;
    let mut options = MqttOptions::new(terms.client_id, broker.host.clone(), broker.port);
    options.set_keep_alive(terms.keep_alive).set_clean_session(true);
    options.set_max_packet_size(PACKET_MAX, PACKET_MAX);
    options.set_transport(broker.transport());
    if let Some((topic, body)) = terms.will {
        options.set_last_will(LastWill::new(topic, body, QoS::AtLeastOnce, true));
    }
    if let Some((user, password)) = terms.login.or(broker.login.as_ref()) {
        options.set_credentials(user, password);
    }
    let (client, mut events) = AsyncClient::new(options, terms.channel);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(CONNECT_MAX_S);
    events.set_network_options(network);
    (client, events)
}
