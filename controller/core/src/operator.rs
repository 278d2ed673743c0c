//! What an operator may want of the floor: robots paused or taken off it, zones stopped, edges closed. Operational
//! stops, not safety rated. A robot taken off the floor is a person's evidence (Evidence): only a robot that can't be
//! driven may be let go of by word.

use serde::{Deserialize, Serialize};

use crate::change;
use crate::clock::Time;
use crate::closure;
use crate::command::{Command, RejectCode};
use crate::dispatch;
use crate::facts;
use crate::fleet::Fleet;
use crate::id::{RobotId, RobotName};

/// A wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// These robots stand where they are until resumed; none named = all.
    PauseRobots(Vec<RobotName>),
    /// These robots may go on; none named = all.
    ResumeRobots(Vec<RobotName>),
    /// Nobody enters the zone, nobody in it moves.
    StopZone(String),
    /// The zone may be used again.
    ResumeZone(String),
    /// These robots are off the floor: all they hold is free, and they are unknown until they are heard again.
    ReleaseRobots(Vec<RobotName>),
    /// A person has taken off what these robots carried.
    UnloadRobots(Vec<RobotName>),
    /// Nobody enters these edges; who is on one drives off.
    CloseEdges(Vec<String>),
    /// The same, and they open by themselves.
    CloseEdgesFor {
        /// The edges.
        edges: Vec<String>,
        /// For so long, ms.
        for_ms: u64,
    },
    /// These edges may be used again.
    OpenEdges(Vec<String>),
    /// The site goes over to this layout as soon as nothing is reserved where it differs; the one in use takes that back.
    ChangeLayout {
        /// Its fingerprint; whoever steps the wish has the layout at hand.
        fingerprint: u64,
    },
}

impl Wish {
    /// The word in the audit.
    pub fn action(&self) -> &'static str {
        match self {
            Wish::PauseRobots(_) => "robot.pause",
            Wish::ResumeRobots(_) => "robot.resume",
            Wish::StopZone(_) => "zone.stop",
            Wish::ResumeZone(_) => "zone.resume",
            Wish::ReleaseRobots(_) => "robot.release",
            Wish::UnloadRobots(_) => "robot.unload",
            Wish::CloseEdges(_) | Wish::CloseEdgesFor { .. } => "edge.block",
            Wish::OpenEdges(_) => "edge.unblock",
            Wish::ChangeLayout { .. } => "layout.change",
        }
    }

    /// What it is about, for the audit.
    pub fn subject(&self) -> String {
        match self {
            Wish::PauseRobots(robots) | Wish::ResumeRobots(robots) if robots.is_empty() => "all".to_owned(),
            Wish::PauseRobots(robots)
            | Wish::ResumeRobots(robots)
            | Wish::ReleaseRobots(robots)
            | Wish::UnloadRobots(robots) => {
                robots.iter().map(RobotName::to_string).collect::<Vec<_>>().join(" ")
            }
            Wish::StopZone(zone) | Wish::ResumeZone(zone) => zone.clone(),
            Wish::CloseEdges(edges) | Wish::OpenEdges(edges) | Wish::CloseEdgesFor { edges, .. } => {
                edges.join(" ")
            }
            Wish::ChangeLayout { fingerprint } => format!("{fingerprint:016x}"),
        }
    }
}

/// An operator's stop: by whom and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Time,
    /// When it ends by itself; none = when an operator says so.
    #[serde(default)]
    pub until: Option<Time>,
}

/// Takes a wish in.
pub(crate) fn wish(fleet: &mut Fleet, by: String, wish: Wish, now: Time, commands: &mut Vec<Command>) {
    let stop = Stop { by, at: now, until: None };
    let answer = match wish {
        Wish::PauseRobots(names) => set_paused(fleet, &names, Some(&stop)),
        Wish::ResumeRobots(names) => set_paused(fleet, &names, None),
        Wish::StopZone(zone) => set_stopped(fleet, &zone, Some(stop.clone())),
        Wish::ResumeZone(zone) => set_stopped(fleet, &zone, None),
        Wish::ReleaseRobots(names) => release(fleet, &names, now, commands),
        Wish::UnloadRobots(names) => unload(fleet, &names, now, commands),
        Wish::CloseEdges(names) => set_closed(fleet, &names, Some(&stop)),
        Wish::CloseEdgesFor { edges, for_ms } => {
            let stop = Stop { until: Some(Time(now.0.saturating_add(for_ms))), ..stop };
            set_closed(fleet, &edges, Some(&stop))
        }
        Wish::OpenEdges(names) => set_closed(fleet, &names, None),
        Wish::ChangeLayout { fingerprint } => change::ask(fleet, fingerprint, stop.by, now, commands),
    };
    match answer {
        Ok(()) => fleet.state.plan_is_due = true,
        Err((code, reason)) => commands.push(Command::Refuse { code, reason }),
    }
}

type Refusal = (RejectCode, String);

fn known(fleet: &Fleet, names: &[RobotName]) -> Result<Vec<RobotId>, Refusal> {
    let known = |name: &RobotName| {
        let reason = || format!("robot \"{name}\" is not of this site: list the robots to see their names");
        fleet.robot_named(name).ok_or_else(|| (RejectCode::UnknownRobot, reason()))
    };
    names.iter().map(known).collect()
}

fn set_paused(fleet: &mut Fleet, names: &[RobotName], stop: Option<&Stop>) -> Result<(), Refusal> {
    let all = || (0..fleet.state.robots.len() as u32).map(RobotId).collect();
    let robots = if names.is_empty() { all() } else { known(fleet, names)? };
    for robot in robots {
        let paused = &mut fleet.state.robots[robot.index()].hold.by_operator;
        match stop {
            Some(stop) if paused.is_none() => *paused = Some(stop.clone()),
            Some(_) => {}
            None => *paused = None,
        }
    }
    Ok(())
}

fn set_stopped(fleet: &mut Fleet, zone: &str, stop: Option<Stop>) -> Result<(), Refusal> {
    if !fleet.layout.zones().iter().any(|known| known.name == zone) {
        let reason = format!("zone \"{zone}\" is not in site.toml: list the zones to see their ids");
        return Err((RejectCode::UnknownZone, reason));
    }
    match stop {
        Some(stop) => drop(fleet.state.stopped.entry(zone.to_owned()).or_insert(stop)),
        None => drop(fleet.state.stopped.remove(zone)),
    }
    Ok(())
}

/// A person has taken them off the floor: what they held and barred is free; a job that was begun needs a person.
fn release(
    fleet: &mut Fleet,
    names: &[RobotName],
    now: Time,
    commands: &mut Vec<Command>,
) -> Result<(), Refusal> {
    let robots = known(fleet, names)?;
    if let Some(active) = robots.iter().map(|id| &fleet.state.robots[id.index()]).find(|it| it.is_usable()) {
        let reason = format!(
            "robot \"{}\" can be driven: pause it, or switch it off, before it is taken off the floor",
            active.name
        );
        return Err((RejectCode::RobotActive, reason));
    }
    for id in robots {
        dispatch::let_go(fleet, id, now, commands);
        facts::forget(fleet, id);
    }
    Ok(())
}

/// A person has taken their loads off: a job that was to bring one has failed.
fn unload(
    fleet: &mut Fleet,
    names: &[RobotName],
    now: Time,
    commands: &mut Vec<Command>,
) -> Result<(), Refusal> {
    let robots = known(fleet, names)?;
    let mut loaded = robots.iter().map(|id| &fleet.state.robots[id.index()]);
    if let Some(empty) = loaded.find(|robot| robot.load.is_none()) {
        let reason = format!("robot \"{}\" has nothing aboard: list the robots to see who has", empty.name);
        return Err((RejectCode::NotLoaded, reason));
    }
    robots.into_iter().for_each(|id| dispatch::unload(fleet, id, now, commands));
    Ok(())
}

fn set_closed(fleet: &mut Fleet, names: &[String], stop: Option<&Stop>) -> Result<(), Refusal> {
    let edge = |name: &String| {
        let reason = || format!("edge \"{name}\" is not on the layout: use an edgeId of it");
        fleet.layout.edge_named(name).ok_or_else(|| (RejectCode::UnknownEdge, reason()))
    };
    for edge in names.iter().map(edge).collect::<Result<Vec<_>, _>>()? {
        match stop {
            Some(stop) => closure::close(fleet, edge, stop),
            None => closure::open(fleet, edge),
        }
    }
    Ok(())
}
