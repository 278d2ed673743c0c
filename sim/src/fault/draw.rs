//! Faults drawn from a seed: which are on, how strong, from when until when. Few at a time, so that each can be told from
//! the others, and over before the heal.

use super::{FaultLine, Kind};
use crate::rng::Rng;

/// Kinds of one world, at most.
const KINDS_MAX: u64 = 7;
/// The first fault begins at the earliest, seconds after the start.
const FROM_S: u64 = 10;

/// The faults of a drawn world, all over by `heal_s`. Kinds that need a door are left out where there is none.
pub(crate) fn draw(rng: &mut Rng, heal_s: u64, has_doors: bool) -> Vec<FaultLine> {
    let mut kinds = Kind::ALL.to_vec();
    let is_of_a_door = |kind: &Kind| matches!(kind, Kind::DoorStuck | Kind::DoorFails | Kind::DoorMute);
    kinds.retain(|kind| has_doors || !is_of_a_door(kind));
    rng.shuffle(&mut kinds);
    let count = rng.within(0, KINDS_MAX) as usize;
    let mut lines = Vec::new();
    for kind in kinds.into_iter().take(count) {
        for _ in 0..times(kind, rng) {
            lines.push(line(kind, rng, heal_s));
        }
    }
    lines
}

/// What befalls one process or one robot may come more than once.
fn times(kind: Kind, rng: &mut Rng) -> u64 {
    match kind {
        Kind::Crash | Kind::RobotBreaks | Kind::Partition | Kind::ActionFails => rng.within(1, 3),
        _ => 1,
    }
}

fn line(kind: Kind, rng: &mut Rng, heal_s: u64) -> FaultLine {
    let from_s = rng.within(FROM_S, heal_s.saturating_sub(10).max(FROM_S));
    let until_s = rng.within(from_s + 1, heal_s.max(from_s + 1));
    let [low, high] = drawn_range(kind);
    FaultLine {
        what: kind,
        who: None,
        from_s: if is_of_the_jobs(kind) { 0 } else { from_s },
        until_s: Some(until_s),
        strength: Some(rng.within(low, high)),
    }
}

/// Jobs are published from the start on.
fn is_of_the_jobs(kind: Kind) -> bool {
    matches!(kind, Kind::PoisonJobs | Kind::JobsTwice | Kind::JobsChanged)
}

/// Strengths that a small world survives within its time.
fn drawn_range(kind: Kind) -> [u64; 2] {
    match kind {
        Kind::NetLoss => [1, 50],
        Kind::NetRepeat => [1, 50],
        Kind::NetReorder | Kind::NetDelay => [100, 30_000],
        Kind::Crash => [0, 200],
        Kind::Stall => [100, 40_000],
        Kind::StoreSlow => [50, 3_000],
        Kind::CommitFails | Kind::CommitUnknown => [5, 60],
        Kind::RobotFloods => [5, 50],
        Kind::PoisonJobs | Kind::JobsTwice | Kind::JobsChanged => [10, 50],
        Kind::ClockSkew => [1, 31_536_000],
        _ => kind.strength_range(),
    }
}
