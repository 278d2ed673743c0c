//! Jobs in: from RabbitMQ to the shell, in queue order, acknowledged only after their verdict.
//!
//! ```text
//!   drover.jobs ─► drover.<site>.jobs ─► read ─► Submission ─► shell ─► verdict ─► ack
//!                                         │                              │ rejected
//!                                         └── poison ──► drover.dead ◄───┘ then ack
//! ```
//!
//! It judges a message's form only; whether a job is possible is the fleet's word. Nothing is acknowledged before its
//! verdict, so what is lost with a connection or a process comes again, and the fleet ignores what it has seen.

mod amqp;
mod convert;
pub(crate) mod link;
mod poison;
pub mod wave;

use drover_core::job::JobRequest;
use drover_proto::Rejection;
use tokio::sync::mpsc;

use crate::inbox::Submission;
use crate::telemetry::Health;

pub(crate) use amqp::queue_arguments;
pub use link::{Broker, UrlError};

/// Name in [`Health`].
pub const PART: &str = "jobs";
/// Jobs handed over by the broker and not yet acknowledged, at most.
pub const PREFETCH: u16 = 64;

/// Reads one message of the job queue, or one line of a wave.
///
/// # Errors
/// [`Rejection`]: a stable code and a reason that names the key, the value and the mend.
pub fn read(body: &[u8]) -> Result<JobRequest, Rejection> {
    drover_proto::parse_job(body).map(convert::request)
}

/// Starts taking jobs from RabbitMQ, until the receiver of `submissions` is gone. An absent broker is no error: it is
/// waited for.
///
/// # Errors
/// [`UrlError`] when the URL isn't one, or a TLS file isn't good.
pub fn spawn(
    broker: &Broker,
    site: &str,
    submissions: mpsc::Sender<Submission>,
    health: &Health,
) -> Result<(), UrlError> {
    link::Address::of(broker)?;
    health.expect(PART);
    let (broker, site) = (broker.clone(), site.to_owned());
    let source = amqp::Source { broker, site, submissions, health: health.clone() };
    tokio::spawn(source.serve());
    Ok(())
}
