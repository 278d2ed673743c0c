//! Stations that no open way leads to: edges are closed by an operator, or blocked by a robot's word. Jobs that go there
//! aren't given out; those that nothing was done of are taken back after a while; the customer is told, and the operator
//! once for each station. As soon as a way is open they go on by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_maps::{EdgeId, Layout, NodeId, StationId, TypeId};
use serde::{Deserialize, Serialize};

use super::{admit, withdraw};
use crate::clock::Time;
use crate::closure;
use crate::command::{Alarm, AlarmCode, Command, JobNews};
use crate::fleet::Fleet;
use crate::id::{JobId, RobotId};
use crate::job::Job;

/// Shortest time between two looks, ms.
const LOOK_MS: u64 = 1_000;
/// A look goes through the queue: for each so many jobs in it the next one waits a millisecond longer.
const QUEUED_PER_MS: u64 = 20;
/// Without a way for so long it is told, and what wasn't begun is taken back, ms.
const PATIENCE_MS: u64 = 30_000;
/// Closed edges named at once, at most.
const NAMED_MAX: usize = 4;

/// A job without a way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NoWay {
    /// The first of its stations that can't be reached, by name.
    station: String,
    since: Time,
    is_told: bool,
}

/// Where robots are, by type.
type Starts = BTreeMap<TypeId, Vec<NodeId>>;

/// From which nodes each station can be reached, for each robot type.
struct Ways<'a> {
    layout: &'a Layout,
    /// Sorted.
    closed: &'a [EdgeId],
    known: BTreeMap<(StationId, TypeId), Vec<bool>>,
    /// Robots that can do what is required.
    capable: BTreeMap<Vec<String>, Arc<Starts>>,
}

/// Looks at all open jobs, if something is closed or was at the last look.
pub(super) fn pass(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    let closed = closed(fleet);
    let is_open = closed.is_empty();
    let is_idle = is_open && fleet.state.no_way.is_empty();
    let pause_ms = LOOK_MS + fleet.state.queue.len() as u64 / QUEUED_PER_MS;
    if is_idle || now.since_ms(fleet.state.ways_at) < pause_ms {
        return;
    }
    fleet.state.ways_at = now;
    let before = std::mem::take(&mut fleet.state.no_way);
    if is_open {
        fleet.state.plan_is_due = true;
        return;
    }
    let queued = fleet.state.queue.iter().map(|(.., id)| id);
    let given = fleet.state.robots.iter().filter_map(|robot| robot.job());
    let jobs: Vec<JobId> = queued.chain(given).cloned().collect();
    let layout = Arc::clone(&fleet.layout);
    let mut ways = Ways::past(&closed, &layout);
    for id in jobs {
        let Some(station) = fleet.state.jobs.get(&id).and_then(|job| ways.unreachable(fleet, job)) else {
            continue;
        };
        let station = &layout.station(station).name;
        let known = before.get(&id).filter(|known| known.station == *station).cloned();
        let fresh = NoWay { station: station.clone(), since: now, is_told: false };
        fleet.state.no_way.insert(id, known.unwrap_or(fresh));
    }
    act(fleet, &mut ways, now, commands);
}

/// Sorted.
fn closed(fleet: &Fleet) -> Vec<EdgeId> {
    let by_operators = fleet.state.closed_edges.keys().copied();
    let mut closed: Vec<EdgeId> =
        by_operators.chain(closure::reported(fleet).map(|(_, blocked)| blocked.edge)).collect();
    closed.sort_unstable();
    closed
}

/// A job has just come: it isn't given out where it has no way.
pub(super) fn note(fleet: &mut Fleet, id: &JobId, now: Time) {
    let closed = closed(fleet);
    if closed.is_empty() {
        return;
    }
    let layout = Arc::clone(&fleet.layout);
    let mut ways = Ways::past(&closed, &layout);
    if let Some(station) = fleet.state.jobs.get(id).and_then(|job| ways.unreachable(fleet, job)) {
        let station = layout.station(station).name.clone();
        fleet.state.no_way.insert(id.clone(), NoWay { station, since: now, is_told: false });
    }
}

/// Tells of those that have had no way for long, and takes them back.
fn act(fleet: &mut Fleet, ways: &mut Ways<'_>, now: Time, commands: &mut Vec<Command>) {
    let is_due = |no_way: &NoWay| !no_way.is_told && now.since_ms(no_way.since) >= PATIENCE_MS;
    let due = fleet.state.no_way.iter().filter(|(_, no_way)| is_due(no_way));
    let due: Vec<(JobId, String)> = due.map(|(id, no_way)| (id.clone(), no_way.station.clone())).collect();
    for (id, station) in due {
        let is_known = fleet.state.no_way.values().any(|other| other.is_told && other.station == station);
        let reason = format!("no open way leads to station {station}: {}", ways.shut(&station));
        if !is_known {
            let text = format!("{reason}; jobs that go there wait until there is one");
            let alarm = Alarm { code: AlarmCode::StationUnreachable, robot: None, device: None, text };
            commands.push(Command::Alarm(alarm));
        }
        fleet.notify(&id, JobNews::Blocked { reason }, now, commands);
        if let Some(robot) = fleet.state.jobs.get(&id).and_then(|job| job.state.robot()) {
            withdraw::withdraw(fleet, robot, now);
        }
        fleet.state.no_way.get_mut(&id).into_iter().for_each(|no_way| no_way.is_told = true);
    }
}

impl<'a> Ways<'a> {
    fn past(closed: &'a [EdgeId], layout: &'a Layout) -> Ways<'a> {
        Ways { layout, closed, known: BTreeMap::new(), capable: BTreeMap::new() }
    }

    /// The first station still to come that the job's robot, or no robot that may get the job, can reach.
    fn unreachable(&mut self, fleet: &Fleet, job: &Job) -> Option<StationId> {
        let starts = match job.state.robot() {
            Some(robot) => Arc::new(starts(fleet, |other| other == robot)),
            None => self.capable(fleet, &job.spec.requires),
        };
        let mut found = None;
        for (robot_type, starts) in starts.iter() {
            found = Some(self.first_shut(starts, &job.stations[job.legs_done..], *robot_type)?);
        }
        found
    }

    fn capable(&mut self, fleet: &Fleet, requires: &[String]) -> Arc<Starts> {
        if let Some(known) = self.capable.get(requires) {
            return Arc::clone(known);
        }
        let type_of = |robot: RobotId| fleet.state.robots[robot.index()].robot_type.index();
        let found = Arc::new(starts(fleet, |robot| admit::can(self.layout, type_of(robot), requires)));
        self.capable.insert(requires.to_owned(), Arc::clone(&found));
        found
    }

    fn first_shut(&mut self, starts: &[NodeId], stations: &[StationId], kind: TypeId) -> Option<StationId> {
        let layout = self.layout;
        let mut from = starts;
        for station in stations {
            let reach = self.to(*station, kind);
            if !from.iter().any(|node| reach[node.index()]) {
                return Some(*station);
            }
            from = &layout.station(*station).nodes;
        }
        None
    }

    fn to(&mut self, station: StationId, kind: TypeId) -> &[bool] {
        let (layout, closed) = (self.layout, self.closed);
        self.known.entry((station, kind)).or_insert_with(|| reach(layout, closed, station, kind))
    }

    /// The closed edges that would lead there, by name.
    fn shut(&self, station: &str) -> String {
        let station = self.layout.station_named(station);
        let known = self.known.iter().find(|((to, _), _)| Some(*to) == station);
        let Some((_, reach)) = known else { return "its edges are closed".to_owned() };
        let leads_in = |edge: &&EdgeId| {
            let edge = self.layout.edge(**edge);
            reach[edge.to.index()] && !reach[edge.from.index()]
        };
        let edges: Vec<&str> =
            self.closed.iter().filter(leads_in).map(|edge| self.layout.edge(*edge).name.as_str()).collect();
        let more = edges.len().saturating_sub(NAMED_MAX);
        let named = edges.into_iter().take(NAMED_MAX).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("closed are {named} and {more} more") } else { format!("closed are {named}") }
    }
}

/// Where these robots are.
fn starts(fleet: &Fleet, is_meant: impl Fn(RobotId) -> bool) -> Starts {
    let mut starts = Starts::new();
    for id in (0..fleet.state.robots.len() as u32).map(RobotId).filter(|id| is_meant(*id)) {
        let robot = &fleet.state.robots[id.index()];
        if let Some(at) = robot.trail.decision_point() {
            starts.entry(robot.robot_type).or_default().push(at);
        }
    }
    starts
}

/// `[node]`: an open way leads from there to the station.
fn reach(layout: &Layout, closed: &[EdgeId], station: StationId, kind: TypeId) -> Vec<bool> {
    let mut reach = vec![false; layout.node_count()];
    let mut open = layout.station(station).nodes.clone();
    open.retain(|node| layout.admits_node(kind, *node));
    open.iter().for_each(|node| reach[node.index()] = true);
    while let Some(node) = open.pop() {
        for edge in layout.in_edges(node) {
            let from = layout.edge(*edge).from;
            let is_open = layout.admits_edge(kind, *edge) && closed.binary_search(edge).is_err();
            if is_open && !reach[from.index()] {
                reach[from.index()] = true;
                open.push(from);
            }
        }
    }
    reach
}
