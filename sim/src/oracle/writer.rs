//! OneWriter: the journal has no gap, no overlap and no fall; nothing leaves without its durable record, and nothing of an
//! older epoch leaves once a newer one has written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use drover_core::{Command, Entry, Epoch, Event, JobId, Notification, Record, Seq, Time, release};
use drover_maps::Layout;
use drover_proto::vda5050::Order;

use super::Breach;
use crate::rng::fnv1a;

/// Recorded orders of one robot kept: only the newest may be sent.
const RELEASED_KEPT: usize = 4;

/// What is durable, and what left.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Whose word or deed is told now.
    acting: Epoch,
    begun: Option<Epoch>,
    seq: Seq,
    epoch: Epoch,
    time: Time,
    /// Hashes of the notifications in durable records: 1 to the length of this.
    recorded: Vec<u64>,
    notified_n: u64,
    is_repeat: bool,
    /// The newest recorded orders of each robot, and when each was decided.
    released: Vec<VecDeque<(Time, release::Order)>>,
    /// Where each job was submitted first, whatever became of it.
    submitted: BTreeMap<JobId, Seq>,
    acked: BTreeSet<JobId>,
}

impl Writer {
    pub(crate) fn new(robots: usize) -> Writer {
        Writer {
            acting: Epoch(1),
            begun: None,
            seq: Seq(0),
            epoch: Epoch(0),
            time: Time(0),
            recorded: Vec::new(),
            notified_n: 0,
            is_repeat: false,
            released: vec![VecDeque::new(); robots],
            submitted: BTreeMap::new(),
            acked: BTreeSet::new(),
        }
    }

    pub(crate) fn acts(&mut self, epoch: Epoch) {
        self.acting = epoch;
    }

    /// Whose word or deed is told now.
    pub(crate) fn acting(&self) -> Epoch {
        self.acting
    }

    /// A process begins with what it read of the journal: all that was ever durable.
    pub(crate) fn began(&mut self, epoch: Epoch, seq: Seq) -> Vec<Breach> {
        self.acting = epoch;
        let mut breaches = Vec::new();
        if self.begun.replace(epoch).is_some_and(|before| epoch <= before) {
            breaches.push(breach(format!("a process began with epoch {}, which isn't new", epoch.0)));
        }
        if seq < self.seq {
            let text = format!("a process began at seq {}, but seq {} had been durable", seq.0, self.seq.0);
            breaches.push(breach(text));
        }
        let lost = self.acked.iter().find(|job| self.submitted.get(*job).is_some_and(|at| *at > seq));
        breaches.extend(lost.map(|job| {
            let text = format!("job {job} was acknowledged, and isn't in the journal of a new process");
            Breach::new("OnceOnly", &[], text)
        }));
        breaches
    }

    /// A record became durable.
    pub(crate) fn recorded(&mut self, record: &Record) -> Vec<Breach> {
        let mut breaches = Vec::new();
        let is_next = record.seq_from.0 == self.seq.0 + 1
            && record.seq_to.0 + 1 == record.seq_from.0 + record.entries.len() as u64;
        if !is_next || record.epoch < self.epoch || record.time < self.time {
            breaches.push(breach(format!(
                "record {} to {} of epoch {} doesn't follow seq {} of epoch {}",
                record.seq_from.0, record.seq_to.0, record.epoch.0, self.seq.0, self.epoch.0
            )));
        }
        self.seq = self.seq.max(record.seq_to);
        (self.epoch, self.time) = (self.epoch.max(record.epoch), record.time);
        for (entry, seq) in record.entries.iter().zip(record.seq_from.0..) {
            breaches.extend(self.noted(entry, Seq(seq)));
        }
        breaches
    }

    fn noted(&mut self, entry: &Entry, seq: Seq) -> Option<Breach> {
        if let Event::JobSubmitted(spec) = &entry.event {
            self.submitted.entry(spec.id.clone()).or_insert(seq);
        }
        let mut breach = None;
        for command in &entry.commands {
            let Command::Notify(notification) = command else { continue };
            let next = self.recorded.len() as u64 + 1;
            if notification.n != next {
                let text = format!("notification {} is recorded where {next} comes next", notification.n);
                breach = Some(self::breach(text));
            }
            self.recorded.push(hash(notification));
        }
        breach
    }

    /// An order to a robot is in a durable record.
    pub(crate) fn released(&mut self, robot: usize, at: Time, order: &release::Order) {
        let released = &mut self.released[robot];
        released.truncate(RELEASED_KEPT - 1);
        released.push_front((at, order.clone()));
    }

    /// This message to a robot is in a durable record.
    pub(crate) fn has_released(&self, robot: usize, order_id: &str, update_id: u32) -> bool {
        self.released[robot]
            .iter()
            .any(|(_, known)| known.order_id == order_id && known.update_id == update_id)
    }

    /// The last notification seen had been sent before.
    pub(crate) fn is_repeat(&self) -> bool {
        self.is_repeat
    }

    pub(crate) fn notified(&mut self, notification: &Notification) -> Vec<Breach> {
        let n = notification.n;
        let mut breaches: Vec<Breach> = self.may_send(&[]).into_iter().collect();
        match n.checked_sub(1).and_then(|index| self.recorded.get(index as usize)) {
            None => {
                breaches.push(breach(format!("notification {n} left before its record was durable")));
            }
            Some(recorded) if *recorded != hash(notification) => {
                breaches.push(breach(format!("notification {n} left with another body than recorded")));
            }
            Some(_) => {}
        }
        if n > self.notified_n + 1 {
            breaches.push(breach(format!("notification {n} left after {}: a gap", self.notified_n)));
        }
        self.is_repeat = n <= self.notified_n;
        self.notified_n = self.notified_n.max(n);
        breaches
    }

    /// A job is acknowledged only when its record is durable.
    pub(crate) fn acked(&mut self, job: &JobId) -> Vec<Breach> {
        let mut breaches: Vec<Breach> = self.may_send(&[]).into_iter().collect();
        if !self.submitted.contains_key(job) {
            breaches.push(breach(format!("job {job} was acknowledged before its record was durable")));
        }
        self.acked.insert(job.clone());
        breaches
    }

    /// Jobs that were acknowledged and aren't among these.
    pub(crate) fn lost(&self, kept: &BTreeSet<JobId>) -> Option<Breach> {
        let lost: Vec<&str> = self
            .acked
            .difference(kept)
            .filter(|job| self.submitted.contains_key(*job))
            .map(|job| job.0.as_str())
            .collect();
        let text = || format!("jobs were acknowledged, but aren't in the journal: {}", lost.join(", "));
        (!lost.is_empty()).then(|| Breach::new("OnceOnly", &[], text()))
    }

    /// Once a newer epoch has written, an older one is silent.
    pub(crate) fn may_send(&self, robots: &[usize]) -> Option<Breach> {
        (self.acting < self.epoch).then(|| {
            let text = format!("epoch {} sends after epoch {} wrote", self.acting.0, self.epoch.0);
            Breach::new("OneWriter", robots, text)
        })
    }

    /// When the order was decided; now, if no record says.
    pub(crate) fn decided(&self, now: Time, robot: usize, order: &Order) -> Time {
        self.record_of(robot, order).map_or(now, |(at, _)| *at)
    }

    fn record_of(&self, robot: usize, order: &Order) -> Option<&(Time, release::Order)> {
        let is_it = |known: &release::Order| {
            known.update_id == order.order_update_id && known.order_id == order.order_id
        };
        self.released[robot].iter().find(|(_, known)| is_it(known))
    }

    /// An order leaves: it is in a durable record, to the letter.
    pub(crate) fn ordered(&self, robot: usize, order: &Order, layout: &Layout) -> Vec<Breach> {
        let mut breaches: Vec<Breach> = self.may_send(&[robot]).into_iter().collect();
        let head = format!("order {} update {} left", order.order_id, order.order_update_id);
        match self.record_of(robot, order) {
            None => {
                let text = format!("{head} without a durable record");
                breaches.push(Breach::new("OneWriter", &[robot], text));
            }
            Some((_, recorded)) if !says(recorded, order, layout) => {
                let text = format!("{head} with another way or other actions than recorded");
                breaches.push(Breach::new("OneWriter", &[robot], text));
            }
            Some(_) => {}
        }
        breaches
    }
}

/// The message says what was recorded: nodes, edges, what is released, what is to be done.
fn says(recorded: &release::Order, order: &Order, layout: &Layout) -> bool {
    let nodes = recorded.nodes.iter().zip(&order.nodes).all(|(recorded, sent)| {
        let actions = recorded.actions.iter().map(|action| &action.id);
        layout.node(recorded.node).name == sent.node_id
            && (recorded.sequence_id, recorded.released) == (sent.sequence_id, sent.released)
            && actions.eq(sent.actions.iter().map(|action| &action.action_id))
    });
    let edges = recorded.edges.iter().zip(&order.edges).all(|(recorded, sent)| {
        layout.edge(recorded.edge).name == sent.edge_id
            && (recorded.sequence_id, recorded.released) == (sent.sequence_id, sent.released)
    });
    let counts = (recorded.nodes.len(), recorded.edges.len()) == (order.nodes.len(), order.edges.len());
    nodes && edges && counts
}

fn hash(notification: &Notification) -> u64 {
    fnv1a(format!("{notification:?}").as_bytes())
}

fn breach(text: String) -> Breach {
    Breach::new("OneWriter", &[], text)
}
