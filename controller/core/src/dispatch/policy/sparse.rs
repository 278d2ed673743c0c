//! Who takes what at the least cost, where each row may take few of the columns, or none at all.
//!
//! Shortest augmenting paths with potentials over lists of arcs (Kuhn, "The Hungarian method for the assignment problem",
//! 1955; for sparse problems Jonker and Volgenant, "A shortest augmenting path algorithm for dense and sparse linear
//! assignment problems", Computing 1987). Exact and in whole numbers. A row that takes nothing costs nothing: that is an
//! arc to a column of its own, so every problem has an answer and only pairs that are worth it are made.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A column a row may take, and what that costs; less than nothing if it is worth it.
pub type Arc = (u32, i64);

/// Farther than any way.
const FAR: i64 = i64::MAX;

/// The column of each row in a cheapest assignment; none of a row that takes nothing. `columns`: how many there are.
pub fn cheapest(rows: &[Vec<Arc>], columns: usize) -> Vec<Option<u32>> {
    let mut search = Search {
        rows,
        row_price: rows
            .iter()
            .map(|row| row.iter().map(|(_, cost)| *cost).min().unwrap_or(0).min(0))
            .collect(),
        column_price: vec![0; columns],
        column_of: vec![None; rows.len()],
        row_of: vec![None; columns],
        away: vec![FAR; columns],
        from: vec![0; columns],
        is_done: vec![false; columns],
        seen: Vec::new(),
        tree: Vec::new(),
        open: BinaryHeap::new(),
    };
    // What is worth most comes first: a row that comes too late for a column then sees so at once.
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|row| search.row_price[*row]);
    order.into_iter().for_each(|row| search.add(row));
    search.column_of
}

/// Where a chain of exchanges ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// At a column nobody has.
    Column(u32),
    /// At a row that takes nothing from now on.
    Row(usize),
}

struct Search<'a> {
    rows: &'a [Vec<Arc>],
    row_price: Vec<i64>,
    column_price: Vec<i64>,
    column_of: Vec<Option<u32>>,
    row_of: Vec<Option<usize>>,
    /// Of the present chain: the way to each column, the row it is reached from, and whether it is final.
    away: Vec<i64>,
    from: Vec<usize>,
    is_done: Vec<bool>,
    /// Columns whose way is known.
    seen: Vec<u32>,
    /// Rows reached, with the way there.
    tree: Vec<(usize, i64)>,
    open: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Search<'_> {
    /// One more row gets the best it can, along the cheapest chain of exchanges.
    fn add(&mut self, root: usize) {
        let mut best = (FAR, End::Row(root));
        self.look(root, 0, &mut best);
        while let Some(Reverse((way, column))) = self.open.pop() {
            if way >= best.0 {
                break;
            }
            let place = column as usize;
            if self.is_done[place] || way != self.away[place] {
                continue;
            }
            self.is_done[place] = true;
            if let Some(row) = self.row_of[place] {
                self.look(row, way, &mut best);
            }
        }
        self.settle(best.0);
        self.exchange(root, best.1);
        self.forget();
    }

    /// Every column this row could take instead, and nothing at all.
    fn look(&mut self, row: usize, way: i64, best: &mut (i64, End)) {
        self.tree.push((row, way));
        let price = self.row_price[row];
        *best = (*best).min((way - price, End::Row(row)));
        for (column, cost) in &self.rows[row] {
            let place = *column as usize;
            let there = way + cost - price - self.column_price[place];
            if there >= self.away[place] || there >= best.0 {
                continue;
            }
            if self.away[place] == FAR {
                self.seen.push(*column);
            }
            (self.away[place], self.from[place]) = (there, row);
            if self.row_of[place].is_none() {
                *best = (*best).min((there, End::Column(*column)));
            } else {
                self.open.push(Reverse((there, *column)));
            }
        }
    }

    /// Moves the prices so that what was looked at costs nothing more.
    fn settle(&mut self, end: i64) {
        for (row, way) in &self.tree {
            self.row_price[*row] += end - way;
        }
        for column in self.seen.iter().map(|column| *column as usize).filter(|place| self.is_done[*place]) {
            self.column_price[column] -= end - self.away[column];
        }
    }

    /// Each row of the chain takes the column found for it.
    fn exchange(&mut self, root: usize, end: End) {
        let mut column = match end {
            End::Column(column) => column,
            End::Row(row) => match self.column_of[row].take() {
                Some(column) => column,
                None => return,
            },
        };
        loop {
            let row = self.from[column as usize];
            self.row_of[column as usize] = Some(row);
            let before = self.column_of[row].replace(column);
            match before {
                Some(before) if row != root => column = before,
                Some(_) | None => return,
            }
        }
    }

    fn forget(&mut self) {
        for column in self.seen.drain(..).map(|column| column as usize) {
            (self.away[column], self.is_done[column]) = (FAR, false);
        }
        self.tree.clear();
        self.open.clear();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The least cost of all assignments, tried one by one.
    pub(crate) fn tried(rows: &[Vec<Arc>], taken: &mut Vec<u32>) -> i64 {
        let Some((first, rest)) = rows.split_first() else { return 0 };
        let mut best = tried(rest, taken);
        for (column, cost) in first {
            if !taken.contains(column) {
                taken.push(*column);
                best = best.min(cost + tried(rest, taken));
                taken.pop();
            }
        }
        best
    }

    fn cost(rows: &[Vec<Arc>], found: &[Option<u32>]) -> i64 {
        let of = |(row, column): (&Vec<Arc>, &Option<u32>)| {
            column.map_or(0, |column| row.iter().find(|arc| arc.0 == column).unwrap().1)
        };
        rows.iter().zip(found).map(of).sum()
    }

    #[test]
    fn a_pair_that_costs_more_than_nothing_isnt_made() {
        assert_eq!(cheapest(&[vec![(0, 5)], vec![(0, -1), (1, -3)]], 2), [None, Some(1)]);
        assert_eq!(cheapest(&[vec![(0, -5)], vec![(0, -9)]], 1), [None, Some(0)]);
        assert_eq!(cheapest(&[vec![(0, -5), (1, -4)], vec![(0, -9)]], 2), [Some(1), Some(0)]);
        assert!(cheapest(&[], 3).is_empty());
    }

    proptest! {
        #[test]
        fn no_other_assignment_costs_less(
            drawn in prop::collection::vec(prop::collection::btree_map(0..6_u32, -50..20_i64, 0..6), 0..7)
        ) {
            let rows: Vec<Vec<Arc>> = drawn.into_iter().map(|row| row.into_iter().collect()).collect();
            let found = cheapest(&rows, 6);
            let mut taken: Vec<u32> = found.iter().flatten().copied().collect();
            taken.sort_unstable();
            prop_assert!(taken.windows(2).all(|pair| pair[0] != pair[1]), "{found:?}");
            prop_assert_eq!(cost(&rows, &found), tried(&rows, &mut Vec::new()));
        }
    }
}
