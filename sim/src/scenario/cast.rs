//! Who plays and where each begins: on places that exclude no other's.

use drover_core::{RobotName, Time, Wish};
use drover_maps::{Layout, NodeId, TypeId};

use super::{OperatorLine, Robots, START, ScenarioError};
use crate::machine::Begin;
use crate::rng::Rng;

/// The robots of a scenario; those named in the layout come first.
pub(super) fn begin(layout: &Layout, robots: &Robots, rng: &mut Rng) -> Result<Vec<Begin>, ScenarioError> {
    let count = if robots.at.is_empty() { robots.count } else { robots.at.len() };
    if count == 0 {
        return Err(ScenarioError::value("robots", "there are none; write `count` or `at`"));
    }
    let names: Vec<(RobotName, TypeId)> = (0..count).map(|index| named(layout, index)).collect();
    let nodes = if robots.at.is_empty() { drawn(layout, &names, rng)? } else { given(layout, &robots.at)? };
    let [low, high] = robots.charge_pct.map(|pct| u64::from(pct.min(100)) * 10);
    let charges = (0..count).map(|_| rng.within(low, high) as u16).collect::<Vec<_>>();
    let heading =
        |node: NodeId| layout.out_edges(node).first().map_or(0, |edge| layout.edge(*edge).heading_mdeg);
    let begin =
        names.into_iter().zip(nodes).zip(charges).map(|(((name, robot_type), node), charge_permille)| {
            Begin { name, robot_type, node, heading_mdeg: heading(node), charge_permille }
        });
    Ok(begin.collect())
}

/// What an operator does, in words we know.
pub(super) fn wishes(lines: &[OperatorLine]) -> Result<Vec<(Time, Wish)>, ScenarioError> {
    lines.iter().map(|line| Ok((START.plus_ms(line.at_s * 1_000), wish(&line.does)?))).collect()
}

fn wish(does: &str) -> Result<Wish, ScenarioError> {
    let robots = |name: &str| match name.split_once('/') {
        Some((manufacturer, serial)) => {
            vec![RobotName { manufacturer: manufacturer.to_owned(), serial: serial.to_owned() }]
        }
        None => Vec::new(),
    };
    match does.split_once(' ') {
        Some(("stop-zone", zone)) => Ok(Wish::StopZone(zone.to_owned())),
        Some(("resume-zone", zone)) => Ok(Wish::ResumeZone(zone.to_owned())),
        Some(("pause", name)) if name == "all" || name.contains('/') => Ok(Wish::PauseRobots(robots(name))),
        Some(("resume", name)) if name == "all" || name.contains('/') => Ok(Wish::ResumeRobots(robots(name))),
        _ => {
            let problem =
                format!("{does:?} means nothing; write e.g. \"stop-zone ID\" or \"pause drover/r01\"");
            Err(ScenarioError::value("operator.does", problem))
        }
    }
}

fn named(layout: &Layout, index: usize) -> (RobotName, TypeId) {
    match layout.robots().get(index) {
        Some(entry) => {
            let name = RobotName { manufacturer: entry.manufacturer.clone(), serial: entry.serial.clone() };
            (name, entry.robot_type)
        }
        None => (RobotName { manufacturer: "sim".into(), serial: format!("s{:03}", index + 1) }, TypeId(0)),
    }
}

fn given(layout: &Layout, at: &[String]) -> Result<Vec<NodeId>, ScenarioError> {
    let mut nodes = Vec::new();
    for name in at {
        let station = || layout.station_named(name).and_then(|id| layout.station(id).nodes.first().copied());
        let node = layout.node_named(name).or_else(station);
        let node =
            node.ok_or_else(|| ScenarioError::value("robots.at", format!("no node or station {name:?}")))?;
        if !is_free(layout, &nodes, node) {
            return Err(ScenarioError::value(
                "robots.at",
                format!("{name:?} is too near another robot's place"),
            ));
        }
        nodes.push(node);
    }
    Ok(nodes)
}

/// Parking first, then holding nodes, then any node that is no station and no charger.
fn drawn(
    layout: &Layout,
    names: &[(RobotName, TypeId)],
    rng: &mut Rng,
) -> Result<Vec<NodeId>, ScenarioError> {
    let plain = |node: &NodeId| layout.node(*node).station.is_none() && !layout.node(*node).charger;
    let mut groups = [layout.parking().to_vec(), layout.holding().to_vec(), layout.nodes().collect()];
    let mut candidates = Vec::new();
    for group in &mut groups {
        group.retain(plain);
        rng.shuffle(group);
        candidates.append(group);
    }
    let mut nodes: Vec<NodeId> = Vec::new();
    for (_, robot_type) in names {
        let fits = |node: &NodeId| layout.admits_node(*robot_type, *node) && is_free(layout, &nodes, *node);
        let Some(node) = candidates.iter().copied().find(fits) else {
            let problem = format!("{} don't fit on this layout, {} do", names.len(), nodes.len());
            return Err(ScenarioError::value("robots.count", problem));
        };
        nodes.push(node);
    }
    Ok(nodes)
}

fn is_free(layout: &Layout, taken: &[NodeId], node: NodeId) -> bool {
    let near = layout.node_conflicts(node).nodes;
    !taken.iter().any(|other| *other == node || near.contains(other))
}
