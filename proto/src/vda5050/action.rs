//! Actions, shared by the order and instantActions topics.

use serde::{Deserialize, Serialize};

use super::lenient::{self, wire_enum};

wire_enum! {
    /// What may happen beside an action. Reading an unknown word is an error: the order is malformed.
    #[derive(Default)]
    pub enum BlockingType {
        /// Driving and other actions.
        None = "NONE",
        /// Other actions, no driving.
        Soft = "SOFT",
        /// Nothing else.
        #[default]
        Hard = "HARD",
    } strict
}

/// Something a robot does at a node, on an edge or at once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// The kind of action, e.g. `pick`, `cancelOrder`.
    pub action_type: String,
    /// Unique among all actions of the robot; a UUID by custom.
    pub action_id: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_description: Option<String>,
    /// What may happen beside it.
    pub blocking_type: BlockingType,
    /// Parameters in the order given.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub action_parameters: Vec<ActionParameter>,
}

impl Action {
    /// An action without parameters.
    #[must_use]
    pub fn new(
        action_type: impl Into<String>,
        action_id: impl Into<String>,
        blocking_type: BlockingType,
    ) -> Self {
        Self {
            action_type: action_type.into(),
            action_id: action_id.into(),
            blocking_type,
            ..Self::default()
        }
    }

    /// The same action with one more parameter.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.action_parameters.push(ActionParameter { key: key.into(), value: value.into() });
        self
    }

    /// The value of the first parameter with this key.
    #[must_use]
    pub fn parameter(&self, key: &str) -> Option<&serde_json::Value> {
        self.action_parameters.iter().find(|parameter| parameter.key == key).map(|parameter| &parameter.value)
    }
}

/// One parameter of an action. 2.1.0 allows every JSON type but null.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionParameter {
    /// Name.
    pub key: String,
    /// Value; an absent one reads as null.
    #[serde(default)]
    pub value: serde_json::Value,
}
