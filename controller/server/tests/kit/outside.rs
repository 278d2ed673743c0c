//! What outsiders know of a site: the events on RabbitMQ and the orders on MQTT, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rumqttc::{Publish, QoS};
use serde_json::Value;

use super::amqp::{Message, Subscription};
use super::mosquitto::Mosquitto;
use super::mqtt::Listener;

/// What a customer's program has heard, by number; a repeat must be the same.
#[derive(Default)]
pub struct Heard {
    pub events: BTreeMap<u64, Value>,
    /// Events that came more than once.
    pub repeats: usize,
    /// How many events told each state.
    counts: BTreeMap<String, usize>,
}

impl Heard {
    /// Takes one event.
    pub async fn next(&mut self, events: &mut Subscription) {
        self.take(&events.next().await);
    }

    /// An event has come.
    pub fn take(&mut self, message: &Message) {
        let event: Value = serde_json::from_str(&message.body).unwrap();
        let (n, site) = (event["n"].as_u64().unwrap(), event["site"].as_str().unwrap());
        let state = event["state"].as_str().unwrap().to_owned();
        assert_eq!(message.id, format!("{site}/{n}"));
        assert_eq!(message.key, format!("{site}.job.{state}"));
        match self.events.insert(n, event) {
            None => *self.counts.entry(state).or_default() += 1,
            Some(before) => {
                assert_eq!(before, self.events[&n], "a repeat differs");
                self.repeats += 1;
            }
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
        self.counts.get(state).copied().unwrap_or_default()
    }

    pub fn assert_none(&self, state: &str) {
        let told = self.events.values().find(|event| event["state"] == state);
        assert!(told.is_none(), "{}", told.unwrap_or(&Value::Null));
    }

    /// Every job accepted in queue order and once, done once, none failed; each sequence started and done in queue
    /// order; no number left out.
    pub fn assert_all_done_in_order(&self, jobs: &[Value]) {
        self.assert_all_accepted_in_order(jobs);
        let queue: BTreeSet<&str> = jobs.iter().map(id).collect();
        let done = self.reached("done");
        assert_eq!(done.len(), jobs.len(), "done once each");
        assert_eq!(done.into_iter().collect::<BTreeSet<_>>(), queue, "done once each");
        let in_queue = sequences(jobs.iter().map(id), jobs);
        for state in ["started", "done"] {
            let mut told = self.reached(state);
            // A job that came back to the queue starts again with another robot: its first start counts.
            let mut seen = BTreeSet::new();
            told.retain(|id| seen.insert(*id));
            assert_eq!(
                sequences(told.into_iter(), jobs),
                in_queue,
                "{state} in queue order in each sequence"
            );
        }
    }

    /// Every job accepted in queue order and once, none failed or cancelled; no number left out.
    pub fn assert_all_accepted_in_order(&self, jobs: &[Value]) {
        let (accepted, queue) = (self.reached("accepted"), jobs.iter().map(id).collect::<Vec<_>>());
        let odd = accepted.iter().zip(&queue).position(|(told, sent)| told != sent);
        let odd = odd.map(|at| format!("{} instead of {} at {at}", accepted[at], queue[at]));
        assert_eq!((accepted.len(), odd), (queue.len(), None), "accepted once each, in queue order");
        self.assert_none("failed");
        self.assert_none("cancelled");
        let gap = (1..).zip(self.events.keys()).find(|(n, told)| n != *told);
        assert_eq!(gap, None, "numbers have a gap");
    }
}

fn id(job: &Value) -> &str {
    job["job_id"].as_str().unwrap()
}

/// These ids by their jobs' sequence, in this order.
fn sequences<'a>(ids: impl Iterator<Item = &'a str>, jobs: &'a [Value]) -> BTreeMap<&'a str, Vec<&'a str>> {
    let named = |job: &'a Value| Some((id(job), job["sequence"].as_str()?));
    let sequence_of: BTreeMap<&str, &str> = jobs.iter().filter_map(named).collect();
    let mut sequences: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for id in ids {
        if let Some(sequence) = sequence_of.get(id) {
            sequences.entry(sequence).or_default().push(id);
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
