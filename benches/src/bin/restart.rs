//! How long a killed controller needs until it decides again: 1,000 robots under way and 10,000 open jobs, on a private
//! PostgreSQL and on SQLite. The journal is written by `drover run` itself, for virtual robots on a real broker; the
//! controller is killed when its newest snapshot is nearly as old as one gets, and started again.
//!
//! `cargo build --release -p drover-controller -p drover-agent && cargo run --release -p drover-benches --bin restart`

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::{Parser, ValueEnum};
use drover_benches::restart::{self, Ground, Journal, Postgres, Site, until};
use drover_core::Fleet;
use serde::Serialize;

/// From the start of the process to its first record, ms.
const BAR_MS: u64 = 2_000;
/// Time for robots to join and for jobs to be accepted.
const BUILD_MAX: Duration = Duration::from_secs(900);
/// Time for a start.
const START_MAX: Duration = Duration::from_secs(120);
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
    let ground = Ground::new(args.jobs as usize)?;
    let mut is_met = true;
    if args.store != Kind::Sqlite {
        let postgres = Postgres::start(&ground.folder.join("postgres"))?;
        is_met &= show(args, &measure(args, &ground, "postgres", &postgres.url())?)?;
    }
    if args.store != Kind::Postgres {
        let url = format!("sqlite:{}", ground.folder.join("drover.db").display());
        is_met &= show(args, &measure(args, &ground, "sqlite", &url)?)?;
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

fn measure(args: &Args, ground: &Ground, name: &'static str, url: &str) -> anyhow::Result<Figures> {
    let site = Site::new(ground, name, url)?;
    let (robots, jobs_open) = build(args, ground, &site)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut figures = runtime.block_on(take_apart(ground, url))?;
    for _ in 0..args.starts {
        figures.starts.push(runtime.block_on(start(&site, url))?);
    }
    let worst_ms = figures.starts.iter().map(|start| start.first_record).max().unwrap_or_default();
    let is_met = worst_ms <= BAR_MS;
    Ok(Figures { store: name, robots, jobs_open, worst_ms, is_met, ..figures })
}

/// Lets the site work until all has been taken in and a snapshot is old enough, and kills it; gives robots and open jobs.
fn build(args: &Args, ground: &Ground, site: &Site) -> anyhow::Result<(u64, u64)> {
    let mut drover = site.start(true)?;
    until("the controller", BUILD_MAX, || site.metric("drover_up", &["store"]) > 0)?;
    let _robots = ground.robots(args.robots)?;
    until("the robots", BUILD_MAX, || site.metric("drover_robots", &[]) >= u64::from(args.robots))?;
    let accepted = || site.metric("drover_job_news_total", &["accepted"]);
    until("the jobs", BUILD_MAX, || accepted() >= u64::from(args.jobs))?;
    let snapshots = || site.metric("drover_snapshot_seconds_count", &[]);
    let before = snapshots();
    until("a snapshot", BUILD_MAX, || snapshots() > before)?;
    thread::sleep(Duration::from_secs(args.tail));
    let found = (site.metric("drover_robots", &[]), site.metric("drover_jobs", &OPEN));
    ensure!(drover.is_running(), "the controller has ended by itself");
    drover.kill();
    Ok(found)
}

/// What a start does, one after the other.
async fn take_apart(ground: &Ground, url: &str) -> anyhow::Result<Figures> {
    let begun = Instant::now();
    let lif = fs::read(ground.folder.join("layout.lif.json"))?;
    let compiled = Arc::new(drover_maps::compile(&lif, None)?.layout);
    let layout = ms(begun);
    let journal = Journal::open(url).await?;
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
async fn start(site: &Site, url: &str) -> anyhow::Result<Start> {
    let journal = Journal::open(url).await?;
    let (tip, log_begin) = (journal.tip().await?, site.logged(0).len());
    let mut start = Start::default();
    let begun = Instant::now();
    let mut drover = site.start(false)?;
    while journal.tip().await? == tip {
        ensure!(
            begun.elapsed() < START_MAX && drover.is_running(),
            "the controller decides nothing any more"
        );
        start.see(&site.logged(log_begin), ms(begun));
        tokio::time::sleep(LOOK).await;
    }
    start.first_record = ms(begun);
    start.see(&site.logged(log_begin), start.first_record);
    drover.kill();
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
