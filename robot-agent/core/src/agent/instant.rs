//! Instant actions (2.1.0, 6.8): cancel, pause, requests; the rest goes to the drive.

use super::Agent;
use super::book::{Entry, Origin};
use super::check::knows;
use crate::drive::Drive;
use drover_proto::vda5050::{Action, ActionStatus, Error, ErrorLevel, InstantActions};

impl<D: Drive> Agent<D> {
    pub(super) fn on_instant_actions(&mut self, message: InstantActions) {
        self.report.is_dirty = true;
        let header_id = message.header.header_id;
        for action in message.actions {
            if !action.action_id.is_empty() && self.book.add_instant(&action) {
                self.on_instant(&action, header_id);
            }
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
            // Localisation is the machine's own; waiting would pretend it was done.
            "initPosition" => self.refuse_instant(action, header_id),
            _ if knows(&self.options, action) => self.book.trigger_one(id),
            _ => self.refuse_instant(action, header_id),
        }
    }

    fn cancel_order(&mut self, id: &str, header_id: u32) {
        let is_active = !self.course.steps.is_empty() || self.book.has_open_of_order();
        if !is_active && self.cancelling.is_empty() {
            self.book.end(id, ActionStatus::Failed, Some("no order to cancel".to_owned()));
            return self.raise(instant_error("noOrderToCancel", id, header_id, "no order is active"));
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

    fn refuse_instant(&mut self, action: &Action, header_id: u32) {
        let why = format!("action {} isn't known", action.action_type);
        self.book.end(&action.action_id, ActionStatus::Failed, Some(why.clone()));
        self.raise(instant_error("orderError", &action.action_id, header_id, &why));
    }
}

fn instant_error(kind: &str, action_id: &str, header_id: u32, why: &str) -> Error {
    let mut error = Error::new(kind, ErrorLevel::Warning)
        .about("topic", "instantActions")
        .about("headerId", header_id.to_string())
        .about("actionId", action_id);
    error.error_description = Some(why.to_owned());
    error
}
