//! Topic `visualization`: pose and speed at a higher rate, for drawing only.

use serde::{Deserialize, Serialize};

use super::{AgvPosition, Header, Velocity};

/// Where a robot is; nothing may be decided on it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Visualization {
    /// Who sent it and when.
    #[serde(flatten)]
    pub header: Header,
    /// Pose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agv_position: Option<AgvPosition>,
    /// Speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub velocity: Option<Velocity>,
    /// Header id of the state before it (3.0). Not read: nobody asks.
    #[serde(skip)]
    pub reference_state_header_id: u32,
}
