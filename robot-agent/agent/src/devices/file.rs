//! devices.toml: gateways, devices, and where each says what. Everything that is wrong is said at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::addressing::Addressing;
use super::findings::{Findings, Section, nearest};
use super::registers::{Place, Table};
use super::{KINDS, Wired};
use crate::BadInput;
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
    let mut findings = Findings::new(name);
    let mut root = Section::new("", &table);
    let mut gateways = gateways(&mut root, &mut findings);
    devices(&mut root, &mut findings, &mut gateways);
    root.end(&mut findings);
    let file = File { gateways: gateways.into_iter().map(|(gateway, _)| gateway).collect() };
    outputs(&file, &mut findings);
    if findings.lines.is_empty() { Ok(file) } else { Err(BadInput(findings.lines)) }
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
