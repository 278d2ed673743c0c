//! Robots of a library that others wrote (npm's vda-5050-lib: VDA 5050 2.0.0, with faults of its own) do our jobs, judged
//! from outside: by the events, and by what goes over the robots' broker.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::time::Duration;

use drover_proto::grpc::v1;
use kit::amqp::{Client, Subscription};
use kit::mosquitto::Mosquitto;
use kit::node;
use kit::outside::{Heard, Orders};
use kit::process::{Folder, Service, wait_until};
use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring, robots};
use kit::traffic::{Said, Traffic, assert_within_bases};
use serde_json::{Value, json};

const LIBRARY: &str = "vda-5050-lib@1.4.0";
const SITE: &str = "library-test";
const SPEED: &str = "10";
const QUEUE: &str = "heard";
/// Robots of the library, as the topics name their maker.
const THEIRS: &str = "other-make/";
/// The library knows the list of instant actions by its name of 1.1 only: without this none of them can be paused.
const PROFILE: &str =
    "[[profile]]\nname = \"library\"\nmanufacturer = \"other-make\"\nold_instant_actions = true\n";
const STARTS: [&str; 4] = ["PICK-001", "PICK-003", "PICK-006", "PICK-008"];
const THERE_MAX: Duration = Duration::from_secs(60);
const STATE_MAX: Duration = Duration::from_secs(60);

/// A site, four robots of theirs and some of ours, and who listens.
struct Site {
    drover: Drover,
    orders: Orders,
    traffic: Traffic,
    events: Subscription,
    rabbit: Rabbit,
    mosquitto: Mosquitto,
    _robots: Vec<Service>,
    _folder: Folder,
}

impl Site {
    /// None, with a word, where something isn't installed.
    async fn start(name: &str, ours: u32) -> Option<Site> {
        let library = node::package(LIBRARY)?;
        let (rabbit, mosquitto) = (Rabbit::start()?, Mosquitto::start()?);
        let folder = Folder::new(name);
        let site = folder.file("site.toml");
        let place = Place { site: Some(site.clone()), ..Place::warehouse(&folder) };
        std::fs::write(site, PROFILE).unwrap();
        let (jobs, mqtt) = (rabbit.url(), mosquitto.url());
        let wiring =
            Wiring { id: SITE, place: place.clone(), jobs, mqtt, store: None, enroll: "auto", speed: SPEED };
        let drover = Drover::start(&wiring);
        drover.wait_until_ready();
        let (orders, traffic) = (Orders::listen(&mosquitto).await, Traffic::listen(&mosquitto).await);
        let theirs = theirs(&place).to_string();
        let log = drover.folder.file("robots.log");
        let mut all = vec![node::run("agvs.mjs", &library, &[&mosquitto.url(), &theirs], &log)];
        if ours > 0 {
            let count = ours.to_string();
            let more = ["--count", &count, "--speed", SPEED];
            all.push(robots(&mosquitto, &place, &folder.file("ours.log"), &more));
        }
        wait_until("the robots to join", THERE_MAX, || {
            drover.metric("drover_robots{state=\"idle\"}") == u64::from(ours) + STARTS.len() as u64
        });
        let client = Client::connect(&rabbit.url()).await;
        client.bind(QUEUE, "drover.events", "#").await;
        let events = client.consume(QUEUE).await;
        Some(Site { drover, orders, traffic, events, rabbit, mosquitto, _robots: all, _folder: folder })
    }

    async fn publish(&self, jobs: &[Value]) {
        let client = Client::connect(&self.rabbit.url()).await;
        for job in jobs {
            client.publish("drover.jobs", SITE, &job.to_string(), &[]).await;
        }
    }

    /// All done once and in order, by robots that kept to what they were given; at least this many of theirs drove.
    async fn assert_all_done(&mut self, mut heard: Heard, jobs: &[Value], theirs_min: usize) {
        heard.until_done(&mut self.events, jobs.len()).await;
        heard.assert_all_done_in_order(jobs);
        self.orders.assert_once_only(jobs);
        let passed = assert_within_bases(&self.traffic.all());
        println!("nodes passed: {passed:?}");
        let drove = passed.iter().filter(|(robot, nodes)| robot.starts_with(THEIRS) && **nodes > 5);
        assert!(drove.count() >= theirs_min, "{passed:?}");
        self.drover.stop();
        self.drover.assert_sound();
    }
}

/// What the library's script is told: its robots stand at stations, ours take other places.
fn theirs(place: &Place) -> Value {
    let lif: Value = serde_json::from_slice(&std::fs::read(&place.layout).unwrap()).unwrap();
    let layout = &lif["layouts"][0];
    let find = |list: &str, key: &str, id: &Value| {
        let found = layout[list].as_array().unwrap().iter().find(|item| item[key] == *id);
        found.unwrap_or_else(|| panic!("{list} have no {id}")).clone()
    };
    let robot = |(number, station): (usize, &&str)| {
        let id = &find("stations", "stationId", &json!(station))["interactionNodeIds"][0];
        let node = find("nodes", "nodeId", id);
        let (x, y) = (&node["nodePosition"]["x"], &node["nodePosition"]["y"]);
        json!({ "serial": format!("m{number}"), "node": id, "x": x, "y": y, "map": node["mapId"] })
    };
    let robots: Vec<Value> = STARTS.iter().enumerate().map(robot).collect();
    let speed: u32 = SPEED.parse().unwrap();
    json!({ "manufacturer": "other-make", "speed": speed, "robots": robots })
}

/// A job in the library's words: its robots take EPAL pallets only, from and to places whose type begins with "floor", and
/// want the time as a number.
fn job(number: usize) -> Value {
    let dock = 1 + number % 2;
    let parameters = json!({ "stationType": "floor-1", "duration": 3 });
    json!({
        "v": 1, "job_id": format!("L-{number}"), "sequence": format!("LORRY-{dock}"),
        "legs": [
            { "station": format!("PICK-{:03}", 1 + number % 9), "action": "pick", "parameters": parameters,
              "load": { "id": format!("BOX-{number}"), "type": "EPAL" } },
            { "station": format!("DOCK-{dock:02}"), "action": "drop", "parameters": parameters },
        ],
    })
}

fn wave(count: usize) -> Vec<Value> {
    (0..count).map(job).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn robots_of_a_library_as_it_is_do_a_wave_beside_ours() {
    let Some(mut site) = Site::start("library", 2).await else { return };
    let jobs = wave(14);
    site.publish(&jobs).await;
    site.assert_all_done(Heard::default(), &jobs, STARTS.len()).await;
    for body in site.traffic.of(THEIRS, "order") {
        assert_eq!(body["version"], "2.0.0", "they take no other");
    }
    let ours = site.traffic.of("drover/", "order");
    assert!(ours.iter().all(|order| order["version"] == "2.1.0") && !ours.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn robots_that_never_say_online_again_go_on_after_the_broker_died() {
    let Some(mut site) = Site::start("library-broker", 0).await else { return };
    let jobs = wave(8);
    site.publish(&jobs).await;
    let mut heard = Heard::default();
    while heard.count("done") < 2 {
        heard.next(&mut site.events).await;
    }
    site.mosquitto.kill();
    site.mosquitto.restart();
    let before = site.traffic.of(THEIRS, "connection").len();
    site.assert_all_done(heard, &jobs, 2).await;
    assert_eq!(
        site.traffic.of(THEIRS, "connection").len(),
        before,
        "the library has changed: they say ONLINE"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_robots_of_a_library_stand_until_they_are_resumed() {
    let Some(mut site) = Site::start("library-pause", 0).await else { return };
    let jobs = wave(4);
    site.publish(&jobs).await;
    let mut heard = Heard::default();
    while heard.count("started") < 2 {
        heard.next(&mut site.events).await;
    }
    let mut fleet = site.drover.fleet().await;
    fleet.pause(v1::PauseRobotsRequest::default()).await.unwrap();
    let stands = |state: &Value| state["paused"] == true && state["driving"] == false;
    wait_until("all to stand", STATE_MAX, || {
        STARTS.iter().enumerate().all(|(robot, _)| stands(&site.last(robot)))
    });
    let before: Vec<Value> = (0..STARTS.len()).map(|robot| site.last(robot)).collect();
    let heard_before = site.traffic.of(THEIRS, "state").len();
    wait_until("some more states", STATE_MAX, || {
        site.traffic.of(THEIRS, "state").len() >= heard_before + 2 * STARTS.len()
    });
    for (robot, before) in before.iter().enumerate() {
        assert_eq!(site.last(robot)["agvPosition"], before["agvPosition"], "a paused robot has moved");
    }
    fleet.resume(v1::ResumeRobotsRequest::default()).await.unwrap();
    site.assert_all_done(heard, &jobs, 2).await;
}

impl Site {
    /// The newest state of this robot of theirs.
    fn last(&self, robot: usize) -> Value {
        self.traffic.of(&format!("{THEIRS}m{robot}"), "state").pop().unwrap()
    }
}

/// Two nodes of a base and one beyond it, and what a robot says after that.
fn after_an_order(robot: &str, node: &str, sequence: u64, x: f64) -> Vec<Said> {
    let said = |robot: &str, topic: &str, body: Value| Said {
        major: "v2".to_owned(),
        robot: robot.to_owned(),
        topic: topic.to_owned(),
        body,
    };
    let node_at = |id: &str, sequence: u64, x: f64, released: bool| json!({ "nodeId": id, "sequenceId": sequence, "released": released, "nodePosition": { "x": x, "y": 0.0 } });
    let nodes = [node_at("a", 0, 0.0, true), node_at("b", 2, 2.0, true), node_at("c", 4, 4.0, false)];
    let state = |order: &str, node: &str, sequence: u64, x: f64| json!({ "orderId": order, "lastNodeId": node, "lastNodeSequenceId": sequence, "agvPosition": { "x": x, "y": 0.0 } });
    vec![
        said("make/other", "state", state("", "c", 0, 4.0)),
        said("make/one", "order", json!({ "orderId": "O", "nodes": nodes })),
        said("make/one", "state", state("O", "a", 0, 0.0)),
        said(robot, "state", state("O", node, sequence, x)),
    ]
}

#[test]
fn a_robot_within_its_base_is_not_found_fault_with() {
    let passed = assert_within_bases(&after_an_order("make/one", "b", 2, 2.0));
    assert_eq!(passed["make/one"], 2);
}

#[test]
#[should_panic(expected = "beyond its base")]
fn a_robot_that_passes_a_node_beyond_its_base_is_found_out() {
    assert_within_bases(&after_an_order("make/one", "c", 4, 2.0));
}

#[test]
#[should_panic(expected = "off its base")]
fn a_robot_that_stands_beyond_its_base_is_found_out() {
    assert_within_bases(&after_an_order("make/one", "b", 2, 2.2));
}

#[test]
#[should_panic(expected = "from make/one")]
fn a_robot_too_near_another_is_found_out() {
    assert_within_bases(&after_an_order("make/third", "a", 0, 0.5));
}
