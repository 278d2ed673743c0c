//! `drover run` as a process of a bench's own: started on files in a folder, asked over HTTP, weighed in `/proc`.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// Time for anything to come up, or to come about.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Ticks of `/proc/PID/stat` in a second; Linux shows 100 to every program.
const TICKS_PER_S: f64 = 100.0;

/// A controller that runs; killed when dropped.
pub struct Controller {
    child: Child,
    http: u16,
}

impl Controller {
    /// Starts it on the `drover.toml` of this folder, whose key `http.listen` names this port; ready when this returns.
    ///
    /// # Errors
    /// It isn't built and can't be, or isn't ready within [`PATIENCE`].
    pub fn start(folder: &Path, http: u16) -> anyhow::Result<Controller> {
        let mut command = Command::new(program("drover")?);
        command.args(["run", "--config", "drover.toml"]).current_dir(folder).stdout(Stdio::null());
        let child = command.stderr(fs::File::create(folder.join("drover.log"))?).spawn()?;
        let controller = Controller { child, http };
        until("the controller", || controller.get("/readyz").is_ok_and(|answer| answer.contains(" 200 ")))?;
        Ok(controller)
    }

    /// What it answers to GET, head and all.
    ///
    /// # Errors
    /// It can't be asked.
    pub fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    /// The sum of a metric over those of its labels that say this.
    ///
    /// # Errors
    /// It can't be asked.
    pub fn metric(&self, name: &str, label: &str) -> anyhow::Result<f64> {
        let text = self.get("/metrics")?;
        let is_it = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')) && line.contains(label)
        };
        let lines = text.lines().filter(is_it);
        Ok(lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }

    /// User and system time so far, s.
    ///
    /// # Errors
    /// There is no `/proc`, or it has ended.
    pub fn cpu_s(&self) -> anyhow::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = text.rsplit_once(')').context("/proc/PID/stat has another form")?.1.split_whitespace();
        let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        Ok(ticks / TICKS_PER_S)
    }

    /// Resident memory, MB.
    ///
    /// # Errors
    /// There is no `/proc`, or it has ended.
    pub fn rss_mb(&self) -> anyhow::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1_000.0)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of ours beside this one; built, with the same profile, if it is missing.
///
/// # Errors
/// It can't be built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.with_file_name(name);
    if !path.is_file() {
        let is_release = own.parent().is_some_and(|folder| folder.ends_with("release"));
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--bins", "-p", "drover-controller"]);
        build.args(["-p", "drover-agent"]).args(is_release.then_some("--release"));
        ensure!(build.status()?.success(), "{name} isn't built and can't be");
    }
    ensure!(path.is_file(), "{} is missing: build drover-controller and drover-agent", path.display());
    Ok(path)
}

/// A port nobody uses.
///
/// # Errors
/// There is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits for this.
///
/// # Errors
/// It doesn't hold within [`PATIENCE`].
pub fn until(what: &str, mut holds: impl FnMut() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !holds() {
        ensure!(begun.elapsed() < PATIENCE, "{what} didn't come within {PATIENCE:?}");
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// To three places.
pub fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
