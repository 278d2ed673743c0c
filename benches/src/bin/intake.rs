//! How many jobs a second a controller takes over: from a full queue of a real RabbitMQ, committed to a real PostgreSQL,
//! acknowledged, and told to the world. Beside it, in the same run and on the same brokers, the least that any program must
//! do for the same promise: consume with the same prefetch, insert each group in one statement, acknowledge after the commit.
//!
//! `cargo build --release -p drover-controller && cargo run --release -p drover-benches --bin intake -- --jobs 100000`

#[path = "../../../controller/server/tests/kit/certificates.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests of the controller")]
mod certificates;
#[path = "../../../controller/server/tests/kit/postgres.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests of the controller")]
mod postgres;
#[path = "../../../controller/server/tests/kit/process.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests of the controller")]
mod process;
#[path = "../../../controller/server/tests/kit/rabbit.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "shared with the tests of the controller")]
mod rabbit;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Parser;
use futures::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use postgres::Postgres;
use process::{Folder, Service, free_port};
use rabbit::Rabbit;

const SITE: &str = "intake";
/// Deliveries that aren't acknowledged yet, at most: the controller's own limit.
const PREFETCH: u16 = 64;
/// Messages published ahead of their confirms, at most.
const AHEAD_MAX: usize = 1_000;
/// Time for a controller to come up, and for anything to move on.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pause between two looks at the controller.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Jobs of one sequence: a lorry's.
const JOBS_PER_SEQUENCE: u32 = 50;
/// Ticks of `/proc/PID/stat` in a second; Linux shows 100 to every program.
const TICKS_PER_S: f64 = 100.0;

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
    let (Some(rabbit), Some(postgres)) = (Rabbit::start(), Postgres::start()) else {
        bail!("RabbitMQ and PostgreSQL are needed: scripts/install.sh test installs them");
    };
    let bare_per_s = bare(&rabbit, &postgres, args.jobs).await?;
    let site = Site::new(&rabbit, &postgres)?;
    let taken = site.take(&rabbit, args.jobs).await?;
    let figures = json!({
        "jobs": args.jobs, "bare_jobs_per_s": bare_per_s.round(), "jobs_per_s": taken.per_s.round(),
        "ratio": round(taken.per_s / bare_per_s), "last_quarter_jobs_per_s": taken.last_quarter_per_s.round(),
        "cpu_us_per_job": round(taken.cpu_s * 1e6 / f64::from(args.jobs)), "rss_mb": taken.rss_mb.round(),
        "spent_s": taken.spent_s,
    });
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{figures}")?;
    } else {
        for (name, value) in figures.as_object().into_iter().flatten() {
            writeln!(out, "{name:<28} {value}")?;
        }
    }
    Ok(())
}

fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
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

/// A channel that confirms.
async fn channel(rabbit: &Rabbit) -> anyhow::Result<(Connection, Channel)> {
    let connection = Connection::connect(&rabbit.url(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok((connection, channel))
}

/// Publishes so many jobs; all of them are in a queue when this returns.
async fn fill(rabbit: &Rabbit, exchange: &str, key: &str, jobs: u32) -> anyhow::Result<()> {
    let (connection, channel) = channel(rabbit).await?;
    let properties = BasicProperties::default().with_delivery_mode(2);
    let mut ahead = std::collections::VecDeque::new();
    for number in 0..jobs {
        if ahead.len() >= AHEAD_MAX
            && let Some(confirm) = ahead.pop_front()
        {
            taken(confirm).await?;
        }
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let body = job(number);
        let publish =
            channel.basic_publish(exchange.into(), key.into(), options, body.as_bytes(), properties.clone());
        ahead.push_back(publish.await?);
    }
    for confirm in ahead {
        taken(confirm).await?;
    }
    connection.close(200, "done".into()).await?;
    Ok(())
}

async fn taken(confirm: lapin::PublisherConfirm) -> anyhow::Result<()> {
    let confirmation = confirm.await?;
    ensure!(confirmation.is_ack() && confirmation.take_message().is_none(), "no queue took a job");
    Ok(())
}

/// Jobs a second of a consumer that does nothing but commit.
async fn bare(rabbit: &Rabbit, postgres: &Postgres, jobs: u32) -> anyhow::Result<f64> {
    let (connection, channel) = channel(rabbit).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    channel.queue_declare("bare".into(), QueueDeclareOptions::durable(), arguments).await?;
    fill(rabbit, "", "bare", jobs).await?;
    let mut database = PgConnection::connect(&postgres.url()).await?;
    let table = "CREATE TABLE bare (number bigint PRIMARY KEY, body bytea NOT NULL)";
    sqlx::query(table).execute(&mut database).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer =
        channel.basic_consume("bare".into(), "bare".into(), options, FieldTable::default()).await?;
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
    let seconds = begun.elapsed().as_secs_f64();
    connection.close(200, "done".into()).await?;
    Ok(f64::from(jobs) / seconds)
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

/// A controller's files.
struct Site {
    folder: Folder,
    http: u16,
}

struct Taken {
    per_s: f64,
    last_quarter_per_s: f64,
    cpu_s: f64,
    rss_mb: f64,
    spent_s: Value,
}

impl Site {
    fn new(rabbit: &Rabbit, postgres: &Postgres) -> anyhow::Result<Site> {
        let (folder, http) = (Folder::new("intake"), free_port());
        let maps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../maps/sites/fresh-dc");
        let config = format!(
            "[site]\nid = \"{SITE}\"\nlayout = \"{}\"\nsite = \"{}\"\n[jobs]\nurl = \"{}\"\n[mqtt]\nurl = \"embedded\"\n\
             [store]\nurl = \"{}\"\n[cache]\nurl = \"none\"\n[http]\nlisten = \"127.0.0.1:{http}\"\n",
            maps.join("layout.lif.json").display(),
            maps.join("site.toml").display(),
            rabbit.url(),
            postgres.url(),
        );
        fs::write(folder.file("drover.toml"), config)?;
        Ok(Site { folder, http })
    }

    fn start(&self) -> anyhow::Result<Service> {
        let drover = std::env::current_exe()?.with_file_name("drover");
        ensure!(
            drover.is_file(),
            "{} is missing: build drover-controller with the same profile",
            drover.display()
        );
        let mut command = Command::new(drover);
        command.arg("run").arg("--config").arg(self.folder.file("drover.toml"));
        Ok(Service::spawn(command, &self.folder.file("log")))
    }

    /// The queue is declared by a first controller and filled while none runs; a second one empties it.
    async fn take(&self, rabbit: &Rabbit, jobs: u32) -> anyhow::Result<Taken> {
        let mut first = self.start()?;
        self.until("the controller", || self.get("/readyz").contains(" 200 ")).await?;
        first.stop("-TERM", PATIENCE);
        fill(rabbit, "drover.jobs", SITE, jobs).await?;
        let controller = self.start()?;
        let accepted = || self.metric("drover_intake_answers_total{", "answer=\"accepted\"");
        self.until("the first job", || accepted() > 0.0).await?;
        let (begun, before, cpu_before) = (Instant::now(), accepted(), cpu_s(controller.id())?);
        let all = f64::from(jobs);
        self.until("three quarters of the jobs", || accepted() >= all * 0.75).await?;
        let (late, late_before) = (Instant::now(), accepted());
        self.until("all jobs", || accepted() >= all).await?;
        let (seconds, late_seconds) = (begun.elapsed().as_secs_f64(), late.elapsed().as_secs_f64());
        self.until("all events", || self.metric("drover_notifications_confirmed_total{", "") >= all).await?;
        let spent = |what: &str| round(self.metric(&format!("drover_{what}_seconds_sum{{"), ""));
        Ok(Taken {
            per_s: (all - before) / seconds,
            last_quarter_per_s: (all - late_before) / late_seconds,
            cpu_s: cpu_s(controller.id())? - cpu_before,
            rss_mb: rss_mb(controller.id())?,
            spent_s: json!({
                "all": round(seconds), "until_events": round(begun.elapsed().as_secs_f64()),
                "step": spent("step"), "append": spent("append"), "view": spent("view"), "snapshot": spent("snapshot"),
                "records": self.metric("drover_records_total{", ""),
            }),
        })
    }

    /// Waits for this for as long as something moves.
    async fn until(&self, what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds() {
            let log = || process::tail(&self.folder.file("log"));
            ensure!(begun.elapsed() < PATIENCE, "{what} didn't come within {PATIENCE:?}: {}", log());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// The sum of a metric over those of its lines that begin and say so.
    fn metric(&self, name: &str, label: &str) -> f64 {
        let text = self.get("/metrics");
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    fn get(&self, path: &str) -> String {
        let mut answer = String::new();
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.http)) else { return answer };
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        if stream.write_all(request.as_bytes()).is_ok() {
            // What can't be read isn't there: it is asked for again.
            let _ = stream.read_to_string(&mut answer);
        }
        answer
    }
}

/// User and system time of a process, s.
fn cpu_s(process: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = text.rsplit_once(')').context("/proc/PID/stat has another form")?.1.split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_S)
}

/// Resident memory of a process, MB.
fn rss_mb(process: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line =
        text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in /proc/PID/status")?;
    let kb: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kb / 1_024.0)
}
