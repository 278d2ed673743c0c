//! What was played on a layout, and its file: a JSON of our own that says which robot drove onto which edge in which step.
//!
//! `robots`: type, node and direction (mdeg) at the start. `moves`, by robot: `begun-arrived:edge` for each edge it drove
//! along, the steps in which it left for it and came to its end, and the edge's id in the layout. The rest is as in the
//! League's file, with nodes by number in the layout's order.

use std::io::{Read, Write};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use drover_core::plan::floor::BEAT_MS;
use drover_core::plan::lattice::Step;
use drover_maps::EdgeId;

use super::arena::Start;
use super::book::Log;
use super::plan::{Revealed, per_robot, read_schedule, schedule_text};
use super::play::{AHEAD, LEFT, RIGHT, WAIT};
use super::{Arena, Record};

const VERSION: &str = "drover route 1";
/// Steps of a route that is read, at most.
const STEPS_MAX: u32 = 10_000_000;

/// A robot's drive along an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The step in which it drove onto it.
    pub begun: u32,
    /// The step in which it came to its end; none = not any more.
    pub arrived: Option<u32>,
    /// The edge.
    pub edge: EdgeId,
}

/// What was played. Every list is by robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Steps played.
    pub steps: u32,
    /// Robots fell behind by chance.
    pub has_delays: bool,
    /// Where robots started.
    pub starts: Vec<Start>,
    /// In driving order.
    pub legs: Vec<Vec<Leg>>,
    /// What it says of tasks.
    pub log: Log,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    version: String,
    layout: String,
    beat_ms: u32,
    steps: u32,
    has_delays: bool,
    robots: Vec<(String, String, i32)>,
    num_task_finished: u32,
    moves: Vec<String>,
    schedule: Vec<String>,
    events: Vec<[u32; 4]>,
    tasks: Vec<Revealed>,
}

impl Route {
    /// The record of an arena that was played.
    pub fn new(arena: &Arena, record: &Record, has_delays: bool) -> Route {
        Route {
            steps: record.finished.len().saturating_sub(1) as u32,
            has_delays,
            starts: arena.starts.clone(),
            legs: arena
                .starts
                .iter()
                .zip(&record.actions)
                .map(|(start, of)| legs(arena, *start, of))
                .collect(),
            log: Log::new(record, &arena.tasks, |node| vec![node]),
        }
    }

    /// Writes the JSON.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write(&self, arena: &Arena, file: impl Write) -> anyhow::Result<()> {
        let layout = &arena.layout;
        let robot = |start: &Start| {
            let of_type = layout.robot_type(start.robot_type).name.clone();
            (of_type, layout.node(start.node).name.clone(), start.heading_mdeg)
        };
        let leg = |leg: &Leg| {
            let arrived = leg.arrived.map_or(String::new(), |step| step.to_string());
            format!("{}-{arrived}:{}", leg.begun, layout.edge(leg.edge).name)
        };
        let moves = |legs: &Vec<Leg>| legs.iter().map(leg).collect::<Vec<_>>().join(",");
        let json = File {
            version: VERSION.to_owned(),
            layout: format!("{:016x}", layout.fingerprint()),
            beat_ms: BEAT_MS,
            steps: self.steps,
            has_delays: self.has_delays,
            robots: self.starts.iter().map(robot).collect(),
            num_task_finished: self.log.finished,
            moves: self.legs.iter().map(moves).collect(),
            schedule: self.log.schedule.iter().map(|pursuits| schedule_text(pursuits)).collect(),
            events: self.log.events.clone(),
            tasks: self.log.tasks.clone(),
        };
        let mut file = std::io::BufWriter::new(file);
        serde_json::to_writer(&mut file, &json)?;
        file.flush()?;
        Ok(())
    }

    /// Reads the JSON of a route on this arena.
    ///
    /// # Errors
    /// Name the key, the robot, the value and the mend.
    pub fn read(arena: &Arena, mut file: impl Read) -> anyhow::Result<Route> {
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let file: File = serde_json::from_str(&text).context("not a route")?;
        ensure!(file.version == VERSION, "`version` is `{}`; only `{VERSION}` can be checked", file.version);
        let fingerprint = format!("{:016x}", arena.layout.fingerprint());
        ensure!(
            file.layout == fingerprint && file.beat_ms == BEAT_MS,
            "it was played on layout {} in beats of {} ms, this is layout {fingerprint} in beats of {BEAT_MS} ms; give the \
             same --layout and --site",
            file.layout,
            file.beat_ms
        );
        let size = file.robots.len();
        for (key, length) in [("moves", file.moves.len()), ("schedule", file.schedule.len())] {
            ensure!(
                length == size,
                "`{key}` has {length} robots, `robots` {size}; write one entry per robot"
            );
        }
        ensure!(
            file.steps <= STEPS_MAX,
            "`steps` is {}; only routes of {STEPS_MAX} or fewer can be checked",
            file.steps
        );
        let start = |(robot_type, node, heading_mdeg): &(String, String, i32)| {
            let layout = &arena.layout;
            let robot_type =
                layout.type_named(robot_type).with_context(|| format!("`robots` has type `{robot_type}`"))?;
            let node = layout.node_named(node).with_context(|| format!("`robots` has node `{node}`"))?;
            Ok(Start { robot_type, node, heading_mdeg: *heading_mdeg })
        };
        Ok(Route {
            steps: file.steps,
            has_delays: file.has_delays,
            starts: file.robots.iter().map(start).collect::<anyhow::Result<_>>()?,
            legs: per_robot("moves", &file.moves, |item| read_leg(arena, item))?,
            log: Log {
                finished: file.num_task_finished,
                schedule: per_robot("schedule", &file.schedule, read_schedule)?,
                events: file.events,
                tasks: file.tasks,
            },
        })
    }
}

fn read_leg(arena: &Arena, item: &str) -> anyhow::Result<Leg> {
    let leg = item.split_once(':').and_then(|(steps, edge)| {
        let (begun, arrived) = steps.split_once('-')?;
        let arrived = if arrived.is_empty() { None } else { Some(arrived.parse().ok()?) };
        Some(Leg { begun: begun.parse().ok()?, arrived, edge: arena.layout.edge_named(edge)? })
    });
    leg.with_context(|| format!("`{item:.60}` is no move; write begun-arrived:edge"))
}

/// The edges a robot drove onto.
fn legs(arena: &Arena, start: Start, actions: &[u8]) -> Vec<Leg> {
    let lattice = &arena.floor.lattice;
    let mut state =
        arena.floor.state(start.robot_type, start.node, Some(start.heading_mdeg)).unwrap_or_default();
    let mut legs: Vec<Leg> = Vec::new();
    for (step, action) in (1..).zip(actions) {
        let next = match *action {
            WAIT => state,
            RIGHT => lattice.after(state, Step::Right),
            LEFT => lattice.after(state, Step::Left),
            ahead => lattice.ahead(state).nth(usize::from(ahead - AHEAD)).unwrap_or(state),
        };
        let (before, place) = (lattice.place(state), lattice.place(next));
        match arena.floor.edge_at(place) {
            Some(edge) if place != before => legs.push(Leg { begun: step, arrived: None, edge }),
            None if place != before => {
                if let Some(leg) = legs.last_mut() {
                    leg.arrived = Some(step);
                }
            }
            Some(_) | None => {}
        }
        state = next;
    }
    legs
}
