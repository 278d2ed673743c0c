//! The fleet on floors without a wire: robots that obey releases at nominal speed and answer with facts.

mod ahead;
mod beats;
mod distances;
mod drawn;
mod grid;
mod layouts;
mod operations;
mod placements;
mod random;
mod reach;
mod throughput;
mod walkers;
