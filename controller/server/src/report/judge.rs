//! Jobs and their sequences, from journal records alone: who came when, in which order, how it ended.

use std::collections::{BTreeMap, HashMap};

use drover_core::{Command, Event, JobNews, Record, Time};

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All legs done.
    Done,
    /// Ended without being done.
    Failed,
    /// Taken back.
    Cancelled,
}

/// One accepted job.
#[derive(Clone, Debug)]
pub struct JobStory {
    /// Its sequence.
    pub sequence: Option<String>,
    /// Its cut-off.
    pub due_at: Option<Time>,
    /// When it was accepted.
    pub accepted_at: Time,
    /// When a robot showed its first order.
    pub started_at: Option<Time>,
    /// When and how it ended.
    pub ended: Option<(Time, Outcome)>,
}

impl JobStory {
    /// How late it was done, ms; none when on time, not done or without cut-off.
    pub fn late_ms(&self) -> Option<u64> {
        match (&self.ended, self.due_at) {
            (Some((at, Outcome::Done)), Some(due)) if *at > due => Some(at.since_ms(due)),
            _ => None,
        }
    }
}

/// One sequence: places in the order of admission, as they started and as they were done.
#[derive(Clone, Debug, Default)]
struct Order {
    started: Vec<usize>,
    done: Vec<usize>,
}

/// All that is known of the jobs.
#[derive(Debug, Default)]
pub struct Judge {
    jobs: Vec<JobStory>,
    places: HashMap<String, usize>,
    orders: BTreeMap<String, Order>,
    refused: u64,
    ended: usize,
}

impl Judge {
    /// Reads a record.
    pub fn take(&mut self, record: &Record) {
        for entry in &record.entries {
            if let Event::JobSubmitted(spec) = &entry.event {
                let is_rejected = entry.commands.iter().any(|command| matches!(command, Command::Reject(_)));
                if is_rejected {
                    self.refused += 1;
                } else if !entry.is_refused() {
                    self.places.insert(spec.id.0.clone(), self.jobs.len());
                    self.jobs.push(JobStory {
                        sequence: spec.sequence.clone(),
                        due_at: spec.due_at,
                        accepted_at: entry.time,
                        started_at: None,
                        ended: None,
                    });
                }
            }
            for command in &entry.commands {
                if let Command::Notify(news) = command {
                    self.hear(&news.job.0, &news.what, entry.time);
                }
            }
        }
    }

    fn hear(&mut self, id: &str, news: &JobNews, now: Time) {
        let Some(place) = self.places.get(id).copied() else { return };
        let job = &mut self.jobs[place];
        let mut order = Order::default();
        let order = match &job.sequence {
            Some(name) => self.orders.entry(name.clone()).or_default(),
            None => &mut order,
        };
        let outcome = match news {
            JobNews::Started => {
                job.started_at.get_or_insert(now);
                order.started.push(place);
                return;
            }
            JobNews::Done => {
                order.done.push(place);
                Outcome::Done
            }
            JobNews::Failed { .. } => Outcome::Failed,
            JobNews::Cancelled => Outcome::Cancelled,
            JobNews::Accepted
            | JobNews::Assigned
            | JobNews::LegDone { .. }
            | JobNews::AtRisk { .. }
            | JobNews::Blocked { .. } => return,
        };
        job.ended = Some((now, outcome));
        self.ended += 1;
    }

    /// A job was refused before it reached the fleet.
    pub fn refuse(&mut self) {
        self.refused += 1;
    }

    /// Accepted jobs, in the order of admission.
    pub fn jobs(&self) -> &[JobStory] {
        &self.jobs
    }

    /// Jobs that were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Accepted jobs that have ended.
    pub fn ended(&self) -> usize {
        self.ended
    }

    /// Accepted jobs that ended like this.
    pub fn count(&self, outcome: &Outcome) -> usize {
        self.jobs.iter().filter(|job| job.ended.as_ref().is_some_and(|(_, end)| end == outcome)).count()
    }

    /// Started and were done in the order of admission (Fifo).
    pub fn is_in_order(&self, sequence: &str) -> bool {
        self.orders.get(sequence).is_none_or(|order| order.started.is_sorted() && order.done.is_sorted())
    }

    /// Names of all sequences.
    pub fn sequences(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.jobs.iter().filter_map(|job| job.sequence.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Sequences that are past their cut-off with jobs left, or will be at their present pace.
    pub fn at_risk(&self, now: Time) -> usize {
        self.sequences().into_iter().filter(|name| self.is_at_risk(name, now)).count()
    }

    fn is_at_risk(&self, sequence: &str, now: Time) -> bool {
        let jobs = || self.jobs.iter().filter(|job| job.sequence.as_deref() == Some(sequence));
        let left = jobs().filter(|job| job.ended.is_none()).count() as u64;
        let Some(due) = jobs().filter_map(|job| job.due_at).min() else { return false };
        let ends = jobs().filter_map(|job| job.ended.as_ref().map(|(at, _)| *at));
        let (first, last) = (ends.clone().min(), ends.max());
        let done = jobs().count() as u64 - left;
        let pace_ms = match (first, last) {
            (Some(first), Some(last)) if done > 2 => last.since_ms(first) / (done - 1),
            _ => 0,
        };
        left > 0 && now.plus_ms(left * pace_ms) > due
    }

    /// From the first job accepted to the last one ended.
    pub fn span(&self) -> Option<(Time, Time)> {
        let from = self.jobs.first()?.accepted_at;
        let to = self.jobs.iter().filter_map(|job| job.ended.as_ref()).map(|(at, _)| *at).max()?;
        Some((from, to))
    }
}
