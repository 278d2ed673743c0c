//! Doors behind our own simulated PLC, on a real mosquitto: asked, stuck, silenced; PLC, broker and agent killed.

use crate::common::{Agent, Broker, Fleet, Folder, Message, free_port};
use serde_json::{Value, json};

pub const SITE: &str = "dc";

/// Two doors side by side, 200 ms each way.
const DOORS: &str = "
[[device]]
id = \"D1\"
kind = \"door\"
gateway = \"plc\"
command = { coil = 0 }
opened = { discrete = 0 }
closed = { discrete = 1 }
fault = { discrete = 2 }
travel_ms_max = 1000
simulated = { open_ms = 200, close_ms = 200 }

[[device]]
id = \"D2\"
kind = \"door\"
gateway = \"plc\"
command = { open_coil = 10, close_coil = 11, pulse_ms = 100, repeat_ms = 1000 }
opened = { input = 10, bit = 0 }
closed = { input = 10, bit = 1 }
simulated = { open_ms = 200, close_ms = 200 }
";

/// One PLC at this port, with a heartbeat each way.
fn devices(folder: &Folder, port: u16) -> String {
    let gateway = format!(
        "[[gateway]]\nid = \"plc\"\nurl = \"modbus-tcp://127.0.0.1:{port}\"\npoll_ms = 50\ntimeout_ms = 2000\n\
         retry_ms_max = 500\nheartbeat = {{ holding = 7, every_ms = 100 }}\nwatch = {{ input = 7, stale_ms = 2000 }}\n"
    );
    folder.write("devices.toml", &format!("{gateway}{DOORS}")).to_str().unwrap().to_owned()
}

/// An agent's configuration with the devices of the folder.
pub fn agent(folder: &Folder, url: &str) -> String {
    let text =
        format!("[mqtt]\nurl = \"{url}\"\n[site]\nid = \"{SITE}\"\n[devices]\nfile = \"devices.toml\"\n");
    folder.write("agent.toml", &text).to_str().unwrap().to_owned()
}

pub fn topic(device: &str, name: &str) -> String {
    format!("drover/v1/{SITE}/device/{device}/{name}")
}

pub fn ask(fleet: &Fleet, device: &str, want: &str) {
    fleet.say(&topic(device, "request"), &json!({ "v": 1, "at": "2026-11-22T12:00:00Z", "want": want }));
}

/// The first state of this kind, followed for this request.
pub fn hear(fleet: &Fleet, device: &str, state: &str, want: &str) -> Value {
    let fits = |message: &Message| message.body["state"] == state && message.body["want"] == want;
    fleet.hear(&topic(device, "state"), fits).body
}

fn hear_reason(fleet: &Fleet, device: &str, state: &str, reason: &str) {
    let fits = |message: &Message| {
        let said = message.body["reason"].as_str().unwrap_or_default();
        message.body["state"] == state && said.contains(reason)
    };
    fleet.hear(&topic(device, "state"), fits);
}

fn presence(fleet: &Fleet, device: &str, state: &str) -> Message {
    fleet.hear(&topic(device, "connection"), |message| message.body["state"] == state)
}

struct Hall {
    folder: Folder,
    address: String,
    devices: String,
    plc: Agent,
}

impl Hall {
    fn new() -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let devices = devices(&folder, port);
        let address = format!("127.0.0.1:{port}");
        let plc = plc(&address, &devices);
        Self { folder, address, devices, plc }
    }

    fn restart(&mut self) {
        self.plc = plc(&self.address, &self.devices);
    }
}

fn plc(address: &str, devices: &str) -> Agent {
    let plc = Agent::start(&["plc", "--listen", address, "--devices", devices]);
    assert_eq!(plc.line(), json!({ "listening": address, "devices": 2 }));
    plc
}

#[test]
fn doors_open_and_shut_when_asked_and_what_is_wrong_is_said() {
    let Some(broker) = Broker::start() else { return };
    let (mut hall, fleet) = (Hall::new(), Fleet::join(broker.port, "fleet"));
    let _agent = Agent::start(&["--config", &agent(&hall.folder, &broker.url())]);
    let at_first = |message: &Message| message.body["state"] == "closed";
    assert_eq!(fleet.hear(&topic("D1", "state"), at_first).body["want"], Value::Null);
    for device in ["D1", "D2"] {
        ask(&fleet, device, "open");
        hear(&fleet, device, "opening", "open");
        hear(&fleet, device, "open", "open");
        ask(&fleet, device, "closed");
        hear(&fleet, device, "closing", "closed");
        hear(&fleet, device, "closed", "closed");
    }
    hall.plc.order("D1 stuck-closed");
    ask(&fleet, "D1", "open");
    hear_reason(&fleet, "D1", "closed", "told to open more than 1 s ago");
    ask(&fleet, "D2", "open");
    hear(&fleet, "D2", "open", "open");
    hall.plc.order("D1 ok");
    hear(&fleet, "D1", "open", "open");
    hall.plc.order("D1 fault");
    hear_reason(&fleet, "D1", "fault", "its fault input is set");
    hall.plc.order("D1 ok");
    hear(&fleet, "D1", "open", "open");
}

#[test]
fn a_silent_device_is_unknown_and_its_neighbours_arent() {
    let Some(broker) = Broker::start() else { return };
    let (mut hall, fleet) = (Hall::new(), Fleet::join(broker.port, "fleet"));
    let _agent = Agent::start(&["--config", &agent(&hall.folder, &broker.url())]);
    presence(&fleet, "D1", "online");
    ask(&fleet, "D1", "open");
    hear(&fleet, "D1", "open", "open");
    hall.plc.order("D2 silent");
    hear_reason(&fleet, "D2", "unknown", "the PLC refuses to read");
    ask(&fleet, "D1", "closed");
    hear(&fleet, "D1", "closed", "closed");
    hall.plc.order("D2 ok");
    fleet.hear(&topic("D2", "state"), |message| message.body["state"] == "closed");
    hall.plc.order("plc frozen");
    hear_reason(&fleet, "D1", "unknown", "heartbeat");
    hall.plc.order("plc ok");
    hear(&fleet, "D1", "closed", "closed");
    hall.plc.order("plc silent");
    hear_reason(&fleet, "D1", "unknown", "no answer within 2000 ms");
    hall.plc.order("plc ok");
    hear(&fleet, "D1", "closed", "closed");
}

#[test]
fn a_killed_plc_is_told_again_what_is_wanted() {
    let Some(broker) = Broker::start() else { return };
    let (mut hall, fleet) = (Hall::new(), Fleet::join(broker.port, "fleet"));
    let _agent = Agent::start(&["--config", &agent(&hall.folder, &broker.url())]);
    presence(&fleet, "D2", "online");
    presence(&fleet, "D1", "online");
    for device in ["D1", "D2"] {
        ask(&fleet, device, "open");
        hear(&fleet, device, "open", "open");
    }
    hall.plc.kill();
    for device in ["D1", "D2"] {
        hear_reason(&fleet, device, "unknown", "no contact with gateway plc");
    }
    hall.restart();
    for device in ["D1", "D2"] {
        hear(&fleet, device, "open", "open");
    }
}

/// Its answers come late: a Modbus context that has missed one answer reads every later one as the answer before.
#[test]
fn a_plc_that_answers_late_is_believed_again_afterwards() {
    let Some(broker) = Broker::start() else { return };
    let (hall, fleet) = (Hall::new(), Fleet::join(broker.port, "fleet"));
    let _agent = Agent::start(&["--config", &agent(&hall.folder, &broker.url())]);
    presence(&fleet, "D1", "online");
    for want in ["open", "closed"] {
        ask(&fleet, "D1", want);
        hear(&fleet, "D1", want, want);
        hall.plc.signal("-STOP");
        hear_reason(&fleet, "D1", "unknown", "no contact with gateway plc");
        hall.plc.signal("-CONT");
        hear(&fleet, "D1", want, want);
    }
}

#[test]
fn the_last_level_stands_while_the_broker_is_dead_and_an_agents_death_is_told() {
    let Some(mut broker) = Broker::start() else { return };
    let (hall, fleet) = (Hall::new(), Fleet::join(broker.port, "fleet"));
    let config = agent(&hall.folder, &broker.url());
    let mut agent = Agent::start(&["--config", &config]);
    // Each device has a connection and a will of its own: both must be there, and be back, before the agent dies.
    let both_are = |state| ["D1", "D2"].map(|device| presence(&fleet, device, state));
    both_are("online");
    ask(&fleet, "D1", "open");
    hear(&fleet, "D1", "open", "open");
    broker.kill();
    broker.restart();
    both_are("online");
    hear(&fleet, "D1", "open", "open");
    agent.kill();
    both_are("lost");
    let late = Fleet::join(broker.port, "late");
    assert!(presence(&late, "D1", "lost").retained);
    let mut agent = Agent::start(&["--config", &config]);
    presence(&fleet, "D1", "online");
    let is_left = |message: &Message| message.body["state"] == "open" && message.body["want"] == Value::Null;
    fleet.hear(&topic("D1", "state"), is_left);
    ask(&fleet, "D1", "open");
    hear(&fleet, "D1", "open", "open");
    assert_eq!(agent.stop(), 0);
    presence(&fleet, "D1", "offline");
}

#[test]
fn malformed_requests_change_nothing() {
    let Some(broker) = Broker::start() else { return };
    let (hall, fleet) = (Hall::new(), Fleet::join(broker.port, "fleet"));
    let mut agent = Agent::start(&["--config", &agent(&hall.folder, &broker.url())]);
    presence(&fleet, "D1", "online");
    for body in
        ["{", "{\"v\":2,\"at\":\"\",\"want\":\"open\"}", "{\"v\":1,\"at\":\"\",\"want\":\"ajar\"}", ""]
    {
        fleet.say_raw(&topic("D1", "request"), body);
    }
    ask(&fleet, "D1", "closed");
    hear(&fleet, "D1", "closed", "closed");
    assert!(agent.is_running());
}

#[test]
fn bad_orders_to_a_plc_are_bad_input() {
    let folder = Folder::new();
    let devices = devices(&folder, 1);
    for (arguments, wanted) in [
        (vec!["--fault", "D3=ok"], "did you mean D1?"),
        (vec!["--fault", "D1=stuck"], "no such fault"),
        (vec!["--gateway", "plk"], "use plc"),
    ] {
        let arguments = [vec!["plc", "--devices", &devices], arguments].concat();
        let (code, said) = crate::common::run(&arguments);
        assert!(code == 2 && said.contains(wanted), "{said}");
    }
}
