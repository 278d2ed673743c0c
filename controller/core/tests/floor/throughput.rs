//! Tasks on large floors, and streets from the layout.

use std::collections::BTreeSet;

use drover_core::plan::guidance::Guidance;
use drover_core::plan::lattice::Lattice;
use drover_core::plan::lifelong::Seen;
use drover_core::plan::matching::{Matching, Ways};
use drover_core::plan::reach::Reach;
use drover_core::plan::streets;

fn open(width: usize, height: usize) -> Lattice {
    Lattice::grid(&vec![vec![true; width]; height])
}

/// What each robot is to pursue on an open floor.
fn assign(
    matching: &mut Matching,
    lattice: &Lattice,
    memory: usize,
    states: &[u32],
    tasks: &[Vec<u32>],
) -> Vec<Option<u32>> {
    let guidance = Guidance::even(lattice);
    let mut reach = Reach::new(lattice, &guidance, memory);
    let seen: Vec<Seen<'_>> =
        tasks.iter().zip(0..).map(|(errands, id)| Seen { id, errands, held_by: None }).collect();
    matching.assign(Ways { lattice, guidance: &guidance, reach: &mut reach }, states, &seen)
}

fn drawn(count: usize, of: usize, step: usize) -> Vec<u32> {
    (0..count).map(|index| (index * step % of) as u32).collect()
}

#[test]
fn everybody_has_a_task_of_its_own_while_there_are_enough() {
    let lattice = open(90, 80);
    let states: Vec<u32> = drawn(1_500, lattice.place_count(), 4_111).iter().map(|place| 4 * place).collect();
    for (tasks, pursuing) in [(2_250, 1_500), (900, 900)] {
        let firsts = drawn(tasks, lattice.place_count(), 2_903);
        let tasks: Vec<Vec<u32>> = firsts.iter().map(|first| vec![*first, 7_199 - first]).collect();
        let pursues = assign(&mut Matching::default(), &lattice, 1 << 20, &states, &tasks);
        let taken: BTreeSet<u32> = pursues.iter().flatten().copied().collect();
        assert_eq!(taken.len(), pursuing);
        assert_eq!(pursues.iter().flatten().count(), pursuing);
    }
}

#[test]
fn near_and_short_comes_first() {
    let lattice = open(40, 3);
    // Two robots at the ends; a near task for each, and one that is as near but long.
    let states = [0, 4 * 39];
    let tasks = [vec![38, 0], vec![2, 3], vec![38, 37]];
    let pursues = assign(&mut Matching::default(), &lattice, 1 << 30, &states, &tasks);
    assert_eq!(pursues, [Some(1), Some(2)]);
}

#[test]
fn who_has_begun_goes_on_and_no_other_gets_its_task() {
    let lattice = open(20, 3);
    let guidance = Guidance::even(&lattice);
    let mut reach = Reach::new(&lattice, &guidance, 1 << 30);
    let errands = [[19, 0], [1, 2]];
    let seen = [
        Seen { id: 4, errands: &errands[0], held_by: Some(0) },
        Seen { id: 9, errands: &errands[1], held_by: None },
    ];
    let ways = Ways { lattice: &lattice, guidance: &guidance, reach: &mut reach };
    let pursues = Matching::default().assign(ways, &[0, 4 * 18, 4 * 30], &seen);
    assert_eq!(pursues[0], Some(4));
    assert_eq!(pursues.iter().filter(|id| **id == Some(9)).count(), 1);
}

#[test]
fn streets_side_by_side_go_opposite_ways() {
    // Three long lanes with walls between, joined at both ends.
    let row = |free: bool| (0..20).map(|x| free || x == 0 || x == 19).collect::<Vec<bool>>();
    let lattice = Lattice::grid(&[row(true), row(false), row(true), row(false), row(true)]);
    let against = streets::against(&lattice);
    // The direction that is dear in the middle of each lane: 0 east, 2 west.
    let middle = |y: i32| {
        let place = (0..lattice.place_count() as u32).find(|place| lattice.at(*place) == [10, y]).unwrap();
        let dear: Vec<u32> =
            lattice.states(place).filter(|state| against.contains(state)).map(|state| state % 4).collect();
        assert_eq!(dear.len(), 1, "one way is dear");
        dear[0]
    };
    assert_eq!(middle(0), middle(4));
    assert_ne!(middle(0), middle(2));
    assert!([middle(0), middle(2)].iter().all(|direction| [0, 2].contains(direction)));
}
