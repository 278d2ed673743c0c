//! How long a killed controller needs until it decides again: 1,000 robots under way and 10,000 open jobs, on a private
//! PostgreSQL and on SQLite. The journal is written by `drover run` itself, for virtual robots on a real broker; the
//! controller is killed when its newest snapshot is nearly as old as one gets, and started again.
//!
//! `cargo run --release -p drover-benches --bin restart`

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::{Parser, ValueEnum};
use drover_benches::controller::{Controller, PATIENCE};
use drover_benches::kit::postgres::Postgres;
use drover_benches::restart::{self, Ground, Journal};
use drover_benches::site::needed;
use drover_core::Fleet;
use serde::Serialize;

/// From the start of the process to its first record, ms.
const BAR_MS: u64 = 2_000;
/// Time for robots to join and for jobs to be accepted.
const BUILD_MAX: Duration = Duration::from_secs(900);
/// Between two looks for the first record.
const LOOK: Duration = Duration::from_millis(2);
/// States of an open job in `drover_jobs`.
const OPEN: [&str; 3] = ["queued", "assigned", "started"];

/// How fast a killed controller decides again.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes: 0 the bar is met, 1 it is missed, 2 bad input or a broken run.\n\n\
    Examples:\n  restart --robots 1000 --jobs 10000 --json\n  restart --robots 100 --jobs 1000 --store sqlite")]
struct Args {
    /// Virtual robots, 1 to 2000.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    robots: u32,
    /// Jobs, 1 to 100000.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    jobs: u32,
    /// Where the journal is.
    #[arg(long, value_enum, default_value = "both")]
    store: Kind,
    /// Age of the newest snapshot at the kill, s; snapshots are taken every 30 s.
    #[arg(long, default_value_t = 28, value_parser = clap::value_parser!(u64).range(0..=29))]
    tail: u64,
    /// Kills and starts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    starts: u32,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Postgres,
    Sqlite,
    Both,
}

/// What was there, what the parts cost one by one, and what whole starts took.
#[derive(Debug, Serialize)]
struct Figures {
    store: &'static str,
    robots: u64,
    jobs_open: u64,
    snapshot_bytes: usize,
    tail_records: usize,
    tail_events: usize,
    parts: Parts,
    starts: Vec<Start>,
    worst_ms: u64,
    bar_ms: u64,
    is_met: bool,
}

/// One after the other, in this process, ms.
#[derive(Debug, Serialize)]
struct Parts {
    layout: u64,
    read_snapshot: u64,
    read_records: u64,
    decode_records: u64,
    decode_snapshot: u64,
    step_records: u64,
}

/// One start: from the start of the process until each of these has been seen, ms.
#[derive(Clone, Debug, Default, Serialize)]
struct Start {
    /// Its port is open: the configuration is read and the layout is compiled.
    serving: u64,
    /// Connected, tables and all.
    store_opened: u64,
    /// It leads, and has read the snapshot and the records.
    journal_read: u64,
    /// The layout was read again, the snapshot decoded, the records stepped.
    restored: u64,
    /// Its first record is in the journal.
    first_record: u64,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("restart: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every start was fast enough.
fn run(args: &Args) -> anyhow::Result<bool> {
    let mut is_met = true;
    if args.store != Kind::Sqlite {
        let postgres = needed("PostgreSQL", Postgres::start())?;
        is_met &= show(args, &measure(args, "postgres", &Ground::new(Some(postgres), args.jobs)?)?)?;
    }
    if args.store != Kind::Postgres {
        is_met &= show(args, &measure(args, "sqlite", &Ground::new(None, args.jobs)?)?)?;
    }
    Ok(is_met)
}

fn show(args: &Args, figures: &Figures) -> anyhow::Result<bool> {
    if args.json {
        println!("{}", serde_json::to_string(figures)?);
        return Ok(figures.is_met);
    }
    let Figures { store, robots, jobs_open, snapshot_bytes, tail_records, tail_events, parts, .. } = figures;
    println!("{store}: {robots} robots, {jobs_open} open jobs");
    println!("  snapshot {snapshot_bytes} bytes; after it {tail_records} records with {tail_events} events");
    println!("  one by one, ms: {parts:?}");
    for start in &figures.starts {
        println!("  {start:?}");
    }
    let verdict = if figures.is_met { "met" } else { "missed" };
    println!("  worst start to first record: {} ms; bar {} ms: {verdict}", figures.worst_ms, figures.bar_ms);
    Ok(figures.is_met)
}

fn measure(args: &Args, store: &'static str, ground: &Ground) -> anyhow::Result<Figures> {
    let (robots, jobs_open) = build(args, ground)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut figures = runtime.block_on(take_apart(ground))?;
    for _ in 0..args.starts {
        figures.starts.push(runtime.block_on(start(ground))?);
    }
    let worst_ms = figures.starts.iter().map(|start| start.first_record).max().unwrap_or_default();
    let is_met = worst_ms <= BAR_MS;
    Ok(Figures { store, robots, jobs_open, worst_ms, is_met, ..figures })
}

/// Lets the site work until all is taken in and a snapshot is old enough, and kills it; gives robots and open jobs.
fn build(args: &Args, ground: &Ground) -> anyhow::Result<(u64, u64)> {
    let (robots, jobs) = (f64::from(args.robots), f64::from(args.jobs));
    let mut controller = ground.start(true)?;
    controller.until("the controller", BUILD_MAX, Controller::is_ready)?;
    let _robots = ground.robots(args.robots)?;
    controller.until("the robots", BUILD_MAX, |it| Ok(it.metric("drover_robots", "")? >= robots))?;
    let accepted = |it: &Controller| it.metric("drover_job_news_total", "accepted");
    controller.until("the jobs", BUILD_MAX, |it| Ok(accepted(it)? >= jobs))?;
    let snapshots = |it: &Controller| it.metric("drover_snapshot_seconds_count", "");
    let before = snapshots(&controller)?;
    controller.until("a snapshot", BUILD_MAX, |it| Ok(snapshots(it)? > before))?;
    thread::sleep(Duration::from_secs(args.tail));
    let robots = controller.metric("drover_robots", "")?;
    let open: anyhow::Result<f64> = OPEN.iter().map(|state| controller.metric("drover_jobs", state)).sum();
    // kill -9, while the robots are under way.
    drop(controller);
    Ok((robots as u64, open? as u64))
}

/// What a start does, one after the other.
async fn take_apart(ground: &Ground) -> anyhow::Result<Figures> {
    let begun = Instant::now();
    let compiled = Arc::new(ground.site().layout()?);
    let layout = ms(begun);
    let journal = Journal::open(ground.store()).await?;
    let begun = Instant::now();
    let (seq, bytes) = journal.snapshot().await?;
    let read_snapshot = ms(begun);
    let begun = Instant::now();
    let rows = journal.rows(seq).await?;
    let read_records = ms(begun);
    journal.close().await;
    let begun = Instant::now();
    let records = restart::decode(&rows)?;
    let decode_records = ms(begun);
    let begun = Instant::now();
    let fleet = Fleet::restore(compiled, &bytes)?;
    let decode_snapshot = ms(begun);
    let (tail_records, tail_events) =
        (records.len(), records.iter().map(|record| record.entries.len()).sum());
    let begun = Instant::now();
    drover_core::replay_from(fleet, seq, records.into_iter(), &mut |_, _, _| {})?;
    let step_records = ms(begun);
    Ok(Figures {
        store: "",
        robots: 0,
        jobs_open: 0,
        snapshot_bytes: bytes.len(),
        tail_records,
        tail_events,
        parts: Parts { layout, read_snapshot, read_records, decode_records, decode_snapshot, step_records },
        starts: Vec::new(),
        worst_ms: 0,
        bar_ms: BAR_MS,
        is_met: false,
    })
}

/// Starts the controller, waits for its first record, and kills it.
async fn start(ground: &Ground) -> anyhow::Result<Start> {
    let journal = Journal::open(ground.store()).await?;
    let tip = journal.tip().await?;
    let mut start = Start::default();
    let begun = Instant::now();
    let mut controller = ground.start(false)?;
    while journal.tip().await? == tip {
        let is_patient = begun.elapsed() < PATIENCE && controller.is_running();
        ensure!(is_patient, "the controller decides nothing any more: {}", controller.said());
        start.see(&controller.said(), ms(begun));
        tokio::time::sleep(LOOK).await;
    }
    start.first_record = ms(begun);
    start.see(&controller.said(), start.first_record);
    drop(controller);
    journal.close().await;
    Ok(start)
}

impl Start {
    /// Notes what the log says now and hasn't said before.
    fn see(&mut self, log: &str, now_ms: u64) {
        let stages = [
            ("serving", &mut self.serving),
            ("store opened", &mut self.store_opened),
            ("journal read", &mut self.journal_read),
            ("restored", &mut self.restored),
        ];
        for (word, stage) in stages {
            if *stage == 0 && log.contains(word) {
                *stage = now_ms;
            }
        }
    }
}

fn ms(begun: Instant) -> u64 {
    begun.elapsed().as_millis() as u64
}
