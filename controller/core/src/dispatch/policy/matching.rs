//! All free robots and all jobs of the batch at once: the assignment with the least sum of travel times. Where there are
//! more jobs than robots, a job counts as nearer the longer it has waited, so that no job far away waits for ever.
//!
//! Shortest augmenting paths with potentials (Kuhn, "The Hungarian method for the assignment problem", 1955, in the form of
//! Jonker and Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems", 1987):
//! exact, O(n^2 m) for n rows and m columns.

use super::{Choice, Open, Policy, robots};
use crate::id::RobotId;

/// Jobs seen at once.
const BATCH_MAX: usize = 64;
/// A job that has waited so many times as long as a way takes counts as nearer by that way.
const PATIENCE: i64 = 4;
/// Cost of a pair that can't be: above the sum of all costs that can.
const IMPOSSIBLE: i64 = 1 << 48;

/// The assignment with the least sum of travel times.
#[derive(Clone, Copy, Debug, Default)]
pub struct Matching;

impl Policy for Matching {
    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    fn choose(&self, batch: &[Open]) -> Vec<Choice> {
        let robots = robots(batch);
        let costs = costs(batch, &robots);
        let is_wide = batch.len() <= robots.len();
        let costs = if is_wide { costs } else { transposed(&costs, robots.len()) };
        let pairs = cheapest(&costs).into_iter().enumerate();
        let pairs = pairs.filter(|(row, column)| costs[*row][*column] < IMPOSSIBLE);
        let mut choices: Vec<Choice> = pairs
            .map(|(row, column)| if is_wide { (row, column) } else { (column, row) })
            .map(|(job, robot)| Choice { job, robot: robots[robot] })
            .collect();
        choices.sort_by_key(|choice| choice.job);
        choices
    }
}

/// `[job][robot]`.
fn costs(batch: &[Open], robots: &[RobotId]) -> Vec<Vec<i64>> {
    let row = |open: &Open| {
        let mut row = vec![IMPOSSIBLE; robots.len()];
        for candidate in &open.candidates {
            let waited = i64::try_from(open.waited_ms).unwrap_or(i64::MAX).min(IMPOSSIBLE / 1_024);
            let Ok(column) = robots.binary_search(&candidate.robot) else { continue };
            row[column] = i64::from(candidate.travel_ms) - waited / PATIENCE;
        }
        row
    };
    batch.iter().map(row).collect()
}

fn transposed(costs: &[Vec<i64>], columns: usize) -> Vec<Vec<i64>> {
    (0..columns).map(|column| costs.iter().map(|row| row[column]).collect()).collect()
}

/// The column of each row in a cheapest assignment of all rows; there are no more rows than columns.
fn cheapest(costs: &[Vec<i64>]) -> Vec<usize> {
    let columns = costs.first().map_or(0, Vec::len);
    let mut search = Search {
        costs,
        row_price: vec![0; costs.len()],
        column_price: vec![0; columns],
        row_of: vec![None; columns],
    };
    (0..costs.len()).for_each(|row| search.add(row));
    let mut column_of = vec![0; costs.len()];
    for (column, row) in search.row_of.iter().enumerate() {
        if let Some(row) = row {
            column_of[*row] = column;
        }
    }
    column_of
}

struct Search<'a> {
    costs: &'a [Vec<i64>],
    row_price: Vec<i64>,
    column_price: Vec<i64>,
    /// The row that has the column.
    row_of: Vec<Option<usize>>,
}

impl Search<'_> {
    /// Gives this row a column too, along the cheapest chain of exchanges (Dijkstra over reduced costs).
    fn add(&mut self, row: usize) {
        let columns = self.column_price.len();
        let (mut slack, mut from, mut done) =
            (vec![i64::MAX; columns], vec![None; columns], vec![false; columns]);
        let (mut at, mut last) = (row, None);
        let end = loop {
            for column in (0..columns).filter(|column| !done[*column]) {
                let reduced = self.costs[at][column] - self.row_price[at] - self.column_price[column];
                if reduced < slack[column] {
                    (slack[column], from[column]) = (reduced, last);
                }
            }
            let open = (0..columns).filter(|column| !done[*column]);
            let Some(next) = open.min_by_key(|column| (slack[*column], *column)) else { return };
            self.raise(row, slack[next], &done);
            let delta = slack[next];
            (0..columns).filter(|column| !done[*column]).for_each(|column| slack[column] -= delta);
            (done[next], last) = (true, Some(next));
            match self.row_of[next] {
                Some(other) => at = other,
                None => break next,
            }
        };
        self.exchange(row, end, &from);
    }

    /// Moves the prices of the tree, so that its next column costs nothing more.
    fn raise(&mut self, root: usize, delta: i64, done: &[bool]) {
        self.row_price[root] += delta;
        for column in (0..done.len()).filter(|column| done[*column]) {
            self.column_price[column] -= delta;
            if let Some(row) = self.row_of[column] {
                self.row_price[row] += delta;
            }
        }
    }

    /// Each row of the chain takes the column found for it; the new row takes the first.
    fn exchange(&mut self, row: usize, end: usize, from: &[Option<usize>]) {
        let mut column = end;
        while let Some(before) = from[column] {
            self.row_of[column] = self.row_of[before];
            column = before;
        }
        self.row_of[column] = Some(row);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dispatch::policy::tests::{batches, job};

    #[test]
    fn a_robot_is_left_to_the_job_that_needs_it_more() {
        let batch = [job(0, 0, &[10, 12]), job(0, 0, &[20, 90])];
        let robots: Vec<u32> = Matching.choose(&batch).iter().map(|choice| choice.robot.0).collect();
        assert_eq!(robots, [1, 0]);
    }

    #[test]
    fn a_job_that_has_waited_long_enough_goes_first() {
        let chosen = |waited_ms| Matching.choose(&[job(0, 0, &[1_000]), job(waited_ms, 0, &[90_000])])[0].job;
        assert_eq!((chosen(300_000), chosen(400_000)), (0, 1));
    }

    /// The least cost of all ways to give as many jobs as can be given, tried one by one.
    fn tried(costs: &[Vec<i64>], taken: &mut Vec<bool>) -> (usize, i64) {
        let Some((first, rest)) = costs.split_first() else { return (0, 0) };
        let mut best = tried(rest, taken);
        for robot in 0..taken.len() {
            if taken[robot] || first[robot] >= IMPOSSIBLE {
                continue;
            }
            taken[robot] = true;
            let (given, cost) = tried(rest, taken);
            taken[robot] = false;
            if (given + 1, -(cost + first[robot])) > (best.0, -best.1) {
                best = (given + 1, cost + first[robot]);
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_other_assignment_gives_more_jobs_or_costs_less(batch in batches()) {
            let robots = robots(&batch);
            let costs = costs(&batch, &robots);
            let choices = Matching.choose(&batch);
            let column = |choice: &Choice| robots.binary_search(&choice.robot).unwrap();
            let sum: i64 = choices.iter().map(|choice| costs[choice.job][column(choice)]).sum();
            prop_assert_eq!((choices.len(), sum), tried(&costs, &mut vec![false; robots.len()]));
        }
    }
}
