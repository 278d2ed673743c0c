//! What can go wrong: each kind with its strength, from when until when, and with whom. A scenario writes them down, the
//! swarm draws them. The world brings them about; nobody tells the mind.
//!
//! ```toml
//! [[fault]]
//! what = "robot_breaks"
//! who = "drover/r03"     # left out: drawn from the seed
//! from_s = 120
//! until_s = 300          # left out: until `heal_s`, or for ever
//! ```

mod draw;
mod kind;

use serde::Deserialize;

use drover_core::Time;
use drover_maps::{EdgeId, Layout};

use crate::machine::Begin;
use crate::rng::Rng;
use crate::scenario::{START, ScenarioError};

pub(crate) use draw::{draw, draw_short};
pub use kind::{Ill, Kind, Talk, Trouble, Weather};

/// One fault of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultLine {
    /// What.
    pub what: Kind,
    /// Whom it befalls: a robot (`manufacturer/serial`), a door's or an edge's name, by kind; drawn when not given.
    pub who: Option<String>,
    /// From when, seconds after the start.
    #[serde(default)]
    pub from_s: u64,
    /// Until when; until the heal when not given.
    pub until_s: Option<u64>,
    /// How strong, in the kind's own unit; the kind's default when not given.
    pub strength: Option<u64>,
}

/// A fault with all names resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// Whom.
    pub who: Who,
    /// From when.
    pub from: Time,
    /// Until when; none = until the heal, or for ever.
    pub until: Option<Time>,
    /// How strong, in the kind's own unit.
    pub strength: u64,
}

/// Whom a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The whole site.
    All,
    /// A robot, by its place in the cast.
    Robot(usize),
    /// A door, by its place in the layout.
    Door(usize),
    /// An edge.
    Edge(EdgeId),
}

/// The faults of a scenario, resolved; whom a line leaves out is drawn. A line that befalls nobody on this layout is an error.
pub(crate) fn resolve(
    lines: &[FaultLine],
    layout: &Layout,
    robots: &[Begin],
    rng: &mut Rng,
) -> Result<Vec<Fault>, ScenarioError> {
    let mut one = |line| one(line, layout, robots, rng);
    lines
        .iter()
        .enumerate()
        .map(|(index, line)| one(line).map_err(|error| error.in_table("fault", index)))
        .collect()
}

fn one(line: &FaultLine, layout: &Layout, robots: &[Begin], rng: &mut Rng) -> Result<Fault, ScenarioError> {
    let at = |s: u64| START.plus_ms(s.saturating_mul(1_000));
    let [low, high] = line.what.strength_range();
    let strength = line.strength.unwrap_or_else(|| line.what.strength_default());
    if !(low..=high).contains(&strength) {
        let unit = line.what.strength_unit();
        let problem =
            format!("{strength} is out of range; {} takes {low} to {high} {unit}", line.what.name());
        return Err(ScenarioError::value("fault.strength", problem));
    }
    if line.until_s.is_some_and(|until| until <= line.from_s) {
        let problem = format!("{:?} isn't after from_s {}", line.until_s, line.from_s);
        return Err(ScenarioError::value("fault.until_s", problem));
    }
    Ok(Fault {
        kind: line.what,
        who: who(line, layout, robots, rng)?,
        from: at(line.from_s),
        until: line.until_s.map(at),
        strength,
    })
}

fn who(line: &FaultLine, layout: &Layout, robots: &[Begin], rng: &mut Rng) -> Result<Who, ScenarioError> {
    let none = |what: &str| {
        let named = line.who.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
        let problem = format!("{} needs {what}; there is none{named}", line.what.name());
        ScenarioError::value("fault.who", problem)
    };
    let place = |count: usize, found: Option<usize>, rng: &mut Rng| match line.who {
        Some(_) => found,
        None => (count > 0).then(|| rng.index(count)),
    };
    let name = line.who.as_deref().unwrap_or_default();
    let robot = || robots.iter().position(|robot| robot.name.to_string() == name);
    match line.what {
        Kind::Site(_) | Kind::Jobs(_) if line.who.is_some() => {
            let problem = format!("{name:?}: {} befalls the whole site; take `who` out", line.what.name());
            Err(ScenarioError::value("fault.who", problem))
        }
        Kind::Site(_) | Kind::Jobs(_) => Ok(Who::All),
        Kind::Net(_) if line.who.is_none() => Ok(Who::All),
        Kind::Net(_) | Kind::Robot(_) => {
            place(robots.len(), robot(), rng).map(Who::Robot).ok_or_else(|| none("a robot"))
        }
        Kind::Door(_) => {
            let found = layout.devices().iter().position(|door| door.name == name);
            let door = place(layout.devices().len(), found, rng);
            door.map(Who::Door).ok_or_else(|| none("a device of site.toml"))
        }
        Kind::EdgeBlocked => {
            let found = layout.edge_named(name).map(|edge| edge.index());
            let edge = place(layout.edge_count(), found, rng).ok_or_else(|| none("an edge of the layout"))?;
            Ok(Who::Edge(EdgeId(edge as u32)))
        }
    }
}
