//! Whole worlds: the real controller and real robot machines, judged by the oracle.

#![expect(clippy::unwrap_used, reason = "a test's helpers are tests")]

use std::fs;
use std::path::{Path, PathBuf};

use drover_sim::report::verdicts;
use drover_sim::scenario::START;
use drover_sim::trace::Trace;
use drover_sim::{Outcome, Scenario, Setup, Wire, World, swarm};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn setup(path: &Path, seed: Option<u64>) -> Setup {
    let text = fs::read_to_string(path).unwrap();
    let read = |name: &str| {
        let file = path.parent().unwrap().join(name);
        fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))
    };
    Scenario::parse(&text)
        .unwrap()
        .build(seed, &read)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn scenario(name: &str) -> Setup {
    setup(&folder("scenarios").join(name), None)
}

/// Runs a world; says what broke.
fn run(setup: Setup, wire: Wire) -> (Outcome, Vec<String>) {
    let expect = setup.expect.clone();
    let outcome = World::new(setup, wire, None).run(&mut |_, _| ()).unwrap();
    let broken = verdicts(&outcome, &expect).into_iter().filter_map(|verdict| verdict.broken).collect();
    (outcome, broken)
}

/// Runs a world in which everything must hold.
fn holds(setup: Setup, wire: Wire) -> Outcome {
    let (outcome, broken) = run(setup, wire);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    outcome
}

#[test]
fn three_hundred_jobs_are_driven_in_order() {
    let outcome = holds(scenario("fresh-dc-wave.toml"), Wire::Typed);
    assert_eq!((outcome.tally.done, outcome.tally.sequences_broken(), outcome.robots), (300, 0, 40));
}

#[test]
fn every_other_scenario_holds() {
    for entry in fs::read_dir(folder("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") && !path.ends_with("fresh-dc-wave.toml") {
            holds(setup(&path, None), Wire::Typed);
        }
    }
}

#[test]
fn two_runs_of_a_seed_leave_the_same_trace_to_the_byte() {
    let trace = |seed| {
        let setup = setup(&folder("scenarios/blocks.toml"), Some(seed));
        let mut bytes = Vec::new();
        let trace = Trace::new(&mut bytes, START);
        World::new(setup, Wire::Typed, Some(trace)).run(&mut |_, _| ()).unwrap().trace.unwrap();
        bytes
    };
    let first = trace(7);
    assert!(first == trace(7), "two runs of seed 7 differ");
    assert!(first != trace(8), "seeds 7 and 8 don't differ: the seed does nothing");
    let kinds = ["run", "job", "record", "order", "state", "arrived", "connection", "event", "pose"];
    for kind in kinds {
        let mark = format!("\"kind\":\"{kind}\"");
        assert!(String::from_utf8_lossy(&first).contains(&mark), "no line of kind {kind}");
    }
}

#[test]
fn json_on_the_wire_changes_nothing() {
    let typed = holds(scenario("blocks.toml"), Wire::Typed);
    let json = holds(scenario("blocks.toml"), Wire::Json);
    assert_eq!((typed.digest, typed.sim_ms), (json.digest, json.sim_ms));
}

#[test]
fn a_few_swarm_worlds_hold() {
    for seed in 1..=12 {
        holds(swarm::scenario(seed).build(None, &|name| Err(name.to_owned())).unwrap(), Wire::Typed);
    }
}

/// A seed that once failed.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    /// The scenario, relative to this file; without it: the swarm's world.
    scenario: Option<String>,
    /// The seed.
    seed: u64,
    /// What it was.
    was: String,
    /// It isn't mended yet.
    #[serde(default)]
    open: bool,
}

#[test]
fn every_seed_that_ever_failed_holds() {
    for entry in fs::read_dir(folder("seeds")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        let failed: Failed = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let world = match &failed.scenario {
            Some(name) => setup(&folder("seeds").join(name), Some(failed.seed)),
            None => swarm::scenario(failed.seed).build(None, &|name| Err(name.to_owned())).unwrap(),
        };
        let (_, broken) = run(world, Wire::Typed);
        match (failed.open, broken.is_empty()) {
            (false, true) | (true, false) => {}
            (false, false) => {
                panic!("{} fails again ({}):\n{}", path.display(), failed.was, broken.join("\n"))
            }
            (true, true) => panic!("{} holds now: take its line `open = true` out", path.display()),
        }
    }
}
