//! The site file's part: zones, chargers, parking, holding places and devices, by the names of nodes and edges.

use petgraph::graph::{EdgeIndex, NodeIndex};

use super::ground::millimetres;
use crate::finding::Findings;
use crate::ids::{EdgeId, NodeId, StationId, ZoneId};
use crate::layout::{Device, DeviceKind, Layout, Node, Temperature, Zone};
use crate::site_file::{self, Places, SiteFile};
use crate::{lif, limits};

pub(super) fn mark(site: &SiteFile, layout: &mut Layout, findings: &mut Findings) {
    zones(site, layout, findings);
    layout.chargers = named("charger", &site.charger, layout, findings);
    layout.parking = named("parking", &site.parking, layout, findings);
    layout.holding = named("holding", &site.holding, layout, findings);
    for node in layout.chargers.clone() {
        node_mut(layout, node).charger = true;
    }
    for node in layout.parking.clone() {
        node_mut(layout, node).parking = true;
    }
    devices(site, layout, findings);
    layout.returns = returns(site, layout, findings);
}

fn returns(site: &SiteFile, layout: &Layout, findings: &mut Findings) -> Option<StationId> {
    let name = site.returns.station.as_ref()?;
    let station = layout.station_named(name);
    if station.is_none() {
        findings.error("UNKNOWN_STATION", name, || {
            format!(
                "site.toml key `returns.station` is `{name}`, which is no station of the LIF; correct or remove it"
            )
        });
    }
    station
}

pub(crate) fn node_mut(layout: &mut Layout, node: NodeId) -> &mut Node {
    &mut layout.graph[NodeIndex::new(node.index())]
}

/// The nodes that a list of tables names, sorted.
fn named(key: &str, entries: &[Places], layout: &Layout, findings: &mut Findings) -> Vec<NodeId> {
    let mut nodes = vec![];
    for name in entries.iter().flat_map(Places::names) {
        nodes.extend(node_named(key, name, layout, findings));
    }
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

fn node_named(key: &str, name: &str, layout: &Layout, findings: &mut Findings) -> Option<NodeId> {
    let node = layout.node_named(name);
    if node.is_none() {
        findings.error("UNKNOWN_NODE", name, || {
            format!(
                "site.toml key `{key}.nodes` has `{name}`, which is no node of the LIF; correct or remove it"
            )
        });
    }
    node
}

/// Nodes named by a zone first, then those inside a polygon; where two zones claim a node the first has it.
fn zones(site: &SiteFile, layout: &mut Layout, findings: &mut Findings) {
    let mut outlines = vec![];
    for entry in &site.zone {
        if layout.zones.iter().any(|zone| zone.name == entry.id) {
            findings.error("DUPLICATE_ZONE", &entry.id, || {
                format!("site.toml key `zone.id` has `{}` twice; rename one of them", entry.id)
            });
            continue;
        }
        let id = ZoneId::of(layout.zones.len());
        let polygon = outline(entry, findings);
        for name in &entry.nodes {
            let Some(node) = node_named("zone", name, layout, findings) else { continue };
            node_mut(layout, node).zone.get_or_insert(id);
        }
        let temperature = temperature(entry, findings);
        layout.zones.push(Zone { name: entry.id.clone(), temperature, polygon_mm: polygon });
        outlines.push((id, entry.map.as_deref()));
    }
    for (id, map) in outlines {
        let polygon = &layout.zones[id.index()].polygon_mm;
        let (low, high) = bounds(polygon);
        for node in layout.graph.node_weights_mut() {
            let at = [node.x_mm, node.y_mm];
            let near = (0..2).all(|axis| low[axis] <= at[axis] && at[axis] <= high[axis]);
            if near && node.zone.is_none() && map.is_none_or(|map| map == node.map) && inside(polygon, at) {
                node.zone = Some(id);
            }
        }
    }
    for (index, zone) in layout.zones.iter().enumerate() {
        if !layout.graph.node_weights().any(|node| node.zone == Some(ZoneId::of(index))) {
            findings.warning("ZONE_WITHOUT_NODES", &zone.name, || {
                format!("site.toml zone `{}` has no node; check its `nodes` or `polygon` (metres)", zone.name)
            });
        }
    }
}

fn temperature(entry: &site_file::Zone, findings: &mut Findings) -> Option<Temperature> {
    match entry.temperature.as_deref() {
        None => None,
        Some("frozen") => Some(Temperature::Frozen),
        Some("chilled") => Some(Temperature::Chilled),
        Some("ambient") => Some(Temperature::Ambient),
        Some(other) => {
            findings.error("BAD_TEMPERATURE", &entry.id, || {
                format!("site.toml key `zone.temperature` is `{other}`; write frozen, chilled or ambient")
            });
            None
        }
    }
}

fn outline(entry: &site_file::Zone, findings: &mut Findings) -> Vec<[i32; 2]> {
    let points = entry.polygon.iter().map(|[x, y]| millimetres(lif::Position { x: *x, y: *y }));
    let polygon: Option<Vec<[i32; 2]>> = points.collect();
    match polygon {
        Some(polygon) if polygon.is_empty() || polygon.len() >= 3 => polygon,
        Some(_) | None => {
            findings.error("BAD_POLYGON", &entry.id, || {
                format!(
                    "site.toml key `zone.polygon` of `{}` needs at least 3 corners [x, y] in metres within +-{}",
                    entry.id,
                    limits::COORDINATE_M_MAX
                )
            });
            vec![]
        }
    }
}

fn bounds(polygon: &[[i32; 2]]) -> ([i32; 2], [i32; 2]) {
    let (mut low, mut high) = ([i32::MAX; 2], [i32::MIN; 2]);
    for point in polygon {
        for axis in 0..2 {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
    }
    (low, high)
}

/// Even-odd rule in whole numbers; a point on a lower or left side is inside.
fn inside(polygon: &[[i32; 2]], [x, y]: [i32; 2]) -> bool {
    let mut inside = false;
    let mut previous = match polygon.last() {
        Some(last) => *last,
        None => return false,
    };
    for &corner in polygon {
        let [ax, ay] = corner.map(i64::from);
        let [bx, by] = previous.map(i64::from);
        let (x, y) = (i64::from(x), i64::from(y));
        if (ay > y) != (by > y) {
            // x < ax + (bx - ax) (y - ay) / (by - ay), multiplied out.
            let (left, right) = ((x - ax) * (by - ay), (bx - ax) * (y - ay));
            if if by > ay { left < right } else { left > right } {
                inside = !inside;
            }
        }
        previous = corner;
    }
    inside
}

fn devices(site: &SiteFile, layout: &mut Layout, findings: &mut Findings) {
    for entry in &site.device {
        if layout.devices.iter().any(|device| device.name == entry.id) {
            findings.error("DUPLICATE_DEVICE", &entry.id, || {
                format!("site.toml key `device.id` has `{}` twice; rename one of them", entry.id)
            });
            continue;
        }
        let kind = match entry.kind.as_str() {
            "door" => DeviceKind::Door,
            "lift" => DeviceKind::Lift,
            "conveyor" => DeviceKind::Conveyor,
            "charger" => DeviceKind::Charger,
            other => {
                findings.error("UNKNOWN_DEVICE_KIND", &entry.id, || {
                    format!("site.toml key `device.kind` is `{other}`; write door, lift, conveyor or charger")
                });
                continue;
            }
        };
        let index = layout.devices.len() as u16;
        let mut edges = vec![];
        for name in &entry.edges {
            edges.extend(device_edge(entry, name, index, layout, findings));
        }
        edges.sort_unstable();
        edges.dedup();
        if edges.is_empty() && matches!(kind, DeviceKind::Door | DeviceKind::Lift) {
            findings.warning("DEVICE_WITHOUT_EDGES", &entry.id, || {
                format!(
                    "site.toml key `device.edges` of `{}` is empty; name the edges that pass it",
                    entry.id
                )
            });
        }
        layout.devices.push(Device { name: entry.id.clone(), kind, edges });
    }
}

fn device_edge(
    entry: &site_file::Device,
    name: &str,
    index: u16,
    layout: &mut Layout,
    findings: &mut Findings,
) -> Option<EdgeId> {
    let Some(id) = layout.edge_named(name) else {
        findings.error("UNKNOWN_EDGE", &entry.id, || {
            format!(
                "site.toml key `device.edges` has `{name}`, which is no edge of the LIF; correct or remove it"
            )
        });
        return None;
    };
    let edge = &mut layout.graph[EdgeIndex::new(id.index())];
    match edge.device {
        Some(other) if other != index => {
            let other = &layout.devices[usize::from(other)].name;
            findings.error("EDGE_OF_TWO_DEVICES", &entry.id, || {
                format!("site.toml key `device.edges` has `{name}`, which device `{other}` has too; cut the edge in two")
            });
            None
        }
        Some(_) | None => {
            edge.device = Some(index);
            Some(id)
        }
    }
}
