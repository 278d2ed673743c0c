//! `drover-sim swarm`: many small worlds, one after the other.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use drover_sim::report::{self, Verdict};
use drover_sim::{Outcome, World, swarm};

use super::progress::Progress;
use super::{BadInput, WireArg};

/// Arguments of `swarm`.
#[derive(Debug, Args)]
pub struct Swarm {
    /// How many seeds.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Stops after so many minutes of wall time, whatever seeds are left.
    #[arg(long)]
    minutes: Option<u64>,
    /// How messages travel.
    #[arg(long, value_enum, default_value = "typed")]
    wire: WireArg,
    /// Ends with the sums as one JSON line.
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct Sums {
    seeds: u64,
    broken: u64,
    violations: usize,
    sim_ms: u64,
}

impl Swarm {
    /// Whether all held under every seed.
    pub fn run(&self) -> Result<bool, BadInput> {
        let began = Instant::now();
        let mut sums = Sums::default();
        for seed in self.from..self.from.saturating_add(self.seeds) {
            if self.minutes.is_some_and(|minutes| began.elapsed() > Duration::from_secs(60 * minutes)) {
                break;
            }
            let (outcome, verdicts) = self.play(seed)?;
            sums.seeds += 1;
            sums.violations += outcome.violations.len();
            sums.sim_ms += outcome.sim_ms;
            sums.broken += u64::from(verdicts.iter().any(|verdict| verdict.broken.is_some()));
            tell(seed, &outcome, &verdicts);
        }
        self.sum_up(&sums, began.elapsed());
        Ok(sums.broken == 0)
    }

    fn play(&self, seed: u64) -> Result<(Outcome, Vec<Verdict>), BadInput> {
        let no_files = |name: &str| Err(format!("{name}: a swarm world names no files"));
        let setup = swarm::scenario(seed).build(None, &no_files);
        let setup = setup.map_err(|error| BadInput(format!("swarm seed {seed}: {error}")))?;
        let expect = setup.expect.clone();
        let mut progress = Progress::new();
        let run = World::new(setup, self.wire.into(), None).run(&mut |_, tally| {
            progress.show(|| format!("seed {seed}: {} of {} jobs done", tally.done, tally.total));
        });
        progress.end();
        let outcome = run.map_err(|error| BadInput(format!("swarm seed {seed}: failed to {error}")))?;
        let verdicts = report::verdicts(&outcome, &expect);
        Ok((outcome, verdicts))
    }

    fn sum_up(&self, sums: &Sums, wall: Duration) {
        let sim_hours = sums.sim_ms as f64 / 3_600_000.0;
        // One thread that never waits: wall time is a fair upper bound of its CPU time.
        let cpu_seconds = measured_cpu_seconds().unwrap_or(wall.as_secs_f64());
        if self.json {
            let line = json!({
                "seeds": sums.seeds, "violations": sums.violations, "broken": sums.broken,
                "sim_hours": sim_hours, "cpu_seconds": cpu_seconds,
            });
            println!("{line}");
        } else {
            println!(
                "{} seeds, {} of them broke something, {} violation(s), {sim_hours:.1} simulated hours, {cpu_seconds:.1} s",
                sums.seeds, sums.broken, sums.violations
            );
        }
    }
}

/// CPU time of this process, from Linux' own count in hundredths of a second.
fn measured_cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<f64>().ok()?, fields.next()?.parse::<f64>().ok()?);
    Some((user + system) / 100.0)
}

fn tell(seed: u64, outcome: &Outcome, verdicts: &[Verdict]) {
    let broken: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.broken.is_some()).collect();
    if broken.is_empty() {
        return;
    }
    println!("seed {seed}: {} robots, {} jobs", outcome.robots, outcome.tally.total);
    for verdict in broken {
        println!("  {}: {}", verdict.name, verdict.broken.as_deref().unwrap_or_default());
    }
    println!("  again: drover-sim swarm --from {seed} --seeds 1");
}
