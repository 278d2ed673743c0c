//! Spans to an OpenTelemetry collector (OTLP over gRPC), in batches, in the background.
//!
//! ```text
//!   journal ─(committed record)─► Tracer ─(spans)─► batches ─► collector
//! ```
//!
//! Both queues are bounded and never waited for: what finds no room, and what an absent collector doesn't take, is
//! dropped and counted. Nothing is decided by it.

use std::time::Duration;

use drover_core::Record;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as WireSpan, Status};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

use super::Health;
use super::trace::{Attribute, Span, Tracer};
use crate::config::SecretUrl;

/// Name in [`Health`].
pub const PART: &str = "trace";
/// Records waiting to be read.
const RECORDS_MAX: usize = 1_024;
/// Spans waiting to be sent.
const SPANS_MAX: usize = 16_384;
/// Spans of one message.
const BATCH_MAX: usize = 512;
/// How long the first span of a message waits for others.
const LINGER: Duration = Duration::from_secs(1);
/// How long the collector may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Attempts to send one batch, and the pause between them.
const ATTEMPTS_MAX: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// How long a graceful stop waits for the last batch.
const STOP_MAX: Duration = Duration::from_secs(2);

/// Where committed records go to be traced.
#[derive(Clone, Debug)]
pub struct Traces {
    records: mpsc::Sender<Box<Record>>,
}

impl Traces {
    /// Hands over a committed record; never waits.
    pub fn take(&self, record: Box<Record>) {
        if let Err(TrySendError::Full(record) | TrySendError::Closed(record)) = self.records.try_send(record)
        {
            dropped("queue", record.entries.len());
        }
    }
}

/// The tasks that read and send.
#[derive(Debug)]
pub struct Exporter(JoinHandle<()>);

impl Exporter {
    /// Resolves when everything handed over was sent or given up, after every [`Traces`] is gone.
    pub async fn finished(self) {
        if tokio::time::timeout(STOP_MAX, self.0).await.is_err() {
            tracing::debug!("the collector took too long: the last spans are not sent");
        }
    }
}

/// The collector's URL isn't one.
#[derive(Debug, thiserror::Error)]
#[error("it isn't a URL of a collector: {0}; write e.g. \"http://127.0.0.1:4317\"")]
pub struct UrlError(tonic::transport::Error);

/// Starts reading and sending. An absent collector is no error: spans are dropped until it is there.
///
/// # Errors
/// [`UrlError`] when the URL isn't one.
pub fn spawn(
    url: &SecretUrl,
    site: &str,
    mut tracer: Tracer,
    health: &Health,
) -> Result<(Traces, Exporter), UrlError> {
    let endpoint = Endpoint::from_shared(url.reveal().to_owned()).map_err(UrlError)?;
    let channel = endpoint.connect_timeout(ANSWER_MAX).timeout(ANSWER_MAX).connect_lazy();
    health.welcome(PART);
    let (records, mut records_rx) = mpsc::channel::<Box<Record>>(RECORDS_MAX);
    let (spans, spans_rx) = mpsc::channel(SPANS_MAX);
    tokio::spawn(async move {
        while let Some(record) = records_rx.recv().await {
            let traced = tracer.take(&record);
            dropped("gap", traced.lost);
            let unsent = traced.spans.into_iter().filter_map(|span| spans.try_send(span).err()).count();
            dropped("queue", unsent);
        }
    });
    let sender =
        Sender { client: TraceServiceClient::new(channel), resource: resource(site), health: health.clone() };
    Ok((Traces { records }, Exporter(tokio::spawn(sender.run(spans_rx)))))
}

fn dropped(reason: &'static str, count: usize) {
    metrics::counter!("drover_spans_dropped_total", "reason" => reason).increment(count as u64);
}

struct Sender {
    client: TraceServiceClient<Channel>,
    resource: Resource,
    health: Health,
}

impl Sender {
    async fn run(mut self, mut spans: mpsc::Receiver<Span>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while spans.recv_many(&mut batch, BATCH_MAX).await > 0 {
            if batch.len() < BATCH_MAX && !spans.is_closed() {
                tokio::time::sleep(LINGER).await;
                while batch.len() < BATCH_MAX {
                    let Ok(span) = spans.try_recv() else { break };
                    batch.push(span);
                }
            }
            self.send(std::mem::take(&mut batch)).await;
        }
    }

    async fn send(&mut self, batch: Vec<Span>) {
        let count = batch.len();
        let request = self.request(batch);
        for attempt in 1..=ATTEMPTS_MAX {
            match self.client.export(request.clone()).await {
                Ok(answer) => {
                    self.health.up(PART);
                    let refused =
                        answer.into_inner().partial_success.map_or(0, |partial| partial.rejected_spans);
                    let refused = usize::try_from(refused).unwrap_or_default().min(count);
                    metrics::counter!("drover_spans_total").increment((count - refused) as u64);
                    return dropped("collector", refused);
                }
                Err(status) => self.health.down(PART, status.to_string()),
            }
            if attempt < ATTEMPTS_MAX {
                tokio::time::sleep(PAUSE).await;
            }
        }
        dropped("collector", count);
    }

    fn request(&self, batch: Vec<Span>) -> ExportTraceServiceRequest {
        let scope = InstrumentationScope {
            name: "drover".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let spans = batch.into_iter().map(wire).collect();
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, schema_url: String::new() }];
        let resource = Some(self.resource.clone());
        let resource_spans = vec![ResourceSpans { resource, scope_spans, schema_url: String::new() }];
        ExportTraceServiceRequest { resource_spans }
    }
}

fn resource(site: &str) -> Resource {
    let text = |key: &str, text: &str| key_value(key, Value::StringValue(text.to_owned()));
    let attributes = vec![
        text("service.name", "drover"),
        text("service.version", env!("CARGO_PKG_VERSION")),
        text("drover.site", site),
    ];
    Resource { attributes, ..Resource::default() }
}

fn wire(span: Span) -> WireSpan {
    let nanos = |time: drover_core::Time| time.0.saturating_mul(1_000_000);
    let attribute = |(key, value)| match value {
        Attribute::Text(text) => key_value(key, Value::StringValue(text)),
        Attribute::Number(number) => {
            key_value(key, Value::IntValue(i64::try_from(number).unwrap_or(i64::MAX)))
        }
    };
    let status = span.fault.map(|message| Status { message, code: StatusCode::Error.into() });
    WireSpan {
        trace_id: span.trace.to_vec(),
        span_id: span.id.to_vec(),
        parent_span_id: span.parent.map(|id| id.to_vec()).unwrap_or_default(),
        name: span.name,
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: nanos(span.start),
        end_time_unix_nano: nanos(span.end),
        attributes: span.attributes.into_iter().map(attribute).collect(),
        status,
        ..WireSpan::default()
    }
}

fn key_value(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
