//! Who leads a site: takes the lease when it is free, ours or over, renews it, and knows until when that is sure.
//!
//! ```text
//!   Standby ── look ──► free, ours or over? ── take ──► Leading ── renew, every second ──► Leading
//!      ▲                      │ no                         │ refused: another epoch ──► Over
//!      └──────────────────────┘                            └ given up ──► Over
//! ```
//!
//! The lease is for liveness. Safety comes from the epoch: a deposed leader's append is refused. The deadline kept here
//! only keeps a leader that slept between its commit and its publish from speaking late. Two clocks come in: the one that
//! the lease's expiry is written in, and this process's own monotonic one, which alone says whether the lead is sure.

use crate::clock::Time;
use crate::id::Epoch;

/// How long a lease holds unless it is renewed, ms.
pub const LEASE_MS: u64 = 4_000;
/// Pause between two renewals, and between two questions to a store that is away, ms.
pub const RENEW_EVERY_MS: u64 = 1_000;
/// Pause between two looks of a standby, at most: it takes up a lease that was given back within this time, ms.
pub const LOOK_EVERY_MS: u64 = 200;

/// The lease of a site, as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who has it.
    pub holder: String,
    /// Until when, on the clock that all processes of the site share roughly.
    pub expires: Time,
}

impl Lease {
    /// When a lease that is asked for now is to expire.
    pub fn expiry(now: Time) -> Time {
        now.plus_ms(LEASE_MS)
    }
}

/// What the store is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Who has the lease? Answered by `Lead::looked`.
    Look,
    /// The lease and a new epoch. Answered by `Lead::answered`.
    Take,
    /// The lease for longer, if this epoch still leads. Answered by `Lead::answered`.
    Renew(Epoch),
}

/// What the store answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The lease is ours, in this epoch.
    Granted(Epoch),
    /// Somebody else has it.
    Refused,
    /// Nobody knows: the store can't be reached.
    Away,
}

/// One process's part in the leadership of a site.
#[derive(Clone, Debug)]
pub struct Lead {
    us: String,
    stage: Stage,
    /// When the question that awaits its answer was asked.
    asked: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Standby { look_at: Time },
    Free,
    Leading { epoch: Epoch, sure_until: Time, renew_at: Time },
    Over,
}

impl Lead {
    /// A standby under this name: a process that starts again under the same name takes its own lease at once.
    pub fn new(us: String) -> Lead {
        Lead { us, stage: Stage::Standby { look_at: Time::default() }, asked: None }
    }

    /// What to ask the store now, on our own clock; nothing while an answer is awaited.
    pub fn poll(&mut self, own: Time) -> Option<Ask> {
        let due = self.next_timeout().filter(|due| *due <= own)?;
        self.asked = Some(own.max(due));
        match self.stage {
            Stage::Standby { .. } => Some(Ask::Look),
            Stage::Free => Some(Ask::Take),
            Stage::Leading { epoch, .. } => Some(Ask::Renew(epoch)),
            Stage::Over => None,
        }
    }

    /// When `poll` has something to ask, on our own clock.
    pub fn next_timeout(&self) -> Option<Time> {
        match self.stage {
            _ if self.asked.is_some() => None,
            Stage::Standby { look_at } => Some(look_at),
            Stage::Free => Some(Time::default()),
            Stage::Leading { renew_at, .. } => Some(renew_at),
            Stage::Over => None,
        }
    }

    /// The answer to a look: the lease as it stands, on the shared clock. None = nobody has ever had it.
    pub fn looked(&mut self, own: Time, lease: Option<&Lease>, shared: Time) {
        self.asked = None;
        if let Stage::Standby { .. } = self.stage {
            let is_open = lease.is_none_or(|lease| lease.holder == self.us || lease.expires <= shared);
            let left_ms = lease.map_or(0, |lease| lease.expires.since_ms(shared));
            let look_at = own.plus_ms(left_ms.min(LOOK_EVERY_MS));
            self.stage = if is_open { Stage::Free } else { Stage::Standby { look_at } };
        }
    }

    /// The answer to anything else; also to a look that couldn't be made.
    pub fn answered(&mut self, own: Time, answer: Answer) {
        let Some(asked) = self.asked.take() else { return };
        let again = own.plus_ms(RENEW_EVERY_MS);
        self.stage = match (self.stage, answer) {
            (Stage::Over, _) | (Stage::Leading { .. }, Answer::Refused) => Stage::Over,
            (Stage::Leading { epoch, sure_until, .. }, Answer::Away) => {
                Stage::Leading { epoch, sure_until, renew_at: again }
            }
            (Stage::Standby { .. } | Stage::Free | Stage::Leading { .. }, Answer::Granted(epoch)) => {
                Stage::Leading { epoch, sure_until: asked.plus_ms(LEASE_MS), renew_at: again }
            }
            (Stage::Standby { .. } | Stage::Free, Answer::Refused | Answer::Away) => {
                Stage::Standby { look_at: again }
            }
        };
    }

    /// Our name in the lease.
    pub fn us(&self) -> &str {
        &self.us
    }

    /// Until when, on our own clock, nobody can have taken the lead: a lease holds from when it was asked for, not from when
    /// it was granted. 0 = we don't lead.
    pub fn sure_until(&self) -> Time {
        match self.stage {
            Stage::Leading { sure_until, .. } => sure_until,
            Stage::Standby { .. } | Stage::Free | Stage::Over => Time::default(),
        }
    }

    /// The epoch in which this process leads, or last knew that it did.
    pub fn epoch(&self) -> Option<Epoch> {
        match self.stage {
            Stage::Leading { epoch, .. } => Some(epoch),
            Stage::Standby { .. } | Stage::Free | Stage::Over => None,
        }
    }

    /// The lead is lost or given up: this process must not lead again before it starts anew.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Stops leading at once; the epoch whose lease is to be renewed to `Time(0)`, so that the next leader needn't wait.
    pub fn give_up(&mut self) -> Option<Epoch> {
        let epoch = self.epoch();
        (self.stage, self.asked) = (Stage::Over, None);
        epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_sure(lead: &Lead, own: Time) -> bool {
        own < lead.sure_until()
    }

    fn leading(at: Time) -> Lead {
        let mut lead = Lead::new("a".into());
        assert_eq!(lead.poll(at), Some(Ask::Look));
        lead.looked(at, None, Time(0));
        assert_eq!(lead.poll(at), Some(Ask::Take));
        assert_eq!(lead.poll(at), None, "one question at a time");
        lead.answered(at.plus_ms(300), Answer::Granted(Epoch(7)));
        lead
    }

    #[test]
    fn a_lease_is_taken_when_it_is_free_ours_or_over_and_never_before() {
        let lease = |holder: &str| Some(Lease { holder: holder.into(), expires: Time(5_000) });
        for (lease, shared, takes) in
            [(None, 0, true), (lease("a"), 0, true), (lease("b"), 4_999, false), (lease("b"), 5_000, true)]
        {
            let mut lead = Lead::new("a".into());
            lead.poll(Time(10));
            lead.looked(Time(10), lease.as_ref(), Time(shared));
            assert_eq!(lead.poll(Time(10)) == Some(Ask::Take), takes, "{lease:?} at {shared}");
            assert_eq!(lead.next_timeout(), (!takes).then_some(Time(11)));
        }
    }

    #[test]
    fn a_standby_looks_often_and_at_the_moment_the_lease_ends() {
        let lease = Lease { holder: "b".into(), expires: Time(5_000) };
        for (shared, pause) in [(1_000, LOOK_EVERY_MS), (4_900, 100)] {
            let mut lead = Lead::new("a".into());
            lead.poll(Time(10));
            lead.looked(Time(10), Some(&lease), Time(shared));
            assert_eq!(lead.next_timeout(), Some(Time(10 + pause)));
        }
    }

    #[test]
    fn a_leader_is_sure_from_when_it_asked_and_not_from_when_it_was_answered() {
        let mut lead = leading(Time(1_000));
        assert!(is_sure(&lead, Time(4_999)) && !is_sure(&lead, Time(5_000)));
        assert_eq!(lead.poll(Time(2_299)), None);
        assert_eq!(lead.poll(Time(2_300)), Some(Ask::Renew(Epoch(7))));
        lead.answered(Time(4_000), Answer::Granted(Epoch(7)));
        assert!(is_sure(&lead, Time(6_299)) && !is_sure(&lead, Time(6_300)));
    }

    #[test]
    fn a_store_that_is_away_ends_the_surety_but_not_the_lead() {
        let mut lead = leading(Time(0));
        for second in 1..8 {
            let now = Time(second * 1_300);
            assert_eq!(lead.poll(now), Some(Ask::Renew(Epoch(7))));
            lead.answered(now, Answer::Away);
        }
        assert!(!is_sure(&lead, Time(9_100)) && !lead.is_over());
        lead.poll(Time(11_000));
        lead.answered(Time(11_000), Answer::Granted(Epoch(7)));
        assert!(is_sure(&lead, Time(11_001)));
    }

    #[test]
    fn a_refused_renewal_ends_the_lead_for_good_and_a_refused_take_does_not() {
        let mut lead = leading(Time(0));
        lead.poll(Time(2_000));
        lead.answered(Time(2_000), Answer::Refused);
        assert!(lead.is_over() && !is_sure(&lead, Time(2_001)));
        assert_eq!((lead.poll(Time(9_000)), lead.next_timeout()), (None, None));
        let mut standby = Lead::new("b".into());
        standby.poll(Time(0));
        standby.looked(Time(0), None, Time(0));
        standby.poll(Time(0));
        standby.answered(Time(0), Answer::Refused);
        assert_eq!(standby.poll(Time(1_000)), Some(Ask::Look));
    }

    #[test]
    fn who_gives_up_is_sure_no_more_and_says_what_to_give_back() {
        let mut lead = leading(Time(0));
        assert_eq!(lead.give_up(), Some(Epoch(7)));
        assert!(!is_sure(&lead, Time(1)) && lead.is_over());
        lead.answered(Time(2), Answer::Granted(Epoch(7)));
        assert!(!is_sure(&lead, Time(3)), "a late answer brings nothing back");
        assert_eq!(Lead::new("b".into()).give_up(), None);
    }
}
