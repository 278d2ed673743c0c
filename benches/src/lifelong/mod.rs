//! Lifelong planning by the rules of the League of Robot Runners 2024: robots on a grid turn and go forward, tasks are
//! revealed one by one and each is a row of errands in order; what counts is tasks finished after so many steps.

pub mod floor;
pub mod problem;
pub mod tasks;

pub use floor::{Action, Floor};
pub use problem::Problem;
pub use tasks::Pool;
