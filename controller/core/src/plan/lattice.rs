//! The floor in beats: where robots can be, in which direction, and where one beat brings them. A grid is the simplest
//! case: one beat is one cell forward or a quarter turn. On a layout (`floor`) a place is a node or an edge: a
//! robot on an edge goes on, state by state, until it is at the end, and excludes others from more places than its own.

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
    /// States to which further steps forward lead; none on a grid.
    forks: Rows,
    /// States from which a step forward leads to each state.
    behind: Rows,
    /// Where each place is, in units.
    at: Vec<[i32; 2]>,
    /// Price of a step forward into each state, in parts of a beat; empty = a beat each.
    lengths: Vec<u16>,
    /// On the places from this one on robots go on, and don't wait.
    ways: u32,
    /// What each place excludes others from; none on a grid.
    footprint: Option<Footprint>,
}

/// What robots exclude each other from beside the place they are at.
#[derive(Clone, Debug)]
pub struct Footprint {
    /// Places a robot has for itself while it is at each place.
    holds: Rows,
    /// Places that nobody else may have then.
    needs: Rows,
}

impl Footprint {
    /// For so many places, from pairs of a place and one that a robot there has, and of a place and one that nobody else
    /// may have then.
    pub fn new(places: usize, holds: &[(u32, u32)], needs: &[(u32, u32)]) -> Footprint {
        Footprint { holds: Rows::new(places, holds), needs: Rows::new(places, needs) }
    }

    /// Places a robot has for itself while it is at this place.
    pub fn holds(&self, place: u32) -> &[u32] {
        self.holds.of(place)
    }

    /// Places that nobody else may have then.
    pub fn needs(&self, place: u32) -> &[u32] {
        self.needs.of(place)
    }
}

/// A lattice in the making, place by place.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Places of all states so far, in order.
    pub place: Vec<u32>,
    /// Steps forward: from, to, and the price in parts of a beat.
    pub ahead: Vec<(u32, u32, u16)>,
    /// Turns to the next direction clockwise: from, to.
    pub right: Vec<(u32, u32)>,
    /// Where each place is, in units.
    pub at: Vec<[i32; 2]>,
    /// On the places from this one on robots go on, and don't wait.
    pub ways: u32,
}

#[derive(Clone, Debug, Default)]
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
        let ahead = steps.iter().zip(0..).filter(|(step, _)| step[0] != NONE);
        let pairs: Vec<(u32, u32)> = ahead.map(|(step, state)| (step[0], state)).collect();
        Lattice {
            place: (0..4 * number).map(|state| state / 4).collect(),
            first: (0..=number).map(|place| 4 * place).collect(),
            forks: Rows::default(),
            behind: Rows::new(steps.len(), &pairs),
            steps,
            at: positions,
            lengths: Vec::new(),
            ways: number,
            footprint: None,
        }
    }

    /// The lattice of a draft, whose states lie side by side at each place, places rising.
    pub fn of(draft: Draft, footprint: Footprint) -> Lattice {
        let states = draft.place.len();
        let mut steps = vec![[NONE; 3]; states];
        let mut lengths = vec![0; states];
        let mut forks = Vec::new();
        for (from, to, length) in &draft.ahead {
            lengths[*to as usize] = *length;
            let first = &mut steps[*from as usize][Step::Ahead as usize];
            if *first == NONE { *first = *to } else { forks.push((*from, *to)) }
        }
        for (from, to) in &draft.right {
            steps[*from as usize][Step::Right as usize] = *to;
            steps[*to as usize][Step::Left as usize] = *from;
        }
        let behind: Vec<(u32, u32)> = draft.ahead.iter().map(|(from, to, _)| (*to, *from)).collect();
        let places: Vec<(u32, u32)> = draft.place.iter().copied().zip(0..).collect();
        Lattice {
            first: Rows::new(draft.at.len(), &places).starts,
            place: draft.place,
            steps,
            forks: if forks.is_empty() { Rows::default() } else { Rows::new(states, &forks) },
            behind: Rows::new(states, &behind),
            at: draft.at,
            lengths,
            ways: draft.ways,
            footprint: Some(footprint),
        }
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

    /// The states after a step forward.
    pub fn ahead(&self, state: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.after(state, Step::Ahead);
        let forks = if self.forks.starts.is_empty() { &[][..] } else { self.forks.of(state) };
        [first].into_iter().filter(|first| *first != NONE).chain(forks.iter().copied())
    }

    /// A robot at this place may wait; else it is on its way and goes on.
    pub fn may_wait(&self, place: u32) -> bool {
        place < self.ways
    }

    /// The price of a step forward into this state where nothing is in the way, in parts of a beat.
    pub fn length(&self, into: u32) -> Option<u16> {
        self.lengths.get(into as usize).copied()
    }

    /// What robots exclude each other from beside the place they are at; none on a grid.
    pub fn footprint(&self) -> Option<&Footprint> {
        self.footprint.as_ref()
    }

    /// States from which a step forward leads to this one.
    pub fn behind(&self, state: u32) -> &[u32] {
        self.behind.of(state)
    }
}
