//! Traces: a collector inside the test receives a trace per job, over a restart of the controller; and a collector that
//! isn't there holds nothing up.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test uses a part of the kit")]
mod kit;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kit::mosquitto::Mosquitto;
use kit::process::{Folder, free_port, wait_until};
use kit::site::{Drover, Place, Wiring, robots};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;
use tonic::{Request, Response, Status};

const SITE: &str = "trace-test";
const SPEED: &str = "15";
const JOBS: usize = 6;
const DONE_MAX: Duration = Duration::from_secs(240);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// What the collector was sent.
#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
    services: Arc<Mutex<BTreeSet<String>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.unwrap().attributes;
            let name = attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
            self.services.lock().unwrap().insert(text(&name.value.as_ref().unwrap().value));
            for scope in resource.scope_spans {
                self.spans.lock().unwrap().extend(scope.spans);
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn text(value: &Option<Any>) -> String {
    match value {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    found.map(|attribute| text(&attribute.value.as_ref().unwrap().value)).unwrap_or_default()
}

impl Collector {
    async fn listen() -> (Collector, u16) {
        let collector = Collector::default();
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server =
            tonic::transport::Server::builder().add_service(TraceServiceServer::new(collector.clone()));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        tokio::spawn(server.serve_with_incoming(incoming));
        (collector, port)
    }

    fn named(&self, name: &str) -> Vec<Span> {
        self.spans.lock().unwrap().iter().filter(|span| span.name == name).cloned().collect()
    }
}

fn jobs() -> Vec<Value> {
    let mut jobs: Vec<Value> = (0..JOBS).map(Place::warehouse_job).collect();
    jobs[0]["traceparent"] = format!("00-{TRACE}-{PARENT}-01").into();
    jobs
}

fn site(mosquitto: &Mosquitto, place: &Place, otlp: u16) -> Drover {
    let (place, mqtt) = (place.clone(), mosquitto.url());
    let wiring =
        Wiring { id: SITE, place, jobs: "embedded".into(), mqtt, store: None, enroll: "auto", speed: SPEED };
    let drover = Drover::configured(&wiring);
    drover.configure(&format!("[trace]\notlp = \"http://127.0.0.1:{otlp}\"\n"));
    drover
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_follows_each_job_to_its_robot_over_a_restart() {
    let Some(mosquitto) = Mosquitto::start() else { return };
    let folder = Folder::new("trace");
    let place = Place::warehouse(&folder);
    let (collector, port) = Collector::listen().await;
    let mut drover = site(&mosquitto, &place, port);
    drover.feed(&jobs());
    drover.restart();
    drover.wait_until_ready();
    let _robots = robots(&mosquitto, &place, &folder.file("robots.log"), &["--count", "4", "--speed", SPEED]);
    wait_until("a first leg to be done", DONE_MAX, || !collector.named("leg").is_empty());
    drover.stop();
    drover.restart();
    wait_until("every job to be traced to its end", DONE_MAX, || collector.named("job").len() >= JOBS);

    assert_eq!(collector.services.lock().unwrap().iter().collect::<Vec<_>>(), ["drover"]);
    let spans = collector.spans.lock().unwrap().clone();
    let mut traces: BTreeMap<String, Vec<&Span>> = BTreeMap::new();
    for span in &spans {
        traces.entry(hex(&span.trace_id)).or_default().push(span);
    }
    assert_eq!(traces.len(), JOBS, "one trace per job, before and after the restart");
    for (trace, spans) in &traces {
        let root = spans.iter().find(|span| span.name == "job").unwrap();
        assert_eq!(attribute(root, "drover.outcome"), "done");
        assert!(
            !attribute(root, "drover.robot").is_empty() && !attribute(root, "drover.sequence").is_empty()
        );
        let is_theirs = attribute(root, "drover.job") == "W-0";
        assert_eq!((trace == TRACE, hex(&root.parent_span_id) == PARENT), (is_theirs, is_theirs));
        assert_nested(root, spans);
    }
    let (sum, orders) = (spans.len(), collector.named("order"));
    println!("{sum} spans of {JOBS} jobs, {} of them orders", orders.len());
    drover.stop();
    drover.assert_sound();
}

/// Two legs with what belongs to them, each span within its job and under its leg.
fn assert_nested(root: &Span, spans: &[&Span]) {
    let ids: BTreeSet<&[u8]> = spans.iter().map(|span| span.span_id.as_slice()).collect();
    let legs: BTreeSet<String> =
        spans.iter().filter(|span| span.name == "leg").map(|span| attribute(span, "drover.leg")).collect();
    assert_eq!(legs.into_iter().collect::<Vec<_>>(), ["0", "1"]);
    for name in ["to-station", "pick", "drop", "order"] {
        assert!(
            spans.iter().any(|span| span.name == name),
            "no span {name} of {}",
            attribute(root, "drover.job")
        );
    }
    for span in spans {
        let job = attribute(span, "drover.job");
        assert_eq!(job, attribute(root, "drover.job"));
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{} of {job}", span.name);
        assert!(span.start_time_unix_nano >= root.start_time_unix_nano, "{} of {job}", span.name);
        assert!(span.end_time_unix_nano <= root.end_time_unix_nano, "{} of {job}", span.name);
        assert!(span.name == "job" || ids.contains(span.parent_span_id.as_slice()), "{} of {job}", span.name);
        if span.name == "order" {
            assert_eq!(attribute(span, "drover.outcome"), "shown");
            assert!(
                !attribute(span, "drover.order").is_empty() && !attribute(span, "drover.station").is_empty()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_holds_nothing_up() {
    let Some(mosquitto) = Mosquitto::start() else { return };
    let folder = Folder::new("trace-absent");
    let place = Place::warehouse(&folder);
    let mut drover = site(&mosquitto, &place, free_port());
    drover.feed(&jobs());
    drover.restart();
    drover.wait_until_ready();
    let _robots = robots(&mosquitto, &place, &folder.file("robots.log"), &["--count", "4", "--speed", SPEED]);
    wait_until("the jobs to be done", DONE_MAX, || {
        drover.metric("drover_jobs_ended_total{outcome=\"on_time\"}") >= JOBS as u64
    });
    wait_until("lost spans to be counted", DONE_MAX, || {
        drover.metric("drover_spans_dropped_total{reason=\"collector\"}") > 0
    });
    assert_eq!(drover.metric("drover_up{part=\"trace\"}"), 0);
    assert_eq!(drover.metric("drover_ready"), 1, "a collector is no reason not to be ready");
    drover.stop();
    drover.assert_sound();
}
