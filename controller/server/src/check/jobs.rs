//! RabbitMQ, as `drover check` sees it: who we are there, and whether we may do what the controller must.
//!
//! Rights are tried on things of our own, named as the controller's are and gone with the connection. What exists
//! already is declared again as the controller will do, which changes nothing and tells a difference.

use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};

use super::{ANSWER_MAX, Row, within};
use crate::config::{Config, Peer, SecretUrl};
use crate::intake::link::Address;
use crate::intake::queue_arguments;
use crate::{run, tls};

pub(super) async fn rows(config: &Config) -> Vec<Row> {
    let Peer::Url(url) = &config.jobs else { return vec![Row::right("jobs", "embedded")] };
    let connection = match within(ANSWER_MAX, connect(config, url)).await {
        Ok(connection) => connection,
        Err(error) => return vec![Row::wrong("jobs", error)],
    };
    let mut rows = vec![Row::right("jobs", format!("{url} answers"))];
    rows.push(Row::of("jobs rights", within(ANSWER_MAX, try_rights(&connection, &config.site)).await));
    rows.push(Row::of("jobs queue", within(ANSWER_MAX, queues(&connection, &config.site)).await));
    // Nothing is left to lose on it.
    let _ =
        within(ANSWER_MAX, async { connection.close(200, "bye".into()).await.map_err(|e| e.to_string()) })
            .await;
    rows
}

async fn connect(config: &Config, url: &SecretUrl) -> Result<Connection, String> {
    let address = Address::of(&run::jobs_broker(config, url)).map_err(|error| error.to_string())?;
    let name = format!("drover {} check", config.site);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    address.connect(properties).await.map_err(|error| {
        let told = tls::told(&error, "jobs.ca");
        let mend = if told.contains("ACCESS") {
            "bad user or password; mend key `jobs.url`, or the account in RabbitMQ"
        } else if told.contains("NOT_ALLOWED") || told.contains("NOT-ALLOWED") {
            "no such vhost, or none for this user; mend key `jobs.url`, or the vhost in RabbitMQ"
        } else {
            "start RabbitMQ or mend key `jobs.url`"
        };
        format!("{url}: {told}; {mend}")
    })
}

/// Declares, binds, publishes and consumes on a queue and an exchange of our own.
async fn try_rights(connection: &Connection, site: &str) -> Result<String, String> {
    let name = format!("drover.{site}.check-{}", std::process::id());
    let tried = use_own(connection, site, &name).await;
    // A refusal closes its channel. What was bound is gone by itself; then the broker says that there is none.
    if let Ok(channel) = connection.create_channel().await {
        let _ = channel.exchange_delete(name.as_str().into(), ExchangeDeleteOptions::default()).await;
    }
    tried
}

async fn use_own(connection: &Connection, site: &str, name: &str) -> Result<String, String> {
    let refused = |right: &'static str| {
        move |error: lapin::Error| {
            format!(
                "may not {right} {name} ({error}); give the user configure, write and read rights on `drover\\..*`"
            )
        }
    };
    let channel = connection.create_channel().await.map_err(refused("open a channel for"))?;
    let exchange = ExchangeDeclareOptions { auto_delete: true, ..ExchangeDeclareOptions::default() };
    let queue = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let none = FieldTable::default;
    let kind = ExchangeKind::Direct;
    channel.exchange_declare(name.into(), kind, exchange, none()).await.map_err(refused("declare"))?;
    channel.queue_declare(name.into(), queue, none()).await.map_err(refused("declare"))?;
    let bind = QueueBindOptions::default();
    channel.queue_bind(name.into(), name.into(), site.into(), bind, none()).await.map_err(refused("bind"))?;
    channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(refused("confirm on"))?;
    let publish = BasicPublishOptions::default();
    let sent = channel.basic_publish(name.into(), site.into(), publish, b"", BasicProperties::default());
    sent.await.map_err(refused("write to"))?.await.map_err(refused("write to"))?;
    let consume = BasicConsumeOptions::default();
    channel
        .basic_consume(name.into(), "check".into(), consume, none())
        .await
        .map_err(refused("read from"))?;
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.map_err(refused("delete"))?;
    Ok("may declare, bind, publish and consume".to_owned())
}

/// The site's own queues, where they exist.
async fn queues(connection: &Connection, site: &str) -> Result<String, String> {
    let mut told = Vec::new();
    for kind in ["jobs", "dead"] {
        let name = format!("drover.{site}.{kind}");
        let channel = connection.create_channel().await.map_err(|error| error.to_string())?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        match channel.queue_declare(name.as_str().into(), passive, FieldTable::default()).await {
            Ok(queue) => {
                declare_again(&channel, &name, kind, site).await?;
                let (messages, consumers) = (queue.message_count(), queue.consumer_count());
                told.push(format!("{name}: {messages} messages, {consumers} consumers"));
            }
            Err(_) => told.push(format!("{name}: not there yet, `drover run` makes it")),
        }
    }
    Ok(told.join("; "))
}

async fn declare_again(channel: &Channel, name: &str, kind: &str, site: &str) -> Result<(), String> {
    let arguments = queue_arguments(kind, site);
    let again = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await;
    again.map(drop).map_err(|error| {
        format!("{name} was declared differently ({error}); delete it in RabbitMQ when it is empty, `drover run` makes it anew")
    })
}
