//! Frozen: when in doubt about ourselves, stand still. A record or an event that can't be stepped is a bug that would
//! come back at every start: the site stays at the last good place, decides nothing, sends nothing, and says so.
//!
//! Robots drive to the ends of their bases, and every place stays reserved. Requests are left unanswered: their queue keeps them.

use super::Effect;
use super::follow::{FollowError, Follower};
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command};
use crate::event::Event;
use crate::fleet::{Fleet, RestoreError};
use crate::id::{Digest, Seq};
use crate::layouts::Layouts;
use crate::record::Record;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Time between two alarms of a frozen site, ms.
const TELL_MS: u64 = 60_000;

/// Where a site stands still, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// The last event that was stepped well.
    pub seq: Seq,
    /// Hash of the state as it stands.
    pub digest: Digest,
    /// What can't be stepped, and how it shows.
    pub why: String,
    told_at: Option<Time>,
}

impl Frozen {
    pub(super) fn at(fleet: &Fleet, seq: Seq, why: String) -> Frozen {
        Frozen { seq, digest: fleet.digest(), why, told_at: None }
    }

    /// Tells the operator, now and then again.
    pub(super) fn tell(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if self.due() > now {
            return;
        }
        self.told_at = Some(now);
        let text = format!(
            "the site is frozen at seq {}, digest {}: {}; no order leaves, robots keep their bases: run `drover replay` on \
             the journal, then start a version that steps it",
            self.seq.0, self.digest, self.why
        );
        effects.push(Effect::Alarm(Alarm { code: AlarmCode::Frozen, robot: None, device: None, text }));
    }

    /// When the operator is to be told.
    pub(super) fn due(&self) -> Time {
        self.told_at.map_or(Time::default(), |told| told.plus_ms(TELL_MS))
    }
}

/// One event; the panic's words if it can't be stepped.
pub(super) fn step(
    fleet: &mut Fleet,
    now: Time,
    event: Event,
    commands: &mut Vec<Command>,
) -> Result<(), String> {
    caught(|| fleet.step(now, event, commands))
}

pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        format!("it panics: {}", text.unwrap_or_else(|| "without a word".to_owned()))
    })
}

/// The journal as far as it can be stepped.
pub(super) struct Restored {
    pub(super) follower: Follower,
    pub(super) frozen: Option<Frozen>,
}

pub(super) fn restore(
    layouts: &Layouts,
    snapshot: Option<(Seq, &[u8])>,
    records: &[Record],
) -> Result<Restored, RestoreError> {
    let mut follower = Follower::begin(layouts.clone(), snapshot)?;
    for (index, record) in records.iter().enumerate() {
        follower = match follower.follow(record) {
            Ok(follower) => follower,
            Err(FollowError::Journal(error)) => return Err(error.into()),
            Err(error @ FollowError::Step { .. }) => {
                return stop_before(layouts, snapshot, &records[..index], error.to_string());
            }
        };
    }
    Ok(Restored { follower, frozen: None })
}

/// What a bad record left behind is gone: the good ones are stepped once more.
fn stop_before(
    layouts: &Layouts,
    snapshot: Option<(Seq, &[u8])>,
    good: &[Record],
    why: String,
) -> Result<Restored, RestoreError> {
    let follower = restore(layouts, snapshot, good)?.follower;
    let frozen = Some(Frozen::at(&follower.fleet, follower.seq(), why));
    Ok(Restored { follower, frozen })
}

/// A test's bug: this event can't be stepped.
#[cfg(test)]
pub(crate) fn planted(event: &Event) {
    let Event::JobCancelled { job } = event else { return };
    assert!(job.0 != "planted panic", "planted");
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use drover_maps::Layout;

    use super::*;
    use crate::config::Config;
    use crate::id::{Epoch, JobId};
    use crate::job::JobRequest;
    use crate::record::Entry;
    use crate::site::{Input, Site, Ticket};

    pub(in crate::site) const START: Time = Time(1_800_000_000_000);

    pub(in crate::site) fn layout() -> Arc<Layout> {
        let text = include_bytes!("../../../../maps/sites/fresh-dc/layout.lif.json");
        Arc::new(drover_maps::compile(text, None).expect("a layout of ours").layout)
    }

    pub(in crate::site) fn cancel(job: &str) -> Event {
        Event::JobCancelled { job: JobId(job.into()) }
    }

    fn journal(layout: &Arc<Layout>) -> (Site, Vec<Record>) {
        let mut site = Site::new(Arc::clone(layout), Config::default(), Epoch(1), START);
        let mut effects = Vec::new();
        site.receive(START, Input::Clock, &mut effects);
        let records = effects.into_iter().filter_map(|effect| match effect {
            Effect::Append(record) => Some(*record),
            _ => None,
        });
        let records = records.collect();
        (site, records)
    }

    pub(in crate::site) fn after(records: &[Record], event: Event) -> Record {
        let seq = Seq(records.last().expect("a record").seq_to.0 + 1);
        let entries = vec![Entry { time: START, event, commands: vec![] }];
        Record { seq_from: seq, seq_to: seq, epoch: Epoch(1), time: START, entries, digest: None }
    }

    fn restored(layout: &Arc<Layout>, records: &[Record]) -> Site {
        let site = Site::restore(Arc::clone(layout), Config::default(), Epoch(2), None, records, START);
        site.expect("a whole journal")
    }

    fn ask(site: &mut Site, now: Time, job: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        let request = JobRequest::Cancel(JobId(job.into()));
        site.receive(now, Input::Job { ticket: Some(Ticket(1)), request, by: None }, &mut effects);
        effects
    }

    #[test]
    fn a_record_that_panics_freezes_the_site_at_the_last_good_one() {
        let layout = layout();
        let (live, mut records) = journal(&layout);
        records.push(after(&records, cancel("planted panic")));
        let mut site = restored(&layout, &records);
        let frozen = site.frozen().expect("frozen").clone();
        assert_eq!((frozen.seq, frozen.digest), (live.seq(), live.fleet().digest()));
        assert!(frozen.why.contains("planted"), "{}", frozen.why);
        let effects = ask(&mut site, START, "J-1");
        assert!(matches!(effects.as_slice(), [Effect::Alarm(alarm)] if alarm.code == AlarmCode::Frozen));
        assert!(ask(&mut site, START.plus_ms(59_999), "J-1").is_empty());
        assert_eq!(site.next_timeout(), Some(START.plus_ms(60_000)));
        assert_eq!(ask(&mut site, START.plus_ms(60_000), "J-1").len(), 1);
        assert_eq!(site.seq(), live.seq(), "nothing was stepped");
    }

    #[test]
    fn a_record_that_causes_something_else_freezes_and_a_gap_is_an_error() {
        let layout = layout();
        let (live, mut records) = journal(&layout);
        records.push(after(&records, cancel("J-1")));
        let site = restored(&layout, &records);
        let why = &site.frozen().expect("frozen").why;
        assert!(why.contains("other commands than recorded"), "{why}");
        assert_eq!(site.fleet().digest(), live.fleet().digest());
        records.remove(0);
        let site = Site::restore(layout, Config::default(), Epoch(2), None, &records, START);
        site.expect_err("a gap");
    }

    #[test]
    fn a_panic_while_live_freezes_and_nothing_of_that_step_leaves() {
        let layout = layout();
        let (mut site, records) = journal(&layout);
        let seq_to = records.last().expect("a record").seq_to;
        site.receive(START, Input::Committed { seq_to }, &mut Vec::new());
        let effects = ask(&mut site, START, "planted panic");
        assert!(matches!(effects.as_slice(), [Effect::Alarm(alarm)] if alarm.code == AlarmCode::Frozen));
        assert_eq!((site.seq(), site.frozen().expect("frozen").seq), (seq_to, seq_to));
        assert!(ask(&mut site, START.plus_ms(1), "J-1").is_empty());
        assert_eq!(site.snapshot(), None, "nobody begins from what the panic left behind");
    }
}
