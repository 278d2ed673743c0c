//! Lifelong planning by the rules of the League of Robot Runners 2024: robots on a grid turn and go forward, tasks are
//! revealed one by one and each is a row of errands in order; what counts is tasks finished after so many steps.
//!
//! `problem` → `course` → `play` → `plan` → `check`: the last one knows the files and the plan only, and has the last word.

pub mod arena;
pub mod book;
pub mod check;
pub mod course;
mod delay;
pub mod inspect;
pub mod plan;
pub mod play;
pub mod plots;
pub mod problem;
pub mod report;
pub mod route;
pub mod tasks;
mod threads;
mod windowed;

pub use arena::Arena;
pub use check::{Account, check};
pub use course::Course;
pub use inspect::inspect;
pub use plan::{Action, Plan};
pub use play::{Company, Options, Record, Run, play};
pub use problem::{Map, Problem};
pub use report::Report;
pub use route::Route;
pub use tasks::Pool;
pub use threads::Threads;
pub use windowed::Windowed;
