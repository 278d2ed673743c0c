//! A private PostgreSQL.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::ensure;

use super::{Process, free_port, installed, until};

/// Who runs it when we are root: it refuses to run as root.
const USER: &str = "postgres";
const START_MAX: Duration = Duration::from_secs(60);

/// Ended with it; its folder is its caller's.
pub struct Postgres {
    port: u16,
    process: Process,
}

impl Postgres {
    /// On a free port, its data in this folder.
    ///
    /// # Errors
    /// It isn't installed, or doesn't start.
    pub fn start(folder: &Path) -> anyhow::Result<Postgres> {
        let postgres = installed("PostgreSQL", programs())?;
        fs::create_dir_all(folder)?;
        if is_root() {
            let given = Command::new("chown").arg(format!("{USER}:")).arg(folder).status()?;
            ensure!(given.success(), "chown of {} to {USER} failed", folder.display());
        }
        let (data, port) = (folder.join("data"), free_port()?);
        let mut init = command(&postgres.with_file_name("initdb"));
        init.args(["--auth=trust", "--username=drover", "--encoding=UTF8", "--locale=C", "-D"]).arg(&data);
        let made = init.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        ensure!(made.success(), "initdb failed");
        let mut run = command(&postgres);
        run.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c"]);
        run.arg(format!("unix_socket_directories={}", folder.display()));
        let process = Process::start(run, &folder.join("log"))?;
        until("PostgreSQL", START_MAX, || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(Postgres { port, process })
    }

    /// How the store is opened.
    pub fn url(&self) -> String {
        format!("postgres://drover@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // In good order: its back ends end with it.
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = until("its end", Duration::from_secs(10), || !self.process.is_running());
    }
}

fn programs() -> Vec<PathBuf> {
    let Ok(versions) = fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let mut found: Vec<PathBuf> =
        versions.flatten().map(|version| version.path().join("bin/postgres")).collect();
    found.sort();
    found.reverse();
    found
}

fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}
