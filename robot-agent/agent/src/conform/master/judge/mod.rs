//! What a fleet controller must do, one rule after the other, over what was on the wire.
//!
//! Pure. A rule says nothing (`NotSeen`) where the run gave it no occasion; it must never blame the controller for what it
//! couldn't know yet, so a state counts as known only some time after it was told.

mod cancel;
mod features;
mod header;
mod instant;
mod lost;
mod mode;
mod refusal;
mod resend;
mod shape;
mod start;
mod transport;
mod updates;
mod version;

use super::phase::Phase;
use super::story::{Entry, Story};
use serde_json::Value;
use std::collections::BTreeSet;

/// So long after a state was told the controller is held to it, ms.
const KNOWN_AFTER_MS: u64 = 2_000;
/// Longest quote of a message, characters.
const QUOTE_MAX: usize = 300;

/// A rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// A name for reports.
    pub id: &'static str,
    /// Where the standard, 2.1.0, says so.
    pub section: &'static str,
    /// What it wants.
    pub title: &'static str,
    judge: fn(&Story, &Ground, &mut Check),
}

/// What the robots know of the place.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// Ids of their maps.
    pub maps: BTreeSet<String>,
}

/// How a rule came out.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// There was no occasion.
    NotSeen,
    /// Kept, whenever there was.
    Pass,
    /// Broken; the first time.
    Fail(Box<Fault>),
}

/// A breach of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// manufacturer/serial.
    pub robot: String,
    /// The mischief then.
    pub phase: Phase,
    /// The robots' clock, ms since 1970.
    pub at_ms: u64,
    /// What is wrong.
    pub why: String,
    /// The message, shortened.
    pub message: String,
}

/// All rules, in the order of reports.
pub const RULES: &[&[Rule]] = &[
    transport::RULES,
    header::RULES,
    shape::RULES,
    updates::RULES,
    start::RULES,
    resend::RULES,
    refusal::RULES,
    cancel::RULES,
    instant::RULES,
    mode::RULES,
    lost::RULES,
    features::RULES,
    version::RULES,
];

/// Every rule with its outcome over all robots.
pub fn judge(stories: &[Story], ground: &Ground) -> Vec<(Rule, Outcome)> {
    let rules = RULES.iter().flat_map(|group| group.iter());
    rules.map(|rule| (*rule, over(rule, stories, ground))).collect()
}

fn over(rule: &Rule, stories: &[Story], ground: &Ground) -> Outcome {
    let outcomes: Vec<Outcome> = stories.iter().map(|story| Check::run(rule, story, ground)).collect();
    let first = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Fail(fault) => Some(fault),
        Outcome::NotSeen | Outcome::Pass => None,
    });
    match first.min_by_key(|fault| fault.at_ms) {
        Some(fault) => Outcome::Fail(fault.clone()),
        None if outcomes.contains(&Outcome::Pass) => Outcome::Pass,
        None => Outcome::NotSeen,
    }
}

/// A rule at work on one robot's story.
struct Check {
    robot: String,
    is_seen: bool,
    fault: Option<Box<Fault>>,
}

impl Check {
    fn run(rule: &Rule, story: &Story, ground: &Ground) -> Outcome {
        let robot = format!("{}/{}", story.manufacturer, story.serial);
        let mut check = Self { robot, is_seen: false, fault: None };
        (rule.judge)(story, ground, &mut check);
        match check.fault {
            Some(fault) => Outcome::Fail(fault),
            None if check.is_seen => Outcome::Pass,
            None => Outcome::NotSeen,
        }
    }

    /// There was an occasion.
    fn saw(&mut self) {
        self.is_seen = true;
    }

    /// There was an occasion, and this must hold.
    fn want(&mut self, holds: bool, entry: &Entry, raw: &Value, why: impl FnOnce() -> String) {
        self.is_seen = true;
        if !holds && self.fault.as_ref().is_none_or(|first| entry.at_ms < first.at_ms) {
            let (robot, phase, at_ms) = (self.robot.clone(), entry.phase, entry.at_ms);
            self.fault = Some(Box::new(Fault { robot, phase, at_ms, why: why(), message: quote(raw) }));
        }
    }
}

fn quote(raw: &Value) -> String {
    let text = raw.to_string();
    if text.chars().count() <= QUOTE_MAX {
        return text;
    }
    text.chars().take(QUOTE_MAX).chain("...".chars()).collect()
}

/// A message without its header: what must be the same when it is sent again.
fn content(raw: &Value) -> Value {
    let mut content = raw.clone();
    if let Some(fields) = content.as_object_mut() {
        for field in ["headerId", "timestamp", "version"] {
            fields.remove(field);
        }
    }
    content
}

#[cfg(test)]
mod bench;
