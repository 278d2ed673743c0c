//! What the planner must reach: every benchmark instance beside its bar, and how CPU grows with the fleet.
//!
//! `make bench-planner`, with `DROVER_DATA` set to the folder that has `mapf/INSTANCE/problem.json`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};
use clap::Parser;
use serde::Serialize;

use drover_benches::lifelong::Report;

/// An instance and its bar. Peers' figures were measured on one core, or are the official best where none runs on one.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    instance: &'static str,
    steps: u32,
    /// None: the default of `lifelong`.
    expansions: Option<u64>,
    must: u32,
    goal: Option<u32>,
    moonshot: Option<u32>,
    peer: u32,
    /// CPU per step, mean, assignment and planning together.
    cpu_ms_limit: Option<f64>,
    memory_mb_limit: Option<f64>,
}

const ROWS: [Row; 7] = [
    Row {
        name: "random-200@600",
        instance: "random-200",
        steps: 600,
        expansions: None,
        must: 1_248,
        goal: Some(1_260),
        moonshot: Some(1_365),
        peer: 1_188,
        cpu_ms_limit: Some(100.0),
        memory_mb_limit: None,
    },
    Row {
        name: "random-400@800",
        instance: "random-400",
        steps: 800,
        expansions: None,
        must: 2_138,
        goal: Some(2_368),
        moonshot: Some(2_650),
        peer: 2_036,
        cpu_ms_limit: Some(100.0),
        memory_mb_limit: None,
    },
    Row {
        name: "random-400@800-unrefined",
        instance: "random-400",
        steps: 800,
        expansions: Some(0),
        must: 1_619,
        goal: None,
        moonshot: None,
        peer: 1_619,
        cpu_ms_limit: Some(12.0),
        memory_mb_limit: None,
    },
    Row {
        name: "warehouse-10000@100",
        instance: "warehouse-10000",
        steps: 100,
        expansions: None,
        must: 800,
        goal: Some(915),
        moonshot: Some(990),
        peer: 762,
        cpu_ms_limit: Some(500.0),
        memory_mb_limit: Some(2_000.0),
    },
    // The peer is 30,931 tasks of robots that ignore each other and take the nearest task: 0.90, 0.97 and 1.03 of them.
    Row {
        name: "warehouse-10000@1000",
        instance: "warehouse-10000",
        steps: 1_000,
        expansions: None,
        must: 27_838,
        goal: Some(30_004),
        moonshot: Some(31_859),
        peer: 30_931,
        cpu_ms_limit: Some(500.0),
        memory_mb_limit: Some(2_000.0),
    },
    // 1.02 and 1.05 of the official 2,821.
    Row {
        name: "city-1500@1000",
        instance: "city-1500",
        steps: 1_000,
        expansions: None,
        must: 2_821,
        goal: Some(2_878),
        moonshot: Some(2_963),
        peer: 2_790,
        cpu_ms_limit: Some(150.0),
        memory_mb_limit: None,
    },
    // 0.98 and 0.99 of 8,031 tasks of robots that ignore each other.
    Row {
        name: "sortation-2000@1000",
        instance: "sortation-2000",
        steps: 1_000,
        expansions: None,
        must: 7_779,
        goal: Some(7_871),
        moonshot: Some(7_951),
        peer: 7_779,
        cpu_ms_limit: Some(150.0),
        memory_mb_limit: None,
    },
];

/// CPU before the first step.
const SETUP_MS_LIMIT: f64 = 1_000.0;

/// The curve of CPU over robots, without refinement: its budget is the same for every fleet.
const CURVE: &str = "curve";
const CURVE_INSTANCE: &str = "warehouse-10000";
const CURVE_ROBOTS: [usize; 5] = [100, 300, 1_000, 3_000, 10_000];
const CURVE_STEPS: u32 = 50;

/// Fleets on a layout, each also moved by PIBT: so many times its tasks must be reached.
const LAYOUT: &str = "fresh-dc";
const LAYOUT_ROBOTS: [usize; 4] = [40, 80, 120, 160];
const LAYOUT_STEPS: u32 = 1_200;
const LAYOUT_MUST: f64 = 1.5;
/// Little refinement: on this layout more of it gains nothing.
const LAYOUT_EXPANSIONS: &str = "2000";
/// Probabilities of a delay in a step, per cent, that one of the fleets is played with, and what it must keep of its tasks.
const DELAYS_PCT: [u32; 5] = [0, 5, 10, 20, 40];
const DELAYED_ROBOTS: usize = 80;
const KEPT_AT_PCT: u32 = 10;
const KEPT_MUST: f64 = 0.85;

/// The lifelong planner on every benchmark instance, beside its bar.
#[derive(Debug, Parser)]
#[command(
    after_help = "The instances are found in $DROVER_DATA/mapf/INSTANCE/problem.json; without DROVER_DATA nothing is run.\n\
    Exit codes: 0 every bar is met, 1 one is missed or a run failed, 2 bad input.\n\n\
    Examples:\n  DROVER_DATA=data make bench-planner\n  \
    DROVER_DATA=data make bench-planner ARGS=\"--only random --json\""
)]
struct Args {
    /// Only rows with this in their name; `fresh-dc` are those on that layout, `curve` is the one of CPU over robots.
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
    /// One JSON line instead of tables.
    #[arg(long)]
    json: bool,
}

/// A row that was run.
#[derive(Debug, Serialize)]
struct Outcome {
    #[serde(flatten)]
    row: &'static Row,
    /// None if the run failed.
    report: Option<Report>,
    /// What is not reached, in sentences.
    missed: Vec<String>,
}

/// A point of the curve.
#[derive(Debug, Serialize)]
struct Point {
    robots: usize,
    cpu_ms_mean: f64,
    cpu_us_per_robot: f64,
    /// CPU beside n log n, as a multiple of that at the fewest robots: 1 = grows like n log n.
    beside_n_log_n: f64,
}

/// A fleet on the layout.
#[derive(Debug, Serialize)]
struct OnLayout {
    robots: usize,
    /// Tasks of the stack, of PIBT, and of robots that ignore each other; none if a run failed.
    tasks: Option<[u32; 3]>,
    cpu_ms_mean: Option<f64>,
    no_progress: Option<u32>,
}

impl OnLayout {
    fn beside_pibt(&self) -> Option<f64> {
        self.tasks.map(|[ours, pibt, _]| f64::from(ours) / f64::from(pibt.max(1)))
    }

    fn is_met(&self) -> bool {
        self.beside_pibt().is_some_and(|ratio| ratio >= LAYOUT_MUST)
    }
}

/// A fleet on the layout under delays.
#[derive(Debug, Serialize)]
struct Delayed {
    delay_pct: u32,
    /// Tasks of the stack and of PIBT, which plans anew in every step; none if a run failed.
    tasks: Option<[u32; 2]>,
}

impl Delayed {
    /// What is kept of the tasks without delays.
    fn kept(&self, whole: &Delayed) -> Option<[f64; 2]> {
        let (tasks, whole) = (self.tasks?, whole.tasks?);
        Some([0, 1].map(|of| f64::from(tasks[of]) / f64::from(whole[of].max(1))))
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let Some(data) = env::var_os("DROVER_DATA").filter(|data| !data.is_empty()) else {
        println!(
            "planner: skipped, since DROVER_DATA isn't set; set it to the folder that has mapf/INSTANCE/problem.json"
        );
        return ExitCode::SUCCESS;
    };
    match run(&args, &PathBuf::from(data)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("planner: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every bar is met.
fn run(args: &Args, data: &Path) -> anyhow::Result<bool> {
    let rows: Vec<&'static Row> = ROWS.iter().filter(|row| row.name.contains(&args.only)).collect();
    let (has_curve, has_layout) = (CURVE.contains(&args.only), LAYOUT.contains(&args.only));
    if rows.is_empty() && !has_curve && !has_layout {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).chain([LAYOUT, CURVE]).collect();
        bail!("--only {}: no such row; write a part of one of {}", args.only, names.join(", "));
    }
    let program = env::current_exe().context("can't find this program")?.with_file_name("lifelong");
    let played = |run: Run| run.play(&program, data);
    let mut outcomes = Vec::new();
    if !args.json && !rows.is_empty() {
        println!("{}", heading());
    }
    for row in rows {
        let run = Run { instance: row.instance, steps: row.steps, robots: None, expansions: row.expansions };
        let report = played(run)?;
        if !args.json {
            println!("{}", line(row, report.as_ref()));
        }
        outcomes.push(Outcome { row, missed: missed(row, report.as_ref()), report });
    }
    let mut curve = Vec::new();
    for robots in CURVE_ROBOTS.into_iter().filter(|_| has_curve) {
        let run =
            Run { instance: CURVE_INSTANCE, steps: CURVE_STEPS, robots: Some(robots), expansions: Some(0) };
        let next = played(run)?.map(|report| point(&report, curve.first()));
        curve.extend(next);
    }
    let is_whole = !has_curve || curve.len() == CURVE_ROBOTS.len();
    let sizes = LAYOUT_ROBOTS.into_iter().filter(|_| has_layout);
    let layout = sizes.map(|robots| on_layout(&program, robots)).collect::<anyhow::Result<Vec<_>>>()?;
    let delays = DELAYS_PCT.into_iter().filter(|_| has_layout);
    let delayed = delays.map(|delay_pct| delayed(&program, delay_pct)).collect::<anyhow::Result<Vec<_>>>()?;
    let is_met = is_whole
        && keeps_enough(&delayed)
        && outcomes.iter().all(|outcome| outcome.missed.is_empty())
        && layout.iter().all(OnLayout::is_met);
    if args.json {
        let told = serde_json::json!({ "rows": outcomes, LAYOUT: layout, "delayed": delayed, "curve": curve, "met": is_met });
        println!("{told}");
        return Ok(is_met);
    }
    for sentence in outcomes.iter().flat_map(|outcome| &outcome.missed) {
        println!("missed: {sentence}");
    }
    if has_layout {
        print_layout(&layout);
        print_delayed(&delayed);
    }
    if has_curve {
        print_curve(&curve);
    }
    Ok(is_met)
}

/// A child process to be.
struct Run {
    instance: &'static str,
    steps: u32,
    robots: Option<usize>,
    expansions: Option<u64>,
}

impl Run {
    /// What `lifelong` reports; none if it failed, and then it has said why.
    fn play(&self, program: &Path, data: &Path) -> anyhow::Result<Option<Report>> {
        let problem = data.join("mapf").join(self.instance).join("problem.json");
        let mut command = Command::new(program);
        command.arg("--problem").arg(problem).args(["--steps", &self.steps.to_string()]);
        if let Some(robots) = self.robots {
            command.args(["--robots", &robots.to_string()]);
        }
        if let Some(expansions) = self.expansions {
            command.args(["--expansions", &expansions.to_string()]);
        }
        report(command)
    }
}

/// What `lifelong` reports; none if it failed, and then it has said why.
fn report(mut command: Command) -> anyhow::Result<Option<Report>> {
    let program = PathBuf::from(command.get_program());
    let output = command.arg("--json").stderr(Stdio::inherit()).output();
    let output = output.with_context(|| {
        format!("{}: can't be started; build it with `--bin lifelong`", program.display())
    })?;
    if !output.status.success() {
        return Ok(None);
    }
    let report = serde_json::from_slice(&output.stdout);
    report.map(Some).with_context(|| format!("{} printed no report; build it again", program.display()))
}

/// Plays so many robots on the layout.
fn play_layout(program: &Path, robots: usize, more: &[&str]) -> anyhow::Result<Option<Report>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../maps/sites").join(LAYOUT);
    let mut command = Command::new(program);
    command.arg("--layout").arg(folder.join("layout.lif.json"));
    command.arg("--site").arg(folder.join("site.toml"));
    command.args(["--robots", &robots.to_string(), "--steps", &LAYOUT_STEPS.to_string()]);
    command.args(["--expansions", LAYOUT_EXPANSIONS]).args(more);
    report(command)
}

fn delayed(program: &Path, delay_pct: u32) -> anyhow::Result<Delayed> {
    let delay = delay_pct.to_string();
    let ours = play_layout(program, DELAYED_ROBOTS, &["--delay", &delay])?;
    let pibt = play_layout(program, DELAYED_ROBOTS, &["--delay", &delay, "--planner", "pibt"])?;
    Ok(Delayed { delay_pct, tasks: ours.zip(pibt).map(|(ours, pibt)| [ours.finished(), pibt.finished()]) })
}

fn keeps_enough(delayed: &[Delayed]) -> bool {
    let Some(at) = delayed.iter().find(|run| run.delay_pct == KEPT_AT_PCT) else { return true };
    at.kept(&delayed[0]).is_some_and(|[ours, _]| ours >= KEPT_MUST)
}

/// Plays so many robots on the layout, by the stack and by PIBT.
fn on_layout(program: &Path, robots: usize) -> anyhow::Result<OnLayout> {
    let ours = play_layout(program, robots, &[])?;
    let pibt = play_layout(program, robots, &["--planner", "pibt"])?;
    let both = ours.as_ref().zip(pibt.as_ref());
    Ok(OnLayout {
        robots,
        tasks: both.map(|(ours, pibt)| [ours.finished(), pibt.finished(), ours.conflict_free]),
        cpu_ms_mean: ours.as_ref().map(|ours| ours.cpu_ms_mean),
        no_progress: ours.as_ref().map(|ours| ours.longest_no_progress_steps),
    })
}

/// Each figure that isn't reached, as a sentence.
fn missed(row: &Row, report: Option<&Report>) -> Vec<String> {
    let name = row.name;
    let Some(report) = report else {
        return vec![format!("{name}: the run failed; `lifelong` says above why.")];
    };
    let (finished, must) = (report.finished(), row.must);
    let mut missed = Vec::new();
    if finished < must {
        let short = must - finished;
        let share = 100.0 * f64::from(short) / f64::from(must);
        missed.push(format!("{name}: {finished} tasks, must be {must}: {short} short ({share:.1} %)."));
    }
    let limits = [
        ("ms CPU per step", Some(report.cpu_ms_mean), row.cpu_ms_limit),
        ("MB of memory", report.peak_rss_mb, row.memory_mb_limit),
        ("ms CPU before the first step", Some(report.setup_cpu_ms), Some(SETUP_MS_LIMIT)),
    ];
    for (unit, found, limit) in limits {
        let (Some(found), Some(limit)) = (found, limit) else { continue };
        if found > limit {
            let over = found - limit;
            let share = 100.0 * over / limit;
            missed.push(format!(
                "{name}: {found:.1} {unit}, limit {limit:.0}: {over:.1} too many ({share:.0} %)."
            ));
        }
    }
    missed
}

fn heading() -> String {
    let tasks =
        format!("{:>6} {:>6} {:>6} {:>8} {:>6} {:>5}", "tasks", "must", "goal", "moonshot", "peer", "ratio");
    let cpu = format!("{:>7} {:>7} {:>7} {:>7} {:>5}", "CPU ms", "max", "assign", "plan", "limit");
    format!(
        "{:<26} {:>6} {:>5} {tasks} | {cpu} | {:>6} {:>8} {:>11}",
        "row", "robots", "steps", "MB", "setup ms", "no progress"
    )
}

fn line(row: &Row, report: Option<&Report>) -> String {
    let Some(report) = report else { return format!("{:<26} failed", row.name) };
    let finished = report.finished();
    let ratio = f64::from(finished) / f64::from(row.peer);
    let bars = format!("{:>6} {:>6} {:>8} {:>6}", row.must, shown(row.goal), shown(row.moonshot), row.peer);
    let cpu = format!(
        "{:>7.1} {:>7.1} {:>7.1} {:>7.1} {:>5}",
        report.cpu_ms_mean,
        report.cpu_ms_max,
        report.cpu_ms_assign_mean,
        report.cpu_ms_plan_mean,
        shown(row.cpu_ms_limit)
    );
    format!(
        "{:<26} {:>6} {:>5} {finished:>6} {bars} {ratio:>5.2} | {cpu} | {:>6} {:>8.0} {:>11}",
        row.name,
        report.robots,
        report.steps,
        shown(report.peak_rss_mb.map(f64::round)),
        report.setup_cpu_ms,
        report.longest_no_progress_steps
    )
}

fn shown(value: Option<impl ToString>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

fn point(report: &Report, first: Option<&Point>) -> Point {
    let n_log_n = |robots: usize| robots as f64 * (robots as f64).ln();
    let (robots, cpu_ms_mean) = (report.robots, report.cpu_ms_mean);
    let beside = first.map_or(1.0, |first| {
        cpu_ms_mean / first.cpu_ms_mean.max(1e-6) / (n_log_n(robots) / n_log_n(first.robots))
    });
    let cpu_us_per_robot = 1e3 * cpu_ms_mean / robots as f64;
    Point { robots, cpu_ms_mean, cpu_us_per_robot, beside_n_log_n: beside }
}

fn print_layout(layout: &[OnLayout]) {
    println!("\n{LAYOUT}: tasks from station to station in {LAYOUT_STEPS} steps of half a second");
    println!(
        "{:>6} {:>6} {:>6} {:>6} {:>13} {:>8} {:>7} {:>11}",
        "robots", "tasks", "PIBT", "ratio", "conflict-free", "of that", "CPU ms", "no progress"
    );
    for fleet in layout {
        let robots = fleet.robots;
        let (Some([ours, pibt, alone]), Some(ratio)) = (fleet.tasks, fleet.beside_pibt()) else {
            println!("{robots:>6} failed; `lifelong` says above why");
            continue;
        };
        println!(
            "{robots:>6} {ours:>6} {pibt:>6} {ratio:>6.2} {alone:>13} {:>8.2} {:>7.1} {:>11}",
            f64::from(ours) / f64::from(alone.max(1)),
            fleet.cpu_ms_mean.unwrap_or_default(),
            shown(fleet.no_progress)
        );
    }
    for fleet in layout.iter().filter(|fleet| !fleet.is_met()) {
        let robots = fleet.robots;
        let Some([_, pibt, alone]) = fleet.tasks else { continue };
        let alone = f64::from(alone) / f64::from(pibt.max(1));
        println!(
            "missed: {LAYOUT} with {robots} robots: less than {LAYOUT_MUST} x PIBT's tasks; conflict-free is {alone:.2} x."
        );
    }
}

fn print_delayed(delayed: &[Delayed]) {
    println!(
        "\n{LAYOUT} with {DELAYED_ROBOTS} robots: tasks when each is delayed in a step with this probability"
    );
    println!("{:>6} {:>6} {:>6} {:>25} {:>6}", "delay", "tasks", "kept", "PIBT anew in every step", "kept");
    for run in delayed {
        let delay = format!("{} %", run.delay_pct);
        match run.tasks.zip(run.kept(&delayed[0])) {
            Some(([ours, pibt], [kept, pibt_kept])) => {
                println!("{delay:>6} {ours:>6} {kept:>6.2} {pibt:>25} {pibt_kept:>6.2}");
            }
            None => println!("{delay:>6} failed; `lifelong` says above why"),
        }
    }
    if !keeps_enough(delayed) {
        println!("missed: {LAYOUT}: less than {KEPT_MUST} of the tasks are kept at {KEPT_AT_PCT} %.");
    }
}

fn print_curve(curve: &[Point]) {
    println!("\n{CURVE}: CPU per step on the map of {CURVE_INSTANCE}, mean of {CURVE_STEPS} steps");
    println!("{:>6} {:>9} {:>12} {:>14}", "robots", "CPU ms", "us per robot", "beside n log n");
    for point in curve {
        println!(
            "{:>6} {:>9.2} {:>12.2} {:>14.2}",
            point.robots, point.cpu_ms_mean, point.cpu_us_per_robot, point.beside_n_log_n
        );
    }
    if curve.len() < CURVE_ROBOTS.len() {
        println!("missed: {CURVE}: a run failed; `lifelong` says above why.");
    }
}
