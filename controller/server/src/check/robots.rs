//! The robots' broker, as `drover check` sees it: whether it takes our login, whether we may read and write what the
//! controller must, and who of the configured robots and devices is there.
//!
//! A broker may drop what isn't allowed without a word. So rights are tried: messages to a robot and a device that
//! don't exist must come back to us.

use std::collections::BTreeSet;
use std::time::Duration;

use drover_maps::Layout;
use drover_proto::device::{DeviceTopic, DeviceTopicKind, Presence};
use drover_proto::vda5050::{Connection, ConnectionState, Topic, TopicKind};
use rumqttc::{AsyncClient, Event, EventLoop, Packet, Publish, QoS, SubscribeFilter, SubscribeReasonCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{ANSWER_MAX, Row, within};
use crate::config::{Config, Peer, SecretUrl};
use crate::mqtt::{self, Options};
use crate::run;

/// How long a message of ours may take to come back.
const PROBE_MAX: Duration = Duration::from_secs(2);
/// Manufacturer of the robot that doesn't exist.
const NOBODY: &str = "drover-check";
/// Names told at most.
const NAMES_MAX: usize = 8;

/// What was seen on the broker.
#[derive(Debug, Default)]
struct Seen {
    /// Filters it refuses.
    refused: Vec<String>,
    /// Messages of ours that didn't come back.
    lost: BTreeSet<String>,
    /// Devices whose agent is there.
    devices: BTreeSet<String>,
    /// Robots that are there, `manufacturer/serial`.
    robots: BTreeSet<String>,
}

pub(super) async fn rows(config: &Config, layout: Option<&Layout>) -> Vec<Row> {
    let Peer::Url(url) = &config.mqtt.peer else { return vec![Row::right("mqtt", "embedded")] };
    let mut options = run::robots_broker(config, url.clone(), layout);
    // The site's own name would throw a running controller out.
    options.client_id = format!("{NOBODY}-{}-{}", config.site, std::process::id());
    let seen = match within(ANSWER_MAX, look(&options)).await {
        Ok(seen) => seen,
        Err(error) => return vec![Row::wrong("mqtt", format!("{url}: {error}"))],
    };
    let mut rows = vec![Row::right("mqtt", format!("{url} answers"))];
    if admits_anybody(&options).await {
        let mend = "anybody may speak as a robot; write allow_anonymous false there, as `drover site credentials` does";
        rows.push(Row::warning("mqtt", format!("{url} admits clients without a password: {mend}")));
    }
    rows.push(Row::of("mqtt rights", rights(&seen)));
    if let Some(layout) = layout {
        rows.extend(present(&seen, layout));
    }
    rows
}

/// Where we have an account, nobody should come without one.
async fn admits_anybody(options: &Options) -> bool {
    let Ok(address) = mqtt::address(&options.url) else { return false };
    if address.login.is_none() && options.login.is_none() {
        return false;
    }
    let scheme = if address.is_secure { "mqtts" } else { "mqtt" };
    let url = SecretUrl::new(format!("{scheme}://{}:{}", address.host, address.port));
    let client_id = format!("{}-anonymous", options.client_id);
    let Ok(mut client) = mqtt::client_options(&Options { url, login: None, client_id, ..options.clone() })
    else {
        return false;
    };
    client.set_clean_session(true);
    let (_client, mut events) = AsyncClient::new(client, 1);
    let greeted = within(ANSWER_MAX, async { events.poll().await.map_err(|error| error.to_string()) });
    matches!(greeted.await, Ok(Event::Incoming(Packet::ConnAck(_))))
}

fn rights(seen: &Seen) -> Result<String, String> {
    let mend = "give this account the rights that `drover site credentials` writes for the controller";
    if !seen.refused.is_empty() {
        return Err(format!("the broker refuses to let us read {}; {mend}", seen.refused.join(", ")));
    }
    if !seen.lost.is_empty() {
        let lost: Vec<&str> = seen.lost.iter().map(String::as_str).collect();
        return Err(format!("may not write, or not read back, {}; {mend}", lost.join(", ")));
    }
    Ok("may read states and write orders and device requests".to_owned())
}

/// Who of the configured is there. Absent robots are no news before a start; a device nobody answers for is.
fn present(seen: &Seen, layout: &Layout) -> Vec<Row> {
    let mut rows = Vec::new();
    if !layout.robots().is_empty() {
        let is_there = |robot: &&drover_maps::RobotEntry| {
            seen.robots.contains(&format!("{}/{}", robot.manufacturer, robot.serial))
        };
        let there = layout.robots().iter().filter(is_there).count();
        rows.push(Row::right("robots", format!("{there} of {} are connected", layout.robots().len())));
    }
    let absent: Vec<&str> = layout
        .devices()
        .iter()
        .map(|device| device.name.as_str())
        .filter(|name| !seen.devices.contains(*name))
        .collect();
    if !absent.is_empty() {
        let more = absent.len().saturating_sub(NAMES_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = absent[..absent.len().min(NAMES_MAX)].join(", ");
        let mend = "no robot will pass them; start the drover-agent that has them in its devices.toml";
        rows.push(Row::warning("devices", format!("nobody answers for {names}{more}: {mend}")));
    } else if !layout.devices().is_empty() {
        rows.push(Row::right("devices", format!("all {} are answered for", layout.devices().len())));
    }
    rows
}

async fn look(options: &Options) -> Result<Seen, String> {
    let mut client = mqtt::client_options(options).map_err(|error| error.to_string())?;
    client.set_clean_session(true);
    let (client, mut events) = AsyncClient::new(client, 100);
    let probes = probes(options);
    let mut filters: Vec<SubscribeFilter> = mqtt::filters(options);
    filters.extend(probes.iter().map(|(topic, _)| SubscribeFilter::new(topic.clone(), QoS::AtMostOnce)));
    let names: Vec<String> = filters.iter().map(|filter| filter.path.clone()).collect();
    let mut seen = Seen { lost: probes.iter().map(|(topic, _)| topic.clone()).collect(), ..Seen::default() };
    let codes = subscribe(&client, &mut events, filters, &mut seen).await?;
    let refused = names.into_iter().zip(codes).filter(|(_, code)| *code == SubscribeReasonCode::Failure);
    seen.refused = refused.map(|(name, _)| name).collect();
    for (topic, body) in probes {
        client.try_publish(topic, QoS::AtMostOnce, false, body).map_err(|error| error.to_string())?;
    }
    let deadline = Instant::now() + PROBE_MAX;
    while !seen.lost.is_empty() {
        match tokio::time::timeout_at(deadline, events.poll()).await {
            Ok(Ok(Event::Incoming(Packet::Publish(message)))) => seen.hear(&message),
            Ok(Ok(_)) => {}
            // A broker may also answer what isn't allowed by hanging up.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    // Nobody waits for the answer.
    let _ = client.try_disconnect();
    Ok(seen)
}

async fn subscribe(
    client: &AsyncClient,
    events: &mut EventLoop,
    filters: Vec<SubscribeFilter>,
    seen: &mut Seen,
) -> Result<Vec<SubscribeReasonCode>, String> {
    let mut filters = Some(filters);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                if let Some(filters) = filters.take() {
                    client.try_subscribe_many(filters).map_err(|error| error.to_string())?;
                }
            }
            Ok(Event::Incoming(Packet::SubAck(answer))) => return Ok(answer.return_codes),
            Ok(Event::Incoming(Packet::Publish(message))) => seen.hear(&message),
            Ok(_) => {}
            Err(error) => {
                return Err(format!("{}; start the broker or mend key `mqtt.url`", mqtt::told(&error)));
            }
        }
    }
}

/// To a robot and a device that don't exist: well formed, so that nobody who reads along stumbles.
fn probes(options: &Options) -> Vec<(String, Vec<u8>)> {
    let Options { interfaces, site, .. } = options;
    let serial = std::process::id().to_string();
    let at = jiff::Timestamp::now().to_string();
    let header = json!({
        "headerId": 0, "timestamp": at, "version": "2.1.0", "manufacturer": NOBODY, "serialNumber": serial,
    });
    let message = |fields: Value| {
        let mut message = header.clone();
        if let (Some(message), Value::Object(fields)) = (message.as_object_mut(), fields) {
            message.extend(fields);
        }
        message.to_string().into_bytes()
    };
    let actions = message(json!({ "actions": [] }));
    let order = message(json!({ "orderId": NOBODY, "orderUpdateId": 0, "nodes": [], "edges": [] }));
    let request = json!({ "v": 1, "at": at, "want": "closed" }).to_string().into_bytes();
    let device = format!("{NOBODY}-{serial}");
    let of_device = DeviceTopic::new(site, &device, DeviceTopicKind::Request).to_string();
    let of_robots = interfaces.all().into_iter().flat_map(|interface| {
        let topic = |kind| Topic::new(interface, NOBODY, &serial, kind).to_string();
        [(topic(TopicKind::InstantActions), actions.clone()), (topic(TopicKind::Order), order.clone())]
    });
    of_robots.chain([(of_device, request)]).collect()
}

impl Seen {
    fn hear(&mut self, message: &Publish) {
        if self.lost.remove(&message.topic) {
            return;
        }
        if let Some(topic) = DeviceTopic::parse(&message.topic) {
            let is_there = match topic.kind {
                DeviceTopicKind::State => true,
                DeviceTopicKind::Connection => drover_proto::parse_device_connection(&message.payload)
                    .is_ok_and(|connection| connection.state == Presence::Online),
                DeviceTopicKind::Request => false,
            };
            if is_there {
                self.devices.insert(topic.device);
            }
        } else if let Ok(topic) = Topic::parse(&message.topic)
            && topic.kind == TopicKind::Connection
            && drover_proto::parse_in::<Connection>(topic.dialect, &message.payload)
                .is_ok_and(|connection| connection.connection_state == ConnectionState::Online)
        {
            self.robots.insert(format!("{}/{}", topic.manufacturer, topic.serial));
        }
    }
}
