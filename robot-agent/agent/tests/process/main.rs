//! The process as a user and a broker see it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod command_line;
mod common;
mod robots_on_a_broker;
