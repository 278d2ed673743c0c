//! A standby's tail of the journal: read as the leader writes it, stepped as it comes, so that little is left to do when
//! this process begins to lead.
//!
//! What can't be followed is no reason to end: the tail begins again at a newer snapshot, and without one the new leader
//! reads the journal as after any start.

use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drover_core::{FollowError, Follower, Record, RestoreError, Seq, layouts_needed};
use drover_maps::Layout;

use super::lead::Led;
use super::{layouts, load_after};
use crate::store::{LoadError, Loaded, Store};

/// Pause between two attempts to begin.
const BEGIN_EVERY: Duration = Duration::from_secs(10);
/// Records read at once.
const STRIDE: usize = 16;

/// The journal of a site, followed.
pub(super) struct Tail {
    store: Store,
    site: String,
    given: Arc<Layout>,
    follower: Option<Follower>,
    begin_at: Instant,
    /// What comes next can't be followed: a snapshot must lie behind it.
    stuck_at: Option<Seq>,
}

/// Why the journal isn't followed.
#[derive(Debug, thiserror::Error)]
enum TailError {
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("{0}")]
    Restore(#[from] RestoreError),
    #[error("{0}")]
    Follow(#[from] FollowError),
    #[error("the thread that steps the journal ended without a word")]
    Lost(#[from] tokio::task::JoinError),
}

impl Tail {
    /// Of this site's journal; `given` is the layout of the site's files.
    pub(super) fn new(store: Store, site: &str, given: Arc<Layout>) -> Tail {
        let begin_at = Instant::now();
        Tail { store, site: site.to_owned(), given, follower: None, begin_at, stuck_at: None }
    }

    /// Steps what the journal holds and wasn't stepped yet, or as much of it as can be done until this moment.
    pub(super) async fn catch_up(&mut self, until: Instant) {
        loop {
            let before = self.follower.as_ref().map(Follower::seq);
            match self.stride().await {
                Ok(true) if Instant::now() < until => {}
                Ok(_) => return,
                Err(TailError::Load(LoadError::Unavailable(error))) => {
                    return tracing::debug!(%error, "the journal isn't followed while the store is away");
                }
                Err(error) => {
                    tracing::warn!(%error, "the leader's journal can't be followed here: begins again at its next snapshot");
                    (self.follower, self.stuck_at) = (None, before.or(self.stuck_at));
                    return;
                }
            }
        }
    }

    /// The fleet at the journal's end, for the process that leads now; none if it is to be restored from a snapshot.
    pub(super) async fn finish(mut self, led: &Led) -> Option<Follower> {
        let follower = self.follower.take()?;
        let finished = async {
            let Loaded { records, findings, .. } = load_after(led, follower.seq()).await?;
            super::tell_findings(&findings);
            self.step(follower, records).await
        };
        let finished: Result<Follower, TailError> = finished.await;
        finished
            .inspect_err(
                |error| tracing::warn!(%error, "the journal is read anew: its end can't be followed"),
            )
            .ok()
            .filter(|follower| follower.seq() > Seq(0))
    }

    /// Some records; true = there may be more.
    async fn stride(&mut self) -> Result<bool, TailError> {
        if self.follower.is_none() && self.begin_at <= Instant::now() {
            self.begin_at = Instant::now() + BEGIN_EVERY;
            self.follower = self.begin().await?;
        }
        let Some(follower) = &self.follower else { return Ok(false) };
        let records = self.read(Seq(follower.seq().0 + 1)).await?;
        let is_more = records.len() == STRIDE;
        if let Some(follower) = self.follower.take() {
            self.follower = Some(self.step(follower, records).await?);
        }
        Ok(is_more)
    }

    async fn begin(&self) -> Result<Option<Follower>, TailError> {
        let snapshot = self.store.newest_snapshot(&self.site).await?;
        let last = snapshot.as_ref().map(|(seq, _)| *seq).unwrap_or_default();
        if self.stuck_at.is_some_and(|stuck_at| last <= stuck_at) {
            return Ok(None);
        }
        let loaded = Loaded { snapshot, records: Vec::new(), last, findings: Vec::new() };
        let given = Arc::clone(&self.given);
        let layouts = layouts::of_journal(&self.store, &self.site, given, &loaded).await?;
        let begin = move || {
            let snapshot = loaded.snapshot.as_ref().map(|(seq, bytes)| (*seq, bytes.as_slice()));
            Follower::begin(layouts, snapshot)
        };
        Ok(Some(tokio::task::spawn_blocking(begin).await??))
    }

    async fn read(&self, from: Seq) -> Result<Vec<Record>, LoadError> {
        let mut journal = self.store.records(&self.site, from, None);
        let mut records = Vec::new();
        while records.len() < STRIDE
            && let Some(record) = journal.next().await?
        {
            records.push(record);
        }
        Ok(records)
    }

    async fn step(&self, mut follower: Follower, records: Vec<Record>) -> Result<Follower, TailError> {
        for record in records {
            for fingerprint in layouts_needed(None, slice::from_ref(&record)) {
                if let Some(layout) =
                    layouts::fetch(&self.store, &self.site, fingerprint, &self.given).await?
                {
                    follower.learn(layout);
                }
            }
            follower = tokio::task::spawn_blocking(move || follower.follow(&record)).await??;
        }
        Ok(follower)
    }
}
