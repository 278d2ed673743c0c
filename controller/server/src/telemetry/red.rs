//! Rate, errors and duration of every gRPC call: how many of which method, with which code, and how long.
//!
//! A layer around the gRPC routes, inside any translation to gRPC-web: the code of a call that began well stands in its
//! trailers, so that a call is counted when its body ends. A method that isn't of the contract counts as `other`.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use drover_proto::grpc::FILE_DESCRIPTOR_SET;
use hyper::body::{Frame, SizeHint};
use prost::Message;
use tonic::Code;

const STATUS: &str = "grpc-status";
/// What a method that isn't of the contract is called.
const OTHER: &str = "other";

/// The routes, every call of them counted. To be put around the gRPC routes alone.
pub fn counted(routes: Router) -> Router {
    routes.route_layer(axum::middleware::from_fn(count))
}

async fn count(request: Request, next: Next) -> Response {
    let call = Call::begin(request.uri().path());
    let response = next.run(request).await;
    let (head, body) = response.into_parts();
    let code = status(&head.headers).or_else(|| of_http(head.status));
    Response::from_parts(head, Body::new(Counted { body, call: Some(call), code }))
}

/// A method of the contract.
#[derive(Clone, Debug)]
struct Method {
    name: Arc<str>,
    is_stream: bool,
}

/// By path, e.g. `/drover.v1.JobService/Submit`.
static METHODS: LazyLock<BTreeMap<String, Method>> = LazyLock::new(|| methods(FILE_DESCRIPTOR_SET));

fn methods(descriptors: &[u8]) -> BTreeMap<String, Method> {
    let mut found = BTreeMap::new();
    for file in wire::Files::decode(descriptors).unwrap_or_default().file {
        for service in file.service {
            for method in service.method {
                let path = format!("/{}.{}/{}", file.package, service.name, method.name);
                let name = format!("{}/{}", service.name, method.name).into();
                found.insert(path, Method { name, is_stream: method.server_streaming });
            }
        }
    }
    found
}

/// As much of a `FileDescriptorSet` as is needed here.
mod wire {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Files {
        #[prost(message, repeated, tag = "1")]
        pub(super) file: Vec<File>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct File {
        #[prost(string, tag = "2")]
        pub(super) package: String,
        #[prost(message, repeated, tag = "6")]
        pub(super) service: Vec<Service>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Service {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(message, repeated, tag = "2")]
        pub(super) method: Vec<MethodOf>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct MethodOf {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(bool, tag = "6")]
        pub(super) server_streaming: bool,
    }
}

/// A call under way.
#[derive(Debug)]
struct Call {
    method: Method,
    started: Instant,
}

impl Call {
    fn begin(path: &str) -> Call {
        let method = METHODS.get(path).cloned();
        let method = method.unwrap_or_else(|| Method { name: OTHER.into(), is_stream: false });
        if method.is_stream {
            metrics::gauge!("drover_grpc_streams", "method" => method.name.to_string()).increment(1.0);
        }
        Call { method, started: Instant::now() }
    }

    fn end(self, code: Code) {
        let name = self.method.name.to_string();
        if self.method.is_stream {
            metrics::gauge!("drover_grpc_streams", "method" => name.clone()).decrement(1.0);
        } else {
            let seconds = self.started.elapsed().as_secs_f64();
            metrics::histogram!("drover_grpc_seconds", "method" => name.clone()).record(seconds);
        }
        metrics::counter!("drover_grpc_requests_total", "method" => name, "code" => word(code)).increment(1);
    }
}

/// A body that knows when its call has ended.
struct Counted {
    body: Body,
    call: Option<Call>,
    code: Option<Code>,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(code) = frame.trailers_ref().and_then(status) {
                    self.code = Some(code);
                }
            }
            Some(Err(_)) => self.code = Some(Code::Unavailable),
            None => self.code = self.code.or(Some(Code::Ok)),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Counted {
    /// A body given up before its trailers: the caller has gone.
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.end(self.code.unwrap_or(Code::Cancelled));
        }
    }
}

fn status(headers: &HeaderMap) -> Option<Code> {
    Some(Code::from_bytes(headers.get(STATUS)?.as_bytes()))
}

/// A call that didn't reach the service.
fn of_http(status: StatusCode) -> Option<Code> {
    match status {
        StatusCode::OK => None,
        StatusCode::UNAUTHORIZED => Some(Code::Unauthenticated),
        StatusCode::FORBIDDEN => Some(Code::PermissionDenied),
        StatusCode::NOT_FOUND => Some(Code::Unimplemented),
        _ => Some(Code::Internal),
    }
}

/// The code's word in the gRPC specification.
fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_the_contract_is_known_and_streams_are_told_apart() {
        let submit = METHODS.get("/drover.v1.JobService/Submit").unwrap();
        assert_eq!((&*submit.name, submit.is_stream), ("JobService/Submit", false));
        assert!(METHODS["/drover.v1.JobService/Watch"].is_stream);
        assert!(!METHODS.contains_key("/drover.v1.JobService/Sumbit"));
    }

    #[test]
    fn a_code_is_read_from_headers_and_from_http() {
        let mut headers = HeaderMap::new();
        assert_eq!(status(&headers), None);
        headers.insert(STATUS, "5".parse().unwrap());
        assert_eq!(status(&headers), Some(Code::NotFound));
        assert_eq!(of_http(StatusCode::OK), None);
        assert_eq!(of_http(StatusCode::FORBIDDEN), Some(Code::PermissionDenied));
    }
}
