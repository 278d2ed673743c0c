//! Streams made by hand: a line of nodes n0, n2, n4 ..., each at x = its number, and a robot on it.

use super::{Check, Ground, Outcome, RULES};
use crate::conform::master::phase::Phase;
use crate::conform::master::story::{Entry, How, Sent, Story, What};
use drover_proto::vda5050::{
    ActionState, ActionStatus, AgvPosition, ConnectionState, Error, ErrorLevel, Factsheet, NodeState,
    OperatingMode, OptionalParameter, ProtocolFeatures, State, Support,
};
use serde_json::{Value, json};

#[derive(Clone)]
pub(super) struct Bench {
    story: Story,
    now_ms: u64,
    header_id: u32,
}

impl Bench {
    /// The robot stands on n0 and has told so.
    pub fn new() -> Self {
        let story = Story { manufacturer: "acme".into(), serial: "r01".into(), entries: Vec::new() };
        let mut bench = Self { story, now_ms: 1_795_000_000_000, header_id: 0 };
        bench.standing("", 0, 0);
        bench
    }

    /// And it has got order O, base n0 to n4, and drives.
    pub fn under_way() -> Self {
        let mut bench = Self::new();
        bench.order("O", 0, 0, 4, 4);
        bench.driving("O", 0, 0);
        bench
    }

    pub fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    fn push(&mut self, what: What) {
        self.now_ms += 10;
        self.story.entries.push(Entry { at_ms: self.now_ms, phase: Phase::Fair, what });
    }

    fn head(&mut self) -> Value {
        self.header_id += 1;
        json!({
            "headerId": self.header_id, "timestamp": "2026-11-22T12:00:00.000Z", "version": "2.1.0",
            "manufacturer": "acme", "serialNumber": "r01",
        })
    }

    /// An order from node `from`, released up to `base`, with a horizon up to `end`; sequence ids are the nodes' numbers.
    pub fn order(&mut self, id: &str, update: u32, from: u32, base: u32, end: u32) {
        let mut order = self.head();
        let node = |number: u32| {
            json!({
                "nodeId": format!("n{number}"), "sequenceId": number, "released": number <= base, "actions": [],
                "nodePosition": { "x": f64::from(number), "y": 0.0, "mapId": "floor", "allowedDeviationXY": 0.1 },
            })
        };
        let edge = |number: u32| {
            json!({
                "edgeId": format!("e{}", number + 1), "sequenceId": number + 1, "released": number + 2 <= base,
                "startNodeId": format!("n{number}"), "endNodeId": format!("n{}", number + 2), "actions": [],
            })
        };
        order["orderId"] = json!(id);
        order["orderUpdateId"] = json!(update);
        order["nodes"] = (from..=end).step_by(2).map(node).collect();
        order["edges"] = (from..end).step_by(2).map(edge).collect();
        self.send_raw(order);
    }

    pub fn send_raw(&mut self, raw: Value) {
        let read = drover_proto::parse_order(raw.to_string().as_bytes()).map_err(|error| error.to_string());
        self.push(What::Order(Box::new(Sent { retain: false, qos: 0, raw, read })));
    }

    pub fn instant(&mut self, kind: &str, id: &str) {
        let mut raw = self.head();
        raw["actions"] = json!([{ "actionType": kind, "actionId": id, "blockingType": "NONE" }]);
        let read = drover_proto::parse_instant_actions(raw.to_string().as_bytes());
        let read = read.map_err(|error| error.to_string());
        self.push(What::Instant(Box::new(Sent { retain: false, qos: 0, raw, read })));
    }

    /// Changes the controller's last message, and reads it again.
    pub fn change(&mut self, change: impl Fn(&mut Value)) {
        let sent = self.story.entries.iter_mut().rev().find_map(|entry| match &mut entry.what {
            What::Order(sent) => {
                change(&mut sent.raw);
                let read = drover_proto::parse_order(sent.raw.to_string().as_bytes());
                sent.read = read.map_err(|error| error.to_string());
                Some(())
            }
            What::Instant(sent) => {
                change(&mut sent.raw);
                let read = drover_proto::parse_instant_actions(sent.raw.to_string().as_bytes());
                sent.read = read.map_err(|error| error.to_string());
                Some(())
            }
            What::State(..) | What::Connection(_) | What::Factsheet(_) => None,
            What::Forgot | What::Probed(_) => None,
        });
        sent.unwrap();
    }

    /// One field of it.
    pub fn patch(&mut self, field: &str, value: Value) {
        self.change(|raw| raw[field] = value.clone());
    }

    /// How its last order travelled.
    pub fn sent_with(&mut self, retain: bool, qos: u8) {
        let found = self.story.entries.iter_mut().rev().find_map(|entry| match &mut entry.what {
            What::Order(sent) => Some(sent),
            What::Instant(_) | What::State(..) | What::Connection(_) => None,
            What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
        });
        let sent = found.unwrap();
        (sent.retain, sent.qos) = (retain, qos);
    }

    fn state(&mut self, id: &str, update: u32, at: u32) -> State {
        State {
            order_id: id.into(),
            order_update_id: update,
            last_node_id: format!("n{at}"),
            last_node_sequence_id: at,
            agv_position: Some(AgvPosition {
                x: f64::from(at),
                map_id: "floor".into(),
                ..AgvPosition::default()
            }),
            ..State::default()
        }
    }

    /// A state of a robot that stands, with nothing left to drive.
    pub fn standing(&mut self, id: &str, update: u32, at: u32) {
        let state = self.state(id, update, at);
        self.push(What::State(How::Now, Box::new(state)));
    }

    /// A state of a robot under way, with a node ahead.
    pub fn driving(&mut self, id: &str, update: u32, at: u32) {
        let ahead = NodeState {
            node_id: "ahead".into(),
            sequence_id: at + 2,
            released: true,
            ..NodeState::default()
        };
        let state = State { node_states: vec![ahead], driving: true, ..self.state(id, update, at) };
        self.push(What::State(How::Now, Box::new(state)));
    }

    fn last_state(&mut self) -> (&mut How, &mut State) {
        let found = self.story.entries.iter_mut().rev().find_map(|entry| match &mut entry.what {
            What::State(how, state) => Some((how, &mut **state)),
            What::Order(_) | What::Instant(_) | What::Connection(_) => None,
            What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
        });
        found.unwrap()
    }

    /// An action in the last state.
    pub fn action(&mut self, id: &str, status: &str) {
        let status: ActionStatus = serde_json::from_value(json!(status)).unwrap();
        self.last_state().1.action_states.push(ActionState::new(id, status));
    }

    /// What became of the last state.
    pub fn told_as(&mut self, how: How) {
        *self.last_state().0 = how;
    }

    pub fn say_version(&mut self, version: &str) {
        self.last_state().1.header.version = version.into();
    }

    /// A state of a robot under way on O that refuses this.
    pub fn refuse(&mut self, id: &str, update: u32) {
        self.driving("O", 0, 2);
        let error = Error::new("orderUpdateError", ErrorLevel::Warning);
        let error = error.about("orderId", id).about("orderUpdateId", update.to_string());
        self.last_state().1.errors.push(error);
    }

    /// MANUAL, on n2, the order dropped.
    pub fn by_hand(&mut self) {
        self.standing("O", 0, 2);
        self.last_state().1.operating_mode = OperatingMode::Manual;
    }

    pub fn broken(&mut self) {
        self.push(What::Connection(ConnectionState::ConnectionBroken));
    }

    pub fn forgot(&mut self) {
        self.push(What::Forgot);
    }

    pub fn probed(&mut self, topics: &[&str]) {
        self.push(What::Probed(topics.iter().map(|topic| (*topic).to_owned()).collect()));
    }

    pub fn lists(&mut self, parameters: &[&str]) {
        let listed = parameters.iter().map(|parameter| OptionalParameter {
            parameter: (*parameter).to_owned(),
            support: Support::Supported,
            description: None,
        });
        let features =
            ProtocolFeatures { optional_parameters: listed.collect(), ..ProtocolFeatures::default() };
        let factsheet = Factsheet { protocol_features: Some(features), ..Factsheet::default() };
        self.push(What::Factsheet(Box::new(factsheet)));
    }

    fn judge(&self, rule: &str) -> Outcome {
        let ground = Ground { maps: ["floor".to_owned()].into() };
        let found = RULES.iter().flat_map(|group| group.iter()).find(|known| known.id == rule);
        Check::run(found.unwrap(), &self.story, &ground)
    }
}

pub(super) fn assert_passes(rule: &str, bench: &Bench) {
    assert_eq!(bench.judge(rule), Outcome::Pass, "{rule}");
}

pub(super) fn assert_not_seen(rule: &str, bench: &Bench) {
    assert_eq!(bench.judge(rule), Outcome::NotSeen, "{rule}");
}

pub(super) fn assert_fails(rule: &str, bench: &Bench, why: &str) {
    let Outcome::Fail(fault) = bench.judge(rule) else {
        panic!("{rule} doesn't fail: {:?}", bench.judge(rule))
    };
    assert!(fault.why.contains(why), "{rule} fails by {:?}, not {why:?}", fault.why);
    assert_eq!(fault.robot, "acme/r01");
    assert!(!fault.message.is_empty());
}

#[test]
fn rules_have_names_of_their_own() {
    let ids: Vec<&str> = RULES.iter().flat_map(|group| group.iter()).map(|rule| rule.id).collect();
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
}
