//! From the controller to the robot: late, lost, refused or as it came.

use super::{Deed, Mischief};
use crate::conform::master::phase::Phase;
use drover_agent_core::Incoming;
use drover_proto::vda5050::{Error, ErrorLevel, Order};

/// Of a thousand messages so many are lost.
pub(super) const LOST_PERMILLE: u64 = 300;
const DELAY_MS: (u64, u64) = (1_000, 4_000);
/// Which of a phase's orders and updates are refused, counted from 0: one, then three in a row.
const REFUSED: [usize; 4] = [1, 3, 4, 5];

impl Mischief {
    /// The controller sent this.
    pub fn take(&mut self, now_ms: u64, incoming: Incoming) {
        let is_refused = match &incoming {
            Incoming::Order(order) => self.count_and_refuse(order),
            Incoming::InstantActions(_) | Incoming::Connection(_) | Incoming::Malformed(..) => false,
        };
        if is_refused {
            return;
        }
        // The robot's own connection isn't the controller's to lose.
        let is_own = matches!(incoming, Incoming::Connection(_));
        let at_ms = match self.phase {
            Phase::Lossy if !is_own && self.chance.permille(LOST_PERMILLE) => return,
            Phase::Late if !is_own => now_ms + self.chance.between(DELAY_MS.0, DELAY_MS.1),
            Phase::Fair
            | Phase::Late
            | Phase::Lossy
            | Phase::Duplicating
            | Phase::Rejecting
            | Phase::Silent
            | Phase::Offline
            | Phase::Forgetful
            | Phase::Manual
            | Phase::WrongVersion => now_ms,
        };
        // One connection: nothing overtakes.
        let last = self.to_robot.back().map_or(0, |(at, _)| *at);
        self.to_robot.push_back((at_ms.max(last), incoming));
    }

    /// What the robot gets now.
    pub fn next_incoming(&mut self, now_ms: u64) -> Option<Incoming> {
        self.to_robot.front().filter(|(at, _)| *at <= now_ms)?;
        self.to_robot.pop_front().map(|(_, incoming)| incoming)
    }

    fn count_and_refuse(&mut self, order: &Order) -> bool {
        let id = (order.order_id.clone(), order.order_update_id);
        let is_new = !self.received.contains(&id);
        if is_new {
            self.received.push(id.clone());
        }
        let is_due = is_new && self.phase == Phase::Rejecting && REFUSED.contains(&(self.received.len() - 1));
        // A word once refused stays refused; one the robot has taken is known to it.
        let is_refused = self.refused.contains(&id) || is_due && self.shown != id;
        if is_refused {
            if !self.refused.contains(&id) {
                self.refused.push(id.clone());
            }
            let error = self.refusal(order);
            self.errors.retain(|old| old.error_references != error.error_references);
            self.errors.push(error);
            self.deeds.push_back(Deed::Show);
        }
        is_refused
    }

    fn refusal(&self, order: &Order) -> Error {
        let is_update = order.order_id == self.shown.0;
        let kind = if is_update { "orderUpdateError" } else { "orderError" };
        let mut error = Error::new(kind, ErrorLevel::Warning)
            .about("topic", "order")
            .about("headerId", order.header.header_id.to_string())
            .about("orderId", order.order_id.as_str())
            .about("orderUpdateId", order.order_update_id.to_string());
        error.error_description = Some("the robot doesn't take this one".to_owned());
        error
    }
}
