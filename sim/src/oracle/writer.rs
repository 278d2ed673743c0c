//! OneWriter: the journal has no gap and no fall, and nothing leaves without its durable record.

use std::collections::BTreeMap;

use drover_core::{Command, Epoch, Notification, Record, RobotName, Seq, Time};
use drover_proto::vda5050::Order;

use super::Breach;

/// What is durable, and what left.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    seq: Seq,
    epoch: Epoch,
    time: Time,
    /// Notifications in durable records: 1 to this.
    recorded_n: u64,
    notified_n: u64,
    is_repeat: bool,
    /// Order and update ids in durable records, and when each was decided.
    released: BTreeMap<(String, u32), Time>,
}

impl Writer {
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
        (self.seq, self.epoch, self.time) = (record.seq_to, record.epoch, record.time);
        for entry in &record.entries {
            breaches.extend(entry.commands.iter().filter_map(|command| self.committed(entry.time, command)));
        }
        breaches
    }

    fn committed(&mut self, at: Time, command: &Command) -> Option<Breach> {
        match command {
            Command::Notify(notification) => {
                let before = std::mem::replace(&mut self.recorded_n, notification.n);
                (notification.n != before + 1)
                    .then(|| breach(format!("notification {} is recorded after {before}", notification.n)))
            }
            Command::Release { order, .. } => {
                self.released.insert((order.order_id.clone(), order.update_id), at);
                None
            }
            Command::Reject(_)
            | Command::Refuse { .. }
            | Command::Ignore { .. }
            | Command::Assign { .. }
            | Command::Pause { .. }
            | Command::Device { .. }
            | Command::Alarm(_) => None,
        }
    }

    /// The last notification seen had been sent before.
    pub(crate) fn is_repeat(&self) -> bool {
        self.is_repeat
    }

    pub(crate) fn notified(&mut self, notification: &Notification) -> Vec<Breach> {
        let n = notification.n;
        let mut breaches = Vec::new();
        if n > self.recorded_n {
            breaches.push(breach(format!("notification {n} left before its record was durable")));
        }
        if n > self.notified_n + 1 {
            breaches.push(breach(format!("notification {n} left after {}: a gap", self.notified_n)));
        }
        self.is_repeat = n <= self.notified_n;
        self.notified_n = self.notified_n.max(n);
        breaches
    }

    /// When the order was decided; now, if no record says.
    pub(crate) fn decided(&self, now: Time, order: &Order) -> Time {
        self.released.get(&(order.order_id.clone(), order.order_update_id)).copied().unwrap_or(now)
    }

    pub(crate) fn ordered(&self, robot: usize, order: &Order, name: &RobotName) -> Option<Breach> {
        let key = (order.order_id.clone(), order.order_update_id);
        (!self.released.contains_key(&key)).then(|| {
            let text = format!("order {} update {} left for {name} without a durable record", key.0, key.1);
            Breach::new("OneWriter", &[robot], text)
        })
    }
}

fn breach(text: String) -> Breach {
    Breach::new("OneWriter", &[], text)
}
