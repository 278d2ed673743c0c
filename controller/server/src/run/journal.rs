//! The tasks that own the store: appends in order, for as long as it takes; snapshots and the lease beside them.

use std::time::{Duration, Instant};

use drover_core::{Record, Seq, Time};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::clock::Clock;
use super::lead::Led;
use crate::inbox::{Doors, Request, Submission};
use crate::store::{AppendError, LayoutSource, SnapshotError};
use crate::telemetry::Health;
use crate::telemetry::otlp::Traces;

/// Pause between two attempts, at most.
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// Layouts that wait to be kept, at most.
const LAYOUTS_MAX: usize = 4;
/// Name in [`Health`].
pub(super) const PART: &str = "store";

/// Why nothing can be committed any more.
#[derive(Clone, Debug)]
pub(super) enum Refused {
    /// Another process leads.
    Fenced,
    /// A bug of ours: the record doesn't fit.
    Bug(String),
}

/// The way to the store, and what became of it.
pub(super) struct Journal {
    records: mpsc::Sender<Box<Record>>,
    snapshots: mpsc::Sender<(Seq, Vec<u8>)>,
    layouts: mpsc::Sender<(Submission, Seq)>,
    refused: watch::Receiver<Option<Refused>>,
    led: Led,
    tasks: [JoinHandle<()>; 2],
    layout_keeper: JoinHandle<()>,
    keeper: JoinHandle<()>,
}

/// What forgetting job ids needs to know.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    pub(super) clock: Clock,
    pub(super) remember_jobs_ms: u64,
}

impl Journal {
    pub(super) fn spawn(
        led: Led,
        doors: &Doors,
        health: Health,
        memory: Memory,
        traces: Option<Traces>,
    ) -> Journal {
        let (records, records_rx) = mpsc::channel(1);
        let (snapshots, snapshots_rx) = mpsc::channel(1);
        let (layouts, layouts_rx) = mpsc::channel(LAYOUTS_MAX);
        let committed = doors.committed.clone();
        let layout_keeper = tokio::spawn(keep_layouts(led.clone(), layouts_rx, doors.submissions.clone()));
        let (refuse, refused) = watch::channel(None);
        let tasks = [
            tokio::spawn(append(led.clone(), records_rx, committed, refuse.clone(), health, traces)),
            tokio::spawn(put(led.clone(), snapshots_rx, memory)),
        ];
        let kept = led.clone();
        let keeper = tokio::spawn(async move {
            kept.keep().await;
            refuse.send_replace(Some(Refused::Fenced));
        });
        Journal { records, snapshots, layouts, refused, led, tasks, layout_keeper, keeper }
    }

    /// Hands over a record. One is in flight at a time, so there is always room for it.
    pub(super) fn append(&self, record: Box<Record>) {
        if self.records.try_send(record).is_err() {
            tracing::error!(
                "a record came before the one in flight was durable: a bug, or the store refused it"
            );
        }
    }

    /// Hands over a snapshot; while one is being written the new one is left out, the next comes soon.
    pub(super) fn snapshot(&self, seq: Seq, bytes: Vec<u8>) {
        if self.snapshots.try_send((seq, bytes)).is_err() {
            tracing::debug!(seq = seq.0, "a snapshot was left out: the one before is still being written");
        }
    }

    /// Hands over a request with a layout whose source is to be kept first; it comes back through its door. One request too
    /// many is dropped: its asker is told to try again.
    pub(super) fn keep(&self, submission: Submission, seq: Seq) {
        if self.layouts.try_send((submission, seq)).is_err() {
            tracing::warn!("a layout was asked for while others were being kept: asked too often");
        }
    }

    /// Resolves when nothing can be committed any more.
    pub(super) async fn refused(&mut self) -> Refused {
        if let Ok(refused) = self.refused.wait_for(Option::is_some).await
            && let Some(refused) = refused.clone()
        {
            return refused;
        }
        std::future::pending().await
    }

    /// The final snapshot, waited for.
    pub(super) async fn last_snapshot(&self, seq: Seq, bytes: Vec<u8>) {
        // The task is gone only when the process is being killed.
        let _ = self.snapshots.send((seq, bytes)).await;
    }

    /// Everything handed over is written, and the lease is given back.
    pub(super) async fn finished(self) {
        let Journal { records, snapshots, tasks, layout_keeper, keeper, led, .. } = self;
        layout_keeper.abort();
        drop((records, snapshots));
        for task in tasks {
            // A task that panicked has logged it.
            let _ = task.await;
        }
        keeper.abort();
        led.give_up().await;
    }
}

async fn append(
    led: Led,
    mut records: mpsc::Receiver<Box<Record>>,
    committed: mpsc::Sender<Seq>,
    refuse: watch::Sender<Option<Refused>>,
    health: Health,
    traces: Option<Traces>,
) {
    while let Some(record) = records.recv().await {
        let started = Instant::now();
        let mut pause = Duration::from_millis(20);
        loop {
            match led.store.append(&led.site, &record).await {
                Ok(()) => break,
                Err(AppendError::Unavailable(error)) => health.down(PART, error.to_string()),
                Err(AppendError::Fenced { .. }) => {
                    refuse.send_replace(Some(Refused::Fenced));
                    return;
                }
                Err(
                    error @ (AppendError::OutOfPlace { .. }
                    | AppendError::JobTwice { .. }
                    | AppendError::Unencodable { .. }),
                ) => {
                    refuse.send_replace(Some(Refused::Bug(error.to_string())));
                    return;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACKOFF_MAX);
        }
        health.up(PART);
        metrics::histogram!("drover_append_seconds").record(started.elapsed().as_secs_f64());
        metrics::counter!("drover_records_total").increment(1);
        metrics::counter!("drover_events_total").increment(record.entries.len() as u64);
        if committed.send(record.seq_to).await.is_err() {
            return;
        }
        if let Some(traces) = &traces {
            traces.take(record);
        }
    }
}

/// Keeps the sources of layouts, for as long as it takes, and hands the requests in again.
async fn keep_layouts(
    led: Led,
    mut layouts: mpsc::Receiver<(Submission, Seq)>,
    submissions: mpsc::Sender<Submission>,
) {
    while let Some((mut submission, seq)) = layouts.recv().await {
        let Request::Layout { source, .. } = &mut submission.request else { continue };
        let Some(source) = source.take() else { continue };
        if keep_layout(&led, Seq(seq.0 + 1), &source).await && submissions.send(submission).await.is_err() {
            return;
        }
    }
}

/// Keeps the source of a layout; false when another process leads.
pub(super) async fn keep_layout(led: &Led, since: Seq, source: &LayoutSource) -> bool {
    loop {
        match led.store.keep_layout(&led.site, led.epoch, since, source).await {
            Ok(()) => return true,
            Err(SnapshotError::Unavailable(error)) => tracing::warn!(%error, "the layout can't be kept yet"),
            Err(error @ (SnapshotError::Fenced { .. } | SnapshotError::Ahead { .. })) => {
                tracing::warn!(%error, "the layout was not kept");
                return false;
            }
        }
        tokio::time::sleep(BACKOFF_MAX).await;
    }
}

async fn put(led: Led, mut snapshots: mpsc::Receiver<(Seq, Vec<u8>)>, memory: Memory) {
    while let Some((seq, bytes)) = snapshots.recv().await {
        let started = Instant::now();
        match led.store.snapshot(&led.site, led.epoch, seq, &bytes).await {
            Ok(()) => {
                metrics::histogram!("drover_snapshot_seconds").record(started.elapsed().as_secs_f64());
                metrics::gauge!("drover_snapshot_bytes").set(bytes.len() as f64);
                let ms = started.elapsed().as_millis();
                tracing::debug!(seq = seq.0, bytes = bytes.len(), ms, "snapshot stored");
            }
            Err(error) => {
                metrics::counter!("drover_snapshots_failed_total").increment(1);
                tracing::warn!(seq = seq.0, %error, "a snapshot was not stored; the next one will be")
            }
        }
        shorten(&led, memory.clock.now()).await;
        let before = Time(memory.clock.now().0.saturating_sub(memory.remember_jobs_ms));
        if let Err(error) = led.store.forget_jobs(&led.site, before).await {
            tracing::debug!(%error, "old job ids were not forgotten; they will be at the next snapshot");
        }
    }
}

/// Forgets what the store isn't to keep any longer.
async fn shorten(led: &Led, now: Time) {
    let started = Instant::now();
    match led.store.shorten(&led.site, led.epoch, now).await {
        Ok(0) => {}
        Ok(transactions) => {
            let ms = started.elapsed().as_millis();
            tracing::debug!(transactions, ms, "old records were forgotten");
        }
        Err(error) => {
            tracing::debug!(%error, "old records were not forgotten; they will be at the next snapshot")
        }
    }
}
