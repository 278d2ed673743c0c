//! A private PostgreSQL.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::certificates::Pair;
use super::process::{Folder, Service, command_as, free_port, installed, is_open, wait_until};

const USER: &str = "postgres";
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(30);

pub struct Postgres {
    service: Option<Service>,
    folder: Folder,
    bin: PathBuf,
    port: u16,
    is_secure: bool,
}

impl Postgres {
    /// None, with a printed word, when it isn't installed.
    pub fn start() -> Option<Postgres> {
        let bin = installed("PostgreSQL", versions())?;
        let folder = Folder::new("postgres");
        folder.give_to(USER);
        let mut postgres = Postgres { service: None, folder, bin, port: free_port(), is_secure: false };
        postgres.init();
        postgres.restart();
        Some(postgres)
    }

    pub fn url(&self) -> String {
        format!("postgres://drover@127.0.0.1:{}/postgres", self.port)
    }

    /// Speaks TLS too from the next start on.
    pub fn secure(&mut self, pair: &Pair) {
        fs::copy(&pair.cert, self.folder.file("data/server.crt")).unwrap();
        let key = self.folder.file("data/server.key");
        fs::copy(&pair.key, &key).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        self.folder.give_to(USER);
        self.is_secure = true;
    }

    /// kill -9 of the postmaster and of every back end.
    pub fn kill(&mut self) {
        self.signal_all("-KILL");
        self.service = None;
    }

    /// Ends it in good order: connections are broken off, everything is written.
    pub fn stop(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.stop("-INT", STOP_MAX);
        }
    }

    /// Holds it, as a broken disk would; `resume` lets it go on.
    pub fn pause(&self) {
        self.signal_all("-STOP");
    }

    pub fn resume(&self) {
        self.signal_all("-CONT");
    }

    /// Starts it on its old data and port.
    pub fn restart(&mut self) {
        self.kill();
        wait_until("PostgreSQL to take connections", START_MAX, || {
            if !self.service.as_mut().is_some_and(Service::is_running) {
                self.service = Some(self.spawn());
            }
            self.is_ready()
        });
    }

    fn init(&self) {
        let status = command_as(USER, &self.bin.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--username=drover", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(self.folder.file("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "initdb");
    }

    fn spawn(&self) -> Service {
        let mut command = command_as(USER, &self.bin.join("postgres"));
        command.arg("-D").arg(self.folder.file("data")).arg("-p").arg(self.port.to_string());
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=16MB", "-c"]);
        command.arg(format!("unix_socket_directories={}", self.folder.path().display()));
        if self.is_secure {
            command.args(["-c", "ssl=on"]);
        }
        Service::spawn(command, &self.folder.file("log"))
    }

    fn is_ready(&self) -> bool {
        let ready = command_as(USER, &self.bin.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .status();
        is_open(self.port) && ready.is_ok_and(|status| status.success())
    }

    /// Its back ends lead process groups of their own.
    fn signal_all(&self, signal: &str) {
        if self.service.is_none() {
            return;
        }
        let pid_file = fs::read_to_string(self.folder.file("data/postmaster.pid")).unwrap_or_default();
        let Some(parent) = pid_file.lines().next() else { return };
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        let pids = [parent].into_iter().chain(children.split_whitespace());
        let _ = Command::new("kill").arg(signal).args(pids).stderr(Stdio::null()).status();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.resume();
        self.kill();
    }
}

fn versions() -> Vec<PathBuf> {
    let Ok(folders) = fs::read_dir(Path::new("/usr/lib/postgresql")) else { return Vec::new() };
    let mut found: Vec<PathBuf> = folders
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    found.sort();
    found.reverse();
    found
}
