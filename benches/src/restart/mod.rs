//! What the restart bench has of its own: the ground a controller is killed and started again on, and its journal,
//! read from outside.

mod ground;
mod journal;

pub use ground::Ground;
pub use journal::{Journal, decode};

/// The site's id in the journal.
const ID: &str = "restart";
