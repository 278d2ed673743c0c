//! Messages as they travel: as they are, or as the JSON that a broker would carry. Both must lead to the same digest.

use drover_core::{RobotMessage, ToRobot};
use drover_proto::ParseError;
use drover_proto::vda5050::{Dialect, Message, encode_in};

/// How messages travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// Handed over as they are: quick.
    #[default]
    Typed,
    /// Written and read again by the real writers and parsers.
    Json,
}

/// A message that didn't survive its own wire: a bug of ours.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It can't be read back.
    #[error("read a message that we wrote: {0:?}")]
    Read(ParseError),
}

impl Wire {
    /// From the controller to a robot.
    pub fn down(self, message: ToRobot) -> Result<ToRobot, WireError> {
        let Wire::Json = self else { return Ok(message) };
        Ok(match &message {
            ToRobot::Order(order) => ToRobot::Order(Box::new(again(&**order)?)),
            ToRobot::InstantActions(actions) => ToRobot::InstantActions(Box::new(again(&**actions)?)),
        })
    }

    /// From a robot to the controller.
    pub fn up(self, message: RobotMessage) -> Result<RobotMessage, WireError> {
        let Wire::Json = self else { return Ok(message) };
        Ok(match &message {
            RobotMessage::State(state) => RobotMessage::State(Box::new(again(&**state)?)),
            RobotMessage::Connection(connection) => RobotMessage::Connection(again(connection)?),
            RobotMessage::Factsheet(factsheet) => RobotMessage::Factsheet(Box::new(again(&**factsheet)?)),
        })
    }
}

/// Written and read as the version in its header does.
fn again<M: Message>(message: &M) -> Result<M, WireError> {
    let dialect = Dialect::of_version(&message.header().version);
    drover_proto::parse_in(dialect, &encode_in(dialect, message)).map_err(WireError::Read)
}
