//! The floor in beats: where a robot of one type can stand, in which direction, and where one beat brings it. A grid is the
//! simplest case: one beat is one cell forward or a quarter turn.

/// No state, no place.
pub const NONE: u32 = u32::MAX;

/// What a robot may do in one beat, beside waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One place forward.
    Ahead,
    /// Turn to the next direction clockwise.
    Right,
    /// Turn to the next direction counterclockwise.
    Left,
}

/// States and steps. The states of a place lie side by side.
#[derive(Clone, Debug)]
pub struct Lattice {
    /// Place of each state.
    place: Vec<u32>,
    /// State after each of `Step`.
    steps: Vec<[u32; 3]>,
    /// First state of each place, and the number of states.
    first: Vec<u32>,
    /// States from which a step forward leads to each state.
    behind: Rows,
    /// Where each place is, in units.
    at: Vec<[i32; 2]>,
}

#[derive(Clone, Debug)]
struct Rows {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Rows {
    /// `pairs`: row and item.
    fn new(rows: usize, pairs: &[(u32, u32)]) -> Rows {
        let mut starts = vec![0; rows + 1];
        pairs.iter().for_each(|(row, _)| starts[*row as usize + 1] += 1);
        (0..rows).for_each(|row| starts[row + 1] += starts[row]);
        let (mut next, mut items) = (starts.clone(), vec![0; pairs.len()]);
        for (row, item) in pairs {
            items[next[*row as usize] as usize] = *item;
            next[*row as usize] += 1;
        }
        Rows { starts, items }
    }

    fn of(&self, row: u32) -> &[u32] {
        &self.items[self.starts[row as usize] as usize..self.starts[row as usize + 1] as usize]
    }
}

impl Lattice {
    /// A grid of free cells, row by row from the top left. Directions: 0 east, 1 south, 2 west, 3 north. Places number the
    /// free cells in their order; state = 4 x place + direction.
    pub fn grid(rows: &[Vec<bool>]) -> Lattice {
        let mut number = 0;
        let places: Vec<Vec<u32>> = rows
            .iter()
            .map(|row| {
                let mut place = |free: &bool| {
                    if *free {
                        number += 1;
                        number - 1
                    } else {
                        NONE
                    }
                };
                row.iter().map(&mut place).collect()
            })
            .collect();
        let at = |y: usize, x: usize| places.get(y).and_then(|row| row.get(x)).copied().unwrap_or(NONE);
        let mut steps = Vec::with_capacity(4 * number as usize);
        let mut positions = Vec::with_capacity(number as usize);
        for (y, row) in places.iter().enumerate() {
            for (x, place) in row.iter().enumerate().filter(|(_, place)| **place != NONE) {
                positions.push([x as i32, y as i32]);
                let next = [at(y, x + 1), at(y + 1, x), at(y, x.wrapping_sub(1)), at(y.wrapping_sub(1), x)];
                for (direction, next) in (0..4_u32).zip(next) {
                    let ahead = if next == NONE { NONE } else { 4 * next + direction };
                    let turned = |by: u32| 4 * place + (direction + by) % 4;
                    steps.push([ahead, turned(1), turned(3)]);
                }
            }
        }
        let place = (0..4 * number).map(|state| state / 4).collect();
        Lattice::new(place, steps, (0..=number).map(|place| 4 * place).collect(), positions)
    }

    fn new(place: Vec<u32>, steps: Vec<[u32; 3]>, first: Vec<u32>, at: Vec<[i32; 2]>) -> Lattice {
        let ahead = steps.iter().zip(0..).filter(|(step, _)| step[0] != NONE);
        let pairs: Vec<(u32, u32)> = ahead.map(|(step, state)| (step[0], state)).collect();
        let behind = Rows::new(steps.len(), &pairs);
        Lattice { place, steps, first, behind, at }
    }

    /// Number of places.
    pub fn place_count(&self) -> usize {
        self.first.len() - 1
    }

    /// Number of states.
    pub fn state_count(&self) -> usize {
        self.place.len()
    }

    /// Where a robot in this state stands.
    pub fn place(&self, state: u32) -> u32 {
        self.place[state as usize]
    }

    /// Where a place is, in units: cells of a grid.
    pub fn at(&self, place: u32) -> [i32; 2] {
        self.at[place as usize]
    }

    /// The states a robot may have at a place.
    pub fn states(&self, place: u32) -> std::ops::Range<u32> {
        self.first[place as usize]..self.first[place as usize + 1]
    }

    /// The state after this step; `NONE` if it can't be made.
    pub fn after(&self, state: u32, step: Step) -> u32 {
        self.steps[state as usize][step as usize]
    }

    /// States from which a step forward leads to this one.
    pub fn behind(&self, state: u32) -> &[u32] {
        self.behind.of(state)
    }
}
