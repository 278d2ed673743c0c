//! The words of the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::map::{Json, MapCommand};
use crate::site::SiteCommand;
use crate::users::UserCommand;

/// Drover: takes picking jobs in order, decides which robot does each, and drives the robots.
#[derive(Debug, Parser)]
#[command(
    name = "drover",
    version,
    about,
    after_help = "Examples:
  drover demo --exit-when-done           the main job, nothing else installed
  drover check --config drover.toml      is everything a start needs right?
  drover run --config drover.toml        the controller

Exit codes: 0 all well, 1 ran and found fault, 2 bad input."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Everything `drover` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller of one site.
    #[command(after_help = "Example:
  drover run --config /etc/drover/fresh-dc.toml
  drover run --config rehearsal.toml --speed 10

Every key may also stand in the environment, e.g. DROVER_MQTT__URL=mqtt://broker:1883.
What is absent at the start (database, brokers) is waited for; /readyz says what is missing.")]
    Run {
        /// Which configuration.
        #[command(flatten)]
        config: ConfigFile,
        /// For rehearsals with virtual robots of the same speed: how much faster than real time the site runs.
        #[arg(long, default_value_t = 1.0, value_parser = speed)]
        speed: f64,
    },
    /// Run the bundled wave with virtual robots, everything embedded.
    #[command(after_help = "Examples:
  drover demo
  drover demo --robots 20 --speed 5 --exit-when-done --report out
  drover demo --jobs wave.ndjson --layout layout.lif.json --site site.toml

The bundled wave counts its times from the start: the first truck leaves after 30 minutes, the others
three minutes apart. A wave given by --jobs (one job per line) is taken as it is.
Exit code 1 when a job failed, an order was broken or an invariant was violated.")]
    Demo(DemoArgs),
    /// Look at everything a start needs, and print what is right and wrong.
    #[command(after_help = "Example:
  drover check --config drover.toml --json")]
    Check {
        /// Which configuration.
        #[command(flatten)]
        config: ConfigFile,
        /// For machines.
        #[command(flatten)]
        json: Json,
    },
    /// Import, validate, generate and draw layouts.
    #[command(
        subcommand,
        after_help = "Examples:
  drover map validate --layout layout.lif.json --site site.toml
  drover map import den312d.map --out den312d
  drover map generate warehouse --aisles 10 --robots 40 --out big
  drover map render --layout layout.lif.json --out layout.svg"
    )]
    Map(MapCommand),
    /// Make a new site, and the accounts of its brokers.
    #[command(
        subcommand,
        after_help = "Examples:
  drover site new busan-2 --layout layout.lif.json --site site.toml --robots 20..60
  drover site credentials --config drover.toml --out credentials --rotate r07"
    )]
    Site(SiteCommand),
    /// Add, list and remove those who may call.
    #[command(
        subcommand,
        after_help = "Examples:
  drover user add kim --role operator --file users.toml
  drover user list --file users.toml
  drover user remove kim --file users.toml"
    )]
    User(UserCommand),
    /// Step a journal again, and compare every decision and digest.
    #[command(after_help = "Examples:
  drover replay --config drover.toml
  drover replay --config drover.toml --until 120000 --json

Plans are part of what is stepped and compared: --recompute asks for what is always done.
A journal that was shortened (key store.keep_days) is stepped from its first kept snapshot on.")]
    Replay {
        /// Which configuration.
        #[command(flatten)]
        config: ConfigFile,
        /// Stop after this event.
        #[arg(long, value_name = "SEQ")]
        until: Option<u64>,
        /// Plan again too, and compare.
        #[arg(long)]
        recompute: bool,
        /// For machines.
        #[command(flatten)]
        json: Json,
    },
}

/// Which configuration.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration, TOML.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// `drover demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Virtual robots.
    #[arg(long, default_value_t = crate::demo::ROBOTS)]
    pub robots: usize,
    /// A wave of your own, one JSON job per line.
    #[arg(long, value_name = "FILE")]
    pub jobs: Option<PathBuf>,
    /// How many times faster than real, 0.1 to 100.
    #[arg(long, default_value_t = crate::demo::SPEED, value_parser = speed)]
    pub speed: f64,
    /// Address of page, gRPC and metrics.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// End when all jobs have ended.
    #[arg(long)]
    pub exit_when_done: bool,
    /// Folder of the report.
    #[arg(long, default_value = "demo-report")]
    pub report: PathBuf,
    /// A layout of your own, LIF 1.0.
    #[arg(long, value_name = "FILE")]
    pub layout: Option<PathBuf>,
    /// Its site.toml.
    #[arg(long, value_name = "FILE", requires = "layout")]
    pub site: Option<PathBuf>,
    /// For machines.
    #[command(flatten)]
    pub json: Json,
}

impl DemoArgs {
    /// The choices, as the demonstration takes them.
    pub fn options(self) -> crate::demo::Options {
        crate::demo::Options {
            robots: self.robots,
            jobs: self.jobs,
            speed: self.speed,
            listen: self.listen,
            exit_when_done: self.exit_when_done,
            report: self.report,
            layout: self.layout,
            site: self.site,
            json: self.json.json,
        }
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "write a number, e.g. 10".to_owned())?;
    if crate::run::Clock::SPEEDS.contains(&speed) { Ok(speed) } else { Err("write 0.1 to 100".to_owned()) }
}
