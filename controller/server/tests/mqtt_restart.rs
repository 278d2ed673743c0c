//! The robots' broker dies under a large fleet at work and comes back without a memory: every session is back soon, nobody
//! drove beyond its base meanwhile, and every job is done once. Judged from outside: the events on RabbitMQ, and what goes
//! over MQTT.
//!
//! 200 robots in a debug build; `DROVER_ROBOTS=500` plays it with as many as that says.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kit::amqp::Client;
use kit::mosquitto::Mosquitto;
use kit::mqtt::Listener;
use kit::outside::{Heard, Orders};
use kit::process::{Folder, wait_until};
use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring, program, robots};
use rumqttc::{Publish, QoS};
use serde_json::{Value, json};

const SITE: &str = "restart-test";
const SPEED: &str = "4";
const ROBOTS: usize = 200;
const JOBS: usize = 60;
const PICKS: usize = 120;
const DOCKS: usize = 12;
/// Jobs done before the broker dies: the others are under way or wait.
const BEFORE: usize = 4;
/// How long the broker is away.
const AWAY: Duration = Duration::from_secs(5);
/// How long all sessions may take to come back here; what they took is printed.
const BACK_MAX: Duration = Duration::from_secs(120);
const THERE_MAX: Duration = Duration::from_secs(240);

fn count() -> usize {
    std::env::var("DROVER_ROBOTS").map_or(ROBOTS, |count| count.parse().unwrap())
}

/// A drawn warehouse with a parking place for every robot, which names none of them.
fn warehouse(folder: &Folder) -> Place {
    let (picks, docks) = (PICKS.to_string(), DOCKS.to_string());
    let mut command = Command::new(program("drover"));
    command.args(["map", "generate", "warehouse", "--aisles", "24", "--bays", "8", "--cross-aisles", "4"]);
    command.args(["--docks", &docks, "--picks", &picks, "--parking", "510", "--robots", "0"]);
    let output = command.arg("--out").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Place { layout: folder.file("layout.lif.json"), site: Some(folder.file("site.toml")) }
}

fn job(number: usize) -> Value {
    let dock = 1 + number % DOCKS;
    json!({
        "v": 1, "job_id": format!("R-{number}"), "sequence": format!("LORRY-{dock}"), "legs": [
            { "station": format!("PICK-{:03}", 1 + number * 7 % PICKS), "action": "pick",
              "load": { "id": format!("BOX-{number}") } },
            { "station": format!("DOCK-{dock:02}"), "action": "drop" },
        ],
    })
}

/// What robots say over MQTT: who is there, and how far each has come on its order.
#[derive(Default)]
struct Said {
    /// When each robot's ONLINE was last heard.
    online: BTreeMap<String, Instant>,
    /// Highest node counted as passed, by robot, order and update.
    passed: BTreeMap<(String, String, u64), u64>,
    /// Last released node of each message, by robot, order and update.
    base: BTreeMap<(String, String, u64), u64>,
}

impl Said {
    fn take(&mut self, topic: &str, body: &Value) {
        let mut levels = topic.rsplit('/');
        let (Some(kind), Some(serial)) = (levels.next(), levels.next()) else { return };
        let key = || {
            // `drover check` tries the topics with messages that say nothing.
            let order = body["orderId"].as_str().filter(|order| !order.is_empty())?;
            Some((serial.to_owned(), order.to_owned(), body["orderUpdateId"].as_u64()?))
        };
        match kind {
            "connection" if body["connectionState"] == "ONLINE" => {
                self.online.insert(serial.to_owned(), Instant::now());
            }
            "connection" => drop(self.online.remove(serial)),
            "state" => {
                let (Some(key), Some(last)) = (key(), body["lastNodeSequenceId"].as_u64()) else { return };
                let passed = self.passed.entry(key).or_default();
                *passed = last.max(*passed);
            }
            "order" => {
                let nodes = body["nodes"].as_array().into_iter().flatten();
                let released = nodes.filter(|node| node["released"] == true);
                let end = released.filter_map(|node| node["sequenceId"].as_u64()).max();
                self.base.extend(key().zip(end));
            }
            _ => {}
        }
    }

    /// Nobody counts a node as passed that wasn't released to it; how many states could be judged, and how many not
    /// because their order wasn't heard.
    fn assert_nobody_is_beyond_its_base(&self) -> (usize, usize) {
        let (mut judged, mut unheard) = (0, 0);
        for (key, passed) in &self.passed {
            let Some(end) = self.base.get(key) else {
                unheard += 1;
                continue;
            };
            assert!(passed <= end, "{key:?} is at {passed}, and was told to drive to {end}");
            judged += 1;
        }
        (judged, unheard)
    }
}

struct Floor {
    said: Arc<Mutex<Said>>,
    _listener: Listener,
}

impl Floor {
    /// Subscribed when this returns; it comes back by itself, too.
    async fn listen(mosquitto: &Mosquitto) -> Floor {
        let said = Arc::new(Mutex::new(Said::default()));
        let list = Arc::clone(&said);
        let take = move |message: &Publish| {
            let body = serde_json::from_slice(&message.payload).unwrap_or_default();
            list.lock().unwrap().take(&message.topic, &body);
        };
        let listener = Listener::start(mosquitto, "floor", &["uagv/v2/#"], QoS::AtMostOnce, take).await;
        Floor { said, _listener: listener }
    }

    /// Robots whose ONLINE was heard since that moment.
    fn online_since(&self, moment: Instant) -> usize {
        self.said.lock().unwrap().online.values().filter(|at| **at >= moment).count()
    }

    fn last_online(&self) -> Instant {
        *self.said.lock().unwrap().online.values().max().unwrap()
    }
}

/// Robots that the controller counts as there and placed.
fn known(drover: &Drover) -> usize {
    let states = ["driving", "waiting", "acting", "charging", "idle", "paused"];
    let count = |state: &str| drover.metric(&format!("drover_robots{{state=\"{state}\"}}"));
    states.into_iter().map(count).sum::<u64>() as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_dies_under_a_large_fleet_costs_time_and_no_order() {
    let (Some(rabbit), Some(mut mosquitto)) = (Rabbit::start(), Mosquitto::start()) else { return };
    let folder = Folder::new("restart");
    let (place, count) = (warehouse(&folder), count());
    let wiring = Wiring {
        id: SITE,
        place: place.clone(),
        jobs: rabbit.url(),
        mqtt: mosquitto.url(),
        store: None,
        enroll: "auto",
        speed: SPEED,
    };
    let mut drover = Drover::start(&wiring);
    drover.wait_until_ready();
    let (orders, floor) = (Orders::listen(&mosquitto).await, Floor::listen(&mosquitto).await);
    let client = Client::connect(&rabbit.url()).await;
    client.bind("heard", "drover.events", "#").await;
    let (mut events, mut heard) = (client.consume("heard").await, Heard::default());
    let number = count.to_string();
    let _robots =
        robots(&mosquitto, &place, &folder.file("robots.log"), &["--count", &number, "--speed", SPEED]);
    wait_until("all robots to be there", THERE_MAX, || known(&drover) == count);
    let jobs: Vec<Value> = (0..JOBS).map(job).collect();
    for job in &jobs {
        client.publish("drover.jobs", SITE, &job.to_string(), &[]).await;
    }
    heard.until_done(&mut events, BEFORE).await;

    mosquitto.kill();
    let killed = Instant::now();
    drover.wait_until_missing("mqtt");
    tokio::time::sleep(AWAY.saturating_sub(killed.elapsed())).await;
    mosquitto.restart();
    let back = Instant::now();
    wait_until("all sessions to be back", BACK_MAX, || floor.online_since(killed) == count);
    let took = floor.last_online().saturating_duration_since(back);
    wait_until("the controller to know all robots again", BACK_MAX, || known(&drover) == count);
    let (took_s, knows_s) = (took.as_secs_f64(), back.elapsed().as_secs_f64());
    println!(
        "{count} sessions back {took_s:.1} s after the broker; the controller knows all after {knows_s:.1} s"
    );

    heard.until_done(&mut events, JOBS).await;
    heard.assert_all_done_in_order(&jobs);
    orders.assert_once_only(&jobs);
    let (judged, unheard) = floor.said.lock().unwrap().assert_nobody_is_beyond_its_base();
    println!("{judged} stretches of {} robots judged, {unheard} of orders that weren't heard", {
        let said = floor.said.lock().unwrap();
        said.passed.keys().map(|(robot, ..)| robot.clone()).collect::<BTreeSet<_>>().len()
    });
    assert!(judged > JOBS && unheard * 10 < judged, "{judged} judged, {unheard} not");
    drover.stop();
    drover.assert_sound();
}
