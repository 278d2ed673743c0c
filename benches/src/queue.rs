//! RabbitMQ as a customer's program uses it: durable messages, mandatory and confirmed, in a quorum queue.

use anyhow::ensure;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer, PublisherConfirm};

use crate::kit::rabbit::Rabbit;

/// A connection of its own.
///
/// # Errors
/// Nobody answers.
pub async fn connect(rabbit: &Rabbit) -> anyhow::Result<Connection> {
    Ok(Connection::connect(&rabbit.url(), ConnectionProperties::default()).await?)
}

/// A channel that confirms.
///
/// # Errors
/// The connection is gone.
pub async fn channel(amqp: &Connection) -> anyhow::Result<Channel> {
    let channel = amqp.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// Declares a queue like a site's.
///
/// # Errors
/// The connection is gone, or there is another queue of this name.
pub async fn declare(channel: &Channel, name: &str) -> anyhow::Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await?;
    Ok(())
}

/// Consumes a queue.
///
/// # Errors
/// The connection or the queue is gone.
pub async fn consume(
    channel: &Channel,
    queue: &str,
    options: BasicConsumeOptions,
) -> anyhow::Result<Consumer> {
    Ok(channel.basic_consume(queue.into(), queue.into(), options, FieldTable::default()).await?)
}

/// Publishes a message; [`taken`] waits until it is safe.
///
/// # Errors
/// The connection is gone.
pub async fn publish(
    channel: &Channel,
    exchange: &str,
    key: &str,
    body: &[u8],
) -> anyhow::Result<PublisherConfirm> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default().with_delivery_mode(2);
    Ok(channel.basic_publish(exchange.into(), key.into(), options, body, properties).await?)
}

/// The message is safe in a queue.
///
/// # Errors
/// No queue took it.
pub async fn taken(confirm: PublisherConfirm) -> anyhow::Result<()> {
    let confirmation = confirm.await?;
    ensure!(confirmation.is_ack() && confirmation.take_message().is_none(), "no queue took a message");
    Ok(())
}
