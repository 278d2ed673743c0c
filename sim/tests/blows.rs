//! A process struck at every single point of its work: it dies, sleeps, tears its last row. Nothing is lost or doubled, and
//! a leader that slept through its own end says nothing any more.

#![expect(clippy::unwrap_used, reason = "a test's helpers are tests")]

use drover_sim::process::Blow;
use drover_sim::report::verdicts;
use drover_sim::scenario::Guards;
use drover_sim::{Outcome, Scenario, Setup, Wire, World};

const WORLD: &str = r#"
[layout]

grid = """
A...1...B
.........
C...2...D
"""
[robots]
at = ["A", "1", "D"]
[[job]]
legs = ["A pick", "B drop"]
sequence = "T"
[[job]]
legs = ["C pick", "B drop"]
sequence = "T"
[[job]]
legs = ["D pick", "A drop"]
[expect]
hours_max = 1
"#;

/// How long a leader sleeps: far beyond its lease, ms.
const ASLEEP: Blow = Blow::Stall(30_000);

fn setup(standby: bool, blow: Option<(u64, Blow)>) -> Setup {
    let setup = Scenario::parse(WORLD).unwrap().build(Some(1), &|name| Err(name.to_owned())).unwrap();
    Setup { standby, blow, ..setup }
}

fn run(setup: Setup) -> (Outcome, Vec<String>) {
    let expect = setup.expect.clone();
    let outcome = World::new(setup, Wire::Typed, None).run(&mut |_, _| ()).unwrap();
    let broken = verdicts(&outcome, &expect).into_iter().filter_map(|verdict| verdict.broken).collect();
    (outcome, broken)
}

/// All points at which the process can be struck in a run without a blow.
fn points(standby: bool) -> u64 {
    let (outcome, broken) = run(setup(standby, None));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(outcome.traffic.points > 500, "{}", outcome.traffic.points);
    outcome.traffic.points
}

#[test]
fn dying_at_any_point_loses_and_doubles_nothing() {
    for point in 0..points(false) {
        let (outcome, broken) = run(setup(false, Some((point, Blow::Crash))));
        assert!(broken.is_empty(), "point {point}:\n{}", broken.join("\n"));
        assert_eq!(outcome.tally.done, 3, "point {point}");
    }
}

#[test]
fn a_standby_takes_over_from_a_leader_that_dies_at_any_point() {
    for point in (0..points(true)).step_by(5) {
        let (outcome, broken) = run(setup(true, Some((point, Blow::Crash))));
        assert!(broken.is_empty(), "point {point}:\n{}", broken.join("\n"));
        assert_eq!(outcome.tally.done, 3, "point {point}");
    }
}

#[test]
fn a_leader_that_sleeps_at_any_point_and_wakes_deposed_changes_nothing() {
    for point in (0..points(true)).step_by(3) {
        let (outcome, broken) = run(setup(true, Some((point, ASLEEP))));
        assert!(broken.is_empty(), "point {point}:\n{}", broken.join("\n"));
        assert_eq!(outcome.tally.done, 3, "point {point}");
    }
}

#[test]
fn without_its_guards_a_deposed_leader_speaks_late_and_is_caught() {
    let mut caught = 0;
    for point in (0..points(true)).step_by(4) {
        let guards = Guards { session: false, lease: false };
        let (outcome, _) = run(Setup { guards, ..setup(true, Some((point, ASLEEP))) });
        caught += u64::from(outcome.violations.iter().any(|found| found.invariant == "OneWriter"));
    }
    assert!(
        caught > 3,
        "only {caught} late words were caught: the oracle is blind, or the guards guard nothing"
    );
}

#[test]
fn the_lease_alone_keeps_a_deposed_leader_silent_and_the_session_alone_keeps_it_from_the_robots() {
    for guards in [Guards { session: false, lease: true }, Guards { session: true, lease: false }] {
        for point in (0..points(true)).step_by(7) {
            let (outcome, _) = run(Setup { guards, ..setup(true, Some((point, ASLEEP))) });
            // The events' broker has no session to take away: its consumers drop what they have seen.
            let harm = outcome.violations.iter().find(|found| guards.lease || found.invariant != "OneWriter");
            assert!(harm.is_none(), "{guards:?}, point {point}: {}", harm.map(ToString::to_string).unwrap());
        }
    }
}

#[test]
fn a_row_torn_by_a_crash_is_cut_and_written_again() {
    let (outcome, broken) = run(setup(false, Some((0, Blow::Tear))));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!((outcome.tally.done, outcome.marks.count("fault", "torn_write")), (3, 1));
}
