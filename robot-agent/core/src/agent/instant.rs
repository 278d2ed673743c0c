//! Instant actions (2.1.0, 6.8): cancel, pause, requests; the rest goes to the drive.

use super::Agent;
use super::book::{Entry, Origin};
use super::catalogue::fault;
use super::check::length_fault;
use super::perform::of_instant;
use super::trouble::Trouble;
use crate::drive::Drive;
use drover_proto::vda5050::{Action, ActionScope, ActionStatus, InstantActions};

/// Most actions of one message.
pub(super) const MESSAGE_MAX: usize = 64;
/// Most instant actions that wait or run at a time.
const OPEN_MAX: usize = 256;

impl<D: Drive> Agent<D> {
    pub(super) fn on_instant_actions(&mut self, message: InstantActions) {
        self.report.is_dirty = true;
        let header_id = message.header.header_id;
        let count = message.actions.len();
        if count > MESSAGE_MAX {
            let why = format!("{count} actions in one message; {MESSAGE_MAX} at most");
            let error = Trouble::Malformed.error(self.options.dialect, why);
            return self
                .raise(error.about("topic", "instantActions").about("headerId", header_id.to_string()));
        }
        for action in message.actions {
            self.take_instant(&action, header_id);
        }
    }

    fn take_instant(&mut self, action: &Action, header_id: u32) {
        let is_nameless = action.action_id.is_empty();
        if let Some(why) = length_fault(action).or(is_nameless.then(|| "actionId is empty".to_owned())) {
            // Not on the book: what has no name, or one too long to keep, can't be shown there.
            return self.complain_of("", header_id, Trouble::Malformed, why);
        }
        if !self.book.add_instant(header_id, action) {
            return;
        }
        let is_full = self.book.open_instants() > OPEN_MAX;
        let full = is_full.then(|| format!("{OPEN_MAX} instant actions are open; wait for them"));
        let fault = || fault(&self.options, self.drive.abilities(), action, ActionScope::Instant);
        match full.or_else(fault) {
            Some(why) => self.refuse_instant(Trouble::InstantAction, action, header_id, why),
            None => self.on_instant(action, header_id),
        }
    }

    fn on_instant(&mut self, action: &Action, header_id: u32) {
        let id = action.action_id.as_str();
        match action.action_type.as_str() {
            "cancelOrder" => self.cancel_order(id, header_id),
            "startPause" => {
                self.is_paused = true;
                self.drive.hold(self.now_ms, true);
                self.book.set_running(id);
                self.pausing.push(id.to_owned());
            }
            "stopPause" => {
                self.is_paused = false;
                self.drive.hold(self.now_ms, false);
                self.finish(id);
                self.end_pausing();
            }
            "stateRequest" => self.finish(id),
            "factsheetRequest" => {
                self.send_factsheet();
                self.finish(id);
            }
            // At once: it must not wait for an order to end, however it blocks.
            "initPosition" => match self.place_in(action) {
                Ok(_) => self.book.trigger_one(id),
                Err(why) => self.refuse_instant(Trouble::Place, action, header_id, why),
            },
            _ => self.book.trigger_one(id),
        }
    }

    fn cancel_order(&mut self, id: &str, header_id: u32) {
        let is_active = !self.course.steps.is_empty() || self.book.has_open_of_order();
        if !is_active && self.cancelling.is_empty() {
            self.book.end(id, ActionStatus::Failed, Some("no order to cancel".to_owned()));
            let why = "no order is active".to_owned();
            return self.complain_of(id, header_id, Trouble::NothingToCancel, why);
        }
        self.book.set_running(id);
        if self.cancelling.is_empty() {
            self.fail_open_actions(|entry| entry.status == ActionStatus::Waiting);
            self.course.given = self.drive.cut(self.now_ms);
        }
        self.cancelling.push(id.to_owned());
    }

    /// Fails those of the order's open actions that pass the test.
    pub(super) fn fail_open_actions(&mut self, test: impl Fn(&Entry) -> bool) {
        for id in self.book.open(|entry| entry.origin != Origin::Instant && test(entry)) {
            self.drive.interrupt(self.now_ms, &id);
            self.book.end(&id, ActionStatus::Failed, None);
        }
    }

    /// A cancel is over when the robot stands and no action of the order runs.
    pub(super) fn end_cancel(&mut self) -> bool {
        let is_over = !self.cancelling.is_empty()
            && self.course.given == 0
            && !self.drive.is_driving()
            && !self.book.has_running_of_order();
        if is_over {
            self.close_order();
        }
        is_over
    }

    pub(super) fn close_order(&mut self) {
        self.course.close();
        for id in std::mem::take(&mut self.cancelling) {
            self.finish(&id);
        }
    }

    /// A pause has begun when the robot stands.
    pub(super) fn end_pause(&mut self) -> bool {
        let is_over = !self.pausing.is_empty() && !self.drive.is_driving();
        if is_over {
            self.end_pausing();
        }
        is_over
    }

    fn end_pausing(&mut self) {
        for id in std::mem::take(&mut self.pausing) {
            self.finish(&id);
        }
    }

    fn finish(&mut self, id: &str) {
        self.book.end(id, ActionStatus::Finished, None);
        self.report.is_dirty = true;
    }

    fn complain_of(&mut self, action_id: &str, header_id: u32, trouble: Trouble, why: String) {
        let error = trouble.error(self.options.dialect, why);
        self.raise(of_instant(error, action_id, header_id));
    }

    fn refuse_instant(&mut self, trouble: Trouble, action: &Action, header_id: u32, why: String) {
        self.complain_of(&action.action_id, header_id, trouble, why.clone());
        self.book.end(&action.action_id, ActionStatus::Failed, Some(why));
    }
}
