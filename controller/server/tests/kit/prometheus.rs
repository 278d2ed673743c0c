//! A private Prometheus.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::process::{Folder, Service, free_port, installed, tail, wait_until};

const START_MAX: Duration = Duration::from_secs(60);

pub struct Prometheus {
    service: Option<Service>,
    folder: Folder,
    program: PathBuf,
    port: u16,
}

impl Prometheus {
    /// Scrapes this port every second, with these rules. None, with a printed word, when it isn't installed.
    pub fn start(target: u16, rules: &Path) -> Option<Prometheus> {
        let program =
            installed("Prometheus", ["/usr/bin/prometheus".into(), "/usr/local/bin/prometheus".into()])?;
        let mut prometheus =
            Prometheus { service: None, folder: Folder::new("prometheus"), program, port: free_port() };
        let rules = rules.canonicalize().unwrap();
        let text = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [\"{}\"]\nscrape_configs:\n  \
             - job_name: drover\n    static_configs: [{{ targets: [\"127.0.0.1:{target}\"] }}]\n",
            rules.display()
        );
        fs::write(prometheus.folder.file("prometheus.yml"), text).unwrap();
        prometheus.restart();
        Some(prometheus)
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.service = None;
    }

    /// Starts it again on its old data and port.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(&self.program);
        command.arg("--config.file").arg(self.folder.file("prometheus.yml"));
        command.arg("--storage.tsdb.path").arg(self.folder.file("data"));
        command.arg(format!("--web.listen-address=127.0.0.1:{}", self.port));
        let log = self.folder.file("log");
        self.service = Some(Service::spawn(command, &log));
        wait_until("Prometheus to be ready", START_MAX, || {
            assert!(self.service.as_mut().is_some_and(Service::is_running), "{}", tail(&log));
            self.get("/-/ready").starts_with("HTTP/1.0 200")
        });
    }

    fn get(&self, path: &str) -> String {
        let mut answer = String::new();
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return answer };
        // HTTP/1.0: the answer comes in one piece.
        if stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).is_ok() {
            let _ = stream.read_to_string(&mut answer);
        }
        answer
    }

    /// The API's `data`, or its error.
    pub fn api(&self, path: &str) -> Result<Value, String> {
        let answer = self.get(&format!("/api/v1/{path}"));
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let body: Value = serde_json::from_str(body).map_err(|error| format!("{error}: {answer}"))?;
        match body["status"].as_str() {
            Some("success") => Ok(body["data"].clone()),
            _ => Err(body["error"].to_string()),
        }
    }

    /// The result of a query now: series with their value.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let data = self.api(&format!("query?query={escaped}"))?;
        Ok(data["result"].as_array().cloned().unwrap_or_default())
    }
}
