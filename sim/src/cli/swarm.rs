//! `drover-sim swarm`: many small worlds, one on each core.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use drover_sim::report::{self, Case, Verdict};
use drover_sim::swarm::{LONG_RUN, Sums};
use drover_sim::{Outcome, swarm};

use super::files::save;
use super::progress::Progress;
use super::{BadInput, WireArg, pool};

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
    /// Writes a verdict for each rule, with the seeds that broke it, as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Ends with the sums as one JSON line.
    #[arg(long)]
    json: bool,
}

/// Stories told of a rule; of the other seeds only the numbers.
const STORIES_MAX: usize = 5;

/// The seeds that broke each rule.
#[derive(Default)]
struct Failures(BTreeMap<String, Vec<(u64, String)>>);

impl Failures {
    fn add(&mut self, seed: u64, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let of = self.0.entry(verdict.name.clone()).or_default();
            of.extend(verdict.broken.iter().map(|broken| (seed, broken.clone())));
        }
    }

    /// A test case for each rule, and one for what a long run must have seen.
    fn cases(&self, seeds: u64, unseen: &[String]) -> Vec<Case> {
        let case = |(name, of): (&String, &Vec<(u64, String)>)| Case {
            name: name.clone(),
            broken: (!of.is_empty()).then(|| stories(of, seeds)),
        };
        let mut cases: Vec<Case> = self.0.iter().map(case).collect();
        let never = || format!("never seen, so never proved: {}", unseen.join(", "));
        cases.push(Case { name: "everything_was_seen".into(), broken: (!unseen.is_empty()).then(never) });
        cases
    }
}

fn stories(of: &[(u64, String)], seeds: u64) -> String {
    let named: Vec<String> = of.iter().map(|(seed, _)| seed.to_string()).collect();
    let mut text = format!("broken under {} of {seeds} seeds: {}", of.len(), named.join(", "));
    for (seed, broken) in of.iter().take(STORIES_MAX) {
        text += &format!("\n\nseed {seed}: {broken}\nagain: drover-sim swarm --from {seed} --seeds 1");
    }
    text
}

impl Swarm {
    /// Whether all held under every seed, and a long run saw everything it must.
    pub fn run(&self) -> Result<bool, BadInput> {
        let began = Instant::now();
        let (mut sums, mut failures) = (Sums::default(), Failures::default());
        let mut progress = Progress::new();
        let is_early =
            || self.minutes.is_none_or(|minutes| began.elapsed() <= Duration::from_secs(60 * minutes));
        let play = |task| swarm::run(self.from.saturating_add(task), self.wire.into());
        pool::in_order(pool::threads(self.threads), self.seeds, &is_early, &play, |task, played| {
            let seed = self.from.saturating_add(task);
            let (outcome, verdicts) =
                played.map_err(|error| BadInput(format!("swarm seed {seed}: failed to {error}")))?;
            sums.add(&outcome, &verdicts);
            failures.add(seed, &verdicts);
            progress.end();
            tell(seed, &outcome, &verdicts);
            progress
                .show(|| format!("{} of {} seeds, {} broke something", sums.seeds, self.seeds, sums.broken));
            Ok(())
        })?;
        progress.end();
        let unseen = if sums.seeds >= LONG_RUN { sums.unseen() } else { Vec::new() };
        if let Some(path) = &self.junit {
            let properties = [("from", self.from.to_string()), ("seeds", sums.seeds.to_string())];
            let cases = failures.cases(sums.seeds, &unseen);
            save(path, &report::junit("swarm", began.elapsed().as_secs_f64(), &properties, &cases))?;
        }
        self.sum_up(&sums, &unseen, began.elapsed());
        Ok(sums.broken == 0 && unseen.is_empty())
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
    let faults: Vec<&str> = swarm::scenario(seed).fault.iter().map(|line| line.what.name()).collect();
    println!("seed {seed}: {} robots, {} jobs; {}", outcome.robots, outcome.tally.total, faults.join(", "));
    for verdict in broken {
        println!("  {}: {}", verdict.name, verdict.broken.as_deref().unwrap_or_default());
    }
    println!("  again: drover-sim swarm --from {seed} --seeds 1");
}
