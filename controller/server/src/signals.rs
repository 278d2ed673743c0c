//! How a process is asked to end.

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at the first SIGTERM or SIGINT after the first poll.
pub async fn asked_to_stop() {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        // Without a handler a signal ends the process at once, which is a crash it survives.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
