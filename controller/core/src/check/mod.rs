//! What must always hold, a file for each invariant: the same code in tests, in simulation and, sampled, in production.

mod acyclic;
mod base_prefix;
mod bounded;
mod conserved;
mod covered;
mod evidence;
mod exclusive;
mod fifo;
mod mode_respect;
mod once_only;
mod one_writer;

use crate::command::Command;
use crate::event::Event;
use crate::fleet::Fleet;

pub use evidence::Watch;
pub use one_writer::Tip;

/// Something that must always hold and doesn't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's name.
    pub invariant: &'static str,
    /// What breaks it: robots, places, jobs by name.
    pub text: String,
}

/// Every broken invariant of this state.
pub fn violations(fleet: &Fleet) -> Vec<Violation> {
    let mut found = Vec::new();
    exclusive::check(fleet, &mut found);
    covered::check(fleet, &mut found);
    acyclic::check(fleet, &mut found);
    base_prefix::check(fleet, &mut found);
    bounded::check(fleet, &mut found);
    conserved::check(fleet, &mut found);
    fifo::check(fleet, &mut found);
    once_only::check(fleet, &mut found);
    found
}

/// Every invariant broken by this step: the fleet as it is after the event, and what the event caused.
pub fn step_violations(
    watch: &mut Watch,
    event: &Event,
    commands: &[Command],
    fleet: &Fleet,
) -> Vec<Violation> {
    let mut found = Vec::new();
    watch.check(event, fleet, &mut found);
    mode_respect::check(commands, fleet, &mut found);
    base_prefix::check_releases(commands, watch, fleet, &mut found);
    found
}

fn broken(invariant: &'static str, text: String) -> Violation {
    Violation { invariant, text }
}
