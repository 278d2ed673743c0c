//! A private RabbitMQ: own node name, folders, epmd and ports, everything on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::certificates::Pair;
use super::process::{Folder, Service, command_as, free_port, installed, is_open, tail, wait_until};

const USER: &str = "rabbitmq";
const START_MAX: Duration = Duration::from_secs(120);
const STOP_MAX: Duration = Duration::from_secs(60);

pub struct Rabbit {
    service: Option<Service>,
    /// Erlang's name service; the broker doesn't start its own while this one runs.
    epmd: Option<Service>,
    folder: Folder,
    program: PathBuf,
    port: u16,
    dist_port: u16,
    epmd_port: u16,
    tls: Option<(u16, PathBuf, Pair)>,
}

impl Rabbit {
    /// None, with a printed word, when it isn't installed.
    pub fn start() -> Option<Rabbit> {
        let mut rabbit = Rabbit::absent()?;
        rabbit.restart();
        Some(rabbit)
    }

    /// A broker that isn't running yet: its URL is known, `restart` starts it.
    pub fn absent() -> Option<Rabbit> {
        let programs = ["/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/sbin/rabbitmq-server"];
        let program = installed("RabbitMQ", programs.map(PathBuf::from))?;
        let (port, dist_port, epmd_port) = (free_port(), free_port(), free_port());
        let folder = Folder::new("rabbit");
        Some(Rabbit { service: None, epmd: None, folder, program, port, dist_port, epmd_port, tls: None })
    }

    /// Speaks TLS too from the next start on, with this certificate and its signer's.
    pub fn secure(&mut self, ca: PathBuf, pair: Pair) {
        self.tls = Some((free_port(), ca, pair));
    }

    pub fn secure_url(&self) -> String {
        let port = self.tls.as_ref().map(|(port, ..)| *port).unwrap();
        format!("amqps://guest:guest@127.0.0.1:{port}")
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    /// The same with another user.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("amqp://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// `rabbitmqctl`; gives what it prints.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = command_as(USER, &self.program.with_file_name("rabbitmqctl"));
        self.set_environment(&mut command);
        let output = command.arg("--quiet").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Whether it says that it is short of memory: then it reads nothing more from whoever publishes.
    pub fn starve(&self, is_short: bool) {
        self.ctl(&["set_vm_memory_high_watermark", if is_short { "0" } else { "0.4" }]);
    }

    /// Halts the process of a quorum queue: it confirms nothing, while connections live on.
    pub fn halt(&self, queue: &str, is_halted: bool) {
        let word = if is_halted { "suspend" } else { "resume" };
        self.ctl(&["eval", &format!("sys:{word}(whereis('%2F_{queue}')).")]);
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.service = None;
    }

    /// Ends it in good order.
    pub fn stop(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.stop("-TERM", STOP_MAX);
        }
    }

    /// Holds it, as a dead network would; `resume` lets it go on.
    pub fn pause(&self) {
        self.service.iter().for_each(|service| service.signal("-STOP"));
    }

    pub fn resume(&self) {
        self.service.iter().for_each(|service| service.signal("-CONT"));
    }

    /// Starts it on its old data and ports, and waits until it takes connections.
    pub fn restart(&mut self) {
        self.kill();
        self.write_config();
        self.start_epmd();
        self.service = Some(self.spawn());
        let (port, service, log) = (self.port, &mut self.service, self.folder.file("out.log"));
        wait_until("RabbitMQ to take connections", START_MAX, || {
            assert!(service.as_mut().is_some_and(Service::is_running), "RabbitMQ ended: {}", tail(&log));
            is_open(port)
        });
    }

    fn write_config(&self) {
        fs::create_dir_all(self.folder.file("log")).unwrap();
        let mut config =
            format!("listeners.tcp.1 = 127.0.0.1:{}\nlog.console = true\nlog.file = false\n", self.port);
        if let Some((port, ca, pair)) = &self.tls {
            config += &format!("listeners.ssl.1 = 127.0.0.1:{port}\n");
            config += &format!("ssl_options.cacertfile = {}\n", ca.display());
            config += &format!("ssl_options.certfile = {}\n", pair.cert.display());
            config += &format!("ssl_options.keyfile = {}\n", pair.key.display());
        }
        fs::write(self.folder.file("rabbitmq.conf"), config).unwrap();
        fs::write(self.folder.file("enabled_plugins"), "[].\n").unwrap();
        self.folder.give_to(USER);
    }

    fn start_epmd(&mut self) {
        if self.epmd.is_some() {
            return;
        }
        let mut command = command_as(USER, Path::new("epmd"));
        command.args(["-address", "127.0.0.1", "-port", &self.epmd_port.to_string()]);
        self.epmd = Some(Service::spawn(command, &self.folder.file("epmd.log")));
        wait_until("epmd", START_MAX, || is_open(self.epmd_port));
    }

    fn spawn(&self) -> Service {
        let mut command = command_as(USER, &self.program);
        self.set_environment(&mut command);
        Service::spawn(command, &self.folder.file("out.log"))
    }

    fn set_environment(&self, command: &mut Command) {
        let folder = self.folder.path();
        command
            .env("HOME", folder)
            .env("RABBITMQ_NODENAME", format!("drover{}@localhost", self.port))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", folder.join("none"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
            .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"))
            .env("RABBITMQ_PID_FILE", folder.join("pid"))
            .env("RABBITMQ_DIST_PORT", self.dist_port.to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            // Makes the start script become the Erlang machine instead of its parent.
            .env("RUNNING_UNDER_SYSTEMD", "1")
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .current_dir(folder);
    }
}
