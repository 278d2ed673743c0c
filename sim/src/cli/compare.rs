//! `drover-sim compare`: assignment policies on the same seeds.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use drover_sim::comparison::{rows, table, to_json};
use drover_sim::figures::Figures;
use drover_sim::report::{self, Verdict};
use drover_sim::{Setup, World};

use super::files::load;
use super::progress::Progress;
use super::{BadInput, PolicyName, WireArg, pool, quoted};

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// The scenario, TOML.
    scenario: PathBuf,
    /// The policies, two or more; differences are to the first.
    #[arg(long = "policy", value_name = "A,B", value_delimiter = ',', required = true, num_args = 1.., value_parser = super::policy)]
    policies: Vec<PolicyName>,
    /// How many seeds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How messages travel.
    #[arg(long, value_enum, default_value = "typed")]
    wire: WireArg,
    /// So many worlds at a time; as many as there are cores when not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Ends with everything as one JSON line.
    #[arg(long)]
    json: bool,
}

impl Compare {
    /// Whether all held in every run.
    pub fn run(&self) -> Result<bool, BadInput> {
        if self.policies.len() < 2 {
            return Err(BadInput(format!(
                "--policy {}: there is nothing to compare it with; write two or more, e.g. nearest,matching",
                self.policies[0].as_str()
            )));
        }
        let setup = load(&self.scenario, Some(self.from))?;
        let (mut runs, mut broken) = (Vec::new(), 0_u64);
        let mut progress = Progress::new();
        let width = self.policies.len() as u64;
        let count = self.seeds.saturating_mul(width);
        drop(setup);
        let play =
            |task| self.play(self.from.saturating_add(task / width), self.policies[(task % width) as usize]);
        pool::in_order(pool::threads(self.threads), count, &|| true, &play, |task, played| {
            let (figures, verdicts) = played?;
            progress.end();
            broken += u64::from(self.tell(task, &verdicts));
            progress.show(|| format!("{} of {count} runs", task + 1));
            if task % width == 0 {
                runs.push(Vec::new());
            }
            if let Some(of) = runs.last_mut() {
                of.push(figures);
            }
            Ok(())
        })?;
        progress.end();
        self.sum_up(&runs, broken);
        Ok(broken == 0)
    }

    fn play(&self, seed: u64, policy: PolicyName) -> Result<(Figures, Vec<Verdict>), BadInput> {
        let mut setup: Setup = load(&self.scenario, Some(seed))?;
        setup.config.policy = policy;
        let expect = setup.expect.clone();
        let outcome = World::new(setup, self.wire.into(), None).recorded().run(&mut |_, _| ());
        let outcome = outcome.map_err(|error| BadInput(format!("seed {seed}: failed to {error}")))?;
        Ok((Figures::of(&outcome), report::verdicts(&outcome, &expect)))
    }

    /// Tells what broke; says whether anything did.
    fn tell(&self, task: u64, verdicts: &[Verdict]) -> bool {
        let width = self.policies.len() as u64;
        let (seed, policy) =
            (self.from.saturating_add(task / width), self.policies[(task % width) as usize].as_str());
        let broken: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.broken.is_some()).collect();
        for verdict in &broken {
            println!(
                "seed {seed}, {policy}: {}: {}",
                verdict.name,
                verdict.broken.as_deref().unwrap_or_default()
            );
        }
        if !broken.is_empty() {
            let scenario = quoted(&self.scenario.display().to_string());
            println!("  again: drover-sim run {scenario} --seed {seed} --policy {policy}");
        }
        !broken.is_empty()
    }

    fn sum_up(&self, runs: &[Vec<Figures>], broken: u64) {
        let policies: Vec<&str> = self.policies.iter().map(|policy| policy.as_str()).collect();
        let rows = rows(runs);
        if self.json {
            let line = json!({
                "scenario": self.scenario.display().to_string(), "seeds": self.seeds, "from": self.from,
                "policies": policies, "broken": broken, "figures": to_json(&policies, &rows),
            });
            println!("{line}");
        } else {
            print!("{}", table(&policies, &rows));
            println!(
                "{} seeds; a difference is the mean over seeds ± its standard error, * = more than twice that; {broken} run(s) broke \
                 something",
                self.seeds
            );
        }
    }
}
