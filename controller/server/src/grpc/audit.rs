//! `AuditService`: who asked for which change, and what became of it.

use drover_proto::grpc::v1;
use drover_proto::grpc::v1::audit_service_server::AuditService;
use tonic::{Request, Response, Status};

use super::desk::Desk;
use super::{Answer, Updates, coded, ms, page};
use crate::view::AuditView;

pub(super) struct Audit(pub(super) Desk);

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list(&self, request: Request<v1::ListAuditRequest>) -> Answer<v1::ListAuditResponse> {
        let mut request = request.into_inner();
        let (size, below) = page(request.page.take())?;
        let below = below.unwrap_or(u64::MAX);
        let view = self.0.view().await?;
        let entries = view.audit.iter().rev().filter(|entry| entry.n < below && is_wanted(entry, &request));
        let mut entries: Vec<v1::AuditEntry> = entries.take(size + 1).map(|entry| message(entry)).collect();
        let has_more = entries.len() > size;
        entries.truncate(size);
        let last = entries.last().filter(|_| has_more);
        let next_token = last.map(|entry| entry.seq.to_string()).unwrap_or_default();
        Ok(Response::new(v1::ListAuditResponse { entries, next_token }))
    }

    type WatchStream = Updates<v1::AuditEntry>;

    async fn watch(&self, request: Request<v1::WatchAuditRequest>) -> Answer<Self::WatchStream> {
        let after = request.into_inner().after_seq;
        let newest = self.0.view().await?.audit.last().map_or(0, |entry| entry.n);
        let mut known = after.unwrap_or(newest);
        let mut is_first = true;
        Ok(Response::new(self.0.follow(move |view| {
            let oldest = view.audit.first().map_or(0, |entry| entry.n);
            if !std::mem::take(&mut is_first) && known + 1 < oldest {
                let text = "the reader is too slow: entries were left out; list them, then watch again";
                return Err(coded(Status::out_of_range(text), "TOO_SLOW"));
            }
            let first = view.audit.partition_point(|entry| entry.n <= known);
            let new = &view.audit[first..];
            known = new.last().map_or(known, |entry| entry.n);
            Ok(new.iter().map(|entry| message(entry)).collect())
        })))
    }
}

fn is_wanted(entry: &AuditView, request: &v1::ListAuditRequest) -> bool {
    let is_equal = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
    let at = ms(entry.at_ms);
    request.from_ms.is_none_or(|from| at >= from)
        && request.to_ms.is_none_or(|to| at <= to)
        && is_equal(&request.actor, &entry.actor)
        && is_equal(&request.action, &entry.action)
        && is_equal(&request.subject, &entry.subject)
}

fn message(entry: &AuditView) -> v1::AuditEntry {
    v1::AuditEntry {
        seq: entry.n,
        at_ms: ms(entry.at_ms),
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        reason: entry.reason.clone(),
        accepted: entry.code.is_empty(),
        code: entry.code.clone(),
        idempotency_key: entry.key.clone(),
    }
}
