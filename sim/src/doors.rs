//! The doors of the site, each with its agent: what is asked, how the leaf moves, what is told. Time and chance come from
//! outside. A fault can keep a door shut, or silence its agent.

use drover_core::Time;
use drover_maps::Layout;
use drover_proto::device::{Condition, DeviceRequest, DeviceState, Level, VERSION};
use serde::Deserialize;

/// Time between two states, ms.
const STATE_EVERY_MS: u64 = 2_000;

/// What can be wrong with a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorFault {
    /// It doesn't open.
    StuckClosed,
    /// It says that it is in fault, and doesn't move.
    Fault,
    /// Its agent says nothing and hears nothing.
    Silent,
}

/// How doors move.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Doors {
    /// From closed to open, ms.
    pub open_ms: u64,
    /// From open to closed, ms.
    pub close_ms: u64,
    /// What goes wrong.
    pub fault: Vec<FaultLine>,
}

impl Default for Doors {
    fn default() -> Self {
        Doors { open_ms: 2_000, close_ms: 3_000, fault: Vec::new() }
    }
}

/// One fault of one door.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultLine {
    /// The device's id.
    pub id: String,
    /// What.
    pub what: DoorFault,
    /// From when, seconds after the start.
    #[serde(default)]
    pub from_s: u64,
    /// Until when; for ever when not given.
    pub until_s: Option<u64>,
}

/// A door and its agent.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its id in `site.toml`.
    pub name: String,
    open_ms: u64,
    close_ms: u64,
    want: Option<Level>,
    /// How far it is open, 0 to 1000, at `moved`.
    open_permille: u64,
    moved: Time,
    fault: Option<DoorFault>,
    told: Time,
    shown: Option<Condition>,
}

impl Door {
    /// The doors of a layout, closed.
    pub fn all(layout: &Layout, doors: &Doors, now: Time) -> Vec<Door> {
        let door = |device: &drover_maps::Device| Door {
            name: device.name.clone(),
            open_ms: doors.open_ms.max(1),
            close_ms: doors.close_ms.max(1),
            want: None,
            open_permille: 0,
            moved: now,
            fault: None,
            told: now,
            shown: None,
        };
        layout.devices().iter().map(door).collect()
    }

    /// A request arrives.
    pub fn hear(&mut self, now: Time, request: &DeviceRequest) {
        self.advance(now);
        if self.fault != Some(DoorFault::Silent) {
            self.want = Some(request.want);
        }
    }

    /// A fault begins or ends.
    pub fn set_fault(&mut self, now: Time, fault: Option<DoorFault>) {
        self.advance(now);
        self.fault = fault;
    }

    /// The leaf moves.
    pub fn advance(&mut self, now: Time) {
        let passed = now.since_ms(self.moved);
        self.moved = now;
        let rising = self.want == Some(Level::Open);
        let step = passed * 1_000 / if rising { self.open_ms } else { self.close_ms };
        self.open_permille = match self.fault {
            Some(DoorFault::Fault) => self.open_permille,
            // It doesn't open; one that is open stays so until it is to close.
            Some(DoorFault::StuckClosed) if rising => self.open_permille,
            _ if rising => (self.open_permille + step).min(1_000),
            _ => self.open_permille.saturating_sub(step),
        };
    }

    /// It is wide open, truly.
    pub fn is_open(&self) -> bool {
        self.open_permille == 1_000
    }

    /// The next state its agent sends, if one is due.
    pub fn say(&mut self, now: Time) -> Option<DeviceState> {
        let state = self.condition();
        let is_due = self.shown != Some(state) || now.since_ms(self.told) >= STATE_EVERY_MS;
        if !is_due || self.fault == Some(DoorFault::Silent) {
            return None;
        }
        self.told = now;
        self.shown = Some(state);
        let reason = (state == Condition::Fault).then(|| "the drive's protection has tripped".to_owned());
        Some(DeviceState { v: VERSION, at: String::new(), state, want: self.want, reason })
    }

    fn condition(&self) -> Condition {
        let rising = self.want == Some(Level::Open) && self.fault != Some(DoorFault::StuckClosed);
        match self.open_permille {
            _ if self.fault == Some(DoorFault::Fault) => Condition::Fault,
            1_000 if rising => Condition::Open,
            0 if !rising => Condition::Closed,
            _ if rising => Condition::Opening,
            _ => Condition::Closing,
        }
    }
}
