//! What outsiders know of a site: the events on RabbitMQ and the orders on MQTT, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rumqttc::{Publish, QoS};
use serde_json::Value;

use super::amqp::Subscription;
use super::mosquitto::Mosquitto;
use super::mqtt::Listener;

/// What a customer's program has heard, by number; a repeat must be the same.
#[derive(Default)]
pub struct Heard {
    pub events: BTreeMap<u64, Value>,
    /// Events that came more than once.
    pub repeats: usize,
}

impl Heard {
    /// Takes one event.
    pub async fn next(&mut self, events: &mut Subscription) {
        let message = events.next().await;
        let event: Value = serde_json::from_str(&message.body).unwrap();
        let (n, site) = (event["n"].as_u64().unwrap(), event["site"].as_str().unwrap());
        assert_eq!(message.id, format!("{site}/{n}"));
        assert_eq!(message.key, format!("{site}.job.{}", event["state"].as_str().unwrap()));
        if let Some(before) = self.events.insert(n, event.clone()) {
            assert_eq!(before, event, "a repeat differs");
            self.repeats += 1;
        }
    }

    pub async fn until_done(&mut self, events: &mut Subscription, jobs: usize) {
        while self.count("done") < jobs {
            self.next(events).await;
            self.assert_none("failed");
        }
    }

    /// Job ids that reached this state, in the order told.
    pub fn reached(&self, state: &str) -> Vec<&str> {
        let told = self.events.values().filter(|event| event["state"] == state);
        told.filter_map(|event| event["job_id"].as_str()).collect()
    }

    pub fn count(&self, state: &str) -> usize {
        self.reached(state).len()
    }

    pub fn assert_none(&self, state: &str) {
        let told = self.events.values().find(|event| event["state"] == state);
        assert!(told.is_none(), "{}", told.unwrap_or(&Value::Null));
    }

    /// Every job accepted in queue order and once, done once, none failed; each sequence started and done in queue
    /// order; no number left out.
    pub fn assert_all_done_in_order(&self, jobs: &[Value]) {
        let queue: Vec<&str> = jobs.iter().map(id).collect();
        assert_eq!(self.reached("accepted"), queue, "accepted once each, in queue order");
        self.assert_none("failed");
        self.assert_none("cancelled");
        let done = self.reached("done");
        assert_eq!(done.len(), jobs.len(), "done once each");
        assert_eq!(done.iter().collect::<BTreeSet<_>>(), queue.iter().collect(), "done once each");
        for (sequence, in_queue) in sequences(jobs) {
            for state in ["started", "done"] {
                let told: Vec<&str> =
                    self.reached(state).into_iter().filter(|id| in_queue.contains(id)).collect();
                assert_eq!(told, in_queue, "{sequence}: {state} in queue order");
            }
        }
        let numbers: Vec<u64> = self.events.keys().copied().collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "numbers have a gap");
    }
}

fn id(job: &Value) -> &str {
    job["job_id"].as_str().unwrap()
}

fn sequences(jobs: &[Value]) -> BTreeMap<&str, Vec<&str>> {
    let mut sequences: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for job in jobs {
        if let Some(sequence) = job["sequence"].as_str() {
            sequences.entry(sequence).or_default().push(id(job));
        }
    }
    sequences
}

/// Every order message that robots are sent, from the time of `listen` on.
pub struct Orders {
    heard: Arc<Mutex<Vec<Sent>>>,
    _listener: Listener,
}

/// An order message.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: Instant,
    pub topic: String,
    pub order: Value,
}

impl Orders {
    /// Subscribed when this returns.
    pub async fn listen(mosquitto: &Mosquitto) -> Orders {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&heard);
        let take = move |message: &Publish| {
            let (topic, order) = (message.topic.clone(), serde_json::from_slice(&message.payload).unwrap());
            list.lock().unwrap().push(Sent { at: Instant::now(), topic, order });
        };
        let filters = &["uagv/v2/+/+/order"];
        let listener = Listener::start(mosquitto, "outside", filters, QoS::AtMostOnce, take).await;
        Orders { heard, _listener: listener }
    }

    pub fn all(&self) -> Vec<Sent> {
        self.heard.lock().unwrap().clone()
    }

    pub fn first_after(&self, moment: Instant) -> Option<Instant> {
        self.heard.lock().unwrap().iter().map(|sent| sent.at).find(|at| *at >= moment)
    }

    /// Each load is picked by one action, each dock has one drop per job, and a resend is identical but for its header.
    pub fn assert_once_only(&self, jobs: &[Value]) {
        let sent = self.all();
        let resends = assert_resends_identical(&sent);
        println!("{} order messages, {resends} of them again", sent.len());
        let mut actions: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for action in sent.iter().flat_map(|sent| released_actions(&sent.order)) {
            let kind = action["actionType"].as_str().unwrap().to_owned();
            let key = parameter(action, if kind == "pick" { "loadId" } else { "stationName" });
            let id = action["actionId"].as_str().unwrap().to_owned();
            actions.entry((kind, key)).or_default().insert(id);
        }
        let mut wanted: BTreeMap<(String, String), usize> = BTreeMap::new();
        for leg in jobs.iter().flat_map(|job| job["legs"].as_array().unwrap()) {
            let kind = leg["action"].as_str().unwrap().to_owned();
            let key = if kind == "pick" { &leg["load"]["id"] } else { &leg["station"] };
            *wanted.entry((kind, key.as_str().unwrap().to_owned())).or_default() += 1;
        }
        let ordered: BTreeMap<_, usize> = actions
            .iter()
            .filter(|((kind, _), _)| kind == "pick" || kind == "drop")
            .map(|(key, ids)| (key.clone(), ids.len()))
            .collect();
        assert_eq!(ordered, wanted, "each pick and each drop is ordered once: {actions:?}");
    }
}

/// How many messages said the same again.
fn assert_resends_identical(sent: &[Sent]) -> usize {
    let mut known: BTreeMap<(&str, &str, u64), Value> = BTreeMap::new();
    for Sent { topic, order, .. } in sent {
        let mut bare = order.clone();
        for key in ["headerId", "timestamp"] {
            bare.as_object_mut().unwrap().remove(key);
        }
        let key =
            (topic.as_str(), order["orderId"].as_str().unwrap(), order["orderUpdateId"].as_u64().unwrap());
        let before = known.entry(key).or_insert_with(|| bare.clone());
        assert_eq!(*before, bare, "the same update with another content");
    }
    sent.len() - known.len()
}

/// The actions of an order's base: those the robot may carry out.
fn released_actions(order: &Value) -> impl Iterator<Item = &Value> {
    let nodes = order["nodes"].as_array().unwrap().iter();
    let released = nodes.filter(|node| node["released"] == true);
    released.filter_map(|node| node["actions"].as_array()).flatten()
}

pub fn parameter(action: &Value, key: &str) -> String {
    let parameters = action["actionParameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = parameters.iter().find(|parameter| parameter["key"] == key);
    found.and_then(|parameter| parameter["value"].as_str()).unwrap_or_default().to_owned()
}
