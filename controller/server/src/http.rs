//! One port for everything: gRPC and gRPC-web, the page, `/healthz`, `/readyz`, `/metrics`; with TLS if it is configured.
//!
//! What is gRPC goes to the services behind their gate; everything else needs no token and tells no secrets.

mod page;
mod serve;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use drover_maps::Layout;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::auth::{Access, Gate};
use crate::config;
use crate::ground::Files;
use crate::grpc::{self, Desk};
use crate::inbox::Doors;
use crate::telemetry::Health;
use crate::view::{News, View};

pub use tls::TlsError;

/// Content types of gRPC and gRPC-web begin so.
const GRPC: &str = "application/grpc";

/// What is served, and to whom.
pub struct Front {
    /// The address.
    pub listen: SocketAddr,
    /// Certificate and key; none = no TLS.
    pub tls: Option<config::Tls>,
    /// Who may call.
    pub access: Arc<Access>,
    /// The way into the fleet.
    pub doors: Doors,
    /// The newest picture, whoever makes it.
    pub views: watch::Receiver<Arc<View>>,
    /// What happens to jobs.
    pub news: News,
    /// The map.
    pub layout: Arc<Layout>,
    /// Where it is read from.
    pub files: Files,
    /// What is there and what is missing.
    pub health: Health,
    /// What `/metrics` shows.
    pub metrics: Option<PrometheusHandle>,
    /// True = stop gracefully.
    pub stop: watch::Receiver<bool>,
}

/// It can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("failed to listen on {listen}: {error}; stop what listens there, or choose another address")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Listens and serves in the background until told to stop; gives the URL.
///
/// # Errors
/// [`ServeError`] when the address is taken, or the certificate can't be used.
pub async fn serve(front: Front) -> Result<String, ServeError> {
    let listen = front.listen;
    let tls = front.tls.as_ref().map(tls::Tls::open).transpose()?;
    let wrong = |error| ServeError::Listen { listen, error };
    let listener = TcpListener::bind(listen).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let stop = front.stop.clone();
    tokio::spawn(serve::serve(listener, tls, router(front), stop));
    Ok(format!("{scheme}://{address}"))
}

fn router(front: Front) -> Router {
    let Front { access, doors, views, news, layout, files, health, metrics, stop, .. } = front;
    let gate = Gate::new(access, doors.denied.clone());
    let desk = Desk::new(doors, views, news, layout, files, stop);
    let services = grpc::routes(desk, gate, health.clone());
    let ready = move || async move { ready(&health) };
    let metrics = move || async move {
        let text = metrics.as_ref().map(PrometheusHandle::render).unwrap_or_default();
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
    };
    let pages = Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(page::asset);
    Router::new().fallback(move |request: Request| {
        let router = if is_grpc(&request) { services.clone() } else { pages.clone() };
        router.oneshot(request)
    })
}

fn is_grpc(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with(GRPC))
}

/// 200 when nothing is missing, else 503 with a line per missing part.
fn ready(health: &Health) -> Response {
    let missing = health.missing();
    if missing.is_empty() {
        return "ready\n".into_response();
    }
    let lines: String = missing.iter().map(|(part, why)| format!("{part}: {why}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines).into_response()
}
