//! WHEN: who holds which place now, and who passes first.
//!
//! A *reservation* is exclusive over the footprint conflict set of a place and is freed only when the holder's own
//! state proves that it has left (Evidence), never by time. A *claim* is a planned step with the steps of others that
//! must be reported before it: arcs of the precedence graph. The graph is acyclic because its arcs follow the one total
//! order in which the planner made its moves (Action Dependency Graph: Hönig et al., RA-L 2019).

mod precedence;
mod reservation;

pub(crate) use precedence::lay;
pub use reservation::Reservations;
