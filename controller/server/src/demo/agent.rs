//! The virtual robots: the sibling program, beside our own executable; killed when we end.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::{Ground, Options};
use crate::config::SecretUrl;

/// The program's name.
const PROGRAM: &str = "drover-agent";

/// Why there are no robots.
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
    #[error("failed to keep the robots running: {PROGRAM} ended ({0}); its last lines stand above")]
    Ended(String),
}

pub(super) struct Agent {
    child: Child,
    ready: Arc<AtomicBool>,
}

impl Agent {
    pub(super) async fn start(
        options: &Options,
        ground: &Ground,
        mqtt: &SecretUrl,
    ) -> Result<Agent, AgentError> {
        let path = sibling();
        if !path.is_file() {
            return Err(AgentError::Missing(path));
        }
        let mut command = Command::new(&path);
        command.arg("robots").arg("--broker").arg(mqtt.reveal());
        command.arg("--layout").arg(&ground.layout_file);
        if let Some(site) = &ground.site_file {
            command.arg("--site").arg(site);
        }
        command.arg("--count").arg(options.robots.to_string());
        command.arg("--speed").arg(options.speed.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| AgentError::Start { path, error })?;
        let ready = Arc::new(AtomicBool::new(false));
        if let Some(output) = child.stdout.take() {
            tokio::spawn(listen(output, Some(Arc::clone(&ready))));
        }
        if let Some(errors) = child.stderr.take() {
            tokio::spawn(listen(errors, None));
        }
        Ok(Agent { child, ready })
    }

    /// All robots are on the broker.
    pub(super) fn is_ready(&mut self) -> Result<bool, AgentError> {
        self.check()?;
        Ok(self.ready.load(Ordering::Relaxed))
    }

    /// It still runs.
    pub(super) fn check(&mut self) -> Result<(), AgentError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(AgentError::Ended(status.to_string())),
            Err(error) => Err(AgentError::Ended(error.to_string())),
        }
    }
}

fn sibling() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX))
}

/// Its output says when it is ready; its errors are passed on.
async fn listen(stream: impl AsyncRead + Unpin, ready: Option<Arc<AtomicBool>>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match &ready {
            Some(ready) if line.starts_with("{\"ready\"") => ready.store(true, Ordering::Relaxed),
            Some(_) => {}
            None => eprintln!("{PROGRAM}: {line}"),
        }
    }
}
