//! A private Redis.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::process::{Folder, Service, free_port, installed, is_open, wait_until};

const START_MAX: Duration = Duration::from_secs(20);

pub struct Redis {
    service: Option<Service>,
    folder: Folder,
    program: PathBuf,
    port: u16,
    tls: Option<PathBuf>,
}

impl Redis {
    /// None, with a printed word, when it isn't installed.
    pub fn start() -> Option<Redis> {
        Redis::made(false)
    }

    /// With TLS, and a certificate of an authority of its own.
    pub fn start_with_tls() -> Option<Redis> {
        installed("openssl", ["/usr/bin/openssl".into()])?;
        Redis::made(true)
    }

    fn made(is_tls: bool) -> Option<Redis> {
        let program =
            installed("Redis", ["/usr/bin/redis-server".into(), "/usr/local/bin/redis-server".into()])?;
        let folder = Folder::new("redis");
        let tls = is_tls.then(|| certificate(&folder));
        let mut redis = Redis { service: None, folder, program, port: free_port(), tls };
        redis.restart();
        Some(redis)
    }

    pub fn url(&self) -> String {
        let (scheme, host) =
            if self.tls.is_some() { ("rediss", "localhost") } else { ("redis", "127.0.0.1") };
        format!("{scheme}://{host}:{}", self.port)
    }

    /// The authority to trust.
    pub fn authority(&self) -> Option<&PathBuf> {
        self.tls.as_ref()
    }

    /// kill -9: nothing of it is on disk.
    pub fn kill(&mut self) {
        self.service = None;
    }

    /// Holds it: it takes connections and answers nothing. `resume` lets it go on.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        if let Some(service) = &self.service {
            service.signal(signal);
        }
    }

    /// Starts it again on its old port, empty.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(&self.program);
        let (plain, tls) = if self.tls.is_some() { (0, self.port) } else { (self.port, 0) };
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &plain.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.arg("--dir").arg(self.folder.path());
        if let Some(authority) = &self.tls {
            command.args(["--tls-port", &tls.to_string(), "--tls-auth-clients", "no", "--tls-cert-file"]);
            command
                .arg(self.folder.file("server.pem"))
                .arg("--tls-key-file")
                .arg(self.folder.file("server.key"));
            command.arg("--tls-ca-cert-file").arg(authority);
        }
        self.service = Some(Service::spawn(command, &self.folder.file("log")));
        wait_until("Redis to take connections", START_MAX, || is_open(self.port));
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.resume();
        self.kill();
    }
}

/// An authority, and a certificate of it for localhost; gives the authority's.
fn certificate(folder: &Folder) -> PathBuf {
    let authority = folder.file("ca.pem");
    let made = |name: &str, more: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args(["-days", "2"]).args(more).current_dir(folder.path());
        let output =
            command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    made("ca", &["-subj", "/CN=a test's authority"]);
    let name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    let leaf = ["-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key"];
    made("server", &[name.as_slice(), &leaf].concat());
    authority
}
