//! Imports grid maps of the MovingAI benchmarks (`.map`, `type octile`): every free cell a node, 4-connected, both ways.
//!
//! `.`, `G`, `S` and `E` are free, `@`, `O`, `T` and `W` are blocked. Cells are numbered `row * width + column` from the
//! top left corner as the benchmarks do; cell 17 is node `c17`; an `E` cell is also the station `E-17`. Sturtevant,
//! Benchmarks for Grid-Based Pathfinding, 2012.

use std::fmt::Write as _;

use thiserror::Error;

use crate::generate::Drawing;
use crate::limits::{FILE_BYTES_MAX, NODES_MAX};
use crate::{RobotType, lif};

/// Smallest cell, mm.
pub const CELL_MM_MIN: u32 = 100;
/// Largest cell, mm.
pub const CELL_MM_MAX: u32 = 100_000;
/// Longest side of a map, cells.
pub const SIDE_MAX: usize = 10_000;

/// How to read the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Name of the layout.
    pub name: String,
    /// Side of a cell, mm.
    pub cell_mm: u32,
    /// Name of the robot type, which is as large as a cell lets it be without touching its neighbours.
    pub vehicle_type: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { name: "grid".to_owned(), cell_mm: 1_000, vehicle_type: "grid-robot".to_owned() }
    }
}

/// Why a map can't be imported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The text is too long.
    #[error("the map has {0} bytes, more than {FILE_BYTES_MAX}")]
    TooLarge(usize),
    /// A cell size out of range.
    #[error("cell_mm is {0}; write {CELL_MM_MIN} to {CELL_MM_MAX}")]
    CellSize(u32),
    /// A header line is missing or wrong.
    #[error("line {line}: expected `{expected}`; a MovingAI map begins with type, height, width, map")]
    Header {
        /// Line number from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The map's side is 0 or too long.
    #[error("the map is {width} x {height} cells; 1 to {SIDE_MAX} each way are allowed")]
    Size {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// A row is missing, or too short or too long.
    #[error("row {row} has {found} cells; the header's width is {width}")]
    Row {
        /// Row from 0.
        row: usize,
        /// Its length.
        found: usize,
        /// What it should be.
        width: usize,
    },
    /// A character that means nothing.
    #[error("row {row} column {column} is `{found}`; write . G S E (free) or @ O T W (blocked)")]
    Cell {
        /// Row from 0.
        row: usize,
        /// Column from 0.
        column: usize,
        /// The character.
        found: char,
    },
    /// More free cells than a layout may have nodes.
    #[error("the map has {0} free cells, more than {NODES_MAX}")]
    TooMany(usize),
}

/// The cells of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Columns.
    pub width: usize,
    /// Rows from the top; true = free.
    pub rows: Vec<Vec<bool>>,
    /// `E` cells, `row * width + column`.
    pub stations: Vec<usize>,
}

/// The LIF text of a map, and a `site.toml` with a robot type that fits its cells.
///
/// # Errors
/// [`Error`] names the line, row or option that is wrong.
pub fn import(map: &str, options: &Options) -> Result<Drawing, Error> {
    if map.len() > FILE_BYTES_MAX {
        return Err(Error::TooLarge(map.len()));
    }
    if !(CELL_MM_MIN..=CELL_MM_MAX).contains(&options.cell_mm) {
        return Err(Error::CellSize(options.cell_mm));
    }
    let grid = parse(map)?;
    let free = grid.rows.iter().flatten().filter(|free| **free).count();
    if free > NODES_MAX {
        return Err(Error::TooMany(free));
    }
    let lif = serde_json::to_string(&file(&grid, options)).unwrap_or_default();
    Ok(Drawing { lif, site: site(options) })
}

/// The cells of a map.
///
/// # Errors
/// [`Error`] names the line or row that is wrong.
pub fn parse(map: &str) -> Result<Grid, Error> {
    let mut lines = map.lines();
    let mut header = |line: usize, expected: &'static str, key: &str| -> Result<String, Error> {
        let text = lines.next().unwrap_or_default().trim();
        let value = text.strip_prefix(key).ok_or(Error::Header { line, expected })?;
        Ok(value.trim().to_owned())
    };
    header(1, "type octile", "type")?;
    let height = header(2, "height N", "height")?;
    let width = header(3, "width N", "width")?;
    header(4, "map", "map")?;
    let height: usize = height.parse().map_err(|_| Error::Header { line: 2, expected: "height N" })?;
    let width: usize = width.parse().map_err(|_| Error::Header { line: 3, expected: "width N" })?;
    if !(1..=SIDE_MAX).contains(&width) || !(1..=SIDE_MAX).contains(&height) {
        return Err(Error::Size { width, height });
    }
    let mut grid = Grid { width, rows: vec![], stations: vec![] };
    for row in 0..height {
        let line = lines.next().unwrap_or_default().trim_end();
        let mut cells = Vec::with_capacity(line.len());
        for (column, found) in line.chars().enumerate() {
            match found {
                '.' | 'G' | 'S' => cells.push(true),
                'E' => {
                    grid.stations.push(row * width + column);
                    cells.push(true);
                }
                '@' | 'O' | 'T' | 'W' => cells.push(false),
                found => return Err(Error::Cell { row, column, found }),
            }
        }
        if cells.len() != width {
            return Err(Error::Row { row, found: cells.len(), width });
        }
        grid.rows.push(cells);
    }
    Ok(grid)
}

fn file(grid: &Grid, options: &Options) -> lif::File {
    let metres = f64::from(options.cell_mm) / 1_000.0;
    let mut part = lif::LayoutPart {
        layout_id: options.name.clone(),
        layout_version: "1".to_owned(),
        layout_level_id: Some("ground".to_owned()),
        ..lif::LayoutPart::default()
    };
    let height = grid.rows.len();
    for (row, cells) in grid.rows.iter().enumerate() {
        for column in (0..grid.width).filter(|column| cells[*column]) {
            let cell = row * grid.width + column;
            // Rows run downwards in the file, metres upwards.
            let position = lif::Position { x: column as f64 * metres, y: (height - 1 - row) as f64 * metres };
            part.nodes.push(lif::Node {
                node_id: format!("c{cell}"),
                node_name: None,
                map_id: Some("ground".to_owned()),
                node_position: position,
                vehicle_type_node_properties: vec![lif::NodeProperty {
                    vehicle_type_id: options.vehicle_type.clone(),
                    theta: None,
                }],
            });
            if column + 1 < grid.width && cells[column + 1] {
                part.edges.extend(there_and_back(cell, cell + 1, options));
            }
            if row + 1 < height && grid.rows[row + 1][column] {
                part.edges.extend(there_and_back(cell, cell + grid.width, options));
            }
        }
    }
    part.stations = grid.stations.iter().map(|cell| station(*cell)).collect();
    lif::File {
        meta_information: lif::MetaInformation {
            project_identification: options.name.clone(),
            creator: "drover map import".to_owned(),
            export_timestamp: "2026-01-01T00:00:00.00Z".to_owned(),
            lif_version: "1.0.0".to_owned(),
        },
        layouts: vec![part],
    }
}

fn station(cell: usize) -> lif::Station {
    lif::Station {
        station_id: format!("E-{cell}"),
        interaction_node_ids: vec![format!("c{cell}")],
        station_name: None,
        station_position: None,
    }
}

fn there_and_back(one: usize, other: usize, options: &Options) -> [lif::Edge; 2] {
    [(one, other), (other, one)].map(|(from, to)| lif::Edge {
        edge_id: format!("c{from}:c{to}"),
        start_node_id: format!("c{from}"),
        end_node_id: format!("c{to}"),
        vehicle_type_edge_properties: vec![lif::EdgeProperty {
            vehicle_type_id: options.vehicle_type.clone(),
            ..lif::EdgeProperty::default()
        }],
    })
}

/// A robot of 0.6 by 0.5 of the cell less the margins turns on its cell without touching the next one.
fn site(options: &Options) -> String {
    let usable_mm = options.cell_mm.saturating_sub(2 * crate::limits::MARGIN_MM).max(10);
    let robot_type = RobotType::with_defaults(&options.vehicle_type);
    let mut text = String::from("# Robot type for the cells of an imported grid.\n\n[[robot_type]]\n");
    let name = toml::Value::String(options.vehicle_type.clone());
    // Writing to a String can't fail.
    let _ = writeln!(text, "vehicle_type = {name}");
    for (key, value) in [
        ("length_mm", (usable_mm * 6 / 10).min(crate::limits::ROBOT_MM_MAX)),
        ("width_mm", (usable_mm * 5 / 10).min(crate::limits::ROBOT_MM_MAX)),
        ("speed_mm_s", robot_type.speed_mm_s),
        ("accel_mm_s2", robot_type.accel_mm_s2),
        ("turn_mdeg_s", robot_type.turn_mdeg_s),
    ] {
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}
