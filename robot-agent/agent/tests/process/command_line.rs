//! `drover-agent robots`, and how bad input is answered.

use crate::common::{Agent, Broker, Fleet, Folder, run};
use serde_json::{Value, json};

/// Nodes in a row, this far apart, joined both ways.
pub fn layout(folder: &Folder, nodes: u32, gap_m: f64) -> String {
    let node = |index: u32| {
        json!({ "nodeId": format!("n{index}"), "mapId": "floor",
            "nodePosition": { "x": f64::from(index) * gap_m, "y": 0.0 },
            "vehicleTypeNodeProperties": [{ "vehicleTypeId": "amr" }] })
    };
    let edge = |from: u32, to: u32| {
        json!({ "edgeId": format!("{from}-{to}"), "startNodeId": format!("n{from}"), "endNodeId": format!("n{to}"),
            "vehicleTypeEdgeProperties": [{ "vehicleTypeId": "amr", "rotationAllowed": true }] })
    };
    let pairs = || (1..nodes).map(|to| (to - 1, to));
    let edges: Vec<Value> =
        pairs().map(|(a, b)| edge(a, b)).chain(pairs().map(|(a, b)| edge(b, a))).collect();
    let nodes: Vec<Value> = (0..nodes).map(node).collect();
    let part =
        json!({ "layoutId": "floor", "layoutVersion": "1", "nodes": nodes, "edges": edges, "stations": [] });
    let meta = json!({ "projectIdentification": "test", "creator": "test",
        "exportTimestamp": "2026-11-22T12:00:00Z", "lifVersion": "1.0.0" });
    let file = json!({ "metaInformation": meta, "layouts": [part] });
    folder.write("layout.lif.json", &file.to_string()).to_str().unwrap().to_owned()
}

fn site(folder: &Folder) -> String {
    let text = "[[robot_type]]\nvehicle_type = \"amr\"\n[robot_type.battery]\ncapacity_wh = 500\ndrive_w = 100\n\
                idle_w = 10\ncharge_w = 500\n[[parking]]\nnodes = [\"n4\", \"n5\"]\n";
    folder.write("site.toml", text).to_str().unwrap().to_owned()
}

#[test]
fn virtual_robots_park_apart_and_say_when_they_are_ready() {
    let Some(broker) = Broker::start() else { return };
    let (folder, fleet) = (Folder::new(), Fleet::join(broker.port, "fleet"));
    let (layout, site) = (layout(&folder, 8, 2.0), site(&folder));
    let url = broker.url();
    let arguments =
        ["robots", "--broker", &url, "--layout", &layout, "--site", &site, "--count", "3", "--speed", "5"];
    let mut agent = Agent::start(&arguments);
    let robots: Vec<Value> = (0..3).map(|_| agent.line()).collect();
    assert_eq!(robots[0], json!({ "manufacturer": "drover", "serial": "r01", "node": "n4" }));
    assert_eq!((&robots[1]["node"], &robots[2]["serial"]), (&json!("n5"), &json!("r03")));
    assert_eq!(agent.line(), json!({ "ready": 3 }));
    let charge = |robot: &str| {
        let state = fleet.hear(&format!("uagv/v2/drover/{robot}/state"), |_| true);
        state.body["batteryState"]["batteryCharge"].as_f64().unwrap()
    };
    let charges = [charge("r01"), charge("r02"), charge("r03")];
    assert!(charges.iter().all(|charge| (34.9..=100.0).contains(charge)), "{charges:?}");
    assert!(charges[0] != charges[1] && charges[1] != charges[2]);
    assert_eq!(agent.stop(), 0);
}

#[test]
fn offset_leaves_names_and_places_to_another_process() {
    let Some(broker) = Broker::start() else { return };
    let folder = Folder::new();
    let (layout, site) = (layout(&folder, 8, 2.0), site(&folder));
    let url = broker.url();
    let arguments =
        ["robots", "--broker", &url, "--layout", &layout, "--site", &site, "--count", "1", "--offset", "2"];
    let agent = Agent::start(&arguments);
    assert_eq!(agent.line(), json!({ "manufacturer": "drover", "serial": "r03", "node": "n0" }));
}

#[test]
fn more_robots_than_places_is_bad_input() {
    let folder = Folder::new();
    let layout = layout(&folder, 6, 0.5);
    let arguments = ["robots", "--broker", "mqtt://127.0.0.1:1", "--layout", &layout, "--count", "6"];
    let (code, said) = run(&arguments);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--count") && said.contains("use at most"), "{said}");
}

#[test]
fn bad_input_is_answered_with_file_key_value_and_mend() {
    let folder = Folder::new();
    let robot = "[[robot]]\nmanufacturer = \"acme\"\nserial = \"r01\"\ndriver = \"simulated\"\nmap = \"m\"\nx_m = 0\ny_m = 0\n";
    let good = "[mqtt]\nurl = \"mqtt://127.0.0.1:1\"\n";
    let cases = [
        ("not TOML", "[mqtt".to_owned(), "agent.toml"),
        ("no mqtt", robot.to_owned(), "mqtt"),
        ("unknown key", format!("{good}colour = 1\n"), "colour"),
        ("no robots", good.to_owned(), "robot = 0 tables"),
        ("no CA", format!("[mqtt]\nurl = \"mqtts://h\"\nca = \"no.pem\"\n{robot}"), "no.pem"),
        ("needless CA", format!("{good}ca = \"ca.pem\"\n{robot}"), "mqtts://"),
        (
            "no user",
            format!("{good}{robot}password_file = \"x\"\n"),
            "robot[0].password_file = \"x\": has no user",
        ),
        (
            "no password",
            format!("{good}{robot}username = \"u\"\n"),
            "robot[0].username = \"u\": has no password",
        ),
        ("no site", format!("devices = \"devices.toml\"\n{good}"), "site.id = nothing"),
        ("no devices file", format!("devices = \"none.toml\"\n{good}"), "none.toml: can't be read"),
        ("slip", format!("{good}{robot}accept_any_acton = true\n"), "did you mean accept_any_action?"),
        ("driver", format!("{good}{}", robot.replace("simulated", "flying")), "robot[0].driver = \"flying\""),
        (
            "no address",
            format!("{good}{}", robot.replace("simulated", "tcp_lines")),
            "robot[0].address is missing",
        ),
        (
            "another's key",
            format!("{good}{robot}address = \"h:1\"\n"),
            "robot[0].address = \"h:1\": isn't a key",
        ),
        (
            "address",
            format!("{good}{}address = \"h\"\n", robot.replace("simulated", "tcp_lines")),
            "robot[0].address = \"h\": has no port",
        ),
        ("serial", format!("{good}{}", robot.replace("r01", "r/1")), "robot[0].serial"),
        ("twice", format!("{good}{robot}{robot}"), "twice"),
        ("place", format!("{good}{}", robot.replace("x_m = 0", "")), "robot[0].node"),
        ("type", format!("{good}{robot}type = \"x\"\n"), "robot[0].type"),
        (
            "speed",
            format!("{good}{robot}[[robot_type]]\nvehicle_type = \"x\"\nspeed_mm_s = 0\n"),
            "speed_mm_s = 0",
        ),
        ("charge", format!("{good}{robot}charge_pct = 120\n"), "robot[0].charge_pct = 120"),
    ];
    for (name, text, wanted) in cases {
        let file = folder.write("agent.toml", &text);
        let (code, said) = run(&["--config", file.to_str().unwrap()]);
        assert_eq!(code, 2, "{name}: {said}");
        assert!(said.contains(wanted) && said.contains("agent.toml"), "{name}: {said}");
    }
    for arguments in [&["--config", "missing.toml"][..], &[], &["robots", "--count", "0"]] {
        assert_eq!(run(arguments).0, 2, "{arguments:?}");
    }
}

#[test]
fn help_has_examples() {
    for arguments in [&["--help"][..], &["robots", "--help"], &["plc", "--help"], &["conform", "--help"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_drover-agent"));
        let output = command.args(arguments).output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().contains("Examples:"));
    }
}
