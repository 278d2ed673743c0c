//! The simulated world: the real controller and real robot protocol machines in one process, in simulated time.
//!
//! ```text
//!  scenario ─► Setup ─► World ──────────────────────────────► Outcome ─► report
//!   (text)              │  Site ◄─net─► Machine × N           (tally, violations, digest)
//!                       │  store, intake, people, doors
//!                       └─► oracle, trace, recorder
//! ```
//!
//! Seeded and deterministic: no tokio, no thread, no wall clock, no file. Seed + commit = the run; two runs of a seed give
//! byte-identical traces. The oracle shares no code with the controller's checks.

pub mod capacity;
pub mod cold;
pub mod comparison;
mod delays;
pub mod doors;
pub mod expect;
pub mod fault;
pub mod figures;
pub mod geometry;
pub mod intake;
pub mod machine;
pub mod marks;
pub mod mutant;
pub mod net;
pub mod oracle;
pub mod people;
pub mod process;
pub mod queue;
pub mod record;
pub mod report;
mod requests;
pub mod rng;
pub mod scenario;
pub mod store;
pub mod story;
pub mod swarm;
pub mod tally;
pub mod trace;
pub mod waits;
pub mod why;
pub mod wire;
pub mod workload;
pub mod world;

pub use mutant::{Mutant, Plant};
pub use scenario::{Scenario, ScenarioError, Setup};
pub use wire::Wire;
pub use world::{End, Outcome, World};
