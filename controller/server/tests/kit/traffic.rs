//! All that robots and the fleet say to each other on the broker, in the order in which it comes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rumqttc::{Publish, QoS};
use serde_json::Value;

use super::mosquitto::Mosquitto;
use super::mqtt::Listener;

/// Robots of every version under every prefix.
const FILTERS: &[&str] = &["+/v2/#", "+/v3/#"];

/// Every message, from the time of `listen` on.
pub struct Traffic {
    heard: Arc<Mutex<Vec<Said>>>,
    _listener: Listener,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Said {
    /// The topic's level "v2" or "v3".
    pub major: String,
    /// `manufacturer/serial`.
    pub robot: String,
    /// The topic's last level.
    pub topic: String,
    pub body: Value,
}

impl Traffic {
    /// Subscribed when this returns.
    pub async fn listen(mosquitto: &Mosquitto) -> Traffic {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&heard);
        let take = move |message: &Publish| list.lock().unwrap().push(read(&message.topic, &message.payload));
        let listener = Listener::start(mosquitto, "traffic", FILTERS, QoS::AtLeastOnce, take).await;
        Traffic { heard, _listener: listener }
    }

    pub fn all(&self) -> Vec<Said> {
        self.heard.lock().unwrap().clone()
    }

    /// Messages of this topic to or from robots whose name begins so.
    pub fn of(&self, robots: &str, topic: &str) -> Vec<Value> {
        let all = self.all().into_iter();
        all.filter(|said| said.robot.starts_with(robots) && said.topic == topic)
            .map(|said| said.body)
            .collect()
    }
}

fn read(topic: &str, payload: &[u8]) -> Said {
    let levels: Vec<&str> = topic.split('/').collect();
    let [_, major, manufacturer, serial, topic] = levels[..] else { panic!("{topic} has other levels") };
    let body = serde_json::from_slice(payload).unwrap_or_else(|error| panic!("{topic} isn't JSON: {error}"));
    Said { major: major.to_owned(), robot: format!("{manufacturer}/{serial}"), topic: topic.to_owned(), body }
}

/// How far beside the straight line between two nodes a robot may be, m.
const BESIDE_M: f64 = 0.1;
/// What two robots' middles always keep between them, m.
const APART_M: f64 = 0.6;

type Point = (f64, f64);

/// What a robot was told and has said.
#[derive(Default)]
struct Told {
    /// By order: the base's nodes and where they are, by sequenceId.
    bases: BTreeMap<String, BTreeMap<u64, (String, Point)>>,
    last: (String, u64),
    at: Option<Point>,
}

/// No robot was ever beyond the base it had been given by then, by the nodes it names and by its position; and none came
/// too near another. Gives the nodes passed, by robot.
pub fn assert_within_bases(traffic: &[Said]) -> BTreeMap<String, usize> {
    let mut robots: BTreeMap<String, Told> = BTreeMap::new();
    let mut passed: BTreeMap<String, usize> = BTreeMap::new();
    for Said { robot, topic, body, .. } in traffic {
        let told = robots.entry(robot.clone()).or_default();
        match topic.as_str() {
            "order" => told.take(body),
            "state" => {
                let has_passed = told.assert_state(robot, body);
                *passed.entry(robot.clone()).or_default() += usize::from(has_passed);
                assert_apart(robot, &robots);
            }
            _ => {}
        }
    }
    passed
}

impl Told {
    fn take(&mut self, order: &Value) {
        let base = self.bases.entry(order["orderId"].as_str().unwrap().to_owned()).or_default();
        for node in order["nodes"].as_array().unwrap().iter().filter(|node| node["released"] == true) {
            let place = (node["nodeId"].as_str().unwrap().to_owned(), point(&node["nodePosition"]));
            base.insert(node["sequenceId"].as_u64().unwrap(), place);
        }
    }

    /// Says whether it has passed a node since the last state.
    fn assert_state(&mut self, robot: &str, state: &Value) -> bool {
        self.at = Some(point(&state["agvPosition"]));
        let Some(base) = self.bases.get(state["orderId"].as_str().unwrap()) else { return false };
        let last = (state["lastNodeId"].as_str().unwrap(), state["lastNodeSequenceId"].as_u64().unwrap());
        let has_passed = (self.last.0.as_str(), self.last.1) != last;
        let known = base.get(&last.1).map(|(node, _)| node.as_str());
        // Some show a new order before they count its first node.
        assert!(!has_passed || known == Some(last.0), "{robot} beyond its base {base:?}: {state:#}");
        let at = self.at.unwrap();
        let points: Vec<Point> = base.values().map(|(_, point)| *point).collect();
        let pairs = points.windows(2).map(|ends| away(at, ends[0], ends[1]));
        let beside = pairs.chain([away(at, points[0], points[0])]).fold(f64::MAX, f64::min);
        assert!(beside <= BESIDE_M, "{robot} is {beside} m off its base {base:?}: {state:#}");
        self.last = (last.0.to_owned(), last.1);
        has_passed
    }
}

/// The fleet moves a robot to a place only after the one before has said that it left: what was last said is what counts.
fn assert_apart(robot: &str, robots: &BTreeMap<String, Told>) {
    let Some(at) = robots[robot].at else { return };
    let others = robots.iter().filter(|(name, _)| *name != robot);
    for (other, place) in others.filter_map(|(name, told)| Some((name, told.at?))) {
        let apart = away(at, place, place);
        assert!(apart >= APART_M, "{robot} at {at:?} is {apart} m from {other}");
    }
}

fn point(position: &Value) -> Point {
    (position["x"].as_f64().unwrap(), position["y"].as_f64().unwrap())
}

/// From a point to the straight piece between two others.
fn away(at: Point, from: Point, to: Point) -> f64 {
    let (along, length) = ((to.0 - from.0, to.1 - from.1), (to.0 - from.0).hypot(to.1 - from.1));
    let part = ((at.0 - from.0) * along.0 + (at.1 - from.1) * along.1) / (length * length).max(f64::EPSILON);
    let part = part.clamp(0.0, 1.0);
    (at.0 - from.0 - along.0 * part).hypot(at.1 - from.1 - along.1 * part)
}
