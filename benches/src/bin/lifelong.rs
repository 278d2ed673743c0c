//! Lifelong planning on a benchmark instance: tasks finished, beside robots that ignore each other.
//!
//! `cargo run --release -p drover-benches --bin lifelong -- --problem DIR/problem.json --steps N`

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use drover_benches::lifelong::{
    Account, Company, Course, Options, Plan, Problem, Report, check, play, plots,
};

/// As in `drover`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lifelong planning by the rules of the League of Robot Runners 2024.
#[derive(Debug, Parser)]
#[command(
    after_help = "Every plan is checked by the rules after it was played. Exit codes: 0 it holds, 1 it breaks a rule, \
    2 bad input.\n\nExamples:\n  \
    lifelong --problem random-200/problem.json --steps 600\n  \
    lifelong --problem random-200/problem.json --steps 600 --plan plan.json --plots plots\n  \
    lifelong --problem random-200/problem.json --check plan.json"
)]
struct Args {
    /// `problem.json` of the instance.
    #[arg(long, value_name = "FILE")]
    problem: PathBuf,
    /// Steps to play.
    #[arg(long, value_name = "N", default_value_t = 600)]
    steps: u32,
    /// Play with the first N robots of the instance; the tasks revealed at once shrink with them.
    #[arg(long, value_name = "N")]
    robots: Option<usize>,
    /// Operations looked at in refinement, per step; 0 = no refinement.
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    expansions: u64,
    /// Write the plan as the League of Robot Runners' output JSON.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Write `progress.svg` (tasks over time) and `waits.svg` (where robots waited) into this folder.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Play nothing, but check this plan.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["steps", "expansions", "plan", "plots"])]
    check: Option<PathBuf>,
    /// One JSON line instead of a summary.
    #[arg(long)]
    json: bool,
}

/// How it failed, which decides the exit code.
enum Failure {
    /// What was given can't be used.
    Input(anyhow::Error),
    /// The plan breaks a rule.
    Plan(anyhow::Error),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.check {
        Some(plan) => check_file(&args, plan),
        None => run(&args),
    };
    match outcome {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(Failure::Plan(error)) => {
            eprintln!("lifelong: the plan breaks a rule: {error:#}");
            ExitCode::from(1)
        }
        Err(Failure::Input(error)) => {
            eprintln!("lifelong: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<String, Failure> {
    let problem = Problem::read(&args.problem, args.robots).map_err(Failure::Input)?;
    let plan_file = args.plan.as_deref().map(create).transpose().map_err(Failure::Input)?;
    if let Some(folder) = &args.plots {
        let made = fs::create_dir_all(folder).with_context(|| format!("{}: can't be made", folder.display()));
        made.map_err(Failure::Input)?;
    }
    let course = Course::from(&problem);
    let options = Options { expansions: args.expansions };
    let stage = |company, name| play(&course, args.steps, company, options, &mut progress(name, args.steps));
    let together = stage(Company::Together, "together").map_err(Failure::Plan)?;
    let plan = Plan::new(&problem, together.record);
    if let Some(file) = plan_file {
        plan.write(file).context("failed to write the plan").map_err(Failure::Input)?;
    }
    let account = check(&problem, &plan).map_err(Failure::Plan)?;
    let alone = stage(Company::Alone, "alone").map_err(Failure::Plan)?.record.finished;
    if let Some(folder) = &args.plots {
        draw(folder, &problem, &account, &alone).map_err(Failure::Input)?;
    }
    let conflict_free = alone.last().copied().unwrap_or(0);
    let report = Report::new(&problem, &account, &together.cost, conflict_free);
    if !args.json {
        return Ok(report.to_string());
    }
    serde_json::to_string(&report).context("failed to write the figures").map_err(Failure::Input)
}

fn check_file(args: &Args, path: &Path) -> Result<String, Failure> {
    let problem = Problem::read(&args.problem, args.robots).map_err(Failure::Input)?;
    let file = fs::File::open(path).context("can't be read");
    let plan = file.and_then(Plan::read).with_context(|| path.display().to_string());
    let plan = plan.map_err(Failure::Input)?;
    let account = check(&problem, &plan).map_err(Failure::Plan)?;
    let (steps, robots) = (plan.steps(), problem.starts.len());
    let finished = account.finished.last().copied().unwrap_or(0);
    Ok(if args.json {
        serde_json::json!({ "holds": true, "steps": steps, "robots": robots, "tasks_finished": finished })
            .to_string()
    } else {
        format!("{}: holds: {robots} robots, {steps} steps, {finished} tasks finished", path.display())
    })
}

fn create(path: &Path) -> anyhow::Result<fs::File> {
    fs::File::create(path).with_context(|| format!("{}: can't be written", path.display()))
}

fn draw(folder: &Path, problem: &Problem, account: &Account, alone: &[u32]) -> anyhow::Result<()> {
    let pictures = [
        ("progress.svg", plots::progress(problem, account, alone)),
        ("waits.svg", plots::waits(problem, account)),
    ];
    for (name, text) in pictures {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("{}: can't be written", path.display()))?;
    }
    Ok(())
}

/// Says on a terminal how far it is, on one line that is wiped at the end.
fn progress(name: &'static str, steps: u32) -> impl FnMut(u32, u32) {
    let is_terminal = std::io::stderr().is_terminal();
    move |step, finished| {
        if !is_terminal {
            return;
        }
        let mut stderr = std::io::stderr();
        // A terminal that has gone away is no reason to stop.
        let _ = if step == steps {
            write!(stderr, "\r\x1b[K")
        } else {
            write!(stderr, "\r{name}: step {step} of {steps}, {finished} tasks finished")
        };
        let _ = stderr.flush();
    }
}
