//! Words on the wire: VDA 5050, job messages, job events and the gRPC contract.
//!
//! This crate only names and reads what others send and writes what we send. It decides nothing, knows no
//! clock and opens nothing. Reading is lenient where a foreign robot may differ and never panics; every
//! parser goes through [`limits`] first. Writing is strict: what we send validates against the official
//! VDA 5050 2.1.0 schemas.
//!
//! The gRPC code (`grpc::v1`) is behind the feature `grpc`.

pub mod device;
mod error;
pub mod event;
#[cfg(feature = "grpc")]
pub mod grpc;
pub mod job;
pub mod limits;
mod parse;
mod time;
pub mod vda5050;

pub use error::{Code, ParseError, Rejection};
pub use parse::{
    parse_connection, parse_device_connection, parse_device_request, parse_device_state, parse_event,
    parse_factsheet, parse_in, parse_instant_actions, parse_job, parse_order, parse_state,
    parse_visualization, peek_references,
};
