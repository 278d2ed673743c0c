//! Zones, devices, alarms and the audit, as people see them.

use drover_core::device::{Device, Level, Observed, Trouble};
use drover_core::{Alarm, AuditEntry, Fleet, RobotName, Stop};
use drover_maps::DeviceKind;
use serde::{Deserialize, Serialize};

/// Alarms kept.
pub const ALARMS_MAX: usize = 50;

/// An operator's stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopView {
    /// Who.
    pub by: String,
    /// Since when.
    pub at_ms: u64,
    /// Why; empty = not said.
    pub reason: String,
}

impl StopView {
    pub(super) fn of(stop: &Stop) -> StopView {
        StopView { by: stop.by.clone(), at_ms: stop.at.0, reason: String::new() }
    }
}

/// A zone. Its place and temperature stand in the layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneView {
    /// Its id.
    pub id: String,
    /// Its stop, if it is stopped.
    pub stopped: Option<StopView>,
}

impl ZoneView {
    pub(super) fn of(id: &str, fleet: &Fleet) -> ZoneView {
        let stopped = fleet.stopped_zones().get(id).map(|stop| StopView {
            reason: reason("zone.stop", id, stop, fleet).unwrap_or_default(),
            ..StopView::of(stop)
        });
        ZoneView { id: id.to_owned(), stopped }
    }
}

/// What the one who stopped it said.
pub(super) fn reason(action: &str, subject: &str, stop: &Stop, fleet: &Fleet) -> Option<String> {
    let is_it = |entry: &&AuditEntry| {
        entry.action == action
            && entry.subject == subject
            && entry.refused.is_none()
            && entry.by.name == stop.by
            && entry.at >= stop.at
    };
    fleet.audit().find(is_it).map(|entry| entry.by.reason.clone())
}

/// A site device. Its edges stand in the layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Somebody answers for it.
    pub is_online: bool,
    /// What we want of it: `open` or `closed`.
    pub requested: String,
    /// What it shows: `unknown`, `open`, `opening`, `closing`, `closed` or `fault`.
    pub state: String,
    /// Why robots go round it: `stuck` or `lost`; empty = they don't.
    pub trouble: String,
    /// What it says is wrong; empty = nothing.
    pub error: String,
}

impl DeviceView {
    pub(super) fn of(device: &Device, facts: &drover_maps::Device) -> DeviceView {
        let requested = match device.want {
            Level::Open => "open",
            Level::Closed => "closed",
        };
        let state = match device.observed {
            Observed::Unknown => "unknown",
            Observed::Open => "open",
            Observed::Opening => "opening",
            Observed::Closing => "closing",
            Observed::Closed => "closed",
            Observed::Fault => "fault",
        };
        let trouble = match device.trouble {
            None => "",
            Some(Trouble::Stuck) => "stuck",
            Some(Trouble::Lost) => "lost",
        };
        DeviceView {
            id: facts.name.clone(),
            kind: facts.kind,
            is_online: device.is_online && !device.is_silent,
            requested: requested.to_owned(),
            state: state.to_owned(),
            trouble: trouble.to_owned(),
            error: device.reason.clone().unwrap_or_default(),
        }
    }
}

/// Something an operator must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmView {
    /// Rises with every alarm of the process.
    pub id: u64,
    /// When.
    pub at_ms: u64,
    /// A stable code.
    pub code: String,
    /// The robot concerned.
    pub robot: Option<RobotName>,
    /// The device concerned; empty = none.
    pub device: String,
    /// What happened and what to do.
    pub text: String,
}

impl AlarmView {
    pub(super) fn of(id: u64, at_ms: u64, alarm: &Alarm, fleet: &Fleet) -> AlarmView {
        let robot = alarm.robot.and_then(|robot| fleet.robots().get(robot.index()));
        let device = alarm.device.and_then(|device| fleet.layout().devices().get(device.index()));
        AlarmView {
            id,
            at_ms,
            code: alarm.code.as_str().to_owned(),
            robot: robot.map(|robot| robot.name.clone()),
            device: device.map(|device| device.name.clone()).unwrap_or_default(),
            text: alarm.text.clone(),
        }
    }
}

/// One request for a change, and the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// Its number: rises by one.
    pub n: u64,
    /// When.
    pub at_ms: u64,
    /// Who asked.
    pub actor: String,
    /// What for, e.g. `zone.stop`.
    pub action: String,
    /// What it was to be done to.
    pub subject: String,
    /// Why, in the caller's words.
    pub reason: String,
    /// Why it was refused, as a stable code; empty = it was done.
    pub code: String,
    /// The caller's idempotency key; empty = none.
    pub key: String,
}

impl AuditView {
    pub(super) fn of(entry: &AuditEntry) -> AuditView {
        AuditView {
            n: entry.n,
            at_ms: entry.at.0,
            actor: entry.by.name.clone(),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            reason: entry.by.reason.clone(),
            code: entry.refused.clone().unwrap_or_default(),
            key: entry.by.key.clone(),
        }
    }
}

/// The kind's word on the wire.
pub(crate) fn kind(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Door => "door",
        DeviceKind::Lift => "lift",
        DeviceKind::Conveyor => "conveyor",
        DeviceKind::Charger => "charger",
    }
}
