//! Other people's Modbus: our agent drives a PLC by pymodbus; pymodbus and libmodbus drive our simulated PLC.

use crate::common::{Agent, Broker, Fleet, Folder};
use crate::devices_on_a_plc::{agent, ask, hear, topic};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PYMODBUS: &str = "pymodbus==3.16.1";

const DOORS: &str = "
[[device]]
id = \"D1\"
kind = \"door\"
gateway = \"plc\"
command = { coil = 0 }
opened = { discrete = 0 }
closed = { discrete = 1 }
moving = { discrete = 2 }
[[device]]
id = \"D2\"
kind = \"door\"
gateway = \"plc\"
command = { holding = 0, open = 1, close = 2 }
opened = { input = 0, bit = 0 }
closed = { input = 0, bit = 1 }
moving = { input = 0, bit = 2 }
";

fn devices(folder: &Folder, port: &str) -> PathBuf {
    let gateway = format!(
        "[[gateway]]\nid = \"plc\"\nurl = \"modbus-tcp://127.0.0.1:{port}\"\npoll_ms = 50\ntimeout_ms = 5000\n\
         heartbeat = {{ holding = 7, every_ms = 600000 }}\n"
    );
    folder.write("devices.toml", &format!("{gateway}{DOORS}"))
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/foreign").join(name)
}

/// Python with pymodbus, in an environment under the build's folder. `None`, with a word, where it can't be had.
fn python() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PYMODBUS);
    let python = home.join("bin/python");
    let has_it = || succeeds(Command::new(&python).args(["-c", "import pymodbus.simulator"]));
    if has_it() {
        return Some(python);
    }
    let venv = succeeds(Command::new("python3").args(["-m", "venv"]).arg(&home));
    let mut install = Command::new(&python);
    let is_there = venv && succeeds(install.args(["-m", "pip", "install", "--quiet", PYMODBUS])) && has_it();
    if !is_there {
        println!("skipped: {PYMODBUS} can't be installed (is python3-venv there, and PyPI reachable?)");
    }
    is_there.then_some(python)
}

fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn our_agent_drives_the_doors_of_a_pymodbus_plc() {
    let (Some(python), Some(broker)) = (python(), Broker::start()) else { return };
    let mut command = Command::new(python);
    let command = command.arg(script("plc.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let plc = Agent::of(command.spawn().unwrap());
    let (folder, fleet) = (Folder::new(), Fleet::join(broker.port, "fleet"));
    devices(&folder, &plc.line().to_string());
    let _agent = Agent::start(&["--config", &agent(&folder, &broker.url())]);
    for device in ["D1", "D2"] {
        fleet.hear(&topic(device, "state"), |message| message.body["state"] == "closed");
        for (want, way) in [("open", "opening"), ("closed", "closing"), ("open", "opening")] {
            ask(&fleet, device, want);
            hear(&fleet, device, way, want);
            hear(&fleet, device, want, want);
        }
    }
}

/// Our simulated PLC, and the port it listens on.
fn plc(folder: &Folder) -> (Agent, String) {
    let devices = devices(folder, "1");
    let plc = Agent::start(&["plc", "--devices", devices.to_str().unwrap(), "--speed", "5"]);
    let address = plc.line()["listening"].as_str().unwrap().to_owned();
    let port = address.rsplit(':').next().unwrap().to_owned();
    (plc, port)
}

fn says_all_is_well(client: &mut Command) {
    let output = client.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success() && said.contains("all well"), "{said}");
}

#[test]
fn a_pymodbus_client_drives_our_plc() {
    let Some(python) = python() else { return };
    let folder = Folder::new();
    let (_plc, port) = plc(&folder);
    says_all_is_well(Command::new(python).arg(script("client.py")).arg(&port));
}

#[test]
fn a_libmodbus_client_drives_our_plc() {
    let folder = Folder::new();
    let program = folder.0.join("client");
    let mut compile = Command::new("cc");
    if !succeeds(compile.arg(script("client.c")).arg("-o").arg(&program).arg("-lmodbus")) {
        println!("skipped: no C compiler, or libmodbus-dev isn't installed");
        return;
    }
    let (_plc, port) = plc(&folder);
    says_all_is_well(Command::new(program).arg(&port));
}
