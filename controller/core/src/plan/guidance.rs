//! What each beat costs. A guidance graph (Zhang, Jiang, Bhatt, Nikolaidis, Li, "Guidance Graph Optimization for Lifelong
//! Multi-Agent Path Finding", IJCAI 2024) makes ways dearer where they would meet traffic.

use super::lattice::Lattice;

/// The price of a beat with nothing in the way.
pub const BEAT: u16 = 16;

/// Prices of a beat.
#[derive(Clone, Debug)]
pub struct Guidance {
    /// Forward from each state.
    pub ahead: Vec<u16>,
    /// To turn.
    pub turn: u16,
    /// To wait.
    pub wait: u16,
}

impl Guidance {
    /// The same price everywhere.
    pub fn even(lattice: &Lattice) -> Guidance {
        Guidance { ahead: vec![BEAT; lattice.state_count()], turn: BEAT, wait: BEAT }
    }
}
