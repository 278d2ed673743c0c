//! Where a scenario plays: files, a drawn grid, or a generated block warehouse.

use std::collections::BTreeMap;

use serde::Deserialize;

use drover_maps::generate::Warehouse;
use drover_maps::{EdgeId, Layout, Severity, Temperature, lif};

use super::{ReadFile, ScenarioError};

/// Exactly one of `lif`, `grid` and `blocks`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ground {
    /// A LIF file.
    pub lif: Option<String>,
    /// Its `site.toml`.
    pub site: Option<String>,
    /// A picture, one character per place: `.` a node, a letter a station of that name, a digit a parking node, `>`, `<`,
    /// `^`, `v` a node that is left that way only, a space or `#` nothing. Neighbours are joined both ways otherwise.
    pub grid: Option<String>,
    /// Distance between two places of the grid, mm; 1,500 when not given.
    pub spacing_mm: Option<u32>,
    /// Robots that a grid's or a block warehouse's site file lists; any other joins by itself when it is heard.
    pub listed_robots: u32,
    /// What the robots of a grid declare that they can do; they may do everything when it is empty.
    pub capabilities: Vec<String>,
    /// Doors of a grid or a block warehouse, each across a way (there and back): that many, spread.
    pub doors: u32,
    /// What is done about robots' actions of a type that failed, as in `[[action]]` of a site file.
    pub on_failure: BTreeMap<String, Vec<String>>,
    /// Station that loads of jobs that were taken back go to.
    pub returns: Option<String>,
    /// A generated block warehouse.
    pub blocks: Option<Blocks>,
}

/// The numbers of a block warehouse; what is missing keeps the generator's default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Blocks {
    /// South-north aisles.
    pub aisles: Option<u32>,
    /// Bays of an aisle between two cross roads.
    pub bays: Option<u32>,
    /// West-east cross roads.
    pub cross_aisles: Option<u32>,
    /// Docks.
    pub docks: Option<u32>,
    /// Pick stations.
    pub pick_stations: Option<u32>,
    /// Chargers.
    pub chargers: Option<u32>,
    /// Parking bays.
    pub parking: Option<u32>,
    /// Aisles are single lanes.
    pub one_way_aisles: Option<bool>,
    /// Zones from west to east, of equal width: how cold each is.
    pub zones: Option<Vec<Temperature>>,
}

const SPACING_MM: u32 = 1_500;

impl Ground {
    /// The layout, and what its compiler warned of.
    pub(super) fn compile(&self, read: ReadFile<'_>) -> Result<(Layout, Vec<String>), ScenarioError> {
        self.check()?;
        let (lif, site) = match (&self.lif, &self.grid, &self.blocks) {
            (Some(path), None, None) => {
                let site =
                    self.site.as_deref().map(|path| read_text("layout.site", path, read)).transpose()?;
                (read_text("layout.lif", path, read)?, site)
            }
            (None, Some(grid), None) => {
                let (lif, site) = draw(grid, self.spacing_mm.unwrap_or(SPACING_MM))?;
                let site = site
                    + &declared(&self.capabilities)
                    + &listed(self.listed_robots)
                    + &spread_doors(&lif, self.doors)?
                    + &self.orderly();
                (lif, Some(site))
            }
            (None, None, Some(blocks)) => {
                let drawing = Warehouse { robots: self.listed_robots, ..blocks.warehouse() }.draw();
                let drawing =
                    drawing.map_err(|no_room| ScenarioError::value("layout.blocks", no_room.to_string()))?;
                let doors = spread_doors(&drawing.lif, self.doors)?;
                (drawing.lif, Some(drawing.site + &doors + &self.orderly()))
            }
            _ => {
                return Err(ScenarioError::value(
                    "layout",
                    "write exactly one of `lif`, `grid` and `blocks`",
                ));
            }
        };
        compile(&lif, site.as_deref())
    }

    /// What is done about failed actions and about loads of jobs that were taken back.
    fn orderly(&self) -> String {
        let returns = self.returns.iter().map(|station| format!("[returns]\nstation = {station:?}\n"));
        returns.collect::<String>() + &remedies(&self.on_failure)
    }

    /// Keys that would do nothing.
    fn check(&self) -> Result<(), ScenarioError> {
        let is_file = self.lif.is_some();
        let idle = [
            ("site", !is_file && self.site.is_some(), "goes with `lif` only; take it out"),
            (
                "spacing_mm",
                self.grid.is_none() && self.spacing_mm.is_some(),
                "goes with `grid` only; take it out",
            ),
            (
                "capabilities",
                self.grid.is_none() && !self.capabilities.is_empty(),
                "goes with `grid` only; write it in the site file instead",
            ),
            ("listed_robots", is_file && self.listed_robots > 0, "list robots in the site file instead"),
            ("doors", is_file && self.doors > 0, "write doors in the site file instead"),
            (
                "on_failure",
                is_file && !self.on_failure.is_empty(),
                "write `[[action]]` in the site file instead",
            ),
            ("returns", is_file && self.returns.is_some(), "write `[returns]` in the site file instead"),
        ];
        match idle.into_iter().find(|(_, is_idle, _)| *is_idle) {
            Some((key, _, mend)) => Err(ScenarioError::value(format!("layout.{key}"), mend)),
            None => Ok(()),
        }
    }
}

fn read_text(key: &str, path: &str, read: ReadFile<'_>) -> Result<String, ScenarioError> {
    let bytes = read(path).map_err(|problem| ScenarioError::value(key, problem))?;
    String::from_utf8(bytes).map_err(|_| ScenarioError::value(key, format!("{path} isn't UTF-8 text")))
}

fn compile(lif: &str, site: Option<&str>) -> Result<(Layout, Vec<String>), ScenarioError> {
    let compiled = drover_maps::compile(lif.as_bytes(), site);
    let compiled = compiled.map_err(|error| ScenarioError::value("layout", error.to_string()))?;
    if let Some(error) = compiled.findings.iter().find(|finding| finding.severity == Severity::Error) {
        return Err(ScenarioError::value("layout", error.to_string()));
    }
    Ok((compiled.layout, compiled.findings.iter().map(ToString::to_string).collect()))
}

impl Blocks {
    fn warehouse(&self) -> Warehouse {
        let plain = Warehouse::default();
        Warehouse {
            aisles: self.aisles.unwrap_or(plain.aisles),
            bays: self.bays.unwrap_or(plain.bays),
            cross_aisles: self.cross_aisles.unwrap_or(plain.cross_aisles),
            docks: self.docks.unwrap_or(plain.docks),
            pick_stations: self.pick_stations.unwrap_or(plain.pick_stations),
            chargers: self.chargers.unwrap_or(plain.chargers),
            parking: self.parking.unwrap_or(plain.parking),
            one_way_aisles: self.one_way_aisles.unwrap_or(plain.one_way_aisles),
            zones: self.zones.as_ref().map_or(plain.zones, |zones| zones.iter().zip(1..).map(zone).collect()),
            ..plain
        }
    }
}

/// Zone number so and so, from the west.
fn zone((temperature, number): (&Temperature, u32)) -> (String, Temperature) {
    (format!("zone-{number}"), *temperature)
}

/// LIF and `site.toml` of a picture. Rows run from north to south.
fn draw(grid: &str, spacing_mm: u32) -> Result<(String, String), ScenarioError> {
    let rows: Vec<Vec<char>> = grid.lines().map(|row| row.chars().collect()).collect();
    let cell = |x: usize, y: usize| rows.get(y)?.get(x).copied().filter(|c| !matches!(c, ' ' | '#'));
    let mut part =
        lif::LayoutPart { layout_id: "grid".into(), layout_version: "1".into(), ..Default::default() };
    let mut parking = Vec::new();
    for (y, row) in rows.iter().enumerate() {
        for x in 0..row.len() {
            let Some(place) = cell(x, y) else { continue };
            let name = node_name(place, x, y);
            if part.nodes.iter().any(|known| known.node_id == name) {
                let problem = format!("{place:?} is there twice; each letter and digit names one place");
                return Err(ScenarioError::value("layout.grid", problem));
            }
            part.nodes.push(node(&name, x, rows.len() - 1 - y, spacing_mm));
            for (to_x, to_y) in [(x + 1, y), (x, y + 1)] {
                let Some(other) = cell(to_x, to_y) else { continue };
                let (there, back) = ((to_x - x, to_y - y), (x.wrapping_sub(to_x), y.wrapping_sub(to_y)));
                let end = node_name(other, to_x, to_y);
                part.edges.extend(leaves(place, there).then(|| edge(&name, &end)));
                part.edges.extend(leaves(other, back).then(|| edge(&end, &name)));
            }
            match place {
                '.' | '>' | '<' | '^' | 'v' => {}
                '0'..='9' => parking.push(format!("\"{name}\"")),
                letter if letter.is_alphabetic() => part.stations.push(station(&name)),
                other => {
                    let problem = format!(
                        "{other:?} means nothing; use `.`, a letter, a digit, `>`, `<`, `^`, `v`, a space or `#`"
                    );
                    return Err(ScenarioError::value("layout.grid", problem));
                }
            }
        }
    }
    let meta_information = lif::MetaInformation { lif_version: "1.0.0".into(), ..Default::default() };
    let file = lif::File { meta_information, layouts: vec![part] };
    let text = serde_json::to_string(&file)
        .map_err(|error| ScenarioError::value("layout.grid", error.to_string()))?;
    let site = if parking.is_empty() {
        String::new()
    } else {
        format!("[[parking]]\nnodes = [{}]\n", parking.join(", "))
    };
    Ok((text, site))
}

/// Doors of a site file, on ways far from one another.
fn spread_doors(lif: &str, count: u32) -> Result<String, ScenarioError> {
    if count == 0 {
        return Ok(String::new());
    }
    let (layout, _) = compile(lif, None)?;
    let is_first = |edge: &EdgeId| layout.edge(*edge).twin.is_none_or(|twin| *edge < twin);
    let ways: Vec<EdgeId> = (0..layout.edge_count() as u32).map(EdgeId).filter(is_first).collect();
    let step = (ways.len() / count as usize).max(1);
    let door = |(number, way): (usize, &EdgeId)| {
        let edges = [Some(*way), layout.edge(*way).twin].into_iter().flatten();
        let edges: Vec<&str> = edges.map(|edge| layout.edge(edge).name.as_str()).collect();
        format!("[[device]]\nid = \"DOOR-{number}\"\nkind = \"door\"\nedges = {edges:?}\n")
    };
    Ok(ways.iter().skip(step / 2).step_by(step).take(count as usize).enumerate().map(door).collect())
}

/// The robot type of a site file, if it declares anything.
fn declared(capabilities: &[String]) -> String {
    if capabilities.is_empty() {
        return String::new();
    }
    format!("[[robot_type]]\nvehicle_type = \"amr\"\ncapabilities = {capabilities:?}\n")
}

/// The remedies of a site file.
fn remedies(on_failure: &BTreeMap<String, Vec<String>>) -> String {
    let action = |(name, list)| format!("[[action]]\ntype = {name:?}\non_failure = {list:?}\n");
    on_failure.iter().map(action).collect()
}

/// Robots of a site file.
fn listed(count: u32) -> String {
    (1..=count)
        .map(|number| format!("[[robot]]\nmanufacturer = \"drover\"\nserial = \"r{number:02}\"\n"))
        .collect()
}

/// A place may be left by this step: an arrow only the way it points.
fn leaves(place: char, step: (usize, usize)) -> bool {
    const BACK: usize = usize::MAX;
    match place {
        '>' => step == (1, 0),
        '<' => step == (BACK, 0),
        'v' => step == (0, 1),
        '^' => step == (0, BACK),
        _ => true,
    }
}

/// Letters and digits name themselves; the rest is named by its place.
fn node_name(place: char, x: usize, y: usize) -> String {
    if place.is_alphanumeric() && place != 'v' { place.to_string() } else { format!("{x},{y}") }
}

fn node(name: &str, x: usize, y: usize, spacing_mm: u32) -> lif::Node {
    let metres = |count: usize| count as f64 * f64::from(spacing_mm) / 1_000.0;
    let property = lif::NodeProperty { vehicle_type_id: "amr".into(), theta: None };
    lif::Node {
        node_id: name.to_owned(),
        node_name: None,
        map_id: Some("ground".into()),
        node_position: lif::Position { x: metres(x), y: metres(y) },
        vehicle_type_node_properties: vec![property],
    }
}

fn edge(from: &str, to: &str) -> lif::Edge {
    let property = lif::EdgeProperty { vehicle_type_id: "amr".into(), ..Default::default() };
    lif::Edge {
        edge_id: format!("{from}-{to}"),
        start_node_id: from.to_owned(),
        end_node_id: to.to_owned(),
        vehicle_type_edge_properties: vec![property],
    }
}

fn station(name: &str) -> lif::Station {
    lif::Station {
        station_id: name.to_owned(),
        interaction_node_ids: vec![name.to_owned()],
        station_name: None,
        station_position: None,
    }
}
