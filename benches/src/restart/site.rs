//! The controller of a drawn warehouse, and its virtual robots.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::ensure;

use super::{Process, free_port, installed, sibling, until};

/// Its site's id.
const ID: &str = "restart";
/// Stations of the warehouse.
const PICKS: usize = 400;
const DOCKS: usize = 16;
/// Time for everything to come up.
const START_MAX: Duration = Duration::from_secs(60);

/// A folder with a layout and a wave of jobs, and a broker.
pub struct Ground {
    /// Everything is in here.
    pub folder: PathBuf,
    broker: u16,
    _mosquitto: Process,
}

impl Ground {
    /// Draws the warehouse, writes the wave, starts the broker.
    ///
    /// # Errors
    /// Something isn't built or installed.
    pub fn new(jobs: usize) -> anyhow::Result<Ground> {
        let folder = std::env::temp_dir().join(format!("drover-restart-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mut draw = Command::new(sibling("drover")?);
        draw.args(["map", "generate", "warehouse", "--aisles", "32", "--bays", "24", "--cross-aisles", "6"]);
        draw.args([
            "--docks",
            &DOCKS.to_string(),
            "--picks",
            &PICKS.to_string(),
            "--parking",
            "200",
            "--out",
        ]);
        let drawn = draw.arg(&folder).stdout(Stdio::null()).status()?;
        ensure!(drawn.success(), "`drover map generate` failed");
        fs::remove_file(folder.join("site.toml"))?;
        fs::write(folder.join("wave.ndjson"), wave(jobs))?;
        let names = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
        let program = installed("Mosquitto", names.map(PathBuf::from))?;
        let (broker, config) = (free_port()?, folder.join("mosquitto.conf"));
        let text = format!("listener {broker} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
        fs::write(&config, text)?;
        let mut run = Command::new(program);
        run.arg("-c").arg(config);
        let mosquitto = Process::start(run, &folder.join("mosquitto.log"))?;
        until("Mosquitto", START_MAX, || TcpStream::connect(("127.0.0.1", broker)).is_ok())?;
        Ok(Ground { folder, broker, _mosquitto: mosquitto })
    }

    /// The virtual robots, all of them started.
    ///
    /// # Errors
    /// They can't be started.
    pub fn robots(&self, count: u32) -> anyhow::Result<Process> {
        let mut run = Command::new(sibling("drover-agent")?);
        run.args(["robots", "--broker", &format!("mqtt://127.0.0.1:{}", self.broker)]);
        run.args(["--count", &count.to_string(), "--layout"]).arg(self.folder.join("layout.lif.json"));
        Process::start(run, &self.folder.join("robots.log"))
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// From a pick to a dock each; no two name a load.
fn wave(jobs: usize) -> String {
    let mut text = String::new();
    for number in 0..jobs {
        let (pick, dock) = (1 + number % PICKS, 1 + number % DOCKS);
        let _ = writeln!(
            text,
            "{{\"v\":1,\"job_id\":\"J-{number:06}\",\"order_id\":\"SO-{}\",\"due_at\":\"2100-01-01T00:00:00Z\",\"legs\":[\
             {{\"station\":\"PICK-{pick:03}\",\"action\":\"pick\",\"load\":{{\"id\":\"TOTE-{number:06}\",\"type\":\"tote\"}},\
             \"dwell_s\":8}},{{\"station\":\"DOCK-{dock:02}\",\"action\":\"drop\"}}]}}",
            number / 8
        );
    }
    text
}

/// A controller on one store.
pub struct Site {
    http: u16,
    log: PathBuf,
    config: PathBuf,
}

impl Site {
    /// The id in the journal.
    pub const ID: &str = ID;

    /// Writes the configuration `name.toml`.
    ///
    /// # Errors
    /// It can't be written.
    pub fn new(ground: &Ground, name: &str, store: &str) -> anyhow::Result<Site> {
        let (http, folder) = (free_port()?, &ground.folder);
        let site = Site {
            http,
            log: folder.join(format!("{name}.log")),
            config: folder.join(format!("{name}.toml")),
        };
        let config = format!(
            "[site]\nid = \"{ID}\"\nlayout = \"layout.lif.json\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\n[store]\nurl = \
             \"{store}\"\n[robots]\nenroll = \"auto\"\n[http]\nlisten = \"127.0.0.1:{http}\"\n[jobs]\nurl = \"embedded\"\n\
             [log]\nlevel = \"info,drover_controller::store=debug\"\n",
            ground.broker
        );
        fs::write(&site.config, config)?;
        Ok(site)
    }

    /// `drover run`, with the wave or without it.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(&self, with_wave: bool) -> anyhow::Result<Process> {
        let mut run = Command::new(sibling("drover")?);
        run.args(["run", "--config"]).arg(&self.config);
        if with_wave {
            run.env("DROVER_JOBS__FILE", "wave.ndjson");
        }
        Process::start(run, &self.log)
    }

    /// The sum of a metric over those of its labels that say one of these words; 0 while nobody answers.
    pub fn metric(&self, name: &str, words: &[&str]) -> u64 {
        let text = self.get("/metrics").unwrap_or_default();
        let values = text.lines().filter_map(|line| {
            let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} ")?;
            let is_meant = words.is_empty() || words.iter().any(|word| labels.contains(word));
            value.parse::<f64>().ok().filter(|_| is_meant)
        });
        values.sum::<f64>() as u64
    }

    /// The log from this byte on.
    pub fn logged(&self, from: usize) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(from..).unwrap_or_default()).into_owned()
    }

    fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }
}
