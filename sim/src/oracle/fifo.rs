//! Fifo: jobs are admitted in queue order; the jobs of a sequence start, reach their last leg and end in that order.

use std::collections::{BTreeMap, BTreeSet};

use drover_core::job::{ActionSpec, JobSpec};
use drover_core::{JobId, JobNews, Notification};
use drover_proto::vda5050::Order;

use super::once::is_of_a_job;
use super::{Breach, Jobs};

/// The steps of a job that keep the order of its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Milestone {
    Started,
    AtLastLeg,
    Ended,
}

/// Queue order, and how far each sequence is.
#[derive(Debug, Default)]
pub(crate) struct Fifo {
    /// Each job's place in the queue: that of its first message.
    places: BTreeMap<JobId, usize>,
    published: Vec<JobId>,
    /// Whether the journal has it, by place; and the first place it hasn't.
    is_submitted: Vec<bool>,
    submitted_to: usize,
    /// Jobs of each sequence, in order of admission.
    sequences: BTreeMap<String, Vec<JobId>>,
    /// As published.
    sequence_of: BTreeMap<JobId, String>,
    reached: BTreeSet<(JobId, Milestone)>,
    last_actions: BTreeSet<String>,
}

impl Fifo {
    pub(crate) fn published(&mut self, spec: &JobSpec) {
        if self.places.contains_key(&spec.id) {
            return;
        }
        self.places.insert(spec.id.clone(), self.published.len());
        self.published.push(spec.id.clone());
        self.is_submitted.push(false);
        if let Some(name) = &spec.sequence {
            self.sequence_of.insert(spec.id.clone(), name.clone());
        }
    }

    /// A job was submitted, in the order of the journal: taken over, refused, or known already.
    pub(crate) fn submitted(&mut self, spec: &JobSpec, is_refused: bool) -> Option<Breach> {
        let breach = |text: String| Some(Breach::new("Fifo", &[], text));
        let Some(place) = self.places.get(&spec.id).copied() else {
            return breach(format!("job {} was submitted, but never published", spec.id));
        };
        self.is_submitted[place] = true;
        while self.is_submitted.get(self.submitted_to) == Some(&true) {
            self.submitted_to += 1;
        }
        if is_refused {
            return None;
        }
        if let Some(name) = self.sequence_of.get(&spec.id) {
            self.sequences.entry(name.clone()).or_default().push(spec.id.clone());
        }
        let before = self.published.get(self.submitted_to).filter(|_| self.submitted_to < place)?;
        breach(format!("job {} was admitted before job {before}, which was published before it", spec.id))
    }

    /// An order that is no resend: the last action of a job is its last leg's.
    pub(crate) fn ordered(&mut self, robot: usize, order: &Order, jobs: &Jobs) -> Option<Breach> {
        let spec = jobs.of_robot.get(&robot).and_then(|job| jobs.specs.get(job))?;
        if self.reached.contains(&(spec.id.clone(), Milestone::Ended)) {
            return None;
        }
        let last = spec.legs.last()?.action.as_ref().filter(|action| action.name != ActionSpec::CONFIRM)?;
        let actions = order.nodes.iter().filter(|node| node.released).flat_map(|node| &node.actions);
        let mut found = None;
        for action in actions.filter(|action| is_of_a_job(action) && action.action_type == last.name) {
            if self.last_actions.insert(action.action_id.clone()) {
                found = found.or(self.reach(&spec.id, Milestone::AtLastLeg, &[robot]));
            }
        }
        found
    }

    /// News of a job.
    pub(crate) fn notified(&mut self, notification: &Notification) -> Option<Breach> {
        let job = &notification.job;
        match &notification.what {
            JobNews::Started => self.reach(job, Milestone::Started, &[]),
            JobNews::Done => self.reach(job, Milestone::Ended, &[]),
            JobNews::Failed { .. } | JobNews::Cancelled => {
                for milestone in [Milestone::Started, Milestone::AtLastLeg, Milestone::Ended] {
                    self.reached.insert((job.clone(), milestone));
                }
                None
            }
            JobNews::Accepted
            | JobNews::Assigned
            | JobNews::LegDone { .. }
            | JobNews::AtRisk { .. }
            | JobNews::Blocked { .. } => None,
        }
    }

    fn reach(&mut self, job: &JobId, milestone: Milestone, robots: &[usize]) -> Option<Breach> {
        self.reached.insert((job.clone(), milestone));
        if milestone == Milestone::Ended {
            self.reached.insert((job.clone(), Milestone::AtLastLeg));
        }
        let sequence = self.sequence_of.get(job)?;
        let before = self.sequences.get(sequence)?.iter().take_while(|other| *other != job);
        let skipped =
            before.into_iter().find(|other| !self.reached.contains(&((*other).clone(), milestone)))?;
        let text = format!("job {job} of sequence {sequence} is {milestone:?} before job {skipped}");
        Some(Breach::new("Fifo", robots, text))
    }
}
