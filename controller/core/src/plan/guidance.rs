//! What each beat costs. A guidance graph (Zhang, Jiang, Bhatt, Nikolaidis, Li, "Guidance Graph Optimization for Lifelong
//! Multi-Agent Path Finding", IJCAI 2024) makes ways dearer where they would meet traffic.

use super::lattice::Lattice;
use super::streets;

/// The price of a beat with nothing in the way.
pub const BEAT: u16 = 16;

/// To turn on a layout. A hair dearer than to wait: else a robot that has to stand turns as well as waits, and then has to
/// turn back. On a grid, it makes no difference beyond the draw.
const TURN_ON_LAYOUT: u16 = BEAT + 1;

/// Prices of a beat.
#[derive(Clone, Debug)]
pub struct Guidance {
    /// Forward into each state.
    ahead: Vec<u16>,
    /// To turn.
    pub turn: u16,
    /// To wait.
    pub wait: u16,
    dearest: u16,
}

impl Guidance {
    /// The same price everywhere.
    pub fn even(lattice: &Lattice) -> Guidance {
        let ahead = (0..lattice.state_count() as u32).map(|into| lattice.length(into).unwrap_or(BEAT));
        let ahead: Vec<u16> = ahead.collect();
        let turn = if lattice.footprint().is_some() { TURN_ON_LAYOUT } else { BEAT };
        let dearest = ahead.iter().copied().max().unwrap_or(BEAT).max(turn);
        Guidance { ahead, turn, wait: BEAT, dearest }
    }

    /// A step forward into this state costs so much more, in parts of a beat.
    pub fn make_dearer(&mut self, into: u32, by: u16) {
        let price = &mut self.ahead[into as usize];
        *price = price.saturating_add(by);
        self.dearest = self.dearest.max(*price);
    }

    /// Dearer against the direction of the layout's streets: by this part of a step's price.
    pub fn streets(lattice: &Lattice, against_part: u16) -> Guidance {
        let mut guidance = Guidance::even(lattice);
        for state in streets::against(lattice) {
            guidance.make_dearer(state, guidance.ahead[state as usize] / against_part);
        }
        guidance
    }

    /// Forward into this state.
    pub fn ahead(&self, into: u32) -> u16 {
        self.ahead[into as usize]
    }

    /// The price of the dearest step.
    pub fn dearest(&self) -> u16 {
        self.dearest
    }

    /// The least price of a unit of distance: with it a distance is never dearer than a way.
    pub fn price_per_unit(&self, lattice: &Lattice) -> u16 {
        let steps = (0..lattice.state_count() as u32)
            .flat_map(|into| lattice.behind(into).iter().map(move |from| (*from, into)));
        let per_unit = steps.filter_map(|(from, into)| {
            let [from, to] = [from, into].map(|state| lattice.at(lattice.place(state)));
            let distance = from[0].abs_diff(to[0]) + from[1].abs_diff(to[1]);
            u32::from(self.ahead(into)).checked_div(distance)
        });
        per_unit.min().unwrap_or(0) as u16
    }
}
