//! Where a planner step's time goes, each part alone, on a drawn warehouse of lanes one robot wide: `cargo bench -p
//! drover-benches`.

use divan::{Bencher, black_box};

use drover_core::plan::epibt::{Beat, DEPTH, Epibt, Traveller};
use drover_core::plan::guidance::Guidance;
use drover_core::plan::lattice::Lattice;
use drover_core::plan::lifelong::{SHORTER, Seen};
use drover_core::plan::lns::TRY;
use drover_core::plan::matching::{Matching, Ways};
use drover_core::plan::reach::{Prices, Reach};

/// Robots.
const FLEETS: [usize; 3] = [100, 1_000, 10_000];
/// Places that robots go to.
const GOALS: u32 = 256;
/// Memory of tables, bytes: whole tables of all goals fit, but not those of all places.
const MEMORY: usize = 1 << 30;

fn main() {
    divan::main();
}

struct Floor {
    lattice: Lattice,
    guidance: Guidance,
    reach: Reach,
}

impl Floor {
    fn new() -> Floor {
        let row = |y: usize| (0..480).map(|x: usize| y.is_multiple_of(3) || x.is_multiple_of(4)).collect();
        let lattice = Lattice::grid(&(0..160).map(row).collect::<Vec<_>>());
        let guidance = Guidance::streets(&lattice, 2);
        let mut reach = Reach::new(&lattice, &guidance, MEMORY);
        reach.begin(u64::MAX);
        Floor { lattice, guidance, reach }
    }

    fn goal(&self, index: u32) -> u32 {
        (u64::from(index % GOALS) * 1_299_709 % self.lattice.place_count() as u64) as u32
    }

    fn states(&self, robots: usize) -> Vec<u32> {
        let stride = self.lattice.place_count() / robots;
        (0..robots).map(|robot| self.lattice.states((robot * stride) as u32).start).collect()
    }

    /// Prices to the goal from everywhere.
    fn whole(&mut self, goal: u32) -> Prices {
        let far = self.lattice.state_count() as u32 - 1;
        self.reach.to(&self.lattice, &self.guidance, goal, 0);
        self.reach.to(&self.lattice, &self.guidance, goal, far);
        self.reach.to(&self.lattice, &self.guidance, goal, far / 2)
    }

    fn travellers(&mut self, robots: usize) -> Vec<Traveller> {
        let states = self.states(robots);
        let mut traveller = |(state, robot): (&u32, u32)| {
            let goal = self.goal(robot);
            let goal = Some((goal, self.whole(goal)));
            Traveller { goal, weight: 100, ..Traveller::new(*state) }
        };
        states.iter().zip(0..).map(&mut traveller).collect()
    }
}

/// A search from the goal to everywhere, and one towards a robot.
#[divan::bench(args = ["everywhere", "towards a robot"])]
fn distance_search(bencher: Bencher<'_, '_>, kind: &str) {
    let floor = Floor::new();
    let memory = if kind == "everywhere" { usize::MAX } else { MEMORY };
    let reach = Reach::new(&floor.lattice, &floor.guidance, memory);
    bencher.with_inputs(|| reach.clone()).bench_local_values(|mut reach| {
        let from = floor.lattice.states(floor.goal(8)).start;
        reach.to(&floor.lattice, &floor.guidance, floor.goal(7), from)
    });
}

/// What everybody had goes on by a beat, and is priced.
#[divan::bench(args = FLEETS)]
fn operation_scoring(bencher: Bencher<'_, '_>, robots: usize) {
    let mut floor = Floor::new();
    let travellers = floor.travellers(robots);
    let beat = Beat { lattice: &floor.lattice, guidance: &floor.guidance, travellers: &travellers };
    let mut epibt = Epibt::<DEPTH>::new(&floor.lattice);
    epibt.set_depth(DEPTH - SHORTER);
    bencher.bench_local(|| epibt.begin(black_box(beat)));
}

/// Everybody looks for a cheaper operation once, whoever is in the way for another (priority inheritance).
#[divan::bench(args = FLEETS)]
fn pibt_sweep(bencher: Bencher<'_, '_>, robots: usize) {
    let mut floor = Floor::new();
    let travellers = floor.travellers(robots);
    let beat = Beat { lattice: &floor.lattice, guidance: &floor.guidance, travellers: &travellers };
    let mut epibt = Epibt::<DEPTH>::new(&floor.lattice);
    epibt.set_depth(DEPTH - SHORTER);
    epibt.begin(beat);
    bencher.with_inputs(|| epibt.clone()).bench_local_values(|mut epibt| {
        let looked: u64 = (0..robots as u32).map(|robot| epibt.improve(beat, robot, TRY)).sum();
        (looked, epibt)
    });
}

/// Robots without a task among half as many tasks again.
#[divan::bench(args = FLEETS)]
fn matching(bencher: Bencher<'_, '_>, robots: usize) {
    let mut floor = Floor::new();
    (0..GOALS).for_each(|goal| drop(floor.whole(floor.goal(goal))));
    let states = floor.states(robots);
    let errands: Vec<[u32; 2]> =
        (0..robots as u32 * 3 / 2).map(|task| [floor.goal(task), floor.goal(task * 31 + 5)]).collect();
    let seen: Vec<Seen<'_>> =
        errands.iter().zip(0..).map(|(errands, id)| Seen { id, errands, held_by: None }).collect();
    bencher.with_inputs(Matching::default).bench_local_values(|mut matching| {
        let ways = Ways { lattice: &floor.lattice, guidance: &floor.guidance, reach: &mut floor.reach };
        matching.assign(ways, &states, &seen)
    });
}
