//! Watches all that the robot says, whatever rule is being driven, and judges what must always hold.
//!
//! It only counts and compares: it never asks the robot anything. Each watched rule has a tally under its id.

mod actions;
mod course;
mod fields;
mod header;

use super::kit::{Halt, Heard, Verdict};
use actions::Actions;
use course::Course;
use drover_proto::vda5050::{ConnectionState, Order, State, TopicKind};
use header::Headers;
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest time without a state, milliseconds (6.10).
pub(crate) const STATE_MS_MAX: u64 = 30_000;
/// What a message may take on top of it.
pub(crate) const STATE_LATE_MS: u64 = 2_000;

/// How often a rule was judged, how often it was broken, and how the first time.
#[derive(Clone, Debug, Default)]
struct Tally {
    seen: u64,
    broken: u64,
    first: Option<String>,
}

/// The tallies by rule id.
#[derive(Clone, Debug, Default)]
struct Book(BTreeMap<&'static str, Tally>);

impl Book {
    fn judge(&mut self, rule: &'static str, fault: Option<String>) {
        let tally = self.0.entry(rule).or_default();
        tally.seen += 1;
        if let Some(fault) = fault {
            tally.broken += 1;
            tally.first.get_or_insert(fault);
        }
    }
}

/// All that was noticed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    book: Book,
    headers: Headers,
    course: Course,
    actions: Actions,
    last_state_ms: Option<u64>,
}

impl Watch {
    /// The kit sends an order; `last` is what the robot said last.
    pub fn sent(&mut self, order: &Order, last: Option<&State>) {
        self.course.sent(order, last);
    }

    pub fn hear(&mut self, now_ms: u64, heard: &Heard) {
        let Ok(body) = serde_json::from_slice::<Value>(&heard.payload) else {
            let why = format!("a {} isn't JSON", heard.kind.as_str());
            return self.book.judge("header-complete", Some(why));
        };
        self.headers.hear(&mut self.book, heard, &body);
        match heard.kind {
            TopicKind::State => {
                fields::judge(&mut self.book, "state-fields", fields::STATE, &body);
                self.hear_state(now_ms, heard);
            }
            TopicKind::Connection => {
                fields::judge(&mut self.book, "connection-fields", fields::CONNECTION, &body);
                self.hear_connection(heard);
            }
            TopicKind::Factsheet => {
                fields::judge(&mut self.book, "factsheet-fields", fields::FACTSHEET, &body)
            }
            TopicKind::Order | TopicKind::InstantActions | TopicKind::Visualization => {}
        }
    }

    /// `Skip` if there was nothing to judge.
    pub fn verdict(&self, rule: &str) -> Verdict {
        match self.book.0.get(rule) {
            None => Err(Halt::Skip("the robot said nothing that it could be judged by".to_owned())),
            Some(Tally { first: None, .. }) => Ok(()),
            Some(Tally { seen, broken, first: Some(first) }) => {
                Err(Halt::Fail(format!("{broken} of {seen} times; first: {first}")))
            }
        }
    }

    fn hear_state(&mut self, now_ms: u64, heard: &Heard) {
        let Ok(state) = drover_proto::parse_state(&heard.payload) else { return };
        if heard.retained {
            return;
        }
        if let Some(last_ms) = self.last_state_ms.replace(now_ms) {
            let gap_ms = now_ms.saturating_sub(last_ms);
            let fault = gap_ms > STATE_MS_MAX + STATE_LATE_MS;
            let fault = fault.then(|| format!("no state for {:.1} s", gap_ms as f64 / 1_000.0));
            self.book.judge("state-interval", fault);
        }
        self.actions.hear(&mut self.book, &state);
        self.course.hear(&mut self.book, state);
    }

    fn hear_connection(&mut self, heard: &Heard) {
        let Ok(connection) = drover_proto::parse_connection(&heard.payload) else { return };
        match connection.connection_state {
            // The gap is no silence of a robot that is there.
            ConnectionState::Offline => self.last_state_ms = None,
            ConnectionState::ConnectionBroken => {
                self.last_state_ms = None;
                let fault = heard.qos == 0;
                self.book.judge("will", fault.then(|| "the last will came with QoS 0".to_owned()));
            }
            ConnectionState::Online => {}
        }
    }
}

#[cfg(test)]
mod tests;
