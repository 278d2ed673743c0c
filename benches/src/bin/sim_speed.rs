//! Simulated seconds per CPU second: fresh-dc, one wave, oracle on. Says how many hours of floor a night of CI can see.
//!
//! `cargo run --release -p drover-benches --bin sim_speed`

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Parser;

use drover_benches::cpu_seconds;
use drover_sim::{Scenario, Wire, World};

/// As in `drover-sim`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How fast the simulated world runs.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo run --release -p drover-benches --bin sim_speed -- --robots 50 --jobs 300"
)]
struct Args {
    /// The folder with `layout.lif.json` and `site.toml`.
    #[arg(long, default_value = "maps/sites/fresh-dc")]
    site: PathBuf,
    /// Robots.
    #[arg(long, default_value_t = 50)]
    robots: usize,
    /// Jobs, all published at once.
    #[arg(long, default_value_t = 300)]
    jobs: usize,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Real JSON on the wire.
    #[arg(long)]
    json_wire: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let read = |name: &str| {
        let path = args.site.join(name);
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let mut scenario = Scenario { seed: args.seed, ..Scenario::default() };
    scenario.layout.lif = Some("layout.lif.json".into());
    scenario.layout.site = Some("site.toml".into());
    scenario.robots.count = args.robots;
    scenario.jobs.draw = args.jobs;
    scenario.jobs.sequences = 12;
    let setup = scenario.build(None, &read).context("failed to build the world")?;
    let wire = if args.json_wire { Wire::Json } else { Wire::Typed };

    let before = cpu_seconds();
    let outcome = World::new(setup, wire, None).run(&mut |_, _| ()).context("failed to run the world")?;
    let spent = cpu_seconds() - before;

    let sim_seconds = outcome.sim_ms as f64 / 1_000.0;
    let line = serde_json::json!({
        "robots": outcome.robots, "jobs": outcome.tally.total, "jobs_done": outcome.tally.done,
        "violations": outcome.violations.len(), "events": outcome.traffic.events,
        "sim_seconds": sim_seconds, "cpu_seconds": spent,
        "sim_seconds_per_cpu_second": sim_seconds / spent.max(0.01),
        "events_per_cpu_second": outcome.traffic.events as f64 / spent.max(0.01),
    });
    println!("{line}");
    ensure!(outcome.violations.is_empty(), "an invariant broke: {}", outcome.violations[0]);
    Ok(())
}
