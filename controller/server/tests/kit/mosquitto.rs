//! A private Mosquitto.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::process::{Folder, Service, free_port, installed, is_open, tail, wait_until};

const USER: &str = "mosquitto";
const START_MAX: Duration = Duration::from_secs(20);
const STOP_MAX: Duration = Duration::from_secs(20);

pub struct Mosquitto {
    service: Option<Service>,
    folder: Folder,
    program: PathBuf,
    port: u16,
    config: String,
}

impl Mosquitto {
    /// None, with a printed word, when it isn't installed.
    pub fn start() -> Option<Mosquitto> {
        let mut mosquitto = Mosquitto::absent()?;
        mosquitto.restart();
        Some(mosquitto)
    }

    /// A broker that isn't running yet and admits everybody: its URL is known, `restart` starts it.
    pub fn absent() -> Option<Mosquitto> {
        let program = installed("Mosquitto", ["/usr/sbin/mosquitto".into(), "/usr/bin/mosquitto".into()])?;
        let port = free_port();
        let config = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
        Some(Mosquitto { service: None, folder: Folder::new("mosquitto"), program, port, config })
    }

    /// Another configuration, from the next start on.
    pub fn configure(&mut self, config: String) {
        self.config = config;
    }

    /// A folder it may write to.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        tail(&self.folder.file("log"))
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// kill -9: retained messages are gone with it.
    pub fn kill(&mut self) {
        self.service = None;
    }

    /// Ends it in good order.
    pub fn stop(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.stop("-TERM", STOP_MAX);
        }
    }

    /// Starts it again on its old port.
    pub fn restart(&mut self) {
        self.kill();
        let config = self.folder.file("mosquitto.conf");
        fs::write(&config, &self.config).unwrap();
        self.folder.give_to(USER);
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(&config);
        self.service = Some(Service::spawn(command, &self.folder.file("log")));
        let (port, service, log) = (self.port, &mut self.service, self.folder.file("log"));
        wait_until("Mosquitto to take connections", START_MAX, || {
            assert!(service.as_mut().is_some_and(Service::is_running), "Mosquitto ended: {}", tail(&log));
            is_open(port)
        });
    }
}
