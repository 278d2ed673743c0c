//! A site of its own for the restart bench: private services on free loopback ports, a controller and virtual robots as
//! processes, all in one folder that goes with it.

mod journal;
mod postgres;
mod site;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

pub use journal::{Journal, decode};
pub use postgres::Postgres;
pub use site::{Ground, Site};

/// A child process, killed when dropped.
pub struct Process(Child);

impl Process {
    /// Starts it; what it says goes to this file.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(mut command: Command, log: &Path) -> anyhow::Result<Process> {
        let log = fs::File::options().create(true).append(true).open(log)?;
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdout(Stdio::null()).stderr(log).spawn();
        child.map(Process).with_context(|| format!("failed to start {name}"))
    }

    /// kill -9, and waited for.
    pub fn kill(&mut self) {
        // One that has ended already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// It hasn't ended by itself.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The first of these programs that is there.
fn installed(name: &str, programs: impl IntoIterator<Item = PathBuf>) -> anyhow::Result<PathBuf> {
    let Some(found) = programs.into_iter().find(|program| program.is_file()) else {
        bail!("{name} isn't installed: scripts/install.sh test installs it");
    };
    Ok(found)
}

/// A program of ours, built with the same profile.
fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name(name);
    ensure!(program.is_file(), "{} is missing: build its package with the same profile", program.display());
    Ok(program)
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until something holds.
///
/// # Errors
/// It didn't in this time.
pub fn until(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) -> anyhow::Result<()> {
    let end = Instant::now() + patience;
    while !holds() {
        ensure!(Instant::now() < end, "{what} didn't come within {} s", patience.as_secs());
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
