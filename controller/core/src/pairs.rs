//! Who takes which task, for throughput: short tasks first, near ones first. Shared by the jobs of a site
//! (`dispatch/policy/throughput`) and the tasks of ten thousand robots in beats (`plan/matching`).
//!
//! A pair costs `WAY_COUNTS` times the way to the task and once the way along it. Pairs are taken from the cheapest on,
//! greedily and lazily (Minoux, 1978): tasks that begin at one place are one row, the shortest first, and a robot whose
//! row has moved on looks again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the way to a task counts beside the way along it.
pub const WAY_COUNTS: i64 = 3;

/// Tasks that begin at one place, the shortest first.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Length and id.
    tasks: Vec<(i64, u32)>,
    taken: usize,
}

impl Row {
    /// Of these tasks, each with its length and id.
    pub fn new(mut tasks: Vec<(i64, u32)>) -> Row {
        tasks.sort_unstable();
        Row { tasks, taken: 0 }
    }

    /// Length of the shortest task that isn't taken.
    pub fn head(&self) -> Option<i64> {
        self.tasks.get(self.taken).map(|(length, _)| *length)
    }

    /// Ids of the tasks that aren't taken.
    pub fn left(&self) -> impl Iterator<Item = u32> + '_ {
        self.tasks[self.taken..].iter().map(|(_, id)| *id)
    }
}

/// A robot and the row it would take from. The cheapest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    cost: i64,
    robot: usize,
    row: usize,
    /// Tasks of the row that had been taken when the robot looked.
    taken: usize,
}

/// The id of the task each robot takes; none if nothing is left where it looks. `ways`: the rows a robot looks at, and
/// what the way there costs it.
pub fn pair<Way: Iterator<Item = (usize, u32)>>(
    robots: usize,
    rows: &mut [Row],
    ways: impl Fn(usize) -> Way,
) -> Vec<Option<u32>> {
    let best = |robot: usize, rows: &[Row]| {
        let cost = |(row, way): (usize, u32)| Some((WAY_COUNTS * i64::from(way) + rows[row].head()?, row));
        let (cost, row) = ways(robot).filter_map(cost).min()?;
        Some(Reverse(Offer { cost, robot, row, taken: rows[row].taken }))
    };
    let mut open: BinaryHeap<_> = (0..robots).filter_map(|robot| best(robot, rows)).collect();
    let mut found = vec![None; robots];
    while let Some(Reverse(offer)) = open.pop() {
        let row = &mut rows[offer.row];
        if row.taken == offer.taken {
            found[offer.robot] = row.left().next();
            row.taken += 1;
        } else {
            open.extend(best(offer.robot, rows));
        }
    }
    found
}
