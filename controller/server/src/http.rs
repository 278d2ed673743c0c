//! One port for everything: `/healthz`, `/readyz`, `/metrics`, and gRPC beside them.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::grpc;
use crate::inbox::Doors;
use crate::telemetry::Health;

/// The address can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {listen}: {error}; stop what listens there, or choose another address")]
pub struct ListenError {
    listen: SocketAddr,
    error: std::io::Error,
}

/// Listens and serves in the background until told to stop; gives the URL.
///
/// # Errors
/// [`ListenError`] when the address is taken.
pub async fn serve(
    listen: SocketAddr,
    doors: Doors,
    health: Health,
    metrics: Option<PrometheusHandle>,
    mut stop: watch::Receiver<bool>,
) -> Result<String, ListenError> {
    let wrong = |error| ListenError { listen, error };
    let listener = TcpListener::bind(listen).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    let router = router(doors, health, metrics);
    tokio::spawn(async move {
        let stopped = async move {
            // A dropped sender means that the process is ending, too.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    Ok(format!("http://{address}"))
}

fn router(doors: Doors, health: Health, metrics: Option<PrometheusHandle>) -> Router {
    let ready = move || async move { ready(&health) };
    let metrics = move || async move {
        let text = metrics.as_ref().map(PrometheusHandle::render).unwrap_or_default();
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
    };
    let http = Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics));
    grpc::routes(doors).merge(http)
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
