//! Site devices: what a door, lift or conveyor shows in its registers, and what is written to make it do as wanted.
//!
//! ```text
//!  MQTT request ──► Desk ── wanted level ──► Bank ── writes ──► gateway task ──► PLC (Modbus TCP)
//!  MQTT state  ◄──  Desk ◄──── shown ─────── Bank ◄─ image ───  gateway task ◄──
//!                  one per device          one per gateway, a Device each
//! ```
//!
//! Desk, Bank and Device are pure: time is an argument. A new kind is a file here and a line in [`KINDS`], and passes
//! `conformance`. A device never shows open that it hasn't read as open since the last word to it.

mod addressing;
mod bank;
#[cfg(test)]
mod conformance;
mod desk;
mod door;
mod file;
mod gateway;
mod north;
pub mod registers;
mod virtual_devices;

use std::fmt::Debug;

use drover_proto::device::{Condition, Level};

use crate::findings::{Findings, Section};
use addressing::Addressing;
use registers::{Image, Place, Write};

pub use file::{Entry, File, Gateway, Heartbeat, Watch, parse, read};
pub use gateway::Port;
pub use north::Account;
pub(crate) use north::serve;
pub use virtual_devices::Virtual;

/// The kinds a file may name.
pub const KINDS: &[(&str, ReadKind)] = &[("door", door::read)];

/// Reads a device's own keys. None with a finding.
pub type ReadKind = fn(&mut Section<'_>, &mut Findings, Addressing) -> Option<Box<dyn Wired>>;

/// What a device shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// As its sensors have it.
    pub condition: Condition,
    /// Why, for people; changes only when the reason does.
    pub reason: Option<String>,
    /// What was wanted when it was read.
    pub under: Option<Level>,
}

impl Shown {
    /// Without a reason.
    pub fn plain(condition: Condition) -> Self {
        Self { condition, reason: None, under: None }
    }

    /// With one.
    pub fn because(condition: Condition, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::plain(condition) }
    }
}

/// A device as the file wires it.
pub trait Wired: Debug + Send + Sync {
    /// What is read in each poll.
    fn inputs(&self) -> Vec<Place>;
    /// What is written.
    fn outputs(&self) -> Vec<Place>;
    /// The agent's side.
    fn device(&self) -> Box<dyn Device>;
    /// The PLC's side, simulated.
    fn machine(&self) -> Box<dyn Machine>;
}

/// What is written, what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What its inputs say, under the command that stood when they were read.
    pub shown: Shown,
    /// What must be written now.
    pub writes: Vec<Write>,
    /// Step it again at this time, ms, poll or not.
    pub again_ms: Option<u64>,
}

/// The agent's side of one device.
pub trait Device: Send + Sync {
    /// Once per poll. `want` is none until somebody has said what is wanted: the command then stays as the PLC has it.
    fn step(&mut self, now_ms: u64, want: Option<Level>, image: &Image) -> Step;
    /// Contact is lost, or a write was refused: what was written before doesn't count any more.
    fn forget(&mut self);
}

/// The PLC's side of one device, simulated.
pub trait Machine: Send {
    /// Time has come to `now_ms`, never less than before: reads its commands, moves, writes its inputs.
    fn step(&mut self, now_ms: u64, image: &mut Image);
    /// From now on; none = all is well again.
    fn set_fault(&mut self, fault: Option<Fault>);
}

/// What a simulated device may suffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Goes shut and stays so, whatever is commanded.
    StuckClosed,
    /// Goes open and stays so.
    StuckOpen,
    /// Stops where it is and sets its fault input.
    Broken,
    /// Moves at a fifth of its speed.
    Slow,
    /// Both limit switches say yes.
    Lying,
    /// Its unit doesn't answer the gateway: exception 11 for all its places.
    Silent,
}

impl Fault {
    /// All, with the words for them.
    pub const ALL: [(&'static str, Self); 6] = [
        ("stuck-closed", Self::StuckClosed),
        ("stuck-open", Self::StuckOpen),
        ("fault", Self::Broken),
        ("slow", Self::Slow),
        ("lying", Self::Lying),
        ("silent", Self::Silent),
    ];
}
