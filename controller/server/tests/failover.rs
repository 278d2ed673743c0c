//! Two controllers of one site on PostgreSQL, RabbitMQ and Mosquitto: whoever leads is killed, told to go, or held for a
//! while, and the other goes on. Times are printed, not judged; `make failover` does it many times.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::BTreeSet;
use std::env;
use std::time::{Duration, Instant};

use drover_controller::demo::wave;
use drover_controller::store::Store;
use drover_core::command::Command;
use drover_core::{Epoch, Seq};
use kit::amqp::{Client, Subscription};
use kit::mosquitto::Mosquitto;
use kit::outside::{Heard, Orders};
use kit::postgres::Postgres;
use kit::process::{Service, wait_until};
use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring, robots};
use serde_json::{Value, json};

const SITE: &str = "fresh-dc";
const SPEED: &str = "10";
const ROBOTS: &str = "20";
/// Jobs handed in before each failover.
const JOBS: usize = 6;
/// How often the leader is killed, and how often told to go, unless the environment says otherwise.
const FAILOVERS: usize = 1;
/// For each so many of them a leader is held once.
const HOLDS_SHARE: usize = 10;
/// How long a leader is held, s, unless the environment says otherwise.
const HELD_S: usize = 8;
const TAKEN_MAX: Duration = Duration::from_secs(60);
const TAKEN_LOOK: Duration = Duration::from_millis(5);

fn from_environment(key: &str, default: usize) -> usize {
    env::var(key).map_or(default, |value| value.parse().unwrap())
}

/// The site, its two controllers, and those who watch from outside.
struct Stage {
    leader: Drover,
    standby: Drover,
    store: Store,
    client: Client,
    events: Subscription,
    heard: Heard,
    orders: Orders,
    jobs: Vec<Value>,
    _robots: Service,
    _brokers: (Rabbit, Mosquitto, Postgres),
}

/// What a failover took, from the blow on, ms.
struct Taken {
    /// To the first record of the new leader.
    decision: u128,
    /// To its first order.
    order: u128,
}

impl Stage {
    async fn set() -> Option<Stage> {
        let (rabbit, mosquitto, postgres) = (Rabbit::start()?, Mosquitto::start()?, Postgres::start()?);
        let place = Place::fresh_dc();
        let wiring = || Wiring {
            id: SITE,
            place: place.clone(),
            jobs: rabbit.url(),
            mqtt: mosquitto.url(),
            store: Some(postgres.url()),
            enroll: "configured",
            speed: SPEED,
        };
        let leader = Drover::start(&wiring());
        leader.wait_until_ready();
        let standby = Drover::start(&wiring());
        wait_until_standing_by(&standby);
        let orders = Orders::listen(&mosquitto).await;
        let client = Client::connect(&rabbit.url()).await;
        client.bind("heard", "drover.events", "#").await;
        let events = client.consume("heard").await;
        let log = leader.folder.file("robots.log");
        let robots = robots(&mosquitto, &place, &log, &["--count", ROBOTS, "--speed", SPEED]);
        let store = Store::connect(&postgres.url()).await.unwrap();
        Some(Stage {
            leader,
            standby,
            store,
            client,
            events,
            heard: Heard::default(),
            orders,
            jobs: Vec::new(),
            _robots: robots,
            _brokers: (rabbit, mosquitto, postgres),
        })
    }

    /// Jobs of the bundled wave, under ids of their own.
    async fn hand_in(&mut self, count: usize) {
        let wave: Vec<&str> = wave::BUNDLED.lines().collect();
        for _ in 0..count {
            let number = self.jobs.len();
            let mut job: Value = serde_json::from_str(wave[number % wave.len()]).unwrap();
            job["job_id"] = json!(format!("F-{number}"));
            job["legs"][0]["load"]["id"] = json!(format!("TOTE-{number}"));
            self.client.publish("drover.jobs", SITE, &job.to_string(), &[]).await;
            self.jobs.push(job);
        }
    }

    /// Jobs come in, and some of those before are done: the floor is busy.
    async fn work(&mut self) {
        self.hand_in(JOBS).await;
        let done = self.jobs.len().saturating_sub(2 * JOBS) + 1;
        self.heard.until_done(&mut self.events, done).await;
    }

    async fn epoch(&self) -> (Epoch, Seq) {
        let lease = self.store.lease(SITE).await.unwrap().unwrap();
        (lease.epoch, lease.tip)
    }

    /// Waits for the standby's first record and its first order, and lets the two change places.
    async fn taken(&mut self, blow: Instant, before: Epoch) -> Taken {
        let until = blow + TAKEN_MAX;
        let (epoch, tip) = loop {
            assert!(Instant::now() < until, "nobody took the lead: {}", self.standby.log());
            let lease = self.epoch().await;
            if lease.0 > before {
                break lease;
            }
            tokio::time::sleep(TAKEN_LOOK).await;
        };
        let from = Seq(tip.0.saturating_sub(64).max(1));
        while !self.has_written(epoch, from).await {
            assert!(Instant::now() < until, "the new leader decides nothing: {}", self.standby.log());
            tokio::time::sleep(TAKEN_LOOK).await;
        }
        let decision = blow.elapsed().as_millis();
        let decided = Instant::now();
        wait_until("the new leader's first order", TAKEN_MAX, || self.orders.first_after(decided).is_some());
        let order = self.orders.first_after(decided).unwrap() - blow;
        std::mem::swap(&mut self.leader, &mut self.standby);
        let log = self.leader.recent_log();
        assert!(!log.contains(" restored "), "it followed the journal and needs no restoring: {log}");
        Taken { decision, order: order.as_millis() }
    }

    async fn has_written(&self, epoch: Epoch, from: Seq) -> bool {
        let mut records = self.store.records(SITE, from, None);
        while let Some(record) = records.next().await.unwrap() {
            if record.epoch == epoch {
                return true;
            }
        }
        false
    }

    /// Every order that a robot was ever sent is in the journal, under the same ids.
    async fn assert_no_order_outside_the_journal(&self) {
        let mut released = BTreeSet::new();
        let mut records = self.store.records(SITE, Seq(1), None);
        while let Some(record) = records.next().await.unwrap() {
            for command in record.entries.iter().flat_map(|entry| &entry.commands) {
                if let Command::Release { order, .. } = command {
                    released.insert((order.order_id.clone(), u64::from(order.update_id)));
                }
            }
        }
        for sent in self.orders.all() {
            let id = sent.order["orderId"].as_str().unwrap().to_owned();
            let key = (id, sent.order["orderUpdateId"].as_u64().unwrap());
            assert!(released.contains(&key), "{}: {key:?} isn't in the journal", sent.topic);
        }
    }

    /// The leader stops for a while in the middle of whatever it does, and finds another one in its place.
    async fn hold(&mut self, held: Duration) -> Taken {
        self.work().await;
        let (before, _) = self.epoch().await;
        let blow = Instant::now();
        self.leader.signal("-STOP");
        let taken = self.taken(blow, before).await;
        let accepted = self.heard.count("accepted") + 1;
        self.hand_in(1).await;
        while self.heard.count("accepted") < accepted {
            self.heard.next(&mut self.events).await;
        }
        println!("intake is back {} ms after the leader was held", blow.elapsed().as_millis());
        tokio::time::sleep(held.saturating_sub(blow.elapsed())).await;
        self.standby.signal("-CONT");
        wait_until("the old leader to see that another leads, and end", TAKEN_MAX, || {
            !self.standby.is_running()
        });
        self.restart_standby();
        taken
    }

    /// Whoever was the leader stands by again.
    fn restart_standby(&mut self) {
        self.standby.restart();
        wait_until_standing_by(&self.standby);
    }
}

fn wait_until_standing_by(drover: &Drover) {
    drover.wait_until_missing_for("store", "standing by");
}

/// Median and largest of what each failover took.
fn tell(what: &str, taken: &[Taken]) {
    for (figure, of) in [("decision", (|it| it.decision) as fn(&Taken) -> u128), ("order", |it| it.order)] {
        let mut all: Vec<u128> = taken.iter().map(of).collect();
        all.sort_unstable();
        let (median, most) = (all[all.len() / 2], all[all.len() - 1]);
        println!("{what}, {} times, to the first {figure}: median {median} ms, most {most} ms", all.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leads_may_die_go_or_sleep_and_outsiders_notice_a_pause() {
    let Some(mut stage) = Stage::set().await else { return };
    let count = from_environment("DROVER_FAILOVERS", FAILOVERS);
    let held = Duration::from_secs(from_environment("DROVER_HELD_S", HELD_S) as u64);

    let mut killed = Vec::new();
    for _ in 0..count {
        stage.work().await;
        let (before, _) = stage.epoch().await;
        let blow = Instant::now();
        stage.leader.kill();
        killed.push(stage.taken(blow, before).await);
        stage.restart_standby();
    }
    tell("killed", &killed);

    let mut told = Vec::new();
    for _ in 0..count {
        stage.work().await;
        let (before, _) = stage.epoch().await;
        let blow = Instant::now();
        stage.leader.signal("-TERM");
        told.push(stage.taken(blow, before).await);
        stage.standby.stop();
        stage.restart_standby();
    }
    tell("told to go", &told);

    let mut slept = Vec::new();
    for _ in 0..count.div_ceil(HOLDS_SHARE) {
        slept.push(stage.hold(held).await);
    }
    tell(&format!("held for {held:?}"), &slept);

    stage.heard.until_done(&mut stage.events, stage.jobs.len()).await;
    stage.heard.assert_all_done_in_order(&stage.jobs);
    stage.orders.assert_once_only(&stage.jobs);
    stage.assert_no_order_outside_the_journal().await;
    stage.leader.stop();
    stage.leader.assert_sound();
}
