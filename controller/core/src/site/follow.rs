//! A standby's part: it steps what another process writes to the journal as it comes, so that to take the lead it has
//! only the last records to step.

use std::sync::Arc;

use drover_maps::Layout;

use super::freeze::caught;
use crate::fleet::{Fleet, RestoreError};
use crate::id::Seq;
use crate::layouts::Layouts;
use crate::record::Record;
use crate::replay::{self, ReplayError, Replayed};

/// The fleet as far as the journal was stepped. It says nothing and decides nothing before it becomes a site.
#[derive(Debug)]
pub struct Follower {
    pub(super) fleet: Fleet,
    done: Replayed,
}

/// Why a record couldn't be followed. What the attempt left behind is gone with it.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The journal isn't what it should be, or a layout of it isn't at hand.
    #[error(transparent)]
    Journal(ReplayError),
    /// The record can't be stepped, or causes something else than is recorded.
    #[error("the record of seq {} to {}: {why}", from.0, to.0)]
    Step {
        /// Its first event.
        from: Seq,
        /// Its last event.
        to: Seq,
        /// How it shows.
        why: String,
    },
}

impl Follower {
    /// Begins at a snapshot (with the last event in it), or before the journal's first record.
    ///
    /// # Errors
    /// [`RestoreError`]: the snapshot can't be read, or its layout isn't at hand.
    pub fn begin(
        layouts: impl Into<Layouts>,
        snapshot: Option<(Seq, &[u8])>,
    ) -> Result<Follower, RestoreError> {
        let (fleet, seq) = match snapshot {
            Some((seq, bytes)) => (Fleet::restore(layouts, bytes)?, seq),
            None => (Fleet::new(layouts), Seq(0)),
        };
        Ok(Follower { fleet, done: Replayed::at(seq) })
    }

    /// The last event stepped.
    pub fn seq(&self) -> Seq {
        self.done.seq
    }

    /// One more layout at hand, before the record that goes over to it.
    pub fn learn(&mut self, layout: Arc<Layout>) {
        self.fleet.learn(layout);
    }

    /// Steps the record that follows, and compares what it causes.
    ///
    /// # Errors
    /// [`FollowError`].
    pub fn follow(mut self, record: &Record) -> Result<Follower, FollowError> {
        let Follower { fleet, done } = &mut self;
        let why = match caught(|| replay::step(fleet, record, done, &mut |_, _, _| {})) {
            Ok(Ok(())) => return Ok(self),
            Ok(Err(
                error @ (ReplayError::Gap { .. } | ReplayError::Writers(_) | ReplayError::Layout { .. }),
            )) => return Err(FollowError::Journal(error)),
            Ok(Err(error @ (ReplayError::Diverged { .. } | ReplayError::Digest { .. }))) => error.to_string(),
            Err(panic) => panic,
        };
        Err(FollowError::Step { from: record.seq_from, to: record.seq_to, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::id::{Epoch, JobId};
    use crate::job::JobRequest;
    use crate::site::freeze::tests::{START, after, cancel, layout};
    use crate::site::{Effect, Input, Site};

    /// A leader that is asked something every second, and what it writes.
    fn leader(layout: &Arc<Layout>, seconds: u64) -> (Site, Vec<Record>) {
        let mut site = Site::new(Arc::clone(layout), Config::default(), Epoch(1), START);
        let mut records: Vec<Record> = Vec::new();
        for second in 0..seconds {
            let request = JobRequest::Cancel(JobId(format!("J-{second}")));
            let mut effects = Vec::new();
            let input = Input::Job { ticket: None, request, by: None };
            site.receive(START.plus_ms(1_000 * second), input, &mut effects);
            let appended = effects.into_iter().filter_map(|effect| match effect {
                Effect::Append(record) => Some(*record),
                _ => None,
            });
            records.extend(appended);
            let seq_to = records.last().expect("a record").seq_to;
            site.receive(START.plus_ms(1_000 * second), Input::Committed { seq_to }, &mut Vec::new());
        }
        (site, records)
    }

    fn followed(layout: &Arc<Layout>, records: &[Record]) -> Follower {
        let begun = Follower::begin(Arc::clone(layout), None).expect("an empty journal");
        records.iter().fold(begun, |follower, record| follower.follow(record).expect("the next record"))
    }

    #[test]
    fn who_followed_the_journal_leads_on_as_who_restores_it() {
        let layout = layout();
        let (live, records) = leader(&layout, 5);
        let follower = followed(&layout, &records);
        assert_eq!(follower.seq(), live.seq());
        let lead = |site: Site| {
            let (mut site, mut effects) = (site, Vec::new());
            site.receive(START.plus_ms(9_000), Input::Clock, &mut effects);
            (site.seq(), site.fleet().digest(), format!("{effects:?}"))
        };
        let now = START.plus_ms(9_000);
        let followed = lead(Site::lead(follower, Config::default(), Epoch(2), now));
        let config = Config::default();
        let restored = Site::restore(Arc::clone(&layout), config, Epoch(2), None, &records, now);
        assert_eq!(followed, lead(restored.expect("a whole journal")));
    }

    #[test]
    fn a_follower_begins_at_a_snapshot_and_says_what_it_cannot_step() {
        let layout = layout();
        let (live, mut records) = leader(&layout, 3);
        let snapshot = live.fleet().snapshot();
        let begun = Follower::begin(Arc::clone(&layout), Some((live.seq(), &snapshot))).expect("a snapshot");
        let again = begun.follow(&records[0]).expect_err("behind it");
        assert!(matches!(again, FollowError::Journal(ReplayError::Gap { .. })), "{again}");

        records.push(after(&records, cancel("planted panic")));
        let begun = Follower::begin(layout, Some((live.seq(), &snapshot))).expect("a snapshot");
        let planted = begun.follow(&records[records.len() - 1]).expect_err("planted");
        assert!(planted.to_string().contains("planted"), "{planted}");
        let torn = Some((live.seq(), b"no snapshot".as_slice()));
        assert!(Follower::begin(self::layout(), torn).is_err());
    }
}
