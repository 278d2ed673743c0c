//! The agent's configuration: read, judged, and every fault said with file, key, value and mend.

use crate::BadInput;
use crate::broker::Broker;
use crate::drivers;
use crate::robot::{self, Robot, level_fault, name_fault};
use crate::run::{Devices, Site};
use crate::virtual_robots::read_layout;
use drover_agent_core::{BatterySpec, Identity, Options, Spec, Start};
use drover_maps::Layout;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::path::Path;

const ROBOTS_MAX: usize = 2_000;
const COORDINATE_MAX_M: f64 = 1e6;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    mqtt: Mqtt,
    layout: Option<String>,
    site: Option<String>,
    #[serde(default)]
    robot_type: Vec<Type>,
    #[serde(default)]
    robot: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mqtt {
    url: String,
    #[serde(default = "interface")]
    interface: String,
    password_file: Option<String>,
}

fn interface() -> String {
    "uagv".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Type {
    vehicle_type: String,
    length_mm: Option<u32>,
    width_mm: Option<u32>,
    speed_mm_s: Option<u32>,
    accel_mm_s2: Option<u32>,
    turn_mdeg_s: Option<u32>,
    battery: Option<Battery>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Battery {
    capacity_wh: u32,
    drive_w: u32,
    idle_w: u32,
    charge_w: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    manufacturer: String,
    serial: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    driver: String,
    interface: Option<String>,
    node: Option<String>,
    map: Option<String>,
    x_m: Option<f64>,
    y_m: Option<f64>,
    theta_rad: Option<f64>,
    charge_pct: Option<f64>,
    #[serde(default)]
    accept_any_action: bool,
}

/// Reads and judges a configuration file. `DROVER_MQTT__URL` and `DROVER_MQTT__INTERFACE` go before its keys.
pub fn load(path: &Path) -> anyhow::Result<Site> {
    let text = fs::read_to_string(path)
        .map_err(|error| BadInput::one(format!("{}: can't be read: {error}", path.display())))?;
    let mut file: File =
        toml::from_str(&text).map_err(|error| BadInput::one(format!("{}: {error}", path.display())))?;
    if let Ok(url) = std::env::var("DROVER_MQTT__URL") {
        file.mqtt.url = url;
    }
    if let Ok(interface) = std::env::var("DROVER_MQTT__INTERFACE") {
        file.mqtt.interface = interface;
    }
    judge(&file, path)
}

fn judge(file: &File, path: &Path) -> anyhow::Result<Site> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let layout = match &file.layout {
        Some(layout) => {
            let site = file.site.as_ref().map(|site| folder.join(site));
            Some(read_layout(&folder.join(layout), site.as_deref())?)
        }
        None => None,
    };
    let mut judge = Judge { path, layout, types: Vec::new(), findings: Vec::new() };
    let broker = judge.broker(&file.mqtt, folder);
    for (index, kind) in file.robot_type.iter().enumerate() {
        judge.kind(index, kind);
    }
    let robots = judge.robots(file);
    match broker {
        Some(broker) if judge.findings.is_empty() => {
            Ok(Site { broker, speed: 1.0, robots, announce: false, devices: Devices::None })
        }
        Some(_) | None => Err(BadInput(judge.findings).into()),
    }
}

struct Judge<'a> {
    path: &'a Path,
    layout: Option<Layout>,
    types: Vec<Spec>,
    findings: Vec<String>,
}

impl Judge<'_> {
    fn find(&mut self, key: impl Display, value: impl Display, mend: impl Display) {
        self.findings.push(format!("{}: {key} = {value}: {mend}", self.path.display()));
    }

    fn broker(&mut self, mqtt: &Mqtt, folder: &Path) -> Option<Broker> {
        for level in mqtt.interface.split('/') {
            if let Some(fault) = level_fault(level) {
                self.find("mqtt.interface", &mqtt.interface, format!("a level {fault}; use e.g. \"uagv\""));
            }
        }
        let mut broker = match Broker::parse(&mqtt.url) {
            Ok(broker) => broker,
            Err(mend) => {
                // The URL may hold a password: its scheme and host are in the mend.
                self.find("mqtt.url", "...", mend);
                return None;
            }
        };
        if let Some(file) = &mqtt.password_file {
            match (fs::read_to_string(folder.join(file)), &mut broker.login) {
                (Ok(password), Some((_, slot))) => password.trim_end().clone_into(slot),
                (Ok(_), None) => {
                    self.find("mqtt.url", &broker, "has no user for password_file; write mqtt://user@host")
                }
                (Err(error), _) => self.find("mqtt.password_file", file, format!("can't be read: {error}")),
            }
        }
        Some(broker)
    }

    fn kind(&mut self, index: usize, kind: &Type) {
        let standard = Spec::default();
        let mut number = |key: &str, value: Option<u32>, default: u32, max: u32| {
            let value = value.unwrap_or(default);
            if !(1..=max).contains(&value) {
                let key = format!("robot_type[{index}].{key}");
                self.find(key, value, format!("use 1 to {max}, e.g. {default}"));
            }
            value
        };
        let spec = Spec {
            name: kind.vehicle_type.clone(),
            length_mm: number("length_mm", kind.length_mm, standard.length_mm, 20_000),
            width_mm: number("width_mm", kind.width_mm, standard.width_mm, 20_000),
            speed_mm_s: number("speed_mm_s", kind.speed_mm_s, standard.speed_mm_s, 10_000),
            accel_mm_s2: number("accel_mm_s2", kind.accel_mm_s2, standard.accel_mm_s2, 10_000),
            turn_mdeg_s: number("turn_mdeg_s", kind.turn_mdeg_s, standard.turn_mdeg_s, 720_000),
            battery: kind.battery.as_ref().map(|battery| BatterySpec {
                capacity_wh: number("battery.capacity_wh", Some(battery.capacity_wh), 1_000, 1_000_000),
                drive_w: battery.drive_w.min(1_000_000),
                idle_w: battery.idle_w.min(1_000_000),
                charge_w: number("battery.charge_w", Some(battery.charge_w), 1_000, 1_000_000),
            }),
            ..standard
        };
        self.types.push(spec);
    }

    fn robots(&mut self, file: &File) -> Vec<Robot> {
        if file.robot.is_empty() || file.robot.len() > ROBOTS_MAX {
            let mend = format!("write 1 to {ROBOTS_MAX} [[robot]] tables");
            self.find("robot", format!("{} tables", file.robot.len()), mend);
        }
        let mut names = BTreeSet::new();
        let entries = file.robot.iter().take(ROBOTS_MAX).enumerate();
        let robots = entries.filter_map(|(index, entry)| {
            if !names.insert((&entry.manufacturer, &entry.serial)) {
                self.find(
                    format!("robot[{index}].serial"),
                    &entry.serial,
                    "is there twice; each robot needs its own",
                );
            }
            self.robot(index, entry, &file.mqtt.interface)
        });
        robots.collect()
    }

    fn robot(&mut self, index: usize, entry: &Entry, interface: &str) -> Option<Robot> {
        for (key, value) in [("manufacturer", &entry.manufacturer), ("serial", &entry.serial)] {
            if let Some(fault) = name_fault(value) {
                self.find(
                    format!("robot[{index}].{key}"),
                    format!("{value:?}"),
                    format!("{fault}; use letters and digits"),
                );
            }
        }
        if drivers::named(&entry.driver).is_none() {
            let mend = format!("no such driver; use one of {}", drivers::names());
            self.find(format!("robot[{index}].driver"), format!("{:?}", entry.driver), mend);
        }
        let identity = Identity {
            interface: entry.interface.clone().unwrap_or_else(|| interface.to_owned()),
            manufacturer: entry.manufacturer.clone(),
            serial: entry.serial.clone(),
        };
        let options = Options { accept_any_action: entry.accept_any_action, ..Options::default() };
        let (spec, start) = (self.spec(index, entry), self.start(index, entry));
        Some(Robot { identity, spec: spec?, start: start?, options, driver: entry.driver.clone() })
    }

    fn spec(&mut self, index: usize, entry: &Entry) -> Option<Spec> {
        let Some(name) = &entry.kind else { return Some(Spec::default()) };
        let own = self.types.iter().find(|spec| spec.name == *name).cloned();
        let found = own.or_else(|| {
            let layout = self.layout.as_ref()?;
            Some(robot::spec(layout.robot_type(layout.type_named(name)?)))
        });
        if found.is_none() {
            let mend =
                "no such type; add a [[robot_type]] with this vehicle_type, or name the layout's site file";
            self.find(format!("robot[{index}].type"), format!("{name:?}"), mend);
        }
        found
    }

    fn start(&mut self, index: usize, entry: &Entry) -> Option<Start> {
        let charge_pct = entry.charge_pct.unwrap_or(100.0);
        if !(0.0..=100.0).contains(&charge_pct) {
            self.find(format!("robot[{index}].charge_pct"), charge_pct, "use 0 to 100");
        }
        let charge_permille = (charge_pct * 10.0) as u16;
        if let (Some(x_m), Some(y_m), Some(map)) = (entry.x_m, entry.y_m, &entry.map) {
            let theta_rad = entry.theta_rad.unwrap_or(0.0);
            for (key, value) in [("x_m", x_m), ("y_m", y_m), ("theta_rad", theta_rad)] {
                if !value.is_finite() || value.abs() > COORDINATE_MAX_M {
                    self.find(format!("robot[{index}].{key}"), value, "isn't a place on any map");
                }
            }
            let node_id = entry.node.clone().unwrap_or_default();
            return Some(Start { node_id, map_id: map.clone(), x_m, y_m, theta_rad, charge_permille });
        }
        let place = self.layout.as_ref().zip(entry.node.as_deref()).and_then(|(layout, name)| {
            Some(robot::start_on(layout, layout.node_named(name)?, charge_permille))
        });
        if place.is_none() {
            let node = entry.node.clone().unwrap_or_default();
            let mend = "no place; write map, x_m and y_m, or `layout` at the top and one of its nodes here";
            self.find(format!("robot[{index}].node"), format!("{node:?}"), mend);
        }
        place
    }
}
