//! The process `drover-agent`: reads its options, runs until told to stop.

use clap::Parser;
use drover_agent::cli::{self, Cli, Command};
use drover_agent::run;
use drover_agent::{BadInput, config, conform, plc, virtual_robots};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse_from(cli::arguments(std::env::args_os()));
    let filter = EnvFilter::try_from_env("DROVER_LOG").unwrap_or_else(|_| EnvFilter::new("info,rumqttc=off"));
    let is_terminal = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(io::stderr).init();
    match execute(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let is_input = error.downcast_ref::<BadInput>().is_some();
            let _ = writeln!(io::stderr(), "drover-agent: {error:#}");
            ExitCode::from(if is_input { 2 } else { 1 })
        }
    }
}

fn execute(cli: &Cli) -> anyhow::Result<()> {
    match (&cli.command, &cli.config) {
        (Some(Command::Robots(options)), _) => run_to_end(run::run(virtual_robots::prepare(options)?)),
        (Some(Command::Plc(options)), _) => run_to_end(plc::run(plc::prepare(options)?)),
        (Some(Command::Conform(options)), _) => run_to_end(conform::run(options)),
        (Some(Command::ConformMaster(options)), _) => run_to_end(conform::master::run(options.clone())),
        (None, Some(file)) => run_to_end(run::run(config::load(file)?)),
        (None, None) => {
            let text =
                "--config FILE is missing; or use `drover-agent robots` or `drover-agent plc`; see --help";
            Err(BadInput::one(text).into())
        }
    }
}

fn run_to_end(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(work)
}
