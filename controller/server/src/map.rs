//! Layouts: read and judged for the process, and the command `drover map`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use drover_maps::generate::{self, Drawing, Warehouse};
use drover_maps::render::Options;
use drover_maps::{Compiled, Finding, Layout, LoadError, Severity, movingai, render};

/// Why a layout can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file can't be read or written.
    #[error("failed to {what} {path}: {error}")]
    File {
        /// Doing what.
        what: &'static str,
        /// Where.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// No layout can be made of it at all.
    #[error("failed to load {path}: {error}")]
    Load {
        /// The file.
        path: String,
        /// Why.
        error: LoadError,
    },
    /// Not safe, or not usable.
    #[error("failed to use the layout: it has errors:{}", lines(.0))]
    Findings(Vec<Finding>),
    /// A MovingAI map isn't one.
    #[error("failed to import {path}: {error}")]
    MovingAi {
        /// The file.
        path: String,
        /// Why.
        error: movingai::Error,
    },
    /// The parameters don't fit together.
    #[error("failed to draw the layout: {0}")]
    NoRoom(#[from] generate::NoRoom),
    /// The picture is too large.
    #[error("failed to render {path}: {error}")]
    Render {
        /// The picture's file.
        path: String,
        /// Why.
        error: render::Error,
    },
    /// Nobody's format.
    #[error("failed to handle {path}: its ending must be {endings}")]
    Ending {
        /// The file.
        path: String,
        /// What it may be.
        endings: &'static str,
    },
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        // Writing into a String can't fail.
        let _ = write!(text, "\n  {finding}");
        text
    })
}

/// Reads and compiles a layout and its `site.toml`.
///
/// # Errors
/// [`LayoutError`] when no layout can be made of them at all.
pub fn load(layout: &Path, site: Option<&Path>) -> Result<Compiled, LayoutError> {
    let (lif, text) = read(layout, site)?;
    compile(layout, &lif, text.as_deref())
}

/// The texts of a layout and its `site.toml`.
///
/// # Errors
/// [`LayoutError::File`].
pub fn read(layout: &Path, site: Option<&Path>) -> Result<(Vec<u8>, Option<String>), LayoutError> {
    let lif = std::fs::read(layout).map_err(|error| file_error("read", layout, error))?;
    let site = match site {
        Some(path) => Some(std::fs::read_to_string(path).map_err(|error| file_error("read", path, error))?),
        None => None,
    };
    Ok((lif, site))
}

/// Compiles the text of the layout at this path.
///
/// # Errors
/// [`LayoutError`] when no layout can be made of it at all.
pub fn compile(layout: &Path, lif: &[u8], site: Option<&str>) -> Result<Compiled, LayoutError> {
    let path = layout.display().to_string();
    drover_maps::compile(lif, site).map_err(|error| LayoutError::Load { path, error })
}

/// The layout, if it has no errors; warnings are logged.
///
/// # Errors
/// [`LayoutError::Findings`] with every error.
pub fn usable(compiled: Compiled) -> Result<Layout, LayoutError> {
    let (errors, warnings): (Vec<Finding>, Vec<Finding>) =
        compiled.findings.into_iter().partition(|finding| finding.severity == Severity::Error);
    if !errors.is_empty() {
        return Err(LayoutError::Findings(errors));
    }
    for warning in warnings {
        tracing::warn!(code = warning.code, subject = warning.subject, "layout: {}", warning.message);
    }
    Ok(compiled.layout)
}

/// `drover map ...`.
#[derive(Debug, clap::Subcommand)]
pub enum MapCommand {
    /// Read a LIF 1.0 or MovingAI file, say what is wrong with it, write it as a site's folder with a picture.
    Import {
        /// The file: `.json` for LIF, `.map` for MovingAI.
        file: PathBuf,
        /// Folder to write layout.lif.json, site.toml and layout.svg to.
        #[arg(long)]
        out: PathBuf,
        /// Side of a MovingAI cell, mm.
        #[arg(long, default_value_t = 1_000)]
        cell_mm: u32,
        /// For machines.
        #[command(flatten)]
        json: Json,
    },
    /// Say what is wrong with a layout; exit 1 on any error.
    Validate {
        /// Which layout.
        #[command(flatten)]
        source: Source,
        /// For machines.
        #[command(flatten)]
        json: Json,
    },
    /// Draw a layout: the preset fresh-dc, or a warehouse of aisles.
    Generate {
        /// `fresh-dc` or `warehouse`.
        preset: Preset,
        /// Folder to write layout.lif.json and site.toml to.
        #[arg(long)]
        out: PathBuf,
        /// Its measures.
        #[command(flatten)]
        warehouse: WarehouseArgs,
        /// For machines.
        #[command(flatten)]
        json: Json,
    },
    /// Draw a picture of a layout.
    Render {
        /// Which layout.
        #[command(flatten)]
        source: Source,
        /// The picture: `.svg` or `.png`.
        #[arg(long)]
        out: PathBuf,
        /// Width in pixels.
        #[arg(long, default_value_t = 1_600)]
        width: u32,
        /// Leave names out.
        #[arg(long)]
        no_labels: bool,
    },
}

/// Which layout.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// LIF 1.0 file.
    #[arg(long)]
    pub layout: PathBuf,
    /// Its site.toml.
    #[arg(long)]
    pub site: Option<PathBuf>,
}

/// For machines.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Json {
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// What to draw.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Preset {
    /// The distribution centre of the demo.
    FreshDc,
    /// Aisles and cross roads, by the options below.
    Warehouse,
}

/// A warehouse's measures.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct WarehouseArgs {
    /// Aisles.
    #[arg(long, default_value_t = 6)]
    aisles: u32,
    /// Bays of an aisle between two cross roads.
    #[arg(long, default_value_t = 6)]
    bays: u32,
    /// Cross roads.
    #[arg(long, default_value_t = 3)]
    cross_aisles: u32,
    /// Docks.
    #[arg(long, default_value_t = 4)]
    docks: u32,
    /// Pick stations.
    #[arg(long, default_value_t = 24)]
    picks: u32,
    /// Chargers.
    #[arg(long, default_value_t = 4)]
    chargers: u32,
    /// Parking places; without it, 16 or as many as there is room for.
    #[arg(long)]
    parking: Option<u32>,
    /// Robots.
    #[arg(long, default_value_t = 15)]
    robots: u32,
}

/// Runs `drover map ...`. True = no error was found.
///
/// # Errors
/// [`LayoutError`] when there is nothing to judge.
pub fn run(command: MapCommand) -> Result<bool, LayoutError> {
    match command {
        MapCommand::Import { file, out, cell_mm, json } => import(&file, &out, cell_mm, json),
        MapCommand::Validate { source, json } => {
            Ok(tell(&load(&source.layout, source.site.as_deref())?, json))
        }
        MapCommand::Generate { preset, out, warehouse, json } => generate(preset, &out, warehouse, json),
        MapCommand::Render { source, out, width, no_labels } => {
            let compiled = load(&source.layout, source.site.as_deref())?;
            let options = Options { width_px: width, labels: !no_labels, ..Options::default() };
            picture(&compiled.layout, &options, &out)?;
            Ok(true)
        }
    }
}

fn import(file: &Path, out: &Path, cell_mm: u32, json: Json) -> Result<bool, LayoutError> {
    let text = std::fs::read_to_string(file).map_err(|error| file_error("read", file, error))?;
    let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("layout").to_owned();
    let drawing = match file.extension().and_then(|ending| ending.to_str()) {
        Some("map") => {
            let options = movingai::Options { name, cell_mm, ..movingai::Options::default() };
            let path = file.display().to_string();
            movingai::import(&text, &options).map_err(|error| LayoutError::MovingAi { path, error })?
        }
        Some("json" | "lif") => Drawing { lif: text, site: String::new() },
        Some(_) | None => {
            return Err(LayoutError::Ending {
                path: file.display().to_string(),
                endings: ".json, .lif or .map",
            });
        }
    };
    write(&drawing, out)?;
    let compiled = load(&out.join("layout.lif.json"), Some(&out.join("site.toml")))?;
    picture(&compiled.layout, &Options::default(), &out.join("layout.svg"))?;
    Ok(tell(&compiled, json))
}

fn generate(preset: Preset, out: &Path, args: WarehouseArgs, json: Json) -> Result<bool, LayoutError> {
    let drawing = match preset {
        Preset::FreshDc => generate::fresh_dc(),
        Preset::Warehouse => draw(args)?,
    };
    write(&drawing, out)?;
    Ok(tell(&load(&out.join("layout.lif.json"), Some(&out.join("site.toml")))?, json))
}

fn draw(args: WarehouseArgs) -> Result<Drawing, generate::NoRoom> {
    let warehouse = Warehouse {
        aisles: args.aisles,
        bays: args.bays,
        cross_aisles: args.cross_aisles,
        docks: args.docks,
        pick_stations: args.picks,
        chargers: args.chargers,
        robots: args.robots,
        ..Warehouse::default()
    };
    let parking = args.parking.unwrap_or(warehouse.parking);
    match (Warehouse { parking, ..warehouse.clone() }).draw() {
        Err(no_room) if args.parking.is_none() && no_room.what == "parking" => {
            Warehouse { parking: no_room.max as u32, ..warehouse }.draw()
        }
        drawn => drawn,
    }
}

fn write(drawing: &Drawing, out: &Path) -> Result<(), LayoutError> {
    std::fs::create_dir_all(out).map_err(|error| file_error("make the folder", out, error))?;
    for (name, text) in [("layout.lif.json", &drawing.lif), ("site.toml", &drawing.site)] {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(|error| file_error("write", &path, error))?;
    }
    Ok(())
}

fn picture(layout: &Layout, options: &Options, out: &Path) -> Result<(), LayoutError> {
    let path = out.display().to_string();
    let bytes = match out.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => render::svg(layout, options).into_bytes(),
        Some("png") => render::png(layout, options).map_err(|error| LayoutError::Render { path, error })?,
        Some(_) | None => return Err(LayoutError::Ending { path, endings: ".svg or .png" }),
    };
    std::fs::write(out, bytes).map_err(|error| file_error("write", out, error))
}

/// Prints the findings and the size. True = no errors.
fn tell(compiled: &Compiled, json: Json) -> bool {
    let errors = compiled.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let layout = &compiled.layout;
    let (nodes, edges, stations) = (layout.node_count(), layout.edge_count(), layout.stations().len());
    if json.json {
        let text = serde_json::json!({
            "nodes": nodes, "edges": edges, "stations": stations, "errors": errors,
            "warnings": compiled.findings.len() - errors, "findings": compiled.findings,
        });
        println!("{text}");
        return errors == 0;
    }
    for finding in &compiled.findings {
        println!("{finding}");
    }
    println!(
        "{nodes} nodes, {edges} edges, {stations} stations: {errors} errors, {} warnings",
        compiled.findings.len() - errors
    );
    errors == 0
}

fn file_error(what: &'static str, path: &Path, error: std::io::Error) -> LayoutError {
    LayoutError::File { what, path: path.display().to_string(), error }
}
