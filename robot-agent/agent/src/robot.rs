//! One robot as the agent runs it.

use crate::broker::Login;
use crate::drivers::Settings;
use drover_agent_core::{BatterySpec, Identity, Options, Spec, Start, StoredMap};
use drover_maps::{Edge, Layout, NodeId, RobotType};
use drover_proto::vda5050::Dialect;
use std::collections::BTreeSet;
use std::fmt;

/// Who, what kind, where, and which driver moves it.
#[derive(Clone)]
pub struct Robot {
    /// Topic levels.
    pub identity: Identity,
    /// Kind.
    pub spec: Spec,
    /// Where and how it begins.
    pub start: Start,
    /// Protocol choices.
    pub options: Options,
    /// A name in the drivers' registry.
    pub driver: String,
    /// What that driver's own keys say.
    pub settings: Settings,
    /// Its own account on the broker, if it has one.
    pub login: Option<Login>,
}

impl fmt::Debug for Robot {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identity, driver, .. } = self;
        write!(f, "{}/{} on {driver}", identity.manufacturer, identity.serial)
    }
}

/// The kind as the layout has it.
pub fn spec(kind: &RobotType) -> Spec {
    let battery = kind.battery.as_ref().map(|battery| BatterySpec {
        capacity_wh: battery.capacity_wh,
        drive_w: battery.drive_w,
        idle_w: battery.idle_w,
        charge_w: battery.charge_w,
    });
    Spec {
        name: kind.name.clone(),
        length_mm: kind.length_mm,
        width_mm: kind.width_mm,
        speed_mm_s: kind.speed_mm_s,
        accel_mm_s2: kind.accel_mm_s2,
        turn_mdeg_s: kind.turn_mdeg_s,
        battery,
        ..Spec::default()
    }
}

/// Every map of the layout: what its robots have when they start.
pub fn maps(layout: &Layout) -> Vec<StoredMap> {
    let names: BTreeSet<&str> = layout.nodes().map(|node| layout.node(node).map.as_str()).collect();
    names.into_iter().map(StoredMap::new).collect()
}

/// Standing on a node, pointing along its first way out.
pub fn start_on(layout: &Layout, node: NodeId, charge_permille: u16) -> Start {
    let place = layout.node(node);
    let heading = |edge: &Edge| f64::from(edge.heading_mdeg) / 1_000.0;
    let way_out = layout.out_edges(node).first().map(|edge| heading(layout.edge(*edge)));
    Start {
        node_id: place.name.clone(),
        map_id: place.map.clone(),
        x_m: f64::from(place.x_mm) / 1_000.0,
        y_m: f64::from(place.y_mm) / 1_000.0,
        theta_rad: way_out.unwrap_or_default().to_radians(),
        charge_permille,
    }
}

/// What a topic level may not be; `None` if it is good.
pub fn level_fault(level: &str) -> Option<&'static str> {
    let is_bad = |c: char| "+#$".contains(c) || c.is_control() || c.is_whitespace();
    if level.is_empty() {
        return Some("is empty");
    }
    level.contains(is_bad).then_some("holds +, #, $ or a space")
}

/// The same for a manufacturer or serial number, which is one level.
pub fn name_fault(name: &str) -> Option<&'static str> {
    level_fault(name).or(name.contains('/').then_some("holds a slash"))
}

/// The dialect of a version that robots here speak; else what to write instead.
///
/// # Errors
/// The mend, where the version is no such one.
pub fn dialect(version: &str) -> Result<Dialect, String> {
    let is_it = |dialect: &Dialect| {
        let whole = dialect.version();
        version == whole || whole.strip_suffix(".0") == Some(version)
    };
    Dialect::ALL.into_iter().find(is_it).ok_or_else(|| "no such version; use 2.1 or 3.0".to_owned())
}
