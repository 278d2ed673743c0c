//! What a named caller asks, as an event and as the audit's words.

use crate::audit::{AuditEntry, Caller};
use crate::clock::Time;
use crate::event::Event;
use crate::id::{Digest, JobId};
use crate::job::{JobRequest, Short};
use crate::operator::Wish;

/// A request on its way into the journal.
pub(super) struct Ask {
    pub(super) event: Event,
    pub(super) action: &'static str,
    pub(super) subject: String,
}

pub(super) fn job(request: JobRequest) -> Ask {
    let (event, action, job) = match request {
        JobRequest::Submit(spec) => {
            let id = spec.id.clone();
            (Event::JobSubmitted(spec), "job.submit", id)
        }
        JobRequest::Cancel(job) => (Event::JobCancelled { job: job.clone() }, "job.cancel", job),
        JobRequest::Update { job, due_at, priority } => {
            (Event::JobUpdated { job: job.clone(), due_at, priority }, "job.update", job)
        }
    };
    Ask { event, action, subject: job.0 }
}

pub(super) fn confirm(job: JobId, leg: usize, by: &Caller) -> Ask {
    let subject = format!("{job}/{leg}");
    Ask { event: Event::LegConfirmed { job, leg, by: by.name.clone() }, action: "leg.confirm", subject }
}

pub(super) fn short_pick(job: JobId, short: Short, by: &Caller) -> Ask {
    let subject = format!("{job}/{}", short.leg);
    let by = by.name.clone();
    Ask { event: Event::LegShort { job, short, by }, action: "leg.short_pick", subject }
}

pub(super) fn wish(wish: Wish, by: &Caller) -> Ask {
    let (action, subject) = (wish.action(), wish.subject());
    Ask { event: Event::Wished { by: by.name.clone(), wish: Box::new(wish) }, action, subject }
}

/// What is written down of a request; its number and time come when it is.
pub(super) fn entry(
    by: Caller,
    action: &str,
    subject: String,
    refused: Option<String>,
    asked: Option<Digest>,
) -> AuditEntry {
    AuditEntry { n: 0, at: Time::default(), by, action: action.to_owned(), subject, refused, asked }
}
