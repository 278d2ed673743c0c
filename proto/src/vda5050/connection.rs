//! Topic `connection`: whether the broker still has a session with the robot. Says nothing of its health.

use serde::{Deserialize, Serialize};

use super::Header;
use super::lenient::wire_enum;

wire_enum! {
    /// State of the robot's session with the broker.
    pub enum ConnectionState {
        /// Connected.
        Online = "ONLINE",
        /// Left in good order.
        Offline = "OFFLINE",
        /// The broker published the robot's last will.
        ConnectionBroken = "CONNECTIONBROKEN",
    } strict
}

/// Published retained by the robot, or by the broker as its last will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Who sent it and when; old by nature in a last will.
    #[serde(flatten)]
    pub header: Header,
    /// The session.
    pub connection_state: ConnectionState,
}
