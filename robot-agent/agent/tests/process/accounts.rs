//! Each robot its own account, on a mosquitto that admits nobody else, with an ACL and with TLS.

use crate::command_line::layout;
use crate::common::{Agent, Broker, Fleet, Folder, Message};
use crate::devices_on_a_plc::{ask, topic};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const FLEET: (&str, &str) = ("drover-dc", "fleet-secret");

/// The fleet, two robots and the agent of the devices; passwords hashed by mosquitto's own tool.
fn rules(folder: &Folder) -> Option<String> {
    let own = |right: &str, kinds: &[&str], serial: &str| {
        let line = |kind: &&str| format!("topic {right} uagv/v2/drover/{serial}/{kind}\n");
        kinds.iter().map(line).collect::<String>()
    };
    let mut acl = format!("user {}\ntopic read uagv/#\ntopic readwrite drover/v1/dc/device/+/+\n", FLEET.0);
    acl += "topic write uagv/+/+/+/order\ntopic write uagv/+/+/+/instantActions\n";
    for serial in ["r01", "r02"] {
        acl += &format!("user robot-drover-{serial}\n");
        acl += &own("read", &["order", "instantActions"], serial);
        acl += &own("write", &["state", "connection", "factsheet", "visualization"], serial);
    }
    acl += "user agent-dc\ntopic write drover/v1/dc/device/D1/state\n\
            topic write drover/v1/dc/device/D1/connection\ntopic read drover/v1/dc/device/D1/request\n";
    folder.write("acl", &acl);
    let passwords =
        format!("{}:{}\nrobot-drover-r01:one\nrobot-drover-r02:two\nagent-dc:three\n", FLEET.0, FLEET.1);
    let passwords = folder.write("passwd", &passwords);
    let hashed = Command::new("mosquitto_passwd").arg("-U").arg(&passwords).status();
    if !hashed.is_ok_and(|status| status.success()) {
        println!("skipped: mosquitto_passwd isn't installed");
        return None;
    }
    // Mosquitto gives up root for a user that can't read the folder.
    Some(format!(
        "user root\nallow_anonymous false\npassword_file {}\nacl_file {}\n",
        passwords.display(),
        folder.0.join("acl").display()
    ))
}

fn online(robot: &str) -> (String, impl Fn(&Message) -> bool) {
    (format!("uagv/v2/drover/{robot}/connection"), |message| message.body["connectionState"] == "ONLINE")
}

#[test]
fn a_robot_speaks_with_its_own_account_and_only_for_itself() {
    let folder = Folder::new();
    let Some(rules) = rules(&folder) else { return };
    let list = "serial,user,password\n,drover-dc,fleet-secret\n,agent-dc,three\n\
                r01,robot-drover-r01,one\nr02,robot-drover-r02,two\n";
    let list = folder.write("credentials.csv", list);
    folder.write("site.toml", "[[device]]\nid = \"D1\"\nkind = \"door\"\nedges = []\n");
    let layout = layout(&folder, 8, 2.0);
    let Some(broker) = Broker::start_with(folder, &rules) else { return };
    let fleet = Fleet::join_as(broker.port, "fleet", Some(FLEET));
    let url = broker.url();
    let (list, count) = (list.to_str().unwrap(), ["--count", "2", "--site-id", "dc"]);
    let agent = Agent::start(
        &[&["robots", "--broker", &url, "--layout", &layout, "--credentials", list][..], &count].concat(),
    );
    for robot in ["r01", "r02"] {
        let (topic, is_online) = online(robot);
        fleet.hear(&topic, is_online);
    }
    fleet.hear(&topic("D1", "connection"), |message| message.body["state"] == "online");
    ask(&fleet, "D1", "open");
    fleet.hear(&topic("D1", "state"), |message| message.body["state"] == "open");
    let thief = Fleet::join_as(broker.port, "thief", Some(("robot-drover-r02", "two")));
    thief.say("uagv/v2/drover/r01/state", &json!({ "stolen": true }));
    thief.say("uagv/v2/drover/r02/state", &json!({ "stolen": true }));
    let is_stolen = |message: &Message| message.body["stolen"] == true;
    fleet.hear("uagv/v2/drover/r02/state", is_stolen);
    let none = Duration::from_millis(300);
    assert!(fleet.hear_within(none, "uagv/v2/drover/r01/state", is_stolen).is_none());
    assert!(thief.hear_within(none, "uagv/v2/drover/r01/state", |_| true).is_none());
    drop(agent);
}

#[test]
fn a_robot_of_a_configuration_has_its_own_account() {
    let folder = Folder::new();
    let Some(rules) = rules(&folder) else { return };
    folder.write("r01.password", "one\n");
    folder.write("wrong.password", "two\n");
    let robot = |serial: &str, password: &str| {
        format!(
            "[[robot]]\nmanufacturer = \"drover\"\nserial = \"{serial}\"\ndriver = \"simulated\"\nmap = \"m\"\nx_m = 0\n\
             y_m = 0\nusername = \"robot-drover-{serial}\"\npassword_file = \"{password}.password\"\n"
        )
    };
    let robots = robot("r01", "r01") + &robot("r02", "wrong").replace("wrong", "absent");
    let Some(broker) = Broker::start_with(folder, &rules) else { return };
    let fleet = Fleet::join_as(broker.port, "fleet", Some(FLEET));
    let mqtt = format!("[mqtt]\nurl = \"{}\"\n", broker.url());
    let file = broker.folder.write("agent.toml", &format!("{mqtt}{robots}"));
    let (code, said) = crate::common::run(&["--config", file.to_str().unwrap()]);
    assert!(
        code == 2 && said.contains("robot[1].password_file = \"absent.password\": can't be read"),
        "{said}"
    );
    let robots = robot("r01", "r01") + &robot("r02", "r01");
    let file = broker.folder.write("agent.toml", &format!("{mqtt}{robots}"));
    let _agent = Agent::start(&["--config", file.to_str().unwrap()]);
    let (topic, is_online) = online("r01");
    fleet.hear(&topic, is_online);
    let (topic, is_online) = online("r02");
    assert!(
        fleet.hear_within(Duration::from_secs(1), &topic, is_online).is_none(),
        "r02 has another's password"
    );
}

/// A CA and a certificate for 127.0.0.1 by it. `None`, with a word, where openssl isn't installed.
fn certificates(folder: &Path) -> Option<()> {
    let openssl = |arguments: &[&str]| {
        let mut command = Command::new("openssl");
        let command = command.current_dir(folder).args(arguments).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let ca = ["req", "-x509", "-subj", "/CN=test-ca", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem"];
    let other =
        ["req", "-x509", "-subj", "/CN=other-ca", "-days", "2", "-keyout", "o.key", "-out", "other.pem"];
    let request = ["req", "-subj", "/CN=broker", "-keyout", "broker.key", "-out", "broker.csr"];
    std::fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let sign = ["x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    let signed = ["-days", "2", "-extfile", "san", "-out", "broker.pem"];
    let is_done = openssl(&[&ca[..], &key].concat())
        && openssl(&[&other[..], &key].concat())
        && openssl(&[&request[..], &key].concat())
        && openssl(&[&sign[..], &signed].concat());
    if !is_done {
        println!("skipped: openssl isn't installed");
    }
    is_done.then_some(())
}

#[test]
fn a_broker_is_trusted_by_its_ca_alone() {
    let folder = Folder::new();
    let Some(()) = certificates(&folder.0) else { return };
    let at = |name: &str| folder.0.join(name).to_str().unwrap().to_owned();
    let layout = layout(&folder, 8, 2.0);
    let rules = format!(
        "user root\nallow_anonymous true\ncafile {}\ncertfile {}\nkeyfile {}\n",
        at("ca.pem"),
        at("broker.pem"),
        at("broker.key")
    );
    let (ca, other) = (at("ca.pem"), at("other.pem"));
    let Some(broker) = Broker::start_with(folder, &rules) else { return };
    let url = format!("mqtts://127.0.0.1:{}", broker.port);
    let arguments = ["robots", "--broker", &url, "--layout", &layout, "--count", "1"];
    let agent = Agent::start(&[&arguments[..], &["--ca", &ca]].concat());
    agent.line();
    assert_eq!(agent.line(), json!({ "ready": 1 }));
    let stranger = Agent::start(&[&arguments[..], &["--ca", &other]].concat());
    stranger.line();
    assert!(stranger.line_within(Duration::from_secs(2)).is_none(), "another CA is trusted");
}
