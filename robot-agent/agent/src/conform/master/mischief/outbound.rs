//! From the robot to the controller: late, lost, twice, silent, under another version, or as it is.

use super::deed::Course;
use super::inbound::LOST_PERMILLE;
use super::{Mischief, Outward};
use crate::conform::master::phase::Phase;
use crate::conform::master::story::How;
use drover_agent_core::Message;
use drover_proto::vda5050::{Factsheet, Header, State};

const DELAY_MS: (u64, u64) = (1_000, 3_000);
/// While duplicating: every so many states an old one comes again, so many back, so much later.
const OLD_EVERY: u64 = 3;
const OLD_BACK: usize = 4;
const OLD_AFTER_MS: u64 = 1_500;
/// Under a wrong version: every so many states a copy says 3.0.0.
const FOREIGN_EVERY: u64 = 4;
const VERSION_OLD: &str = "2.0.0";
const VERSION_FOREIGN: &str = "3.0.0";
/// The one optional part that these robots don't list, so that it may not be sent to them.
const UNLISTED: &str = "order.edges.trajectory";

impl Mischief {
    /// The robot says this. States that aren't told at once are given back, for the judge.
    pub fn give(&mut self, now_ms: u64, message: Message) -> Option<Box<State>> {
        match message {
            Message::State(state) => self.give_state(now_ms, *state),
            Message::Factsheet(factsheet) => {
                let factsheet = Box::new(without_unlisted(*factsheet));
                self.send(now_ms, Message::Factsheet(factsheet), How::Now);
                None
            }
            Message::Connection(_) | Message::Visualization(_) => {
                self.send(now_ms, message, How::Now);
                None
            }
        }
    }

    /// What goes to the broker now.
    pub fn next_outgoing(&mut self, now_ms: u64) -> Option<Outward> {
        let due = self.to_broker.iter().position(|(at, _)| *at <= now_ms)?;
        self.to_broker.remove(due).map(|(_, outward)| outward)
    }

    fn give_state(&mut self, now_ms: u64, mut state: State) -> Option<Box<State>> {
        self.count += 1;
        let shown = (state.order_id.clone(), state.order_update_id);
        if shown != self.shown {
            // An order was taken over: that ends the warnings of those that weren't.
            self.errors.clear();
            self.shown = shown;
        }
        state.errors.extend(self.errors.iter().cloned());
        self.watch(now_ms, &state);
        let whole = state.clone();
        match self.phase {
            Phase::Late => {
                let last = self.to_broker.back().map_or(0, |(at, _)| *at);
                let at_ms = now_ms + self.chance.between(DELAY_MS.0, DELAY_MS.1);
                self.send(at_ms.max(last), Message::State(Box::new(state)), How::Late);
                Some(Box::new(whole))
            }
            Phase::Lossy if self.chance.permille(LOST_PERMILLE) => Some(Box::new(whole)),
            Phase::Silent if matches!(self.course, Course::During(_)) => Some(Box::new(whole)),
            Phase::Duplicating => {
                self.send_twice(now_ms, state);
                None
            }
            Phase::Fair
            | Phase::Lossy
            | Phase::Rejecting
            | Phase::Silent
            | Phase::Offline
            | Phase::Forgetful
            | Phase::Manual
            | Phase::WrongVersion => {
                self.send(now_ms, Message::State(Box::new(state)), How::Now);
                None
            }
        }
    }

    fn send_twice(&mut self, now_ms: u64, state: State) {
        for how in [How::Now, How::Again] {
            self.send(now_ms, Message::State(Box::new(state.clone())), how);
        }
        self.recent.push_back(state);
        if self.recent.len() > OLD_BACK
            && let Some(old) = self.recent.pop_front()
            && self.count.is_multiple_of(OLD_EVERY)
        {
            self.send(now_ms + OLD_AFTER_MS, Message::State(Box::new(old)), How::Again);
        }
    }

    fn send(&mut self, at_ms: u64, mut message: Message, how: How) {
        if self.phase == Phase::WrongVersion {
            head(&mut message).version = VERSION_OLD.to_owned();
        }
        let is_foreign = self.phase == Phase::WrongVersion && self.count.is_multiple_of(FOREIGN_EVERY);
        let foreign = (is_foreign && matches!(message, Message::State(_))).then(|| {
            let mut copy = message.clone();
            head(&mut copy).version = VERSION_FOREIGN.to_owned();
            copy
        });
        self.to_broker.push_back((at_ms, Outward { message, how }));
        self.to_broker.extend(foreign.map(|message| (at_ms, Outward { message, how: How::Again })));
    }
}

fn head(message: &mut Message) -> &mut Header {
    match message {
        Message::State(state) => &mut state.header,
        Message::Connection(connection) => &mut connection.header,
        Message::Factsheet(factsheet) => &mut factsheet.header,
        Message::Visualization(visualization) => &mut visualization.header,
    }
}

fn without_unlisted(mut factsheet: Factsheet) -> Factsheet {
    if let Some(features) = &mut factsheet.protocol_features {
        features.optional_parameters.retain(|optional| optional.parameter != UNLISTED);
    }
    factsheet
}
