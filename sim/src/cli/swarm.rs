//! `drover-sim swarm`: many small worlds, one on each core.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use drover_sim::report::Verdict;
use drover_sim::swarm::{LONG_RUN, Sums, SwarmError};
use drover_sim::{Outcome, swarm};

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
    /// So many worlds at a time; as many as there are cores when not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Ends with the sums as one JSON line.
    #[arg(long)]
    json: bool,
}

/// A seed's number and what it came to.
type Played = (u64, Result<(Outcome, Vec<Verdict>), SwarmError>);

impl Swarm {
    /// Whether all held under every seed, and a long run saw everything it must.
    pub fn run(&self) -> Result<bool, BadInput> {
        let began = Instant::now();
        let mut sums = Sums::default();
        let mut progress = Progress::new();
        let next = AtomicU64::new(self.from);
        let (results, played) = mpsc::channel();
        let threads = self.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
        thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                let (results, next) = (results.clone(), &next);
                scope.spawn(move || self.work(began, next, &results));
            }
            drop(results);
            // Told in order of the seeds, whichever is ready first.
            let mut early: BTreeMap<u64, Result<(Outcome, Vec<Verdict>), SwarmError>> = BTreeMap::new();
            let mut due = self.from;
            for (seed, result) in played {
                early.insert(seed, result);
                while let Some(result) = early.remove(&due) {
                    let (outcome, verdicts) =
                        result.map_err(|error| BadInput(format!("swarm seed {due}: failed to {error}")))?;
                    sums.add(&outcome, &verdicts);
                    progress.end();
                    tell(due, &outcome, &verdicts);
                    due += 1;
                    progress.show(|| {
                        format!("{} of {} seeds, {} broke something", sums.seeds, self.seeds, sums.broken)
                    });
                }
            }
            Ok::<(), BadInput>(())
        })?;
        progress.end();
        let unseen = if sums.seeds >= LONG_RUN { sums.unseen() } else { Vec::new() };
        self.sum_up(&sums, &unseen, began.elapsed());
        Ok(sums.broken == 0 && unseen.is_empty())
    }

    /// Takes seed after seed until none is left or the time is up.
    fn work(&self, began: Instant, next: &AtomicU64, results: &mpsc::Sender<Played>) {
        let end = self.from.saturating_add(self.seeds);
        let is_late =
            || self.minutes.is_some_and(|minutes| began.elapsed() > Duration::from_secs(60 * minutes));
        while !is_late() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end || results.send((seed, swarm::run(seed, self.wire.into()))).is_err() {
                return;
            }
        }
    }

    fn sum_up(&self, sums: &Sums, unseen: &[String], wall: Duration) {
        let (sim_hours, robots_mean) = (sums.sim_hours(), sums.robots_mean());
        let cpu_seconds = measured_cpu_seconds().unwrap_or(wall.as_secs_f64());
        if !self.json {
            println!(
                "{} seeds, {} of them broke something, {} violation(s); {sim_hours:.1} simulated hours with {robots_mean:.1} \
                 robots on average, {} jobs done; {:.0} s, {cpu_seconds:.1} s of CPU time",
                sums.seeds,
                sums.broken,
                sums.violations,
                sums.jobs_done,
                wall.as_secs_f64()
            );
            for (kind, name, count) in sums.marks.iter() {
                println!("  {kind:<7} {name:<22} {count:>7}");
            }
        }
        if !unseen.is_empty() {
            println!("never seen, so never proved: {}", unseen.join(", "));
        }
        if self.json {
            let marks: Vec<Value> = sums
                .marks
                .iter()
                .map(|(kind, name, count)| json!({ "kind": kind, "name": name, "count": count }))
                .collect();
            let line = json!({
                "seeds": sums.seeds, "violations": sums.violations, "broken": sums.broken, "sim_hours": sim_hours,
                "cpu_seconds": cpu_seconds, "wall_seconds": wall.as_secs_f64(), "robots_mean": robots_mean,
                "jobs_done": sums.jobs_done, "crash_points": sums.points, "unseen": unseen, "marks": marks,
            });
            println!("{line}");
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
