//! `drover demo`: the main job in one process tree, without anything installed.
//!
//! The same shell as in production: a real MQTT broker (inside this process), real robots' agents (the sibling
//! program), a real journal (SQLite in a temporary folder). Only the wave comes from a file instead of RabbitMQ.

mod agent;
mod feed;
mod progress;
pub mod wave;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_maps::{Compiled, Layout, LoadError};
use tokio::sync::watch;

use crate::auth::{Access, Role};
use crate::config::{Auth, Config, Enroll, Log, LogFormat, Mqtt, Peer, SecretUrl, StoreOptions};
use crate::ground::Files;
use crate::report::{self, Observer, Shared, Summary};
use crate::run::{self, Clock, RunError};
use crate::telemetry::{self, Health};
use crate::tls::Trust;
use crate::view::Screen;
use crate::{broker, http, inbox, map, signals};

use agent::Agent;
use progress::Progress;

/// The bundled layout, so that the program works from anywhere.
const LAYOUT: &str = include_str!("../../../../maps/sites/fresh-dc/layout.lif.json");
/// What LIF can't say of it.
const SITE: &str = include_str!("../../../../maps/sites/fresh-dc/site.toml");
/// Its doors, as the on-site agent reaches them.
const DEVICES: &str = include_str!("../../../../maps/sites/fresh-dc/devices.toml");
/// The site's id in topics.
const SITE_ID: &str = "demo";
/// Robots unless said otherwise.
pub const ROBOTS: usize = 40;
/// Speed unless said otherwise.
pub const SPEED: f64 = 10.0;
/// How often the end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the controller may take to stop.
const STOP_MAX: Duration = Duration::from_secs(10);
/// How long robots may take to appear.
const ROBOTS_MAX: Duration = Duration::from_secs(60);

/// What may be chosen.
#[derive(Clone, Debug)]
pub struct Options {
    /// Virtual robots.
    pub robots: usize,
    /// A wave of one's own, as NDJSON; the bundled one without.
    pub jobs: Option<PathBuf>,
    /// How many times faster than real.
    pub speed: f64,
    /// Address of page, gRPC and metrics.
    pub listen: SocketAddr,
    /// End when all jobs have ended.
    pub exit_when_done: bool,
    /// Where the report goes.
    pub report: PathBuf,
    /// A layout of one's own.
    pub layout: Option<PathBuf>,
    /// Its `site.toml`.
    pub site: Option<PathBuf>,
    /// Print the summary as JSON.
    pub json: bool,
}

/// Why a demonstration didn't come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The layout can't be used.
    #[error(transparent)]
    Layout(#[from] map::LayoutError),
    /// A file can't be written or read.
    #[error("failed to {what} {path}: {error}")]
    File {
        /// Doing what.
        what: &'static str,
        /// Where.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The broker.
    #[error(transparent)]
    Broker(#[from] broker::StartError),
    /// The robots.
    #[error(transparent)]
    Agent(#[from] agent::AgentError),
    /// The shell.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The address.
    #[error(transparent)]
    Http(#[from] http::ServeError),
    /// Stopped by hand before all jobs had ended.
    #[error("stopped by hand: {left} jobs had not ended")]
    Stopped {
        /// Jobs left.
        left: usize,
    },
}

/// The bundled layout, compiled.
///
/// # Errors
/// [`LoadError`], which a test rules out.
pub fn bundled_layout() -> Result<Compiled, LoadError> {
    drover_maps::compile(LAYOUT.as_bytes(), Some(SITE))
}

/// Runs the demonstration. True = all jobs were done, in order, and no invariant broke.
///
/// # Errors
/// [`DemoError`] when it can't run to its end.
pub async fn run(options: Options) -> Result<bool, DemoError> {
    let ground = Ground::lay(&options)?;
    let mqtt = SecretUrl::new(format!("mqtt://{}", broker::start().await?));
    let config = config(&options, &ground, mqtt.clone());
    let clock = Clock::start(options.speed);
    let (doors, inbox) = inbox::open();
    let (observer, shared) = Observer::new();
    let (stop, stopped) = watch::channel(false);
    let health = Health::default();
    let screen = Screen::new("demo");
    run::expect_all(&config, &health);
    let url = http::serve(front(&options, &ground, &doors, &screen, &health, &stopped)).await?;
    let (layout, stop_rx) = (Arc::clone(&ground.layout), stopped.clone());
    let setup = run::Setup {
        config,
        layout,
        clock,
        observer: Some(observer),
        doors: doors.clone(),
        inbox,
        screen,
        health,
        stop: stop_rx,
    };
    let mut shell = tokio::spawn(run::run(setup));
    let agent = Agent::start(&options, &ground, &mqtt).await?;
    let mut demo = Demo { options, ground, clock, shared, started: Instant::now(), url };
    let outcome = demo.play(&doors, &mut shell, agent).await;
    stop.send_replace(true);
    if !shell.is_finished() && tokio::time::timeout(STOP_MAX, shell).await.is_err() {
        tracing::warn!("the controller took too long to stop");
    }
    outcome
}

/// Whoever is on this machine may do everything; from elsewhere they may look.
fn front(
    options: &Options,
    ground: &Ground,
    doors: &inbox::Doors,
    screen: &Screen,
    health: &Health,
    stopped: &watch::Receiver<bool>,
) -> http::Front {
    let role = if options.listen.ip().is_loopback() { Role::Admin } else { Role::Viewer };
    http::Front {
        listen: options.listen,
        tls: None,
        access: Access::free(role),
        doors: doors.clone(),
        views: screen.views.subscribe(),
        news: screen.news.clone(),
        layout: Arc::clone(&ground.layout),
        files: Files::at(ground.layout_file.clone(), ground.site_file.clone()),
        health: health.clone(),
        metrics: telemetry::start_metrics("demo"),
        stop: stopped.clone(),
    }
}

struct Demo {
    options: Options,
    ground: Ground,
    clock: Clock,
    shared: Shared,
    started: Instant,
    url: String,
}

type Shell = tokio::task::JoinHandle<Result<(), RunError>>;

impl Demo {
    async fn play(
        &mut self,
        doors: &inbox::Doors,
        shell: &mut Shell,
        mut agent: Agent,
    ) -> Result<bool, DemoError> {
        let robots = self.options.robots;
        let deadline = Instant::now() + ROBOTS_MAX;
        while !agent.is_ready()? && Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.started = Instant::now();
        let lines = feed::lines(self.options.jobs.as_deref(), self.clock.now())?;
        let mut stopped = pin!(signals::asked_to_stop());
        let mut progress = Progress::start(lines.len(), robots, &self.url, self.clock);
        let feeder = tokio::spawn(feed::feed(lines, doors.clone(), self.shared.clone()));
        loop {
            tokio::select! {
                biased;
                // Ctrl-C reaches the agent too: its end is then no fault.
                () = &mut stopped => return self.stopped(),
                ended = &mut *shell => return ended_early(ended),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            agent.check()?;
            progress.show(&self.shared);
            if feeder.is_finished() && self.is_over(doors).await {
                break;
            }
        }
        progress.finish();
        let summary = self.report()?;
        self.serve_on(shell).await?;
        Ok(summary.is_good())
    }

    /// All jobs have ended, and everybody was told.
    async fn is_over(&self, doors: &inbox::Doors) -> bool {
        {
            let tally = self.shared.lock();
            if tally.judge.ended() < tally.judge.jobs().len() {
                return false;
            }
        }
        doors.ask(|fleet, _| fleet.outbox().next().is_none()).await.unwrap_or(true)
    }

    fn stopped(&self) -> Result<bool, DemoError> {
        self.report()?;
        let tally = self.shared.lock();
        Err(DemoError::Stopped { left: tally.judge.jobs().len() - tally.judge.ended() })
    }

    fn report(&self) -> Result<Summary, DemoError> {
        let tally = self.shared.lock();
        let summary = Summary::of(&tally, self.options.robots, self.started.elapsed().as_secs_f64());
        let folder = &self.options.report;
        report::write(folder, &summary, &tally, &self.ground.layout)
            .map_err(|error| file_error("write the report to", folder, error))?;
        if self.options.json {
            println!("{}", serde_json::to_string(&summary).unwrap_or_default());
        } else {
            progress::print(&summary, folder);
        }
        Ok(summary)
    }

    /// On a terminal the page stays until Ctrl-C, unless told otherwise.
    async fn serve_on(&self, shell: &mut Shell) -> Result<(), DemoError> {
        if self.options.exit_when_done || !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            return Ok(());
        }
        println!("Still serving, page: {}; Ctrl-C ends it.", self.url);
        tokio::select! {
            ended = shell => ended_early(ended).map(drop),
            () = signals::asked_to_stop() => Ok(()),
        }
    }
}

fn ended_early(ended: Result<Result<(), RunError>, tokio::task::JoinError>) -> Result<bool, DemoError> {
    match ended {
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(())) | Err(_) => Err(RunError::Lost.into()),
    }
}

fn file_error(what: &'static str, path: &Path, error: std::io::Error) -> DemoError {
    DemoError::File { what, path: path.display().to_string(), error }
}

/// The files of a demonstration, in a temporary folder that goes with it.
struct Ground {
    folder: PathBuf,
    layout_file: PathBuf,
    site_file: Option<PathBuf>,
    /// The bundled site's devices; another site's are virtual.
    devices: Option<PathBuf>,
    layout: Arc<Layout>,
}

impl Ground {
    fn lay(options: &Options) -> Result<Ground, DemoError> {
        let stamp = Clock::start(1.0).now().0;
        let folder = std::env::temp_dir().join(format!("drover-demo-{}-{stamp}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| file_error("make the folder", &folder, error))?;
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(|error| file_error("write", &path, error)).map(|()| path)
        };
        let (layout_file, site_file, devices) = match &options.layout {
            Some(layout) => (layout.clone(), options.site.clone(), None),
            None => {
                let devices = write("devices.toml", DEVICES)?;
                (write("layout.lif.json", LAYOUT)?, Some(write("site.toml", SITE)?), Some(devices))
            }
        };
        let layout = map::load(&layout_file, site_file.as_deref()).and_then(map::usable)?;
        Ok(Ground { folder, layout_file, site_file, devices, layout: Arc::new(layout) })
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // What stays behind in the temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn config(options: &Options, ground: &Ground, mqtt: SecretUrl) -> Config {
    let core =
        drover_core::Config { site: SITE_ID.to_owned(), auto_enroll: true, ..drover_core::Config::default() };
    let mut config = Config {
        file: PathBuf::from("the demo's own configuration"),
        site: SITE_ID.to_owned(),
        layout: ground.layout_file.clone(),
        site_file: ground.site_file.clone(),
        jobs: Peer::Embedded,
        jobs_trust: Trust::of("jobs"),
        jobs_file: None,
        mqtt: Mqtt {
            peer: Peer::Url(mqtt),
            interface: "uagv".to_owned(),
            username: None,
            password: None,
            trust: Trust::of("mqtt"),
        },
        store: StoreOptions {
            url: SecretUrl::new(format!("sqlite:{}", ground.folder.join("demo.db").display())),
            keep_ms: None,
        },
        cache: None,
        cache_trust: Trust::of("cache"),
        trace: None,
        enroll: Enroll::Auto,
        listen: options.listen,
        tls: None,
        auth: Auth::default(),
        log: Log { format: LogFormat::Text, level: "warn".to_owned() },
        secret_files: Vec::new(),
        core,
    };
    config.rehearse(options.speed);
    config
}
