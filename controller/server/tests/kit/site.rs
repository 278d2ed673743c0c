//! A site as an operator starts it: a controller and virtual robots, each a process of its own.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use drover_proto::grpc::v1::fleet_service_client::FleetServiceClient;
use serde_json::{Value, json};
use tonic::transport::Channel;

use super::mosquitto::Mosquitto;
use super::outside::Orders;
use super::process::{Folder, Service, free_port, tail, wait_until};

const READY_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(20);
const DECISION_MAX: Duration = Duration::from_secs(30);

/// A layout's files.
#[derive(Clone)]
pub struct Place {
    pub layout: PathBuf,
    pub site: Option<PathBuf>,
}

impl Place {
    pub fn fresh_dc() -> Place {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../maps/sites/fresh-dc");
        Place { layout: folder.join("layout.lif.json"), site: Some(folder.join("site.toml")) }
    }
}

impl Place {
    /// A drawn warehouse without devices: 9 picks, 2 docks; robots join by themselves.
    pub fn warehouse(folder: &Folder) -> Place {
        let mut command = Command::new(program("drover"));
        command.args(["map", "generate", "warehouse", "--aisles", "3", "--bays", "4", "--cross-aisles", "2"]);
        command.args(["--docks", "2", "--picks", "9", "--parking", "6", "--robots", "5"]);
        let output = command.arg("--out").arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::remove_file(folder.file("site.toml")).unwrap();
        Place { layout: folder.file("layout.lif.json"), site: None }
    }

    /// The `number`-th job of a wave in such a warehouse.
    pub fn warehouse_job(number: usize) -> Value {
        let dock = 1 + number % 2;
        json!({
            "v": 1, "job_id": format!("W-{number}"), "sequence": format!("LORRY-{dock}"), "order_id": "SO-1",
            "due_at": "2100-01-01T00:00:00Z",
            "legs": [
                { "station": format!("PICK-{:03}", 1 + number % 9), "action": "pick",
                  "load": { "id": format!("BOX-{number}"), "type": "box" }, "dwell_s": 2 },
                { "station": format!("DOCK-{dock:02}"), "action": "drop" },
            ],
        })
    }
}

/// What a configuration says.
pub struct Wiring {
    pub id: &'static str,
    pub place: Place,
    pub jobs: String,
    pub mqtt: String,
    /// None = SQLite in the controller's folder.
    pub store: Option<String>,
    pub enroll: &'static str,
    pub speed: &'static str,
}

/// A site's controller.
pub struct Drover {
    pub folder: Folder,
    pub port: u16,
    service: Option<Service>,
    speed: &'static str,
    /// A certificate authority it trusts beside the system's.
    authority: Option<PathBuf>,
    started: Instant,
    /// The log's length when the process was started.
    log_begin: usize,
}

impl Drover {
    pub fn start(wiring: &Wiring) -> Drover {
        let mut drover = Drover::configured(wiring);
        drover.restart();
        drover
    }

    /// Its configuration is written; nothing runs.
    pub fn configured(wiring: &Wiring) -> Drover {
        let (folder, port) = (Folder::new(wiring.id), free_port());
        fs::write(folder.file("drover.toml"), wiring.config(&folder, port)).unwrap();
        let (service, authority, speed, started) = (None, None, wiring.speed, Instant::now());
        Drover { folder, port, service, speed, authority, started, log_begin: 0 }
    }

    /// More of the configuration; before the start.
    pub fn configure(&self, more: &str) {
        let file = self.folder.file("drover.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text + more).unwrap();
    }

    /// Jobs handed in at the start, with embedded jobs; before the start.
    pub fn feed(&self, jobs: &[Value]) {
        let wave = self.folder.file("wave.ndjson");
        fs::write(&wave, jobs.iter().map(|job| format!("{job}\n")).collect::<String>()).unwrap();
        let file = self.folder.file("drover.toml");
        let text = fs::read_to_string(&file).unwrap();
        let embedded = "url = \"embedded\"\n";
        fs::write(file, text.replacen(embedded, &format!("{embedded}file = \"{}\"\n", wave.display()), 1))
            .unwrap();
    }

    /// Trusts this authority; before the start.
    pub fn trust(&mut self, authority: &Path) {
        self.authority = Some(authority.to_owned());
    }

    /// kill -9, whatever it is doing.
    pub fn kill(&mut self) {
        self.service = None;
    }

    pub fn restart(&mut self) {
        self.kill();
        self.log_begin = self.whole_log().len();
        let mut command = Command::new(program("drover"));
        command.arg("run").arg("--config").arg(self.folder.file("drover.toml")).args(["--speed", self.speed]);
        command.envs(self.authority.iter().map(|file| ("SSL_CERT_FILE", file)));
        self.started = Instant::now();
        self.service = Some(Service::spawn(command, &self.folder.file("log")));
    }

    /// SIGTERM, and waited for.
    pub fn stop(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.stop("-TERM", STOP_MAX);
        }
    }

    /// A signal, e.g. "-STOP"; nothing is waited for.
    pub fn signal(&self, signal: &str) {
        self.service.as_ref().unwrap().signal(signal);
    }

    pub fn is_running(&mut self) -> bool {
        self.service.as_mut().is_some_and(Service::is_running)
    }

    pub fn wait_until_ready(&self) {
        wait_until("drover to be ready", READY_MAX, || self.get("/readyz").starts_with("HTTP/1.1 200"));
    }

    /// Waits until `/readyz` says that this part is missing.
    pub fn wait_until_missing(&self, part: &str) {
        wait_until("drover to say what is missing", READY_MAX, || {
            let answer = self.get("/readyz");
            answer.starts_with("HTTP/1.1 503") && answer.contains(&format!("{part}: "))
        });
    }

    /// Waits until `/readyz` says that this part is missing for this reason.
    pub fn wait_until_missing_for(&self, part: &str, why: &str) {
        wait_until("drover to say why something is missing", READY_MAX, || {
            let answer = self.get("/readyz");
            answer.lines().any(|line| line.starts_with(&format!("{part}: ")) && line.contains(why))
        });
    }

    pub fn get(&self, path: &str) -> String {
        let mut answer = String::new();
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return answer };
        let request = format!("GET {path} HTTP/1.1\r\nHost: drover\r\nConnection: close\r\n\r\n");
        if stream.write_all(request.as_bytes()).is_ok() {
            let _ = stream.read_to_string(&mut answer);
        }
        answer
    }

    /// A counter or gauge of `/metrics`, with its labels but for the site's; 0 when it isn't there yet.
    pub fn metric(&self, series: &str) -> u64 {
        let answer = self.get("/metrics");
        let found = answer.lines().find_map(|line| value_of(line, series));
        found.and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    /// Its robots, to be commanded.
    pub async fn fleet(&self) -> FleetServiceClient<Channel> {
        let endpoint = Channel::from_shared(format!("http://127.0.0.1:{}", self.port)).unwrap();
        FleetServiceClient::new(endpoint.connect().await.unwrap())
    }

    pub fn command(&self, command: &str, more: &[&str]) -> Output {
        let config = self.folder.file("drover.toml");
        let mut run = Command::new(program("drover"));
        run.envs(self.authority.iter().map(|file| ("SSL_CERT_FILE", file)));
        run.arg(command).arg("--config").arg(config).args(more).output().unwrap()
    }

    /// `drover replay` reaches the same, and `drover check` finds nothing wrong.
    pub fn assert_sound(&self) {
        for command in ["replay", "check"] {
            let output = self.command(command, &["--json"]);
            let said = String::from_utf8_lossy(&output.stdout);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "drover {command}: {said}{error}");
            println!("drover {command}: {}", said.chars().take(400).collect::<String>());
        }
    }

    /// The end of the log.
    pub fn log(&self) -> String {
        tail(&self.folder.file("log"))
    }

    pub fn whole_log(&self) -> String {
        fs::read_to_string(self.folder.file("log")).unwrap_or_default()
    }

    /// What it has logged since it was last started.
    pub fn recent_log(&self) -> String {
        self.whole_log().split_off(self.log_begin)
    }

    /// From the start of the process to its first order or the first decision in its log.
    pub fn time_to_first_decision(&self, orders: &Orders) -> Duration {
        let mut decided = None;
        wait_until("a first decision", DECISION_MAX, || {
            let order = orders.first_after(self.started).map(|at| at - self.started);
            let log = self.recent_log();
            let has_decided =
                log.lines().any(|line| line.contains(" seq=") && !line.contains("leads the site"));
            decided = order.or_else(|| has_decided.then(|| self.started.elapsed()));
            decided.is_some()
        });
        decided.unwrap_or_default()
    }
}

impl Drop for Drover {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("drover has ended: {:?}", self.service.as_mut().map(Service::ended));
            println!("{}\n{}\n{}", self.get("/readyz"), self.get("/metrics"), self.log());
            println!("{}", tail(&self.folder.file("robots.log")));
        }
    }
}

impl Wiring {
    fn config(&self, folder: &Folder, port: u16) -> String {
        let sqlite = || format!("sqlite:{}", folder.file("drover.db").display());
        let mut text =
            format!("[site]\nid = \"{}\"\nlayout = \"{}\"\n", self.id, self.place.layout.display());
        if let Some(site) = &self.place.site {
            text += &format!("site = \"{}\"\n", site.display());
        }
        let store = self.store.clone().unwrap_or_else(sqlite);
        text += &format!("[jobs]\nurl = \"{}\"\n[mqtt]\nurl = \"{}\"\n", self.jobs, self.mqtt);
        text += &format!("[store]\nurl = \"{store}\"\n[robots]\nenroll = \"{}\"\n", self.enroll);
        text + &format!("[http]\nlisten = \"127.0.0.1:{port}\"\n")
    }
}

/// The value on this line of `/metrics`, if it is the series' own. Every series carries the site's id.
fn value_of(line: &str, series: &str) -> Option<String> {
    let (name, rest) = line.split_once('{')?;
    let (labels, value) = rest.rsplit_once("} ")?;
    let others: Vec<&str> = labels.split(',').filter(|label| !label.starts_with("site=")).collect();
    let shown = if others.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", others.join(",")) };
    (shown == series).then(|| value.trim().to_owned())
}

/// Virtual robots of drover-agent, and where their log is.
pub fn robots(mosquitto: &Mosquitto, place: &Place, log: &Path, more: &[&str]) -> Service {
    let mut command = Command::new(program("drover-agent"));
    command.args(["robots", "--broker", &mosquitto.url()]).arg("--layout").arg(&place.layout).args(more);
    if let Some(site) = &place.site {
        command.arg("--site").arg(site);
    }
    Service::spawn(command, log)
}

/// A program beside `drover`.
pub fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_drover")).with_file_name(name);
    assert!(path.is_file(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}
