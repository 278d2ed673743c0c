//! A producer and consumer of RabbitMQ messages, as our customers' programs are.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};

const CONNECT_MAX: Duration = Duration::from_secs(60);
const MESSAGE_MAX: Duration = Duration::from_secs(60);
/// RabbitMQ may lose a quorum queue whose broker is killed within half a second of its birth: its directory is saved
/// that often.
const QUEUE_SAVED: Duration = Duration::from_secs(2);

pub struct Client {
    pub connection: Connection,
    pub channel: Channel,
}

/// What a consumer reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: String,
    pub key: String,
    pub body: String,
    pub headers: BTreeMap<String, String>,
    pub is_persistent: bool,
}

impl Client {
    /// Connects; a broker that has just started may refuse at first.
    pub async fn connect(url: &str) -> Client {
        let begun = Instant::now();
        loop {
            match Connection::connect(url, ConnectionProperties::default()).await {
                Ok(connection) => {
                    let channel = connection.create_channel().await.unwrap();
                    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
                    return Client { connection, channel };
                }
                Err(error) => assert!(begun.elapsed() < CONNECT_MAX, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Publishes, mandatory, and waits for the confirm; again until a queue takes it.
    pub async fn publish(&self, exchange: &str, key: &str, body: &str, headers: &[(&str, &str)]) {
        self.publish_bytes(exchange, key, body.as_bytes(), headers).await;
    }

    /// The same with any body.
    pub async fn publish_bytes(&self, exchange: &str, key: &str, body: &[u8], headers: &[(&str, &str)]) {
        let begun = Instant::now();
        while !self.try_publish(exchange, key, body, headers).await {
            assert!(begun.elapsed() < CONNECT_MAX, "no queue of {exchange} takes a message for {key}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn try_publish(&self, exchange: &str, key: &str, body: &[u8], headers: &[(&str, &str)]) -> bool {
        let mut table = FieldTable::default();
        for (key, value) in headers {
            table.insert((*key).into(), AMQPValue::LongString((*value).into()));
        }
        let properties = BasicProperties::default().with_delivery_mode(2).with_headers(table);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let publish = self.channel.basic_publish(exchange.into(), key.into(), options, body, properties);
        let confirmation = publish.await.unwrap().await.unwrap();
        confirmation.is_ack() && confirmation.take_message().is_none()
    }

    /// Takes a message off a queue, waiting for it.
    pub async fn get(&self, queue: &str) -> Message {
        let begun = Instant::now();
        loop {
            let options = BasicGetOptions { no_ack: true };
            if let Some(message) = self.channel.basic_get(queue.into(), options).await.unwrap() {
                return read(&message.delivery);
            }
            assert!(begun.elapsed() < MESSAGE_MAX, "nothing comes from {queue}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Messages ready in a queue.
    pub async fn ready(&self, queue: &str) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(queue.into(), options, FieldTable::default()).await.unwrap();
        queue.message_count()
    }

    /// Declares a durable queue, binds it, and waits until it would survive a kill of the broker.
    pub async fn bind(&self, queue: &str, exchange: &str, key: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let durable = QueueDeclareOptions::durable();
        self.channel.queue_declare(queue.into(), durable, arguments).await.unwrap();
        let options = QueueBindOptions::default();
        let bound = self.channel.queue_bind(
            queue.into(),
            exchange.into(),
            key.into(),
            options,
            FieldTable::default(),
        );
        bound.await.unwrap();
        tokio::time::sleep(QUEUE_SAVED).await;
    }

    pub async fn delete(&self, queue: &str) {
        self.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    }

    pub async fn consume(&self, queue: &str) -> Subscription {
        let options = BasicConsumeOptions::default();
        let consumer =
            self.channel.basic_consume(queue.into(), "test".into(), options, FieldTable::default());
        Subscription(consumer.await.unwrap())
    }
}

/// Messages of a queue, each acknowledged when it is read.
pub struct Subscription(Consumer);

impl Subscription {
    pub async fn next(&mut self) -> Message {
        let delivery = tokio::time::timeout(MESSAGE_MAX, self.0.next()).await.unwrap().unwrap().unwrap();
        delivery.ack(BasicAckOptions::default()).await.unwrap();
        read(&delivery)
    }
}

/// A delivery as a consumer reads it.
pub fn read(delivery: &Delivery) -> Message {
    let properties = &delivery.properties;
    let headers = properties.headers().as_ref().map(|table| table.inner().clone()).unwrap_or_default();
    let text = |value: AMQPValue| match value {
        AMQPValue::LongString(text) => text.to_string(),
        other => format!("{other:?}"),
    };
    Message {
        id: properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default(),
        key: delivery.routing_key.to_string(),
        body: String::from_utf8_lossy(&delivery.data).into_owned(),
        headers: headers.into_iter().map(|(key, value)| (key.to_string(), text(value))).collect(),
        is_persistent: *properties.delivery_mode() == Some(2),
    }
}
