//! Beats on drawn grids: nobody meets anybody, everybody's task ends, and the same input gives the same beats.

use drover_core::plan::epibt::DEPTH;
use drover_core::plan::lattice::Lattice;
use drover_core::plan::lifelong::{Lifelong, Seen};
use drover_core::plan::lns::Alone;

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
    let mut beats = Vec::new();
    for _ in 0..200 {
        let open = errands.iter().zip(0_u32..).filter(|(errands, _)| !errands.is_empty());
        let seen: Vec<Seen<'_>> = open.map(|(errands, id)| Seen { id, errands, held_by: Some(id) }).collect();
        let pursues = stack.assign(&states, &seen);
        let next = stack.plan(&states, &seen, &pursues);
        let at = |states: &[u32]| states.iter().map(|state| lattice.place(*state)).collect::<Vec<_>>();
        let (before, after) = (at(&states), at(&next));
        for one in 0..after.len() {
            for other in 0..one {
                assert_ne!(after[one], after[other], "two on a place");
                assert!((before[one], before[other]) != (after[other], after[one]), "two swap places");
            }
        }
        states = next;
        for (errands, place) in errands.iter_mut().zip(after) {
            if errands.first() == Some(&place) {
                errands.remove(0);
            }
        }
        beats.push(states.clone());
    }
    (beats, errands.iter().filter(|errands| errands.is_empty()).count())
}

#[test]
fn nobody_meets_anybody_and_everybody_arrives() {
    let (beats, ended) = play();
    assert_eq!(ended, beats[0].len());
    assert_eq!(play().0, beats);
}
