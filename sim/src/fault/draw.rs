//! Faults drawn from a seed: which are on, how strong, from when until when. Few at a time, so that each can be told from
//! the others, and over before the heal.

use super::{FaultLine, Ill, Kind, Talk, Trouble, Weather};
use crate::rng::Rng;

/// Kinds of one world, at most.
const KINDS_MAX: u64 = 7;
/// The first fault begins at the earliest, seconds after the start.
const FROM_S: u64 = 10;
/// Before that there is no snapshot to lose, seconds after the start.
const SNAPSHOT_S: u64 = 35;
/// A fault begins so long before the heal, at least, s.
const LASTS_S: u64 = 10;

/// The faults of a drawn world, all over by `heal_s`. Kinds that need a door are left out where there is none.
pub(crate) fn draw(rng: &mut Rng, heal_s: u64, has_doors: bool) -> Vec<FaultLine> {
    let mut kinds: Vec<Kind> = Kind::all().collect();
    kinds.retain(|kind| has_doors || !matches!(kind, Kind::Door(_)));
    // Drawn by itself, so that the other faults of a seed stay what they are.
    kinds.retain(|kind| *kind != Kind::Jobs(Talk::Short));
    kinds.retain(|kind| earliest_s(*kind) <= FROM_S.max(heal_s.saturating_sub(LASTS_S)));
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

/// Short picks, in one world of three.
pub(crate) fn draw_short(rng: &mut Rng, heal_s: u64) -> Option<FaultLine> {
    (rng.below(3) == 0).then(|| line(Kind::Jobs(Talk::Short), rng, heal_s))
}

/// What befalls one process or one robot may come more than once.
fn times(kind: Kind, rng: &mut Rng) -> u64 {
    let comes_again = matches!(
        kind,
        Kind::Site(Trouble::Crash) | Kind::Robot(Ill::Breaks | Ill::Partition | Ill::ActionFails)
    );
    if comes_again { rng.within(1, 3) } else { 1 }
}

fn earliest_s(kind: Kind) -> u64 {
    if kind == Kind::Site(Trouble::SnapshotLost) { SNAPSHOT_S } else { FROM_S }
}

fn line(kind: Kind, rng: &mut Rng, heal_s: u64) -> FaultLine {
    let earliest_s = earliest_s(kind);
    let from_s = rng.within(earliest_s, heal_s.saturating_sub(LASTS_S).max(earliest_s));
    let until_s = rng.within(from_s + 1, heal_s.max(from_s + 1));
    let [low, high] = drawn_range(kind);
    // Jobs are published from the start on.
    let from_s = if matches!(kind, Kind::Jobs(_)) { 0 } else { from_s };
    FaultLine { what: kind, who: None, from_s, until_s: Some(until_s), strength: Some(rng.within(low, high)) }
}

/// Strengths that a small world survives within its time.
fn drawn_range(kind: Kind) -> [u64; 2] {
    match kind {
        Kind::Net(Weather::Loss | Weather::Repeat) => [1, 50],
        Kind::Net(Weather::Reorder | Weather::Delay) => [100, 30_000],
        Kind::Robot(Ill::Floods) => [5, 50],
        Kind::Robot(Ill::ClockSkew) => [1, 31_536_000],
        Kind::Site(Trouble::Crash) => [0, 200],
        Kind::Site(Trouble::Stall) => [100, 40_000],
        Kind::Site(Trouble::StoreSlow) => [50, 3_000],
        Kind::Site(Trouble::CommitFails | Trouble::CommitUnknown) => [5, 60],
        Kind::Jobs(_) => [10, 50],
        Kind::Robot(_) | Kind::Site(_) | Kind::Door(_) | Kind::EdgeBlocked => kind.strength_range(),
    }
}
