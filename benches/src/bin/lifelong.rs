//! Lifelong planning on a benchmark instance or a layout: tasks finished, beside robots that ignore each other.
//!
//! `cargo run --release -p drover-benches --bin lifelong -- --problem DIR/problem.json --steps N`
//! `cargo run --release -p drover-benches --bin lifelong -- --layout L.lif.json --robots N --seed S`

use std::fs;
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use drover_core::plan::Algorithm;

use drover_benches::lifelong::{
    Account, Arena, Company, Course, Options, Plan, Problem, Record, Report, Route, check, inspect, play,
    plots,
};

/// As in `drover`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lifelong planning: by the rules of the League of Robot Runners 2024, or from station to station on a layout.
#[derive(Debug, Parser)]
#[command(
    after_help = "Every plan is checked by the rules after it was played. Exit codes: 0 it holds, 1 it breaks a rule, \
    2 bad input.\n\nExamples:\n  \
    lifelong --problem random-200/problem.json --steps 600\n  \
    lifelong --problem random-200/problem.json --steps 600 --plan plan.json --plots plots\n  \
    lifelong --problem random-200/problem.json --check plan.json\n  \
    lifelong --layout maps/sites/fresh-dc/layout.lif.json --site maps/sites/fresh-dc/site.toml --robots 60 --seed 1"
)]
#[command(group = clap::ArgGroup::new("ground").required(true))]
struct Args {
    /// `problem.json` of the instance.
    #[arg(long, value_name = "FILE", group = "ground")]
    problem: Option<PathBuf>,
    /// A layout (LIF 1.0) for random tasks from one station to another; a step is half a second.
    #[arg(long, value_name = "FILE", group = "ground", requires = "robots")]
    layout: Option<PathBuf>,
    /// The layout's `site.toml`.
    #[arg(long, value_name = "FILE", requires = "layout", conflicts_with = "problem")]
    site: Option<PathBuf>,
    /// Steps to play.
    #[arg(long, value_name = "N", default_value_t = 600)]
    steps: u32,
    /// Robots: on an instance its first N, and the tasks revealed at once shrink with them; on a layout N at drawn nodes.
    #[arg(long, value_name = "N")]
    robots: Option<usize>,
    /// Draws where robots start and what they are to do on a layout.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "problem")]
    seed: u64,
    /// Nodes looked at in refinement, per step; 0 = no refinement.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    expansions: u64,
    /// Threads of refinement; the plan is the same with any number.
    #[arg(long, value_name = "T", default_value_t = NonZeroUsize::MIN, value_parser = threads)]
    threads: NonZeroUsize,
    /// Move robots on a layout by a planner of sites (pibt, epibt or lacam) that plans anew from every step.
    #[arg(long, value_name = "NAME", conflicts_with = "problem")]
    planner: Option<Algorithm>,
    /// Each robot does nothing in a step with this probability, per cent; whoever would run into it waits too.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=90))]
    delay: u32,
    /// Write the plan: the League of Robot Runners' output JSON, or on a layout a JSON of our own.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Write `progress.svg` (tasks over time) and `waits.svg` (where robots waited) into this folder.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Play nothing, but check this plan.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["steps", "expansions", "threads", "planner", "delay", "plan", "plots"])]
    check: Option<PathBuf>,
    /// One JSON line instead of a summary.
    #[arg(long)]
    json: bool,
}

/// Each thread has a planner of its own.
const THREADS_MAX: usize = 64;

/// What is played on.
enum Ground {
    Grid(Problem),
    Layout(Box<Arena>),
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
    let ground = Ground::read(args).map_err(Failure::Input)?;
    let plan_file = args.plan.as_deref().map(create).transpose().map_err(Failure::Input)?;
    if let Some(folder) = &args.plots {
        let made = fs::create_dir_all(folder).with_context(|| format!("{}: can't be made", folder.display()));
        made.map_err(Failure::Input)?;
    }
    let course = ground.course();
    let site = args.planner.and_then(|algorithm| ground.arena().map(|arena| (arena, algorithm)));
    let options = Options { expansions: args.expansions, threads: args.threads, delay_pct: args.delay, site };
    let stage = |company, name| play(&course, args.steps, company, options, &mut progress(name, args.steps));
    let together = stage(Company::Together, "together").map_err(Failure::Plan)?;
    let account = ground.keep(&together.record, args.delay > 0, plan_file)?;
    let alone = stage(Company::Alone, "alone").map_err(Failure::Plan)?.record.finished;
    if let Some(folder) = &args.plots {
        ground.draw(folder, &account, &alone).map_err(Failure::Input)?;
    }
    let conflict_free = alone.last().copied().unwrap_or(0);
    let report = Report::new(course.starts.len(), &account, &together.cost, conflict_free);
    if !args.json {
        return Ok(report.to_string());
    }
    serde_json::to_string(&report).context("failed to write the figures").map_err(Failure::Input)
}

fn check_file(args: &Args, path: &Path) -> Result<String, Failure> {
    let ground = Ground::read(args).map_err(Failure::Input)?;
    let account = ground.check_file(path)?;
    let (steps, robots) = (account.finished.len().saturating_sub(1), ground.robots());
    let finished = account.finished.last().copied().unwrap_or(0);
    Ok(if args.json {
        serde_json::json!({ "holds": true, "steps": steps, "robots": robots, "tasks_finished": finished })
            .to_string()
    } else {
        format!("{}: holds: {robots} robots, {steps} steps, {finished} tasks finished", path.display())
    })
}

impl Ground {
    fn read(args: &Args) -> anyhow::Result<Ground> {
        if let Some(problem) = &args.problem {
            return Ok(Ground::Grid(Problem::read(problem, args.robots)?));
        }
        let layout = args.layout.as_deref().context("no ground; write --problem or --layout")?;
        let robots = args.robots.context("no robots; write --robots")?;
        Ok(Ground::Layout(Box::new(Arena::read(layout, args.site.as_deref(), robots, args.seed)?)))
    }

    fn arena(&self) -> Option<&Arena> {
        match self {
            Ground::Grid(_) => None,
            Ground::Layout(arena) => Some(arena),
        }
    }

    fn robots(&self) -> usize {
        match self {
            Ground::Grid(problem) => problem.starts.len(),
            Ground::Layout(arena) => arena.starts.len(),
        }
    }

    fn course(&self) -> Course {
        match self {
            Ground::Grid(problem) => Course::from(problem),
            Ground::Layout(arena) => Course::from(&**arena),
        }
    }

    /// Checks what was played, once it is written.
    fn keep(&self, record: &Record, has_delays: bool, file: Option<fs::File>) -> Result<Account, Failure> {
        let told =
            |written: anyhow::Result<()>| written.context("failed to write the plan").map_err(Failure::Input);
        match self {
            Ground::Grid(problem) => {
                let plan = Plan::new(problem, record);
                told(file.map_or(Ok(()), |file| plan.write(file)))?;
                check(problem, &plan).map_err(Failure::Plan)
            }
            Ground::Layout(arena) => {
                let route = Route::new(arena, record, has_delays);
                told(file.map_or(Ok(()), |file| route.write(arena, file)))?;
                inspect(arena, &route).map_err(Failure::Plan)
            }
        }
    }

    fn check_file(&self, path: &Path) -> Result<Account, Failure> {
        let told = |error: anyhow::Error| Failure::Input(error.context(path.display().to_string()));
        let file = fs::File::open(path).context("can't be read").map_err(told)?;
        match self {
            Ground::Grid(problem) => check(problem, &Plan::read(file).map_err(told)?).map_err(Failure::Plan),
            Ground::Layout(arena) => {
                inspect(arena, &Route::read(arena, file).map_err(told)?).map_err(Failure::Plan)
            }
        }
    }

    fn draw(&self, folder: &Path, account: &Account, alone: &[u32]) -> anyhow::Result<()> {
        let (progress, waits) = match self {
            Ground::Grid(problem) => {
                let title = format!("{}, {} robots", problem.name, problem.starts.len());
                (plots::progress(&title, account, alone), plots::waits(&title, problem, account))
            }
            Ground::Layout(arena) => {
                let title = format!("{}, {} robots", arena.name, arena.starts.len());
                let waits = plots::waits_on_layout(&title, &arena.layout, account);
                (plots::progress(&title, account, alone), waits)
            }
        };
        for (name, text) in [("progress.svg", progress), ("waits.svg", waits)] {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("{}: can't be written", path.display()))?;
        }
        Ok(())
    }
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= THREADS_MAX);
    number.ok_or_else(|| format!("write a number from 1 to {THREADS_MAX}"))
}

fn create(path: &Path) -> anyhow::Result<fs::File> {
    fs::File::create(path).with_context(|| format!("{}: can't be written", path.display()))
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
