//! The drawing board: nodes by position, one-way lanes, bays, and the writing of both files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Drawing;
use crate::layout::{RobotType, Temperature};
use crate::lif;

/// A point, mm.
pub(super) type At = [i32; 2];

/// Distance between the two lanes of a road, mm.
pub(super) const LANE_GAP_MM: i32 = 1_600;
/// Half of [`LANE_GAP_MM`].
pub(super) const HALF_GAP_MM: i32 = LANE_GAP_MM / 2;
/// How far a bay lies off its lane, mm: a robot standing there leaves the lane free.
pub(super) const BAY_MM: i32 = 1_500;
/// Speed limit on the way in and out of a bay, mm/s.
const BAY_SPEED_MM_S: u32 = 800;

/// A drawing in progress.
#[derive(Default)]
pub(super) struct Draft {
    nodes: Vec<(String, At)>,
    by_place: BTreeMap<At, usize>,
    by_name: BTreeMap<String, usize>,
    edges: Vec<(String, usize, usize, Option<u32>)>,
    by_ends: BTreeMap<(usize, usize), usize>,
    stations: Vec<(String, usize)>,
    pub(super) chargers: Vec<String>,
    pub(super) parking: Vec<String>,
    pub(super) holding: Vec<String>,
    pub(super) zones: Vec<(String, Temperature, [At; 2])>,
    doors: BTreeMap<String, Vec<String>>,
    robots: Vec<(String, String)>,
}

impl Draft {
    /// The node at a place, drawn if there is none, named by its place in decimetres.
    pub(super) fn node(&mut self, at: At) -> usize {
        self.named_node(&format!("P{:04}-{:04}", at[0] / 100, at[1] / 100), at)
    }

    /// The node at a place, drawn with this name if there is none.
    pub(super) fn named_node(&mut self, name: &str, at: At) -> usize {
        if let Some(index) = self.by_place.get(&at) {
            return *index;
        }
        let mut unique = name.to_owned();
        while self.by_name.contains_key(&unique) {
            unique.push('+');
        }
        let index = self.nodes.len();
        self.by_place.insert(at, index);
        self.by_name.insert(unique.clone(), index);
        self.nodes.push((unique, at));
        index
    }

    /// A one-way edge, drawn once; gives its name.
    pub(super) fn way(&mut self, from: usize, to: usize, speed_mm_s: Option<u32>) -> String {
        let index = *self.by_ends.entry((from, to)).or_insert(self.edges.len());
        if index == self.edges.len() {
            let name = format!("{}:{}", self.nodes[from].0, self.nodes[to].0);
            self.edges.push((name, from, to, speed_mm_s));
        }
        self.edges[index].0.clone()
    }

    /// A one-way lane through points in order.
    pub(super) fn lane(&mut self, points: &[At]) {
        for ends in points.windows(2) {
            let (from, to) = (self.node(ends[0]), self.node(ends[1]));
            self.way(from, to, None);
        }
    }

    /// A door across the edge between two places, which is drawn if need be; a door may hold several edges.
    pub(super) fn door(&mut self, name: &str, from: At, to: At) {
        let (from, to) = (self.node(from), self.node(to));
        let edge = self.way(from, to, None);
        self.doors.entry(name.to_owned()).or_default().push(edge);
    }

    /// A pull-through bay beside the lane piece `from`-`to`, a distance to its right (negative: left); its place.
    pub(super) fn bay(&mut self, name: &str, [from, to]: [At; 2], right_mm: i32) -> At {
        let way = [to[0] - from[0], to[1] - from[1]];
        let right = [way[1].signum() * right_mm, -way[0].signum() * right_mm];
        let at = [from[0] + way[0] / 2 + right[0], from[1] + way[1] / 2 + right[1]];
        let (start, end, bay) = (self.node(from), self.node(to), self.named_node(name, at));
        self.way(start, bay, Some(BAY_SPEED_MM_S));
        self.way(bay, end, Some(BAY_SPEED_MM_S));
        at
    }

    /// A short dead-end piece of lane, there and back at a creep.
    pub(super) fn spur(&mut self, name: &str, from: At, to: At, speed_mm_s: u32) {
        let (from, to) = (self.node(from), self.named_node(name, to));
        self.way(from, to, Some(speed_mm_s));
        self.way(to, from, Some(speed_mm_s));
    }

    /// Makes the named node a station of the same name.
    pub(super) fn station(&mut self, name: &str) {
        if let Some(node) = self.by_name.get(name) {
            self.stations.push((name.to_owned(), *node));
        }
    }

    pub(super) fn robots(&mut self, manufacturer: &str, serials: impl Iterator<Item = String>) {
        self.robots.extend(serials.map(|serial| (manufacturer.to_owned(), serial)));
    }

    /// Both files.
    pub(super) fn write(&self, project: &str, robot_type: &RobotType) -> Drawing {
        let mut lif = serde_json::to_string_pretty(&self.lif(project, robot_type)).unwrap_or_default();
        lif.push('\n');
        Drawing { lif, site: self.site(project, robot_type) }
    }

    fn lif(&self, project: &str, robot_type: &RobotType) -> lif::File {
        let vehicle_type_id = &robot_type.name;
        let metres = |mm: i32| f64::from(mm) / 1_000.0;
        let position = |at: At| lif::Position { x: metres(at[0]), y: metres(at[1]) };
        let nodes = self.nodes.iter().map(|(name, at)| lif::Node {
            node_id: name.clone(),
            node_name: None,
            map_id: Some("ground".to_owned()),
            node_position: position(*at),
            vehicle_type_node_properties: vec![lif::NodeProperty {
                vehicle_type_id: vehicle_type_id.clone(),
                theta: None,
            }],
        });
        let edges = self.edges.iter().map(|(name, from, to, speed)| lif::Edge {
            edge_id: name.clone(),
            start_node_id: self.nodes[*from].0.clone(),
            end_node_id: self.nodes[*to].0.clone(),
            vehicle_type_edge_properties: vec![lif::EdgeProperty {
                vehicle_type_id: vehicle_type_id.clone(),
                max_speed: speed.map(|speed| f64::from(speed) / 1_000.0),
                ..lif::EdgeProperty::default()
            }],
        });
        let stations = self.stations.iter().map(|(name, node)| lif::Station {
            station_id: name.clone(),
            interaction_node_ids: vec![self.nodes[*node].0.clone()],
            station_name: None,
            station_position: Some(position(self.nodes[*node].1)),
        });
        lif::File {
            meta_information: lif::MetaInformation {
                project_identification: project.to_owned(),
                creator: "drover map generate".to_owned(),
                export_timestamp: "2026-01-01T00:00:00.00Z".to_owned(),
                lif_version: "1.0.0".to_owned(),
            },
            layouts: vec![lif::LayoutPart {
                layout_id: project.to_owned(),
                layout_name: Some(project.to_owned()),
                layout_version: "1".to_owned(),
                layout_level_id: Some("ground".to_owned()),
                nodes: nodes.collect(),
                edges: edges.collect(),
                stations: stations.collect(),
            }],
        }
    }

    fn site(&self, project: &str, robot_type: &RobotType) -> String {
        let project = project.replace(char::is_control, " ");
        let mut text = format!(
            "# {project}: what LIF can't say. Drawn by `drover map generate`; redraw it rather than edit it.\n"
        );
        write_type(&mut text, robot_type);
        for (name, temperature, [low, high]) in &self.zones {
            let temperature = match temperature {
                Temperature::Frozen => "frozen",
                Temperature::Chilled => "chilled",
                Temperature::Ambient => "ambient",
            };
            let corners = [*low, [high[0], low[1]], *high, [low[0], high[1]]];
            let corners = corners.map(|[x, y]| format!("[{}, {}]", decimal(x), decimal(y))).join(", ");
            let name = toml::Value::String(name.clone());
            line(&mut text, format!("\n[[zone]]\nid = {name}\ntemperature = \"{temperature}\""));
            line(&mut text, format!("polygon = [{corners}]  # metres"));
        }
        for (key, nodes) in
            [("charger", &self.chargers), ("parking", &self.parking), ("holding", &self.holding)]
        {
            if !nodes.is_empty() {
                line(&mut text, format!("\n[[{key}]]\nnodes = [\n{}]", wrapped(nodes)));
            }
        }
        for (name, edges) in &self.doors {
            let edges = edges.iter().map(|edge| format!("\"{edge}\"")).collect::<Vec<_>>().join(", ");
            line(&mut text, format!("\n[[device]]\nid = \"{name}\"\nkind = \"door\"\nedges = [{edges}]"));
        }
        for (manufacturer, serial) in &self.robots {
            let name = &robot_type.name;
            line(&mut text, format!("\n[[robot]]\nmanufacturer = \"{manufacturer}\"\nserial = \"{serial}\""));
            line(&mut text, format!("type = \"{name}\""));
        }
        line(&mut text, "\n[sequences]\non_failure = \"hold\"".to_owned());
        text
    }
}

fn line(text: &mut String, line: String) {
    text.push_str(&line);
    text.push('\n');
}

/// Millimetres as metres, written exactly.
fn decimal(mm: i32) -> String {
    let (whole, rest) = (mm / 1_000, mm.abs() % 1_000);
    let sign = if mm < 0 && whole == 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:03}")
}

fn wrapped(names: &[String]) -> String {
    let mut text = String::new();
    for row in names.chunks(6) {
        let row = row.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        line(&mut text, format!("  {row},"));
    }
    text
}

fn write_type(text: &mut String, robot_type: &RobotType) {
    line(text, format!("\n[[robot_type]]\nvehicle_type = \"{}\"", robot_type.name));
    for (key, value) in [
        ("length_mm", robot_type.length_mm),
        ("width_mm", robot_type.width_mm),
        ("speed_mm_s", robot_type.speed_mm_s),
        ("accel_mm_s2", robot_type.accel_mm_s2),
        ("turn_mdeg_s", robot_type.turn_mdeg_s),
    ] {
        line(text, format!("{key} = {value}"));
    }
    if let Some(capabilities) = &robot_type.capabilities {
        let list = capabilities.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        line(text, format!("capabilities = [{list}]"));
    }
    let Some(battery) = &robot_type.battery else { return };
    line(text, "[robot_type.battery]".to_owned());
    for (key, value) in [
        ("capacity_wh", battery.capacity_wh),
        ("drive_w", battery.drive_w),
        ("idle_w", battery.idle_w),
        ("charge_w", battery.charge_w),
        ("low_pct", u32::from(battery.low_pct)),
        ("critical_pct", u32::from(battery.critical_pct)),
        ("resume_pct", u32::from(battery.resume_pct)),
    ] {
        let _ = writeln!(text, "{key} = {value}");
    }
}
