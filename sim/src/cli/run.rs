//! `drover-sim run`: one scenario.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use drover_core::plan::Algorithm;
use drover_sim::report::{self, Heading, Report, Verdict};
use drover_sim::scenario::START;
use drover_sim::story::clock;
use drover_sim::trace::Trace;
use drover_sim::{Outcome, Plant, Setup, World, mutant};

use super::files::{create, load, save, unwritable};
use super::progress::Progress;
use super::{BadInput, PolicyName, WireArg, quoted};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The scenario, TOML.
    #[arg(required_unless_present = "mutant")]
    scenario: Option<PathBuf>,
    /// The seed; goes before the scenario's own.
    #[arg(long)]
    seed: Option<u64>,
    /// How robots are chosen for jobs; goes before the scenario's own.
    #[arg(long, value_name = "NAME", value_parser = super::policy)]
    policy: Option<PolicyName>,
    /// How ways are planned: pibt, epibt or lacam; goes before the scenario's own.
    #[arg(long, value_name = "NAME")]
    planner: Option<Algorithm>,
    /// Writes report.html (with a replay), report.md and report.json into this folder.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Writes the verdicts as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Writes true poses, wire messages and journal as NDJSON.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Plants a named bug, to see that the oracle catches it; `list` prints all names.
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// How messages travel.
    #[arg(long, value_enum, default_value = "typed")]
    wire: WireArg,
    /// Prints report.json to stdout instead of words.
    #[arg(long)]
    json: bool,
}

impl Run {
    /// Whether all held.
    pub fn run(&self) -> Result<bool, BadInput> {
        if self.mutant.as_deref() == Some("list") {
            list_mutants();
            return Ok(true);
        }
        let Some(scenario) = self.scenario.as_deref() else {
            return Err(BadInput(
                "--mutant needs a scenario to be planted into; name a scenario file".into(),
            ));
        };
        let mut setup = load(scenario, self.seed)?;
        setup.config.policy = self.policy.unwrap_or(setup.config.policy);
        setup.config.planner = self.planner.unwrap_or(setup.config.planner);
        for warning in &setup.warnings {
            eprintln!("drover-sim: {}: layout: {warning}", scenario.display());
        }
        let (heading, expect) = (self.heading(scenario, &setup), setup.expect.clone());
        let began = Instant::now();
        let outcome = self.play(setup)?;
        let report = Report::of(&outcome, began.elapsed().as_secs_f64());
        let verdicts = report::verdicts(&outcome, &expect);
        self.write(&heading, &report, &verdicts, &outcome)?;
        if self.json {
            println!("{}", to_json(&report)?);
        } else {
            tell(&heading, &outcome, &report, &verdicts);
        }
        Ok(verdicts.iter().all(|verdict| verdict.broken.is_none()))
    }

    fn heading(&self, scenario: &Path, setup: &Setup) -> Heading {
        let wire = match self.wire {
            WireArg::Typed => "",
            WireArg::Json => " --wire json",
        };
        let policy = self.policy.map_or(String::new(), |policy| format!(" --policy {}", policy.as_str()));
        let planner = self.planner.map_or(String::new(), |planner| format!(" --planner {planner}"));
        let mutant = self.mutant.as_ref().map(|name| format!(" --mutant {name}")).unwrap_or_default();
        let name = scenario.display().to_string();
        Heading {
            again: format!(
                "drover-sim run {} --seed {}{policy}{planner}{mutant}{wire}",
                quoted(&name),
                setup.seed
            ),
            what: setup.what.clone(),
            seed: setup.seed,
            policy: setup.config.policy.as_str().to_owned(),
            name,
        }
    }

    fn play(&self, setup: Setup) -> Result<Outcome, BadInput> {
        let mut file = self.trace.as_deref().map(create).transpose()?;
        let trace = file.as_mut().map(|file| Trace::new(file, START));
        let mut progress = Progress::new();
        let run = World::new(setup, self.wire.into(), trace);
        let run = if self.report.is_some() { run.recorded() } else { run };
        let run = match &self.mutant {
            Some(name) => run.with_mutant(plant(name)?),
            None => run,
        };
        let run = run.run(&mut |ms, tally| {
            progress.show(|| format!("{}  {} of {} jobs done", clock(ms), tally.done, tally.total));
        });
        progress.end();
        let outcome = run.map_err(|error| BadInput(format!("failed to {error}")))?;
        match (&outcome.trace, &self.trace) {
            (Err(error), Some(path)) => Err(unwritable(path, error)),
            _ => Ok(outcome),
        }
    }

    fn write(
        &self,
        heading: &Heading,
        report: &Report,
        verdicts: &[Verdict],
        outcome: &Outcome,
    ) -> Result<(), BadInput> {
        if let Some(folder) = &self.report {
            save(&folder.join("report.json"), &format!("{}\n", to_json(report)?))?;
            save(&folder.join("report.md"), &report::markdown(heading, report, verdicts, outcome))?;
            if let Some(page) = report::html(heading, report, verdicts, outcome) {
                save(&folder.join("report.html"), &page)?;
            }
        }
        let Some(path) = &self.junit else { return Ok(()) };
        let properties = [("seed", heading.seed.to_string()), ("again", heading.again.clone())];
        let cases = report::told_with(verdicts, &heading.again);
        save(path, &report::junit(&heading.name, report.wall_seconds, &properties, &cases))
    }
}

fn plant(name: &str) -> Result<&'static Plant, BadInput> {
    let unknown = || BadInput(format!("--mutant {name:?} is not known; `--mutant list` prints all names"));
    Plant::named(name).ok_or_else(unknown)
}

fn list_mutants() {
    for plant in mutant::ALL {
        println!("{:<22} {:<12} {}", plant.name, plant.caught_by, plant.plants);
    }
}

fn to_json(report: &Report) -> Result<String, BadInput> {
    serde_json::to_string(report).map_err(|error| BadInput(format!("failed to write the report: {error}")))
}

fn tell(heading: &Heading, outcome: &Outcome, report: &Report, verdicts: &[Verdict]) {
    let name = &heading.name;
    for verdict in verdicts {
        if let Some(broken) = &verdict.broken {
            println!("{}: {broken}\n", verdict.name);
        }
    }
    let is_held = verdicts.iter().all(|verdict| verdict.broken.is_none());
    println!(
        "{name} seed {}: {}. {} of {} jobs done by {} robots in {} ({:.1} jobs per hour), {} violation(s)",
        heading.seed,
        if is_held { "held" } else { "BROKE" },
        report.jobs_done,
        report.jobs_total,
        report.robots,
        clock(outcome.sim_ms),
        report.jobs_per_hour,
        report.invariant_violations,
    );
    println!(
        "{:.1} s of wall time, {:.0} simulated seconds per second; {} journalled events, {} messages down, {} up, digest {}",
        report.wall_seconds,
        report.sim_seconds / report.wall_seconds.max(1e-9),
        outcome.traffic.events,
        outcome.traffic.down,
        outcome.traffic.up,
        report.digest,
    );
    if !is_held {
        println!("again: {}", heading.again);
    }
}
