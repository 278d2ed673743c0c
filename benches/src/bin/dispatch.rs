//! From a customer's job to a robot's order, end to end: a job is published to a real RabbitMQ, committed to a real
//! PostgreSQL, and its robot's first order is seen on a real Mosquitto. Beside it, on the same brokers in the same run, the least
//! that any program must do for the same promise: consume, commit, publish.
//!
//! `cargo run --release -p drover-benches --bin dispatch -- --robots 100 --rate 2 --seconds 60`

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use clap::Parser;
use futures::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use rumqttc::{AsyncClient, MqttOptions, Publish, QoS};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use drover_benches::controller::{Controller, free_port, program, round, until};
use drover_benches::kit::mosquitto::Mosquitto;
use drover_benches::kit::mqtt::Listener;
use drover_benches::kit::postgres::Postgres;
use drover_benches::kit::process::{Folder, Service};
use drover_benches::kit::rabbit::Rabbit;

const SITE: &str = "dispatch";
/// How long the bare program is measured, s, at most.
const BARE_MAX_S: f64 = 15.0;
/// How long after the last job its order is waited for.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// The controller's clock and ours are one, but for their rounding, ms.
const ROUNDING_MS: u64 = 1;

/// From a job on RabbitMQ to the first order on MQTT.
#[derive(Debug, Parser)]
#[command(
    after_help = "A job waits for a robot where the rate is above what the fleet can do; that is in the figures.

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
    program("drover")?;
    let (Some(rabbit), Some(mosquitto), Some(postgres)) =
        (Rabbit::start(), Mosquitto::start(), Postgres::start())
    else {
        bail!("RabbitMQ, Mosquitto and PostgreSQL are needed: scripts/install.sh test installs them");
    };
    let amqp = Connection::connect(&rabbit.url(), ConnectionProperties::default()).await?;
    let bare = bare(&amqp, &mosquitto, &postgres, &args).await?;
    let site = Site::start(&rabbit, &mosquitto, &postgres, args.robots)?;
    let figures = site.measure(&amqp, &mosquitto, &args, &bare).await?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{figures}")?;
    } else {
        for (name, value) in figures.as_object().into_iter().flatten() {
            writeln!(out, "{name:<22} {value}")?;
        }
    }
    Ok(())
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// The share of the sorted values that lies below, ms.
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

async fn publish(channel: &Channel, exchange: &str, key: &str, body: &[u8]) -> anyhow::Result<()> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default().with_delivery_mode(2);
    let confirm = channel.basic_publish(exchange.into(), key.into(), options, body, properties).await?;
    ensure!(confirm.await?.is_ack(), "no queue took a job");
    Ok(())
}

async fn channel(amqp: &Connection) -> anyhow::Result<Channel> {
    let channel = amqp.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// Consume, commit, publish, and nothing else: from each message's publishing until it is seen, ms, sorted.
async fn bare(
    amqp: &Connection,
    mosquitto: &Mosquitto,
    postgres: &Postgres,
    args: &Args,
) -> anyhow::Result<Vec<u64>> {
    let taking = channel(amqp).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    taking.queue_declare("bare".into(), QueueDeclareOptions::durable(), arguments).await?;
    let options = BasicConsumeOptions::default();
    let mut jobs = taking.basic_consume("bare".into(), "bare".into(), options, FieldTable::default()).await?;
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
        note.lock().unwrap_or_else(PoisonError::into_inner).push(ms);
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
    let giving = channel(amqp).await?;
    let seconds = BARE_MAX_S.min(args.seconds as f64);
    let sent = at_rate(args.rate, seconds, async |_| {
        publish(&giving, "", "bare", now_ms().to_string().as_bytes()).await
    });
    let sent = sent.await? as usize;
    let all = || seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let begun = Instant::now();
    while all().len() < sent && begun.elapsed() < DRAIN_MAX {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    relay.abort();
    connection.abort();
    let mut all = all();
    all.sort_unstable();
    ensure!(all.len() == sent, "the bare program handled {} of {sent} messages", all.len());
    Ok(all)
}

/// A site with its robots, each program a process of its own.
struct Site {
    controller: Controller,
    folder: Folder,
    _robots: Service,
}

/// What was seen from outside.
#[derive(Default)]
struct Seen {
    /// Order messages: when, to whom, what.
    orders: Vec<(u64, String, Value)>,
}

impl Site {
    fn start(
        rabbit: &Rabbit,
        mosquitto: &Mosquitto,
        postgres: &Postgres,
        robots: u32,
    ) -> anyhow::Result<Site> {
        let (folder, http) = (Folder::new("dispatch"), free_port()?);
        let aisles = (f64::from(robots).sqrt() * 1.2).ceil().max(6.0);
        let size =
            [("--aisles", aisles), ("--bays", 8.0), ("--cross-aisles", (aisles / 3.0).ceil().max(3.0))];
        let stations = [("--docks", aisles / 2.0), ("--picks", (aisles * 4.0).min(400.0))];
        let mut draw = Command::new(program("drover")?);
        draw.args(["map", "generate", "warehouse", "--out"]).arg(folder.path());
        for (option, value) in size.into_iter().chain(stations) {
            draw.arg(option).arg((value.floor() as u32).to_string());
        }
        let drawn = draw.args(["--robots", &robots.to_string()]).stdout(Stdio::null()).status()?;
        ensure!(drawn.success(), "`drover map generate` failed for {robots} robots");
        let config = format!(
            "[site]\nid = \"{SITE}\"\nlayout = \"layout.lif.json\"\nsite = \"site.toml\"\n[jobs]\nurl = \"{}\"\n[mqtt]\n\
             url = \"{}\"\n[store]\nurl = \"{}\"\n[cache]\nurl = \"none\"\n[http]\nlisten = \"127.0.0.1:{http}\"\n",
            rabbit.url(),
            mosquitto.url(),
            postgres.url()
        );
        fs::write(folder.file("drover.toml"), config)?;
        let controller = Controller::start(folder.path(), http)?;
        let mut agent = Command::new(program("drover-agent")?);
        agent.args(["robots", "--broker", &mosquitto.url(), "--count", &robots.to_string()]);
        agent.arg("--layout").arg(folder.file("layout.lif.json")).arg("--site").arg(folder.file("site.toml"));
        let running = Service::spawn(agent, &folder.file("robots.log"));
        let site = Site { controller, folder, _robots: running };
        let count = |label: &str| site.controller.metric("drover_robots", label).unwrap_or_default();
        let are_there = || count("state=") >= f64::from(robots) && count("state=\"offline\"") == 0.0;
        until("the robots", are_there)?;
        Ok(site)
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
        let take = move |message: &Publish| {
            let robot: Vec<&str> = message.topic.split('/').collect();
            let (Some([maker, serial]), Ok(order)) =
                (robot.get(2..4).and_then(|it| it.first_chunk()), serde_json::from_slice(&message.payload))
            else {
                return;
            };
            let mut seen = note.lock().unwrap_or_else(PoisonError::into_inner);
            seen.orders.push((now_ms(), format!("{maker}/{serial}"), order));
        };
        let filters = &["uagv/v2/+/+/order"];
        let _listener = Listener::start(mosquitto, "seen", filters, QoS::AtMostOnce, take).await;
        let assigned = Arc::new(Mutex::new(BTreeMap::new()));
        let listening = tokio::spawn(note_assigned(channel(amqp).await?, Arc::clone(&assigned)));
        let stations = self.stations()?;
        let giving = channel(amqp).await?;
        let mut published = Moments::new();
        let read = || anyhow::Ok((self.controller.cpu_s()?, self.states()?, Instant::now()));
        let before = read()?;
        let publishing = at_rate(args.rate, args.seconds as f64, async |number| {
            let (id, body) = job(number, &stations);
            published.insert(id, now_ms());
            publish(&giving, "drover.jobs", SITE, body.as_bytes()).await
        });
        let jobs = publishing.await? as usize;
        let after = read()?;
        let count = || assigned.lock().unwrap_or_else(PoisonError::into_inner).len();
        let drained = Instant::now();
        while count() < jobs && drained.elapsed() < DRAIN_MAX {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // The last order is on its way when its job's event has come.
        tokio::time::sleep(Duration::from_millis(500)).await;
        listening.abort();
        let assigned = assigned.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waits = Vec::new();
        for (id, (robot, at)) in assigned.iter() {
            let first = seen.orders.iter().find(|(moment, to, _)| to == robot && moment + ROUNDING_MS >= *at);
            waits.extend(first.zip(published.get(id)).map(|(order, sent)| order.0.saturating_sub(*sent)));
        }
        waits.sort_unstable();
        let seconds = (after.2 - before.2).as_secs_f64();
        Ok(json!({
            "robots": args.robots, "jobs": jobs, "unserved": jobs - waits.len(),
            "duplicate_orders": seen.duplicates(),
            "p50_ms": percentile(&waits, 0.5), "p95_ms": percentile(&waits, 0.95), "p99_ms": percentile(&waits, 0.99),
            "bare_p50_ms": percentile(bare, 0.5), "bare_p99_ms": percentile(bare, 0.99),
            "jobs_per_min": round(waits.len() as f64 * 60.0 / (seconds + drained.elapsed().as_secs_f64())),
            "states_per_s": round((after.1 - before.1) / seconds),
            "controller_cpu_cores": round((after.0 - before.0) / seconds),
            "controller_rss_mb": round(self.controller.rss_mb()?),
        }))
    }

    /// States it has taken in so far.
    fn states(&self) -> anyhow::Result<f64> {
        self.controller.metric("drover_robot_messages_total", "kind=\"state\"")
    }

    /// Where is picked, and where is dropped.
    fn stations(&self) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        let layout = drover_maps::compile(&fs::read(self.folder.file("layout.lif.json"))?, None)?.layout;
        let names = layout.stations().iter().map(|station| station.name.clone());
        let (picks, others): (Vec<String>, Vec<String>) = names.partition(|name| name.starts_with("PICK"));
        let docks: Vec<String> = others.into_iter().filter(|name| name.starts_with("DOCK")).collect();
        ensure!(!picks.is_empty() && !docks.is_empty(), "the drawn layout has no picks or no docks");
        Ok((picks, docks))
    }
}

/// Takes every job's robot, and when it was given to it, from the events.
async fn note_assigned(
    channel: Channel,
    assigned: Arc<Mutex<BTreeMap<String, (String, u64)>>>,
) -> anyhow::Result<()> {
    let queue = "seen";
    let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, FieldTable::default()).await?;
    let key = format!("{SITE}.job.assigned");
    let options = QueueBindOptions::default();
    channel
        .queue_bind(queue.into(), "drover.events".into(), key.into(), options, FieldTable::default())
        .await?;
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let mut events =
        channel.basic_consume(queue.into(), queue.into(), options, FieldTable::default()).await?;
    while let Some(event) = events.next().await {
        let event: Value = serde_json::from_slice(&event?.data)?;
        let text = |key: &str| event[key].as_str().map(str::to_owned).with_context(|| format!("no {key}"));
        let at: jiff::Timestamp = text("at")?.parse()?;
        let moment = u64::try_from(at.as_millisecond())?;
        let mut assigned = assigned.lock().unwrap_or_else(PoisonError::into_inner);
        assigned.entry(text("job_id")?).or_insert((text("robot")?, moment));
    }
    Ok(())
}

/// A job of its own, from one station to another.
fn job(number: u32, (picks, docks): &(Vec<String>, Vec<String>)) -> (String, String) {
    let id = format!("D-{number:06}");
    let place = number as usize * 7;
    let body = json!({
        "v": 1, "job_id": id,
        "legs": [
            { "station": picks[place % picks.len()], "action": "pick", "load": { "id": format!("TOTE-{number}"), "type": "tote" } },
            { "station": docks[place % docks.len()], "action": "drop" },
        ],
    });
    (id, body.to_string())
}

impl Seen {
    /// Messages that say something else than the one before under the same ids, and picks of one load that were ordered again.
    fn duplicates(&self) -> usize {
        let mut known: BTreeMap<(&str, String, u64), Value> = BTreeMap::new();
        let mut picks: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut changed = 0;
        for (_, robot, order) in &self.orders {
            let mut bare = order.clone();
            ["headerId", "timestamp"].map(|key| bare.as_object_mut().and_then(|bare| bare.remove(key)));
            let update = order["orderUpdateId"].as_u64().unwrap_or_default();
            let before =
                known.entry((robot, order["orderId"].to_string(), update)).or_insert_with(|| bare.clone());
            changed += usize::from(*before != bare);
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
        changed + picks.values().map(|ids| ids.len() - 1).sum::<usize>()
    }
}
