//! Topic `instantActions`: what a robot shall do at once.

use serde::{Deserialize, Serialize};

use super::{Action, Header};

/// Actions to be started as soon as they arrive.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstantActions {
    /// Who sent it and when.
    #[serde(flatten)]
    pub header: Header,
    /// The actions; 1.1 named this list `instantActions`.
    #[serde(alias = "instantActions")]
    pub actions: Vec<Action>,
    /// The same once more under the name of 1.1, for robots that know no other. Written only.
    #[serde(rename = "instantActions", skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    pub old_actions: Vec<Action>,
}
