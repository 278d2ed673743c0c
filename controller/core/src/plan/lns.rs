//! Large neighbourhood search over operations: robots drawn at random try what they would rather do, and keep it if the
//! weighted sum of prices falls (the refinement of EPIBT+LNS; MAPF-LNS: Li, Chen, Harabor, Stuckey, Koenig, IJCAI 2021).

use std::fmt;

use super::epibt::{Beat, Effort, Epibt};

/// How hard one try is.
pub const TRY: Effort = Effort { nodes: 3_000, asks: 10 };

/// SplitMix64 (Steele et al., OOPSLA 2014): the draw is part of the plan's input, so the same input gives the same plan.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// A draw from this seed.
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number under `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }
}

/// Spends a beat's budget of nodes looked at.
pub trait Refiner<const DEPTH: usize>: fmt::Debug {
    /// Comes to the same as [`Alone`], however it goes about it.
    fn refine(&self, epibt: &mut Epibt<DEPTH>, beat: Beat<'_>, draw: &mut Draw, budget: u64);
}

/// One try after the other.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl<const DEPTH: usize> Refiner<DEPTH> for Alone {
    fn refine(&self, epibt: &mut Epibt<DEPTH>, beat: Beat<'_>, draw: &mut Draw, budget: u64) {
        let (mut left, robots) = (budget, beat.travellers.len());
        while left > 0 && robots > 0 {
            let robot = draw.below(robots) as u32;
            left = left.saturating_sub(1 + epibt.improve(beat, robot, TRY.within(left)));
        }
    }
}
