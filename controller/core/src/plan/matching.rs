//! Which robot takes which task in a beat, for throughput ([`crate::pairs`]): where there are many, each robot looks at
//! those near its region and the shortest, and not everybody looks again in every beat.

use std::collections::{BTreeMap, BTreeSet};

use super::guidance::Guidance;
use super::lattice::Lattice;
use super::lifelong::Seen;
use super::reach::Reach;
use crate::pairs::{Row, pair};

/// Pairs of robots and rows that may be priced in a beat beyond those of robots without a task.
const PRICED_MAX: usize = 1_500_000;
/// Robots look at so many rows at most: those nearest to their region, and those with the shortest tasks.
const NEAR_ROWS: usize = 192;
const SHORT_ROWS: usize = 64;
/// Up to so many rows, everybody looks at all.
const ROWS_FEW: usize = 2 * NEAR_ROWS + SHORT_ROWS;
/// Regions a side.
const REGIONS: i32 = 16;

/// The ways on a floor.
pub struct Ways<'a> {
    /// Where robots can be.
    pub lattice: &'a Lattice,
    /// Prices of a beat.
    pub guidance: &'a Guidance,
    /// Prices of ways.
    pub reach: &'a mut Reach,
}

impl Ways<'_> {
    /// Price of the way from the first place along the others: exact on a small floor.
    pub fn length(&mut self, places: &[u32]) -> u32 {
        places.windows(2).map(|pair| self.leg(pair[0], pair[1])).sum()
    }

    fn leg(&mut self, from: u32, to: u32) -> u32 {
        let (lattice, states) = (self.lattice, self.lattice.states(from));
        if self.reach.is_small() {
            let prices = self.reach.to(lattice, self.guidance, to, states.start);
            return states.map(|state| u32::from(prices.get(lattice, state))).min().unwrap_or(0);
        }
        // The way back is about as long.
        let forth = states.map(|state| self.reach.estimate(lattice, state, to)).min().unwrap_or(0);
        let back =
            lattice.states(to).map(|state| self.reach.estimate(lattice, state, from)).min().unwrap_or(0);
        u32::from(forth.max(back))
    }

    fn price(&mut self, from: u32, place: u32) -> u16 {
        if self.reach.is_small() {
            return self.reach.to(self.lattice, self.guidance, place, from).get(self.lattice, from);
        }
        self.reach.estimate(self.lattice, from, place)
    }
}

/// What is kept from beat to beat.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// Price of the way along the errands of tasks nobody has begun, by id.
    lengths: BTreeMap<u32, u32>,
    /// The task each robot pursued last.
    pursued: Vec<Option<u32>>,
    /// The robot whose turn it is to look again.
    turn: usize,
}

impl Matching {
    /// The id of the task each robot is to pursue. Who has begun a task goes on with it; of the others, so many as the beat
    /// allows choose anew, those without a task in any case.
    pub fn assign(&mut self, mut ways: Ways<'_>, states: &[u32], seen: &[Seen<'_>]) -> Vec<Option<u32>> {
        let mut pursues: Vec<Option<u32>> = vec![None; states.len()];
        let begun = seen.iter().filter_map(|task| task.held_by.map(|robot| (robot, task.id)));
        begun.for_each(|(robot, id)| pursues[robot as usize] = Some(id));
        self.lengths.retain(|id, _| seen.binary_search_by_key(id, |task| task.id).is_ok());
        let choose = self.choosers(seen, &mut pursues);
        let kept: BTreeSet<u32> = pursues.iter().flatten().copied().collect();
        let mut tasks: BTreeMap<u32, Vec<(i64, u32)>> = BTreeMap::new();
        for task in seen.iter().filter(|task| !kept.contains(&task.id)) {
            let length = self.length(&mut ways, task);
            tasks.entry(task.errands[0]).or_default().push((i64::from(length), task.id));
        }
        let (places, tasks): (Vec<u32>, Vec<_>) = tasks.into_iter().unzip();
        let mut rows: Vec<Row> = tasks.into_iter().map(Row::new).collect();
        choose_from(ways, states, &choose, &places, &mut rows, &mut pursues);
        self.pursued.clone_from(&pursues);
        pursues
    }

    /// Robots that choose now; the others that have begun nothing keep what they pursued.
    fn choosers(&mut self, seen: &[Seen<'_>], pursues: &mut [Option<u32>]) -> Vec<usize> {
        self.pursued.resize(pursues.len(), None);
        let open = seen.iter().filter(|task| task.held_by.is_none());
        let open: BTreeMap<u32, u32> = open.map(|task| (task.id, task.errands[0])).collect();
        let places = open.values().collect::<BTreeSet<_>>().len();
        let mut left = PRICED_MAX / places.clamp(1, NEAR_ROWS + SHORT_ROWS);
        let mut choose = Vec::new();
        for offset in 0..pursues.len() {
            let robot = (self.turn + offset) % pursues.len();
            if pursues[robot].is_some() {
                continue;
            }
            pursues[robot] = self.pursued[robot].filter(|id| left == 0 && open.contains_key(id));
            if pursues[robot].is_none() {
                left = left.saturating_sub(1);
                choose.push(robot);
            }
        }
        choose.sort_unstable();
        self.turn = (self.turn + choose.len()) % pursues.len().max(1);
        choose
    }

    /// Price of the way from the first errand along the others.
    fn length(&mut self, ways: &mut Ways<'_>, task: &Seen<'_>) -> u32 {
        *self.lengths.entry(task.id).or_insert_with(|| ways.length(task.errands))
    }
}

/// Gives the robots their tasks; who finds nothing where it looks takes anything that is left.
fn choose_from(
    ways: Ways<'_>,
    states: &[u32],
    robots: &[usize],
    places: &[u32],
    rows: &mut [Row],
    pursues: &mut [Option<u32>],
) {
    let looks = Looks::new(ways, states, robots, places, rows);
    let found = pair(robots.len(), rows, |index| looks.ways(index));
    let mut rest = rows.iter().flat_map(Row::left);
    for (robot, found) in robots.iter().zip(found) {
        pursues[*robot] = found.or_else(|| rest.next());
    }
}

/// The rows each robot looks at, and the price of the way there.
struct Looks {
    /// Rows for each region.
    lists: Vec<Vec<u32>>,
    /// The region of each robot.
    region: Vec<usize>,
    /// Prices of each robot's list, one after the other; and where each robot's begin.
    prices: Vec<u16>,
    first: Vec<usize>,
}

impl Looks {
    fn new(mut ways: Ways<'_>, states: &[u32], robots: &[usize], places: &[u32], rows: &[Row]) -> Looks {
        let lattice = ways.lattice;
        let (lists, region) = if rows.len() <= ROWS_FEW {
            (vec![(0..rows.len() as u32).collect()], vec![0; robots.len()])
        } else {
            let at = |robot: &usize| lattice.at(lattice.place(states[*robot]));
            let (centres, region) = regions(lattice, robots.iter().map(at));
            (centres.into_iter().map(|centre| near(lattice, places, rows, centre)).collect(), region)
        };
        let mut first = vec![0; robots.len() + 1];
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); lists.len()];
        for index in 0..robots.len() {
            first[index + 1] = first[index] + lists[region[index]].len();
            members[region[index]].push(index);
        }
        let mut prices = vec![0; first[robots.len()]];
        // Row by row: a table is read for all robots while it is at hand.
        for (list, members) in lists.iter().zip(&members) {
            for (column, row) in list.iter().enumerate() {
                let place = places[*row as usize];
                for index in members {
                    prices[first[*index] + column] = ways.price(states[robots[*index]], place);
                }
            }
        }
        Looks { lists, region, prices, first }
    }

    /// The rows a robot looks at, and the price of the way to each.
    fn ways(&self, index: usize) -> impl Iterator<Item = (usize, u32)> + '_ {
        let prices = &self.prices[self.first[index]..self.first[index + 1]];
        let list = &self.lists[self.region[index]];
        list.iter().zip(prices).map(|(row, way)| (*row as usize, u32::from(*way)))
    }
}

/// Cuts the floor into regions: the middle of each that has somebody, and who is in which.
fn regions(lattice: &Lattice, robots: impl Iterator<Item = [i32; 2]>) -> (Vec<[i32; 2]>, Vec<usize>) {
    let all = || (0..lattice.place_count() as u32).map(|place| lattice.at(place));
    let least = [0, 1].map(|axis| all().map(|at| at[axis]).min().unwrap_or(0));
    let size = [0, 1].map(|axis| all().map(|at| at[axis] - least[axis]).max().unwrap_or(0) / REGIONS + 1);
    let mut known: BTreeMap<[i32; 2], usize> = BTreeMap::new();
    let mut centres = Vec::new();
    let of = robots.map(|at| {
        let cell = [0, 1].map(|axis| (at[axis] - least[axis]) / size[axis]);
        *known.entry(cell).or_insert_with(|| {
            centres.push([0, 1].map(|axis| least[axis] + cell[axis] * size[axis] + size[axis] / 2));
            centres.len() - 1
        })
    });
    let of = of.collect();
    (centres, of)
}

/// The rows nearest to here, and those with the shortest tasks.
fn near(lattice: &Lattice, places: &[u32], rows: &[Row], here: [i32; 2]) -> Vec<u32> {
    let distance = |place: &u32| {
        let at = lattice.at(*place);
        at[0].abs_diff(here[0]) + at[1].abs_diff(here[1])
    };
    let mut near: Vec<(u32, u32)> =
        places.iter().zip(0..).map(|(place, index)| (distance(place), index)).collect();
    near.select_nth_unstable(NEAR_ROWS);
    let mut list: Vec<u32> = near[..NEAR_ROWS].iter().map(|(_, index)| *index).collect();
    let mut short: Vec<(i64, u32)> = near[NEAR_ROWS..]
        .iter()
        .map(|(_, index)| (rows[*index as usize].head().unwrap_or(i64::MAX), *index))
        .collect();
    short.select_nth_unstable(SHORT_ROWS);
    list.extend(short[..SHORT_ROWS].iter().map(|(_, index)| *index));
    list.sort_unstable();
    list
}
