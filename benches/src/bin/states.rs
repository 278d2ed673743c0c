//! How many robot states a controller absorbs, end to end: a real broker, `drover run` as a process of its own, robots that
//! stand and say so. Its CPU time is what counts: the publisher and the broker share the machine.
//!
//! `cargo run --release -p drover-benches --bin states -- --robots 1000 --rate 1`

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use clap::Parser;
use drover_benches::controller::{Controller, free_port, program, round, until};
use drover_benches::cpu_seconds;
use drover_maps::{Layout, NodeId, TypeId};
use drover_proto::vda5050::{
    AgvPosition, Connection, ConnectionState, Header, State, Topic, TopicKind, encode,
};
use rumqttc::{Client, MqttOptions, QoS};
use serde_json::json;

/// Connections that the states come over.
const CONNECTIONS: usize = 4;
/// The controller without robots' news, s.
const IDLE_S: u64 = 5;
/// Bodies parsed to weigh decoding alone.
const DECODED: usize = 20_000;

/// How many robot states a controller absorbs, and what one costs.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  states --robots 1000 --rate 1        a large fleet, each robot once a second
  states --robots 1000 --rate 6        as much as two shared cores carry")]
struct Args {
    /// Robots, 1 to 3000.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=3_000))]
    robots: u32,
    /// States per robot and second.
    #[arg(long, default_value_t = 1.0)]
    rate: f64,
    /// How long to measure, s.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(args.rate.is_finite() && args.rate > 0.0, "--rate {}: write a number above 0", args.rate);
    let site = Site::start(args.robots)?;
    let bodies = site.bodies(args.robots)?;
    let decode_us = decode_us(&bodies[0].1)?;
    site.enroll(&bodies)?;
    let idle = site.measure(Duration::from_secs(IDLE_S))?;
    let publishers = publish(&site, bodies, args.rate, Duration::from_secs(args.seconds + 10));
    // Until each robot may have been heard once: the first moments are the clients' own.
    let before = site.states()?;
    until("states", || site.states().is_ok_and(|states| states >= before + f64::from(args.robots)))?;
    let busy = site.measure(Duration::from_secs(args.seconds))?;
    for publisher in publishers {
        publisher.join().map_err(|_| anyhow::anyhow!("a publisher failed"))?;
    }
    ensure!(busy.states_per_s > 0.0, "the controller heard no state");
    let per_state_us = (busy.cores - idle.cores) / busy.states_per_s * 1e6;
    let figures = json!({
        "robots": args.robots, "offered_per_s": f64::from(args.robots) * args.rate,
        "states_per_s": busy.states_per_s.round(), "controller_cpu_cores": round(busy.cores),
        "idle_cpu_cores": round(idle.cores), "us_per_state": round(per_state_us), "us_per_decode": round(decode_us),
        "share_of_core_at_1000_per_s": round(per_state_us / 1e3), "states_per_s_per_core": (1e6 / per_state_us).round(),
    });
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{figures}")?;
    } else {
        for (name, value) in figures.as_object().into_iter().flatten() {
            writeln!(out, "{name:<28} {value}")?;
        }
    }
    Ok(())
}

/// CPU time to read one body, microseconds.
fn decode_us(body: &[u8]) -> anyhow::Result<f64> {
    let before = cpu_seconds();
    for _ in 0..DECODED {
        let state = drover_proto::parse_state(std::hint::black_box(body));
        ensure!(state.is_ok(), "a state of ours can't be read: {state:?}");
    }
    Ok((cpu_seconds() - before) * 1e6 / DECODED as f64)
}

/// A broker and a controller on free ports, ended with it.
struct Site {
    folder: PathBuf,
    broker: u16,
    layout: Layout,
    mosquitto: Child,
    controller: Controller,
}

struct Measured {
    cores: f64,
    states_per_s: f64,
}

impl Site {
    fn start(robots: u32) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("drover-states-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        // Some four robots a bay stand clear of each other; without a site file nobody is sent to park.
        let aisles = (f64::from(robots).sqrt() / 2.0).ceil().max(4.0).to_string();
        let size = ["--aisles", &aisles, "--bays", &aisles, "--cross-aisles", "6"];
        let mut draw = Command::new(program("drover")?);
        draw.args(["map", "generate", "warehouse", "--out"]).arg(&folder).args(size);
        let drawn = draw.stdout(Stdio::null()).status()?;
        ensure!(drawn.success(), "`drover map generate` failed");
        fs::remove_file(folder.join("site.toml"))?;
        let layout = read_layout(&folder.join("layout.lif.json"))?;
        let (broker, http) = (free_port()?, free_port()?);
        let mosquitto = start_mosquitto(&folder, broker)?;
        let config = format!(
            "[site]\nid = \"states\"\nlayout = \"layout.lif.json\"\n[jobs]\nurl = \"embedded\"\n[mqtt]\n\
             url = \"mqtt://127.0.0.1:{broker}\"\n[store]\nurl = \"sqlite:drover.db\"\n[cache]\nurl = \"none\"\n\
             [robots]\nenroll = \"auto\"\n[http]\nlisten = \"127.0.0.1:{http}\"\n"
        );
        fs::write(folder.join("drover.toml"), config)?;
        let controller = Controller::start(&folder, http)?;
        Ok(Self { folder, broker, layout, mosquitto, controller })
    }

    /// Each robot's topics and full state, standing clear of all others.
    fn bodies(&self, robots: u32) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let nodes = apart(&self.layout, robots as usize);
        ensure!(nodes.len() == robots as usize, "only {} robots fit the layout; write fewer", nodes.len());
        let body = |(number, node): (usize, NodeId)| {
            let serial = format!("s{number}");
            let facts = self.layout.node(node);
            let state = State {
                header: header(&serial),
                last_node_id: facts.name.clone(),
                agv_position: Some(AgvPosition {
                    x: f64::from(facts.x_mm) / 1e3,
                    y: f64::from(facts.y_mm) / 1e3,
                    map_id: facts.map.clone(),
                    position_initialized: true,
                    ..AgvPosition::default()
                }),
                loads: Some(Vec::new()),
                paused: Some(false),
                ..State::default()
            };
            (serial, encode(&state))
        };
        Ok(nodes.into_iter().enumerate().map(body).collect())
    }

    fn enroll(&self, bodies: &[(String, Vec<u8>)]) -> anyhow::Result<()> {
        let client = self.client("enroll");
        for (serial, body) in bodies {
            let online = Connection { header: header(serial), connection_state: ConnectionState::Online };
            client.publish(topic(serial, TopicKind::Connection), QoS::AtLeastOnce, true, encode(&online))?;
            client.publish(topic(serial, TopicKind::State), QoS::AtMostOnce, false, body.clone())?;
        }
        let joined =
            || self.controller.metric("drover_robots", "").is_ok_and(|joined| joined >= bodies.len() as f64);
        until("the robots to join", joined)
    }

    fn client(&self, name: &str) -> Client {
        let options = MqttOptions::new(name, "127.0.0.1", self.broker);
        let (client, mut connection) = Client::new(options, 1_000);
        thread::spawn(move || connection.iter().take_while(Result::is_ok).for_each(drop));
        client
    }

    /// What it does in this time.
    fn measure(&self, time: Duration) -> anyhow::Result<Measured> {
        let read = || anyhow::Ok((self.controller.cpu_s()?, self.states()?, Instant::now()));
        let before = read()?;
        thread::sleep(time);
        let after = read()?;
        let seconds = (after.2 - before.2).as_secs_f64();
        Ok(Measured { cores: (after.0 - before.0) / seconds, states_per_s: (after.1 - before.1) / seconds })
    }

    /// States it has taken in so far.
    fn states(&self) -> anyhow::Result<f64> {
        self.controller.metric("drover_robot_messages_total", "kind=\"state\"")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.mosquitto.kill();
        let _ = self.mosquitto.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn header(serial: &str) -> Header {
    Header::new(0, "2026-01-01T00:00:00.000Z", "bench", serial)
}

fn topic(serial: &str, kind: TopicKind) -> String {
    Topic::new("uagv", "bench", serial, kind).to_string()
}

/// Robots in turns, spread over the connections and over time.
fn publish(
    site: &Site,
    bodies: Vec<(String, Vec<u8>)>,
    rate: f64,
    time: Duration,
) -> Vec<thread::JoinHandle<()>> {
    let parts = bodies.chunks(bodies.len().div_ceil(CONNECTIONS)).map(<[_]>::to_vec);
    let parts = parts.enumerate().map(|(number, part)| (site.client(&format!("states-{number}")), part));
    let pause = move |robots: usize| Duration::from_secs_f64(1.0 / (robots as f64 * rate));
    let start = |(client, part): (Client, Vec<(String, Vec<u8>)>)| {
        thread::spawn(move || {
            let (begin, pause) = (Instant::now(), pause(part.len()));
            for (number, (serial, body)) in (0_u32..).zip(part.iter().cycle()) {
                let due = begin + pause * number;
                if due > begin + time {
                    return;
                }
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if client
                    .publish(topic(serial, TopicKind::State), QoS::AtMostOnce, false, body.clone())
                    .is_err()
                {
                    return;
                }
            }
        })
    };
    parts.map(start).collect()
}

fn apart(layout: &Layout, count: usize) -> Vec<NodeId> {
    let mut is_taken = vec![false; layout.node_count()];
    let mut nodes = Vec::new();
    for node in layout.nodes() {
        if nodes.len() < count && !is_taken[node.index()] && layout.admits_node(TypeId(0), node) {
            let conflicts = layout.node_conflicts(node).nodes;
            conflicts.iter().chain([&node]).for_each(|node| is_taken[node.index()] = true);
            nodes.push(node);
        }
    }
    nodes
}

fn read_layout(path: &Path) -> anyhow::Result<Layout> {
    Ok(drover_maps::compile(&fs::read(path)?, None)?.layout)
}

fn start_mosquitto(folder: &Path, port: u16) -> anyhow::Result<Child> {
    let programs = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
    let Some(program) = programs.into_iter().find(|program| Path::new(program).is_file()) else {
        bail!("mosquitto isn't installed: scripts/install.sh test installs it");
    };
    let config = folder.join("mosquitto.conf");
    let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n");
    fs::write(&config, text)?;
    let mut command = Command::new(program);
    let child = command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    until("mosquitto", || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
    Ok(child)
}
