//! A cancel under way: nothing that would set the robot going again, until it says that it stands.

use super::resend::is_automatic;
use super::{Check, Ground, Rule};
use crate::conform::master::story::{Entry, Story, What, action_state};
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "quiet-while-cancelling",
    section: "6.6.3",
    title: "after cancelOrder no order and no other instant action until it is FINISHED or FAILED",
    judge: quiet_while_cancelling,
}];

/// What may be asked and said meanwhile; a pause never makes a robot drive.
const ALLOWED: [&str; 5] = ["cancelOrder", "stateRequest", "factsheetRequest", "startPause", "stopPause"];

fn quiet_while_cancelling(story: &Story, _: &Ground, check: &mut Check) {
    let mut running: Option<String> = None;
    for entry in &story.entries {
        if let Some(id) = &running {
            if is_over(entry, id) {
                running = None;
                check.saw();
                continue;
            }
            if let Some((what, raw)) = disturbance(entry) {
                check.want(false, entry, raw, || format!("{what} while cancelOrder {id} runs"));
            }
        }
        if running.is_none() {
            running = cancel(entry);
        }
    }
}

fn cancel(entry: &Entry) -> Option<String> {
    let What::Instant(sent) = &entry.what else { return None };
    let message = sent.read.as_ref().ok().filter(|_| !sent.retain)?;
    let action = message.actions.iter().find(|action| action.action_type == "cancelOrder")?;
    Some(action.action_id.clone())
}

fn is_over(entry: &Entry, id: &str) -> bool {
    match &entry.what {
        What::State(_, state) => {
            let has_ended = action_state(state, id).is_some_and(|action| action.action_status.has_ended());
            has_ended || !is_automatic(state)
        }
        What::Forgot => true,
        What::Order(_) | What::Instant(_) | What::Connection(_) | What::Factsheet(_) | What::Probed(_) => {
            false
        }
    }
}

fn disturbance(entry: &Entry) -> Option<(String, &Value)> {
    match &entry.what {
        What::Order(sent) if !sent.retain => Some(("an order".to_owned(), &sent.raw)),
        What::Instant(sent) if !sent.retain => {
            let mut actions = sent.read.as_ref().ok()?.actions.iter();
            let other = actions.find(|action| !ALLOWED.contains(&action.action_type.as_str()))?;
            Some((other.action_type.clone(), &sent.raw))
        }
        What::Order(_) | What::Instant(_) | What::State(..) | What::Connection(_) => None,
        What::Factsheet(_) | What::Forgot | What::Probed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};

    fn cancelling() -> Bench {
        let mut bench = Bench::under_way();
        bench.instant("cancelOrder", "c");
        bench.driving("O", 0, 2);
        bench.action("c", "RUNNING");
        bench
    }

    #[test]
    fn order_before_the_cancel_is_finished_fails() {
        let mut bench = cancelling();
        bench.order("P", 0, 2, 6, 6);
        assert_fails("quiet-while-cancelling", &bench, "an order while cancelOrder c runs");
    }

    #[test]
    fn requests_and_the_cancel_again_pass() {
        let mut bench = cancelling();
        bench.instant("cancelOrder", "c");
        bench.instant("stateRequest", "s");
        assert_not_seen("quiet-while-cancelling", &bench);
        bench.standing("O", 0, 2);
        bench.action("c", "FINISHED");
        bench.order("P", 0, 2, 6, 6);
        assert_passes("quiet-while-cancelling", &bench);
    }

    #[test]
    fn other_instant_action_fails() {
        let mut bench = cancelling();
        bench.instant("startCharging", "x");
        assert_fails("quiet-while-cancelling", &bench, "startCharging");
    }
}
