//! Refinement on several threads, with the same result as on one.
//!
//! Most tries find nothing. So everybody makes the next few from how things stand; up to the first that found something,
//! all would have come out just so one after the other. That one is done by everybody, and the rest tried anew.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use drover_core::plan::epibt::{Attempt, Beat, Epibt};
use drover_core::plan::lns::{Draw, Refiner, TRY};

/// Tries of each thread in a round: more while nothing is found, or waiting for each other would take most of the time.
const TRIES_MIN: usize = 8;
const TRIES_MAX: usize = 512;

/// So many threads, this one included.
#[derive(Clone, Copy, Debug)]
pub struct Threads(pub NonZeroUsize);

/// What the others are to do next.
struct Round<const DEPTH: usize> {
    /// Found in the last round: this first.
    gain: Option<Attempt<DEPTH>>,
    robots: Vec<u32>,
}

/// Another thread, with a planner of its own that is always as far as ours.
struct Helper<const DEPTH: usize> {
    rounds: Sender<Round<DEPTH>>,
    attempts: Receiver<Vec<Attempt<DEPTH>>>,
}

impl<const DEPTH: usize> Refiner<DEPTH> for Threads {
    fn refine(&self, epibt: &mut Epibt<DEPTH>, beat: Beat<'_>, draw: &mut Draw, budget: u64) {
        thread::scope(|scope| {
            let helpers: Vec<Helper<DEPTH>> = (1..self.0.get())
                .map(|_| {
                    let (mut own, (rounds, told), (found, attempts)) = (epibt.clone(), channel(), channel());
                    scope.spawn(move || help(&mut own, beat, &told, &found));
                    Helper { rounds, attempts }
                })
                .collect();
            lead(epibt, beat, &helpers, draw, budget);
        });
    }
}

/// Does rounds until there are no more.
fn help<const DEPTH: usize>(
    epibt: &mut Epibt<DEPTH>,
    beat: Beat<'_>,
    rounds: &Receiver<Round<DEPTH>>,
    attempts: &Sender<Vec<Attempt<DEPTH>>>,
) {
    for round in rounds {
        if attempts.send(take_part(epibt, beat, &round)).is_err() {
            return;
        }
    }
}

fn take_part<const DEPTH: usize>(
    epibt: &mut Epibt<DEPTH>,
    beat: Beat<'_>,
    round: &Round<DEPTH>,
) -> Vec<Attempt<DEPTH>> {
    round.gain.iter().for_each(|gain| epibt.accept(beat, gain));
    round.robots.iter().map(|robot| epibt.attempt(beat, *robot, TRY)).collect()
}

fn lead<const DEPTH: usize>(
    epibt: &mut Epibt<DEPTH>,
    beat: Beat<'_>,
    helpers: &[Helper<DEPTH>],
    draw: &mut Draw,
    budget: u64,
) {
    let (mut left, robots) = (budget, beat.travellers.len());
    let (mut ahead, mut drawn, mut gain) = (draw.clone(), VecDeque::new(), None);
    let mut tries = TRIES_MIN;
    while left > 0 && robots > 0 {
        while drawn.len() < tries * (helpers.len() + 1) {
            drawn.push_back(ahead.below(robots) as u32);
        }
        let attempts = make(epibt, beat, helpers, drawn.make_contiguous().chunks(tries), gain.take());
        tries = (2 * tries).min(TRIES_MAX);
        for mut attempt in attempts {
            let Some(robot) = drawn.pop_front() else { break };
            draw.below(robots);
            if attempt.looked >= left {
                // One after the other, it would have had to stop sooner.
                attempt = epibt.attempt(beat, robot, TRY.within(left));
            }
            left = left.saturating_sub(1 + attempt.looked);
            if attempt.is_gain() {
                gain = Some(attempt);
                tries = (tries / 4).max(TRIES_MIN);
                break;
            }
            if left == 0 {
                break;
            }
        }
    }
    gain.iter().for_each(|gain| epibt.accept(beat, gain));
}

/// The tries of these robots, a share for each thread, in order, after what was gained before.
fn make<'a, const DEPTH: usize>(
    epibt: &mut Epibt<DEPTH>,
    beat: Beat<'_>,
    helpers: &[Helper<DEPTH>],
    mut shares: impl Iterator<Item = &'a [u32]>,
    gain: Option<Attempt<DEPTH>>,
) -> Vec<Attempt<DEPTH>> {
    let own = shares.next().unwrap_or_default().to_vec();
    for (helper, robots) in helpers.iter().zip(shares) {
        // A helper goes only after its leader; if it panicked, the scope tells.
        let _ = helper.rounds.send(Round { gain: gain.clone(), robots: robots.to_vec() });
    }
    let mut attempts = take_part(epibt, beat, &Round { gain, robots: own });
    attempts.extend(helpers.iter().flat_map(|helper| helper.attempts.recv().unwrap_or_default()));
    attempts
}

#[cfg(test)]
mod tests {
    use drover_core::plan::epibt::DEPTH;
    use drover_core::plan::lattice::Lattice;
    use drover_core::plan::lifelong::{Lifelong, Seen};
    use drover_core::plan::lns::Alone;

    use super::*;

    /// Where 48 robots in a room of 12 x 8 are after each of 12 beats, everybody bound for the other side.
    fn play(refiner: Box<dyn Refiner<DEPTH>>, budget: u64) -> Vec<Vec<u32>> {
        let lattice = Lattice::grid(&vec![vec![true; 12]; 8]);
        let places = lattice.place_count() as u32;
        let errands: Vec<[u32; 1]> = (0..places).step_by(2).map(|place| [places - 1 - place]).collect();
        let seen: Vec<Seen<'_>> =
            errands.iter().zip(0..).map(|(errands, id)| Seen { id, errands, held_by: Some(id) }).collect();
        let pursues: Vec<Option<u32>> = seen.iter().map(|task| Some(task.id)).collect();
        let mut states: Vec<u32> = (0..places).step_by(2).map(|place| lattice.states(place).start).collect();
        let mut stack = Lifelong::<DEPTH>::new(lattice, refiner, budget);
        let beat = |_| {
            states = stack.plan(&states, &seen, &pursues);
            states.clone()
        };
        (0..12).map(beat).collect()
    }

    #[test]
    fn any_number_of_threads_comes_to_the_same() {
        let alone = play(Box::new(Alone), 5_000);
        assert_ne!(alone, play(Box::new(Alone), 0), "refinement makes no difference here");
        for threads in [1, 2, 5] {
            let threads = NonZeroUsize::new(threads).unwrap();
            assert_eq!(alone, play(Box::new(Threads(threads)), 5_000), "{threads} threads");
        }
    }
}
