//! Refused messages: published to the dead-letter exchange with a code and a reason, so that the broker's own
//! rejection, which can carry neither, is never used.

use lapin::message::Delivery;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation};

use super::link::{Link, Outage};

/// The exchange of refused messages.
pub(super) const DEAD_EXCHANGE: &str = "drover.dead";
/// Header: why, as a stable code.
const CODE: &str = "drover-code";
/// Header: why, in words.
const REASON: &str = "drover-reason";
/// Longest reason, characters: headers must fit one frame.
const REASON_CHARS_MAX: usize = 1_000;
/// Headers of the producer beyond this size (as text) are left out, for the same reason.
const HEADERS_TEXT_MAX: usize = 32 * 1024;
const PERSISTENT: u8 = 2;

/// Why a message is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) reason: String,
    /// The job, as far as known.
    pub(super) job: Option<String>,
}

/// Publishes the message to the dead-letter queue and waits until it is safe there.
pub(super) async fn bury(
    link: &Link,
    site: &str,
    delivery: &Delivery,
    refusal: &Refusal,
) -> Result<(), Outage> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = properties(&delivery.properties, refusal);
    let publish = async {
        let (exchange, key) = (DEAD_EXCHANGE.into(), site.into());
        link.channel.basic_publish(exchange, key, options, &delivery.data, properties).await?.await
    };
    match link.taken("dead-lettering", publish).await? {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(_)) => Err(Outage::Unroutable(DEAD_EXCHANGE.to_owned())),
        Confirmation::Nack(_) | Confirmation::NotRequested => Err(Outage::Refused),
    }
}

/// The producer's properties, but for those that would make the broker drop or refuse the copy (expiration, user id).
fn properties(original: &BasicProperties, refusal: &Refusal) -> BasicProperties {
    let mut properties =
        BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(headers(original, refusal));
    if let Some(value) = original.content_type() {
        properties = properties.with_content_type(value.clone());
    }
    if let Some(value) = original.content_encoding() {
        properties = properties.with_content_encoding(value.clone());
    }
    if let Some(value) = original.message_id() {
        properties = properties.with_message_id(value.clone());
    }
    if let Some(value) = original.correlation_id() {
        properties = properties.with_correlation_id(value.clone());
    }
    if let Some(value) = original.timestamp() {
        properties = properties.with_timestamp(*value);
    }
    if let Some(value) = original.app_id() {
        properties = properties.with_app_id(value.clone());
    }
    properties
}

fn headers(original: &BasicProperties, refusal: &Refusal) -> FieldTable {
    let fits = |headers: &&FieldTable| format!("{headers:?}").len() <= HEADERS_TEXT_MAX;
    let mut headers = original.headers().as_ref().filter(fits).cloned().unwrap_or_default();
    let reason: String = refusal.reason.chars().take(REASON_CHARS_MAX).collect();
    headers.insert(CODE.into(), AMQPValue::LongString(refusal.code.into()));
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    headers
}
