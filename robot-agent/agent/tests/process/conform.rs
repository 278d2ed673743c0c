//! The conformance kit on a real broker: our robots keep every rule, a liar breaks those it should, bad input is named.

use crate::command_line::layout;
use crate::common::{Agent, Broker, Fleet, Folder, PATIENCE, run, wait};
use drover_agent_core::{Agent as Robot, Identity, Incoming, Message, Options, SimulatedDrive, Spec, Start};
use rumqttc::{Client, Event, LastWill, MqttOptions, Packet, Publish, QoS};
use serde_json::Value;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const FRESH_DC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../maps/sites/fresh-dc/layout.lif.json");
/// How fast the virtual robots live.
const SPEED: &str = "8";

fn conform(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drover-agent"));
    command.arg("conform").args(arguments).env_remove("DROVER_MQTT__URL").output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The ids of the rules that ended so, in the JSON report.
fn of<'a>(report: &'a Value, outcome: &str) -> Vec<&'a str> {
    let rules = report["rules"].as_array().unwrap().iter().filter(|rule| rule["outcome"] == outcome);
    rules.map(|rule| rule["id"].as_str().unwrap()).collect()
}

#[test]
fn our_robots_keep_every_rule() {
    let Some(broker) = Broker::start() else { return };
    let (url, folder) = (broker.url(), Folder::new());
    let _robots = Agent::start(&[
        "robots",
        "--broker",
        &url,
        "--layout",
        FRESH_DC,
        "--count",
        "2",
        "--speed",
        SPEED,
        "--devices",
        "none",
    ]);
    let file = folder.0.join("conform.xml");
    let junit = file.to_str().unwrap();
    let output =
        conform(&["--broker", &url, "--robot", "drover/r02", "--layout", FRESH_DC, "--junit", junit]);
    let (table, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{table}{said}");
    assert!(said.contains("drover/r02 will drive about ") && said.contains("keep that space free"), "{said}");
    let lines = |word: &str| table.lines().filter(|line| line.starts_with(&format!("{word}  "))).count();
    let (passed, skipped) = (lines("pass"), lines("skip"));
    assert!(passed >= 60 && skipped <= 8, "{table}");
    assert_eq!(table.lines().last(), Some(format!("{passed} passed, 0 failed, {skipped} skipped").as_str()));
    let xml = std::fs::read_to_string(&file).unwrap();
    let root = format!("tests=\"{}\" failures=\"0\" errors=\"0\" skipped=\"{skipped}\"", passed + skipped);
    assert!(xml.contains(&root), "{xml}");
    assert_eq!(well_formed(&xml), passed + skipped);
}

/// Panics where tags don't match; gives the number of test cases.
fn well_formed(xml: &str) -> usize {
    let (mut open, mut cases) = (Vec::new(), 0);
    for tag in xml.split('<').skip(1).filter(|tag| !tag.starts_with('?')) {
        let (inner, _) = tag.split_once('>').unwrap();
        assert_eq!(inner.matches('"').count() % 2, 0, "{inner}");
        let name = inner.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if inner.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            cases += usize::from(name == "testcase");
            if !inner.ends_with('/') {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
    cases
}

/// A robot of the test's own that drives whatever it is sent as if it stood there, and never answers a stateRequest.
struct Liar {
    robot: Robot<SimulatedDrive>,
    since: (Instant, u64),
    client: Client,
}

impl Liar {
    fn now_ms(&self) -> u64 {
        self.since.1 + self.since.0.elapsed().as_millis() as u64 * 4
    }

    /// Until told to stop.
    fn live(port: u16, stop: &AtomicBool) {
        let identity =
            Identity { interface: "uagv".into(), manufacturer: "acme".into(), serial: "liar".into() };
        let (node_id, map_id) = ("n0".to_owned(), "floor".to_owned());
        let start = Start { node_id, map_id, x_m: 0.0, y_m: 0.0, theta_rad: 0.0, charge_permille: 900 };
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let mut known = Options::default();
        known.actions.push("wait".into());
        let drive = SimulatedDrive::new(Spec::default(), &start, now_ms);
        let robot = Robot::new(identity, Spec::default(), known, &start, drive, now_ms);
        let mut options = MqttOptions::new("liar", "127.0.0.1", port);
        let will = serde_json::to_vec(&robot.will()).unwrap();
        options.set_last_will(LastWill::new("uagv/v2/acme/liar/connection", will, QoS::AtLeastOnce, true));
        let (client, mut connection) = Client::new(options, 1_000);
        let mut liar = Self { robot, since: (Instant::now(), now_ms), client };
        while !stop.load(Ordering::Relaxed) {
            match connection.recv_timeout(Duration::from_millis(5)) {
                Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => liar.join(),
                Ok(Ok(Event::Incoming(Packet::Publish(message)))) => liar.hear(&message),
                Ok(_) | Err(_) => {}
            }
            liar.robot.advance(liar.now_ms());
            liar.say();
        }
    }

    fn join(&mut self) {
        for topic in ["order", "instantActions"] {
            self.client.try_subscribe(format!("uagv/v2/acme/liar/{topic}"), QoS::AtMostOnce).unwrap();
        }
        self.robot.on_connected(self.now_ms());
    }

    fn hear(&mut self, message: &Publish) {
        let pose = self.robot.pose();
        let incoming = if message.topic.ends_with("/order") {
            match drover_proto::parse_order(&message.payload) {
                Ok(mut order) => {
                    if let Some(position) =
                        order.nodes.first_mut().and_then(|node| node.node_position.as_mut())
                    {
                        (position.x, position.y) = (pose.x_m, pose.y_m);
                    }
                    Incoming::Order(order)
                }
                // Nor does it say that it couldn't read one.
                Err(_) => return,
            }
        } else {
            match drover_proto::parse_instant_actions(&message.payload) {
                Ok(actions) if actions.actions[0].action_type == "stateRequest" => return,
                Ok(actions) => Incoming::InstantActions(actions),
                Err(_) => return,
            }
        };
        self.robot.on_message(self.now_ms(), incoming);
    }

    fn say(&mut self) {
        while let Some(outgoing) = self.robot.poll_transmit() {
            let message = &outgoing.message;
            let payload = match message {
                Message::State(state) => serde_json::to_vec(state),
                Message::Connection(connection) => serde_json::to_vec(connection),
                Message::Factsheet(factsheet) => serde_json::to_vec(factsheet),
                Message::Visualization(visualization) => serde_json::to_vec(visualization),
            };
            let qos = if message.qos() == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
            let topic = self.robot.topic(message.topic());
            self.client.try_publish(topic, qos, message.is_retained(), payload.unwrap()).unwrap();
        }
    }
}

#[test]
fn robot_that_breaks_rules_is_told_which() {
    let Some(broker) = Broker::start() else { return };
    let stop = Arc::new(AtomicBool::new(false));
    let (told, port) = (stop.clone(), broker.port);
    let liar = std::thread::spawn(move || Liar::live(port, &told));
    let rules = [
        "online",
        "state-request",
        "factsheet-request",
        "order-driven",
        "update-stitched",
        "order-out-of-reach",
        "order-broken-json",
        "cancel-driving",
        "pause-resumes",
        "action-hard-alone",
        "header-ids",
        "rest-shrinks",
    ];
    let url = broker.url();
    let mut arguments = vec!["--broker", &url, "--robot", "acme/liar", "--patience", "8", "--json"];
    arguments.extend(rules.iter().flat_map(|rule| ["--rule", rule]));
    // The first state comes as it connects; later ones on request only, which it doesn't answer.
    let output = wait("the liar", || {
        let output = conform(&arguments);
        (!text(&output.stdout).is_empty()).then_some(output)
    });
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        of(&report, "fail"),
        ["state-request", "order-out-of-reach", "order-broken-json"],
        "{report:#}"
    );
    assert_eq!(of(&report, "pass").len(), rules.len() - 3);
    assert_eq!(
        (&report["robot"], &report["passed"], &report["failed"]),
        (&"acme/liar".into(), &9.into(), &3.into())
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("acme/liar breaks 3 of 12 rules"), "{}", text(&output.stderr));
    let far =
        report["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "order-out-of-reach").unwrap();
    assert_eq!(far["section"], "6.6.2");
    assert!(far["why"].as_str().unwrap().contains("refuses the order: not within 8 s"), "{far}");
    stop.store(true, Ordering::Relaxed);
    liar.join().unwrap();
}

#[test]
fn robot_that_isnt_there_is_told_with_what_to_check() {
    let Some(broker) = Broker::start() else { return };
    let begun = Instant::now();
    let (code, said) = run(&["conform", "--broker", &broker.url(), "--robot", "acme/r99", "--patience", "1"]);
    assert_eq!(code, 1, "{said}");
    for part in ["uagv/v2/acme/r99/{connection,factsheet,state", "no state", "--interface", &broker.url()] {
        assert!(said.contains(part), "{part} isn't in {said}");
    }
    let (code, said) =
        run(&["conform", "--broker", "mqtt://127.0.0.1:1", "--robot", "acme/r1", "--patience", "1"]);
    assert!(code == 1 && said.contains("can't reach the broker mqtt://127.0.0.1:1"), "{said}");
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn wrong_options_of_conform_are_named_with_their_mend() {
    let folder = Folder::new();
    let bad_layout = folder.write("bad.json", "{");
    let bad_layout = bad_layout.to_str().unwrap();
    let good = ["--broker", "mqtt://127.0.0.1:1", "--robot", "acme/r01"];
    let cases: [(&[&str], &[&str]); 9] = [
        (&["--rule", "cancel-drivin"], &["--rule", "cancel-drivin", "did you mean cancel-driving?"]),
        (&["--layout", "no-such.json"], &["no-such.json"]),
        (&["--layout", bad_layout], &[bad_layout]),
        (&["--junit", "no/such/folder/x.xml"], &["--junit", "no/such/folder", "make it first"]),
        (&["--interface", "a b"], &["--interface", "\"a b\""]),
        (&["--step", "0.1"], &["--step", "0.1", "0.6 to 100"]),
        (&["--patience", "0"], &["--patience", "0"]),
        (&["--ca", "ca.pem"], &["--broker", "mqtts://"]),
        (&["--ca", "no-such.pem"], &["mqtts://"]),
    ];
    for (arguments, wanted) in cases {
        let (code, said) = run(&[&["conform"][..], &good, arguments].concat());
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(wanted.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    }
    for (broker, robot, wanted) in [
        ("http://h", "acme/r01", "mqtt://"),
        ("mqtt://h", "acme", "MANUFACTURER/SERIAL"),
        ("mqtt://h", "acme/", "serial number is empty"),
        ("mqtt://h", "acme/r+", "+"),
    ] {
        let (code, said) = run(&["conform", "--broker", broker, "--robot", robot]);
        assert!(code == 2 && said.contains(wanted), "{broker} {robot}: {said}");
    }
    assert_eq!(run(&["conform", "--robot", "acme/r01"]).0, 2);
    assert_eq!(run(&["conform", "--broker", "mqtt://h"]).0, 2);
}

#[test]
fn stopped_kit_stops_the_robot() {
    let Some(broker) = Broker::start() else { return };
    let (url, folder, fleet) = (broker.url(), Folder::new(), Fleet::join(broker.port, "fleet"));
    let map = layout(&folder, 8, 5.0);
    let _robots = Agent::start(&["robots", "--broker", &url, "--layout", &map, "--count", "1"]);
    let robot = ["--robot", "drover/r01", "--layout", &map, "--rule", "order-driven"];
    let mut kit = Agent::start(&[&["conform", "--broker", &url][..], &robot].concat());
    fleet.hear("uagv/v2/drover/r01/state", |message| message.body["driving"] == true);
    assert_eq!(kit.stop(), 1);
    fleet.hear("uagv/v2/drover/r01/instantActions", |message| {
        message.body["actions"][0]["actionType"] == "cancelOrder"
    });
    let rest = fleet.hear("uagv/v2/drover/r01/state", |message| message.body["driving"] == false);
    assert!(rest.body["nodeStates"].as_array().unwrap().is_empty(), "{}", rest.body);
}

#[test]
fn robot_off_the_layout_is_bad_input() {
    let Some(broker) = Broker::start() else { return };
    let (url, folder, elsewhere) = (broker.url(), Folder::new(), Folder::new());
    let map = layout(&folder, 3, 2.0);
    let robots = Agent::start(&["robots", "--broker", &url, "--layout", &map, "--count", "1"]);
    robots.line();
    let other = layout(&elsewhere, 3, 2.0).replace(['\n'], "");
    let shifted = std::fs::read_to_string(&other).unwrap().replace("\"y\":0.0", "\"y\":9.0");
    let other = elsewhere.write("other.json", &shifted);
    let other = other.to_str().unwrap();
    let (code, said) = run(&["conform", "--broker", &url, "--robot", "drover/r01", "--layout", other]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains(other) && said.contains("9.0 m away") && said.contains("leave --layout out"),
        "{said}"
    );
}

#[test]
fn rules_are_listed_without_a_broker() {
    let output = conform(&["--list"]);
    assert_eq!(output.status.code(), Some(0));
    let table = text(&output.stdout);
    assert!(table.contains("cancel-driving            6.6.3    cancelOrder stops"), "{table}");
    assert!(table.contains("open: whether the first node is listed"), "{table}");
    let listed: Value = serde_json::from_slice(&conform(&["--list", "--json"]).stdout).unwrap();
    let rules = listed["rules"].as_array().unwrap();
    let in_table = table.lines().filter(|line| !line.starts_with(' ')).count();
    assert!(rules.len() > 60 && rules.len() == in_table, "{} {in_table}", rules.len());
}
