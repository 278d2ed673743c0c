//! What a robot complains of, and what each version of the standard calls it (2.1.0: 6.6.4 and 7.1; 3.0.0: 6.6.5.4). A word
//! that a version doesn't fix is 2.1's or our own: both leave the list open.

use drover_proto::vda5050::{Dialect, Error, ErrorLevel};

/// Why something isn't carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The message makes no sense by itself.
    Malformed,
    /// An optional field that the robot can't follow.
    Field,
    /// An action of an order that it doesn't know, or has done.
    OrderAction,
    /// An instant action that it doesn't know.
    InstantAction,
    /// An update older than the last.
    Outdated,
    /// An update that doesn't begin at the decision point.
    WrongStart,
    /// An update of a cancelled order.
    AfterCancel,
    /// A new order while another is active.
    OtherOrder,
    /// An order that is over, or too long.
    Order,
    /// It begins at a node out of reach.
    OutOfReach,
    /// It goes to a map that isn't in use.
    UnknownMap,
    /// The robot takes no orders now.
    Unavailable,
    /// A cancel without an order.
    NothingToCancel,
    /// It can't stand where it is told that it stands.
    Place,
    /// A map can't be had, used or given up.
    Map,
    /// The same map once more.
    DuplicateMap,
    /// It can't charge, or stop charging.
    Charging,
}

impl Trouble {
    /// The `errorType`.
    fn name(self, dialect: Dialect) -> &'static str {
        let [of_2, of_3] = match self {
            Self::Malformed => ["validationError", "VALIDATION_FAILURE"],
            Self::Field => ["orderError", "UNSUPPORTED_PARAMETER"],
            Self::OrderAction => ["orderError", "INVALID_ORDER_ACTION"],
            Self::InstantAction => ["orderError", "INVALID_INSTANT_ACTION"],
            Self::Outdated => ["orderUpdateError", "OUTDATED_ORDER_UPDATE"],
            Self::WrongStart => ["orderUpdateError", "VALIDATION_FAILURE"],
            Self::AfterCancel => ["orderUpdateError", "ORDER_UPDATE_FOLLOWING_CANCEL"],
            Self::OtherOrder => ["orderError", "OTHER_ORDER_ACTIVE"],
            Self::Order => ["orderError", "VALIDATION_FAILURE"],
            Self::OutOfReach => ["noRouteError", "START_NODE_OUT_OF_RANGE"],
            Self::UnknownMap => ["noRouteError", "UNKNOWN_MAP_ID"],
            Self::Unavailable => ["orderError", "MOBILE_ROBOT_NOT_AVAILABLE"],
            Self::NothingToCancel => ["noOrderToCancel", "NO_ORDER_TO_CANCEL"],
            Self::Place => ["initPositionError", "initPositionError"],
            Self::Map => ["mapError", "mapError"],
            Self::DuplicateMap => ["mapError", "DUPLICATE_MAP"],
            Self::Charging => ["chargingError", "chargingError"],
        };
        match dialect {
            Dialect::V2 => of_2,
            Dialect::V3 => of_3,
        }
    }

    /// A WARNING, but for the one that 3.0 calls CRITICAL.
    fn level(self, dialect: Dialect) -> ErrorLevel {
        match (self, dialect) {
            (Self::Field, Dialect::V3) => ErrorLevel::Critical,
            (_, Dialect::V2 | Dialect::V3) => ErrorLevel::Warning,
        }
    }

    /// The error, without references.
    pub fn error(self, dialect: Dialect, why: impl Into<String>) -> Error {
        let error = Error::new(self.name(dialect), self.level(dialect));
        Error { error_description: Some(why.into()), ..error }
    }
}
