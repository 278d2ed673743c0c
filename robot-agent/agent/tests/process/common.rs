//! A private mosquitto, an agent process, and a fleet that listens.

use rumqttc::{Client, Event, MqttOptions, Packet, QoS, SubscribeFilter};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of its own under the build's, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("agent-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub struct Broker {
    pub port: u16,
    pub folder: Folder,
    /// Lines of its configuration besides the listener.
    rules: String,
    child: Option<Child>,
}

impl Broker {
    /// `None`, with a word, where mosquitto isn't installed.
    pub fn start() -> Option<Self> {
        Self::start_with(Folder::new(), "allow_anonymous true\n")
    }

    /// With these rules, whose files may lie in the folder.
    pub fn start_with(folder: Folder, rules: &str) -> Option<Self> {
        let mut broker = Self { port: free_port(), folder, rules: rules.to_owned(), child: None };
        if binary().is_none() {
            println!("skipped: mosquitto isn't installed");
            return None;
        }
        broker.restart();
        Some(broker)
    }

    pub fn restart(&mut self) {
        let config = format!("listener {} 127.0.0.1\npersistence false\n{}", self.port, self.rules);
        let config = self.folder.write("mosquitto.conf", &config);
        let mut command = Command::new(binary().unwrap());
        let child = command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.unwrap());
        wait("the broker", || TcpStream::connect(("127.0.0.1", self.port)).ok());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn binary() -> Option<PathBuf> {
    let debian = PathBuf::from("/usr/sbin/mosquitto");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).map(|folder| folder.join("mosquitto"));
    if debian.exists() { Some(debian) } else { all.find(|file| file.exists()) }
}

pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

pub struct Agent {
    child: Child,
    orders: ChildStdin,
    lines: Receiver<String>,
}

impl Agent {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drover-agent"));
        let command = command.args(arguments).env_remove("DROVER_MQTT__URL").env("DROVER_LOG", "info");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self::of(command.spawn().unwrap())
    }

    /// Any program that prints lines.
    pub fn of(mut child: Child) -> Self {
        let orders = child.stdin.take().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, orders, lines }
    }

    /// A line, if it comes in this time.
    pub fn line_within(&self, patience: Duration) -> Option<String> {
        self.lines.recv_timeout(patience).ok()
    }

    /// A line on its stdin; it answers by a line.
    pub fn order(&mut self, line: &str) {
        writeln!(self.orders, "{line}").unwrap();
        let answer = self.line();
        assert_eq!(format!("{} {}", answer["device"], answer["fault"]).replace('"', ""), line);
    }

    pub fn line(&self) -> Value {
        serde_json::from_str(&self.lines.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits for its end; gives the exit code.
    pub fn wait(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    /// SIGTERM; gives the exit code.
    pub fn stop(&mut self) -> i32 {
        self.signal("-TERM");
        self.child.wait().unwrap().code().unwrap()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs to its end: exit code and what it said on stderr.
pub fn run(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drover-agent"));
    let output = command.args(arguments).env_remove("DROVER_MQTT__URL").output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

pub struct Message {
    pub topic: String,
    pub retained: bool,
    pub body: Value,
}

/// Hears everything, says what it is told to.
pub struct Fleet {
    client: Client,
    heard: Receiver<Message>,
    backlog: RefCell<Vec<Message>>,
}

impl Fleet {
    pub fn join(port: u16, name: &str) -> Self {
        Self::join_as(port, name, None)
    }

    pub fn join_as(port: u16, name: &str, login: Option<(&str, &str)>) -> Self {
        let mut options = MqttOptions::new(name, "127.0.0.1", port);
        if let Some((user, password)) = login {
            options.set_credentials(user, password);
        }
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut connection) = Client::new(options, 100);
        let (send, heard) = channel();
        let (ready, is_ready) = channel();
        let subscriber = client.clone();
        std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        let filters = ["uagv/v2/+/+/+", "drover/v1/+/device/+/+"];
                        let filters =
                            filters.map(|filter| SubscribeFilter::new(filter.into(), QoS::AtLeastOnce));
                        let _ = subscriber.try_subscribe_many(filters);
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => {
                        let _ = ready.send(());
                    }
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let body = serde_json::from_slice(&publish.payload).unwrap_or(Value::Null);
                        let message = Message { topic: publish.topic, retained: publish.retain, body };
                        if send.send(message).is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(_) => std::thread::sleep(Duration::from_millis(50)),
                }
            }
        });
        is_ready.recv_timeout(PATIENCE).unwrap();
        Self { client, heard, backlog: RefCell::default() }
    }

    pub fn say(&self, topic: &str, body: &Value) {
        self.say_raw(topic, &body.to_string());
    }

    pub fn say_raw(&self, topic: &str, body: &str) {
        self.client.publish(topic, QoS::AtLeastOnce, false, body).unwrap();
    }

    /// With QoS 0, as orders travel.
    pub fn say_once(&self, topic: &str, body: &Value) {
        self.client.publish(topic, QoS::AtMostOnce, false, body.to_string()).unwrap();
    }

    /// The broker keeps it.
    pub fn say_retained(&self, topic: &str, body: &Value) {
        self.client.publish(topic, QoS::AtLeastOnce, true, body.to_string()).unwrap();
    }

    /// The first message on the topic that passes; earlier ones on the same topic are dropped.
    pub fn hear(&self, topic: &str, passes: impl Fn(&Message) -> bool) -> Message {
        self.hear_within(PATIENCE, topic, passes).unwrap_or_else(|| panic!("nothing fitting on {topic}"))
    }

    /// The same, if it comes in this time.
    pub fn hear_within(
        &self,
        patience: Duration,
        topic: &str,
        passes: impl Fn(&Message) -> bool,
    ) -> Option<Message> {
        let end = Instant::now() + patience;
        let mut backlog = self.backlog.borrow_mut();
        loop {
            while let Some(index) = backlog.iter().position(|message| message.topic == topic) {
                let message = backlog.remove(index);
                if passes(&message) {
                    return Some(message);
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            backlog.push(self.heard.recv_timeout(left).ok()?);
        }
    }
}

pub fn wait<T>(what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(value) = get() {
            return value;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} didn't come");
}
