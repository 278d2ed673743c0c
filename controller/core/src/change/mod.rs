//! A new layout takes the place of the present one while robots drive: only once nothing is reserved where the two differ.
//!
//! While a change is pending nobody is released into a touched place from outside, nothing there is shown to a robot as
//! its way, no goal lies there, and whoever stands there is sent out (`dispatch::leave`). Robots elsewhere drive on. The
//! step in which the last touched place is free carries everything over by name (`carry`) and plans anew. Never frees a
//! place: who can't be driven out blocks the change, is named to the operator, and goes by a person's word alone.

mod carry;
mod fit;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use drover_maps::{EdgeId, Layout, NodeId, StationId};

use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command, RejectCode};
use crate::dispatch;
use crate::fleet::{Fleet, State};
use crate::id::{DeviceId, RobotId};
use crate::release::Order;
use crate::robot::Robot;
use crate::serves;
use crate::traffic::Reservations;

use carry::{Carry, left_of};
pub(crate) use fit::will_go;

/// A change that waits for so long is told, with who is in its way, ms.
const TELL_AFTER_MS: u64 = 60_000;
/// And then again every so often, ms.
const TELL_MS: u64 = 600_000;
/// Robots named at once, at most.
const NAMED_MAX: usize = 8;

/// A layout that was asked for and isn't in use yet: hard state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Which.
    pub fingerprint: u64,
    /// Who asked for it.
    pub by: String,
    /// Since when.
    pub since: Time,
    /// When the operator was last told who is in its way.
    told_at: Option<Time>,
}

impl Pending {
    fn tell_at(&self) -> Time {
        self.told_at.map_or(self.since.plus_ms(TELL_AFTER_MS), |told| told.plus_ms(TELL_MS))
    }
}

/// The layout that is to come, and what it touches. Not state: the pending change and the layouts say it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    layout: Arc<Layout>,
    carry: Carry,
    /// `serves[robot type][station]` there.
    serves: Vec<Vec<bool>>,
}

impl Change {
    pub(crate) fn between(old: &Layout, new: Arc<Layout>) -> Change {
        Change { carry: Carry::between(old, &new), serves: serves::stations(&new), layout: new }
    }

    /// A message of the old layout; none if it speaks of what is gone.
    pub(crate) fn order(&self, order: &Order) -> Option<Order> {
        self.carry.order(order)
    }

    /// The device's place in the new layout, if it is there.
    pub(crate) fn device(&self, device: DeviceId) -> Option<DeviceId> {
        self.carry.device(device)
    }
}

/// Somebody wants this layout; the one in use takes a change back.
pub(crate) fn ask(
    fleet: &mut Fleet,
    fingerprint: u64,
    by: String,
    now: Time,
    commands: &mut Vec<Command>,
) -> Result<(), (RejectCode, String)> {
    if fingerprint == fleet.layout.fingerprint() {
        (fleet.state.pending, fleet.change) = (None, None);
        return Ok(());
    }
    if fleet.state.pending.as_ref().is_some_and(|pending| pending.fingerprint == fingerprint) {
        return Ok(());
    }
    let Some(layout) = fleet.layouts.get(fingerprint).map(Arc::clone) else {
        let reason = format!("layout {fingerprint:016x} was not handed in: ask for it again");
        return Err((RejectCode::LayoutUnfit, reason));
    };
    let change = Change::between(&fleet.layout, layout);
    let flaws = fit::flaws(fleet, &change);
    if !flaws.is_empty() {
        return Err((RejectCode::LayoutUnfit, fit::text(&flaws)));
    }
    let (nodes, edges) = change.carry.size();
    fleet.change = Some(Arc::new(change));
    fleet.state.pending = Some(Pending { fingerprint, by: by.clone(), since: now, told_at: None });
    if let Some(held) = named(fleet) {
        let text = format!(
            "layout {fingerprint:016x}, asked for by {by}, changes {nodes} nodes and {edges} edges, which drain first: {held}"
        );
        commands.push(alarm(AlarmCode::LayoutPending, text));
    }
    Ok(())
}

/// Swaps as soon as nothing is in the way; tells who is, now and then.
pub(crate) fn pass(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    let Some(change) = fleet.change.clone() else { return };
    dispatch::turn_away(fleet, now);
    if blockers(fleet, &change).next().is_none()
        && let Some(state) = carried(fleet, &change, now)
    {
        let by = fleet.state.pending.as_ref().map(|pending| pending.by.clone()).unwrap_or_default();
        let (nodes, edges) = change.carry.size();
        fleet.swap(&change.layout, state);
        fleet.carried = Some(Arc::clone(&change));
        let fingerprint = change.layout.fingerprint();
        commands.push(Command::Layout { fingerprint });
        let text = format!(
            "layout {fingerprint:016x}, asked for by {by}, is in use: it changes {nodes} nodes and {edges} edges of the \
             one before"
        );
        commands.push(alarm(AlarmCode::LayoutChanged, text));
        return;
    }
    tell(fleet, now, commands);
}

/// When the operator is to be told who is in the way.
pub(crate) fn next_tell(fleet: &Fleet) -> Option<Time> {
    fleet.state.pending.as_ref().map(Pending::tell_at)
}

fn tell(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    if next_tell(fleet).is_none_or(|due| due > now) {
        return;
    }
    let held = named(fleet).unwrap_or_default();
    let Some(pending) = fleet.state.pending.as_mut() else { return };
    pending.told_at = Some(now);
    let text = format!(
        "layout {:016x}, asked for by {} {} s ago, still waits: {held}",
        pending.fingerprint,
        pending.by,
        now.since_ms(pending.since) / 1_000
    );
    commands.push(alarm(AlarmCode::LayoutPending, text));
}

fn alarm(code: AlarmCode, text: String) -> Command {
    Command::Alarm(Alarm { code, robot: None, device: None, text })
}

/// Who and what is in the way of the change that is pending; none = nothing is, or nothing is pending.
pub(crate) fn waits_for(fleet: &Fleet) -> Vec<String> {
    let Some(change) = &fleet.change else { return Vec::new() };
    blockers(fleet, change).collect()
}

fn named(fleet: &Fleet) -> Option<String> {
    let change = fleet.change.as_ref()?;
    let mut blockers: Vec<String> = blockers(fleet, change).take(NAMED_MAX + 1).collect();
    if blockers.len() > NAMED_MAX {
        blockers.truncate(NAMED_MAX);
        blockers.push("and others".to_owned());
    }
    (!blockers.is_empty()).then(|| blockers.join("; "))
}

/// What keeps the change from being made now, in words; made one by one, so that the first is cheap.
fn blockers<'a>(fleet: &'a Fleet, change: &'a Change) -> impl Iterator<Item = String> + 'a {
    let robots = || (0..fleet.state.robots.len() as u32).map(RobotId);
    let held = robots().filter_map(move |id| holds(fleet, change, id));
    let clashes = std::iter::once_with(move || clashes(fleet, change)).flatten();
    let flaws = std::iter::once_with(move || fit::flaws(fleet, change)).flatten();
    let devices = open_devices(fleet, change);
    held.chain(devices).chain(clashes).chain(flaws)
}

/// The touched place that keeps this robot in the way.
fn holds(fleet: &Fleet, change: &Change, id: RobotId) -> Option<String> {
    let (robot, layout, carry) = (&fleet.state.robots[id.index()], &fleet.layout, &change.carry);
    let node = |node: NodeId| carry.is_touched(node).then(|| layout.node(node).name.as_str());
    let edge = |edge: EdgeId| carry.is_touched_edge(edge).then(|| layout.edge(edge).name.as_str());
    let on_trail =
        robot.trail.steps.iter().find_map(|step| node(step.node).or_else(|| step.edge.and_then(edge)));
    let stands = robot.stands.as_ref().and_then(|stand| {
        let nodes = stand.nodes.iter().find_map(|it| node(*it));
        nodes.or_else(|| stand.edges.iter().find_map(|it| edge(*it)))
    });
    if let Some(place) = on_trail.or(stands) {
        return Some(format!("{} holds {place}, {}", robot.name, prospect(robot)));
    }
    let told = left_of(robot)?;
    let place = told.nodes.iter().find_map(|it| node(it.node));
    let place = place.or_else(|| told.edges.iter().find_map(|it| edge(it.edge)))?;
    Some(format!("{} was told of {place}, {}", robot.name, prospect(robot)))
}

/// What is to become of a robot that is in the way.
fn prospect(robot: &Robot) -> &'static str {
    if !robot.can_go_on() {
        "and can't be driven: drive it out by hand, or release it once it is off the floor"
    } else if robot.hold.is_on() {
        "and is paused: resume it"
    } else if !robot.is_movable() {
        "and leaves when its work there is done"
    } else {
        "and is on its way out"
    }
}

/// Robots that stand too near each other by the new layout's footprints.
fn clashes(fleet: &Fleet, change: &Change) -> Vec<String> {
    let there: Vec<Option<Robot>> =
        fleet.state.robots.iter().map(|robot| change.carry.robot(robot)).collect();
    let held = reserved(&change.layout, there.iter().map(Option::as_ref));
    let mut found = Vec::new();
    for (robot, id) in there.iter().zip((0..).map(RobotId)) {
        let steps = robot.iter().flat_map(|robot| &robot.trail.steps);
        let blocker = steps.into_iter().find_map(|step| {
            let on_edge = step.edge.and_then(|edge| held.blocker_of_edge(&change.layout, id, edge));
            on_edge.or_else(|| held.blocker_of_node(&change.layout, id, step.node))
        });
        if let Some(other) = blocker.filter(|other| *other > id) {
            let name = |id: RobotId| &fleet.state.robots[id.index()].name;
            found.push(format!(
                "{} and {} stand nearer than the new layout lets them",
                name(id),
                name(other)
            ));
        }
    }
    found
}

/// The trails are all that robots hold: the table by itself, given the robots by id.
fn reserved<'a>(layout: &Layout, robots: impl Iterator<Item = Option<&'a Robot>>) -> Reservations {
    let mut reservations = Reservations::new(layout);
    for (robot, id) in robots.zip((0..).map(RobotId)) {
        let steps = robot.into_iter().flat_map(|robot| &robot.trail.steps);
        steps.for_each(|step| reservations.hold(id, step));
    }
    reservations
}

/// Devices that are gone in the new layout and still wanted open: they are told to close first.
fn open_devices<'a>(fleet: &'a Fleet, change: &'a Change) -> impl Iterator<Item = String> + 'a {
    let devices = fleet.state.devices.iter().zip((0..).map(DeviceId));
    let open = devices.filter(move |(device, id)| {
        change.carry.device(*id).is_none() && device.want == crate::device::Level::Open
    });
    open.map(|(_, id)| format!("{} is still wanted open", fleet.layout.devices()[id.index()].name))
}

/// All hard state on the new layout; none while something can't be carried over.
fn carried(fleet: &Fleet, change: &Change, now: Time) -> Option<State> {
    let (carry, old) = (&change.carry, &fleet.state);
    let mut robots = old.robots.iter().map(|robot| carry.robot(robot)).collect::<Option<Vec<_>>>()?;
    for robot in &mut robots {
        (robot.best_ms, robot.stuck_since) = (u32::MAX, now);
    }
    let mut jobs = old.jobs.clone();
    for job in jobs.values_mut() {
        fit::carry_job(job, carry)?;
    }
    let mut devices = vec![crate::device::Device::default(); change.layout.devices().len()];
    for (device, id) in old.devices.iter().zip((0..).map(DeviceId)) {
        if let Some(there) = carry.device(id) {
            devices[there.index()] = device.clone();
        }
    }
    let edge = |(edge, stop): (&EdgeId, &crate::operator::Stop)| {
        carry.edge_of_that_name(*edge).map(|there| (there, stop.clone()))
    };
    Some(State {
        layout_fingerprint: change.layout.fingerprint(),
        pending: None,
        reservations: reserved(&change.layout, robots.iter().map(Some)),
        closed_edges: old.closed_edges.iter().filter_map(edge).collect(),
        // Of a station that is gone nobody asks any more.
        ended: old.ended.iter().filter_map(|(id, at)| carry.station(*id).map(|there| (there, *at))).collect(),
        obstacles: Vec::new(),
        closed: Vec::new(),
        manoeuvre: Vec::new(),
        planned_at: Time::default(),
        plan_is_due: true,
        robots,
        jobs,
        devices,
        ..old.clone()
    })
}

/// The node lies where a new layout is to come.
pub(crate) fn is_touched(fleet: &Fleet, node: NodeId) -> bool {
    fleet.change.as_ref().is_some_and(|change| change.carry.is_touched(node))
}

/// The edge lies where a new layout is to come.
pub(crate) fn is_touched_edge(fleet: &Fleet, edge: EdgeId) -> bool {
    fleet.change.as_ref().is_some_and(|change| change.carry.is_touched_edge(edge))
}

/// The edge leads from outside to where a new layout is to come.
pub(crate) fn bars(fleet: &Fleet, edge: EdgeId) -> bool {
    barred(fleet).binary_search(&edge).is_ok()
}

/// All such edges, sorted.
pub(crate) fn barred(fleet: &Fleet) -> &[EdgeId] {
    fleet.change.as_ref().map_or(&[], |change| change.carry.barred())
}

/// Every place of the station lies where a new layout is to come.
pub(crate) fn has_closed(fleet: &Fleet, station: StationId) -> bool {
    fleet.change.is_some() && fleet.layout.station(station).nodes.iter().all(|node| is_touched(fleet, *node))
}

/// The robot was shown a way on through places that are to change.
pub(crate) fn is_shown(fleet: &Fleet, robot: &Robot) -> bool {
    let Some(last) = robot.order.last.as_ref().filter(|_| fleet.change.is_some()) else { return false };
    last.nodes.iter().any(|node| !node.released && is_touched(fleet, node.node))
        || last.edges.iter().any(|edge| !edge.released && is_touched_edge(fleet, edge.edge))
}
