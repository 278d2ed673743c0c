//! What we didn't make: a layout of other measures, robots nobody listed, and a third party's robot with its own manner.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::VecDeque;
use std::process::Command;
use std::time::Duration;

use kit::amqp::{Client, Subscription};
use kit::mosquitto::Mosquitto;
use kit::outside::{Heard, Orders};
use kit::process::Folder;
use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring, program, robots};
use rumqttc::{AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, QoS};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const SITE: &str = "foreign-test";
const SPEED: &str = "15";
const QUEUE: &str = "heard";
const PICKS: usize = 9;
const DOCKS: usize = 2;

/// A warehouse unlike the preset, of which only the LIF is used.
fn warehouse(folder: &Folder) -> Place {
    let mut command = Command::new(program("drover"));
    command.args(["map", "generate", "warehouse", "--aisles", "3", "--bays", "4", "--cross-aisles", "2"]);
    command.args([
        "--docks",
        &DOCKS.to_string(),
        "--picks",
        &PICKS.to_string(),
        "--parking",
        "6",
        "--robots",
        "5",
    ]);
    let output = command.arg("--out").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(folder.file("site.toml")).unwrap();
    Place { layout: folder.file("layout.lif.json"), site: None }
}

fn job(number: usize) -> Value {
    let dock = 1 + number % DOCKS;
    json!({
        "v": 1, "job_id": format!("F-{number}"), "sequence": format!("LORRY-{dock}"), "batch": { "wave": 3 },
        "legs": [
            { "station": format!("PICK-{:03}", 1 + number % PICKS), "action": "pick",
              "load": { "id": format!("BOX-{number}"), "type": "box" }, "dwell_s": 2 },
            { "station": format!("DOCK-{dock:02}"), "action": "drop" },
        ],
    })
}

fn start(place: &Place, rabbit: &Rabbit, mosquitto: &Mosquitto, speed: &'static str) -> Drover {
    let (place, jobs, mqtt) = (place.clone(), rabbit.url(), mosquitto.url());
    let drover = Drover::start(&Wiring { id: SITE, place, jobs, mqtt, store: None, enroll: "auto", speed });
    drover.wait_until_ready();
    drover
}

async fn publish(rabbit: &Rabbit, jobs: &[Value]) -> Subscription {
    let client = Client::connect(&rabbit.url()).await;
    client.bind(QUEUE, "drover.events", "#").await;
    let events = client.consume(QUEUE).await;
    for job in jobs {
        client.publish("drover.jobs", SITE, &job.to_string(), &[]).await;
    }
    events
}

async fn assert_all_done(events: &mut Subscription, orders: &Orders, jobs: &[Value], drover: &mut Drover) {
    let mut heard = Heard::default();
    heard.until_done(events, jobs.len()).await;
    heard.assert_all_done_in_order(jobs);
    orders.assert_once_only(jobs);
    assert!(heard.events.values().all(|event| event["extra"]["batch"]["wave"] == 3), "extra is handed back");
    drover.stop();
    drover.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_without_a_site_file_works_with_robots_nobody_listed() {
    let (Some(rabbit), Some(mosquitto)) = (Rabbit::start(), Mosquitto::start()) else { return };
    let folder = Folder::new("foreign");
    let place = warehouse(&folder);
    let mut drover = start(&place, &rabbit, &mosquitto, SPEED);
    let orders = Orders::listen(&mosquitto).await;
    let names = ["--count", "5", "--speed", SPEED, "--manufacturer", "acme", "--prefix", "unit-"];
    let _robots = robots(&mosquitto, &place, &folder.file("robots.log"), &names);
    wait_for_robots(&drover, 5);
    let jobs: Vec<Value> = (0..12).map(job).collect();
    let mut events = publish(&rabbit, &jobs).await;
    assert_all_done(&mut events, &orders, &jobs, &mut drover).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_partys_robot_does_a_job_in_its_own_manner() {
    let (Some(rabbit), Some(mosquitto)) = (Rabbit::start(), Mosquitto::start()) else { return };
    let folder = Folder::new("third-party");
    let place = warehouse(&folder);
    let lif: Value = serde_json::from_slice(&std::fs::read(&place.layout).unwrap()).unwrap();
    let mut drover = start(&place, &rabbit, &mosquitto, "1");
    let orders = Orders::listen(&mosquitto).await;
    let robot = Robot::switch_on(&mosquitto, &lif["layouts"][0]["nodes"][7]);
    wait_for_robots(&drover, 1);
    let jobs: Vec<Value> = (0..2).map(job).collect();
    let mut events = publish(&rabbit, &jobs).await;
    assert_all_done(&mut events, &orders, &jobs, &mut drover).await;
    assert!(!robot.is_finished(), "the robot found fault with what it was told");
    robot.abort();
}

/// A robot joins when it is heard; a job that comes before has nobody who could do it.
fn wait_for_robots(drover: &Drover, count: u64) {
    kit::process::wait_until("the robots to join", Duration::from_secs(30), || {
        drover.metric("drover_robots{state=\"idle\"}") == count
    });
}

const STEP: Duration = Duration::from_millis(100);
/// Steps between two states when nothing happens: 2 s.
const STATE_STEPS: u32 = 20;
/// Steps along an edge.
const EDGE_STEPS: u32 = 3;
/// Steps an action takes.
const ACTION_STEPS: u32 = 8;
/// Nodes it passes before it tells.
const NODES_PER_STATE: u32 = 3;

/// A robot written from the standard alone. Its manner: it knows its position but no node before its first order, tells
/// several nodes in one state, writes whole numbers without a point, leaves out what is optional, adds fields of its own,
/// and knows little of itself.
struct Robot {
    client: AsyncClient,
    x: f64,
    y: f64,
    order: Value,
    /// Nodes and edges still ahead, base and horizon.
    nodes: VecDeque<Value>,
    edges: VecDeque<Value>,
    last: (String, u64),
    actions: Vec<Value>,
    errors: Vec<Value>,
    loads: Vec<Value>,
    steps: u32,
    passed: u32,
    header: u32,
    steps_silent: u32,
}

impl Robot {
    const TOPIC: &str = "uagv/v2/Kraft-und-Werk/KW_7.0042-A";

    fn switch_on(mosquitto: &Mosquitto, node: &Value) -> JoinHandle<()> {
        let mut options = MqttOptions::new("kw-0042", "127.0.0.1", mosquitto.port());
        let broken = json!({ "headerId": 0, "timestamp": "2026-01-01T00:00:00Z", "version": "2.1.0",
            "manufacturer": "Kraft-und-Werk", "serialNumber": "KW_7.0042-A", "connectionState": "CONNECTIONBROKEN" });
        let topic = format!("{}/connection", Robot::TOPIC);
        options.set_last_will(LastWill::new(topic, broken.to_string(), QoS::AtLeastOnce, true));
        let (client, events) = AsyncClient::new(options, 100);
        let axis = |axis: &str| node["nodePosition"][axis].as_f64().unwrap();
        let robot = Robot {
            client,
            x: axis("x"),
            y: axis("y"),
            order: json!({ "orderId": "", "orderUpdateId": 0 }),
            nodes: VecDeque::new(),
            edges: VecDeque::new(),
            last: (String::new(), 0),
            actions: Vec::new(),
            errors: Vec::new(),
            loads: Vec::new(),
            steps: 0,
            passed: 0,
            header: 0,
            steps_silent: 0,
        };
        tokio::spawn(robot.run(events))
    }

    async fn run(mut self, mut events: EventLoop) {
        let mut clock = tokio::time::interval(STEP);
        loop {
            tokio::select! {
                event = events.poll() => match event.unwrap() {
                    Event::Incoming(Packet::ConnAck(_)) => self.greet(),
                    Event::Incoming(Packet::Publish(message)) => {
                        let body: Value = serde_json::from_slice(&message.payload).unwrap();
                        match message.topic.rsplit('/').next().unwrap() {
                            "order" => self.take(body),
                            "instantActions" => self.obey(&body),
                            other => panic!("nobody asked for {other}"),
                        }
                    }
                    _ => {}
                },
                _ = clock.tick() => self.step(),
            }
        }
    }

    fn greet(&mut self) {
        for topic in ["order", "instantActions"] {
            self.client.try_subscribe(format!("{}/{topic}", Robot::TOPIC), QoS::AtMostOnce).unwrap();
        }
        self.tell("connection", json!({ "connectionState": "ONLINE" }), true);
        let sheet = json!({
            "typeSpecification": { "seriesName": "KW 7", "agvClass": "CARRIER", "agvKinematic": null,
                "maxLoadMass": 80, "localizationTypes": null, "navigationTypes": [] },
            "physicalParameters": null, "protocolLimits": null, "protocolFeatures": null, "agvGeometry": null,
            "loadSpecification": null, "kwFirmware": { "build": 7 },
        });
        self.tell("factsheet", sheet, true);
        self.tell_state();
    }

    fn tell(&mut self, topic: &str, mut body: Value, retain: bool) {
        self.header += 1;
        body["headerId"] = self.header.into();
        body["timestamp"] = jiff::Timestamp::now().to_string().into();
        body["version"] = "2.1.0".into();
        body["manufacturer"] = "Kraft-und-Werk".into();
        body["serialNumber"] = "KW_7.0042-A".into();
        let quality = if topic == "connection" { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        self.client
            .try_publish(format!("{}/{topic}", Robot::TOPIC), quality, retain, body.to_string())
            .unwrap();
    }

    fn tell_state(&mut self) {
        let bare = |item: &Value, id: &str| json!({ id: item[id], "sequenceId": item["sequenceId"], "released": item["released"], "kwEta": null });
        let mut state = json!({
            "orderId": self.order["orderId"], "orderUpdateId": self.order["orderUpdateId"],
            "lastNodeId": self.last.0, "lastNodeSequenceId": self.last.1, "driving": self.is_driving(),
            "nodeStates": self.nodes.iter().map(|node| bare(node, "nodeId")).collect::<Vec<_>>(),
            "edgeStates": self.edges.iter().map(|edge| bare(edge, "edgeId")).collect::<Vec<_>>(),
            "actionStates": self.actions, "errors": self.errors, "loads": self.loads,
            "batteryState": { "batteryCharge": 81, "charging": false, "kwCells": [3, 3, 3] },
            "operatingMode": "AUTOMATIC", "safetyState": { "eStop": "NONE", "fieldViolation": false },
            "kwMood": { "is": "fine", "since": 1_700_000_000 },
        });
        if self.last.0.is_empty() {
            let (x, y) = (self.x, self.y);
            state["agvPosition"] =
                json!({ "x": x, "y": y, "theta": 0, "mapId": "ground", "positionInitialized": true });
        }
        self.tell("state", state, false);
        (self.passed, self.steps_silent) = (0, 0);
    }

    fn is_driving(&self) -> bool {
        !self.is_acting() && self.nodes.front().is_some_and(|node| node["released"] == true)
    }

    fn is_acting(&self) -> bool {
        self.actions.iter().any(|action| action["actionStatus"] != "FINISHED")
    }

    fn obey(&mut self, message: &Value) {
        for action in message["actions"].as_array().unwrap() {
            let (id, kind) = (&action["actionId"], &action["actionType"]);
            let is_known = kind == "stateRequest";
            let status = if is_known { "FINISHED" } else { "FAILED" };
            assert!(is_known, "nothing but a state was to be asked for: {action}");
            self.actions.push(json!({ "actionId": id, "actionType": kind, "actionStatus": status }));
        }
        self.tell_state();
    }

    /// An order or an update, by the standard's acceptance chart.
    fn take(&mut self, order: Value) {
        let is_update = order["orderId"] == self.order["orderId"];
        let number = |order: &Value| order["orderUpdateId"].as_u64().unwrap();
        if is_update && number(&order) == number(&self.order) {
            return;
        }
        let base = self.nodes.iter().rev().find(|node| node["released"] == true);
        let stitch = base.map_or_else(
            || (self.last.0.clone(), self.last.1),
            |node| (node["nodeId"].as_str().unwrap().to_owned(), node["sequenceId"].as_u64().unwrap()),
        );
        let first = &order["nodes"][0];
        let begins = (first["nodeId"].as_str().unwrap().to_owned(), first["sequenceId"].as_u64().unwrap());
        if is_update {
            assert!(number(&order) > number(&self.order), "updates rise");
            assert_eq!(begins, stitch, "an update begins where the base ends");
        } else {
            assert!(self.nodes.is_empty() && !self.is_acting(), "a new order comes to an idle robot only");
            assert!(self.last.0.is_empty() || self.last.0 == begins.0, "a new order begins where it stands");
            self.actions.clear();
        }
        self.adopt(order, is_update, begins);
        self.tell_state();
    }

    fn adopt(&mut self, order: Value, is_update: bool, begins: (String, u64)) {
        self.nodes.retain(|node| node["released"] == true);
        self.edges.retain(|edge| edge["released"] == true);
        let (nodes, edges) = (order["nodes"].as_array().unwrap(), order["edges"].as_array().unwrap());
        assert_eq!(nodes.len(), edges.len() + 1, "an edge between two nodes");
        self.nodes.extend(nodes.iter().skip(1).cloned());
        self.edges.extend(edges.iter().cloned());
        if !is_update {
            self.last = begins;
            self.begin_actions(&nodes[0]);
        }
        let (order_id, update_id) = (order["orderId"].clone(), order["orderUpdateId"].clone());
        self.order = json!({ "orderId": order_id, "orderUpdateId": update_id });
    }

    fn begin_actions(&mut self, node: &Value) {
        for action in node["actions"].as_array().into_iter().flatten() {
            let (id, kind) = (&action["actionId"], &action["actionType"]);
            let load = kit::outside::parameter(action, "loadId");
            self.actions.push(
                json!({ "actionId": id, "actionType": kind, "actionStatus": "RUNNING", "kwLoad": load }),
            );
        }
    }

    /// A tenth of a second goes by.
    fn step(&mut self) {
        self.steps_silent += 1;
        self.steps += 1;
        if self.is_acting() && self.steps >= ACTION_STEPS {
            self.end_actions();
        } else if self.is_driving() && self.steps >= EDGE_STEPS {
            self.pass();
        } else if !self.is_acting() && !self.is_driving() {
            self.steps = 0;
        }
        if self.steps_silent >= STATE_STEPS {
            self.tell_state();
        }
    }

    fn end_actions(&mut self) {
        self.steps = 0;
        for action in self.actions.iter_mut().filter(|action| action["actionStatus"] == "RUNNING") {
            action["actionStatus"] = "FINISHED".into();
            match action["actionType"].as_str().unwrap() {
                "pick" => self.loads.push(json!({ "loadId": action["kwLoad"], "weight": 12 })),
                "drop" => assert!(self.loads.pop().is_some(), "it can't drop what it hasn't got"),
                other => panic!("it can't {other}"),
            }
        }
        self.tell_state();
    }

    fn pass(&mut self) {
        self.steps = 0;
        self.passed += 1;
        self.edges.pop_front();
        let Some(node) = self.nodes.pop_front() else { return };
        self.last = (node["nodeId"].as_str().unwrap().to_owned(), node["sequenceId"].as_u64().unwrap());
        self.begin_actions(&node);
        if self.passed >= NODES_PER_STATE || !self.is_driving() {
            self.tell_state();
        }
    }
}
