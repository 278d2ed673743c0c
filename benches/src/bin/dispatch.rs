//! From a customer's job to a robot's order, end to end: a job is published to a real RabbitMQ, committed to a real
//! PostgreSQL, and its robot's first order is seen on a real Mosquitto. Beside it, on the same brokers in the same run,
//! the least that any program must do for the same promise: consume, commit, publish.
//!
//! `cargo run --release -p drover-benches --bin dispatch -- --robots 100 --rate 2 --seconds 60`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use clap::Parser;
use futures::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use rumqttc::{AsyncClient, MqttOptions, Publish, QoS};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use drover_benches::controller::{Controller, PATIENCE, program};
use drover_benches::kit::mosquitto::Mosquitto;
use drover_benches::kit::mqtt::Listener;
use drover_benches::kit::postgres::Postgres;
use drover_benches::kit::process::Service;
use drover_benches::kit::rabbit::Rabbit;
use drover_benches::site::{Site, needed};
use drover_benches::{queue, round, show};

const SITE: &str = "dispatch";
/// How long the bare program is measured, s, at most.
const BARE_MAX_S: f64 = 15.0;
/// How long after the last job its order is waited for.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// Pause between two looks at what was seen.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The controller's clock and ours are one, but for their rounding, ms.
const ROUNDING_MS: u64 = 1;

/// From a job on RabbitMQ to the first order on MQTT.
#[derive(Debug, Parser)]
#[command(
    after_help = "A job waits for a robot where the rate is above what the fleet can do, and a robot that is under way
already hears of its job with the next stretch that is released to it; both are in the figures.

Examples:
  dispatch --robots 100 --rate 1 --seconds 60         well below what 100 robots can do
  dispatch --robots 100 --rate 1 --seconds 60 --json  one line for a machine"
)]
struct Args {
    /// Robots, 1 to 1000.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    robots: u32,
    /// Jobs per second.
    #[arg(long, default_value_t = 1.0)]
    rate: f64,
    /// How long jobs come, s.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Moments, by what they belong to, ms since 1970.
type Moments = BTreeMap<String, u64>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(args.rate.is_finite() && args.rate > 0.0, "--rate {}: write a number above 0", args.rate);
    // What must be built is built before anything runs beside it.
    program("drover")?;
    let rabbit = needed("RabbitMQ", Rabbit::start())?;
    let mosquitto = needed("Mosquitto", Mosquitto::start())?;
    let postgres = needed("PostgreSQL", Postgres::start())?;
    let amqp = queue::connect(&rabbit).await?;
    let bare = bare(&amqp, &mosquitto, &postgres, &args).await?;
    let floor = Floor::start(&rabbit, &mosquitto, &postgres, args.robots)?;
    let figures = floor.measure(&amqp, &mosquitto, &args, &bare).await?;
    show(&figures, args.json)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// The least of the sorted values that this share of them doesn't exceed, ms.
fn percentile(sorted: &[u64], share: f64) -> Value {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.max(1) - 1).map_or(Value::Null, |value| json!(value))
}

/// Calls at this rate, for so long; gives how often.
async fn at_rate(
    rate: f64,
    seconds: f64,
    mut call: impl AsyncFnMut(u32) -> anyhow::Result<()>,
) -> anyhow::Result<u32> {
    let begun = Instant::now();
    for number in 0_u32.. {
        let due = f64::from(number) / rate;
        if due >= seconds {
            return Ok(number);
        }
        tokio::time::sleep_until((begun + Duration::from_secs_f64(due)).into()).await;
        call(number).await?;
    }
    Ok(u32::MAX)
}

/// Publishes a message that is safe in a queue when this returns.
async fn publish(channel: &Channel, exchange: &str, key: &str, body: &str) -> anyhow::Result<()> {
    queue::taken(queue::publish(channel, exchange, key, body.as_bytes()).await?).await
}

/// Consume, commit, publish, and nothing else: from each message's publishing until it is seen, ms, sorted.
async fn bare(
    amqp: &Connection,
    mosquitto: &Mosquitto,
    postgres: &Postgres,
    args: &Args,
) -> anyhow::Result<Vec<u64>> {
    let taking = queue::channel(amqp).await?;
    queue::declare(&taking, "bare").await?;
    let mut jobs = queue::consume(&taking, "bare", BasicConsumeOptions::default()).await?;
    let mut database = PgConnection::connect(&postgres.url()).await?;
    let table = "CREATE TABLE bare (number bigserial PRIMARY KEY, body bytea NOT NULL)";
    sqlx::query(table).execute(&mut database).await?;
    let (client, mut events) = AsyncClient::new(MqttOptions::new("bare", "127.0.0.1", mosquitto.port()), 100);
    let connection = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let take = move |message: &Publish| {
        let sent = std::str::from_utf8(&message.payload).ok().and_then(|text| text.parse::<u64>().ok());
        let ms = sent.map_or(0, |sent| now_ms().saturating_sub(sent));
        lock(&note).push(ms);
    };
    let _listener = Listener::start(mosquitto, "bare-seen", &["bare"], QoS::AtMostOnce, take).await;
    let relay = tokio::spawn(async move {
        while let Some(job) = jobs.next().await {
            let job = job?;
            sqlx::query("INSERT INTO bare (body) VALUES ($1)").bind(&job.data).execute(&mut database).await?;
            job.acker.ack(BasicAckOptions::default()).await?;
            client.publish("bare", QoS::AtMostOnce, false, job.data).await?;
        }
        anyhow::Ok(())
    });
    let giving = queue::channel(amqp).await?;
    let seconds = BARE_MAX_S.min(args.seconds as f64);
    let sent =
        at_rate(args.rate, seconds, async |_| publish(&giving, "", "bare", &now_ms().to_string()).await);
    let sent = sent.await? as usize;
    let all = || lock(&seen).clone();
    let begun = Instant::now();
    while all().len() < sent && begun.elapsed() < DRAIN_MAX {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    relay.abort();
    connection.abort();
    let mut all = all();
    all.sort_unstable();
    ensure!(all.len() == sent, "the bare program handled {} of {sent} messages", all.len());
    Ok(all)
}

/// A site with its robots, each program a process of its own.
struct Floor {
    controller: Controller,
    _robots: Service,
    site: Site,
}

/// What was seen from outside.
#[derive(Default)]
struct Seen {
    /// Each job's robot, and when the job was given to it.
    assigned: BTreeMap<String, (String, u64)>,
    /// Order messages by robot: when, and what.
    orders: BTreeMap<String, Vec<(u64, Value)>>,
}

impl Floor {
    fn start(
        rabbit: &Rabbit,
        mosquitto: &Mosquitto,
        postgres: &Postgres,
        robots: u32,
    ) -> anyhow::Result<Floor> {
        let site = Site::new(SITE);
        let aisles = ((f64::from(robots).sqrt() * 1.2).ceil() as u32).max(6);
        let size = [("--aisles", aisles), ("--bays", 8), ("--cross-aisles", aisles.div_ceil(3).max(3))];
        let stations = [("--docks", aisles / 2), ("--picks", (aisles * 4).min(400)), ("--robots", 0)];
        site.draw(&[size, stations].concat())?;
        site.configure(&rabbit.url(), &mosquitto.url(), &postgres.url())?;
        let mut controller = site.start()?;
        let running = site.robots(mosquitto, robots)?;
        let all = f64::from(robots);
        let are_there = |it: &Controller| {
            let offline = it.metric("drover_robots", "state=\"offline\"")?;
            Ok(it.metric("drover_robots", "")? >= all && offline == 0.0)
        };
        controller.until("the robots", PATIENCE, are_there)?;
        Ok(Floor { controller, _robots: running, site })
    }

    async fn measure(
        &self,
        amqp: &Connection,
        mosquitto: &Mosquitto,
        args: &Args,
        bare: &[u64],
    ) -> anyhow::Result<Value> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let note = Arc::clone(&seen);
        let take = move |message: &Publish| note_order(&note, message);
        let filters = &["uagv/v2/+/+/order"];
        let _listener = Listener::start(mosquitto, "seen", filters, QoS::AtMostOnce, take).await;
        let hearing = queue::channel(amqp).await?;
        let listening = tokio::spawn(note_assigned(assigned_events(&hearing).await?, Arc::clone(&seen)));
        let stations = self.stations()?;
        let giving = queue::channel(amqp).await?;
        let mut published = Moments::new();
        let before = self.controller.read()?;
        let publishing = at_rate(args.rate, args.seconds as f64, async |number| {
            let (id, body) = job(number, &stations);
            published.insert(id, now_ms());
            publish(&giving, "drover.jobs", SITE, &body).await
        });
        let jobs = publishing.await? as usize;
        let load = self.controller.read()?.since(&before);
        let drained = Instant::now();
        let mut waits = Vec::new();
        while waits.len() < jobs && drained.elapsed() < DRAIN_MAX && !listening.is_finished() {
            tokio::time::sleep(LOOK_EVERY).await;
            waits = lock(&seen).waits(&published);
        }
        let seconds = load.seconds + drained.elapsed().as_secs_f64();
        if listening.is_finished() {
            listening.await??;
        }
        Ok(json!({
            "robots": args.robots, "jobs": jobs, "unserved": jobs - waits.len(),
            "duplicate_orders": lock(&seen).duplicates(),
            "p50_ms": percentile(&waits, 0.5), "p95_ms": percentile(&waits, 0.95), "p99_ms": percentile(&waits, 0.99),
            "bare_p50_ms": percentile(bare, 0.5), "bare_p99_ms": percentile(bare, 0.99),
            "jobs_per_min": round(waits.len() as f64 * 60.0 / seconds), "states_per_s": round(load.states_per_s),
            "controller_cpu_cores": round(load.cores), "controller_rss_mb": round(self.controller.rss_mb()?),
        }))
    }

    /// Where is picked, and where is dropped.
    fn stations(&self) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        let layout = self.site.layout()?;
        let names = layout.stations().iter().map(|station| station.name.clone());
        let (picks, others): (Vec<String>, Vec<String>) = names.partition(|name| name.starts_with("PICK"));
        let docks: Vec<String> = others.into_iter().filter(|name| name.starts_with("DOCK")).collect();
        ensure!(!picks.is_empty() && !docks.is_empty(), "the drawn layout has no picks or no docks");
        Ok((picks, docks))
    }
}

/// The events that tell which robot a job is given to; none is missed once this has returned.
async fn assigned_events(channel: &Channel) -> anyhow::Result<Consumer> {
    let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare("seen".into(), options, FieldTable::default()).await?;
    let (key, options) = (format!("{SITE}.job.assigned"), QueueBindOptions::default());
    let none = FieldTable::default();
    channel.queue_bind("seen".into(), "drover.events".into(), key.into(), options, none).await?;
    queue::consume(channel, "seen", BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() })
        .await
}

/// Takes every job's robot, and when it was given to it, from the events.
async fn note_assigned(mut events: Consumer, seen: Arc<Mutex<Seen>>) -> anyhow::Result<()> {
    while let Some(event) = events.next().await {
        let event: Value = serde_json::from_slice(&event?.data)?;
        let text = |key: &str| event[key].as_str().map(str::to_owned).with_context(|| format!("no {key}"));
        let at: jiff::Timestamp = text("at")?.parse()?;
        let given = (text("robot")?, u64::try_from(at.as_millisecond())?);
        lock(&seen).assigned.entry(text("job_id")?).or_insert(given);
    }
    Ok(())
}

/// Takes an order message.
fn note_order(seen: &Mutex<Seen>, message: &Publish) {
    let mut levels = message.topic.split('/').skip(2);
    if let (Some(manufacturer), Some(serial), Ok(order)) =
        (levels.next(), levels.next(), serde_json::from_slice(&message.payload))
    {
        let robot = format!("{manufacturer}/{serial}");
        lock(seen).orders.entry(robot).or_default().push((now_ms(), order));
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A job of its own, from one station to another.
fn job(number: u32, (picks, docks): &(Vec<String>, Vec<String>)) -> (String, String) {
    let (id, tote) = (format!("D-{number:06}"), format!("TOTE-{number}"));
    let place = number as usize * 7;
    let body = json!({
        "v": 1, "job_id": id,
        "legs": [
            { "station": picks[place % picks.len()], "action": "pick", "load": { "id": tote, "type": "tote" } },
            { "station": docks[place % docks.len()], "action": "drop" },
        ],
    });
    (id, body.to_string())
}

impl Seen {
    /// From each job's publishing until its robot's first order since the job was given to it, ms, sorted.
    fn waits(&self, published: &Moments) -> Vec<u64> {
        let ordered = |(id, (robot, at)): (&String, &(String, u64))| {
            let orders = self.orders.get(robot)?;
            let (moment, _) = orders.iter().find(|(moment, _)| moment + ROUNDING_MS >= *at)?;
            Some(moment.saturating_sub(*published.get(id)?))
        };
        let mut waits: Vec<u64> = self.assigned.iter().filter_map(ordered).collect();
        waits.sort_unstable();
        waits
    }

    /// Messages that say something else than the first under the same ids, and picks of a load that were ordered again.
    fn duplicates(&self) -> usize {
        let mut known: BTreeMap<(&str, String, u64), Value> = BTreeMap::new();
        let mut picks: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut changed = 0;
        let orders =
            self.orders.iter().flat_map(|(robot, orders)| orders.iter().map(move |it| (robot, &it.1)));
        for (robot, order) in orders {
            let mut said = order.clone();
            if let Some(said) = said.as_object_mut() {
                said.retain(|key, _| !["headerId", "timestamp"].contains(&key.as_str()));
            }
            let update = order["orderUpdateId"].as_u64().unwrap_or_default();
            let ids = (robot.as_str(), order["orderId"].to_string(), update);
            let before = known.entry(ids).or_insert_with(|| said.clone());
            changed += usize::from(*before != said);
            let nodes = order["nodes"].as_array().into_iter().flatten();
            let actions =
                nodes.filter(|node| node["released"] == true).filter_map(|node| node["actions"].as_array());
            for action in actions.flatten().filter(|action| action["actionType"] == "pick") {
                let parameters = action["actionParameters"].as_array().into_iter().flatten();
                let load = parameters.into_iter().find(|parameter| parameter["key"] == "loadId");
                let load = load.map_or(String::new(), |load| load["value"].to_string());
                picks.entry(load).or_default().extend(action["actionId"].as_str());
            }
        }
        changed + picks.values().map(|ids| ids.len().saturating_sub(1)).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(header: u32, update: u32, pick: &str) -> Value {
        let action = json!({
            "actionType": "pick", "actionId": pick, "actionParameters": [{ "key": "loadId", "value": "TOTE-1" }],
        });
        json!({
            "headerId": header, "timestamp": format!("t{header}"), "orderId": "o", "orderUpdateId": update,
            "nodes": [{ "released": true, "actions": [action] }],
        })
    }

    fn seen(orders: Vec<(u64, Value)>) -> Seen {
        let assigned = [("J".to_owned(), ("acme/r1".to_owned(), 1_000))].into();
        Seen { assigned, orders: [("acme/r1".to_owned(), orders)].into() }
    }

    #[test]
    fn a_job_waits_until_the_first_order_since_it_was_assigned() {
        let orders = vec![(990, order(1, 0, "p")), (1_005, order(2, 1, "p")), (1_900, order(3, 2, "p"))];
        let published = Moments::from([("J".to_owned(), 980)]);
        assert_eq!(seen(orders).waits(&published), [25]);
        assert!(seen(vec![(990, order(1, 0, "p"))]).waits(&published).is_empty());
    }

    #[test]
    fn an_order_sent_again_is_no_duplicate() {
        let again = vec![(1, order(1, 0, "p")), (2, order(2, 0, "p")), (3, order(3, 1, "p"))];
        assert_eq!(seen(again).duplicates(), 0);
    }

    #[test]
    fn another_body_under_the_same_ids_and_a_second_pick_of_a_load_are_duplicates() {
        let mut other = order(2, 0, "p");
        other["nodes"][0]["released"] = json!(false);
        assert_eq!(seen(vec![(1, order(1, 0, "p")), (2, other)]).duplicates(), 1);
        assert_eq!(seen(vec![(1, order(1, 0, "p")), (2, order(2, 1, "q"))]).duplicates(), 1);
    }

    #[test]
    fn a_percentile_is_the_least_value_that_so_many_dont_exceed() {
        let sorted: Vec<u64> = (1..=200).collect();
        let shares = [0.0, 0.5, 0.99, 1.0].map(|share| percentile(&sorted, share));
        assert_eq!(shares, [1, 100, 198, 200].map(|value| json!(value)));
        assert_eq!(percentile(&[], 0.5), Value::Null);
    }
}
