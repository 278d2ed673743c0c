//! The command line: exit codes 0 all held, 1 an invariant or expectation broke, 2 bad input.

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
    #[command(
        after_help = "Examples:\n  drover-sim run sim/scenarios/cross.toml\n  drover-sim run sim/scenarios/fresh-dc-wave.toml --seed 7 --report out --trace out/trace.ndjson"
    )]
    Run(run::Run),
    /// Run many small worlds drawn from seeds.
    #[command(
        after_help = "Examples:\n  drover-sim swarm --seeds 100\n  drover-sim swarm --from 17 --seeds 1 --json"
    )]
    Swarm(swarm::Swarm),
}

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
        Command::Swarm(swarm) => swarm.run(),
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
