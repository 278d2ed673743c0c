//! Prices to a place from each state of a lattice: searched backwards on demand and kept. The queue is a ring of buckets,
//! one a price (Dial, CACM 1969): prices of a step are small.

use std::sync::Arc;

use super::guidance::Guidance;
use super::lattice::{Lattice, Step};

/// No way.
pub const UNREACHED: u16 = u16::MAX;

/// Price to one place from each state.
pub type Prices = Arc<[u16]>;

/// Tables of prices on one lattice under one guidance.
#[derive(Clone, Debug)]
pub struct Reach {
    tables: Vec<Option<Prices>>,
    ring: Vec<Vec<u32>>,
}

impl Reach {
    /// Nothing searched yet.
    pub fn new(lattice: &Lattice) -> Reach {
        Reach { tables: vec![None; lattice.place_count()], ring: Vec::new() }
    }

    /// Prices to this place.
    pub fn to(&mut self, lattice: &Lattice, guidance: &Guidance, goal: u32) -> Prices {
        if let Some(prices) = &self.tables[goal as usize] {
            return Arc::clone(prices);
        }
        let prices: Prices = self.search(lattice, guidance, goal).into();
        self.tables[goal as usize] = Some(Arc::clone(&prices));
        prices
    }

    fn search(&mut self, lattice: &Lattice, guidance: &Guidance, goal: u32) -> Vec<u16> {
        let dearest = guidance.ahead.iter().max().copied().unwrap_or(1).max(guidance.turn);
        self.ring.resize(usize::from(dearest) + 1, Vec::new());
        let mut prices = vec![UNREACHED; lattice.state_count()];
        for state in lattice.states(goal) {
            prices[state as usize] = 0;
            self.ring[0].push(state);
        }
        let (mut price, mut waiting) = (0_u16, lattice.states(goal).len());
        while waiting > 0 {
            let slot = usize::from(price) % self.ring.len();
            let mut bucket = std::mem::take(&mut self.ring[slot]);
            waiting -= bucket.len();
            for state in bucket.drain(..).filter(|_| price < UNREACHED) {
                if prices[state as usize] != price {
                    continue;
                }
                let mut improve = |before: u32, cost: u16| {
                    let sum = price.saturating_add(cost);
                    if sum < prices[before as usize] {
                        prices[before as usize] = sum;
                        let slot = usize::from(sum) % self.ring.len();
                        self.ring[slot].push(before);
                        waiting += 1;
                    }
                };
                // Who turns right comes from the left.
                for step in [Step::Right, Step::Left] {
                    improve(lattice.after(state, step), guidance.turn);
                }
                lattice
                    .behind(state)
                    .iter()
                    .for_each(|before| improve(*before, guidance.ahead[*before as usize]));
            }
            self.ring[slot] = bucket;
            price = price.saturating_add(1);
        }
        prices
    }
}
