//! Guidance from the traffic observed: a step forward costs as much more as robots have waited for it.
//!
//! Online guidance by flow: after Zang, Zhang, Jiang, Chen, Harabor, Stuckey, Li, "Online Guidance Graph Optimization for
//! Lifelong Multi-Agent Path Finding" (AAAI 2025), with the plain rule that the price of a step is what it takes: its length
//! and the mean wait before it.

use super::guidance::{BEAT, Guidance};
use super::lattice::Lattice;

/// Beats between two looks at what was observed.
const PERIOD: u32 = 64;
/// Of what was observed before, this part still counts at the next look.
const KEPT: u32 = 3;
const KEPT_OF: u32 = 4;
/// Passages without a wait that are taken for granted: a single wait says little.
const PRIOR: u32 = 4 * 16;
/// What is added for waits, at most, parts of a beat.
const WAITS_MAX: u32 = 64 * BEAT as u32;

/// Waits and passages by the state that is entered, 16 to one.
#[derive(Clone, Debug)]
pub struct Flow {
    waits: Vec<u32>,
    passages: Vec<u32>,
    beats: u32,
}

impl Flow {
    /// Nothing observed yet.
    pub fn new(lattice: &Lattice) -> Flow {
        Flow { waits: vec![0; lattice.state_count()], passages: vec![0; lattice.state_count()], beats: 0 }
    }

    /// A robot has entered this state by a step forward.
    pub fn pass(&mut self, into: u32) {
        self.passages[into as usize] += 16;
    }

    /// A robot has waited to enter this state.
    pub fn wait(&mut self, into: u32) {
        self.waits[into as usize] += 16;
    }

    /// A beat is over. From time to time, the guidance that what was observed makes of the layout's.
    pub fn look(&mut self, base: &Guidance) -> Option<Guidance> {
        self.beats += 1;
        if !self.beats.is_multiple_of(PERIOD) {
            return None;
        }
        let mut guidance = base.clone();
        for (into, (waits, passages)) in (0..).zip(self.waits.iter_mut().zip(&mut self.passages)) {
            if *waits > 0 {
                let mean = u32::from(BEAT) * *waits / (*passages + PRIOR);
                guidance.make_dearer(into, mean.min(WAITS_MAX) as u16);
            }
            (*waits, *passages) = (*waits * KEPT / KEPT_OF, *passages * KEPT / KEPT_OF);
        }
        Some(guidance)
    }
}
