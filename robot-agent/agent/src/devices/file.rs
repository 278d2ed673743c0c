//! devices.toml: gateways, devices, and where each says what. Everything that is wrong is said at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::addressing::Addressing;
use super::registers::{Place, Table};
use super::{KINDS, Wired};
use crate::BadInput;
use crate::findings::{Findings, Section, nearest};
use crate::robot::name_fault;

const BYTES_MAX: u64 = 4 * 1024 * 1024;
const GATEWAYS_MAX: usize = 64;
const DEVICES_MAX: usize = 1_000;
const PORT_DEFAULT: u16 = 502;
const URL_EXAMPLE: &str = "\"modbus-tcp://192.0.2.10:502\"";

/// A whole devices.toml.
#[derive(Debug, Default)]
pub struct File {
    /// In the file's order.
    pub gateways: Vec<Gateway>,
}

/// One PLC or gateway, and the devices behind it.
#[derive(Debug)]
pub struct Gateway {
    /// Its name in messages.
    pub id: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Longest wait for a connection or an answer.
    pub timeout: Duration,
    /// Pause between two polls.
    pub poll: Duration,
    /// Longest pause between two tries to connect.
    pub retry_max: Duration,
    /// Unwanted places that may be read along between two wanted ones.
    pub gap_max: u16,
    /// What we count up.
    pub heartbeat: Option<Heartbeat>,
    /// What the PLC counts up.
    pub watch: Option<Watch>,
    /// In the file's order.
    pub devices: Vec<Entry>,
}

/// A holding register that the agent counts up, so that the PLC sees that it lives.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    /// Where.
    pub place: Place,
    /// How often, ms.
    pub every_ms: u64,
}

/// A register that the PLC changes while its program runs.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// Where.
    pub place: Place,
    /// The longest time without a change, ms.
    pub stale_ms: u64,
}

/// One device.
#[derive(Debug)]
pub struct Entry {
    /// Its id in the site file and in topics.
    pub id: String,
    /// How it is wired.
    pub wired: Box<dyn Wired>,
}

/// Reads and judges a devices.toml.
pub fn read(path: &Path) -> anyhow::Result<File> {
    let cant =
        |why: &dyn std::fmt::Display| BadInput::one(format!("{}: can't be read: {why}", path.display()));
    let size = fs::metadata(path).map_err(|error| cant(&error))?.len();
    if size > BYTES_MAX {
        return Err(cant(&format!("it has {size} bytes, {BYTES_MAX} at most")).into());
    }
    let text = fs::read_to_string(path).map_err(|error| cant(&error))?;
    Ok(parse(&path.display().to_string(), &text)?)
}

/// The same for a text; `name` stands in the findings.
pub fn parse(name: &str, text: &str) -> Result<File, BadInput> {
    let table: toml::Table =
        toml::from_str(text).map_err(|error| BadInput::one(format!("{name}: {error}")))?;
    let (file, findings) = judge(name, &table);
    if findings.lines.is_empty() { Ok(file) } else { Err(BadInput(findings.lines)) }
}

fn judge(name: &str, table: &toml::Table) -> (File, Findings) {
    let mut findings = Findings::new(name);
    let mut root = Section::new("", table);
    let mut gateways = gateways(&mut root, &mut findings);
    devices(&mut root, &mut findings, &mut gateways);
    root.end(&mut findings);
    let file = File { gateways: gateways.into_iter().map(|(gateway, _)| gateway).collect() };
    outputs(&file, &mut findings);
    (file, findings)
}

fn gateways(root: &mut Section<'_>, findings: &mut Findings) -> Vec<(Gateway, Addressing)> {
    let sections = root.list(findings, "gateway");
    if sections.is_empty() || sections.len() > GATEWAYS_MAX {
        let mend = format!("write 1 to {GATEWAYS_MAX} [[gateway]] tables");
        findings.add("gateway", format!("{} tables", sections.len()), mend);
    }
    let mut ids = BTreeSet::new();
    let mut gateways = Vec::new();
    for section in sections.into_iter().take(GATEWAYS_MAX) {
        let path = section.path.clone();
        let (gateway, addressing) = gateway(section, findings);
        if !ids.insert(gateway.id.clone()) {
            let mend = "is there twice; each gateway needs its own";
            findings.add(format!("{path}.id"), format!("{:?}", gateway.id), mend);
        }
        gateways.push((gateway, addressing));
    }
    gateways
}

fn gateway(mut section: Section<'_>, findings: &mut Findings) -> (Gateway, Addressing) {
    let id = id(&mut section, findings, "\"dock-plc\"");
    let (host, port) = match section.text(findings, "url", URL_EXAMPLE) {
        Some(url) => address(url).unwrap_or_else(|mend| {
            findings.add(section.key("url"), format!("{url:?}"), mend);
            Default::default()
        }),
        None => Default::default(),
    };
    let unit = section.number(findings, "unit", 0..=255, 1) as u8;
    let from = section.number(findings, "addresses_from", 0..=1, 0) as u16;
    let addressing = Addressing { unit, from };
    let timeout = milliseconds(&mut section, findings, "timeout_ms", 10..=60_000, 1_000);
    let poll = milliseconds(&mut section, findings, "poll_ms", 10..=5_000, 200);
    let retry_max = milliseconds(&mut section, findings, "retry_ms_max", 100..=600_000, 5_000);
    let gap_max = section.number(findings, "gap_max", 0..=1_000, 16) as u16;
    let heartbeat =
        section.section(findings, "heartbeat", "{ holding = 0, every_ms = 1000 }").map(|mut own| {
            let place = addressing.place(&mut own, findings, "holding", Table::Holding);
            let every_ms = own.number(findings, "every_ms", 50..=600_000, 1_000).into();
            own.end(findings);
            Heartbeat { place, every_ms }
        });
    let watch = section.section(findings, "watch", "{ input = 0, stale_ms = 3000 }").and_then(|mut own| {
        let place = addressing.any(&mut own, findings, &[Table::Input, Table::Holding]);
        let stale_ms = own.number(findings, "stale_ms", 100..=600_000, 3_000).into();
        own.end(findings);
        Some(Watch { place: place?, stale_ms })
    });
    section.end(findings);
    let devices = Vec::new();
    (Gateway { id, host, port, timeout, poll, retry_max, gap_max, heartbeat, watch, devices }, addressing)
}

fn milliseconds(
    section: &mut Section<'_>,
    findings: &mut Findings,
    key: &'static str,
    range: std::ops::RangeInclusive<u32>,
    default: u32,
) -> Duration {
    Duration::from_millis(section.number(findings, key, range, default).into())
}

/// An id that can stand in a topic.
fn id(section: &mut Section<'_>, findings: &mut Findings, example: &str) -> String {
    let id = section.text(findings, "id", example).unwrap_or_default();
    if section.has("id")
        && let Some(fault) = name_fault(id)
    {
        findings.add(section.key("id"), format!("{id:?}"), format!("{fault}; use letters and digits"));
    }
    id.to_owned()
}

/// `modbus-tcp://host[:port]`. The error is the mend.
fn address(url: &str) -> Result<(String, u16), String> {
    let wrong = || format!("write {URL_EXAMPLE}");
    let rest = url.strip_prefix("modbus-tcp://").ok_or_else(wrong)?.trim_end_matches('/');
    let (host, port) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None => PORT_DEFAULT,
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or("its port isn't 1 to 65535")?,
    };
    let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/@?#".contains(c));
    is_host.then(|| (host.to_owned(), port)).ok_or_else(wrong)
}

fn devices(root: &mut Section<'_>, findings: &mut Findings, gateways: &mut [(Gateway, Addressing)]) {
    let sections = root.list(findings, "device");
    if sections.is_empty() || sections.len() > DEVICES_MAX {
        let mend = format!("write 1 to {DEVICES_MAX} [[device]] tables");
        findings.add("device", format!("{} tables", sections.len()), mend);
    }
    let mut ids = BTreeSet::new();
    for mut section in sections.into_iter().take(DEVICES_MAX) {
        let id = id(&mut section, findings, "\"DOOR-1\"");
        if !id.is_empty() && !ids.insert(id.clone()) {
            findings.add(section.key("id"), format!("{id:?}"), "is there twice; each device needs its own");
        }
        let home = section.text(findings, "gateway", "\"dock-plc\"");
        let mut slot = home.and_then(|home| gateways.iter_mut().find(|(gateway, _)| gateway.id == home));
        let addressing = slot.as_ref().map_or(Addressing { unit: 1, from: 0 }, |(_, addressing)| *addressing);
        let wired = device(&mut section, findings, addressing);
        if let (Some((gateway, _)), Some(wired)) = (&mut slot, wired) {
            gateway.devices.push(Entry { id, wired });
        } else if let (Some(home), None) = (home, slot) {
            let known: Vec<&str> = gateways.iter().map(|(gateway, _)| gateway.id.as_str()).collect();
            let mend = format!("no such gateway; {}", nearest(home, &known));
            findings.add(section.key("gateway"), format!("{home:?}"), mend);
        }
        section.end(findings);
    }
}

fn device(
    section: &mut Section<'_>,
    findings: &mut Findings,
    of_gateway: Addressing,
) -> Option<Box<dyn Wired>> {
    let unit = section.number(findings, "unit", 0..=255, of_gateway.unit.into()) as u8;
    let kind = section.text(findings, "kind", "\"door\"")?;
    let Some((_, read)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        let known: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        let mend = format!("no such kind; {}", nearest(kind, &known));
        findings.add(section.key("kind"), format!("{kind:?}"), mend);
        return None;
    };
    read(section, findings, Addressing { unit, ..of_gateway })
}

/// No place is written by two.
fn outputs(file: &File, findings: &mut Findings) {
    for gateway in &file.gateways {
        let mut writers: BTreeMap<Place, &str> = BTreeMap::new();
        writers.extend(gateway.heartbeat.map(|heartbeat| (heartbeat.place, "heartbeat")));
        for device in &gateway.devices {
            for place in device.wired.outputs() {
                if let Some(other) = writers.insert(place, &device.id) {
                    let key = format!("device {:?}.command", device.id);
                    findings.add(key, place, format!("{other} writes it too; each needs its own"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../devices.example.toml");

    #[test]
    fn the_example_names_every_key_and_no_other() {
        let (file, findings) = judge("devices.example.toml", &toml::from_str(EXAMPLE).unwrap());
        assert_eq!(findings.lines, Vec::<String>::new());
        assert_eq!(file.gateways[0].devices.len(), 3);
        assert!(findings.known.len() > 30, "{:?}", findings.known);
        for key in &findings.known {
            let is_there = EXAMPLE.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == *key);
            assert!(is_there, "the example doesn't name {key}");
        }
    }

    #[test]
    fn the_example_states_the_defaults() {
        let bare = |text: &str| format!("{:?}", parse("bare", text).unwrap().gateways);
        let start = "[[gateway]]\nid = \"g\"\nurl = \"modbus-tcp://h\"\n";
        let door = "[[device]]\nid = \"d\"\nkind = \"door\"\ngateway = \"g\"\nopened = { discrete = 0 }\nclosed = { discrete = 1 }\n";
        let said = "unit = 1\naddresses_from = 0\ntimeout_ms = 1000\npoll_ms = 200\nretry_ms_max = 5000\ngap_max = 16\n";
        let told = "unit = 1\ncommand = { coil = 0, open = 1, close = 0, read_back = true }\ntravel_ms_max = 15000\nsimulated = { open_ms = 2000, close_ms = 3000 }\n";
        let spelt_out = bare(&format!("{start}{said}{door}{told}"));
        assert_eq!(bare(&format!("{start}{door}command = {{ coil = 0 }}\n")), spelt_out);
        for line in said.lines().chain(told.lines().skip(2)) {
            assert!(EXAMPLE.contains(line), "{line}");
        }
    }

    /// The line or lines of the example, changed.
    fn said(from: &str, to: &str) -> String {
        assert!(EXAMPLE.contains(from), "{from}");
        parse("devices.toml", &EXAMPLE.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn findings_name_file_key_value_and_mend() {
        for (from, to, wanted) in [
            ("[[gateway]]", "[[gateways]]", "gateways = [{"),
            (
                "gap_max = 16",
                "gap_maks = 16",
                "gateway[0].gap_maks = 16: isn't a key here; did you mean gap_max?",
            ),
            (
                "\"modbus-tcp://192.0.2.10:502\"",
                "\"http://h\"",
                "gateway[0].url = \"http://h\": write \"modbus-tcp://",
            ),
            (":502\"", ":0\"", "its port isn't 1 to 65535"),
            ("poll_ms = 200", "poll_ms = \"fast\"", "poll_ms = \"fast\": write a whole number, 10 to 5000"),
            ("timeout_ms = 1000", "timeout_ms = 0", "gateway[0].timeout_ms = 0: use 10 to 60000"),
            (
                "kind = \"door\"",
                "kind = \"dor\"",
                "device[0].kind = \"dor\": no such kind; did you mean door?",
            ),
            ("gateway = \"dock-plc\"", "gateway = \"dok-plc\"", "no such gateway; did you mean dock-plc?"),
            ("id = \"DOOR-2\"", "id = \"DOOR-1\"", "device[1].id = \"DOOR-1\": is there twice"),
            ("id = \"DOOR-2\"", "id = \"a/b\"", "device[1].id = \"a/b\": holds a slash"),
            ("opened = { discrete = 0 }", "", "device[0].opened = nothing: is missing"),
            (
                "opened = { discrete = 0 }",
                "opened = { discrete = 70000 }",
                "opened.discrete = 70000: use 0 to 65535",
            ),
            (
                "opened = { discrete = 0 }",
                "opened = { discrete = 0, coil = 1 }",
                "name one of coil, discrete",
            ),
            ("opened = { discrete = 0 }", "opened = { discrete = 0, bit = 1 }", "is one bit"),
            ("opened = { discrete = 0 }", "opened = { discrete = 1 }", "is the place of opened too"),
            ("input = 10, bit = 0 }", "input = 10, bit = 16 }", "opened.bit = 16: use 0 to 15"),
            (
                "\"high-first\", equals",
                "\"big\", equals",
                "word_order = \"big\": use high-first or low-first",
            ),
            ("holding = 10, open = 1", "holding = 10, open = 2", "is the value of open too"),
            ("close_coil = 21", "close_coil = 20", "is open_coil too"),
            ("holding = 10, open", "holding = 100, open", "heartbeat writes it too"),
            (", close_coil = 21", "", "command.close_coil = nothing: is missing"),
            ("repeat_ms = 5000", "repeat_ms = 500", "repeat_ms = 500: isn't longer than pulse_ms"),
        ] {
            let said = said(from, to);
            assert!(said.contains(wanted), "{to}: {said}");
            assert!(said.lines().all(|line| line.starts_with("devices.toml: ")), "{said}");
        }
        assert!(parse("devices.toml", "[[").unwrap_err().to_string().starts_with("devices.toml: "));
    }

    #[test]
    fn all_findings_are_said_at_once() {
        let text = EXAMPLE
            .replace("coil = 0", "coil = -1")
            .replace("poll_ms = 200", "poll = 2")
            .replace(":502\"", ":x\"");
        assert_eq!(parse("f", &text).unwrap_err().0.len(), 3);
    }

    #[test]
    fn addresses_may_be_counted_from_one() {
        let text = EXAMPLE.replace("addresses_from = 0", "addresses_from = 1");
        let said = parse("f", &text).unwrap_err().to_string();
        assert!(said.contains("device[0].opened.discrete = 0: use 1 to 65536"), "{said}");
        let text = text.replace("coil = 0", "coil = 65536").replace("discrete = 0", "discrete = 9");
        let file = parse("f", &text).unwrap();
        let door = &file.gateways[0].devices[0].wired;
        assert_eq!(door.outputs()[0].address, 65_535);
        assert!(door.inputs().iter().any(|place| place.address == 8));
    }

    #[test]
    fn every_door_of_the_site_is_wired_and_no_other() {
        let maps = concat!(env!("CARGO_MANIFEST_DIR"), "/../../maps/sites/fresh-dc");
        let site: toml::Table =
            toml::from_str(&fs::read_to_string(format!("{maps}/site.toml")).unwrap()).unwrap();
        let named = site["device"].as_array().unwrap().iter();
        let named: BTreeSet<String> = named.map(|device| device["id"].as_str().unwrap().to_owned()).collect();
        let file = read(Path::new(&format!("{maps}/devices.toml"))).unwrap();
        let wired = file.gateways.iter().flat_map(|gateway| &gateway.devices);
        assert_eq!(wired.map(|device| device.id.clone()).collect::<BTreeSet<_>>(), named);
        assert_eq!(named.len(), 13);
    }
}
