//! What one look of an assignment policy that plans ahead costs: robots that stand all over a block warehouse, jobs with
//! cut-offs in the queue, who is to do what. Process CPU time of one thread; nothing is given out, so that every look sees
//! the same.
//!
//! `cargo run --release -p drover-benches --bin assign -- --robots 10000 --jobs 10000`

use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Parser;

use drover_benches::{cpu_seconds, peak_rss_mb};
use drover_core::dispatch::policy;
use drover_core::event::Connection;
use drover_core::job::{ActionSpec, JobSpec, LegSpec};
use drover_core::{Config, Event, Fact, Fleet, JobId, RobotId, RobotName, Time};
use drover_maps::generate::Warehouse;
use drover_maps::{Layout, NodeId, TypeId};

/// As in `drover`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const START: Time = Time(1_800_000_000_000);
/// Jobs are due within so long, ms.
const DUE_MS: u64 = 3_600_000;
/// What a look may cost, ms, by robots and jobs.
const BARS: [(u32, u32, f64); 2] = [(1_000, 2_000, 20.0), (10_000, 10_000, 500.0)];

/// What one look of an assignment policy costs.
#[derive(Debug, Parser)]
#[command(
    after_help = "Exit codes: 0 the bar is met, or there is none for these numbers; 1 it is missed.\n\n\
    Example:\n  cargo run --release -p drover-benches --bin assign -- --robots 1000 --jobs 2000"
)]
struct Args {
    /// Robots, all free.
    #[arg(long, default_value_t = 1_000)]
    robots: u32,
    /// Jobs in the queue.
    #[arg(long, default_value_t = 2_000)]
    jobs: u32,
    /// Looks measured after the first, which also searches distances.
    #[arg(long, default_value_t = 5)]
    looks: u32,
    /// The policy, one that looks ahead.
    #[arg(long, default_value = "planning")]
    policy: String,
    /// One JSON line instead of words.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let layout = layout(args.robots)?;
    let mut fleet = fleet(&layout, &args)?;
    let (first, found) = look(&mut fleet);
    let looks: Vec<f64> = (0..args.looks.max(1)).map(|_| look(&mut fleet).0).collect();
    let mean = looks.iter().sum::<f64>() / looks.len() as f64;
    let most = looks.iter().copied().fold(0.0, f64::max);
    let line = serde_json::json!({
        "robots": args.robots, "jobs": args.jobs, "policy": args.policy, "nodes": layout.node_count(),
        "given": found, "first_cpu_ms": first, "cpu_ms_mean": mean, "cpu_ms_max": most, "peak_rss_mb": peak_rss_mb(),
    });
    if args.json {
        println!("{line}");
    } else {
        println!(
            "{} robots, {} jobs: {found} given; a look takes {mean:.1} ms, {most:.1} ms at most, the first {first:.0} ms",
            args.robots, args.jobs
        );
    }
    let bar = BARS.iter().find(|(robots, jobs, _)| (*robots, *jobs) == (args.robots, args.jobs));
    if let Some((.., bar)) = bar {
        ensure!(mean <= *bar, "a look takes {mean:.1} ms of CPU, the bar is {bar} ms");
    }
    Ok(())
}

/// One look: CPU time, ms, and how many jobs would be given.
fn look(fleet: &mut Fleet) -> (f64, usize) {
    let before = cpu_seconds();
    let found = fleet.proposals(START.plus_ms(1)).len();
    ((cpu_seconds() - before) * 1e3, found)
}

/// A warehouse with room for so many robots.
fn layout(robots: u32) -> anyhow::Result<Arc<Layout>> {
    let aisles = (robots / 25).clamp(8, 200);
    let site = Warehouse {
        aisles,
        bays: 24,
        cross_aisles: 6,
        docks: aisles / 2,
        pick_stations: (robots / 4).clamp(48, 600),
        chargers: 4,
        parking: 16,
        ..Warehouse::default()
    };
    let drawing = site.draw().context("failed to draw the layout")?;
    let compiled = drover_maps::compile(drawing.lif.as_bytes(), Some(&drawing.site));
    Ok(Arc::new(compiled.context("failed to load the layout")?.layout))
}

fn fleet(layout: &Arc<Layout>, args: &Args) -> anyhow::Result<Fleet> {
    let mut fleet = Fleet::new(Arc::clone(layout));
    let mut out = Vec::new();
    let policy = policy::Name::of(&args.policy).context("failed to read --policy")?;
    fleet.step(START, Event::Configured(Box::new(Config { policy, ..Config::default() })), &mut out);
    let places = places(layout, args.robots as usize);
    ensure!(places.len() == args.robots as usize, "the layout has room for {} robots", places.len());
    for (number, node) in places.into_iter().enumerate() {
        let name = RobotName { manufacturer: "bench".into(), serial: format!("r{number:05}") };
        fleet.step(START, Event::RobotEnrolled { name, robot_type: TypeId(0) }, &mut out);
        let robot = RobotId(number as u32);
        for fact in [Fact::Connection(Connection::Online), Fact::Located { node }] {
            fleet.step(START, Event::Robot { robot, fact }, &mut out);
        }
        out.clear();
    }
    let mut chance = Chance(1);
    let (picks, docks): (Vec<&str>, Vec<&str>) = layout
        .stations()
        .iter()
        .map(|station| station.name.as_str())
        .partition(|name| name.starts_with("PICK"));
    for number in 0..args.jobs {
        let pick = chance.below(layout.stations().len());
        let legs = vec![leg(picks[pick % picks.len()], "pick"), leg(docks[pick % docks.len()], "drop")];
        let due = START.plus_ms(chance.below(DUE_MS as usize) as u64);
        fleet.step(START, Event::JobSubmitted(Box::new(job(number, legs, due))), &mut out);
        out.clear();
    }
    Ok(fleet)
}

/// So many nodes all over the layout that don't conflict.
fn places(layout: &Layout, count: usize) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> = layout.nodes().collect();
    let mut chance = Chance(7);
    (1..nodes.len()).rev().for_each(|last| nodes.swap(last, chance.below(last + 1)));
    let mut is_taken = vec![false; layout.node_count()];
    let mut places = Vec::new();
    for node in nodes {
        if places.len() < count && !is_taken[node.index()] {
            is_taken[node.index()] = true;
            layout.node_conflicts(node).nodes.iter().for_each(|near| is_taken[near.index()] = true);
            places.push(node);
        }
    }
    places
}

fn leg(station: &str, action: &str) -> LegSpec {
    let action = Some(ActionSpec { name: action.into(), parameters: Vec::new() });
    LegSpec { station: station.into(), action, load: None, dwell_ms: 0, lines: 0 }
}

fn job(number: u32, legs: Vec<LegSpec>, due: Time) -> JobSpec {
    JobSpec {
        id: JobId(format!("J-{number:05}")),
        order_id: None,
        sequence: None,
        legs,
        due_at: Some(due),
        best_before: None,
        temperature: None,
        max_out_of_cold_s: None,
        requires: Vec::new(),
        priority: 5,
        extra: String::new(),
        fingerprint: u128::from(number),
    }
}

/// Numbers by chance, the same in every run (a linear congruential generator, Knuth's constants).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit.max(1) as u64) as usize
    }
}
