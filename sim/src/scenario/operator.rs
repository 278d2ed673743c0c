//! What an operator does: lines of the scenario as wishes the controller knows, and as messages on the jobs' queue.

use drover_core::job::{JobRequest, JobSpec};
use drover_core::{RobotName, Time, Wish};
use drover_maps::Layout;

use super::{OperatorLine, START, ScenarioError};
use crate::machine::Begin;

/// All that can be done, for whoever wrote something else.
const LINES: &str = "stop-zone ZONE, resume-zone ZONE, close-edge EDGE, open-edge EDGE, pause ROBOT, resume ROBOT (or all), \
                     release ROBOT, cancel JOB";

/// Wishes, and changes to jobs, with their times.
type Lines = (Vec<(Time, Wish)>, Vec<(Time, JobRequest)>);

/// All lines, with every name looked up.
pub(super) fn lines(
    lines: &[OperatorLine],
    layout: &Layout,
    robots: &[Begin],
    jobs: &[(Time, JobSpec)],
) -> Result<Lines, ScenarioError> {
    let (mut wishes, mut changes) = (Vec::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let at = START.plus_ms(line.at_s.saturating_mul(1_000));
        let wrong = |problem: String| ScenarioError::value(format!("operator[{index}].does"), problem);
        let does = || line.does.split_once(' ');
        match does() {
            Some(("cancel", job)) => changes.push((at, cancel(job, jobs).map_err(wrong)?)),
            Some((verb, name)) => wishes.push((at, wish(verb, name, layout, robots).map_err(wrong)?)),
            None => return Err(wrong(format!("{:?} means nothing; write one of {LINES}", line.does))),
        }
    }
    Ok((wishes, changes))
}

fn cancel(name: &str, jobs: &[(Time, JobSpec)]) -> Result<JobRequest, String> {
    let found = jobs.iter().find(|(_, job)| job.id.0 == name);
    let first = || jobs.first().map(|(_, job)| job.id.0.as_str()).unwrap_or_default();
    found
        .map(|(_, job)| JobRequest::Cancel(job.id.clone()))
        .ok_or_else(|| format!("no job {name:?}; the first is {:?}", first()))
}

fn wish(verb: &str, name: &str, layout: &Layout, robots: &[Begin]) -> Result<Wish, String> {
    match verb {
        "stop-zone" => zone(name, layout).map(Wish::StopZone),
        "resume-zone" => zone(name, layout).map(Wish::ResumeZone),
        "close-edge" => edge(name, layout).map(Wish::CloseEdges),
        "open-edge" => edge(name, layout).map(Wish::OpenEdges),
        "release" if name != "all" => named(name, robots).map(Wish::ReleaseRobots),
        "pause" => named(name, robots).map(Wish::PauseRobots),
        "resume" => named(name, robots).map(Wish::ResumeRobots),
        _ => Err(format!("{verb:?} means nothing; write one of {LINES}")),
    }
}

fn zone(name: &str, layout: &Layout) -> Result<String, String> {
    let known: Vec<&str> = layout.zones().iter().map(|zone| zone.name.as_str()).collect();
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(format!("no zone {name:?}; site.toml has {known:?}"))
}

fn edge(name: &str, layout: &Layout) -> Result<Vec<String>, String> {
    if layout.edge_named(name).is_some() {
        return Ok(vec![name.to_owned()]);
    }
    let first = layout.edges().next().map(|edge| layout.edge(edge).name.as_str()).unwrap_or_default();
    Err(format!("no edge {name:?}; the first is {first:?}"))
}

/// One robot, or none for all.
fn named(name: &str, robots: &[Begin]) -> Result<Vec<RobotName>, String> {
    if name == "all" {
        return Ok(Vec::new());
    }
    let found = robots.iter().find(|robot| robot.name.to_string() == name);
    let first = || robots.first().map(|robot| robot.name.to_string()).unwrap_or_default();
    let unknown = || format!("no robot {name:?}; the first is {:?}, `all` means every one", first());
    found.map(|robot| vec![robot.name.clone()]).ok_or_else(unknown)
}
