//! `drover run` as a process of a bench's own: asked over HTTP, weighed in `/proc`; and where programs of ours are.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::kit::process::{Service, tail};

/// Time for anything to come up, or to come about.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Ticks of `/proc/PID/stat` in a second; Linux shows 100 to every program.
const TICKS_PER_S: f64 = 100.0;

/// A controller that runs; killed when dropped.
pub struct Controller {
    service: Service,
    http: u16,
    log: PathBuf,
    /// Where its own words begin in the log.
    log_begin: usize,
}

/// What it has done until a moment.
pub struct Reading {
    cpu_s: f64,
    states: f64,
    at: Instant,
}

/// What it does between two moments.
pub struct Load {
    /// How long that was.
    pub seconds: f64,
    /// CPU time per second.
    pub cores: f64,
    /// Robots' states taken in per second.
    pub states_per_s: f64,
}

impl Controller {
    /// Starts it on the `drover.toml` of this folder, whose key `http.listen` names this port; doesn't wait for it.
    ///
    /// # Errors
    /// It isn't built and can't be.
    pub fn spawn(folder: &Path, http: u16, environment: &[(&str, &str)]) -> anyhow::Result<Controller> {
        let mut command = Command::new(program("drover")?);
        command
            .args(["run", "--config", "drover.toml"])
            .current_dir(folder)
            .envs(environment.iter().copied());
        let log = folder.join("drover.log");
        let log_begin = fs::metadata(&log).map_or(0, |log| log.len() as usize);
        Ok(Controller { service: Service::spawn(command, &log), http, log, log_begin })
    }

    /// Waits for this; what can't be asked yet doesn't hold yet.
    ///
    /// # Errors
    /// It doesn't hold in this time, or the controller ends before it does.
    pub fn until(
        &mut self,
        what: &str,
        patience: Duration,
        holds: impl Fn(&Controller) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds(self).unwrap_or(false) {
            let said = || tail(&self.log);
            ensure!(begun.elapsed() < patience, "{what} didn't come within {patience:?}: {}", said());
            ensure!(self.service.is_running(), "the controller ended before {what} came: {}", said());
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// It hasn't ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.service.is_running()
    }

    /// Ends it in good order.
    pub fn stop(mut self) {
        self.service.stop("-TERM", PATIENCE);
    }

    /// What it has said.
    pub fn said(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(self.log_begin..).unwrap_or_default()).into_owned()
    }

    /// It answers that it is ready.
    ///
    /// # Errors
    /// It can't be asked.
    pub fn is_ready(&self) -> anyhow::Result<bool> {
        Ok(self.get("/readyz")?.starts_with("HTTP/1.1 200 "))
    }

    /// The sum of a metric over those of its labels that say this.
    ///
    /// # Errors
    /// It can't be asked.
    pub fn metric(&self, name: &str, label: &str) -> anyhow::Result<f64> {
        Ok(sum(&self.get("/metrics")?, name, label))
    }

    /// Robots' states it has taken in so far.
    ///
    /// # Errors
    /// It can't be asked.
    pub fn states(&self) -> anyhow::Result<f64> {
        self.metric("drover_robot_messages_total", "kind=\"state\"")
    }

    /// What it has done so far.
    ///
    /// # Errors
    /// It can't be asked, or there is no `/proc`.
    pub fn read(&self) -> anyhow::Result<Reading> {
        Ok(Reading { cpu_s: self.cpu_s()?, states: self.states()?, at: Instant::now() })
    }

    /// User and system time so far, s.
    ///
    /// # Errors
    /// There is no `/proc`, or it has ended.
    pub fn cpu_s(&self) -> anyhow::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.service.id()))?;
        let fields = text.rsplit_once(')').context("/proc/PID/stat has another form")?.1.split_whitespace();
        let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        Ok(ticks / TICKS_PER_S)
    }

    /// Resident memory, MB.
    ///
    /// # Errors
    /// There is no `/proc`, or it has ended.
    pub fn rss_mb(&self) -> anyhow::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.service.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1_000.0)
    }

    /// What it answers to GET, head and all.
    fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Reading {
    /// What was done since an earlier one.
    pub fn since(&self, before: &Reading) -> Load {
        let seconds = (self.at - before.at).as_secs_f64();
        let cores = (self.cpu_s - before.cpu_s) / seconds;
        Load { seconds, cores, states_per_s: (self.states - before.states) / seconds }
    }
}

/// The sum of a metric in this text over those of its labels that say this.
fn sum(text: &str, name: &str, label: &str) -> f64 {
    let is_it = |line: &&str| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')) && line.contains(label)
    };
    let values = text.lines().filter(is_it).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    // The sum of nothing is -0.
    0.0 + values.sum::<f64>()
}

/// A program of ours beside this one: taken as it is, or built with the same profile if it is missing.
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

#[cfg(test)]
mod tests {
    use super::sum;

    const TEXT: &str = "# HELP jobs What.\njobs{site=\"a\",state=\"open\"} 2\njobs{site=\"a\",state=\"held\"} 3.5\n\
                        jobs_total{site=\"a\",state=\"open\"} 70\n";

    #[test]
    fn a_metric_is_summed_over_its_labels() {
        assert_eq!((sum(TEXT, "jobs", ""), sum(TEXT, "jobs", "open")), (5.5, 2.0));
    }

    #[test]
    fn a_metric_that_is_not_there_is_zero() {
        assert_eq!(sum(TEXT, "robots", "").to_string(), "0");
    }
}
