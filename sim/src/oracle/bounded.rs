//! Bounded: one message to a robot is under way at a time; nothing is repeated without measure; messages and records stay
//! small. All limits are seen from outside.

use std::collections::VecDeque;

use drover_core::{Event, Record, Time};
use drover_proto::vda5050::{InstantActions, Order};

use super::Breach;
use super::base::Base;

/// Times one message may be sent within a minute.
const SENDS_PER_MINUTE_MAX: usize = 60;
/// Instant actions to one robot within a minute.
const ACTIONS_PER_MINUTE_MAX: usize = 120;
/// Requests to one device within a minute.
const REQUESTS_PER_MINUTE_MAX: usize = 120;
/// Nodes of one message, released and not.
const NODES_MAX: usize = 256;
/// Nodes of one message beyond the base.
const HORIZON_MAX: usize = 64;
/// Bytes of a record per event and command in it.
const BYTES_MAX: usize = 8_192;
/// Bytes of a record per job submitted in it.
const JOB_BYTES_MAX: usize = 131_072;
/// Every so many records one is weighed.
const WEIGHED_EVERY: u64 = 32;

const MINUTE_MS: u64 = 60_000;

/// The times of the last minute.
#[derive(Clone, Debug, Default)]
struct Rate(VecDeque<Time>);

impl Rate {
    /// One more; whether there are too many now.
    fn exceeds(&mut self, now: Time, most: usize) -> bool {
        while self.0.front().is_some_and(|at| now.since_ms(*at) >= MINUTE_MS) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        self.0.len() > most
    }
}

/// What was sent lately.
#[derive(Debug)]
pub(crate) struct Bounded {
    sends: Vec<Rate>,
    actions: Vec<Rate>,
    requests: Vec<Rate>,
    records: u64,
}

impl Bounded {
    pub(crate) fn new(robots: usize, devices: usize) -> Bounded {
        Bounded {
            sends: vec![Rate::default(); robots],
            actions: vec![Rate::default(); robots],
            requests: vec![Rate::default(); devices],
            records: 0,
        }
    }

    /// An order leaves for a robot that holds this.
    pub(crate) fn ordered(
        &mut self,
        now: Time,
        (robot, order): (usize, &Order),
        is_resend: bool,
        base: &Base,
    ) -> Vec<Breach> {
        let mut faults = Vec::new();
        if !is_resend {
            self.sends[robot] = Rate::default();
            if !base.is_answered {
                faults.push("left before a state answered the one before".to_owned());
            }
        }
        if self.sends[robot].exceeds(now, SENDS_PER_MINUTE_MAX) {
            faults.push(format!("left more than {SENDS_PER_MINUTE_MAX} times within a minute"));
        }
        let horizon = order.nodes.iter().filter(|node| !node.released).count();
        if order.nodes.len() > NODES_MAX || horizon > HORIZON_MAX {
            faults.push(format!("has {} nodes, {horizon} of them horizon", order.nodes.len()));
        }
        let head = format!("order {} update {}", order.order_id, order.order_update_id);
        faults.into_iter().map(|fault| Breach::new("Bounded", &[robot], format!("{head} {fault}"))).collect()
    }

    pub(crate) fn instant_sent(
        &mut self,
        now: Time,
        robot: usize,
        actions: &InstantActions,
    ) -> Option<Breach> {
        let mut too_many = false;
        for _ in &actions.actions {
            too_many |= self.actions[robot].exceeds(now, ACTIONS_PER_MINUTE_MAX);
        }
        let text = || format!("more than {ACTIONS_PER_MINUTE_MAX} instant actions left within a minute");
        too_many.then(|| Breach::new("Bounded", &[robot], text()))
    }

    pub(crate) fn device_asked(&mut self, now: Time, device: usize) -> Option<Breach> {
        let too_many = self.requests.get_mut(device)?.exceeds(now, REQUESTS_PER_MINUTE_MAX);
        let text =
            || format!("device {device} was asked more than {REQUESTS_PER_MINUTE_MAX} times within a minute");
        too_many.then(|| Breach::new("Bounded", &[], text()))
    }

    /// A record became durable; some are weighed.
    pub(crate) fn recorded(&mut self, record: &Record) -> Option<Breach> {
        self.records += 1;
        if !self.records.is_multiple_of(WEIGHED_EVERY) {
            return None;
        }
        let (bytes, _) = record.encode();
        let is_job = |event: &Event| matches!(event, Event::JobSubmitted(_));
        let jobs = record.entries.iter().filter(|entry| is_job(&entry.event)).count();
        let parts: usize = record.entries.iter().map(|entry| 1 + entry.commands.len()).sum();
        let most = BYTES_MAX * parts + JOB_BYTES_MAX * jobs;
        (bytes.len() > most).then(|| {
            let (from, to) = (record.seq_from.0, record.seq_to.0);
            let text =
                format!("record {from} to {to} has {} bytes for {parts} events and commands", bytes.len());
            Breach::new("Bounded", &[], text)
        })
    }
}
