//! Jobs against kills at random moments: of the controller, RabbitMQ, PostgreSQL and the robots' broker. The judge knows the
//! events on RabbitMQ and the orders on MQTT, and nothing else: no job is lost, none is done twice, order is kept.
//!
//! Small by default. `make kills` runs the full sizes; each number can be set, see `Size`. A run prints its seed:
//! `DROVER_KILLS_SEED` draws the same victims, downtimes and thresholds again.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kit::amqp::{Client, Message};
use kit::mosquitto::Mosquitto;
use kit::mqtt;
use kit::outside::{Heard, parameter};
use kit::postgres::Postgres;
use kit::process::{Folder, Service};
use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring, program, robots};
use kit::tireless::{self, Listener};
use rumqttc::{Publish, QoS};
use serde_json::{Value, json};

/// The queue of the customer's program.
const EVENTS: &str = "heard";
/// Time without any progress after which a run has failed.
const STALL_MAX: Duration = Duration::from_secs(180);
/// Nothing more comes when nothing came for so long.
const QUIET: Duration = Duration::from_secs(3);
/// A victim stays dead for so long, at most, ms.
const DOWN_MS_MAX: u64 = 2_000;
/// A kill comes so long after its threshold, at most, ms.
const LATE_MS_MAX: u64 = 400;
/// Robots and controller run so much faster than real.
const SPEED: &str = "20";
/// Jobs of one sequence.
const JOBS_PER_SEQUENCE: usize = 8;

/// How large a run is.
struct Size {
    jobs: usize,
    kills: usize,
    seed: u64,
}

impl Size {
    /// As the environment says: `DROVER_KILLS_<KIND>_JOBS`, `DROVER_KILLS_<KIND>_KILLS`, `DROVER_KILLS_SEED`.
    fn of(kind: &str, jobs: usize, kills: usize) -> Size {
        let size = Size {
            jobs: number(&format!("{kind}_JOBS"), jobs),
            kills: number(&format!("{kind}_KILLS"), kills),
            seed: number("SEED", 1) as u64,
        };
        println!("{kind}: {} jobs, {} kills, seed {}", size.jobs, size.kills, size.seed);
        size
    }
}

fn number(key: &str, default: usize) -> usize {
    env::var(format!("DROVER_KILLS_{key}")).map_or(default, |value| value.parse().unwrap())
}

/// SplitMix64 (Steele et al., OOPSLA 2014).
struct Chance(u64);

impl Chance {
    /// 0 to `below` - 1.
    fn draw(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Controller,
    Jobs,
    Store,
    Robots,
}

/// Some of them die once so many jobs have come so far.
#[derive(Debug)]
struct Kill {
    at: usize,
    late_ms: u64,
    victims: Vec<Victim>,
    down_ms: u64,
}

/// Everybody dies in turn, one in four together with another; when is drawn.
fn drawn(size: &Size, victims: &[Victim]) -> Vec<Kill> {
    let mut chance = Chance(size.seed);
    let mut thresholds: Vec<usize> =
        (0..size.kills).map(|_| chance.draw(size.jobs as u64 * 9 / 10) as usize).collect();
    thresholds.sort_unstable();
    let mut kills = Vec::new();
    for (turn, at) in thresholds.into_iter().enumerate() {
        let mut dead = vec![victims[turn % victims.len()]];
        if chance.draw(4) == 0 {
            let other = victims[chance.draw(victims.len() as u64) as usize];
            dead.extend((!dead.contains(&other)).then_some(other));
        }
        let (late_ms, down_ms) = (chance.draw(LATE_MS_MAX), chance.draw(DOWN_MS_MAX));
        kills.push(Kill { at, late_ms, victims: dead, down_ms });
    }
    kills
}

/// A site, its brokers and its database: all that can be killed.
struct World {
    rabbit: Rabbit,
    postgres: Postgres,
    mosquitto: Option<Mosquitto>,
    drover: Drover,
    heard: Listener<Heard>,
}

impl World {
    /// None when something isn't installed.
    async fn start(id: &'static str, place: Place, mosquitto: Option<Mosquitto>) -> Option<World> {
        let (rabbit, postgres) = (Rabbit::start()?, Postgres::start()?);
        let mqtt = mosquitto.as_ref().map_or("embedded".to_owned(), Mosquitto::url);
        let (jobs, store) = (rabbit.url(), Some(postgres.url()));
        let drover = Drover::start(&Wiring { id, place, jobs, mqtt, store, enroll: "auto", speed: SPEED });
        drover.wait_until_ready();
        Client::connect(&rabbit.url()).await.bind(EVENTS, "drover.events", "#").await;
        let take = |heard: &mut Heard, message: &Message| heard.take(message);
        let heard = Listener::start(rabbit.url(), EVENTS, Heard::default(), take);
        Some(World { rabbit, postgres, mosquitto, drover, heard })
    }

    fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Controller => self.drover.kill(),
            Victim::Jobs => self.rabbit.kill(),
            Victim::Store => self.postgres.kill(),
            Victim::Robots => self.mosquitto.iter_mut().for_each(Mosquitto::kill),
        }
    }

    fn restart(&mut self, victim: Victim) {
        match victim {
            Victim::Controller => self.drover.restart(),
            Victim::Jobs => self.rabbit.restart(),
            Victim::Store => self.postgres.restart(),
            Victim::Robots => self.mosquitto.iter_mut().for_each(Mosquitto::restart),
        }
    }

    /// Waits until so many jobs have reached this state.
    async fn until(&self, state: &str, jobs: usize) {
        let (mut before, mut moved) = (0, Instant::now());
        loop {
            let (reached, events) = self.heard.read(|heard| (heard.count(state), heard.events.len()));
            if reached >= jobs {
                return;
            }
            if events != before {
                (before, moved) = (events, Instant::now());
            }
            assert!(moved.elapsed() < STALL_MAX, "nothing happens any more: {reached} of {jobs} {state}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// All kills, in order, each once so many jobs have reached this state; then until all have.
    async fn live_through(&mut self, size: &Size, state: &str, kills: &[Kill]) {
        let begun = Instant::now();
        for kill in kills {
            self.until(state, kill.at).await;
            tokio::time::sleep(Duration::from_millis(kill.late_ms)).await;
            let seconds = begun.elapsed().as_secs_f64();
            println!("{seconds:.1} s: kill -9 of {:?} at {}, for {} ms", kill.victims, kill.at, kill.down_ms);
            kill.victims.iter().for_each(|victim| self.kill(*victim));
            tokio::time::sleep(Duration::from_millis(kill.down_ms)).await;
            kill.victims.iter().for_each(|victim| self.restart(*victim));
        }
        self.until(state, size.jobs).await;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{} jobs {state} in {seconds:.1} s, {} kills", size.jobs, kills.len());
        // Whatever comes too often comes now.
        tokio::time::sleep(QUIET).await;
        let (events, repeats) = self.heard.read(|heard| (heard.events.len(), heard.repeats));
        println!("{events} events, {repeats} of them again");
    }

    async fn assert_nothing_refused(&self, site: &str) {
        let client = Client::connect(&self.rabbit.url()).await;
        assert_eq!(client.ready(&format!("drover.{site}.dead")).await, 0, "a good job was refused");
        assert_eq!(client.ready(&format!("drover.{site}.jobs")).await, 0, "a job is still in the queue");
    }
}

/// A drawn warehouse without devices; robots join by themselves.
fn warehouse(folder: &Folder, aisles: usize, docks: usize, picks: usize) -> Place {
    let mut command = Command::new(program("drover"));
    command.args(["map", "generate", "warehouse", "--bays", "6", "--cross-aisles", "3", "--parking", "24"]);
    for (key, value) in [("--aisles", aisles), ("--docks", docks), ("--picks", picks)] {
        command.arg(key).arg(value.to_string());
    }
    let output = command.arg("--out").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(folder.file("site.toml")).unwrap();
    Place { layout: folder.file("layout.lif.json"), site: None }
}

/// Jobs from a pick to a dock; two of three belong to a lorry at that dock.
fn jobs(count: usize, docks: usize, picks: usize) -> Vec<Value> {
    let job = |number: usize| {
        let (lorry, dock) = (number / JOBS_PER_SEQUENCE, 1 + number / JOBS_PER_SEQUENCE % docks);
        let mut job = json!({
            "v": 1, "job_id": format!("K-{number}"),
            "legs": [
                { "station": format!("PICK-{:03}", 1 + number * 7 % picks), "action": "pick",
                  "load": { "id": format!("BOX-{number}"), "type": "box" } },
                { "station": format!("DOCK-{dock:02}"), "action": "drop" },
            ],
        });
        if !number.is_multiple_of(3) {
            job["sequence"] = format!("LORRY-{lorry}").into();
        }
        job
    };
    (0..count).map(job).collect()
}

fn publishing(rabbit: &Rabbit, site: &'static str, jobs: &[Value]) -> tokio::task::JoinHandle<()> {
    let (url, bodies) = (rabbit.url(), jobs.iter().map(Value::to_string).collect::<Vec<_>>());
    tokio::spawn(async move { tireless::publish(&url, "drover.jobs", site, &bodies).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_taken_over_once_and_in_queue_order_whoever_is_killed() {
    let size = Size::of("INTAKE", 2_000, 4);
    let site = "kills-intake";
    let Some(mut world) = World::start(site, Place::fresh_dc(), None).await else { return };
    let (docks, picks) = (12, 24);
    let mut jobs = jobs(size.jobs, docks, picks);
    for (number, job) in jobs.iter_mut().enumerate() {
        job["legs"][0]["station"] = format!("PICK-C-{:02}", 1 + number % picks).into();
    }
    let publishing = publishing(&world.rabbit, site, &jobs);
    let kills = drawn(&size, &[Victim::Controller, Victim::Jobs, Victim::Store]);
    world.live_through(&size, "accepted", &kills).await;
    publishing.await.unwrap();
    world.heard.read(|heard| heard.assert_all_accepted_in_order(&jobs));
    assert_eq!(world.heard.read(|heard| heard.events.len()), size.jobs, "nothing else was told");
    world.assert_nothing_refused(site).await;
    world.drover.stop();
    world.drover.assert_sound();
}

/// What was ordered of robots, as far as it was heard: while their broker is dead the listener is deaf, too.
#[derive(Default)]
struct Orders {
    /// What each update said, by order: a hash of it.
    updates: BTreeMap<(String, String, u64), u64>,
    /// Actions that pick a load, with the robot.
    picks: BTreeMap<String, BTreeSet<(String, String)>>,
    again: usize,
}

impl Orders {
    fn take(&mut self, message: &Publish) {
        let mut order: Value = serde_json::from_slice(&message.payload).unwrap();
        let released = order["nodes"].as_array().unwrap().iter().filter(|node| node["released"] == true);
        for action in released.filter_map(|node| node["actions"].as_array()).flatten() {
            if action["actionType"] == "pick" {
                let who = (message.topic.clone(), action["actionId"].as_str().unwrap().to_owned());
                self.picks.entry(parameter(action, "loadId")).or_default().insert(who);
            }
        }
        let key = (
            message.topic.clone(),
            order["orderId"].as_str().unwrap().to_owned(),
            order["orderUpdateId"].as_u64().unwrap(),
        );
        for header in ["headerId", "timestamp"] {
            order.as_object_mut().unwrap().remove(header);
        }
        let mut hasher = DefaultHasher::new();
        order.to_string().hash(&mut hasher);
        if let Some(before) = self.updates.insert(key, hasher.finish()) {
            assert_eq!(before, hasher.finish(), "the same update with another content: {order}");
            self.again += 1;
        }
    }

    fn assert_each_load_picked_once(&self, jobs: &[Value]) {
        let known: BTreeSet<&str> =
            jobs.iter().map(|job| job["legs"][0]["load"]["id"].as_str().unwrap()).collect();
        let twice = self.picks.iter().find(|(_, who)| who.len() > 1);
        assert_eq!(twice, None, "a load is picked by two actions");
        let strange = self.picks.keys().find(|load| !known.contains(load.as_str()));
        assert_eq!(strange, None, "nobody asked for this load");
        println!(
            "{} updates of orders, {} of them again; the picks of {} of {} loads heard",
            self.updates.len(),
            self.again,
            self.picks.len(),
            jobs.len()
        );
    }
}

async fn listen(mosquitto: &Mosquitto) -> (Arc<Mutex<Orders>>, mqtt::Listener) {
    let orders = Arc::new(Mutex::new(Orders::default()));
    let book = Arc::clone(&orders);
    let take = move |message: &Publish| book.lock().unwrap().take(message);
    let filters = &["uagv/v2/+/+/order"];
    let listener = mqtt::Listener::start(mosquitto, "judge", filters, QoS::AtMostOnce, take).await;
    (orders, listener)
}

fn start_robots(mosquitto: &Mosquitto, place: &Place, folder: &Folder, count: usize) -> Service {
    let args = ["--count", &count.to_string(), "--speed", SPEED];
    robots(mosquitto, place, &folder.file("robots.log"), &args)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_done_once_and_in_order_whoever_is_killed() {
    let size = Size::of("FLOOR", 80, 4);
    let site = "kills-floor";
    let count = number("FLOOR_ROBOTS", 16);
    let (docks, picks) = (count.div_ceil(3), count * 2);
    let folder = Folder::new("kills");
    let place = warehouse(&folder, count.div_ceil(3).max(4), docks, picks);
    let Some(mosquitto) = Mosquitto::start() else { return };
    let (orders, _listener) = listen(&mosquitto).await;
    let Some(mut world) = World::start(site, place.clone(), Some(mosquitto)).await else { return };
    let _robots = world.mosquitto.as_ref().map(|broker| start_robots(broker, &place, &folder, count));
    let jobs = jobs(size.jobs, docks, picks);
    let publishing = publishing(&world.rabbit, site, &jobs);
    let kills = drawn(&size, &[Victim::Controller, Victim::Jobs, Victim::Robots, Victim::Store]);
    world.live_through(&size, "done", &kills).await;
    publishing.await.unwrap();
    world.heard.read(|heard| heard.assert_all_done_in_order(&jobs));
    orders.lock().unwrap().assert_each_load_picked_once(&jobs);
    world.assert_nothing_refused(site).await;
    world.drover.stop();
    world.drover.assert_sound();
}
