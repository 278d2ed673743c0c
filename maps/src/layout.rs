//! The compiled layout: immutable, dense, integers only. Everything else asks it and nothing changes it.
//!
//! Ids follow the order of the files, so the same files give the same ids. Lists are sorted by id. A layout is made by
//! [`compile`](crate::compile()) and by nothing else.

use std::collections::BTreeMap;

use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use serde::{Deserialize, Serialize};

use crate::footprint::ConflictSets;
use crate::ids::{EdgeId, NodeId, StationId, TypeId, ZoneId};
use crate::profile::Profile;
use crate::remedy::{Remedies, Remedy};

/// A turn smaller than this takes no time: robots steer it out while driving, thousandths of a degree.
const TURN_FREE_MDEG: u32 = 5_000;

/// How cold a zone is. Ordered from cold to warm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Temperature {
    /// Deep frozen.
    Frozen,
    /// Chilled.
    Chilled,
    /// Not cooled.
    Ambient,
}

/// A place where a robot may stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The LIF node id.
    pub name: String,
    /// The map (level) it lies on: LIF `mapId`, else the level, else the layout id.
    pub map: String,
    /// East, mm.
    pub x_mm: i32,
    /// North, mm.
    pub y_mm: i32,
    /// The zone it lies in.
    pub zone: Option<ZoneId>,
    /// A robot may wait here for as long as it likes.
    pub holding: bool,
    /// An idle robot parks here.
    pub parking: bool,
    /// A charger.
    pub charger: bool,
    /// The station it is an interaction node of (the first one, if of several).
    pub station: Option<StationId>,
}

/// A directed way from one node to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The LIF edge id.
    pub name: String,
    /// Where it starts.
    pub from: NodeId,
    /// Where it ends.
    pub to: NodeId,
    /// Length of the way, mm, at least 1.
    pub length_mm: u32,
    /// Direction at the start: 0 = +x, counter-clockwise, -180_000..=180_000 thousandths of a degree.
    pub heading_mdeg: i32,
    /// Direction at the end; the same as `heading_mdeg` on a straight edge.
    pub end_heading_mdeg: i32,
    /// The edge back, if there is one (the first, if several).
    pub twin: Option<EdgeId>,
    /// The device that must be open for it: index into [`Layout::devices`].
    pub device: Option<u16>,
}

/// A place where robots meet the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// The LIF station id.
    pub name: String,
    /// Its interaction nodes: any free one is the station.
    pub nodes: Vec<NodeId>,
}

/// A part of the site with one temperature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Its id in `site.toml`.
    pub name: String,
    /// How cold it is; `None` = not said.
    pub temperature: Option<Temperature>,
    /// Its outline (x, y), mm; empty when it is given by its nodes.
    pub polygon_mm: Vec<[i32; 2]>,
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// Opens and shuts a way.
    Door,
    /// Carries a robot between levels.
    Lift,
    /// Takes or gives a load.
    Conveyor,
    /// Charges a robot.
    Charger,
}

/// A machine of the site that a robot's way depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its id in `site.toml` and in its topic.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// The edges that need it, sorted.
    pub edges: Vec<EdgeId>,
}

/// A robot type's battery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Battery {
    /// Full, watt hours.
    pub capacity_wh: u32,
    /// Use while driving, watts.
    pub drive_w: u32,
    /// Use while standing, watts.
    pub idle_w: u32,
    /// Gain on a charger, watts.
    pub charge_w: u32,
    /// Goes charging when free, per cent.
    pub low_pct: u8,
    /// Takes no new job, per cent.
    pub critical_pct: u8,
    /// May leave the charger for a job, per cent.
    pub resume_pct: u8,
}

impl Default for Battery {
    fn default() -> Self {
        Self {
            capacity_wh: 1_000,
            drive_w: 250,
            idle_w: 30,
            charge_w: 1_500,
            low_pct: 30,
            critical_pct: 15,
            resume_pct: 80,
        }
    }
}

/// A type of robot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RobotType {
    /// The LIF vehicle type id.
    pub name: String,
    /// Length, mm.
    pub length_mm: u32,
    /// Width, mm.
    pub width_mm: u32,
    /// Top speed, mm/s.
    pub speed_mm_s: u32,
    /// Acceleration and braking, mm/s^2.
    pub accel_mm_s2: u32,
    /// Turning on the spot, thousandths of a degree per second.
    pub turn_mdeg_s: u32,
    /// What it can do; `None` = not declared = anything.
    pub capabilities: Option<Vec<String>>,
    /// Its battery; `None` = never needs charging.
    pub battery: Option<Battery>,
}

impl RobotType {
    /// A type of the default size and speed: 900 x 600 mm, 1500 mm/s, 700 mm/s^2, 90 degrees/s.
    pub fn with_defaults(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            length_mm: 900,
            width_mm: 600,
            speed_mm_s: 1_500,
            accel_mm_s2: 700,
            turn_mdeg_s: 90_000,
            capabilities: None,
            battery: None,
        }
    }
}

/// A robot named in `site.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RobotEntry {
    /// VDA 5050 manufacturer.
    pub manufacturer: String,
    /// VDA 5050 serial number.
    pub serial: String,
    /// What it is.
    pub robot_type: TypeId,
    /// The name of the VDA 5050 profile to speak; `None` = its manufacturer's, or the default.
    pub profile: Option<String>,
}

/// What happens to the rest of a sequence when one of its jobs fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The rest waits for an operator.
    #[default]
    Hold,
    /// The rest goes on.
    Skip,
}

/// Places that a place excludes: a robot there keeps every other robot from these. Both lists are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflicts<'a> {
    /// Nodes.
    pub nodes: &'a [NodeId],
    /// Edges.
    pub edges: &'a [EdgeId],
}

/// Rows of ids in one allocation: row `i` is `items[starts[i]..starts[i + 1]]`.
#[derive(Clone, Debug)]
pub(crate) struct Rows<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { starts: vec![0], items: vec![] }
    }
}

impl<T: Copy + Ord> Rows<T> {
    /// Rows from (row, item) pairs, each row sorted and without repeats.
    pub(crate) fn from_pairs(rows: usize, mut pairs: Vec<(u32, T)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = Vec::with_capacity(rows + 1);
        let mut next = 0;
        for row in 0..rows {
            starts.push(next as u32);
            while next < pairs.len() && pairs[next].0 as usize == row {
                next += 1;
            }
        }
        starts.push(next as u32);
        Self { starts, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    pub(crate) fn row(&self, row: usize) -> &[T] {
        &self.items[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}

/// A site's compiled layout. Cheap to ask, impossible to change.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(crate) graph: DiGraph<Node, Edge>,
    pub(crate) out: Rows<EdgeId>,
    pub(crate) inward: Rows<EdgeId>,
    pub(crate) node_names: BTreeMap<String, NodeId>,
    pub(crate) edge_names: BTreeMap<String, EdgeId>,
    pub(crate) station_names: BTreeMap<String, StationId>,
    pub(crate) stations: Vec<Station>,
    pub(crate) zones: Vec<Zone>,
    pub(crate) devices: Vec<Device>,
    pub(crate) types: Vec<RobotType>,
    pub(crate) robots: Vec<RobotEntry>,
    pub(crate) profiles: Vec<Profile>,
    /// One bit per type.
    pub(crate) node_types: Vec<u32>,
    pub(crate) edge_types: Vec<u32>,
    /// `travel[type][edge]`, ms.
    pub(crate) travel: Vec<Vec<u32>>,
    /// Corner points of curved edges between their end nodes, mm.
    pub(crate) bends: BTreeMap<EdgeId, Vec<[i32; 2]>>,
    pub(crate) conflicts: ConflictSets,
    pub(crate) chargers: Vec<NodeId>,
    pub(crate) parking: Vec<NodeId>,
    pub(crate) holding: Vec<NodeId>,
    pub(crate) on_failure: OnFailure,
    pub(crate) remedies: Vec<Remedies>,
    /// Where loads of jobs that were taken back go; none = where they were picked.
    pub(crate) returns: Option<StationId>,
    pub(crate) fingerprint: u64,
}

impl Layout {
    /// How many nodes.
    pub fn node_count(&self) -> usize {
        self.graph.node_count()
    }

    /// How many edges.
    pub fn edge_count(&self) -> usize {
        self.graph.edge_count()
    }

    /// The graph; its indices are the ids' indices.
    pub fn graph(&self) -> &DiGraph<Node, Edge> {
        &self.graph
    }

    /// A node of this layout. Panics on an id of another layout.
    pub fn node(&self, node: NodeId) -> &Node {
        &self.graph[NodeIndex::new(node.index())]
    }

    /// An edge of this layout. Panics on an id of another layout.
    pub fn edge(&self, edge: EdgeId) -> &Edge {
        &self.graph[EdgeIndex::new(edge.index())]
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.graph.node_count()).map(NodeId::of)
    }

    /// All edges, by id.
    pub fn edges(&self) -> impl Iterator<Item = EdgeId> + use<> {
        (0..self.graph.edge_count()).map(EdgeId::of)
    }

    /// Edges that start at a node, sorted.
    pub fn out_edges(&self, node: NodeId) -> &[EdgeId] {
        self.out.row(node.index())
    }

    /// Edges that end at a node, sorted.
    pub fn in_edges(&self, node: NodeId) -> &[EdgeId] {
        self.inward.row(node.index())
    }

    /// The node of this LIF id.
    pub fn node_named(&self, name: &str) -> Option<NodeId> {
        self.node_names.get(name).copied()
    }

    /// The edge of this LIF id.
    pub fn edge_named(&self, name: &str) -> Option<EdgeId> {
        self.edge_names.get(name).copied()
    }

    /// The station of this LIF id.
    pub fn station_named(&self, name: &str) -> Option<StationId> {
        self.station_names.get(name).copied()
    }

    /// The robot type of this name.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.types.iter().position(|robot_type| robot_type.name == name).map(TypeId::of)
    }

    /// A station of this layout.
    pub fn station(&self, station: StationId) -> &Station {
        &self.stations[station.index()]
    }

    /// All stations, by id.
    pub fn stations(&self) -> &[Station] {
        &self.stations
    }

    /// A robot type of this site.
    pub fn robot_type(&self, robot_type: TypeId) -> &RobotType {
        &self.types[robot_type.index()]
    }

    /// All robot types, by id; never empty.
    pub fn robot_types(&self) -> &[RobotType] {
        &self.types
    }

    /// How VDA 5050 is spoken with a robot, where `site.toml` says it: the profile it names, else its manufacturer's.
    pub fn profile_of(&self, manufacturer: &str, serial: &str) -> Option<&Profile> {
        let is_it = |entry: &&RobotEntry| entry.manufacturer == manufacturer && entry.serial == serial;
        let named = self.robots.iter().find(is_it).and_then(|entry| entry.profile.as_deref());
        let by_name = |name: &str| self.profiles.iter().find(|profile| profile.name == name);
        let of_maker = || self.profiles.iter().find(|it| it.manufacturer.as_deref() == Some(manufacturer));
        named.map_or_else(of_maker, by_name)
    }

    /// All profiles of `site.toml`.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The robots named in `site.toml`.
    pub fn robots(&self) -> &[RobotEntry] {
        &self.robots
    }

    /// The devices named in `site.toml`; `Edge::device` is an index into it.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Whether a robot of this type may stand at this node.
    pub fn admits_node(&self, robot_type: TypeId, node: NodeId) -> bool {
        self.node_types[node.index()] >> robot_type.0 & 1 == 1
    }

    /// Whether a robot of this type may drive this edge (and stand at both its ends).
    pub fn admits_edge(&self, robot_type: TypeId, edge: EdgeId) -> bool {
        self.edge_types[edge.index()] >> robot_type.0 & 1 == 1
    }

    /// Time to drive an edge at full speed (the type's, or the edge's limit), ms, at least 1.
    pub fn travel_ms(&self, robot_type: TypeId, edge: EdgeId) -> u32 {
        self.travel[robot_type.index()][edge.index()]
    }

    /// Time to turn on the spot the shorter way round, ms; 0 under 5 degrees.
    pub fn turn_ms(&self, robot_type: TypeId, from_mdeg: i32, to_mdeg: i32) -> u32 {
        let apart = (i64::from(to_mdeg) - i64::from(from_mdeg)).rem_euclid(360_000) as u32;
        let turn_mdeg = apart.min(360_000 - apart);
        if turn_mdeg < TURN_FREE_MDEG {
            return 0;
        }
        let rate = u64::from(self.types[robot_type.index()].turn_mdeg_s);
        (u64::from(turn_mdeg) * 1_000).div_ceil(rate) as u32
    }

    /// Way from full speed to standstill, v^2 / 2a rounded up, mm.
    pub fn braking_mm(&self, robot_type: TypeId) -> u32 {
        let robot_type = &self.types[robot_type.index()];
        let speed = u64::from(robot_type.speed_mm_s);
        (speed * speed).div_ceil(2 * u64::from(robot_type.accel_mm_s2)) as u32
    }

    /// Places whose footprint overlaps this node's; never the node itself.
    pub fn node_conflicts(&self, node: NodeId) -> Conflicts<'_> {
        self.conflicts.of_node(node)
    }

    /// Places whose footprint overlaps this edge's: always both its end nodes and its twin; never the edge itself.
    pub fn edge_conflicts(&self, edge: EdgeId) -> Conflicts<'_> {
        self.conflicts.of_edge(edge)
    }

    /// Nodes with a charger, sorted.
    pub fn chargers(&self) -> &[NodeId] {
        &self.chargers
    }

    /// Nodes where idle robots park, sorted.
    pub fn parking(&self) -> &[NodeId] {
        &self.parking
    }

    /// Nodes where a robot may wait without cutting the layout, sorted.
    pub fn holding(&self) -> &[NodeId] {
        &self.holding
    }

    /// All zones, by id.
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// The zone a node lies in.
    pub fn zone_of(&self, node: NodeId) -> Option<&Zone> {
        self.node(node).zone.map(|zone| &self.zones[zone.index()])
    }

    /// What happens to a sequence when one of its jobs fails.
    pub fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    /// What is done about failed actions of this type, one remedy after the other; empty = the job fails.
    pub fn remedies(&self, action_type: &str) -> &[Remedy] {
        let found = self.remedies.iter().find(|remedies| remedies.action_type == action_type);
        found.map_or(&[], |remedies| &remedies.list)
    }

    /// Where the load of a job goes that was taken back with it aboard; none = back to where it was picked.
    pub fn returns(&self) -> Option<StationId> {
        self.returns
    }

    /// Corner points of a curved edge between its end nodes (x, y), mm; empty on a straight edge.
    pub fn bends(&self, edge: EdgeId) -> &[[i32; 2]] {
        self.bends.get(&edge).map_or(&[], Vec::as_slice)
    }

    /// The node nearest to a point on any map, and how far it is, mm rounded down; the lower id of two alike.
    pub fn nearest_node(&self, x_mm: i64, y_mm: i64) -> Option<(NodeId, u32)> {
        let nearest = self.nodes().min_by_key(|node| self.distance_squared(*node, x_mm, y_mm))?;
        let distance = self.distance_squared(nearest, x_mm, y_mm).isqrt();
        Some((nearest, u32::try_from(distance).unwrap_or(u32::MAX)))
    }

    fn distance_squared(&self, node: NodeId, x_mm: i64, y_mm: i64) -> u128 {
        let node = self.node(node);
        let dx = u128::from(x_mm.abs_diff(i64::from(node.x_mm)));
        let dy = u128::from(y_mm.abs_diff(i64::from(node.y_mm)));
        dx * dx + dy * dy
    }

    /// Content hash of the ground (nodes, edges, stations, zones, devices, types, conflicts, places; not the list of
    /// robots), the same on every run and machine for the same files.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}
