//! Counts what became of the jobs, from the events a customer would see.

use std::collections::{BTreeMap, BTreeSet};

use drover_core::job::JobSpec;
use drover_core::{JobId, JobNews, Notification, Time};

/// What was asked, and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    due: BTreeMap<JobId, Option<Time>>,
    /// Queue order of each sequence that hasn't ended.
    sequences: BTreeMap<String, Vec<JobId>>,
    sequence_of: BTreeMap<JobId, String>,
    broken: BTreeSet<String>,
    ended: BTreeSet<JobId>,
    accepted: BTreeMap<JobId, Time>,
    /// Jobs told to be at risk.
    warned: BTreeSet<JobId>,
    took_ms: Vec<u64>,
    n: u64,
    /// Jobs asked for.
    pub total: usize,
    /// Done.
    pub done: usize,
    /// Done after their cut-off.
    pub late: usize,
    /// Done by their cut-off, of those that have one.
    pub on_time: usize,
    /// Done after their cut-off, and told to be at risk before it.
    pub late_told: usize,
    /// Failed or cancelled.
    pub failed: usize,
    /// Refused at the door.
    pub refused: usize,
    /// When the last job was done.
    pub last_done: Option<Time>,
}

impl Tally {
    /// Before anything was published.
    pub fn new<'a>(jobs: impl Iterator<Item = &'a JobSpec>) -> Tally {
        let mut tally = Tally::default();
        for job in jobs {
            tally.total += 1;
            tally.due.insert(job.id.clone(), job.due_at);
            if let Some(name) = &job.sequence {
                tally.sequences.entry(name.clone()).or_default().push(job.id.clone());
                tally.sequence_of.insert(job.id.clone(), name.clone());
            }
        }
        tally
    }

    /// An event of a job; one that was seen before counts nothing.
    pub fn notified(&mut self, notification: &Notification) {
        if notification.n <= self.n {
            return;
        }
        self.n = notification.n;
        match &notification.what {
            JobNews::Done => self.end(notification, true),
            JobNews::Failed { .. } | JobNews::Cancelled => self.end(notification, false),
            JobNews::Accepted => {
                self.accepted.insert(notification.job.clone(), notification.at);
            }
            JobNews::AtRisk { .. } => {
                self.warned.insert(notification.job.clone());
            }
            JobNews::Assigned | JobNews::Started | JobNews::LegDone { .. } | JobNews::Blocked { .. } => {}
        }
    }

    fn end(&mut self, notification: &Notification, is_done: bool) {
        let job = &notification.job;
        if !self.ended.insert(job.clone()) {
            return;
        }
        if is_done {
            self.done += 1;
            self.last_done = Some(notification.at);
            let accepted = self.accepted.remove(job);
            self.took_ms.extend(accepted.map(|accepted| notification.at.since_ms(accepted)));
            let due = self.due.get(job).copied().flatten();
            self.late += usize::from(due.is_some_and(|due| notification.at > due));
            self.late_told +=
                usize::from(due.is_some_and(|due| notification.at > due) && self.warned.contains(job));
            self.on_time += usize::from(due.is_some_and(|due| notification.at <= due));
        } else {
            self.failed += 1;
        }
        self.end_in_sequence(job, is_done);
    }

    /// Jobs told to be at risk.
    pub fn warned(&self) -> usize {
        self.warned.len()
    }

    /// Jobs with a cut-off.
    pub fn with_cut_off(&self) -> usize {
        self.due.values().flatten().count()
    }

    /// Jobs that haven't ended though their cut-off has passed.
    pub fn missed(&self, now: Time) -> usize {
        let is_missed = |(job, due): &(&JobId, &Option<Time>)| {
            due.is_some_and(|due| due < now) && !self.ended.contains(*job)
        };
        self.due.iter().filter(is_missed).count()
    }

    fn end_in_sequence(&mut self, job: &JobId, is_done: bool) {
        let Some(name) = self.sequence_of.get(job) else { return };
        let Some(waiting) = self.sequences.get_mut(name) else { return };
        if !is_done || waiting.first() != Some(job) {
            self.broken.insert(name.clone());
        }
        waiting.retain(|other| other != job);
    }

    /// From accepted to done, of each job that was done, in the order they were done, ms.
    pub fn took_ms(&self) -> &[u64] {
        &self.took_ms
    }

    /// Mean time of a job, ms; 0 without any.
    pub fn took_mean_ms(&self) -> u64 {
        self.took_ms.iter().sum::<u64>() / self.took_ms.len().max(1) as u64
    }

    /// Time that 95 of 100 jobs didn't exceed, ms; 0 without any.
    pub fn took_p95_ms(&self) -> u64 {
        let mut sorted = self.took_ms.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * 95).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or(0)
    }

    /// Sequences whose jobs weren't all done in order.
    pub fn sequences_broken(&self) -> usize {
        self.broken.len()
    }

    /// Every job has ended, one way or another.
    pub fn is_over(&self) -> bool {
        self.ended.len() + self.refused >= self.total
    }
}
