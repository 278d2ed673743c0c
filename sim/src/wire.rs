//! Messages as they travel: as they are, or as the JSON that a broker would carry. Both must lead to the same digest.

use serde::Serialize;

use drover_core::{RobotMessage, ToRobot};
use drover_proto::ParseError;

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
    /// It can't be written.
    #[error("write a message as JSON: {0}")]
    Write(#[from] serde_json::Error),
    /// It can't be read back.
    #[error("read a message that we wrote: {0:?}")]
    Read(ParseError),
}

impl Wire {
    /// From the controller to a robot.
    pub fn down(self, message: ToRobot) -> Result<ToRobot, WireError> {
        let Wire::Json = self else { return Ok(message) };
        Ok(match &message {
            ToRobot::Order(order) => ToRobot::Order(Box::new(again(order, drover_proto::parse_order)?)),
            ToRobot::InstantActions(actions) => {
                ToRobot::InstantActions(Box::new(again(actions, drover_proto::parse_instant_actions)?))
            }
        })
    }

    /// From a robot to the controller.
    pub fn up(self, message: RobotMessage) -> Result<RobotMessage, WireError> {
        let Wire::Json = self else { return Ok(message) };
        Ok(match &message {
            RobotMessage::State(state) => {
                RobotMessage::State(Box::new(again(state, drover_proto::parse_state)?))
            }
            RobotMessage::Connection(connection) => {
                RobotMessage::Connection(again(connection, drover_proto::parse_connection)?)
            }
            RobotMessage::Factsheet(factsheet) => {
                RobotMessage::Factsheet(Box::new(again(factsheet, drover_proto::parse_factsheet)?))
            }
        })
    }
}

fn again<M: Serialize, R>(
    message: &M,
    read: impl Fn(&[u8]) -> Result<R, ParseError>,
) -> Result<R, WireError> {
    read(&serde_json::to_vec(message)?).map_err(WireError::Read)
}
