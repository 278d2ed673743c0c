//! A robot of an older 2.x: its states count.

use super::{Check, Ground, Rule};
use crate::conform::master::story::{Heard, Story, shows};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "takes-2-0-0",
    section: "6.4",
    title: "states of version 2.0.0 are read: work goes on, and what they show isn't sent again for ever",
    judge: takes_2_0_0,
}];

const OLD: &str = "2.0.0";
/// Copies sent this long after a state showed the order, ms, and how many of them say that states aren't read.
const SHOWN_MS: u64 = 10_000;
const COPIES_MAX: usize = 2;

fn takes_2_0_0(story: &Story, _: &Ground, check: &mut Check) {
    let orders = story.orders();
    for (number, heard) in orders.iter().enumerate() {
        if orders[..number].iter().any(|other| other.id() == heard.id()) {
            continue;
        }
        let Some(shown_ms) = shown(story, heard) else { continue };
        if orders.iter().any(|other| other.entry.at_ms > shown_ms && other.id() != heard.id()) {
            check.saw();
        }
        let is_copy = |other: &&Heard<'_>| {
            other.id() == heard.id()
                && other.entry.at_ms > shown_ms + SHOWN_MS
                && story.known_at(other.index).is_some_and(|(_, state)| shows(state, heard.id()))
        };
        for (count, copy) in orders.iter().filter(is_copy).enumerate() {
            let (order, update) = heard.id();
            let why = || format!("a state of 2.0.0 has shown {order} update {update}, and it still comes");
            check.want(count < COPIES_MAX, copy.entry, copy.raw, why);
        }
    }
}

/// When a state of 2.0.0 told that the robot has this.
fn shown(story: &Story, heard: &Heard<'_>) -> Option<u64> {
    let mut told = story.told_from(heard.index);
    told.find_map(|(_, entry, state)| {
        (state.header.version == OLD && shows(state, heard.id())).then_some(entry.at_ms)
    })
}

#[cfg(test)]
mod tests {
    use crate::conform::master::judge::bench::{Bench, assert_fails, assert_not_seen, assert_passes};

    #[test]
    fn controller_that_reads_only_its_own_version_fails() {
        let mut bench = Bench::under_way();
        bench.driving("O", 0, 2);
        bench.say_version("2.0.0");
        assert_not_seen("takes-2-0-0", &bench);
        let mut good = bench.clone();
        good.wait(1_000);
        good.order("O", 1, 4, 8, 8);
        assert_passes("takes-2-0-0", &good);
        for _ in 0..3 {
            bench.wait(11_000);
            bench.order("O", 0, 0, 4, 4);
        }
        assert_fails("takes-2-0-0", &bench, "still comes");
    }
}
