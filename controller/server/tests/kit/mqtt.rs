//! Clients of the robots' broker: one with an account of its own, and one that only listens.

use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Packet, Publish, QoS,
    SubscribeFilter,
};
use tokio::task::JoinHandle;

use super::mosquitto::Mosquitto;

const RECONNECT: Duration = Duration::from_millis(100);
const PACKET_MAX: usize = 1024 * 1024;

/// Takes every message that comes until it is dropped; it comes back by itself when the broker does.
pub struct Listener(JoinHandle<()>);

impl Listener {
    /// Subscribed when this returns.
    pub async fn start(
        mosquitto: &Mosquitto,
        name: &str,
        filters: &'static [&'static str],
        qos: QoS,
        mut take: impl FnMut(&Publish) + Send + 'static,
    ) -> Listener {
        let mut options = MqttOptions::new(name, "127.0.0.1", mosquitto.port());
        options.set_max_packet_size(PACKET_MAX, PACKET_MAX);
        let (client, mut events) = AsyncClient::new(options, 10);
        let (subscribed, is_subscribed) = tokio::sync::oneshot::channel();
        let mut subscribed = Some(subscribed);
        let task = tokio::spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        let filters =
                            filters.iter().map(|filter| SubscribeFilter::new((*filter).to_owned(), qos));
                        client.try_subscribe_many(filters).unwrap();
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => {
                        let _ = subscribed.take().map(|subscribed| subscribed.send(()));
                    }
                    Ok(Event::Incoming(Packet::Publish(message))) => take(&message),
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(RECONNECT).await,
                }
            }
        });
        is_subscribed.await.unwrap();
        Listener(task)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

const ANSWER_MAX: Duration = Duration::from_secs(30);

pub struct Client {
    client: AsyncClient,
    events: EventLoop,
}

impl Client {
    /// Connects, or gives the broker's refusal. No user = anonymous.
    pub async fn connect(port: u16, login: Option<(&str, &str)>) -> Result<Client, ConnectReturnCode> {
        let name = format!("test-{}", login.map_or("anonymous", |(user, _)| user));
        let mut options = MqttOptions::new(name, "127.0.0.1", port);
        if let Some((user, password)) = login {
            options.set_credentials(user, password);
        }
        let (client, mut events) = AsyncClient::new(options, 100);
        loop {
            match tokio::time::timeout(ANSWER_MAX, events.poll()).await.unwrap() {
                Ok(Event::Incoming(Packet::ConnAck(_))) => return Ok(Client { client, events }),
                Ok(_) => {}
                Err(ConnectionError::ConnectionRefused(code)) => return Err(code),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Subscribes, and waits for the answer.
    pub async fn subscribe(&mut self, filter: &str) {
        self.client.try_subscribe(filter, QoS::AtLeastOnce).unwrap();
        self.until(|packet| matches!(packet, Packet::SubAck(_))).await;
    }

    /// Publishes, and waits until the broker has it: also when it throws it away.
    pub async fn publish(&mut self, topic: &str, body: &str) {
        self.client.try_publish(topic, QoS::AtLeastOnce, false, body).unwrap();
        self.until(|packet| matches!(packet, Packet::PubAck(_))).await;
    }

    /// The next message that isn't retained.
    pub async fn next(&mut self) -> (String, String) {
        let packet = self.until(|packet| matches!(packet, Packet::Publish(message) if !message.retain)).await;
        let Packet::Publish(message) = packet else { unreachable!() };
        (message.topic, String::from_utf8_lossy(&message.payload).into_owned())
    }

    async fn until(&mut self, is_it: impl Fn(&Packet) -> bool) -> Packet {
        loop {
            let event = tokio::time::timeout(ANSWER_MAX, self.events.poll()).await.unwrap().unwrap();
            if let Event::Incoming(packet) = event
                && is_it(&packet)
            {
                return packet;
            }
        }
    }
}
