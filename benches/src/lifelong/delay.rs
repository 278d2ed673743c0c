//! Execution under delays: a robot that is delayed does nothing in a step, and whoever would come into its way doesn't either.

use drover_core::plan::lattice::Lattice;
use drover_core::plan::lns::Draw;

const NOBODY: u32 = u32::MAX;

/// Draws who is delayed: each robot in each step with the same probability, whatever it is about.
#[derive(Clone, Debug)]
pub struct Delays {
    draw: Draw,
    per_cent: u32,
}

impl Delays {
    /// With this probability, per cent.
    pub fn new(seed: u64, per_cent: u32) -> Delays {
        Delays { draw: Draw::new(seed), per_cent }
    }

    /// Where everybody is after the step that was to lead from `states` to `next`.
    pub fn strike(&mut self, lattice: &Lattice, states: &[u32], next: Vec<u32>) -> Vec<u32> {
        if self.per_cent == 0 {
            return next;
        }
        let delayed = |_| self.draw.below(100) < self.per_cent as usize;
        let mut stays: Vec<bool> = (0..states.len()).map(delayed).collect();
        let mut has = vec![NOBODY; lattice.place_count()];
        let mut open: Vec<usize> = (0..states.len()).filter(|robot| stays[*robot]).collect();
        while !open.is_empty() {
            for robot in open.drain(..) {
                let place = lattice.place(states[robot]);
                held(lattice, &place).iter().for_each(|held| has[*held as usize] = robot as u32);
            }
            for robot in (0..states.len()).filter(|robot| !stays[*robot]) {
                let place = lattice.place(next[robot]);
                let is_free = |need: &u32| [NOBODY, robot as u32].contains(&has[*need as usize]);
                if !needed(lattice, &place).iter().all(is_free) {
                    open.push(robot);
                }
            }
            open.iter().for_each(|robot| stays[*robot] = true);
        }
        let after = stays.iter().zip(states.iter().zip(next));
        after.map(|(stays, (state, next))| if *stays { *state } else { next }).collect()
    }
}

fn held<'a>(lattice: &'a Lattice, place: &'a u32) -> &'a [u32] {
    lattice.footprint().map_or(std::slice::from_ref(place), |footprint| footprint.holds(*place))
}

fn needed<'a>(lattice: &'a Lattice, place: &'a u32) -> &'a [u32] {
    lattice.footprint().map_or(std::slice::from_ref(place), |footprint| footprint.needs(*place))
}
