//! The whole process against real brokers and real robots' agents, killed in the middle of its work.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use kit::amqp::{Client, Subscription};
use kit::mosquitto::Mosquitto;
use kit::process::{Folder, Service, free_port, tail, wait_until};
use kit::rabbit::Rabbit;
use serde_json::Value;

const SITE: &str = "kill-test";
const JOBS: usize = 16;
const ROBOTS: &str = "6";
/// Robots and controller run faster than real, so that the test doesn't take minutes.
const ROBOT_SPEED: &str = "20";
const READY_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(20);

/// A site's controller, as an operator starts it.
struct Drover {
    service: Service,
    folder: Folder,
    port: u16,
}

fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_drover")).with_file_name(name);
    assert!(path.is_file(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}

fn maps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../maps/sites/fresh-dc")
}

impl Drover {
    fn start(rabbit: &Rabbit, mosquitto: &Mosquitto) -> Drover {
        let (folder, port) = (Folder::new("run-kill"), free_port());
        let text = format!(
            "[site]\nid = \"{SITE}\"\nlayout = \"{}\"\nsite = \"{}\"\n[jobs]\nurl = \"{}\"\n[mqtt]\nurl = \"{}\"\n\
             [store]\nurl = \"sqlite:{}\"\n[http]\nlisten = \"127.0.0.1:{port}\"\n",
            maps().join("layout.lif.json").display(),
            maps().join("site.toml").display(),
            rabbit.url(),
            mosquitto.url(),
            folder.file("drover.db").display(),
        );
        std::fs::write(folder.file("drover.toml"), text).unwrap();
        let service = run(&folder);
        Drover { service, folder, port }
    }

    fn restart(&mut self) {
        self.service = run(&self.folder);
    }

    fn wait_until_ready(&self) {
        wait_until("drover to be ready", READY_MAX, || get(self.port, "/readyz").starts_with("HTTP/1.1 200"));
    }

    fn command(&self, command: &str, more: &[&str]) -> Output {
        let config = self.folder.file("drover.toml");
        Command::new(program("drover")).arg(command).arg("--config").arg(config).args(more).output().unwrap()
    }

    fn log(&self) -> String {
        tail(&self.folder.file("log"))
    }
}

fn run(folder: &Folder) -> Service {
    let mut command = Command::new(program("drover"));
    command.arg("run").arg("--config").arg(folder.file("drover.toml")).args(["--speed", ROBOT_SPEED]);
    Service::spawn(command, &folder.file("log"))
}

fn robots(mosquitto: &Mosquitto, folder: &Folder) -> Service {
    let mut command = Command::new(program("drover-agent"));
    command.args(["robots", "--broker", &mosquitto.url(), "--count", ROBOTS, "--speed", ROBOT_SPEED]);
    command.arg("--layout").arg(maps().join("layout.lif.json")).arg("--site").arg(maps().join("site.toml"));
    Service::spawn(command, &folder.file("robots.log"))
}

fn get(port: u16, path: &str) -> String {
    let mut answer = String::new();
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return answer };
    let request = format!("GET {path} HTTP/1.1\r\nHost: drover\r\nConnection: close\r\n\r\n");
    if stream.write_all(request.as_bytes()).is_ok() {
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}

fn job(number: usize) -> String {
    let truck = 1 + number % 4;
    format!(
        "{{\"v\":1,\"job_id\":\"J-{number}\",\"sequence\":\"TRUCK-{truck}\",\"legs\":[{{\"station\":\"PICK-C-{:02}\",\
         \"action\":\"pick\",\"load\":{{\"id\":\"TOTE-{number}\"}}}},{{\"station\":\"DOCK-{truck:02}\",\"action\":\"drop\"}}]}}",
        1 + number % 24
    )
}

/// What a customer's program has heard, by n; a repeat must be the same.
#[derive(Default)]
struct Heard {
    events: BTreeMap<u64, Value>,
}

impl Heard {
    async fn listen_until(&mut self, events: &mut Subscription, done: usize) {
        while self.done() < done {
            let message = events.next().await;
            let event: Value = serde_json::from_str(&message.body).unwrap();
            let n = event["n"].as_u64().unwrap();
            assert_eq!(message.id, format!("{SITE}/{n}"));
            if let Some(before) = self.events.insert(n, event.clone()) {
                assert_eq!(before, event, "a repeat differs");
            }
        }
    }

    fn count(&self, state: &str) -> usize {
        self.events.values().filter(|event| event["state"] == state).count()
    }

    fn done(&self) -> usize {
        self.count("done")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_killed_in_the_middle_loses_and_doubles_nothing() {
    let (Some(rabbit), Some(mosquitto)) = (Rabbit::start(), Mosquitto::start()) else { return };
    let mut drover = Drover::start(&rabbit, &mosquitto);
    let client = Client::connect(&rabbit.url()).await;
    drover.wait_until_ready();
    client.bind("heard", "drover.events", "#").await;
    let mut events = client.consume("heard").await;
    let _robots = robots(&mosquitto, &drover.folder);
    for number in 0..JOBS {
        client.publish("drover.jobs", SITE, &job(number), &[]).await;
    }
    client.publish("drover.jobs", SITE, "{\"v\":1,\"job_id\":\"bad\",\"legs\":[]}", &[]).await;
    let mut heard = Heard::default();
    heard.listen_until(&mut events, 3).await;

    drover.service.kill();
    drover.restart();
    drover.wait_until_ready();
    // A producer that didn't hear the confirm sends again.
    client.publish("drover.jobs", SITE, &job(0), &[]).await;
    heard.listen_until(&mut events, JOBS).await;

    let log = drover.log();
    assert_eq!(heard.count("accepted"), JOBS, "{log}");
    assert_eq!(heard.count("done"), JOBS, "{log}");
    assert_eq!(heard.count("failed"), 0, "{log}");
    let numbers: Vec<u64> = heard.events.keys().copied().collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "numbers have a gap");
    let dead = client.get(&format!("drover.{SITE}.dead")).await;
    assert!(dead.headers.contains_key("drover-code"), "{dead:?}");

    drover.service.stop("-TERM", STOP_MAX);
    assert!(drover.log().contains("last snapshot"), "{}", drover.log());
    let replay = drover.command("replay", &["--json"]);
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stdout));
    let check = drover.command("check", &["--json"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn without_its_brokers_a_controller_waits_and_says_what_is_missing() {
    let (Some(mut rabbit), Some(mut mosquitto)) = (Rabbit::absent(), Mosquitto::start()) else { return };
    mosquitto.kill();
    let drover = Drover::start(&rabbit, &mosquitto);
    wait_until("drover to say what is missing", READY_MAX, || {
        let answer = get(drover.port, "/readyz");
        answer.starts_with("HTTP/1.1 503") && answer.contains("mqtt: ") && answer.contains("jobs: ")
    });
    assert!(get(drover.port, "/healthz").contains("alive"));
    let check = drover.command("check", &[]);
    assert_eq!(check.status.code(), Some(1), "{}", String::from_utf8_lossy(&check.stdout));
    rabbit.restart();
    mosquitto.restart();
    drover.wait_until_ready();
    assert!(get(drover.port, "/metrics").contains("drover_up"));
}
