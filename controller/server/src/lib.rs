//! The process `drover`: the shell around [`drover_core::Site`].
//!
//! ```text
//!  RabbitMQ ─► intake ─┐                                  ┌─► store   (journal, snapshots)
//!  gRPC ─────► grpc ───┼─► inbox ─► run ── Site ─► effects┼─► mqtt    (orders to robots)
//!  MQTT ─────► mqtt ───┘            │                     ├─► events  (job news to RabbitMQ)
//!                                   └─► report::Observer  └─► answers (ack, dead letter, gRPC reply)
//! ```
//!
//! Nothing here decides anything about robots or jobs: the shell waits for one input, hands it to `Site` with the
//! time, and carries out the effects. Nothing leaves the process before its record is in the journal.

pub mod auth;
pub mod broker;
pub mod check;
pub mod cli;
pub mod config;
pub mod demo;
pub mod events;
pub mod ground;
pub mod grpc;
pub mod http;
pub mod inbox;
pub mod intake;
pub mod map;
pub mod mqtt;
pub mod readmodel;
mod reload;
pub mod replay;
pub mod report;
pub mod run;
pub mod secret_file;
pub mod signals;
pub mod site;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod users;
pub mod view;
