//! How many jobs a second a controller takes over: from a full queue of a real RabbitMQ, committed to a real
//! PostgreSQL, acknowledged, and told to the world. Beside it, in the same run and on the same brokers, the least that
//! any program must do for the same promise: consume with the same prefetch, insert each group in one statement,
//! acknowledge after the commit.
//!
//! `cargo run --release -p drover-benches --bin intake -- --jobs 100000`

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use drover_benches::controller::{Controller, PATIENCE, program};
use drover_benches::kit::postgres::Postgres;
use drover_benches::kit::rabbit::Rabbit;
use drover_benches::site::{Site, needed};
use drover_benches::{queue, round, show};
use futures::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::{Connection, Consumer};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

const SITE: &str = "intake";
/// Deliveries that aren't acknowledged yet, at most: the controller's own limit.
const PREFETCH: u16 = 64;
/// Messages published ahead of their confirms, at most.
const AHEAD_MAX: usize = 1_000;
/// Slower than this is as good as standing still.
const JOBS_PER_S_MIN: u32 = 100;
/// Jobs of one sequence: a lorry's.
const JOBS_PER_SEQUENCE: u32 = 50;

/// Jobs a second through intake, beside a bare consumer that commits.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  intake                       100,000 jobs, as a day's wave
  intake --jobs 10000 --json   a quick look")]
struct Args {
    /// Jobs, at least 1000.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    jobs: u32,
    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // What must be built is built before anything runs beside it.
    program("drover")?;
    let rabbit = needed("RabbitMQ", Rabbit::start())?;
    let postgres = needed("PostgreSQL", Postgres::start())?;
    let amqp = queue::connect(&rabbit).await?;
    let bare_per_s = bare(&amqp, &postgres, args.jobs).await?;
    let taken = take(&amqp, &site(&rabbit, &postgres)?, args.jobs).await?;
    let figures = json!({
        "jobs": args.jobs, "bare_jobs_per_s": bare_per_s.round(), "jobs_per_s": taken.per_s.round(),
        "ratio": round(taken.per_s / bare_per_s), "last_quarter_jobs_per_s": taken.last_quarter_per_s.round(),
        "cpu_us_per_job": round(taken.cpu_s * 1e6 / f64::from(args.jobs)), "rss_mb": taken.rss_mb.round(),
        "spent_s": taken.spent_s,
    });
    show(&figures, args.json)
}

/// A job of a lorry, with a cut-off.
fn job(number: u32) -> String {
    let (lorry, bay, dock) =
        (number / JOBS_PER_SEQUENCE, 1 + number % 24, 1 + number / JOBS_PER_SEQUENCE % 4);
    format!(
        "{{\"v\":1,\"job_id\":\"J-{number:06}\",\"order_id\":\"SO-{lorry}\",\"sequence\":\"LORRY-{lorry}\",\
         \"legs\":[{{\"station\":\"PICK-C-{bay:02}\",\"action\":\"pick\",\
         \"load\":{{\"id\":\"TOTE-{number}\",\"type\":\"tote\"}},\"dwell_s\":8}},\
         {{\"station\":\"DOCK-{dock:02}\",\"action\":\"drop\"}}],\
         \"due_at\":\"2100-01-01T00:00:00Z\",\"priority\":5}}"
    )
}

/// Publishes so many jobs; all of them are in a queue when this returns.
async fn fill(amqp: &Connection, exchange: &str, key: &str, jobs: u32) -> anyhow::Result<()> {
    let channel = queue::channel(amqp).await?;
    let mut ahead = VecDeque::new();
    for number in 0..jobs {
        if ahead.len() >= AHEAD_MAX
            && let Some(confirm) = ahead.pop_front()
        {
            queue::taken(confirm).await?;
        }
        ahead.push_back(queue::publish(&channel, exchange, key, job(number).as_bytes()).await?);
    }
    for confirm in ahead {
        queue::taken(confirm).await?;
    }
    Ok(())
}

/// Jobs a second of a consumer that does nothing but commit.
async fn bare(amqp: &Connection, postgres: &Postgres, jobs: u32) -> anyhow::Result<f64> {
    let channel = queue::channel(amqp).await?;
    queue::declare(&channel, "bare").await?;
    fill(amqp, "", "bare", jobs).await?;
    let mut database = PgConnection::connect(&postgres.url()).await?;
    let table = "CREATE TABLE bare (number bigint PRIMARY KEY, body bytea NOT NULL)";
    sqlx::query(table).execute(&mut database).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let mut consumer = queue::consume(&channel, "bare", BasicConsumeOptions::default()).await?;
    let begun = Instant::now();
    let mut number = 0;
    while number < i64::from(jobs) {
        let group = group(&mut consumer).await?;
        let numbers: Vec<i64> = (number..).take(group.len()).collect();
        let bodies: Vec<&[u8]> = group.iter().map(|delivery| delivery.data.as_slice()).collect();
        let insert = "INSERT INTO bare SELECT * FROM unnest($1::bigint[], $2::bytea[])";
        sqlx::query(insert).bind(numbers).bind(bodies).execute(&mut database).await?;
        let last = group.last().context("an empty group")?;
        last.acker.ack(BasicAckOptions { multiple: true }).await?;
        number += group.len() as i64;
    }
    Ok(f64::from(jobs) / begun.elapsed().as_secs_f64())
}

/// The next delivery, and all that have come with it.
async fn group(consumer: &mut Consumer) -> anyhow::Result<Vec<Delivery>> {
    let first = tokio::time::timeout(PATIENCE, consumer.next()).await?.context("the queue is gone")??;
    let mut group = vec![first];
    while let Some(next) = consumer.next().now_or_never() {
        group.push(next.context("the queue is gone")??);
    }
    Ok(group)
}

struct Taken {
    per_s: f64,
    last_quarter_per_s: f64,
    cpu_s: f64,
    rss_mb: f64,
    spent_s: Value,
}

/// The bundled distribution centre, without robots.
fn site(rabbit: &Rabbit, postgres: &Postgres) -> anyhow::Result<Site> {
    let (site, maps) =
        (Site::new(SITE), Path::new(env!("CARGO_MANIFEST_DIR")).join("../maps/sites/fresh-dc"));
    for file in ["layout.lif.json", "site.toml"] {
        fs::copy(maps.join(file), site.file(file))?;
    }
    site.configure(&rabbit.url(), "embedded", &postgres.url())?;
    Ok(site)
}

/// The queue is declared by a first controller and filled while none runs; a second one empties it.
async fn take(amqp: &Connection, site: &Site, jobs: u32) -> anyhow::Result<Taken> {
    site.start()?.stop();
    fill(amqp, "drover.jobs", SITE, jobs).await?;
    let (all, patience) = (f64::from(jobs), PATIENCE + Duration::from_secs((jobs / JOBS_PER_S_MIN).into()));
    let accepted = |it: &Controller| it.metric("drover_intake_answers_total", "answer=\"accepted\"");
    let mut controller = site.spawn(&[])?;
    controller.until("the first job", PATIENCE, |it| Ok(accepted(it)? > 0.0))?;
    let (begun, before, cpu_before) = (Instant::now(), accepted(&controller)?, controller.cpu_s()?);
    controller.until("three quarters of the jobs", patience, |it| Ok(accepted(it)? >= all * 0.75))?;
    let (late, late_before) = (Instant::now(), accepted(&controller)?);
    controller.until("all jobs", patience, |it| Ok(accepted(it)? >= all))?;
    let (seconds, late_seconds) = (begun.elapsed().as_secs_f64(), late.elapsed().as_secs_f64());
    let confirmed = |it: &Controller| it.metric("drover_notifications_confirmed_total", "");
    controller.until("all events", patience, |it| Ok(confirmed(it)? >= all))?;
    let until_events = round(begun.elapsed().as_secs_f64());
    let spent = |what: &str| anyhow::Ok(round(controller.metric(&format!("drover_{what}_seconds_sum"), "")?));
    Ok(Taken {
        per_s: (all - before) / seconds,
        last_quarter_per_s: (all - late_before) / late_seconds,
        cpu_s: controller.cpu_s()? - cpu_before,
        rss_mb: controller.rss_mb()?,
        spent_s: json!({
            "all": round(seconds), "until_events": until_events, "step": spent("step")?, "append": spent("append")?,
            "view": spent("view")?, "snapshot": spent("snapshot")?,
            "records": controller.metric("drover_records_total", "")?,
        }),
    })
}
