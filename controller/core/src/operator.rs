//! What an operator may want of the floor: robots paused, zones stopped. Operational stops, not safety rated.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::command::{Command, RejectCode};
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
}

impl Wish {
    /// The word in the audit.
    pub fn action(&self) -> &'static str {
        match self {
            Wish::PauseRobots(_) => "robot.pause",
            Wish::ResumeRobots(_) => "robot.resume",
            Wish::StopZone(_) => "zone.stop",
            Wish::ResumeZone(_) => "zone.resume",
        }
    }

    /// What it is about, for the audit.
    pub fn subject(&self) -> String {
        match self {
            Wish::PauseRobots(robots) | Wish::ResumeRobots(robots) if robots.is_empty() => "all".to_owned(),
            Wish::PauseRobots(robots) | Wish::ResumeRobots(robots) => {
                robots.iter().map(RobotName::to_string).collect::<Vec<_>>().join(" ")
            }
            Wish::StopZone(zone) | Wish::ResumeZone(zone) => zone.clone(),
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
}

/// Takes a wish in.
pub(crate) fn wish(fleet: &mut Fleet, by: String, wish: Wish, now: Time, commands: &mut Vec<Command>) {
    let stop = Stop { by, at: now };
    let answer = match wish {
        Wish::PauseRobots(names) => set_paused(fleet, &names, Some(&stop)),
        Wish::ResumeRobots(names) => set_paused(fleet, &names, None),
        Wish::StopZone(zone) => set_stopped(fleet, &zone, Some(stop)),
        Wish::ResumeZone(zone) => set_stopped(fleet, &zone, None),
    };
    match answer {
        Ok(()) => fleet.plan_is_due = true,
        Err((code, reason)) => commands.push(Command::Refuse { code, reason }),
    }
}

type Refusal = (RejectCode, String);

fn set_paused(fleet: &mut Fleet, names: &[RobotName], stop: Option<&Stop>) -> Result<(), Refusal> {
    let known = |name: &RobotName| {
        let reason = || format!("robot \"{name}\" is not of this site: list the robots to see their names");
        fleet.robot_named(name).ok_or_else(|| (RejectCode::UnknownRobot, reason()))
    };
    let all = || (0..fleet.state.robots.len() as u32).map(RobotId).collect();
    let robots =
        if names.is_empty() { all() } else { names.iter().map(known).collect::<Result<Vec<_>, _>>()? };
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
