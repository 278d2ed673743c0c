//! Lifelong planning on a benchmark instance: tasks finished, beside robots that ignore each other.
//!
//! `cargo run --release -p drover-benches --bin lifelong -- --problem DIR/problem.json --steps N`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Parser;

use drover_benches::lifelong::{Action, Floor, Pool, Problem};
use drover_benches::{cpu_seconds, peak_rss_mb};
use drover_core::plan::lifelong::{Lifelong, Seen};

/// As in `drover`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lifelong planning by the rules of the League of Robot Runners 2024.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  cargo run --release -p drover-benches --bin lifelong -- --problem random-200/problem.json --steps 600"
)]
struct Args {
    /// `problem.json` of the instance.
    #[arg(long)]
    problem: PathBuf,
    /// Steps to play.
    #[arg(long, default_value_t = 600)]
    steps: usize,
    /// Operations looked at in refinement, per step.
    #[arg(long, default_value_t = 2_000_000)]
    expansions: u64,
}

/// What a run came to.
#[derive(Debug, Default)]
struct Run {
    finished: BTreeMap<usize, u32>,
    assign_s: f64,
    plan_s: f64,
    longest_step_s: f64,
    waits: usize,
    longest_no_progress: u32,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let problem = match Problem::read(&args.problem) {
        Ok(problem) => problem,
        Err(error) => {
            eprintln!("lifelong: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let setup = cpu_seconds();
    let mut stack = Lifelong::new(problem.lattice.clone(), args.expansions);
    let setup = cpu_seconds() - setup;
    let run = play(&problem, args.steps, &mut stack, true)?;
    let peak = peak_rss_mb();
    let alone = play(&problem, args.steps, &mut stack, false)?;
    let (steps, robots) = (args.steps.max(1) as f64, problem.starts.len());
    let line = serde_json::json!({
        "tasks_finished": run.finished, "conflict_free": alone.finished.get(&args.steps), "steps": args.steps, "robots": robots,
        "setup_cpu_ms": 1e3 * setup, "cpu_ms_mean": 1e3 * (run.assign_s + run.plan_s) / steps,
        "cpu_ms_max": 1e3 * run.longest_step_s, "cpu_ms_assign_mean": 1e3 * run.assign_s / steps,
        "cpu_ms_plan_mean": 1e3 * run.plan_s / steps, "peak_rss_mb": peak,
        "wait_share": run.waits as f64 / (steps * robots as f64),
        "longest_no_progress_steps": run.longest_no_progress, "breaker_calls": 0,
    });
    println!("{line}");
    Ok(ExitCode::SUCCESS)
}

/// Plays the instance; `together` = by the rules, else everybody as if alone.
fn play(problem: &Problem, steps: usize, stack: &mut Lifelong, together: bool) -> anyhow::Result<Run> {
    let lattice = &problem.lattice;
    let mut floor = Floor::new(lattice, &problem.starts);
    let mut pool = Pool::new(&problem.tasks, problem.revealed);
    let mut run = Run::default();
    for step in 1..=steps {
        let seen: Vec<Seen<'_>> = pool
            .seen()
            .iter()
            .map(|task| Seen { id: task.id, errands: task.errands(), held_by: task.held_by })
            .collect();
        let began = cpu_seconds();
        let pursues = stack.assign(&floor.states, &seen);
        let assigned = cpu_seconds();
        let next = if together {
            stack.plan(&floor.states, &seen, &pursues)
        } else {
            stack.plan_alone(&floor.states, &seen, &pursues)
        };
        let planned = cpu_seconds();
        run.assign_s += assigned - began;
        run.plan_s += planned - assigned;
        run.longest_step_s = run.longest_step_s.max(planned - began);
        if together {
            let action = |(from, to): (&u32, &u32)| Action::between(lattice, *from, *to);
            let actions: Option<Vec<Action>> = floor.states.iter().zip(&next).map(action).collect();
            let actions = actions.with_context(|| format!("step {step}: a robot jumps"))?;
            run.waits += actions.iter().filter(|action| **action == Action::Wait).count();
            floor.step(lattice, &actions).map_err(|error| anyhow!("step {step}: {error}"))?;
            run.longest_no_progress = run.longest_no_progress.max(stack.longest_without_progress());
        } else {
            floor.states = next;
        }
        for (state, (robot, pursued)) in floor.states.iter().zip((0..).zip(&pursues)) {
            if let Some(id) = pursued {
                pool.visit(*id, robot, lattice.place(*state));
            }
        }
        pool.refill();
        if step % 100 == 0 || step == steps {
            run.finished.insert(step, pool.finished());
        }
    }
    Ok(run)
}
