//! Everything a site says on the robots' broker, both ways, validates against the official VDA 5050 schemas of its version:
//! robots of 2.1.0 and of 3.0.0 do the jobs of one site together. The schemas are found through `DROVER_DATA`; without it
//! the test says that it is skipped.

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
/// Robots of each version.
const ROBOTS: u64 = 2;
const JOBS: usize = 8;
/// Those of 3.0 have a topic prefix of their own.
const PROFILE: &str = "[[profile]]\nname = \"later\"\nmanufacturer = \"later\"\ninterface = \"vda5050\"\n";
const THERE_MAX: Duration = Duration::from_secs(60);
const DONE_MAX: Duration = Duration::from_secs(240);
/// Of 2.1, and of 3.0.
const MAKERS: [&str; 2] = ["drover/", "later/"];
/// A site says something of each of these.
const SAID: [&str; 5] = ["order", "instantActions", "state", "connection", "factsheet"];

/// The official schemas, by the topic's level of the version and by topic.
struct Schemas(BTreeMap<(&'static str, &'static str), jsonschema::Validator>);

const VERSIONS: [(&str, &str); 2] = [("v2", "2.1.0"), ("v3", "3.0.0")];

impl Schemas {
    /// None, with a word, where nobody says where they are.
    fn find() -> Option<Schemas> {
        let Some(data) = std::env::var_os("DROVER_DATA") else {
            println!("skipped: DROVER_DATA doesn't name the folder with vda5050/2.1.0 and 3.0.0");
            return None;
        };
        let folder = PathBuf::from(data).join("vda5050");
        let read = |level: &'static str, version: &str, topic: &'static str| {
            let path = folder.join(version).join(format!("{topic}.schema"));
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let schema: Value = serde_json::from_str(&text).unwrap();
            ((level, topic), jsonschema::options().should_validate_formats(true).build(&schema).unwrap())
        };
        let mut all = BTreeMap::new();
        for (level, version) in VERSIONS {
            all.extend(SAID.into_iter().chain(["visualization"]).map(|topic| read(level, version, topic)));
        }
        Some(Schemas(all))
    }

    /// What is wrong with a message; none = nothing.
    fn fault(&self, said: &Said) -> Option<String> {
        let Some(schema) = self.0.get(&(said.major.as_str(), said.topic.as_str())) else {
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
    let site = folder.file("site.toml");
    let place = Place { site: Some(site.clone()), ..Place::warehouse(&folder) };
    std::fs::write(site, PROFILE).unwrap();
    let traffic = Traffic::listen(&mosquitto).await;
    let mut drover = wave(&place, &mosquitto);
    let count = ROBOTS.to_string();
    let older = ["--count", &count, "--speed", SPEED];
    let later = ["--offset", &count, "--manufacturer", "later", "--interface", "vda5050", "--vda", "3.0"];
    let log = |name: &str| drover.folder.file(name);
    let mut robots = [
        robots(&mosquitto, &place, &log("older.log"), &older),
        robots(&mosquitto, &place, &log("later.log"), &[&older[..], &later[..]].concat()),
    ];
    wait_until("robots to drive", THERE_MAX, || {
        MAKERS.into_iter().all(|maker| !traffic.of(maker, "order").is_empty())
    });
    pause_and_resume(&drover, &traffic).await;
    let done = || drover.metric("drover_jobs_ended_total{outcome=\"on_time\"}");
    wait_until("all jobs to be done", DONE_MAX, || done() == JOBS as u64);
    robots.iter_mut().for_each(|robots| robots.stop("-TERM", THERE_MAX));
    wait_until("robots to say goodbye", THERE_MAX, || {
        MAKERS.into_iter().all(|maker| {
            let said = traffic.of(maker, "connection");
            said.iter().filter(|message| message["connectionState"] == "OFFLINE").count() as u64 == ROBOTS
        })
    });
    drover.stop();
    let all = traffic.all();
    let faults: Vec<String> = all.iter().filter_map(|said| schemas.fault(said)).collect();
    assert!(faults.is_empty(), "{} of {}, first: {}", faults.len(), all.len(), faults[0]);
    for (level, _) in VERSIONS {
        let count =
            |topic: &str| all.iter().filter(|said| said.major == level && said.topic == topic).count();
        println!("{level}: {:?}", SAID.map(|topic| (topic, count(topic))));
        for topic in SAID {
            assert!(count(topic) >= 2, "nobody said enough on {topic} of {level}");
        }
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
    wait_until("robots of each version to say that they stand", THERE_MAX, || {
        MAKERS.into_iter().all(|maker| traffic.of(maker, "state").iter().any(is_paused))
    });
    fleet.resume(v1::ResumeRobotsRequest::default()).await.unwrap();
}
