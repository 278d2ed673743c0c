//! A fresh subscriber: does the broker keep what the controller sent?

use super::story::{Entry, Story, What};
use crate::broker::{Broker, Login};
use crate::mqtt::{self, Terms};
use drover_agent_core::Identity;
use drover_proto::vda5050::{Dialect, TopicKind};
use rumqttc::{Event, Packet, QoS};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const SUBSCRIBED_MAX: Duration = Duration::from_secs(5);
/// Kept messages come with the subscription; so long after it they are waited for.
const KEPT_MAX: Duration = Duration::from_millis(700);

/// Looks, and notes what it found at the end of the robot's story; nothing if it couldn't look.
pub(super) async fn look(broker: &Broker, identity: &Identity, login: Option<&Login>, story: &mut Story) {
    let found = kept(broker, identity, login).await;
    let last = story.entries.last().map(|entry| (entry.at_ms, entry.phase));
    if let (Some(topics), Some((at_ms, phase))) = (found, last) {
        story.entries.push(Entry { at_ms, phase, what: What::Probed(topics) });
    }
}

async fn kept(broker: &Broker, identity: &Identity, login: Option<&Login>) -> Option<Vec<String>> {
    let topics =
        [TopicKind::Order, TopicKind::InstantActions].map(|topic| identity.topic(Dialect::V2, topic));
    let client_id = format!("{}-{}-probe", identity.manufacturer, identity.serial);
    let terms = Terms { broker, client_id, login, keep_alive: KEEP_ALIVE, will: None, channel: topics.len() };
    let (client, mut events) = mqtt::client(terms);
    for topic in &topics {
        client.try_subscribe(topic, QoS::AtMostOnce).ok()?;
    }
    let (mut found, mut missing) = (Vec::new(), topics.len());
    let mut end = Instant::now() + SUBSCRIBED_MAX;
    while let Ok(event) = timeout_at(end, events.poll()).await {
        match event {
            Ok(Event::Incoming(Packet::Publish(publish))) if publish.retain => found.push(publish.topic),
            Ok(Event::Incoming(Packet::SubAck(_))) => {
                missing -= 1;
                end = if missing == 0 { Instant::now() + KEPT_MAX } else { end };
            }
            Ok(Event::Incoming(_) | Event::Outgoing(_)) => {}
            Err(error) => {
                tracing::warn!(%error, "can't look for retained messages");
                return None;
            }
        }
    }
    (missing == 0).then_some(found)
}
