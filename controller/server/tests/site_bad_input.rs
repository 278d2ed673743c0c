//! What customers and drawings get wrong: refused with a code and a reason, and the rest goes on in order.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Output;

use kit::amqp::Client;
use kit::mosquitto::Mosquitto;
use kit::outside::{Heard, Orders};
use kit::process::Folder;
use kit::rabbit::Rabbit;
use kit::site::{Drover, Place, Wiring, robots};
use serde_json::{Value, json};

const SITE: &str = "bad-input-test";
const SPEED: &str = "20";
const MEGABYTE: usize = 1024 * 1024;
const GOOD: usize = 6;

fn good(number: usize) -> Value {
    json!({
        "v": 1, "job_id": format!("J-{number}"), "sequence": "TRUCK", "legs": [
            { "station": format!("PICK-C-{:02}", 1 + number), "action": "pick",
              "load": { "id": format!("TOTE-{number}") } },
            { "station": "DOCK-01", "action": "drop" },
        ],
    })
}

/// A name, a body, and the code it is refused with.
fn bad() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let station =
        |name: &str| text(&format!(r#"{{"v":1,"job_id":"X-{name}","legs":[{{"station":"{name}"}}]}}"#));
    let mut large = good(99);
    large["note"] = "x".repeat(MEGABYTE).into();
    let mut other = good(0);
    other["priority"] = 9.into();
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    vec![
        ("no legs", text(r#"{"v":1,"job_id":"X-1","legs":[]}"#), "NO_LEGS"),
        ("legs left out", text(r#"{"v":1,"job_id":"X-2"}"#), "MISSING_FIELD"),
        ("unknown station", station("NOWHERE"), "UNKNOWN_STATION"),
        ("station nobody can reach", station("LOST-01"), "UNREACHABLE_STATION"),
        ("a megabyte", large.to_string().into_bytes(), "BODY_TOO_LARGE"),
        ("not JSON", text("pick TOTE-1, please"), "NOT_JSON"),
        ("half a job", good(98).to_string().into_bytes()[..40].to_vec(), "NOT_JSON"),
        ("a list", text("[1,2,3]"), "NOT_JSON"),
        ("nested", text(&deep), "TOO_DEEP"),
        ("another body", other.to_string().into_bytes(), "JOB_ID_REUSED"),
        ("nothing", Vec::new(), "NOT_JSON"),
        ("version 7", text(r#"{"v":7,"job_id":"X-3","legs":[{"station":"DOCK-01"}]}"#), "UNKNOWN_VERSION"),
        ("garbage", vec![0x00, 0xff, 0xfe, 0x80, 0x1b, 0xc3, 0x28], "NOT_UTF8"),
        (
            "a station of the wrong type",
            text(r#"{"v":1,"job_id":"X-4","legs":[{"station":7}]}"#),
            "BAD_FIELD",
        ),
        (
            "nobody can do it",
            text(r#"{"v":1,"job_id":"X-5","requires":["fly"],"legs":[{"station":"DOCK-01"}]}"#),
            "NO_CAPABLE_ROBOT",
        ),
        ("cancel of an unknown job", text(r#"{"v":1,"cancel":"J-404"}"#), "UNKNOWN_JOB"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_are_dead_lettered_with_a_code_and_the_good_between_them_done_in_order() {
    let (Some(rabbit), Some(mosquitto)) = (Rabbit::start(), Mosquitto::start()) else { return };
    let folder = Folder::new("bad-input");
    let place = drawn(&folder, isolate_a_station);
    let (jobs, mqtt) = (rabbit.url(), mosquitto.url());
    let wiring = Wiring {
        id: SITE,
        place: place.clone(),
        jobs,
        mqtt,
        store: None,
        enroll: "configured",
        speed: SPEED,
    };
    let mut drover = Drover::start(&wiring);
    drover.wait_until_ready();
    let orders = Orders::listen(&mosquitto).await;
    let client = Client::connect(&rabbit.url()).await;
    client.bind("heard", "drover.events", "#").await;
    let (mut events, mut heard) = (client.consume("heard").await, Heard::default());
    let _robots = robots(&mosquitto, &place, &folder.file("robots.log"), &["--count", "4", "--speed", SPEED]);

    let (jobs, bad): (Vec<Value>, _) = ((0..GOOD).map(good).collect(), bad());
    let per_job = bad.len().div_ceil(GOOD);
    for (job, group) in jobs.iter().zip(bad.chunks(per_job)) {
        client.publish("drover.jobs", SITE, &job.to_string(), &[]).await;
        // A producer that missed the confirm says the same again.
        client.publish("drover.jobs", SITE, &serde_json::to_string_pretty(job).unwrap(), &[]).await;
        for (name, body, _) in group {
            client.publish_bytes("drover.jobs", SITE, body, &[("case", name)]).await;
        }
    }
    heard.until_done(&mut events, jobs.len()).await;

    let mut codes = BTreeMap::new();
    for _ in &bad {
        let message = client.get(&format!("drover.{SITE}.dead")).await;
        let reason = &message.headers["drover-reason"];
        println!("{}: {} - {reason}", message.headers["case"], message.headers["drover-code"]);
        assert!((15..=1_000).contains(&reason.len()) && !reason.contains(char::is_control), "{reason}");
        codes.insert(message.headers["case"].clone(), message.headers["drover-code"].clone());
    }
    let wanted = bad.iter().map(|(name, _, code)| ((*name).to_owned(), (*code).to_owned())).collect();
    assert_eq!(codes, wanted);
    heard.assert_all_done_in_order(&jobs);
    orders.assert_once_only(&jobs);
    drover.stop();
    assert_eq!(client.ready(&format!("drover.{SITE}.dead")).await, 0, "a message is refused once");
    assert_eq!(client.ready(&format!("drover.{SITE}.jobs")).await, 0, "every message was acknowledged");
    drover.assert_sound();
}

/// The fresh-dc layout with something changed.
fn drawn(folder: &Folder, change: fn(&mut Value)) -> Place {
    let place = Place::fresh_dc();
    let mut lif: Value = serde_json::from_slice(&std::fs::read(&place.layout).unwrap()).unwrap();
    change(&mut lif["layouts"][0]);
    let layout: PathBuf = folder.file("layout.lif.json");
    std::fs::write(&layout, lif.to_string()).unwrap();
    Place { layout, site: place.site }
}

fn push(layout: &mut Value, list: &str, item: Value) {
    layout[list].as_array_mut().unwrap().push(item);
}

fn node(name: &str, y: f64) -> Value {
    json!({ "nodeId": name, "mapId": "ground", "nodePosition": { "x": -50.0, "y": y },
            "vehicleTypeNodeProperties": [{ "vehicleTypeId": "tote-amr" }] })
}

fn edge(from: &str, to: &str) -> Value {
    json!({ "edgeId": format!("{from}:{to}"), "startNodeId": from, "endNodeId": to,
            "vehicleTypeEdgeProperties": [{ "vehicleTypeId": "tote-amr" }] })
}

fn isolate_a_station(layout: &mut Value) {
    push(layout, "nodes", node("LOST", -50.0));
    push(layout, "stations", json!({ "stationId": "LOST-01", "interactionNodeIds": ["LOST"] }));
}

fn trap_a_station(layout: &mut Value) {
    isolate_a_station(layout);
    let from = layout["nodes"][0]["nodeId"].as_str().unwrap().to_owned();
    push(layout, "edges", edge(&from, "LOST"));
}

fn point_an_edge_nowhere(layout: &mut Value) {
    layout["edges"][0]["endNodeId"] = "P9999-9999".into();
}

fn draw_a_node_twice(layout: &mut Value) {
    let node = layout["nodes"][0].clone();
    push(layout, "nodes", node);
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A controller's configuration that needs nothing else, on this drawing.
fn on(folder: &Folder, change: fn(&mut Value)) -> Drover {
    let (place, embedded) = (drawn(folder, change), || "embedded".to_owned());
    let (jobs, mqtt) = (embedded(), embedded());
    Drover::configured(&Wiring { id: SITE, place, jobs, mqtt, store: None, enroll: "configured", speed: "1" })
}

#[test]
fn a_drawing_with_a_trap_is_refused_with_its_code_before_anything_starts() {
    type Change = fn(&mut Value);
    let traps: [(Change, &str, &str); 3] = [
        (point_an_edge_nowhere, "EDGE_TO_NOWHERE", "P9999-9999"),
        (draw_a_node_twice, "DUPLICATE_NODE", "P0042-0050"),
        (trap_a_station, "STATION_DEAD_END", "LOST-01"),
    ];
    for (change, code, subject) in traps {
        let folder = Folder::new("trap");
        let drover = on(&folder, change);
        for (command, status) in [("check", 1), ("run", 2)] {
            let output = drover.command(command, &[]);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(status), "drover {command}: {said}");
            assert!(said.contains(code) && said.contains(subject), "drover {command}, {code}: {said}");
            assert!(!said.contains("panicked"), "drover {command}: {said}");
        }
    }
}

#[test]
fn a_station_nobody_can_reach_is_told_and_does_not_stop_the_site() {
    let folder = Folder::new("unreachable");
    let output = on(&folder, isolate_a_station).command("check", &[]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("STATION_UNREACHABLE") && said.contains("LOST-01"), "{said}");
}

#[test]
fn a_layout_file_that_is_absent_or_no_layout_is_bad_input() {
    let folder = Folder::new("no-layout");
    let drover = on(&folder, isolate_a_station);
    let layout = folder.file("layout.lif.json");
    for body in [Some("PNG"), Some("{}"), Some("[]"), Some(""), None] {
        match body {
            Some(body) => std::fs::write(&layout, body).unwrap(),
            None => std::fs::remove_file(&layout).unwrap(),
        }
        for (command, status) in [("check", 1), ("run", 2)] {
            let output = drover.command(command, &[]);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(status), "drover {command} of {body:?}: {said}");
            assert!(
                said.contains("layout.lif.json") && !said.contains("panicked"),
                "{command} {body:?}: {said}"
            );
        }
    }
}
