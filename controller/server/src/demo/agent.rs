//! The site's side: the sibling program, beside our own executable, three times: virtual robots, a simulated PLC with the
//! site's doors, and the on-site agent that drives those doors over Modbus TCP. All are killed when we end.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::{DemoError, Ground, Options, SITE_ID, file_error};
use crate::config::SecretUrl;

/// The program's name.
const PROGRAM: &str = "drover-agent";
/// How long the PLC may take to listen.
const PLC_MAX: Duration = Duration::from_secs(20);
/// The address in the bundled devices file, which the PLC's own takes the place of.
const PLC_ADDRESS: &str = "127.0.0.1:1502";
/// Between two looks at the PLC, ms, in the bundled file, and in a demonstration, which runs faster than life.
const POLL: [&str; 2] = ["poll_ms = 100", "poll_ms = 20"];

/// Why the site's side isn't there.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Not there.
    #[error("failed to find {PROGRAM}: it must stand beside this program, at {0}; build the whole workspace")]
    Missing(PathBuf),
    /// It doesn't start.
    #[error("failed to start {path}: {error}")]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It ended.
    #[error("failed to keep {0} running: {PROGRAM} ended ({1}); its last lines stand above")]
    Ended(&'static str, String),
    /// It doesn't listen.
    #[error("failed to start the simulated PLC: it said no address within 20 s; its last lines stand above")]
    Plc,
}

/// All programs of the site's side.
pub(super) struct Agent {
    robots: Program,
    doors: Option<[Program; 2]>,
}

impl Agent {
    pub(super) async fn start(
        options: &Options,
        ground: &Ground,
        mqtt: &SecretUrl,
    ) -> Result<Agent, DemoError> {
        let doors = match &ground.devices {
            Some(devices) => Some(start_doors(options.speed, devices, mqtt).await?),
            None => None,
        };
        let mut robots = sibling()?;
        robots.arg("robots").arg("--broker").arg(mqtt.reveal());
        robots.arg("--layout").arg(&ground.layout_file);
        if let Some(site) = &ground.site_file {
            robots.arg("--site").arg(site);
        }
        if doors.is_some() {
            robots.args(["--devices", "none"]);
        }
        robots.args(["--count", &options.robots.to_string(), "--speed", &options.speed.to_string()]);
        Ok(Agent { robots: Program::start("the robots", robots)?, doors })
    }

    /// All robots are on the broker.
    pub(super) fn is_ready(&mut self) -> Result<bool, AgentError> {
        self.check()?;
        Ok(self.robots.said.borrow().iter().any(|line| line.starts_with("{\"ready\"")))
    }

    /// All of them still run.
    pub(super) fn check(&mut self) -> Result<(), AgentError> {
        self.doors.iter_mut().flatten().chain([&mut self.robots]).try_for_each(Program::check)
    }
}

/// The PLC first, since it says where it listens; then the agent that asks it.
async fn start_doors(speed: f64, devices: &Path, mqtt: &SecretUrl) -> Result<[Program; 2], DemoError> {
    let mut plc = sibling()?;
    plc.args(["plc", "--speed", &speed.to_string(), "--devices"]).arg(devices);
    let mut plc = Program::start("the simulated PLC", plc)?;
    let address = plc.listening().await?;
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| file_error("read", path, error));
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).map_err(|error| file_error("write", path, error))
    };
    write(devices, read(devices)?.replace(PLC_ADDRESS, &address).replace(POLL[0], POLL[1]))?;
    let config = devices.with_file_name("agent.toml");
    let name = devices.file_name().unwrap_or_default().to_string_lossy();
    let text =
        format!("devices = \"{name}\"\n[site]\nid = \"{SITE_ID}\"\n[mqtt]\nurl = \"{}\"\n", mqtt.reveal());
    write(&config, text)?;
    let mut agent = sibling()?;
    agent.arg("--config").arg(&config);
    Ok([plc, Program::start("the doors' agent", agent)?])
}

fn sibling() -> Result<Command, AgentError> {
    let own = std::env::current_exe().unwrap_or_default();
    let path = own.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        return Err(AgentError::Missing(path));
    }
    let mut command = Command::new(path);
    // Every passage of a door is news to a site, but not here.
    command.env("DROVER_LOG", std::env::var("DROVER_LOG").unwrap_or_else(|_| "warn".to_owned()));
    Ok(command)
}

/// One process, and the lines it has printed.
struct Program {
    what: &'static str,
    child: Child,
    said: watch::Receiver<Vec<String>>,
}

impl Program {
    fn start(what: &'static str, mut command: Command) -> Result<Program, AgentError> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let path = PathBuf::from(command.as_std().get_program());
        let mut child = command.spawn().map_err(|error| AgentError::Start { path, error })?;
        let (lines, said) = watch::channel(Vec::new());
        if let Some(output) = child.stdout.take() {
            tokio::spawn(listen(output, move |line| lines.send_modify(|known| known.push(line))));
        }
        if let Some(errors) = child.stderr.take() {
            tokio::spawn(listen(errors, |line| eprintln!("{PROGRAM}: {line}")));
        }
        Ok(Program { what, child, said })
    }

    /// The address it says it listens on.
    async fn listening(&mut self) -> Result<String, AgentError> {
        let address = |lines: &Vec<String>| {
            let json = lines.iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            json.into_iter().find_map(|line| line.get("listening")?.as_str().map(str::to_owned))
        };
        let said = tokio::time::timeout(PLC_MAX, self.said.wait_for(|lines| address(lines).is_some())).await;
        match said {
            Ok(Ok(lines)) => address(&lines).ok_or(AgentError::Plc),
            Ok(Err(_)) | Err(_) => Err(AgentError::Plc),
        }
    }

    fn check(&mut self) -> Result<(), AgentError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(AgentError::Ended(self.what, status.to_string())),
            Err(error) => Err(AgentError::Ended(self.what, error.to_string())),
        }
    }
}

async fn listen(stream: impl AsyncRead + Unpin, mut take: impl FnMut(String)) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        take(line);
    }
}
