//! VDA 5050, one file per topic, named as in version 2.1.0. What other majors write differently is a table in `dialect`.
//!
//! Reading is lenient: unknown fields are ignored, absent optional lists are empty, integers stand for
//! floats, unknown enum words become a safe variant. What decides over a reservation (order id, remaining
//! nodes, last node) must be present. Writing keeps the official 2.1.0 schemas.

mod action;
mod bounds;
mod connection;
mod dialect;
mod factsheet;
mod header;
mod instant_actions;
mod lenient;
mod order;
mod state;
mod topic;
mod visualization;

pub use action::{Action, ActionParameter, BlockingType};
pub use bounds::Message;
pub use connection::{Connection, ConnectionState};
pub use dialect::Dialect;
pub use factsheet::{
    ActionParameterSpec, ActionScope, AgvAction, AgvClass, AgvGeometry, AgvKinematic, Envelope2d, Envelope3d,
    Factsheet, LoadSet, LoadSpecification, MaxArrayLens, MaxStringLens, OptionalParameter,
    PhysicalParameters, PolygonPoint, ProtocolFeatures, ProtocolLimits, Support, Timing, TypeSpecification,
};
pub use header::{Header, VERSION};
pub use instant_actions::InstantActions;
pub use order::{ControlPoint, Corridor, CorridorRefPoint, Edge, Node, NodePosition, Order, Trajectory};
pub use state::{
    ActionState, ActionStatus, AgvPosition, BatteryState, BoundingBoxReference, EStop, EdgeState, Error,
    ErrorLevel, InfoLevel, Information, Load, LoadDimensions, Map, MapStatus, NodeState, OperatingMode,
    Reference, SafetyState, State, Velocity,
};
pub use topic::{Topic, TopicError, TopicKind};
pub use visualization::Visualization;

/// Writes a message. NaN and infinite numbers become null, which no robot reads: keep them out.
#[must_use]
pub fn encode<T: serde::Serialize>(message: &T) -> Vec<u8> {
    // Only a map with keys that aren't strings could fail, and no message has one.
    serde_json::to_vec(message).unwrap_or_default()
}

/// Writes a message as this major of the standard does.
#[must_use]
pub fn encode_in<T: Message>(dialect: Dialect, message: &T) -> Vec<u8> {
    if dialect.is_model() {
        return encode(message);
    }
    let mut body = message.to_value();
    dialect.write(T::KIND, &mut body);
    encode(&body)
}
