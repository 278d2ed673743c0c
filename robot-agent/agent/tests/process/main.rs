//! The process as a user and a broker see it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod accounts;
mod command_line;
mod common;
mod conform;
mod conform_master;
mod devices_on_a_plc;
mod foreign_master;
mod foreign_peers;
mod robots_on_a_broker;
mod virtual_doors;
