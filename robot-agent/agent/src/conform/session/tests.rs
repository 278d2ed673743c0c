//! Whole runs without a broker: our own robot on a simulated drive and a simulated clock, honest, or lying in one thing.

use super::*;
use crate::conform::report::Outcome;
use crate::conform::rules::all;
use drover_agent_core::{Agent, Identity, Incoming, Message, Options, Pose, SimulatedDrive, Spec, Start};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const T0: u64 = 1_795_000_000_000;
/// A run that takes longer hangs, simulated milliseconds.
const RUN_MS_MAX: u64 = 3_600_000;

/// A message of the robot as it leaves it.
struct Said {
    kind: TopicKind,
    retained: bool,
    qos: u8,
    body: Value,
}

type Hears = Box<dyn FnMut(&Pose, Value) -> Option<Value>>;

/// A robot that changes what it hears and says; by default it doesn't.
struct Liar {
    /// `None`: it doesn't hear it. The pose is where it is.
    hears: Hears,
    /// False: it doesn't say it.
    says: Box<dyn FnMut(&mut Said) -> bool>,
}

impl Liar {
    fn honest() -> Self {
        Self { hears: Box::new(|_, body| Some(body)), says: Box::new(|_| true) }
    }

    fn saying(mut says: impl FnMut(&mut Said) + 'static) -> Self {
        let says = move |said: &mut Said| {
            says(said);
            true
        };
        Self { says: Box::new(says), ..Self::honest() }
    }

    /// Lies in its states only.
    fn stating(mut says: impl FnMut(&mut Value) + 'static) -> Self {
        Self::saying(move |said| {
            if said.kind == TopicKind::State {
                says(&mut said.body);
            }
        })
    }

    fn hearing(hears: impl FnMut(&Pose, Value) -> Option<Value> + 'static) -> Self {
        Self { hears: Box::new(hears), ..Self::honest() }
    }
}

/// The robot, a broker that keeps what is retained, and the session.
struct Rig {
    agent: Agent<SimulatedDrive>,
    liar: Liar,
    session: Session,
    kept: BTreeMap<TopicKind, Heard>,
    now_ms: u64,
    findings: Vec<Finding>,
}

impl Rig {
    fn new(liar: Liar, rules: Vec<&'static Rule>, setting: Setting) -> Self {
        let start = Start {
            node_id: "home".into(),
            map_id: "floor".into(),
            x_m: 2.0,
            y_m: 3.0,
            theta_rad: 0.5,
            charge_permille: 900,
        };
        let identity =
            Identity { interface: "uagv".into(), manufacturer: "acme".into(), serial: "r01".into() };
        let mut options = Options::default();
        options.actions.push("wait".into());
        let drive = SimulatedDrive::new(Spec::default(), &start, T0);
        let mut agent = Agent::new(identity, Spec::default(), options, &start, drive, T0);
        agent.on_connected(T0);
        let session = Session::new(setting, rules, T0);
        Self { agent, liar, session, kept: BTreeMap::new(), now_ms: T0, findings: Vec::new() }
    }

    fn run(&mut self) -> Result<(), Stopped> {
        while self.session.ended().is_none() {
            self.exchange();
            let next = [self.agent.next_timeout(), self.session.next_timeout()];
            let next = next.into_iter().flatten().min().unwrap_or(self.now_ms + 1);
            self.now_ms = next.max(self.now_ms + 1);
            assert!(self.now_ms < T0 + RUN_MS_MAX, "hangs in {}", self.session.current());
            self.agent.advance(self.now_ms);
            self.session.advance(self.now_ms);
        }
        self.findings.extend(self.session.take_findings());
        self.session.ended().cloned().unwrap()
    }

    /// Until neither has anything more to say.
    fn exchange(&mut self) {
        loop {
            let mut is_quiet = true;
            while let Some(say) = self.session.take_say() {
                is_quiet = false;
                self.deliver(say);
            }
            while let Some(outgoing) = self.agent.poll_transmit() {
                is_quiet = false;
                self.publish(&outgoing.message, outgoing.message.is_retained(), outgoing.message.qos());
            }
            self.findings.extend(self.session.take_findings());
            if is_quiet {
                return;
            }
        }
    }

    fn deliver(&mut self, say: Say) {
        let (kind, payload) = match say {
            Say::Publish(kind, payload) => (kind, payload),
            Say::Resubscribe => {
                for heard in self.kept.clone().into_values() {
                    self.session.hear(self.now_ms, &heard);
                }
                return;
            }
        };
        let payload = match serde_json::from_slice::<Value>(&payload) {
            Ok(body) => match (self.liar.hears)(&self.agent.pose(), body) {
                Some(body) => body.to_string().into_bytes(),
                None => return,
            },
            Err(_) => payload,
        };
        let incoming = match kind {
            TopicKind::Order => drover_proto::parse_order(&payload).map(Incoming::Order),
            _ => drover_proto::parse_instant_actions(&payload).map(Incoming::InstantActions),
        };
        let incoming = incoming.unwrap_or_else(|error| Incoming::Malformed(kind, error.to_string()));
        self.agent.on_message(self.now_ms, incoming);
    }

    fn publish(&mut self, message: &Message, retained: bool, qos: u8) {
        let body = match message {
            Message::State(state) => serde_json::to_value(state),
            Message::Connection(connection) => serde_json::to_value(connection),
            Message::Factsheet(factsheet) => serde_json::to_value(factsheet),
            Message::Visualization(visualization) => serde_json::to_value(visualization),
        };
        let mut said = Said { kind: message.topic(), retained, qos, body: body.unwrap() };
        if !(self.liar.says)(&mut said) {
            return;
        }
        let Said { kind, retained, qos, body } = said;
        let payload = body.to_string().into_bytes();
        if retained {
            self.kept.insert(kind, Heard { kind, retained, qos, payload: payload.clone() });
        }
        self.session.hear(self.now_ms, &Heard { kind, retained: false, qos, payload });
    }

    fn of(&self, outcome: Outcome) -> Vec<&'static str> {
        self.findings
            .iter()
            .filter(|finding| finding.outcome == outcome)
            .map(|finding| finding.rule.id)
            .collect()
    }
}

fn setting() -> Setting {
    Setting {
        manufacturer: "acme".into(),
        serial: "r01".into(),
        patience_ms: 30_000,
        action: None,
        ground: None,
        step_m: 1.5,
    }
}

/// The rules that such a robot breaks.
fn broken_by(liar: Liar) -> Vec<&'static str> {
    let mut rig = Rig::new(liar, all(), setting());
    assert_eq!(rig.run(), Ok(()));
    assert_eq!(rig.findings.len(), all().len());
    rig.of(Outcome::Fail)
}

fn actions(state: &mut Value) -> &mut Vec<Value> {
    state["actionStates"].as_array_mut().unwrap()
}

/// The type of the only action of an instantActions message.
fn instant(body: &Value) -> &str {
    body["actions"][0]["actionType"].as_str().unwrap_or_default()
}

#[test]
fn honest_robot_breaks_no_rule_and_few_are_skipped() {
    let mut rig = Rig::new(Liar::honest(), all(), setting());
    assert_eq!(rig.run(), Ok(()));
    let failed: Vec<_> = rig.findings.iter().filter(|finding| finding.outcome == Outcome::Fail).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let skipped = rig.of(Outcome::Skip);
    let optional = [
        "init-position",
        "map-enabled-again",
        "map-unknown-enabled",
        "map-unknown-deleted",
        "map-download-fails",
        "will",
    ];
    assert!(skipped.iter().all(|id| optional.contains(id)), "{skipped:?}");
    assert_eq!(rig.findings.len(), all().len());
    assert!(
        rig.session.take_notes().iter().any(|note| note.contains(" m to and fro on the 4.5 m ahead of it"))
    );
}

#[test]
fn rules_may_be_chosen() {
    let chosen = all().into_iter().filter(|rule| ["order-driven", "version"].contains(&rule.id)).collect();
    let mut rig = Rig::new(Liar::honest(), chosen, setting());
    assert_eq!(rig.run(), Ok(()));
    assert_eq!(rig.of(Outcome::Pass), ["order-driven", "version"]);
}

#[test]
fn robot_that_says_no_state_is_never_seen() {
    let silent = Liar { says: Box::new(|said| said.kind != TopicKind::State), ..Liar::honest() };
    let mut rig = Rig::new(silent, all(), setting());
    assert_eq!(rig.run(), Err(Stopped::NeverSeen { connection: Some(ConnectionState::Online) }));
    assert!(rig.findings.is_empty());
}

#[test]
fn robot_in_manual_mode_isnt_driven() {
    let manual = Liar::stating(|state| state["operatingMode"] = json!("MANUAL"));
    let mut rig = Rig::new(manual, all(), setting());
    let Err(Stopped::NotReady(why)) = rig.run() else { panic!("it was driven") };
    assert!(why.contains("AUTOMATIC"), "{why}");
    assert_eq!(rig.agent.pose().x_m, 2.0);
}

#[test]
fn unanswered_requests_are_found() {
    let deaf = |kind: &'static str| Liar::hearing(move |_, body| (instant(&body) != kind).then_some(body));
    assert_eq!(broken_by(deaf("stateRequest")), ["state-request"]);
    assert_eq!(broken_by(deaf("factsheetRequest")), ["factsheet-request"]);
}

#[test]
fn order_out_of_reach_that_is_driven_is_found() {
    let eager = Liar::hearing(|pose, mut order| {
        if let Some(position) = order.pointer_mut("/nodes/0/nodePosition") {
            (position["x"], position["y"]) = (json!(pose.x_m), json!(pose.y_m));
        }
        Some(order)
    });
    assert_eq!(broken_by(eager), ["order-out-of-reach", "refusal-references", "refusal-stays"]);
}

#[test]
fn horizon_that_is_driven_is_found() {
    let rash = Liar::hearing(|_, mut order| {
        for list in ["nodes", "edges"] {
            for item in order[list].as_array_mut().into_iter().flatten() {
                item["released"] = json!(true);
            }
        }
        Some(order)
    });
    let broken = broken_by(rash);
    for rule in ["horizon-listed", "horizon-not-driven", "rest-is-of-order", "base-not-left"] {
        assert!(broken.contains(&rule), "{rule} isn't among {broken:?}");
    }
    for rule in ["order-driven", "cancel-driving", "pause-stops", "header-ids", "state-request"] {
        assert!(!broken.contains(&rule), "{rule} is among {broken:?}");
    }
}

#[test]
fn horizon_listed_as_released_is_found() {
    let liar = Liar::stating(|state| {
        for node in state["nodeStates"].as_array_mut().unwrap() {
            node["released"] = json!(true);
        }
    });
    assert_eq!(broken_by(liar), ["horizon-listed", "rest-is-of-order", "new-base-request"]);
}

#[test]
fn action_of_the_horizon_that_begins_is_found() {
    let liar = Liar::stating(|state| {
        let has_horizon =
            state["nodeStates"].as_array().unwrap().iter().any(|node| node["released"] == false);
        for action in actions(state).iter_mut().filter(|action| has_horizon && action["actionType"] == "wait")
        {
            action["actionStatus"] = json!("RUNNING");
        }
    });
    assert_eq!(broken_by(liar), ["horizon-actions-wait"]);
}

#[test]
fn updates_that_are_ignored_are_found() {
    let deaf =
        Liar::hearing(|_, order| order["orderUpdateId"].as_u64().is_none_or(|id| id == 0).then_some(order));
    let broken = [
        "order-continued",
        "update-stitched",
        "update-new-horizon",
        "update-drops-horizon",
        "update-lower-id",
        "update-wrong-stitch",
    ];
    assert_eq!(broken_by(deaf), broken);
}

#[test]
fn order_resent_that_is_an_error_is_found() {
    let resent = Rc::new(std::cell::Cell::new(false));
    let (heard, mut last) = (resent.clone(), Value::Null);
    let liar = Liar {
        hears: Box::new(move |_, body| {
            if body["orderId"].is_string() {
                heard.set(body == last);
                last = body.clone();
            }
            Some(body)
        }),
        says: Box::new(move |said| {
            if said.kind == TopicKind::State && resent.get() {
                let error = json!({ "errorType": "orderUpdateError", "errorLevel": "WARNING" });
                said.body["errors"].as_array_mut().unwrap().push(error);
            }
            true
        }),
    };
    assert_eq!(broken_by(liar), ["update-same-id"]);
}

#[test]
fn refusals_said_wrongly_are_found() {
    let without = |kind: &'static str| {
        Liar::stating(move |state| {
            state["errors"].as_array_mut().unwrap().retain(|error| error["errorType"] != kind);
        })
    };
    let malformed = ["order-too-few-edges", "order-without-nodes", "order-broken-json"];
    assert_eq!(broken_by(without("validationError")), malformed);
    assert_eq!(broken_by(without("noOrderToCancel")), ["cancel-without-order"]);
    let renaming = Liar::stating(|state| {
        for error in state["errors"].as_array_mut().unwrap() {
            if error["errorType"] == "orderUpdateError" {
                error["errorType"] = json!("somethingWrong");
            }
        }
    });
    assert_eq!(broken_by(renaming), ["update-lower-id"]);
    let fatal = Liar::stating(|state| {
        for error in state["errors"].as_array_mut().unwrap() {
            error["errorLevel"] = json!("FATAL");
        }
    });
    assert_eq!(broken_by(fatal), ["instant-action-unknown", "refusal-references"]);
    let mut said: Vec<Value> = Vec::new();
    let forgetful = Liar::stating(move |state| {
        let errors = state["errors"].as_array_mut().unwrap();
        errors.retain(|error| !said.contains(error));
        said.extend(errors.iter().cloned());
    });
    assert_eq!(broken_by(forgetful), ["refusal-stays"]);
}

#[test]
fn cancel_said_too_early_is_found() {
    let hasty = Liar::stating(|state| {
        for action in actions(state).iter_mut().filter(|action| action["actionType"] == "cancelOrder") {
            if action["actionStatus"] == "RUNNING" {
                action["actionStatus"] = json!("FINISHED");
            }
        }
    });
    assert_eq!(broken_by(hasty), ["cancel-driving"]);
}

#[test]
fn pause_that_isnt_said_is_found() {
    let liar = Liar::stating(|state| state["paused"] = json!(false));
    assert_eq!(broken_by(liar), ["instant-action-twice", "pause-stops", "pause-resumes", "pause-twice"]);
}

#[test]
fn blocking_action_that_doesnt_block_is_found() {
    let is_running = |state: &mut Value| {
        let is_running =
            |action: &Value| action["actionStatus"] == "RUNNING" && action["actionType"] == "wait";
        actions(state).iter().any(is_running)
    };
    let driving = Liar::stating(move |state| {
        if is_running(state) {
            state["driving"] = json!(true);
        }
    });
    assert_eq!(broken_by(driving), ["action-hard-alone", "action-soft-stands"]);
    let staying = Liar::stating(move |state| {
        if is_running(state) {
            let node = json!({ "nodeId": state["lastNodeId"], "sequenceId": state["lastNodeSequenceId"], "released": true });
            state["nodeStates"].as_array_mut().unwrap().insert(0, node);
        }
    });
    assert_eq!(broken_by(staying), ["action-node-left-first"]);
}

#[test]
fn topics_sent_wrongly_are_found() {
    let kept = |kind: TopicKind, retained: bool| {
        Liar::saying(move |said| {
            if said.kind == kind {
                said.retained = retained;
            }
        })
    };
    assert_eq!(broken_by(kept(TopicKind::Connection, false)), ["connection-retained"]);
    assert_eq!(broken_by(kept(TopicKind::Factsheet, false)), ["factsheet-retained"]);
    assert_eq!(broken_by(kept(TopicKind::State, true)), ["state-not-retained"]);
    assert_eq!(broken_by(Liar::saying(|said| said.qos = 0)), ["connection-retained"]);
}

#[test]
fn headers_and_fields_written_wrongly_are_found() {
    let writing = |key: &'static str, value: Value| Liar::stating(move |state| state[key] = value.clone());
    assert_eq!(broken_by(writing("headerId", json!(7))), ["header-ids"]);
    assert_eq!(broken_by(writing("timestamp", json!("2026-11-22T18:00:00+09:00"))), ["timestamp"]);
    assert_eq!(broken_by(writing("version", json!("2.1"))), ["version"]);
    assert_eq!(broken_by(writing("serialNumber", json!(""))), ["header-complete"]);
    assert_eq!(broken_by(writing("safetyState", json!({ "eStop": "NONE" }))), ["state-fields"]);
    let offline = Liar::saying(|said| {
        if said.kind == TopicKind::Connection {
            said.body["connectionState"] = json!("OFFLINE");
        }
    });
    assert_eq!(broken_by(offline), ["online"]);
}
