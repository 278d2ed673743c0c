//! The agent's configuration: read, judged, and every fault said with file, key, value and mend.

use crate::BadInput;
use crate::broker::{Broker, Login};
use crate::devices::{self, Account};
use crate::drivers;
use crate::findings::{Findings, Section, nearest};
use crate::robot::{self, Robot, level_fault, name_fault};
use crate::run::{Devices, Site};
use crate::virtual_robots::read_layout;
use drover_agent_core::{BatterySpec, Identity, Options, Spec, Start};
use drover_maps::Layout;
use drover_proto::vda5050::Dialect;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROBOTS_MAX: usize = 2_000;
const COORDINATE_MAX_M: f64 = 1e6;
/// Keys that the environment may set, `DROVER_MQTT__URL` for `mqtt.url`.
const FROM_ENVIRONMENT: &[(&str, &str)] = &[
    ("mqtt", "url"),
    ("mqtt", "interface"),
    ("mqtt", "username"),
    ("mqtt", "password_file"),
    ("mqtt", "ca"),
    ("site", "id"),
];

/// Reads and judges a configuration file. The environment goes before its keys.
pub fn load(path: &Path) -> anyhow::Result<Site> {
    let text = fs::read_to_string(path)
        .map_err(|error| BadInput::one(format!("{}: can't be read: {error}", path.display())))?;
    let mut table: toml::Table =
        toml::from_str(&text).map_err(|error| BadInput::one(format!("{}: {error}", path.display())))?;
    for (section, key) in FROM_ENVIRONMENT {
        let name = format!("DROVER_{}__{}", section.to_uppercase(), key.to_uppercase());
        if let Ok(value) = std::env::var(name) {
            let own = table.entry(*section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let Some(own) = own.as_table_mut() {
                own.insert((*key).to_owned(), toml::Value::String(value));
            }
        }
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let findings = Findings::new(path.display());
    Judge { folder, findings, layout: None, has_site: false, types: Vec::new() }.site(&table)
}

struct Judge<'a> {
    folder: &'a Path,
    findings: Findings,
    layout: Option<Layout>,
    /// The layout came with a site file, which names its devices.
    has_site: bool,
    types: Vec<Spec>,
}

impl Judge<'_> {
    fn site(mut self, table: &toml::Table) -> anyhow::Result<Site> {
        let mut root = Section::new("", table);
        let (broker, interface) = self.mqtt(&mut root);
        let site_id = self.ground(&mut root)?;
        for section in root.list(&mut self.findings, "robot_type") {
            self.kind(section);
        }
        let robots = self.robots(&mut root, &interface);
        let devices = self.devices(&mut root, site_id, broker.as_ref())?;
        if robots.is_empty() && matches!(devices, Devices::None) {
            let mend = format!("write 1 to {ROBOTS_MAX} [[robot]] tables, or devices = \"devices.toml\"");
            self.findings.add("robot", "0 tables", mend);
        }
        root.end(&mut self.findings);
        match broker {
            Some(broker) if self.findings.lines.is_empty() => {
                Ok(Site { broker, speed: 1.0, robots, announce: false, devices })
            }
            Some(_) | None => Err(BadInput(self.findings.lines).into()),
        }
    }

    fn mqtt(&mut self, root: &mut Section<'_>) -> (Option<Broker>, String) {
        let example = "url = \"mqtt://127.0.0.1:1883\" under [mqtt]";
        let Some(mut own) = root.section(&mut self.findings, "mqtt", example) else {
            if !root.has("mqtt") {
                self.findings.add("mqtt", "nothing", format!("is missing; write {example}"));
            }
            return (None, String::new());
        };
        let interface = own.optional_text(&mut self.findings, "interface", "\"uagv\"").unwrap_or("uagv");
        self.interface(&own.key("interface"), interface);
        let ca = own.optional_text(&mut self.findings, "ca", "\"ca.pem\"").map(|ca| self.folder.join(ca));
        let url = own.text(&mut self.findings, "url", "\"mqtt://127.0.0.1:1883\"").unwrap_or_default();
        let broker = match Broker::parse(url, ca.as_deref()) {
            Ok(broker) => Some(broker),
            Err(mend) => {
                if own.is_text("url") {
                    // The URL may hold a password: its scheme and host are in the mend.
                    self.findings.add("mqtt.url", "...", mend);
                }
                None
            }
        };
        let user = broker.as_ref().and_then(|broker| Some(broker.login.clone()?.0));
        let login = self.login(&mut own, user);
        own.end(&mut self.findings);
        (broker.map(|broker| broker.with_login(login)), interface.to_owned())
    }

    fn interface(&mut self, key: &str, interface: &str) {
        for level in interface.split('/') {
            if let Some(fault) = level_fault(level) {
                self.findings.add(key, interface, format!("a level {fault}; use e.g. \"uagv\""));
            }
        }
    }

    /// `username` and `password_file`. `user` is who it is without `username`.
    fn login(&mut self, section: &mut Section<'_>, user: Option<String>) -> Option<Login> {
        let own = section.optional_text(&mut self.findings, "username", "\"robot-acme-r01\"");
        let file = section.optional_text(&mut self.findings, "password_file", "\"r01.password\"");
        let user = own.map(str::to_owned).or(user);
        let Some(file) = file else {
            if let Some(own) = own {
                let mend = "has no password; write password_file beside it";
                self.findings.add(section.key("username"), format!("{own:?}"), mend);
            }
            return None;
        };
        if user.is_none() {
            let mend = "has no user; write username beside it";
            self.findings.add(section.key("password_file"), format!("{file:?}"), mend);
        }
        match fs::read_to_string(self.folder.join(file)) {
            Ok(password) => Some((user?, password.trim_end().to_owned())),
            Err(error) => {
                let mend = format!("can't be read: {error}");
                self.findings.add(section.key("password_file"), format!("{file:?}"), mend);
                None
            }
        }
    }

    /// `[site]` id, layout, site; layout and site may also stand at the top. Gives the id.
    fn ground(&mut self, root: &mut Section<'_>) -> anyhow::Result<Option<String>> {
        let mut id = None;
        let mut layout = root.optional_text(&mut self.findings, "layout", "\"layout.lif.json\"");
        let mut site = None;
        if root.is_text("site") {
            site = root.text(&mut self.findings, "site", "\"site.toml\"");
        } else if let Some(mut own) = root.section(&mut self.findings, "site", "id = \"dc\" under [site]") {
            id = own.optional_text(&mut self.findings, "id", "\"dc\"").map(str::to_owned);
            layout = own.optional_text(&mut self.findings, "layout", "\"layout.lif.json\"").or(layout);
            site = own.optional_text(&mut self.findings, "site", "\"site.toml\"");
            if let Some(fault) = id.as_deref().and_then(name_fault) {
                self.findings.add("site.id", format!("{id:?}"), format!("{fault}; use letters and digits"));
            }
            own.end(&mut self.findings);
        }
        if let Some(layout) = layout {
            let site: Option<PathBuf> = site.map(|site| self.folder.join(site));
            self.layout = Some(read_layout(&self.folder.join(layout), site.as_deref())?);
            self.has_site = site.is_some();
        }
        Ok(id)
    }

    /// `devices = "FILE"`, or `[devices]` with file, username, password_file.
    fn devices(
        &mut self,
        root: &mut Section<'_>,
        site: Option<String>,
        broker: Option<&Broker>,
    ) -> anyhow::Result<Devices> {
        let example = "file = \"devices.toml\" under [devices]";
        let (file, login) = if root.is_text("devices") {
            (root.text(&mut self.findings, "devices", example), None)
        } else if let Some(mut own) = root.section(&mut self.findings, "devices", example) {
            let file = own.text(&mut self.findings, "file", "\"devices.toml\"");
            let login = self.login(&mut own, None);
            own.end(&mut self.findings);
            (file, login)
        } else {
            (None, None)
        };
        let Some(file) = file else { return Ok(Devices::None) };
        let path = self.folder.join(file);
        let file = match devices::read(&path) {
            Ok(file) => file,
            Err(error) => {
                let bad = error.downcast::<BadInput>()?;
                self.findings.lines.extend(bad.0);
                devices::File::default()
            }
        };
        self.strangers(&path, &file);
        let Some(site) = site else {
            self.findings.add(
                "site.id",
                "nothing",
                "is missing; the devices' topics need it: write id under [site]",
            );
            return Ok(Devices::None);
        };
        let Some(broker) = broker else { return Ok(Devices::None) };
        Ok(Devices::Wired(Account::new(site, broker.with_login(login)), file))
    }

    /// Devices that the site file doesn't know.
    fn strangers(&mut self, path: &Path, file: &devices::File) {
        let Some(layout) = self.layout.as_ref().filter(|_| self.has_site) else { return };
        let known: Vec<&str> = layout.devices().iter().map(|device| device.name.as_str()).collect();
        let all = || file.gateways.iter().flat_map(|gateway| &gateway.devices);
        for device in all().filter(|device| !known.contains(&device.id.as_str())) {
            let mend = format!("the site file has no such device; {}", nearest(&device.id, &known));
            self.findings.lines.push(format!("{}: device.id = {:?}: {mend}", path.display(), device.id));
        }
        let others: Vec<&str> =
            known.iter().copied().filter(|id| !all().any(|device| device.id == *id)).collect();
        if !others.is_empty() {
            tracing::warn!(devices = others.join(", "), "not in {}: another agent's?", path.display());
        }
    }

    fn kind(&mut self, mut section: Section<'_>) {
        let standard = Spec::default();
        let name = section.text(&mut self.findings, "vehicle_type", "\"tote-amr\"").unwrap_or_default();
        let mut number = |key, default, max| section.number(&mut self.findings, key, 1..=max, default);
        let length_mm = number("length_mm", standard.length_mm, 20_000);
        let width_mm = number("width_mm", standard.width_mm, 20_000);
        let speed_mm_s = number("speed_mm_s", standard.speed_mm_s, 10_000);
        let accel_mm_s2 = number("accel_mm_s2", standard.accel_mm_s2, 10_000);
        let turn_mdeg_s = number("turn_mdeg_s", standard.turn_mdeg_s, 720_000);
        let battery = section.section(&mut self.findings, "battery", "[robot_type.battery]");
        let battery = battery.map(|mut own| {
            let mut number =
                |key, least, default| own.number(&mut self.findings, key, least..=1_000_000, default);
            let battery = BatterySpec {
                capacity_wh: number("capacity_wh", 1, 1_000),
                drive_w: number("drive_w", 0, 100),
                idle_w: number("idle_w", 0, 20),
                charge_w: number("charge_w", 1, 1_000),
            };
            own.end(&mut self.findings);
            battery
        });
        section.end(&mut self.findings);
        let name = name.to_owned();
        let spec =
            Spec { name, length_mm, width_mm, speed_mm_s, accel_mm_s2, turn_mdeg_s, battery, ..standard };
        self.types.push(spec);
    }

    fn robots(&mut self, root: &mut Section<'_>, interface: &str) -> Vec<Robot> {
        let sections = root.list(&mut self.findings, "robot");
        if sections.len() > ROBOTS_MAX {
            let mend = format!("write at most {ROBOTS_MAX} [[robot]] tables");
            self.findings.add("robot", format!("{} tables", sections.len()), mend);
        }
        let mut names = BTreeSet::new();
        let mut robots = Vec::new();
        for mut section in sections.into_iter().take(ROBOTS_MAX) {
            let robot = self.robot(&mut section, interface);
            let Identity { manufacturer, serial, .. } = &robot.identity;
            if !names.insert((manufacturer.clone(), serial.clone())) {
                let mend = "is there twice; each robot needs its own";
                self.findings.add(section.key("serial"), serial, mend);
            }
            section.end(&mut self.findings);
            robots.push(robot);
        }
        robots
    }

    fn robot(&mut self, section: &mut Section<'_>, interface: &str) -> Robot {
        let mut name = |key, example| {
            let value = section.text(&mut self.findings, key, example).unwrap_or_default();
            if section.is_text(key)
                && let Some(fault) = name_fault(value)
            {
                let mend = format!("{fault}; use letters and digits");
                self.findings.add(section.key(key), format!("{value:?}"), mend);
            }
            value.to_owned()
        };
        let (manufacturer, serial) = (name("manufacturer", "\"acme\""), name("serial", "\"r01\""));
        let driver = section.text(&mut self.findings, "driver", "\"simulated\"").unwrap_or_default();
        if section.is_text("driver") && drivers::named(driver).is_none() {
            let mend = format!("no such driver; use one of {}", drivers::names());
            self.findings.add(section.key("driver"), format!("{driver:?}"), mend);
        }
        let settings = drivers::named(driver).map(|known| (known.settings)(&mut self.findings, section));
        let own = section.optional_text(&mut self.findings, "interface", "\"uagv\"");
        if let Some(own) = own {
            self.interface(&section.key("interface"), own);
        }
        let interface = own.unwrap_or(interface).to_owned();
        let accept_any_action = section.flag(&mut self.findings, "accept_any_action", false);
        let dialect = self.dialect(section);
        let maps = self.layout.as_ref().map(robot::maps).unwrap_or_default();
        Robot {
            identity: Identity { interface, manufacturer, serial },
            spec: self.spec(section),
            start: self.start(section),
            options: Options { dialect, accept_any_action, maps, ..Options::default() },
            driver: driver.to_owned(),
            settings: settings.unwrap_or_default(),
            login: self.login(section, None),
        }
    }

    /// The version of VDA 5050 it speaks.
    fn dialect(&mut self, section: &mut Section<'_>) -> Dialect {
        let version = section.optional_text(&mut self.findings, "version", "\"2.1\"").unwrap_or("2.1");
        robot::dialect(version).unwrap_or_else(|mend| {
            self.findings.add(section.key("version"), format!("{version:?}"), mend);
            Dialect::default()
        })
    }

    fn spec(&mut self, section: &mut Section<'_>) -> Spec {
        let Some(name) = section.optional_text(&mut self.findings, "type", "\"tote-amr\"") else {
            return Spec::default();
        };
        let own = self.types.iter().find(|spec| spec.name == *name).cloned();
        let found = own.or_else(|| {
            let layout = self.layout.as_ref()?;
            Some(robot::spec(layout.robot_type(layout.type_named(name)?)))
        });
        found.unwrap_or_else(|| {
            let mend =
                "no such type; add a [[robot_type]] with this vehicle_type, or name the layout's site file";
            self.findings.add(section.key("type"), format!("{name:?}"), mend);
            Spec::default()
        })
    }

    fn start(&mut self, section: &mut Section<'_>) -> Start {
        let charge_pct = section.real(&mut self.findings, "charge_pct").unwrap_or(100.0);
        if !(0.0..=100.0).contains(&charge_pct) {
            self.findings.add(section.key("charge_pct"), charge_pct, "use 0 to 100");
        }
        let charge_permille = (charge_pct * 10.0) as u16;
        let node = section.optional_text(&mut self.findings, "node", "\"PARK-01\"");
        let map = section.optional_text(&mut self.findings, "map", "\"floor\"");
        let [x_m, y_m, theta_rad] =
            ["x_m", "y_m", "theta_rad"].map(|key| (key, section.real(&mut self.findings, key)));
        for (key, value) in [x_m, y_m, theta_rad] {
            if let Some(value) = value.filter(|value| !value.is_finite() || value.abs() > COORDINATE_MAX_M) {
                self.findings.add(section.key(key), value, "isn't a place on any map");
            }
        }
        if let (Some(x_m), Some(y_m), Some(map)) = (x_m.1, y_m.1, map) {
            let (node_id, theta_rad) = (node.unwrap_or_default().to_owned(), theta_rad.1.unwrap_or(0.0));
            return Start { node_id, map_id: map.to_owned(), x_m, y_m, theta_rad, charge_permille };
        }
        let place = self.layout.as_ref().zip(node).and_then(|(layout, name)| {
            Some(robot::start_on(layout, layout.node_named(name)?, charge_permille))
        });
        place.unwrap_or_else(|| {
            let mend = "no place; write map, x_m and y_m, or `layout` at the top and one of its nodes here";
            self.findings.add(section.key("node"), format!("{:?}", node.unwrap_or_default()), mend);
            let (node_id, map_id) = Default::default();
            Start { node_id, map_id, x_m: 0.0, y_m: 0.0, theta_rad: 0.0, charge_permille }
        })
    }
}
