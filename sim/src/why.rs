//! Why robots stand, as the controller itself sees it: no judgement, only for whoever has to mend it.

use drover_core::robot::{Cause, Robot, Task};
use drover_core::{Fleet, RobotName};
use drover_maps::NodeId;

/// Robots told of, at most.
pub(crate) const TOLD_MAX: usize = 40;

/// One line per robot, those with a task first.
pub fn standing(fleet: &Fleet) -> Vec<String> {
    let mut robots: Vec<&Robot> = fleet.robots().iter().collect();
    robots.sort_by_key(|robot| robot.task == Task::Idle);
    robots.into_iter().take(TOLD_MAX).map(|robot| line(fleet, robot)).collect()
}

/// Robots that were sent on and don't go.
pub fn halted(fleet: &Fleet) -> Vec<RobotName> {
    let is_halted = |robot: &&Robot| !robot.is_driving && !robot.trail.is_at_decision_point();
    fleet.robots().iter().filter(is_halted).map(|robot| robot.name.clone()).collect()
}

fn line(fleet: &Fleet, robot: &Robot) -> String {
    let name =
        |node: Option<NodeId>| node.map_or("nowhere", |node| &fleet.layout().node(node).name).to_owned();
    let task = match &robot.task {
        Task::Idle => "idle".to_owned(),
        Task::Job { job, phase } => {
            let station = fleet.job(job).and_then(|job| job.leg()).map_or("?", |leg| &leg.station);
            format!("job {job} for {station}, {phase:?}")
        }
        Task::Return { back, phase } => {
            format!("load {} of job {} back to {}, {phase:?}", back.load.id, back.job, back.station)
        }
        Task::Charge { phase } => format!("charge, {phase:?}"),
    };
    let waits = match robot.waits_for {
        None => "nothing".to_owned(),
        Some(Cause::Device(device)) => format!("device {}", fleet.layout().devices()[device.index()].name),
        Some(Cause::Zone(zone)) => format!("stopped zone {}", fleet.layout().zones()[zone.index()].name),
        Some(Cause::Plan) => "the plan".to_owned(),
        Some(Cause::Answer) => "an answer".to_owned(),
        Some(Cause::Robot(other)) => {
            fleet.robots().get(other.index()).map_or("a robot".to_owned(), |other| other.name.to_string())
        }
    };
    format!(
        "{}: {task}; at {}, base to {}, goal {}, {} step(s) planned, waits for {waits}",
        robot.name,
        name(robot.trail.last_node()),
        name(robot.trail.decision_point()),
        name(robot.goal.map(|goal| goal.node)),
        robot.claims.len(),
    )
}
