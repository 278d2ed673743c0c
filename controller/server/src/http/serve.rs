//! Connections: each on a task of its own, so that a slow one holds nobody up; HTTP/1.1 and HTTP/2, with or without TLS.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use super::tls::Tls;

/// Connections at once; more wait to be taken.
const CONNECTIONS_MAX: usize = 4_096;
/// How long a TLS handshake, or the head of a request, may take.
const HELLO_MAX: Duration = Duration::from_secs(10);
/// Pause between two pings of a quiet HTTP/2 connection, and how long an answer may take: a tablet that is gone must
/// not keep its streams.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_MAX: Duration = Duration::from_secs(20);
/// How long a connection may go on after the process was told to stop.
const STOP_MAX: Duration = Duration::from_secs(2);
/// Pause when the system has no connection to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let taken = tokio::select! {
            () = stopped(stop.clone()) => return,
            taken = take(&listener, &room) => taken,
        };
        let Some((socket, place)) = taken else { continue };
        let (tls, router, stop) = (tls.clone(), router.clone(), stop.clone());
        tokio::spawn(async move {
            greet(socket, tls, router, stop).await;
            drop(place);
        });
    }
}

async fn take(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((socket, _)) => Some((socket, place)),
        Err(error) => {
            tracing::debug!(%error, "a connection wasn't taken");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn greet(socket: TcpStream, tls: Option<Tls>, router: Router, stop: watch::Receiver<bool>) {
    // Without it small answers are slower, nothing more.
    let _ = socket.set_nodelay(true);
    let Some(tls) = tls else { return talk(socket, router, stop).await };
    match tokio::time::timeout(HELLO_MAX, tls.acceptor().accept(socket)).await {
        Ok(Ok(stream)) => talk(stream, router, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn talk<S>(stream: S, router: Router, stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(answer(router, request).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HELLO_MAX);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_MAX);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stopped(stop) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(STOP_MAX, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Resolves when the process is told to stop.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // A dropped sender means that the process is ending, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn answer(router: Router, request: hyper::Request<Incoming>) -> axum::response::Response {
    match router.oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
