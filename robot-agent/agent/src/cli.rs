//! The command line.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  drover-agent --config agent.toml
  drover-agent robots --broker mqtt://127.0.0.1:1883 --layout layout.lif.json --count 50
  drover-agent robots --broker mqtt://127.0.0.1 --layout layout.lif.json --site site.toml --count 8 --speed 10

A configuration:
  [mqtt]
  url = \"mqtt://127.0.0.1:1883\"

  [[robot]]
  manufacturer = \"acme\"
  serial = \"r01\"
  driver = \"simulated\"
  map = \"floor\"
  x_m = 0.0
  y_m = 0.0

Exit codes: 0 stopped by a signal, 1 failed, 2 bad input. Log filter: DROVER_LOG, e.g. debug.";

const ROBOTS_EXAMPLES: &str = "Examples:
  drover-agent robots --broker mqtt://127.0.0.1:1883 --layout layout.lif.json --count 50
  drover-agent robots --broker mqtt://127.0.0.1 --layout l.json --count 20 --offset 20   (a second process)

Prints one JSON line per robot {\"manufacturer\",\"serial\",\"node\"}, then {\"ready\":N} once all are connected.";

/// The on-site agent: puts robots on an MQTT broker as VDA 5050 2.1 robots.
#[derive(Debug, Parser)]
#[command(name = "drover-agent", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The agent's configuration (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do instead of running a configuration.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Other things to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Virtual robots on a real broker, for load tests and for trying a controller.
    #[command(after_help = ROBOTS_EXAMPLES)]
    Robots(Robots),
}

/// Options of `robots`.
#[derive(Clone, Debug, Args)]
pub struct Robots {
    /// Broker, mqtt://[user:password@]host[:port].
    #[arg(long, value_name = "URL", env = "DROVER_MQTT__URL")]
    pub broker: String,
    /// Layout, LIF 1.0.
    #[arg(long, value_name = "FILE")]
    pub layout: PathBuf,
    /// What LIF can't say: robot types, parking, chargers.
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// How many robots, 1 to 2000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub count: u32,
    /// How fast the robots' clock runs, 0.01 to 1000.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Manufacturer of all robots.
    #[arg(long, value_name = "NAME", default_value = "drover")]
    pub manufacturer: String,
    /// Serial numbers are this and a number from 01.
    #[arg(long, value_name = "TEXT", default_value = "r")]
    pub prefix: String,
    /// Topic prefix.
    #[arg(long, value_name = "NAME", default_value = "uagv", env = "DROVER_MQTT__INTERFACE")]
    pub interface: String,
    /// Leave out the first K serial numbers and places: those of another process.
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=2000))]
    pub offset: u32,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.01..=1_000.0).contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err("a number from 0.01 to 1000 is wanted".to_owned()),
    }
}
