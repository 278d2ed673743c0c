//! `drover-agent conform --master` against a small fleet controller: a correct one, and ones with a planted mistake.

use crate::command_line::layout;
use crate::common::{Agent, Broker, Fleet, Folder, run};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(50);
/// The robots' clock runs so fast; what is to be sent again waits four of its seconds.
const SPEED: u32 = 10;
const AGAIN: Duration = Duration::from_millis(400);
/// More than the two seconds in which a controller can't be held to a state.
const WELL_KNOWN: Duration = Duration::from_millis(500);
const LAST_NODE: u32 = 7;
const UPDATES_MAX: u32 = 3;
const TEST_MAX: Duration = Duration::from_secs(180);

#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    /// Updates begin at sequence id 0 again.
    RestartedSequence,
    /// A refused update comes again under its number, shorter.
    ReusedNumber,
    /// An order while somebody drives the robot by hand.
    OrderByHand,
}

/// What was sent last.
struct Given {
    id: String,
    update: u32,
    /// Node and sequence id where it begins, and where its base ends.
    from: (u32, u32),
    end: (u32, u32),
    body: Value,
    at: Instant,
}

/// Sends the robot to and fro on the line, two nodes at a time.
struct Controller<'a> {
    fleet: &'a Fleet,
    mistake: Mistake,
    header_id: u32,
    orders: u32,
    given: Option<Given>,
    by_hand_since: Option<Instant>,
    has_erred: bool,
}

impl Controller<'_> {
    fn on_state(&mut self, state: &Value) {
        if state["operatingMode"] != "AUTOMATIC" {
            return self.on_by_hand(state);
        }
        self.by_hand_since = None;
        let Some(given) = self.given.take() else { return self.begin(state) };
        let is_it = state["orderId"] == json!(given.id);
        let shows = is_it && state["orderUpdateId"] == json!(given.update);
        let is_idle = state["nodeStates"] == json!([]);
        let has_arrived = state["lastNodeSequenceId"] == json!(given.end.1);
        if refuses(state, &given) {
            self.on_refused(state, given);
        } else if shows && is_idle && has_arrived && given.update < UPDATES_MAX {
            self.extend(given.id, given.update + 1, given.end, 2);
        } else if (shows && is_idle) || (!is_it && given.update > 0) {
            // At its end, dropped, or forgotten.
            self.begin(state);
        } else {
            self.given = Some(given);
        }
    }

    fn on_refused(&mut self, state: &Value, given: Given) {
        let is_mistaken = !std::mem::replace(&mut self.has_erred, true);
        match self.mistake {
            Mistake::ReusedNumber if given.update > 0 && is_mistaken => {
                self.extend(given.id, given.update, given.from, 1);
            }
            Mistake::RestartedSequence => self.begin(state),
            Mistake::None | Mistake::OrderByHand | Mistake::ReusedNumber if given.update > 0 => {
                self.extend(given.id, given.update + 1, given.from, 2);
            }
            Mistake::None | Mistake::OrderByHand | Mistake::ReusedNumber => self.begin(state),
        }
    }

    fn on_by_hand(&mut self, state: &Value) {
        self.given = None;
        let since = *self.by_hand_since.get_or_insert_with(Instant::now);
        if self.mistake == Mistake::OrderByHand && since.elapsed() > WELL_KNOWN && !self.has_erred {
            self.has_erred = true;
            self.begin(state);
        }
    }

    /// What no state shows is sent again.
    fn tick(&mut self, state: &Value) {
        let Some(mut given) = self.given.take() else { return };
        let shows = state["orderId"] == json!(given.id) && state["orderUpdateId"] == json!(given.update);
        if !shows && !refuses(state, &given) && given.at.elapsed() > AGAIN {
            self.send(&given.body.clone());
            given.at = Instant::now();
        }
        self.given = Some(given);
    }

    fn begin(&mut self, state: &Value) {
        let at = state["lastNodeId"].as_str().unwrap().strip_prefix('n').unwrap().parse().unwrap();
        self.orders += 1;
        self.extend(format!("O-{}", self.orders), 0, (at, 0), 2);
    }

    fn extend(&mut self, id: String, update: u32, from: (u32, u32), steps: u32) {
        let sequence = if self.mistake == Mistake::RestartedSequence { 0 } else { from.1 };
        let is_up = from.0 + 2 <= LAST_NODE;
        let node = |step: u32| if is_up { from.0 + step } else { from.0 - step };
        let nodes = (0..=steps).map(|step| {
            json!({
                "nodeId": format!("n{}", node(step)), "sequenceId": sequence + 2 * step, "released": true, "actions": [],
                "nodePosition": { "x": f64::from(node(step)) * 2.0, "y": 0.0, "mapId": "floor", "allowedDeviationXY": 0.5 },
            })
        });
        let edges = (0..steps).map(|step| {
            let (from, to) = (node(step), node(step + 1));
            json!({
                "edgeId": format!("{from}-{to}"), "sequenceId": sequence + 2 * step + 1, "released": true,
                "startNodeId": format!("n{from}"), "endNodeId": format!("n{to}"), "actions": [],
            })
        });
        let (nodes, edges): (Vec<_>, Vec<_>) = (nodes.collect(), edges.collect());
        let body = json!({ "orderId": id, "orderUpdateId": update, "nodes": nodes, "edges": edges });
        self.send(&body);
        let end = (node(steps), sequence + 2 * steps);
        self.given = Some(Given { id, update, from, end, body, at: Instant::now() });
    }

    fn send(&mut self, body: &Value) {
        self.header_id += 1;
        let mut message = body.clone();
        message["headerId"] = json!(self.header_id);
        message["timestamp"] = json!("2026-11-22T12:00:00.000Z");
        message["version"] = json!("2.1.0");
        message["manufacturer"] = json!("drover");
        message["serialNumber"] = json!("r01");
        self.fleet.say_once("uagv/v2/drover/r01/order", &message);
    }
}

fn refuses(state: &Value, given: &Given) -> bool {
    let errors = state["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().any(|error| {
        let has = |key: &str, value: &str| {
            let references = error["errorReferences"].as_array().cloned().unwrap_or_default();
            references.contains(&json!({ "referenceKey": key, "referenceValue": value }))
        };
        has("orderId", &given.id) && has("orderUpdateId", &given.update.to_string())
    })
}

struct Verdict {
    exit: i32,
    json: Value,
    junit: String,
}

impl Verdict {
    fn rules(&self, outcome: &str) -> BTreeSet<&str> {
        let rules = self.json["rules"].as_array().unwrap().iter();
        rules.filter(|rule| rule["outcome"] == outcome).map(|rule| rule["id"].as_str().unwrap()).collect()
    }

    fn faults(&self) -> Value {
        let rules = self.json["rules"].as_array().unwrap().iter();
        rules.filter(|rule| rule["outcome"] == "fail").cloned().collect()
    }

    fn assert_fails_exactly(&self, rules: &[&str]) {
        let wanted: BTreeSet<&str> = rules.iter().copied().collect();
        assert_eq!(self.rules("fail"), wanted, "{}", self.faults());
        assert_eq!(self.exit, i32::from(!rules.is_empty()));
        let unexercised = |phase: &Value| phase["exercised"] == false;
        assert!(!self.json["phases"].as_array().unwrap().iter().any(unexercised), "{}", self.json["phases"]);
        assert_eq!(self.junit.matches("<failure ").count(), rules.len());
    }
}

/// The tool against a controller with this mistake; `None` where mosquitto isn't installed.
fn judged(mistake: Mistake, phases: &[&str]) -> Option<Verdict> {
    let broker = Broker::start()?;
    let (folder, fleet) = (Folder::new(), Fleet::join(broker.port, "fleet"));
    let (layout, url, speed) = (layout(&folder, LAST_NODE + 1, 2.0), broker.url(), SPEED.to_string());
    let junit = folder.0.join("junit.xml");
    let mut arguments = vec!["conform", "--master", "--broker", &url, "--layout", &layout, "--speed", &speed];
    arguments.extend(["--json", "--junit", junit.to_str().unwrap()]);
    arguments.extend(phases.iter().flat_map(|phase| ["--phase", phase]));
    let mut tool = Agent::start(&arguments);
    let (given, by_hand_since) = (None, None);
    let mut controller = Controller {
        fleet: &fleet,
        mistake,
        header_id: 0,
        orders: 0,
        given,
        by_hand_since,
        has_erred: false,
    };
    let (mut state, begin) = (Value::Null, Instant::now());
    let line = loop {
        assert!(begin.elapsed() < TEST_MAX, "no end; the last state is {state:#}");
        if let Some(message) = fleet.hear_within(TICK, "uagv/v2/drover/r01/state", |_| true) {
            controller.on_state(&message.body);
            state = message.body;
        }
        controller.tick(&state);
        if let Some(line) = tool.line_within(Duration::ZERO) {
            break line;
        }
    };
    let (exit, json) = (tool.wait(), serde_json::from_str(&line).unwrap());
    Some(Verdict { exit, json, junit: std::fs::read_to_string(junit).unwrap() })
}

#[test]
fn correct_controller_breaks_no_rule() {
    let phases =
        ["fair", "late", "lossy", "rejecting", "silent", "offline", "forgetful", "manual", "wrong-version"];
    let Some(verdict) = judged(Mistake::None, &phases) else { return };
    verdict.assert_fails_exactly(&[]);
    let passed = verdict.rules("pass");
    for rule in [
        "not-retained",
        "qos-0",
        "header-id-rises",
        "update-at-decision-point",
        "base-kept",
        "first-node-in-reach",
        "no-order-while-active",
        "sent-again-identically",
        "refused-id-not-reused",
        "orders-in-automatic",
        "lost-order-not-continued",
        "only-listed-fields",
        "takes-2-0-0",
    ] {
        assert!(passed.contains(rule), "{rule} isn't among {passed:?}");
    }
}

#[test]
fn restarted_sequence_ids_fail_exactly_the_rules_of_updates() {
    let Some(verdict) = judged(Mistake::RestartedSequence, &["fair"]) else { return };
    verdict.assert_fails_exactly(&["update-at-decision-point", "base-kept"]);
}

#[test]
fn reused_number_of_a_refused_update_fails_exactly_its_rule() {
    let Some(verdict) = judged(Mistake::ReusedNumber, &["rejecting"]) else { return };
    verdict.assert_fails_exactly(&["refused-id-not-reused"]);
}

#[test]
fn order_to_a_robot_driven_by_hand_fails_exactly_its_rule() {
    let Some(verdict) = judged(Mistake::OrderByHand, &["manual"]) else { return };
    verdict.assert_fails_exactly(&["orders-in-automatic"]);
}

#[test]
fn kept_order_is_found_by_the_fresh_subscriber() {
    let Some(broker) = Broker::start() else { return };
    let (folder, fleet) = (Folder::new(), Fleet::join(broker.port, "fleet"));
    let (layout, url) = (layout(&folder, 4, 2.0), broker.url());
    fleet.say_retained("uagv/v2/drover/r01/order", &json!({ "orderId": "old" }));
    let arguments = ["conform", "--master", "--broker", &url, "--layout", &layout, "--phase", "fair"];
    let mut tool = Agent::start(&[&arguments[..], &["--patience", "1", "--json"]].concat());
    let report = tool.line();
    let of =
        |id: &str| report["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == id).unwrap().clone();
    assert_eq!(of("not-retained")["outcome"], "fail", "{report:#}");
    assert_eq!(report["phases"], json!([{ "name": "fair", "orders": 0, "exercised": false }]));
    assert_eq!((tool.wait(), &report["failed"]), (1, &json!(1)));
}

#[test]
fn bad_input_names_its_option() {
    let folder = Folder::new();
    let missing = folder.0.join("none.lif.json");
    let missing = missing.to_str().unwrap();
    let (code, said) = run(&["conform", "--master", "--broker", "mqtt://h", "--layout", missing]);
    assert!(code == 2 && said.contains("none.lif.json"), "{code} {said}");
    let layout = layout(&folder, 4, 2.0);
    let (code, said) = run(&["conform", "--master", "--broker", "http://h", "--layout", &layout]);
    assert!(code == 2 && said.contains("--broker"), "{code} {said}");
    let (code, said) = run(&["conform", "--master", "--layout", &layout]);
    assert!(code == 2 && said.contains("--broker"), "{code} {said}");
    assert_eq!(run(&["conform", "--master", "--list"]).0, 0);
}
