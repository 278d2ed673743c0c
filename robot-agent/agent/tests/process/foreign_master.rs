//! Other people's master: npm's vda-5050-lib drives a robot of ours, and hears from it all that it waits for.

use crate::command_line::layout;
use crate::common::{Agent, Broker, Folder};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const LIBRARY: &str = "vda-5050-lib@1.4.0";
const NODES: u32 = 8;
const GAP_M: f64 = 2.0;

/// The folder that holds the library, under the build's. `None`, with a word, where it can't be had.
fn library() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(LIBRARY);
    // Installed aside and then renamed: another test may do the same.
    let aside = Folder::new();
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
    npm.arg(aside.0.join("it")).arg(LIBRARY);
    let npm = npm.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !home.is_dir() && npm.status().is_ok_and(|status| status.success()) {
        let _ = std::fs::rename(aside.0.join("it"), &home);
    }
    if !home.is_dir() {
        println!(
            "skipped: {LIBRARY} can't be installed (are Node.js and npm there, and npm's registry reachable?)"
        );
    }
    home.is_dir().then_some(home)
}

/// The library's master, and what it is called back for, step by step.
struct Master {
    program: Agent,
}

impl Master {
    fn start(library: &Path, broker: &Broker, robot: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/foreign/master.mjs");
        let node = |index: u32| json!({ "nodeId": format!("n{index}"), "nodePosition": { "x": f64::from(index) * GAP_M, "y": 0.0, "mapId": "floor" } });
        let nodes: Vec<Value> = (0..NODES).map(node).collect();
        assert_eq!(robot["node"], nodes[0]["nodeId"], "the row begins where the robot stands");
        let mut command = Command::new("node");
        command.arg(script).arg(library).arg(broker.url());
        command.args(["manufacturer", "serial"].map(|key| robot[key].as_str().unwrap()));
        command.arg(json!(nodes).to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self { program: Agent::of(command.spawn().unwrap()) }
    }

    /// What it is called back for until this step is done.
    fn step(&self, name: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        loop {
            let line = self.program.line();
            if line["step"] == name {
                return lines;
            }
            lines.push(line);
        }
    }
}

fn processed(update: u32, active: bool) -> Value {
    json!({ "processed": update, "error": null, "byCancelation": false, "active": active })
}

#[test]
fn a_librarys_master_hears_all_it_waits_for_from_our_robot() {
    let (Some(library), Some(broker)) = (library(), Broker::start()) else { return };
    let folder = Folder::new();
    let (layout, url) = (layout(&folder, NODES, GAP_M), broker.url());
    let arguments = ["robots", "--broker", &url, "--layout", &layout, "--count", "1", "--speed", "4"];
    let robots = Agent::start(&arguments);
    let master = Master::start(&library, &broker, &robots.line());
    master.step("online");
    drives_to_the_end_of_the_base(&master.step("base"));
    assert_eq!(master.step("state"), [json!({ "instant": "stateRequest", "is": "FINISHED" })]);
    let refused =
        json!({ "processed": 1, "error": "orderUpdateError", "byCancelation": false, "active": false });
    assert_eq!(master.step("refused"), [refused]);
    takes_the_update_and_picks(&master.step("update"));
    gives_the_order_up(&master.step("cancelled"));
}

fn drives_to_the_end_of_the_base(heard: &[Value]) {
    let passed = [
        json!({ "node": "n0", "update": 0 }),
        json!({ "edge": "n0-n1", "update": 0 }),
        json!({ "node": "n1", "update": 0 }),
        processed(0, true),
    ];
    assert_eq!(heard, passed, "it waits there, with its horizon ahead");
}

fn takes_the_update_and_picks(heard: &[Value]) {
    let of = |key: &str| heard.iter().filter(|line| !line[key].is_null()).cloned().collect::<Vec<_>>();
    assert_eq!(of("node"), ["n2", "n3"].map(|node| json!({ "node": node, "update": 2 })));
    assert_eq!(of("edge"), ["n1-n2", "n2-n3"].map(|edge| json!({ "edge": edge, "update": 2 })));
    let told = of("action");
    let states: Vec<&str> = told.iter().map(|line| line["is"].as_str().unwrap()).collect();
    assert!(states.contains(&"RUNNING") && states.last() == Some(&"FINISHED"), "{states:?}");
    let at = |line: Value| heard.iter().position(|heard| *heard == line).unwrap();
    let picked = at(json!({ "action": "pick", "is": "FINISHED", "update": 2 }));
    assert!(at(json!({ "node": "n2", "update": 2 })) < picked, "it picks where it was told: {heard:#?}");
    assert!(
        picked < at(json!({ "edge": "n2-n3", "update": 2 })),
        "it goes on when it has picked: {heard:#?}"
    );
    assert_eq!(heard.last(), Some(&processed(2, false)));
}

fn gives_the_order_up(heard: &[Value]) {
    let given_up = json!({ "processed": 0, "error": null, "byCancelation": true, "active": false });
    assert!(heard.contains(&given_up), "{heard:#?}");
    let instants: Vec<&Value> = heard.iter().filter(|line| line["instant"] == "cancelOrder").collect();
    assert_eq!(instants.last().unwrap()["is"], "FINISHED", "{heard:#?}");
    let end = json!({ "node": "n6", "update": 0 });
    assert!(!heard.contains(&end), "it stopped before the order's end: {heard:#?}");
}
