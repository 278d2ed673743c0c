//! How many robot states a controller absorbs, end to end: a real broker, `drover run` as a process of its own, robots that
//! stand and say so. Its CPU time is what counts: the publisher and the broker share the machine.
//!
//! `cargo run --release -p drover-benches --bin states -- --robots 1000 --rate 1`

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Parser;
use drover_benches::controller::{Controller, Load, PATIENCE};
use drover_benches::kit::mosquitto::Mosquitto;
use drover_benches::site::{Site, needed};
use drover_benches::{cpu_seconds, round, show};
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
    let mut floor = Floor::start(args.robots)?;
    let bodies = floor.bodies(args.robots)?;
    let decode_us = decode_us(&bodies[0].1)?;
    floor.enroll(&bodies)?;
    let idle = floor.measure(Duration::from_secs(IDLE_S))?;
    let publishers = publish(&floor, bodies, args.rate, Duration::from_secs(args.seconds + 10));
    // Until each robot may have been heard once: the first moments are the clients' own.
    let all = floor.controller.states()? + f64::from(args.robots);
    floor.controller.until("states", PATIENCE, |it| Ok(it.states()? >= all))?;
    let busy = floor.measure(Duration::from_secs(args.seconds))?;
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
    show(&figures, args.json)
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

/// A controller and its broker.
struct Floor {
    controller: Controller,
    mosquitto: Mosquitto,
    layout: Layout,
    _site: Site,
}

impl Floor {
    fn start(robots: u32) -> anyhow::Result<Self> {
        let (site, mosquitto) = (Site::new("states"), needed("Mosquitto", Mosquitto::start())?);
        // Some four robots a bay stand clear of each other; without a site file nobody is sent to park.
        let aisles = (f64::from(robots).sqrt() / 2.0).ceil().max(4.0) as u32;
        site.draw(&[("--aisles", aisles), ("--bays", aisles), ("--cross-aisles", 6)])?;
        fs::remove_file(site.file("site.toml"))?;
        site.configure("embedded", &mosquitto.url(), "sqlite:drover.db")?;
        Ok(Self { controller: site.start()?, mosquitto, layout: site.layout()?, _site: site })
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

    fn enroll(&mut self, bodies: &[(String, Vec<u8>)]) -> anyhow::Result<()> {
        let client = self.client("enroll");
        for (serial, body) in bodies {
            let online = Connection { header: header(serial), connection_state: ConnectionState::Online };
            client.publish(topic(serial, TopicKind::Connection), QoS::AtLeastOnce, true, encode(&online))?;
            client.publish(topic(serial, TopicKind::State), QoS::AtMostOnce, false, body.clone())?;
        }
        let all = bodies.len() as f64;
        self.controller.until("the robots", PATIENCE, |it| Ok(it.metric("drover_robots", "")? >= all))
    }

    fn client(&self, name: &str) -> Client {
        let options = MqttOptions::new(name, "127.0.0.1", self.mosquitto.port());
        let (client, mut connection) = Client::new(options, 1_000);
        thread::spawn(move || connection.iter().take_while(Result::is_ok).for_each(drop));
        client
    }

    /// What the controller does in this time.
    fn measure(&self, time: Duration) -> anyhow::Result<Load> {
        let before = self.controller.read()?;
        thread::sleep(time);
        Ok(self.controller.read()?.since(&before))
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
    floor: &Floor,
    bodies: Vec<(String, Vec<u8>)>,
    rate: f64,
    time: Duration,
) -> Vec<thread::JoinHandle<()>> {
    let parts = bodies.chunks(bodies.len().div_ceil(CONNECTIONS)).map(<[_]>::to_vec);
    let parts = parts.enumerate().map(|(number, part)| (floor.client(&format!("states-{number}")), part));
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
