//! Everything a site says on the robots' broker, both ways, validates against the official VDA 5050 2.1.0 schemas. They are
//! found through `DROVER_DATA`; without it the test says that it is skipped.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use drover_proto::grpc::v1;
use kit::mosquitto::Mosquitto;
use kit::process::{Folder, wait_until};
use kit::site::{Drover, Place, Wiring, robots};
use kit::traffic::{Said, Traffic};
use serde_json::Value;

const SPEED: &str = "10";
const ROBOTS: u64 = 3;
const JOBS: usize = 6;
const THERE_MAX: Duration = Duration::from_secs(60);
const DONE_MAX: Duration = Duration::from_secs(240);
/// A site says something of each of these.
const SAID: [&str; 5] = ["order", "instantActions", "state", "connection", "factsheet"];

/// The official schemas, by topic.
struct Schemas(BTreeMap<&'static str, jsonschema::Validator>);

impl Schemas {
    /// None, with a word, where nobody says where they are.
    fn find() -> Option<Schemas> {
        let Some(data) = std::env::var_os("DROVER_DATA") else {
            println!("skipped: DROVER_DATA doesn't name the folder with vda5050/2.1.0");
            return None;
        };
        let folder = PathBuf::from(data).join("vda5050/2.1.0");
        let read = |topic: &'static str| {
            let path = folder.join(format!("{topic}.schema"));
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let schema: Value = serde_json::from_str(&text).unwrap();
            (topic, jsonschema::options().should_validate_formats(true).build(&schema).unwrap())
        };
        Some(Schemas(SAID.into_iter().chain(["visualization"]).map(read).collect()))
    }

    /// What is wrong with a message; none = nothing.
    fn fault(&self, said: &Said) -> Option<String> {
        let Some(schema) = self.0.get(said.topic.as_str()) else {
            return Some(format!("no topic is called {}", said.topic));
        };
        let errors = schema.iter_errors(&said.body);
        let errors: Vec<String> = errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
        let (robot, topic) = (&said.robot, &said.topic);
        (!errors.is_empty()).then(|| format!("{robot} {topic}: {errors:#?}\n{:#}", said.body))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_a_site_keeps_to_the_official_schemas() {
    let (Some(schemas), Some(mosquitto)) = (Schemas::find(), Mosquitto::start()) else { return };
    let folder = Folder::new("schemas");
    let place = Place::warehouse(&folder);
    let traffic = Traffic::listen(&mosquitto).await;
    let mut drover = wave(&place, &mosquitto);
    let count = ROBOTS.to_string();
    let more = ["--count", &count, "--speed", SPEED];
    let log = drover.folder.file("robots.log");
    let mut robots = robots(&mosquitto, &place, &log, &more);
    wait_until("robots to drive", THERE_MAX, || !traffic.of("drover/", "order").is_empty());
    pause_and_resume(&drover, &traffic).await;
    let done = || drover.metric("drover_jobs_ended_total{outcome=\"on_time\"}");
    wait_until("all jobs to be done", DONE_MAX, || done() == JOBS as u64);
    robots.stop("-TERM", THERE_MAX);
    wait_until("robots to say goodbye", THERE_MAX, || {
        let said = traffic.of("drover/", "connection");
        said.iter().filter(|message| message["connectionState"] == "OFFLINE").count() as u64 == ROBOTS
    });
    drover.stop();
    let all = traffic.all();
    let faults: Vec<String> = all.iter().filter_map(|said| schemas.fault(said)).collect();
    assert!(faults.is_empty(), "{} of {}, first: {}", faults.len(), all.len(), faults[0]);
    let count = |topic: &str| all.iter().filter(|said| said.topic == topic).count();
    println!("{:?}", SAID.map(|topic| (topic, count(topic))));
    for topic in SAID {
        assert!(count(topic) >= 2, "nobody said enough on {topic}");
    }
}

/// A controller with a wave of jobs of its own.
fn wave(place: &Place, mosquitto: &Mosquitto) -> Drover {
    let (jobs, mqtt) = ("embedded".to_owned(), mosquitto.url());
    let wiring = Wiring {
        id: "schema-test",
        place: place.clone(),
        jobs,
        mqtt,
        store: None,
        enroll: "auto",
        speed: SPEED,
    };
    let mut drover = Drover::configured(&wiring);
    drover.feed(&(0..JOBS).map(Place::warehouse_job).collect::<Vec<_>>());
    drover.restart();
    drover.wait_until_ready();
    drover
}

async fn pause_and_resume(drover: &Drover, traffic: &Traffic) {
    let mut fleet = drover.fleet().await;
    let is_paused = |state: &Value| state["paused"] == true;
    fleet.pause(v1::PauseRobotsRequest::default()).await.unwrap();
    wait_until("a robot to say that it stands", THERE_MAX, || {
        traffic.of("drover/", "state").iter().any(is_paused)
    });
    fleet.resume(v1::ResumeRobotsRequest::default()).await.unwrap();
}
