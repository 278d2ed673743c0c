//! Site devices on a robot's way: asked in time, passed only when *observed* open, told to the operator when stuck.
//!
//! A device is wanted open while a way that leads through it is released, or is planned within the lead; it is wanted closed
//! when nobody has needed it for a while. A stuck device closes its edges to the planner, so that robots go round; it is
//! tried again later, by itself. Before a device that isn't open a robot waits where it can still turn away: not in the
//! device's *throat*, the places that lead nowhere but through it.

use serde::{Deserialize, Serialize};

use drover_maps::{EdgeId, Layout, NodeId};

use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command};
use crate::event::DeviceFact;
use crate::fleet::Fleet;
use crate::id::DeviceId;
use crate::robot::{Cause, Robot};

/// Pause before a stuck device is tried again; doubles with each try.
const RETRY_MS: u64 = 60_000;
/// The longest such pause, ms.
const RETRY_MS_MAX: u64 = 600_000;

/// What is wanted of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Robots pass.
    Open,
    /// Nobody passes.
    Closed,
}

/// What a device shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observed {
    /// It hasn't been heard, or its gateway has no contact.
    #[default]
    Unknown,
    /// Wide open.
    Open,
    /// On its way to open.
    Opening,
    /// On its way to closed.
    Closing,
    /// Shut.
    Closed,
    /// In fault.
    Fault,
}

/// A device: hard state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What is wanted of it.
    pub want: Level,
    /// Since when.
    pub want_since: Time,
    /// When somebody last needed it.
    pub needed_at: Time,
    /// What it shows.
    pub observed: Observed,
    /// Why, when it can't go on.
    pub reason: Option<String>,
    /// Somebody answers for it.
    pub is_online: bool,
    /// No state for too long.
    pub is_silent: bool,
    /// Why the operator was told of it.
    pub trouble: Option<Trouble>,
    /// Stuck: robots go round it until then.
    pub closed_until: Option<Time>,
    /// Tries in a row that failed.
    pub failures: u32,
}

impl Default for Device {
    fn default() -> Device {
        Device {
            want: Level::Closed,
            want_since: Time::default(),
            needed_at: Time::default(),
            observed: Observed::Unknown,
            reason: None,
            is_online: false,
            is_silent: false,
            trouble: None,
            closed_until: None,
            failures: 0,
        }
    }
}

impl Device {
    /// It is observed open, by somebody who is there.
    pub fn is_open(&self) -> bool {
        self.observed == Observed::Open && self.answers()
    }

    /// Somebody is there, and what it shows can be relied on.
    pub fn answers(&self) -> bool {
        let knows = !matches!(self.observed, Observed::Unknown | Observed::Fault);
        knows && self.is_online && !self.is_silent
    }

    /// No way may be planned through it at this time.
    pub(crate) fn is_closed_to_plan(&self, now: Time) -> bool {
        match self.trouble {
            None => false,
            Some(Trouble::Lost) => true,
            Some(Trouble::Stuck) => self.closed_until.is_some_and(|until| now < until),
        }
    }

    fn complaint(&self) -> String {
        let why = self.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        if !self.is_online || self.is_silent {
            return format!("nobody answers for it{why}: is its agent running?");
        }
        match self.observed {
            Observed::Unknown => format!("its gateway has no contact with it{why}"),
            Observed::Fault => format!("it reports a fault{why}"),
            Observed::Open => format!("it shows open{why}"),
            Observed::Opening => format!("it still shows opening{why}"),
            Observed::Closing => format!("it shows closing{why}"),
            Observed::Closed => format!("it still shows closed{why}"),
        }
    }
}

/// Why robots go round a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// It was asked to open and doesn't show that it is.
    Stuck,
    /// In fault, or nobody answers for it.
    Lost,
}

/// Takes one fact in.
pub(crate) fn take(fleet: &mut Fleet, id: DeviceId, fact: DeviceFact, commands: &mut Vec<Command>) {
    let Some(device) = fleet.state.devices.get_mut(id.index()) else { return };
    let was_answering = device.answers();
    match fact {
        DeviceFact::Shows { observed, reason } => {
            device.observed = observed;
            device.reason = reason;
        }
        DeviceFact::Online(is_online) => device.is_online = is_online,
        DeviceFact::Silent(is_silent) => device.is_silent = is_silent,
    }
    let (answers, is_open) = (device.answers(), device.is_open());
    let name = &fleet.layout.devices()[id.index()].name;
    match device.trouble {
        None if was_answering && !answers => {
            device.trouble = Some(Trouble::Lost);
            let text = format!("{name}: {}; robots go round it where they can", device.complaint());
            commands.push(alarm(AlarmCode::DeviceLost, id, text));
        }
        Some(Trouble::Lost) if answers => back(device, id, name, commands),
        Some(Trouble::Stuck) if is_open => back(device, id, name, commands),
        None | Some(_) => {}
    }
    fleet.state.plan_is_due = true;
}

fn back(device: &mut Device, id: DeviceId, name: &str, commands: &mut Vec<Command>) {
    device.trouble = None;
    device.closed_until = None;
    device.failures = 0;
    commands.push(alarm(AlarmCode::DeviceBack, id, format!("{name}: it works again")));
}

fn alarm(code: AlarmCode, device: DeviceId, text: String) -> Command {
    Command::Alarm(Alarm { code, robot: None, device: Some(device), text })
}

/// What is wanted of each device now, and which of them doesn't do it.
pub(crate) fn pass(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    if fleet.state.devices.is_empty() {
        return;
    }
    for id in needed(fleet) {
        fleet.state.devices[id.index()].needed_at = now;
    }
    let config = &fleet.state.config;
    let (hold_ms, stuck_ms) = (config.device_hold_ms, config.device_stuck_ms);
    for (index, device) in fleet.state.devices.iter_mut().enumerate() {
        let id = DeviceId(index as u16);
        let is_needed = device.needed_at != Time::default() && now.since_ms(device.needed_at) < hold_ms;
        let want = if is_needed { Level::Open } else { Level::Closed };
        if want != device.want {
            device.want = want;
            device.want_since = now;
            commands.push(Command::Device { device: id, want });
        }
        let waited = want == Level::Open && !device.is_open() && now.since_ms(device.want_since) >= stuck_ms;
        if waited
            && device.closed_until.is_none_or(|until| until <= now)
            && device.trouble != Some(Trouble::Lost)
        {
            let pause = (RETRY_MS << device.failures.min(4)).min(RETRY_MS_MAX);
            device.closed_until = Some(now.plus_ms(pause));
            device.failures += 1;
            if device.trouble.replace(Trouble::Stuck).is_none() {
                let name = &fleet.layout.devices()[index].name;
                let complaint = device.complaint();
                let text = format!(
                    "{name}: asked to open {} s ago, {complaint}; go and look; robots go round it where they can",
                    now.since_ms(device.want_since) / 1_000
                );
                commands.push(alarm(AlarmCode::DeviceStuck, id, text));
            }
            fleet.state.plan_is_due = true;
        }
    }
}

/// Whose throat each node lies in: all ways on from it lead through that device, at once or by way of such nodes.
pub(crate) fn throats(layout: &Layout) -> Vec<Option<DeviceId>> {
    let mut throats = vec![None; layout.node_count()];
    let mut is_found = true;
    while is_found {
        is_found = false;
        for node in (0..layout.node_count() as u32).map(NodeId) {
            if throats[node.index()].is_some() || layout.node(node).station.is_some() {
                continue;
            }
            let onward = |edge: &EdgeId| {
                let edge = layout.edge(*edge);
                edge.device.map(DeviceId).or(throats[edge.to.index()])
            };
            let mut ways = layout.out_edges(node).iter().map(onward);
            let Some(Some(device)) = ways.next() else { continue };
            if ways.all(|way| way == Some(device)) {
                throats[node.index()] = Some(device);
                is_found = true;
            }
        }
    }
    throats
}

/// The device that must be open before the edge is entered: it lies across the edge, or the edge leads into its throat.
fn gate(fleet: &Fleet, edge: EdgeId) -> Option<DeviceId> {
    let facts = fleet.layout.edge(edge);
    let (from, to) = (fleet.throats[facts.from.index()], fleet.throats[facts.to.index()]);
    facts.device.map(DeviceId).or(to.filter(|_| from != to))
}

/// Edges that nobody may enter while the device doesn't do its work.
pub(crate) fn edges_of(fleet: &Fleet, device: DeviceId) -> Vec<EdgeId> {
    let throat = fleet.throats.iter().zip(0_u32..).filter(|(of, _)| **of == Some(device));
    let entries = throat.flat_map(|(_, node)| fleet.layout.in_edges(NodeId(node)));
    let entries = entries.filter(|edge| gate(fleet, **edge) == Some(device));
    entries.chain(&fleet.layout.devices()[device.index()].edges).copied().collect()
}

/// Devices that lie on a released way, or on a planned one within the lead.
fn needed(fleet: &Fleet) -> Vec<DeviceId> {
    let layout = &fleet.layout;
    let of = |edge: EdgeId| layout.edge(edge).device.map(DeviceId);
    let mut found = Vec::new();
    for robot in &fleet.state.robots {
        found.extend(robot.trail.steps.iter().filter_map(|step| step.edge.and_then(of)));
        found.extend(robot.trail.steps.iter().filter_map(|step| fleet.throats[step.node.index()]));
        let mut ahead_ms = 0;
        for claim in &robot.claims {
            if ahead_ms > fleet.state.config.device_lead_ms {
                break;
            }
            ahead_ms += u64::from(layout.travel_ms(robot.robot_type, claim.edge));
            found.extend(gate(fleet, claim.edge));
        }
        if let Some(Cause::Device(waited)) = robot.waits_for {
            found.push(waited);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The device that keeps a robot from entering this edge, since it isn't observed open.
pub(crate) fn shut(fleet: &Fleet, edge: EdgeId) -> Option<DeviceId> {
    gate(fleet, edge).filter(|id| !is_open(fleet, *id))
}

fn is_open(fleet: &Fleet, id: DeviceId) -> bool {
    fleet.state.devices.get(id.index()).is_some_and(Device::is_open)
}

/// A robot is told to go through a device, hasn't reached the edge yet, and the device isn't observed open any more.
pub(crate) fn is_heading_into_shut(fleet: &Fleet, robot: &Robot) -> bool {
    let mut beyond = robot.trail.steps.iter().skip(2).filter_map(|step| step.edge);
    beyond.any(|edge| fleet.layout.edge(edge).device.is_some_and(|id| !is_open(fleet, DeviceId(id))))
}
