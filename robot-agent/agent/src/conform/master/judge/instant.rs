//! Instant actions and their ids: one action, one id, however often it is sent.

use super::{Check, Ground, Rule};
use crate::conform::master::story::{How, Story, What, action_state};
use drover_proto::vda5050::Action;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "instant-again-same-id",
        section: "6.9",
        title: "an instant action that no state shows is sent again under its own actionId",
        judge: again_same_id,
    },
    Rule {
        id: "instant-id-one-action",
        section: "6.9",
        title: "an actionId of instantActions always names the same action",
        judge: id_one_action,
    },
];

/// Requests may be made anew at any time.
const REQUESTS: [&str; 2] = ["stateRequest", "factsheetRequest"];
/// So soon after an action the same one under another id is the same wish, ms.
const SAME_WISH_MS: u64 = 30_000;

fn again_same_id(story: &Story, _: &Ground, check: &mut Check) {
    let mut last: Option<(&Action, usize, u64)> = None;
    for (index, entry, raw, message) in story.instants() {
        for action in &message.actions {
            if REQUESTS.contains(&action.action_type.as_str()) {
                continue;
            }
            if let Some((before, since, at_ms)) = last.replace((action, index, entry.at_ms)) {
                let is_same_wish = before.action_type == action.action_type
                    && before.action_parameters == action.action_parameters
                    && entry.at_ms <= at_ms + SAME_WISH_MS
                    && !is_settled(story, since, index, &before.action_id);
                let why = || {
                    format!(
                        "{} was {} before, and no state has shown that",
                        action.action_id, before.action_id
                    )
                };
                if is_same_wish {
                    check.want(before.action_id == action.action_id, entry, raw, why);
                }
            }
        }
    }
}

/// Shown by a state, or the robot has restarted.
fn is_settled(story: &Story, from: usize, to: usize, id: &str) -> bool {
    story.entries[from..to].iter().any(|entry| match &entry.what {
        What::State(How::Now | How::Late | How::Again, state) => action_state(state, id).is_some(),
        What::Forgot => true,
        What::State(How::Never, _) | What::Order(_) | What::Instant(_) => false,
        What::Connection(_) | What::Factsheet(_) | What::Probed(_) => false,
    })
}

fn id_one_action(story: &Story, _: &Ground, check: &mut Check) {
    let mut known: BTreeMap<&str, &Action> = BTreeMap::new();
    for (_, entry, raw, message) in story.instants() {
        for action in &message.actions {
            let id = action.action_id.as_str();
            check.want(!id.is_empty(), entry, raw, || "actionId is empty".to_owned());
            let first = known.entry(id).or_insert(action);
            let why = || format!("actionId {id} was another {} before", first.action_type);
            check.want(*first == action, entry, raw, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};

    #[test]
    fn cancel_again_under_a_new_id_fails() {
        let mut bench = Bench::under_way();
        bench.instant("cancelOrder", "c1");
        bench.wait(3_000);
        bench.driving("O", 0, 2);
        assert_not_seen("instant-again-same-id", &bench);
        bench.instant("cancelOrder", "c1");
        assert_passes("instant-again-same-id", &bench);
        bench.instant("cancelOrder", "c2");
        assert_fails("instant-again-same-id", &bench, "c2 was c1");
    }

    #[test]
    fn new_wish_after_the_old_was_shown_passes() {
        let mut bench = Bench::under_way();
        bench.instant("cancelOrder", "c1");
        bench.driving("O", 0, 2);
        bench.action("c1", "FINISHED");
        bench.instant("cancelOrder", "c2");
        bench.instant("startPause", "p1");
        bench.instant("stopPause", "p2");
        bench.instant("startPause", "p3");
        (0..3).for_each(|number| bench.instant("stateRequest", &format!("s{number}")));
        assert_not_seen("instant-again-same-id", &bench);
    }

    #[test]
    fn one_id_for_two_actions_fails() {
        let mut bench = Bench::under_way();
        bench.instant("startPause", "p");
        bench.instant("startPause", "p");
        assert_passes("instant-id-one-action", &bench);
        bench.instant("stopPause", "p");
        assert_fails("instant-id-one-action", &bench, "another startPause");
    }
}
