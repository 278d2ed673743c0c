//! The gate before every gRPC method: who calls, may they, and if not, a note of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use drover_core::Caller;
use tokio::sync::mpsc;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::rules::{self, Need, Rule};
use super::{ANONYMOUS, Access, User};
use crate::grpc::coded;
use crate::inbox::Denied;

/// Shortest time between two notes of the same caller's same refusal.
const SAME_EVERY: Duration = Duration::from_secs(60);
/// Refusals noted at once, at most; then one every [`NOTE_EVERY`]. All of them are counted.
const BURST: u32 = 20;
/// Pause after which one more refusal may be noted.
const NOTE_EVERY: Duration = Duration::from_secs(30);
/// How much of a refused request is read to tell what it was about, bytes; and for how long.
const PEEK_MAX: usize = 4 * 1024;
const PEEK_FOR: Duration = Duration::from_millis(500);
/// Before each gRPC message: a flag and its length.
const FRAME: usize = 5;

/// What the gate needs. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    access: Arc<Access>,
    denied: mpsc::Sender<Denied>,
    notes: Arc<Mutex<Notes>>,
}

impl Gate {
    pub(crate) fn new(access: Arc<Access>, denied: mpsc::Sender<Denied>) -> Gate {
        Gate { access, denied, notes: Arc::default() }
    }
}

/// Lets a request through with its [`User`], or answers it.
pub(crate) async fn pass(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let rule = rules::rule(request.uri().path());
    let Need::Role(least) = rule.need else { return next.run(request).await };
    let headers = MetadataMap::from_headers(request.headers().clone());
    let (name, status, code) = match gate.access.caller(&headers) {
        Ok(user) if user.role >= least => {
            request.extensions_mut().insert(user);
            return next.run(request).await;
        }
        Ok(User { name, role }) => {
            let text = format!("{name} is {}; this needs {} or more", role.as_str(), least.as_str());
            (name, Status::permission_denied(text), "ROLE_TOO_LOW")
        }
        Err(unknown) => (ANONYMOUS.to_owned(), Status::unauthenticated(unknown.reason), unknown.code),
    };
    metrics::counter!("drover_denied_total", "code" => code).increment(1);
    if !rule.action.is_empty() {
        gate.note(name, rule, code, request.into_body()).await;
    }
    coded(status, code).into_http()
}

impl Gate {
    /// Writes a refused change down, unless it is one of a flood.
    async fn note(&self, name: String, rule: Rule, code: &str, body: Body) {
        let is_worth_it = {
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.take(Instant::now(), &name, rule.action)
        };
        if !is_worth_it {
            return;
        }
        let peeked = tokio::time::timeout(PEEK_FOR, to_bytes(body, PEEK_MAX)).await;
        let message = peeked.ok().and_then(Result::ok).unwrap_or_default();
        let subject = rules::subject(rule.action, message.get(FRAME..).unwrap_or_default());
        let by = Caller { name, ..Caller::default() };
        let denied = Denied { by, action: rule.action.to_owned(), subject, code: code.to_owned() };
        if self.denied.try_send(denied).is_err() {
            tracing::debug!("a refusal was counted only: too many wait to be written down");
        }
    }
}

/// Which refusals were noted lately.
#[derive(Debug)]
struct Notes {
    last: BTreeMap<(String, &'static str), Instant>,
    left: u32,
    filled_at: Option<Instant>,
}

impl Default for Notes {
    fn default() -> Notes {
        Notes { last: BTreeMap::new(), left: BURST, filled_at: None }
    }
}

impl Notes {
    /// This refusal may be noted.
    fn take(&mut self, now: Instant, name: &str, action: &'static str) -> bool {
        self.last.retain(|_, at| now.duration_since(*at) < SAME_EVERY);
        self.fill(now);
        let key = (name.to_owned(), action);
        if self.left == 0 || self.last.contains_key(&key) {
            return false;
        }
        self.left -= 1;
        self.last.insert(key, now);
        true
    }

    fn fill(&mut self, now: Instant) {
        let filled_at = *self.filled_at.get_or_insert(now);
        let periods = now.duration_since(filled_at).as_secs() / NOTE_EVERY.as_secs();
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        if periods > 0 {
            self.left = self.left.saturating_add(periods).min(BURST);
            self.filled_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_noted_a_few_times_only() {
        let mut notes = Notes::default();
        let now = Instant::now();
        assert!(notes.take(now, "kim", "zone.stop"));
        assert!(!notes.take(now, "kim", "zone.stop"));
        assert!(notes.take(now, "kim", "zone.resume"));
        let noted =
            (0..1_000).filter(|number| notes.take(now, &format!("user-{number}"), "zone.stop")).count();
        assert_eq!(noted as u32, BURST - 2);
        assert!(!notes.take(now + NOTE_EVERY / 2, "lee", "zone.stop"));
        assert!(notes.take(now + NOTE_EVERY, "lee", "zone.stop"));
        assert!(notes.take(now + SAME_EVERY, "kim", "zone.stop"));
    }
}
