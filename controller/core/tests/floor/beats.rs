//! Beats on drawn grids: nobody meets anybody, everybody's task ends, and the same input gives the same beats.

use drover_core::plan::epibt::DEPTH;
use drover_core::plan::lattice::Lattice;
use drover_core::plan::lifelong::{Lifelong, Seen};
use drover_core::plan::lns::Alone;

/// Plays so many beats; errands done go. Nobody may be where another is, or swap with it.
fn play_on(
    lattice: &Lattice,
    stack: &mut Lifelong<DEPTH>,
    states: &mut Vec<u32>,
    errands: &mut [Vec<u32>],
    count: usize,
) -> Vec<Vec<u32>> {
    let mut beats = Vec::new();
    for _ in 0..count {
        let open = errands.iter().zip(0_u32..).filter(|(errands, _)| !errands.is_empty());
        let seen: Vec<Seen<'_>> = open.map(|(errands, id)| Seen { id, errands, held_by: Some(id) }).collect();
        let pursues = stack.assign(states, &seen);
        let next = stack.plan(states, &seen, &pursues);
        let at = |states: &[u32]| states.iter().map(|state| lattice.place(*state)).collect::<Vec<_>>();
        let (before, after) = (at(states), at(&next));
        for one in 0..after.len() {
            for other in 0..one {
                assert_ne!(after[one], after[other], "two on a place");
                assert!((before[one], before[other]) != (after[other], after[one]), "two swap places");
            }
        }
        *states = next;
        for (errands, place) in errands.iter_mut().zip(after) {
            if errands.first() == Some(&place) {
                errands.remove(0);
            }
        }
        beats.push(states.clone());
    }
    beats
}

/// A room of 12 x 8 with pillars; robots on every third place, each with a task of two errands across the room.
fn play() -> (Vec<Vec<u32>>, usize) {
    let rows: Vec<Vec<bool>> = (0..8).map(|y| (0..12).map(|x| y % 3 != 1 || x % 4 != 2).collect()).collect();
    let lattice = Lattice::grid(&rows);
    let places = lattice.place_count() as u32;
    let mut states: Vec<u32> = (0..places).step_by(3).map(|place| lattice.states(place).start).collect();
    let mut errands: Vec<Vec<u32>> = (0..states.len() as u32)
        .map(|robot| vec![(robot * 31 + 7) % places, (robot * 17 + 40) % places])
        .collect();
    let mut stack = Lifelong::<DEPTH>::new(lattice.clone(), Box::new(Alone), 10_000);
    let beats = play_on(&lattice, &mut stack, &mut states, &mut errands, 200);
    (beats, errands.iter().filter(|errands| errands.is_empty()).count())
}

#[test]
fn nobody_meets_anybody_and_everybody_arrives() {
    let (beats, ended) = play();
    assert_eq!(ended, beats[0].len());
    assert_eq!(play().0, beats);
}

/// Six robots from each side stand head on in the only lane between two rooms: one side goes back, and all arrive.
#[test]
fn a_lane_with_robots_head_on_is_emptied() {
    let room = |x: usize| !(8..24).contains(&x);
    let rows: Vec<Vec<bool>> = (0..5).map(|y| (0..32).map(|x| y == 2 || room(x)).collect()).collect();
    let lattice = Lattice::grid(&rows);
    let place = |at: [i32; 2]| {
        (0..lattice.place_count() as u32).find(|place| lattice.at(*place) == at).expect("a free cell")
    };
    let east = (10..16).map(|x| (4 * place([x, 2]), vec![place([28, x % 5])]));
    let west = (16..22).map(|x| (4 * place([x, 2]) + 2, vec![place([3, x % 5])]));
    let (mut states, mut errands): (Vec<u32>, Vec<Vec<u32>>) = east.chain(west).unzip();
    let mut stack = Lifelong::<DEPTH>::new(lattice.clone(), Box::new(Alone), 10_000);
    play_on(&lattice, &mut stack, &mut states, &mut errands, 1_000);
    assert!(errands.iter().all(Vec::is_empty), "still on their way: {errands:?}");
}
