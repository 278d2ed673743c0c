//! How the controller's messages travel: not kept by the broker, at most once.

use super::{Check, Ground, Rule};
use crate::conform::master::story::{Entry, Story, What};
use serde_json::{Value, json};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "not-retained",
        section: "6.2",
        title: "order and instantActions aren't retained: a fresh subscriber gets none",
        judge: not_retained,
    },
    Rule { id: "qos-0", section: "6.2", title: "order and instantActions are sent with QoS 0", judge: qos_0 },
];

fn not_retained(story: &Story, _: &Ground, check: &mut Check) {
    let mut has_sent = false;
    for entry in &story.entries {
        if let What::Probed(topics) = &entry.what {
            let why = || format!("the broker kept a message on {}", topics.join(" and "));
            if has_sent || !topics.is_empty() {
                check.want(topics.is_empty(), entry, &json!(topics), why);
            }
        }
        let Some((retain, _, raw)) = sent(entry) else { continue };
        has_sent = true;
        if retain {
            check.want(false, entry, raw, || "a kept message came with the subscription".to_owned());
        }
    }
}

fn qos_0(story: &Story, _: &Ground, check: &mut Check) {
    for entry in &story.entries {
        // A kept one is from another time.
        if let Some((false, qos, raw)) = sent(entry) {
            check.want(qos == 0, entry, raw, || format!("it came with QoS {qos}"));
        }
    }
}

fn sent(entry: &Entry) -> Option<(bool, u8, &Value)> {
    match &entry.what {
        What::Order(sent) => Some((sent.retain, sent.qos, &sent.raw)),
        What::Instant(sent) => Some((sent.retain, sent.qos, &sent.raw)),
        What::State(..) | What::Connection(_) | What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};

    #[test]
    fn retained_message_found_by_a_fresh_subscriber_fails() {
        let mut bench = Bench::under_way();
        assert_not_seen("not-retained", &bench);
        bench.probed(&[]);
        assert_passes("not-retained", &bench);
        bench.probed(&["uagv/v2/acme/r01/order"]);
        assert_fails("not-retained", &bench, "r01/order");
    }

    #[test]
    fn retained_message_on_subscribing_fails_and_is_no_order() {
        let mut bench = Bench::new();
        bench.order("O", 0, 0, 2, 2);
        bench.sent_with(true, 0);
        assert_fails("not-retained", &bench, "kept message");
        assert_not_seen("first-node-in-reach", &bench);
    }

    #[test]
    fn qos_1_fails() {
        let mut bench = Bench::under_way();
        assert_passes("qos-0", &bench);
        bench.sent_with(false, 1);
        assert_fails("qos-0", &bench, "QoS 1");
    }
}
