//! A private Mosquitto.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::process::{Folder, Service, free_port, installed, is_open, wait_until};

const START_MAX: Duration = Duration::from_secs(20);
const STOP_MAX: Duration = Duration::from_secs(20);

pub struct Mosquitto {
    service: Option<Service>,
    folder: Folder,
    program: PathBuf,
    port: u16,
}

impl Mosquitto {
    /// None, with a printed word, when it isn't installed.
    pub fn start() -> Option<Mosquitto> {
        let program = installed("Mosquitto", ["/usr/sbin/mosquitto".into(), "/usr/bin/mosquitto".into()])?;
        let mut mosquitto =
            Mosquitto { service: None, folder: Folder::new("mosquitto"), program, port: free_port() };
        mosquitto.restart();
        Some(mosquitto)
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
        let text = format!("listener {} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n", self.port);
        fs::write(&config, text).unwrap();
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(&config);
        self.service = Some(Service::spawn(command, &self.folder.file("log")));
        wait_until("Mosquitto to take connections", START_MAX, || is_open(self.port));
    }
}
