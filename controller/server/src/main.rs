//! The process `drover`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use drover_controller::auth::Access;
use drover_controller::cli::{Cli, Command};
use drover_controller::config::{Config, Log, LogFormat};
use drover_controller::ground::Files;
use drover_controller::run::{self, Clock, RunError, Setup};
use drover_controller::telemetry::{self, Health};
use drover_controller::view::Screen;
use drover_controller::{check, demo, http, inbox, map, replay, signals, site, tls, users};
use tokio::sync::watch;

/// Ran, and found fault.
const FAULT: u8 = 1;
/// Bad input.
const BAD_INPUT: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    tls::install_provider();
    match carry_out(Cli::parse().command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAULT),
        Err(error) => {
            eprintln!("drover: {}", text(&error));
            ExitCode::from(if is_bad_input(&error) { BAD_INPUT } else { FAULT })
        }
    }
}

/// The error and its causes; a cause that a message already tells isn't told again.
fn text(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        known if known.contains(&cause) => text,
        known => format!("{known}: {cause}"),
    })
}

fn is_bad_input(error: &anyhow::Error) -> bool {
    if let Some(error) = error.downcast_ref::<RunError>() {
        return matches!(error, RunError::Mqtt(_) | RunError::Amqp(_) | RunError::Url { .. });
    }
    error.is::<drover_controller::config::ConfigError>()
        || error.is::<map::LayoutError>()
        || error.is::<site::SiteError>()
        || error.is::<users::UsersError>()
        || matches!(error.downcast_ref(), Some(replay::StoryError::Forgotten { .. }))
        || error.is::<drover_controller::auth::AccessError>()
        || error.downcast_ref().is_some_and(|error| matches!(error, http::ServeError::Tls(_)))
}

/// True = no fault was found.
async fn carry_out(command: Command) -> anyhow::Result<bool> {
    let quiet = Log { format: LogFormat::Text, level: "warn".to_owned() };
    match command {
        Command::Run { config, speed } => run_site(Config::load(&config.config)?, speed).await.map(|()| true),
        Command::Demo(args) => {
            telemetry::start_logging(&quiet);
            Ok(demo::run(args.options()).await?)
        }
        Command::Check { config, json } => Ok(check::print(&check::check(&config.config).await, json.json)),
        Command::Map(command) => Ok(map::run(command)?),
        Command::Site(command) => Ok(site::run(command).map(|()| true)?),
        Command::User(command) => Ok(users::run(command).map(|()| true)?),
        Command::Replay { config, until, recompute: _, json } => {
            telemetry::start_logging(&quiet);
            let story = replay::replay(&Config::load(&config.config)?, until).await?;
            Ok(replay::print(&story, json.json))
        }
    }
}

async fn run_site(mut config: Config, speed: f64) -> anyhow::Result<()> {
    telemetry::start_logging(&config.log);
    config.rehearse(speed);
    let layout = map::load(&config.layout, config.site_file.as_deref()).and_then(map::usable)?;
    let (doors, inbox) = inbox::open();
    let (stop, stopped) = watch::channel(false);
    let health = Health::default();
    let screen = Screen::new(&config.site);
    let metrics = telemetry::start_metrics(&config.site);
    run::expect_all(&config, &health);
    let layout = Arc::new(layout);
    let front = http::Front {
        listen: config.listen,
        tls: config.tls.clone(),
        access: Access::open(&config.auth)?,
        doors: doors.clone(),
        views: screen.views.subscribe(),
        news: screen.news.clone(),
        layout: Arc::clone(&layout),
        files: Files::of(&config),
        health: health.clone(),
        metrics,
        stop: stopped.clone(),
    };
    let url = http::serve(front).await?;
    tracing::info!(site = config.site, url, "serving");
    tokio::spawn(async move {
        signals::asked_to_stop().await;
        tracing::info!("told to stop");
        stop.send_replace(true);
    });
    let setup = Setup {
        config,
        layout,
        clock: Clock::start(speed),
        observer: None,
        doors,
        inbox,
        screen,
        health,
        stop: stopped,
    };
    run::run(setup).await.context("the controller ended")
}
