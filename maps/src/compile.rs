//! From the files' text to a [`Layout`]: reads, resolves names to ids, computes geometry once, collects findings.
//!
//! What can't be used is left out and named in a finding, so that one run shows everything that is wrong.

mod ground;
mod places;

pub(crate) use places::node_mut;

use petgraph::graph::DiGraph;
use thiserror::Error;

use crate::finding::{Finding, Findings};
use crate::fingerprint::fingerprint;
use crate::footprint::ConflictSets;
use crate::ids::TypeId;
use crate::layout::{Layout, RobotEntry, RobotType};
use crate::limits;
use crate::profile;
use crate::remedy;
use crate::site_file::{self, SiteFile, TypeEntry};
use crate::{lif, validate};

/// A layout and all that was found about it. A finding of severity `Error` means the layout must not be used.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What could be compiled.
    pub layout: Layout,
    /// Errors first.
    pub findings: Vec<Finding>,
}

/// Why no layout could be made of the text at all.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The text is longer than its limit.
    #[error("the {file} has {bytes} bytes, more than {max}; split the site or remove what is not used")]
    TooLarge {
        /// Which file.
        file: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The LIF text is no JSON, or not of LIF's shape.
    #[error("the LIF file can't be read: {0}; see VDMA LIF 1.0.0")]
    Lif(#[from] serde_json::Error),
    /// The `site.toml` text is no TOML, or a value has the wrong type.
    #[error("site.toml can't be read: {0}")]
    Site(#[from] toml::de::Error),
    /// More of something than its limit.
    #[error("the files have {count} {what}, more than {max}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// So many places lie on one another that their conflicts can't be computed.
    #[error("too many nodes and edges lie on one another; check the unit of the coordinates (LIF: metres)")]
    TooDense,
}

/// Compiles a layout from LIF text and, if there is one, the text of its `site.toml`. Pure.
///
/// # Errors
/// [`LoadError`] when no layout can be made at all. Whatever else is wrong is in [`Compiled::findings`].
pub fn compile(lif: &[u8], site: Option<&str>) -> Result<Compiled, LoadError> {
    within("LIF file", lif.len(), limits::FILE_BYTES_MAX)?;
    within("site.toml", site.map_or(0, str::len), limits::SITE_BYTES_MAX)?;
    let mut findings = Findings::default();
    let file: lif::File = serde_json::from_slice(lif)?;
    let site_file = match site {
        Some(text) => site_file::parse(text, &mut findings)?,
        None => SiteFile::default(),
    };
    check_counts(&file, &site_file)?;
    check_version(&file, &mut findings);
    let types = robot_types(&file, &site_file, site.is_some(), &mut findings)?;
    let mut layout = empty(types, site_file.sequences.on_failure);
    layout.profiles = profile::profiles(&site_file, &mut findings);
    layout.remedies = remedy::remedies(&site_file, &mut findings);
    layout.robots = robots(&site_file, &layout, &mut findings);
    let shapes = ground::lay(&file, &mut layout, &mut findings);
    places::mark(&site_file, &mut layout, &mut findings);
    let always = ground::always_conflicting(&layout);
    let nodes = layout.node_count();
    layout.conflicts = ConflictSets::compute(&shapes, nodes, always).map_err(|_| LoadError::TooDense)?;
    validate::check(&mut layout, &site_file, &mut findings);
    layout.fingerprint = fingerprint(&layout);
    Ok(Compiled { layout, findings: findings.finish() })
}

fn within(file: &'static str, bytes: usize, max: usize) -> Result<(), LoadError> {
    if bytes > max { Err(LoadError::TooLarge { file, bytes, max }) } else { Ok(()) }
}

fn check_counts(file: &lif::File, site: &SiteFile) -> Result<(), LoadError> {
    let count = |of: fn(&lif::LayoutPart) -> usize| file.layouts.iter().map(of).sum::<usize>();
    let polygon = site.zone.iter().map(|zone| zone.polygon.len()).max().unwrap_or(0);
    for (what, count, max) in [
        ("nodes", count(|part| part.nodes.len()), limits::NODES_MAX),
        ("edges", count(|part| part.edges.len()), limits::EDGES_MAX),
        ("stations", count(|part| part.stations.len()), limits::STATIONS_MAX),
        ("robots", site.robot.len(), limits::ROBOTS_MAX),
        ("profiles", site.profile.len(), limits::PROFILES_MAX),
        ("actions", site.action.len(), limits::ACTIONS_MAX),
        ("zones", site.zone.len(), limits::ZONES_MAX),
        ("corners of a zone's polygon", polygon, limits::POLYGON_POINTS_MAX),
        ("devices", site.device.len(), limits::DEVICES_MAX),
    ] {
        if count > max {
            return Err(LoadError::TooMany { what, count, max });
        }
    }
    Ok(())
}

fn check_version(file: &lif::File, findings: &mut Findings) {
    let version = &file.meta_information.lif_version;
    if version.is_empty() {
        findings.warning("LIF_VERSION", "metaInformation", || {
            "key `metaInformation.lifVersion` is missing; read as 1.0.0, write it".to_owned()
        });
    } else if version.split('.').next() != Some("1") {
        findings.error("LIF_VERSION", "metaInformation", || {
            format!(
                "key `metaInformation.lifVersion` is `{version}`; only 1.x is understood, export as LIF 1.0.0"
            )
        });
    }
}

/// Types of `site.toml` in its order, then types only named in the LIF, by name, with the default size.
fn robot_types(
    file: &lif::File,
    site: &SiteFile,
    has_site: bool,
    findings: &mut Findings,
) -> Result<Vec<RobotType>, LoadError> {
    let mut named = std::collections::BTreeSet::new();
    for part in &file.layouts {
        let nodes = part.nodes.iter().flat_map(|node| &node.vehicle_type_node_properties);
        let edges = part.edges.iter().flat_map(|edge| &edge.vehicle_type_edge_properties);
        named.extend(nodes.map(|property| property.vehicle_type_id.as_str()));
        named.extend(edges.map(|property| property.vehicle_type_id.as_str()));
    }
    let mut types: Vec<RobotType> = vec![];
    for entry in &site.robot_type {
        let name = &entry.vehicle_type;
        if types.iter().any(|robot_type| robot_type.name == *name) {
            findings.error("DUPLICATE_TYPE", name, || {
                format!("site.toml key `robot_type.vehicle_type` has `{name}` twice; keep one of them")
            });
            continue;
        }
        if !named.remove(name.as_str()) && !named.is_empty() {
            findings.error("UNKNOWN_TYPE", name, || {
                format!(
                    "site.toml key `robot_type.vehicle_type` is `{name}`, which no node of the LIF admits; \
                     write the LIF's vehicleTypeId or add `{name}` to the nodes"
                )
            });
        }
        types.push(sized(entry, findings));
    }
    for name in named {
        if has_site && !site.robot_type.is_empty() {
            findings.warning("TYPE_WITHOUT_SIZE", name, || {
                format!("vehicleTypeId `{name}` has no [[robot_type]] in site.toml; 900 x 600 mm is assumed, add one")
            });
        }
        types.push(RobotType::with_defaults(name));
    }
    if types.is_empty() {
        types.push(RobotType::with_defaults("default"));
    }
    if types.len() > limits::TYPES_MAX {
        return Err(LoadError::TooMany { what: "robot types", count: types.len(), max: limits::TYPES_MAX });
    }
    Ok(types)
}

fn sized(entry: &TypeEntry, findings: &mut Findings) -> RobotType {
    let mut robot_type = RobotType::with_defaults(&entry.vehicle_type);
    for (key, value, max, place) in [
        ("length_mm", entry.length_mm, limits::ROBOT_MM_MAX, &mut robot_type.length_mm),
        ("width_mm", entry.width_mm, limits::ROBOT_MM_MAX, &mut robot_type.width_mm),
        ("speed_mm_s", entry.speed_mm_s, limits::SPEED_MM_S_MAX, &mut robot_type.speed_mm_s),
        ("accel_mm_s2", entry.accel_mm_s2, limits::ACCEL_MM_S2_MAX, &mut robot_type.accel_mm_s2),
        ("turn_mdeg_s", entry.turn_mdeg_s, limits::TURN_MDEG_S_MAX, &mut robot_type.turn_mdeg_s),
    ] {
        let Some(value) = value else { continue };
        if (1..=max).contains(&value) {
            *place = value;
        } else {
            findings.error("TYPE_OUT_OF_RANGE", &entry.vehicle_type, || {
                format!("site.toml key `robot_type.{key}` is {value}; write a value from 1 to {max}")
            });
        }
    }
    robot_type.capabilities.clone_from(&entry.capabilities);
    robot_type.battery.clone_from(&entry.battery);
    check_battery(&robot_type, findings);
    robot_type
}

fn check_battery(robot_type: &RobotType, findings: &mut Findings) {
    let Some(battery) = &robot_type.battery else { return };
    let ordered = battery.critical_pct <= battery.low_pct
        && battery.low_pct < battery.resume_pct
        && battery.resume_pct <= 100;
    if !ordered {
        findings.error("BATTERY_LEVELS", &robot_type.name, || {
            format!(
                "site.toml keys `robot_type.battery.critical_pct`, `low_pct`, `resume_pct` are {}, {}, {}; \
                 write them so that critical <= low < resume <= 100",
                battery.critical_pct, battery.low_pct, battery.resume_pct
            )
        });
    }
    if battery.capacity_wh == 0 || battery.charge_w == 0 {
        findings.error("BATTERY_EMPTY", &robot_type.name, || {
            "site.toml keys `robot_type.battery.capacity_wh` and `charge_w` must be above 0; a robot could never be \
             charged"
                .to_owned()
        });
    }
}

fn robots(site: &SiteFile, layout: &Layout, findings: &mut Findings) -> Vec<RobotEntry> {
    let mut seen = std::collections::BTreeSet::new();
    let mut robots = vec![];
    for entry in &site.robot {
        let name = format!("{}/{}", entry.manufacturer, entry.serial);
        if !seen.insert(name.clone()) {
            findings.error("DUPLICATE_ROBOT", &name, || {
                format!("site.toml key `robot.serial` has `{name}` twice; keep one of them")
            });
            continue;
        }
        let robot_type = match &entry.robot_type {
            Some(wanted) => layout.type_named(wanted),
            None => Some(TypeId(0)),
        };
        let Some(robot_type) = robot_type else {
            let wanted = entry.robot_type.as_deref().unwrap_or_default();
            findings.error("UNKNOWN_TYPE", &name, || {
                format!("site.toml key `robot.type` is `{wanted}`, which is no robot type; add a [[robot_type]] for it")
            });
            continue;
        };
        if let Some(wanted) = entry
            .profile
            .as_ref()
            .filter(|name| !layout.profiles.iter().any(|profile| profile.name == **name))
        {
            findings.error("UNKNOWN_PROFILE", &name, || {
                format!("site.toml key `robot.profile` is `{wanted}`, which is no profile; add a [[profile]] for it")
            });
        }
        let (manufacturer, serial) = (entry.manufacturer.clone(), entry.serial.clone());
        robots.push(RobotEntry { manufacturer, serial, robot_type, profile: entry.profile.clone() });
    }
    robots
}

fn empty(types: Vec<RobotType>, on_failure: crate::layout::OnFailure) -> Layout {
    Layout {
        graph: DiGraph::new(),
        out: Default::default(),
        inward: Default::default(),
        node_names: Default::default(),
        edge_names: Default::default(),
        station_names: Default::default(),
        stations: vec![],
        zones: vec![],
        devices: vec![],
        types,
        robots: vec![],
        node_types: vec![],
        edge_types: vec![],
        travel: vec![],
        bends: Default::default(),
        conflicts: Default::default(),
        chargers: vec![],
        parking: vec![],
        holding: vec![],
        on_failure,
        remedies: vec![],
        returns: None,
        profiles: Default::default(),
        fingerprint: 0,
    }
}
