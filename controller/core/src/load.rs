//! A load: what a robot carries. Each is in exactly one place (Conserved).

use serde::{Deserialize, Serialize};

/// What a pick takes aboard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Load {
    /// The customer's name of it.
    pub id: String,
    /// Its kind, as the robot's load sets name it.
    pub load_type: Option<String>,
}
