//! Who plays and where each begins: on places that exclude no other's.

use drover_core::RobotName;
use drover_maps::{Layout, NodeId, TypeId};
use drover_proto::vda5050::Dialect;

use super::{Drawn, Robots, ScenarioError};
use crate::machine::Begin;
use crate::rng::Rng;

/// More delays than this, and hardly anybody drives, per cent.
const DELAY_PCT_MAX: u32 = 90;

/// The robots of a scenario; those named in the layout come first.
pub(super) fn begin(layout: &Layout, robots: &Robots, rng: &mut Rng) -> Result<Vec<Begin>, ScenarioError> {
    let count = if robots.count == 0 { robots.at.len() } else { robots.count };
    if count == 0 {
        return Err(ScenarioError::value("robots", "there are none; write `count` or `at`"));
    }
    if count < robots.at.len() {
        let problem = format!("{count} is less than the {} places of `at`; take it out", robots.at.len());
        return Err(ScenarioError::value("robots.count", problem));
    }
    let names = names(layout, robots, count)?;
    let nodes = places(layout, robots, &names, rng)?;
    let [low, high] = robots.charge_pct;
    if low > high || high > 100 {
        let problem = format!("[{low}, {high}]: write the lower first, neither above 100");
        return Err(ScenarioError::value("robots.charge_pct", problem));
    }
    if robots.delay_pct > DELAY_PCT_MAX {
        let problem = format!("{} leaves nobody to drive; write 0 to {DELAY_PCT_MAX}", robots.delay_pct);
        return Err(ScenarioError::value("robots.delay_pct", problem));
    }
    let charges: Vec<u16> =
        (0..count).map(|_| rng.within(u64::from(low) * 10, u64::from(high) * 10) as u16).collect();
    let heading =
        |node: NodeId| layout.out_edges(node).first().map_or(0, |edge| layout.edge(*edge).heading_mdeg);
    let dialects = dialects(robots)?;
    let cast = names.into_iter().zip(nodes).zip(charges).zip(dialects.iter().cycle());
    let begin = cast.map(|((((name, robot_type), node), charge_permille), dialect)| Begin {
        name,
        robot_type,
        node,
        heading_mdeg: heading(node),
        charge_permille,
        dialect: *dialect,
    });
    Ok(begin.collect())
}

/// At least one.
fn dialects(robots: &Robots) -> Result<Vec<Dialect>, ScenarioError> {
    let dialect = |(index, version): (usize, &String)| match version.as_str() {
        "2.1" => Ok(Dialect::V2),
        "3.0" => Ok(Dialect::V3),
        _ => {
            let problem = format!("{version:?} isn't spoken; write \"2.1\" or \"3.0\"");
            Err(ScenarioError::value(format!("robots.versions[{index}]"), problem))
        }
    };
    let dialects = robots.versions.iter().enumerate().map(dialect).collect::<Result<Vec<_>, _>>()?;
    Ok(if dialects.is_empty() { vec![Dialect::V2] } else { dialects })
}

/// Names and types: those the site file lists and that do connect, then others.
fn names(layout: &Layout, robots: &Robots, count: usize) -> Result<Vec<(RobotName, TypeId)>, ScenarioError> {
    let mut names = Vec::new();
    for entry in layout.robots() {
        let name = RobotName { manufacturer: entry.manufacturer.clone(), serial: entry.serial.clone() };
        names.push((name, entry.robot_type));
    }
    for (index, absent) in robots.absent.iter().enumerate() {
        let Some(place) = names.iter().position(|(name, _)| name.to_string() == *absent) else {
            let problem = format!("no robot {absent:?} in the site file; list it there, or take it out");
            return Err(ScenarioError::value(format!("robots.absent[{index}]"), problem));
        };
        names.remove(place);
    }
    let listed = names.len();
    for number in listed..count {
        let name = RobotName { manufacturer: "sim".into(), serial: format!("s{:03}", number + 1) };
        names.push((name, TypeId(0)));
    }
    names.truncate(count);
    let mut types = Vec::new();
    for (index, name) in robots.types.iter().enumerate() {
        let known = || layout.robot_types().iter().map(|known| known.name.as_str()).collect::<Vec<_>>();
        let found = layout.type_named(name).ok_or_else(|| {
            let problem = format!("no robot type {name:?}; the layout has {:?}", known());
            ScenarioError::value(format!("robots.types[{index}]"), problem)
        });
        types.push(found?);
    }
    if !types.is_empty() {
        // The site file's word on its own robots stands: the controller goes by it.
        names.iter_mut().skip(listed).zip(types.iter().cycle()).for_each(|((_, own), given)| *own = *given);
    }
    Ok(names)
}

/// One place each: first those written, then drawn ones.
fn places(
    layout: &Layout,
    robots: &Robots,
    names: &[(RobotName, TypeId)],
    rng: &mut Rng,
) -> Result<Vec<NodeId>, ScenarioError> {
    let mut nodes = given(layout, &robots.at)?;
    let candidates = candidates(layout, robots.drawn, rng);
    for (_, robot_type) in names.iter().skip(nodes.len()) {
        let fits = |node: &NodeId| layout.admits_node(*robot_type, *node) && is_free(layout, &nodes, *node);
        let Some(node) = candidates.iter().copied().find(fits) else {
            let problem = format!("{} don't fit on this layout, {} do", names.len(), nodes.len());
            return Err(ScenarioError::value("robots.count", problem));
        };
        nodes.push(node);
    }
    Ok(nodes)
}

fn given(layout: &Layout, at: &[String]) -> Result<Vec<NodeId>, ScenarioError> {
    let mut nodes = Vec::new();
    for (index, name) in at.iter().enumerate() {
        let wrong = |problem: String| ScenarioError::value(format!("robots.at[{index}]"), problem);
        let station = || layout.station_named(name).and_then(|id| layout.station(id).nodes.first().copied());
        let node = layout.node_named(name).or_else(station);
        let node =
            node.ok_or_else(|| wrong(format!("no node or station {name:?}; name one of the layout")))?;
        if !is_free(layout, &nodes, node) {
            return Err(wrong(format!("{name:?} is too near another robot's place; choose another")));
        }
        nodes.push(node);
    }
    Ok(nodes)
}

/// Where robots may be drawn to, in the order they are tried.
fn candidates(layout: &Layout, drawn: Drawn, rng: &mut Rng) -> Vec<NodeId> {
    let plain = |node: &NodeId| layout.node(*node).station.is_none() && !layout.node(*node).charger;
    let all: Vec<NodeId> = layout.nodes().collect();
    let (mut groups, is_any) = match drawn {
        Drawn::Parked => (vec![layout.parking().to_vec(), layout.holding().to_vec(), all], false),
        Drawn::Anywhere => (vec![all], true),
    };
    let mut candidates = Vec::new();
    for group in &mut groups {
        group.retain(|node| is_any || plain(node));
        rng.shuffle(group);
        candidates.append(group);
    }
    candidates
}

fn is_free(layout: &Layout, taken: &[NodeId], node: NodeId) -> bool {
    let near = layout.node_conflicts(node).nodes;
    !taken.iter().any(|other| *other == node || near.contains(other))
}
