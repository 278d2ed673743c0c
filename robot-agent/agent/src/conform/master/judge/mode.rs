//! A robot that somebody drives by hand isn't the controller's.

use super::resend::is_automatic;
use super::{Check, Ground, KNOWN_AFTER_MS, Rule};
use crate::conform::master::story::Story;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "orders-in-automatic",
    section: "6.10.6",
    title: "no orders to a robot in MANUAL, SERVICE or TEACHIN",
    judge: orders_in_automatic,
}];

fn orders_in_automatic(story: &Story, _: &Ground, check: &mut Check) {
    // Since when the robot has been telling a mode that takes no orders.
    let mut modes = story.told_from(0).peekable();
    let (mut since_ms, mut mode) = (None, "");
    for heard in story.orders() {
        while let Some((_, entry, state)) = modes.next_if(|(index, ..)| *index < heard.index) {
            let is_away = !is_automatic(state);
            if !is_away && since_ms.is_some() {
                check.saw();
            }
            since_ms = is_away.then(|| since_ms.unwrap_or(entry.at_ms));
            mode = state.operating_mode.as_str();
        }
        let is_known = since_ms.is_some_and(|since_ms| heard.entry.at_ms > since_ms + KNOWN_AFTER_MS);
        if is_known {
            check.want(false, heard.entry, heard.raw, || format!("an order to a robot in {mode}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};

    #[test]
    fn order_to_a_robot_driven_by_hand_fails() {
        let mut bench = Bench::under_way();
        bench.by_hand();
        bench.wait(1_000);
        bench.order("P", 0, 2, 6, 6);
        assert_not_seen("orders-in-automatic", &bench);
        bench.wait(2_000);
        bench.order("P", 0, 2, 6, 6);
        assert_fails("orders-in-automatic", &bench, "MANUAL");
    }

    #[test]
    fn order_after_the_robot_is_back_passes() {
        let mut bench = Bench::under_way();
        bench.by_hand();
        bench.wait(10_000);
        bench.standing("O", 0, 2);
        bench.order("P", 0, 2, 6, 6);
        assert_passes("orders-in-automatic", &bench);
    }
}
