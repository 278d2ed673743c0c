//! What comes after a refusal: another word, never the same for ever, and never another under the refused number.

use super::resend::is_automatic;
use super::{Check, Ground, KNOWN_AFTER_MS, Rule, content};
use crate::conform::master::story::{Entry, Heard, Refusal, Story, What};
use drover_proto::vda5050::ConnectionState;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "refused-id-not-reused",
        section: "6.6.4",
        title: "a refused orderUpdateId never comes again with another content",
        judge: not_reused,
    },
    Rule {
        id: "refused-not-repeated",
        section: "6.6.4",
        title: "a refused message isn't repeated more than 3 times once the refusal is known",
        judge: not_repeated,
    },
    Rule {
        id: "goes-on-after-refusal",
        section: "6.6.4",
        title: "a robot left under way by a refusal gets another update or a cancelOrder within 60 s",
        judge: goes_on,
    },
];

const REPEATS_MAX: usize = 3;
const REACTION_MS: u64 = 60_000;

fn not_reused(story: &Story, _: &Ground, check: &mut Check) {
    let orders = story.orders();
    for refusal in story.refusals() {
        let first = orders.iter().find(|heard| heard.id() == refusal.id && heard.index < refusal.index);
        let Some(first) = first.map(|heard| content(heard.raw)) else { continue };
        for heard in after(&orders, &refusal) {
            let is_other = heard.id() == refusal.id && content(heard.raw) != first;
            let (order, update) = refusal.id;
            let why = || format!("{order} update {update} was refused, and comes again with another content");
            check.want(!is_other, heard.entry, heard.raw, why);
        }
    }
}

fn not_repeated(story: &Story, _: &Ground, check: &mut Check) {
    let orders = story.orders();
    for refusal in story.refusals() {
        let is_late = |heard: &&&Heard<'_>| heard.entry.at_ms > refusal.at_ms + KNOWN_AFTER_MS;
        let mut later = after(&orders, &refusal);
        later.retain(|heard| is_late(&heard));
        let (order, update) = refusal.id;
        let mut repeats = 0;
        for heard in later {
            repeats += usize::from(heard.id() == refusal.id);
            let why =
                || format!("{order} update {update} was refused, and comes for the {repeats}th time since");
            check.want(repeats <= REPEATS_MAX, heard.entry, heard.raw, why);
        }
    }
}

fn goes_on(story: &Story, _: &Ground, check: &mut Check) {
    let orders = story.orders();
    for refusal in story.refusals() {
        let until_ms = refusal.at_ms + REACTION_MS;
        let later = &story.entries[refusal.index + 1..];
        let mut in_time = later.iter().take_while(|entry| entry.at_ms <= until_ms);
        if in_time.clone().any(|entry| reacts(entry, &refusal)) {
            check.saw();
            continue;
        }
        let is_left = |entry: &Entry| match &entry.what {
            What::Forgot => true,
            What::Connection(state) => *state != ConnectionState::Online,
            What::State(_, state) => !is_automatic(state) || state.node_states.is_empty(),
            What::Order(_) | What::Instant(_) | What::Factsheet(_) | What::Probed(_) => false,
        };
        let is_under_way = story.known_at(refusal.index + 1).is_some_and(|(entry, _)| !is_left(entry));
        if !is_under_way || in_time.any(is_left) || story.end_ms() < until_ms {
            continue;
        }
        let Some(heard) = orders.iter().find(|heard| heard.id() == refusal.id) else { continue };
        let (order, update) = refusal.id;
        let why = || format!("{order} update {update} was refused, and nothing else came for 60 s");
        check.want(false, heard.entry, heard.raw, why);
    }
}

fn after<'a, 'b>(orders: &'b [Heard<'a>], refusal: &Refusal<'_>) -> Vec<&'b Heard<'a>> {
    orders.iter().filter(|heard| heard.index > refusal.index).collect()
}

/// Another order or update, or a cancel.
fn reacts(entry: &Entry, refusal: &Refusal<'_>) -> bool {
    match &entry.what {
        What::Order(sent) => sent
            .read
            .as_ref()
            .is_ok_and(|order| (order.order_id.as_str(), order.order_update_id) != refusal.id),
        What::Instant(sent) => sent
            .read
            .as_ref()
            .is_ok_and(|message| message.actions.iter().any(|action| action.action_type == "cancelOrder")),
        What::State(..) | What::Connection(_) | What::Factsheet(_) | What::Forgot | What::Probed(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};

    const ALL: [&str; 3] = ["refused-id-not-reused", "refused-not-repeated", "goes-on-after-refusal"];

    /// Update 1 of O is refused, the robot waits on O.
    fn refused() -> Bench {
        let mut bench = Bench::under_way();
        bench.order("O", 1, 4, 8, 8);
        bench.refuse("O", 1);
        bench.wait(3_000);
        bench
    }

    #[test]
    fn next_number_after_a_refusal_passes() {
        let mut bench = refused();
        ALL.iter().for_each(|rule| assert_not_seen(rule, &bench));
        bench.order("O", 1, 4, 8, 8);
        bench.order("O", 2, 4, 6, 6);
        ALL.iter().for_each(|rule| assert_passes(rule, &bench));
    }

    #[test]
    fn refused_number_for_another_content_fails() {
        let mut bench = refused();
        bench.order("O", 1, 4, 6, 6);
        assert_fails("refused-id-not-reused", &bench, "O update 1");
        assert_not_seen("sent-again-identically", &bench);
    }

    #[test]
    fn repeating_for_ever_fails() {
        let mut bench = refused();
        (0..3).for_each(|_| bench.order("O", 1, 4, 8, 8));
        assert_passes("refused-not-repeated", &bench);
        bench.order("O", 1, 4, 8, 8);
        assert_fails("refused-not-repeated", &bench, "4th");
    }

    #[test]
    fn robot_left_alone_after_a_refusal_fails() {
        let mut bench = refused();
        bench.wait(60_000);
        bench.driving("O", 0, 2);
        assert_fails("goes-on-after-refusal", &bench, "nothing else came");
        let mut cancelled = refused();
        cancelled.instant("cancelOrder", "c");
        cancelled.wait(60_000);
        cancelled.driving("O", 0, 2);
        assert_passes("goes-on-after-refusal", &cancelled);
        let mut ended = refused();
        ended.standing("O", 0, 4);
        ended.wait(60_000);
        ended.standing("O", 0, 4);
        assert_not_seen("goes-on-after-refusal", &ended);
    }
}
