//! Messages are lost at QoS 0: one that no state shows is sent again, the same, and not in a flood.

use super::{Check, Ground, KNOWN_AFTER_MS, Rule, content};
use crate::conform::master::story::{Entry, Heard, Refusal, Story, What, shows};
use drover_proto::vda5050::{ConnectionState, OperatingMode, State};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "sent-again-until-shown",
        section: "6.2",
        title: "an order or update that states don't show is sent again within 30 s",
        judge: sent_again_until_shown,
    },
    Rule {
        id: "sent-again-identically",
        section: "6.6.2",
        title: "what is sent again is the same but for its header",
        judge: sent_again_identically,
    },
    Rule {
        id: "no-storm",
        section: "6.2",
        title: "at most 5 copies of a message within a second",
        judge: no_storm,
    },
];

const AGAIN_WITHIN_MS: u64 = 30_000;
const STORM_MS: u64 = 1_000;
const COPIES_MAX: usize = 5;

fn sent_again_until_shown(story: &Story, _: &Ground, check: &mut Check) {
    let orders = story.orders();
    for (number, heard) in orders.iter().enumerate() {
        if orders[..number].iter().any(|other| other.id() == heard.id()) {
            continue;
        }
        let Some(denied_ms) = denied(story, heard) else { continue };
        if orders[number + 1..].iter().any(|other| other.id() == heard.id()) {
            check.saw();
        }
        let until_ms = denied_ms + AGAIN_WITHIN_MS;
        let later = story.entries[heard.index + 1..].iter().take_while(|entry| entry.at_ms <= until_ms);
        let is_answered = later.into_iter().any(|entry| answers(entry, heard));
        let (order, update) = heard.id();
        let why = || format!("states don't show {order} update {update}, and it isn't sent again");
        if !is_answered && story.end_ms() >= until_ms {
            check.want(false, heard.entry, heard.raw, why);
        }
    }
}

/// When a state told, late enough, that the robot hasn't got this.
fn denied(story: &Story, heard: &Heard<'_>) -> Option<u64> {
    let told = story.told_from(heard.index);
    let mut late = told.filter(|(_, entry, _)| entry.at_ms >= heard.entry.at_ms + KNOWN_AFTER_MS);
    let (_, entry, state) = late.next()?;
    (!shows(state, heard.id()) && !refuses(state, heard.id())).then_some(entry.at_ms)
}

/// Whatever ends the wait for this order: it comes again, is shown or refused, or another word is given; or the robot
/// isn't the controller's any more.
fn answers(entry: &Entry, heard: &Heard<'_>) -> bool {
    match &entry.what {
        What::Order(_) => true,
        What::Instant(sent) => sent
            .read
            .as_ref()
            .is_ok_and(|message| message.actions.iter().any(|action| action.action_type == "cancelOrder")),
        What::State(_, state) => {
            shows(state, heard.id()) || refuses(state, heard.id()) || !is_automatic(state)
        }
        What::Connection(state) => *state != ConnectionState::Online,
        What::Forgot => true,
        What::Factsheet(_) | What::Probed(_) => false,
    }
}

fn refuses(state: &State, (order, update): (&str, u32)) -> bool {
    let is_it = |value: Option<&str>| value.and_then(|text| text.parse().ok()) == Some(update);
    state
        .errors
        .iter()
        .any(|error| error.reference("orderId") == Some(order) && is_it(error.reference("orderUpdateId")))
}

pub(super) fn is_automatic(state: &State) -> bool {
    match state.operating_mode {
        OperatingMode::Automatic | OperatingMode::Semiautomatic => true,
        OperatingMode::Manual
        | OperatingMode::Service
        | OperatingMode::Teachin
        | OperatingMode::Startup
        | OperatingMode::Intervened
        | OperatingMode::Unknown => false,
    }
}

fn sent_again_identically(story: &Story, _: &Ground, check: &mut Check) {
    let (orders, refusals) = (story.orders(), story.refusals());
    let mut first: BTreeMap<(&str, u32), Value> = BTreeMap::new();
    for heard in &orders {
        let now = content(heard.raw);
        // A refused id with another content is a matter of its own.
        let is_refused = |it: &Refusal<'_>| it.id == heard.id() && it.index < heard.index;
        if let Some(before) = first.get(&heard.id()) {
            if !refusals.iter().any(is_refused) {
                let (order, update) = heard.id();
                let why = || format!("{order} update {update} isn't what it was the first time");
                check.want(*before == now, heard.entry, heard.raw, why);
            }
        } else {
            first.insert(heard.id(), now);
        }
    }
}

fn no_storm(story: &Story, _: &Ground, check: &mut Check) {
    let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (key, entry, raw) in keys(story) {
        let times = times.entry(key.clone()).or_default();
        times.push(entry.at_ms);
        let recent = times.iter().rev().take_while(|at| **at + STORM_MS > entry.at_ms).count();
        let why = || format!("{recent} copies of {key} within a second");
        check.want(recent <= COPIES_MAX, entry, raw, why);
    }
}

/// A name for each message that its copies share.
fn keys(story: &Story) -> Vec<(String, &Entry, &Value)> {
    let orders = story.orders().into_iter().map(|heard| {
        let (order, update) = heard.id();
        (format!("{order} update {update}"), heard.entry, heard.raw)
    });
    let instants = story.instants().into_iter().flat_map(|(_, entry, raw, message)| {
        let key = |id: &str| format!("instant action {id}");
        message.actions.iter().map(move |action| (key(&action.action_id), entry, raw))
    });
    let mut all: Vec<_> = orders.chain(instants).collect();
    all.sort_by_key(|(_, entry, _)| entry.at_ms);
    all
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};
    use serde_json::json;

    /// Update 1 of O is sent and a state doesn't show it.
    fn lost() -> Bench {
        let mut bench = Bench::under_way();
        bench.order("O", 1, 4, 8, 8);
        bench.wait(3_000);
        bench.driving("O", 0, 2);
        bench
    }

    #[test]
    fn lost_update_is_to_be_sent_again() {
        let mut bench = lost();
        assert_not_seen("sent-again-until-shown", &bench);
        bench.wait(20_000);
        bench.order("O", 1, 4, 8, 8);
        assert_passes("sent-again-until-shown", &bench);
        let mut bench = lost();
        bench.wait(31_000);
        bench.driving("O", 0, 2);
        assert_fails("sent-again-until-shown", &bench, "don't show O update 1");
    }

    #[test]
    fn nobody_waits_for_a_robot_that_is_gone_or_driven_by_hand() {
        for away in [Bench::broken, Bench::by_hand] {
            let mut bench = lost();
            away(&mut bench);
            bench.wait(40_000);
            bench.driving("O", 0, 2);
            assert_not_seen("sent-again-until-shown", &bench);
        }
    }

    #[test]
    fn other_content_under_the_same_id_fails() {
        let mut bench = lost();
        bench.order("O", 1, 4, 8, 8);
        bench.patch("version", json!("2.0.0"));
        assert_passes("sent-again-identically", &bench);
        bench.order("O", 1, 4, 6, 8);
        assert_fails("sent-again-identically", &bench, "O update 1");
    }

    #[test]
    fn six_copies_within_a_second_fail() {
        let mut bench = Bench::under_way();
        for _ in 0..5 {
            bench.order("O", 1, 4, 8, 8);
        }
        assert_passes("no-storm", &bench);
        bench.wait(1_000);
        bench.order("O", 1, 4, 8, 8);
        assert_passes("no-storm", &bench);
        (0..6).for_each(|_| bench.instant("cancelOrder", "c"));
        assert_fails("no-storm", &bench, "instant action c");
    }
}
