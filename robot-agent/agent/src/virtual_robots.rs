//! `drover-agent robots`: how many, called what, standing where.

use crate::BadInput;
use crate::broker::Broker;
use crate::cli::{self, VirtualDevices};
use crate::credentials::{self, Accounts};
use crate::devices::Virtual;
use crate::drivers::Settings;
use crate::robot::{Robot, level_fault, maps, name_fault, spec, start_on};
use crate::run::{Devices, Site};
use drover_agent_core::{Identity, Options};
use drover_maps::{Layout, NodeId, Severity, TypeId};
use std::fs;
use std::path::Path;

/// Charges at the start are spread over this range, permille.
const CHARGE_MIN_PERMILLE: u32 = 350;
const CHARGE_SPREAD: u32 = 651;
/// Prime to the spread, so that neighbours differ and all values are used.
const CHARGE_STRIDE: u32 = 401;

/// Robots on the layout's parking nodes first, then holding nodes, chargers, other nodes, stations.
pub fn prepare(options: &cli::Robots) -> anyhow::Result<Site> {
    let broker = Broker::parse(&options.broker, options.ca.as_deref())
        .map_err(|mend| BadInput::one(format!("--broker: {mend}")))?;
    let accounts = options.credentials.as_deref().map(credentials::read).transpose()?;
    let names = [("--manufacturer", &options.manufacturer), ("--prefix", &options.prefix)];
    let name_faults = names.map(|(key, value)| (key, value, name_fault(value)));
    let levels =
        options.interface.split('/').map(|level| ("--interface", &options.interface, level_fault(level)));
    for (key, value, fault) in name_faults.into_iter().chain(levels) {
        if let Some(fault) = fault {
            return Err(BadInput::one(format!("{key} {value:?} {fault}; use letters and digits")).into());
        }
    }
    let layout = read_layout(&options.layout, options.site.as_deref())?;
    let mut robots = robots(options, &layout)?;
    if let Some(accounts) = &accounts {
        identify(&mut robots, accounts, &broker, options)?;
    }
    let broker_of_devices = broker.with_login(accounts.and_then(|accounts| accounts.devices));
    let devices = devices(options, &layout, broker_of_devices)?;
    Ok(Site { broker, speed: options.speed, robots, announce: true, devices })
}

/// Gives each robot its account. One that has none uses the URL's, if that has one.
fn identify(
    robots: &mut [Robot],
    accounts: &Accounts,
    broker: &Broker,
    options: &cli::Robots,
) -> Result<(), BadInput> {
    let mut without = Vec::new();
    for robot in robots {
        let Identity { manufacturer, serial, .. } = &robot.identity;
        robot.login = accounts.robot(manufacturer, serial).cloned();
        if robot.login.is_none() && broker.login.is_none() {
            without.push(format!("{manufacturer}/{serial}"));
        }
    }
    if without.is_empty() {
        return Ok(());
    }
    let file = options.credentials.as_deref().unwrap_or(Path::new("")).display();
    let (count, first) = (without.len(), &without[0]);
    let text =
        format!("--credentials {file}: {count} robots have no account there, {first} first; add a line each");
    Err(BadInput::one(text))
}

/// The devices of the site file, which may also lie beside the layout.
fn devices(options: &cli::Robots, layout: &Layout, broker: Broker) -> anyhow::Result<Devices> {
    let standard = if options.offset == 0 { VirtualDevices::Virtual } else { VirtualDevices::None };
    if let Some(site) = &options.site_id
        && let Some(fault) = name_fault(site)
    {
        return Err(BadInput::one(format!("--site-id {site:?} {fault}; use letters and digits")).into());
    }
    let ids: Vec<String> = match (options.devices.unwrap_or(standard), &options.site) {
        (VirtualDevices::None, _) => return Ok(Devices::None),
        (VirtualDevices::Virtual, Some(_)) => {
            layout.devices().iter().map(|device| device.name.clone()).collect()
        }
        (VirtualDevices::Virtual, None) => ids_beside(&options.layout),
    };
    let is_idle = ids.is_empty();
    let hall = Virtual { site: options.site_id.clone(), ids, broker };
    Ok(if is_idle { Devices::None } else { Devices::Virtual(hall) })
}

/// Only the ids: the robots were asked to be without the site file.
fn ids_beside(layout: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(layout.with_file_name("site.toml")) else { return Vec::new() };
    let table: toml::Table = toml::from_str(&text).unwrap_or_default();
    let devices = table.get("device").and_then(toml::Value::as_array);
    let ids = devices.into_iter().flatten().filter_map(|device| device.get("id")?.as_str());
    ids.filter(|id| name_fault(id).is_none()).map(str::to_owned).collect()
}

/// Reads and compiles a layout; warnings go to the log, errors are bad input.
pub fn read_layout(path: &Path, site: Option<&Path>) -> anyhow::Result<Layout> {
    let read = |path: &Path| {
        fs::read(path).map_err(|error| BadInput::one(format!("{}: can't be read: {error}", path.display())))
    };
    let lif = read(path)?;
    let site_text = match site {
        Some(site) => Some(String::from_utf8(read(site)?).map_err(|_| not_text(site))?),
        None => None,
    };
    let compiled = drover_maps::compile(&lif, site_text.as_deref())
        .map_err(|error| BadInput::one(format!("{}: {error}", path.display())))?;
    let mut errors = Vec::new();
    for finding in &compiled.findings {
        match finding.severity {
            Severity::Error => errors.push(format!("{}: {finding}", path.display())),
            Severity::Warning => tracing::debug!("{}: {finding}", path.display()),
        }
    }
    if errors.is_empty() { Ok(compiled.layout) } else { Err(BadInput(errors).into()) }
}

fn not_text(path: &Path) -> BadInput {
    BadInput::one(format!("{}: isn't UTF-8 text; write TOML", path.display()))
}

/// As `drover map generate` lists them in `site.toml`: the name of one is the same however many there are.
fn serial(prefix: &str, number: usize) -> String {
    format!("{prefix}{number:02}")
}

fn robots(options: &cli::Robots, layout: &Layout) -> anyhow::Result<Vec<Robot>> {
    let (count, offset) = (options.count as usize, options.offset as usize);
    let serials: Vec<_> = (1..=count + offset).map(|number| serial(&options.prefix, number)).collect();
    let kinds: Vec<_> = serials.iter().map(|serial| kind(layout, &options.manufacturer, serial)).collect();
    let nodes = places(layout, &kinds);
    if nodes.len() < count + offset {
        let wanted = count + offset;
        let (fit, layout) = (nodes.len(), options.layout.display());
        let text = format!("--count: {wanted} robots don't fit on {layout}: {fit} do; use at most {fit}");
        return Err(BadInput::one(text).into());
    }
    let all = serials.into_iter().zip(kinds).zip(nodes).enumerate().skip(offset);
    let robots = all.map(|(index, ((serial, kind), node))| {
        let robot_type = layout.robot_type(kind);
        let spread = (index as u32 * CHARGE_STRIDE) % CHARGE_SPREAD;
        let charge = if robot_type.battery.is_some() { CHARGE_MIN_PERMILLE + spread } else { 1_000 };
        Robot {
            identity: Identity {
                interface: options.interface.clone(),
                manufacturer: options.manufacturer.clone(),
                serial,
            },
            spec: spec(robot_type),
            start: start_on(layout, node, charge as u16),
            options: Options {
                dialect: options.vda,
                accept_any_action: true,
                maps: maps(layout),
                ..Options::default()
            },
            driver: "simulated".to_owned(),
            settings: Settings::new(),
            login: None,
        }
    });
    Ok(robots.collect())
}

/// The site's own word for this robot, else its first type.
fn kind(layout: &Layout, manufacturer: &str, serial: &str) -> TypeId {
    let entry =
        layout.robots().iter().find(|entry| entry.manufacturer == manufacturer && entry.serial == serial);
    entry.map_or(TypeId(0), |entry| entry.robot_type)
}

/// One node per robot, no two of which conflict; fewer than asked for if more don't fit.
fn places(layout: &Layout, kinds: &[TypeId]) -> Vec<NodeId> {
    let (of_stations, others): (Vec<_>, Vec<_>) =
        layout.nodes().partition(|node| layout.node(*node).station.is_some());
    let lists = [layout.parking(), layout.holding(), layout.chargers(), &others, &of_stations];
    let mut candidates: Vec<NodeId> = lists.into_iter().flatten().copied().collect();
    let mut is_taken = vec![false; layout.node_count()];
    let mut places = Vec::new();
    for kind in kinds {
        let is_free = |node: &NodeId| !is_taken[node.index()] && layout.admits_node(*kind, *node);
        let Some(node) = candidates.iter().copied().find(is_free) else { break };
        is_taken[node.index()] = true;
        for conflict in layout.node_conflicts(node).nodes {
            is_taken[conflict.index()] = true;
        }
        candidates.retain(|candidate| !is_taken[candidate.index()]);
        places.push(node);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_are_called_as_a_drawn_site_file_lists_them() {
        let names = [1, 99, 100].map(|number| serial("r", number));
        assert_eq!(names, ["r01", "r99", "r100"]);
    }
}
