//! The oracle isn't blind: every planted bug is caught by the invariant it breaks, in worlds where all holds without it.

#![expect(clippy::unwrap_used, reason = "a test's helpers are tests")]

use drover_sim::{Outcome, Plant, Wire, World, mutant, swarm};

/// Seeds within which a bug must be caught.
const SEEDS: u64 = 200;

fn world(seed: u64) -> World<'static> {
    World::new(swarm::scenario(seed).build(None, &|name| Err(name.to_owned())).unwrap(), Wire::Typed, None)
}

fn breaks(outcome: &Outcome, invariant: &str) -> bool {
    outcome.violations.iter().any(|violation| violation.invariant == invariant)
}

/// The first seed whose world breaks the invariant with the bug; in none before it, nor there, without it.
fn caught(plant: &Plant) -> Option<u64> {
    for seed in 1..=SEEDS {
        let outcome = world(seed).with_mutant(plant).run(&mut |_, _| ()).unwrap();
        if breaks(&outcome, plant.caught_by) {
            let sound = world(seed).run(&mut |_, _| ()).unwrap();
            let found = sound.violations.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert!(found.is_empty(), "seed {seed} breaks without {plant:?} as well:\n{}", found.join("\n"));
            return Some(seed);
        }
    }
    None
}

fn is_caught(name: &str) {
    let plant = Plant::named(name).unwrap();
    let seed =
        caught(plant).unwrap_or_else(|| panic!("{SEEDS} seeds, and {} never caught {name}", plant.caught_by));
    println!("{name}: caught by {} after {seed} seed(s)", plant.caught_by);
}

/// A test for each bug, and one that none is without a test.
macro_rules! mutants {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            is_caught($name);
        })*

        #[test]
        fn every_mutant_has_its_test() {
            let tested = [$($name),*];
            let planted: Vec<&str> = mutant::ALL.iter().map(|plant| plant.name).collect();
            assert_eq!(tested.to_vec(), planted);
        }
    };
}

mutants! {
    a_base_released_too_far_is_caught "release-too-far"
    a_misplaced_node_is_caught "wrong-position"
    a_place_freed_by_time_is_caught "free-by-time"
    robots_released_nose_to_nose_are_caught "nose-to-nose"
    a_changed_resend_is_caught "changed-resend"
    an_update_at_the_wrong_node_is_caught "wrong-stitch"
    a_skipped_update_is_caught "skipped-update"
    a_second_pick_is_caught "pick-twice"
    a_job_done_too_early_is_caught "done-too-early"
    a_lost_job_is_caught "lose-acked-job"
    an_unheard_sequence_is_caught "unheard-sequence"
    an_admission_out_of_order_is_caught "admit-out-of-order"
    a_wrong_load_is_caught "wrong-load"
    a_load_put_down_on_the_way_is_caught "drop-on-the-way"
    an_unheard_mode_is_caught "mode-unheard"
    a_lying_door_is_caught "door-lies"
    an_early_acknowledgement_is_caught "ack-before-commit"
    early_news_is_caught "publish-before-commit"
    a_gap_in_the_news_is_caught "notify-gap"
    news_with_another_body_is_caught "notify-other-body"
    a_forgotten_fact_is_caught "forget-fact"
    a_wrong_digest_is_caught "wrong-digest"
    endless_resends_are_caught "endless-resends"
    an_unheard_end_is_caught "finish-unheard"
}

#[test]
fn every_invariant_catches_a_bug() {
    for invariant in drover_sim::oracle::INVARIANTS {
        assert!(
            mutant::ALL.iter().any(|plant| plant.caught_by == invariant),
            "nothing planted against {invariant}"
        );
    }
}
