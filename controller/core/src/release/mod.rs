//! HOW FAR: extends each robot's base along its claims, no farther than it needs to not brake.
//!
//! A base is a promise that can't be taken back. It is extended only while the next place conflicts with no other
//! robot's reservation (Exclusive), the steps that must come before have been *reported* (Evidence), and the released
//! way ahead is shorter than braking distance + (round trip + one planning cycle) at full speed.
//! Never released: a step for a robot that hasn't shown the last message, whose mode forbids orders, or that works.

mod extend;
mod order;

pub(crate) use extend::{act, extend};
pub use order::{Action, Order, OrderEdge, OrderNode};
pub(crate) use order::{action_id, reissue};
