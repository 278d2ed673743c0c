//! The command line: exit codes 0 all held, 1 an invariant or expectation broke, 2 bad input.

mod capacity;
mod compare;
mod files;
mod pool;
mod progress;
mod run;
mod swarm;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use drover_sim::Wire;

/// All held.
const HELD: u8 = 0;
/// An invariant or an expectation broke.
const BROKE: u8 = 1;
/// The input can't be used.
const BAD_INPUT: u8 = 2;

/// The simulated world of the Drover fleet controller.
#[derive(Debug, Parser)]
#[command(
    name = "drover-sim",
    version,
    about,
    after_help = "Exit codes: 0 all held, 1 an invariant or expectation broke, 2 bad input."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one scenario.
    #[command(after_help = RUN_HELP)]
    Run(run::Run),
    /// Compare assignment policies on the same seeds.
    #[command(after_help = COMPARE_HELP)]
    Compare(compare::Compare),
    /// Run many small worlds drawn from seeds.
    #[command(after_help = SWARM_HELP)]
    Swarm(swarm::Swarm),
    /// Measure throughput against fleet size on a layout.
    #[command(after_help = CAPACITY_HELP)]
    Capacity(capacity::Capacity),
}

const RUN_HELP: &str = "\
Examples:
  drover-sim run sim/scenarios/cross.toml
  drover-sim run sim/scenarios/blocks.toml --report out --junit out/junit.xml
  drover-sim run sim/scenarios/fresh-dc-wave.toml --seed 7 --policy matching --json
  drover-sim run sim/scenarios/cross.toml --trace out/trace.ndjson

--report writes report.html (open it in any browser, it needs no network), report.md and report.json.";
const COMPARE_HELP: &str = "\
Examples:
  drover-sim compare sim/scenarios/blocks.toml --policy nearest,matching
  drover-sim compare sim/scenarios/shifts/fresh-dc.toml --policy nearest,planning --seeds 3
  drover-sim compare sim/scenarios/blocks.toml --policy nearest,longest_idle,matching,throughput --seeds 20 --json

Every policy plays the same seeds, so that a difference is one of the policies and not of their luck.";
const SWARM_HELP: &str = "\
Examples:
  drover-sim swarm --seeds 100
  drover-sim swarm --from 17 --seeds 1 --json
  drover-sim swarm --seeds 100000 --minutes 30 --junit out/swarm.xml";
const CAPACITY_HELP: &str = "\
Examples:
  drover-sim capacity --layout maps/sites/fresh-dc/layout.lif.json --site maps/sites/fresh-dc/site.toml --robots 10..60
  drover-sim capacity --layout layout.lif.json --robots 4..16 --step 4 --hours 0.5 --plot out/capacity.svg --json
  drover-sim capacity --layout layout.lif.json --robots 40..40 --delay 10 --option window_ms=8000 --option cycle_ms=1000

Jobs go from a random pick to a random dock, always more of them than robots. The knee is the fleet size beyond which another
robot adds less than half of what each of the first ones adds.";

/// How messages travel.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum WireArg {
    /// Handed over as they are: quick.
    Typed,
    /// Written and read again as JSON: what a broker would carry.
    Json,
}

impl From<WireArg> for Wire {
    fn from(wire: WireArg) -> Wire {
        match wire {
            WireArg::Typed => Wire::Typed,
            WireArg::Json => Wire::Json,
        }
    }
}

/// What went wrong before anything could be judged: the words for the user.
#[derive(Debug)]
struct BadInput(String);

/// The name of an assignment policy.
type PolicyName = drover_core::dispatch::policy::Name;

/// Reads the name of an assignment policy; an unknown one is told with those there are.
fn policy(name: &str) -> Result<PolicyName, drover_core::dispatch::policy::Unknown> {
    PolicyName::of(name)
}

/// A word of a shell command.
fn quoted(word: &str) -> String {
    let is_plain =
        !word.is_empty() && word.chars().all(|one| one.is_alphanumeric() || "-_./:,=+@%".contains(one));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(run) => run.run(),
        Command::Compare(compare) => compare.run(),
        Command::Swarm(swarm) => swarm.run(),
        Command::Capacity(capacity) => capacity.run(),
    };
    match result {
        Ok(true) => ExitCode::from(HELD),
        Ok(false) => ExitCode::from(BROKE),
        Err(BadInput(text)) => {
            eprintln!("drover-sim: {text}");
            ExitCode::from(BAD_INPUT)
        }
    }
}
