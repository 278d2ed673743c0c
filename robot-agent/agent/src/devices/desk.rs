//! The MQTT side of one device: keeps what is wanted, says what is shown. Pure.

use drover_agent_core::clock::iso8601;
use drover_proto::device::{Condition, DeviceRequest, DeviceState, Level, VERSION};

use super::Shown;

/// A state goes out at the latest after this, ms.
const STATE_EVERY_MS: u64 = 2_000;
/// How long after its first contact with the broker an agent that has heard no request leaves the device as it stands:
/// a restart of ours must not shut a door on a robot.
const GRACE_MS: u64 = 10_000;

/// One device's desk.
pub(crate) struct Desk {
    want: Option<Level>,
    shown: Shown,
    is_up: bool,
    is_due: bool,
    first_up_ms: Option<u64>,
    sent_ms: u64,
}

impl Desk {
    /// Nothing is known yet, unless a request was heard by somebody else.
    pub fn new(want: Option<Level>, shown: Shown) -> Self {
        Self { want, shown, is_up: false, is_due: false, first_up_ms: None, sent_ms: 0 }
    }

    /// What the device is to be told; none = leave it as it stands.
    pub fn level(&self, now_ms: u64) -> Option<Level> {
        let is_over = self.first_up_ms.is_some_and(|first| now_ms >= first + GRACE_MS);
        self.want.or(is_over.then_some(Level::Closed))
    }

    /// What is known to be shown.
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// The broker is reached.
    pub fn on_up(&mut self, now_ms: u64) {
        self.is_up = true;
        self.is_due = true;
        self.first_up_ms.get_or_insert(now_ms);
    }

    /// The broker is lost: what is wanted stays wanted.
    pub fn on_down(&mut self) {
        self.is_up = false;
    }

    /// Somebody wants something. Said again: answered again.
    pub fn on_request(&mut self, request: &DeviceRequest) {
        self.want = Some(request.want);
        self.is_due = true;
    }

    /// The device shows something.
    pub fn on_shown(&mut self, shown: Shown) {
        self.is_due |= shown != self.shown;
        self.shown = shown;
    }

    /// The state that is due now, if any.
    pub fn poll(&mut self, now_ms: u64) -> Option<DeviceState> {
        if !self.is_up || !(self.is_due || now_ms >= self.sent_ms + STATE_EVERY_MS) {
            return None;
        }
        self.is_due = false;
        self.sent_ms = now_ms;
        let (state, reason) = (self.condition(), self.shown.reason.clone());
        Some(DeviceState { v: VERSION, at: iso8601(now_ms), state, want: self.want, reason })
    }

    /// What was read as open before the last request may be moving by now: it isn't shown open again until it is read.
    fn condition(&self) -> Condition {
        let is_open = self.shown.condition == Condition::Open;
        match self.want {
            Some(Level::Open) if is_open && self.shown.under != self.want => Condition::Opening,
            Some(Level::Closed) if is_open => Condition::Closing,
            Some(Level::Open | Level::Closed) | None => self.shown.condition,
        }
    }

    /// When `poll` or `level` has something new, at the latest.
    pub fn next_timeout(&self, now_ms: u64) -> Option<u64> {
        let grace = self.first_up_ms.filter(|_| self.want.is_none()).map(|first| first + GRACE_MS);
        let grace = grace.filter(|end| *end > now_ms);
        let state = self.is_up.then_some(self.sent_ms + STATE_EVERY_MS);
        grace.into_iter().chain(state).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_request_isnt_shown_open_after_it() {
        let mut desk = Desk::new(None, Shown::plain(Condition::Open));
        desk.on_up(0);
        let mut answer = |want, under, is_new: bool| {
            desk.on_request(&DeviceRequest { v: VERSION, at: String::new(), want });
            if is_new {
                desk.on_shown(Shown { under: Some(under), ..Shown::plain(Condition::Open) });
            }
            desk.poll(1).map(|state| state.state)
        };
        let (open, closed) = (Level::Open, Level::Closed);
        assert_eq!(answer(open, open, false), Some(Condition::Opening), "read under no level");
        assert_eq!(answer(open, open, true), Some(Condition::Open));
        assert_eq!(answer(closed, open, false), Some(Condition::Closing));
        assert_eq!(answer(open, closed, true), Some(Condition::Opening), "read under the level before");
        assert_eq!(answer(open, open, true), Some(Condition::Open));
    }
}
