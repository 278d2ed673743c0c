//! Worlds by the number: each seed draws a small layout, a few robots and a few jobs.

mod sums;

use std::collections::BTreeMap;

use drover_core::dispatch::policy::{Name, POLICIES};
use drover_core::job::ActionSpec;

use crate::fault;
use crate::report::{self, Verdict};
use crate::rng::Rng;
use crate::scenario::{Blocks, Expect, Ground, Jobs, Robots, Scenario, ScenarioError};
use crate::wire::{Wire, WireError};
use crate::world::{Outcome, World};

pub use sums::{LONG_RUN, Sums};

/// Every so many seeds one runs again with real JSON on the wire.
pub const JSON_EVERY: u64 = 100;

/// Why a seed can't be run: a bug of ours.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// The drawn world isn't one.
    #[error("draw a world: {0}")]
    Scenario(#[from] ScenarioError),
    /// A message didn't survive its own wire.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Runs the world of a seed; every hundredth also with JSON on the wire, to the same digest.
pub fn run(seed: u64, wire: Wire) -> Result<(Outcome, Vec<Verdict>), SwarmError> {
    let play = |wire| -> Result<_, SwarmError> {
        let no_files = |name: &str| Err(format!("{name}: a swarm world names no files"));
        let setup = scenario(seed).build(None, &no_files)?;
        let expect = setup.expect.clone();
        let outcome = World::new(setup, wire, None).run(&mut |_, _| ())?;
        let verdicts = report::verdicts(&outcome, &expect);
        Ok((outcome, verdicts))
    };
    let (outcome, mut verdicts) = play(wire)?;
    if seed.is_multiple_of(JSON_EVERY) && wire == Wire::Typed {
        let (json, _) = play(Wire::Json)?;
        let is_same = (json.digest, json.sim_ms) == (outcome.digest, outcome.sim_ms);
        let told = format!("digest {} with JSON on the wire, {} without", json.digest, outcome.digest);
        verdicts.push(Verdict { name: "json_wire".to_owned(), broken: (!is_same).then_some(told) });
    }
    Ok((outcome, verdicts))
}

/// Robots of a world: fewest and most.
const ROBOTS: [u64; 2] = [2, 200];

/// What the robots of a world speak, in turns: one version, or both.
const VERSIONS: [&[&str]; 4] = [&["2.1"], &["2.1"], &["3.0"], &["2.1", "3.0"]];

/// What can be done about an action that failed.
const REMEDIES: [&str; 3] = ["retry", "another_robot", "operator"];

/// All faults end so long after the start, s: earliest and latest.
const HEAL_S: [u64; 2] = [20, 75];

/// The world of a seed.
pub fn scenario(seed: u64) -> Scenario {
    let mut rng = Rng::new(seed, "swarm");
    let mut scenario = Scenario { seed, what: format!("swarm world {seed}"), ..Scenario::default() };
    let places = match rng.below(100) {
        0..6 => grid(&mut scenario, &mut rng),
        6..14 => blocks(&mut scenario, &mut rng, [2, 6], [2, 6]),
        14..94 => blocks(&mut scenario, &mut rng, [5, 9], [4, 8]),
        _ => blocks(&mut scenario, &mut rng, [9, 14], [6, 10]),
    };
    let most = ROBOTS[1].min(places);
    let robots = rng.within(ROBOTS[0].max(most * 2 / 3), most);
    let versions = VERSIONS[Rng::new(seed, "swarm versions").index(VERSIONS.len())];
    let versions = versions.iter().map(ToString::to_string).collect();
    scenario.robots = Robots { count: robots as usize, versions, ..Robots::default() };
    scenario.jobs.draw = rng.within(robots / 3 + 2, robots / 2 + 5) as usize;
    scenario.jobs.sequences = rng.below(4) as usize;
    scenario.jobs.every_ms = if rng.below(2) == 0 { 0 } else { rng.within(500, 10_000) };
    scenario.layout.doors = rng.below(5) as u32;
    scenario.layout.on_failure = remedies(&mut Rng::new(seed, "swarm remedies"));
    let policy = Rng::new(seed, "swarm policy").index(POLICIES.len());
    scenario.config.policy = Name::of(POLICIES[policy].0).unwrap_or_default();
    let heal_s = rng.within(HEAL_S[0], HEAL_S[1]);
    let mut faults = Rng::new(seed, "swarm faults");
    scenario.fault = fault::draw(&mut faults, heal_s, scenario.layout.doors > 0);
    scenario.fault.extend(fault::draw_short(&mut Rng::new(seed, "swarm short picks"), heal_s));
    scenario.heal_s = Some(heal_s);
    scenario.standby = faults.below(2) == 0;
    // What failed or was taken back has ended too: Live asks for no more.
    scenario.expect = Expect { hours_max: 6.0, all_done: false, ..Expect::default() };
    scenario
}

/// What is done about failed picks and drops: nothing in half of the worlds.
fn remedies(rng: &mut Rng) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    if rng.below(2) == 0 {
        return all;
    }
    for action in [ActionSpec::PICK, ActionSpec::DROP] {
        let count = rng.below(4);
        let list = (0..count).map(|_| REMEDIES[rng.index(REMEDIES.len())].to_owned()).collect();
        all.insert(action.to_owned(), list);
    }
    all
}

/// An open grid with stations on its rim; says how many robots it bears.
fn grid(scenario: &mut Scenario, rng: &mut Rng) -> u64 {
    let (width, height) = (rng.within(5, 12), rng.within(5, 10));
    let mut rows = vec![vec!['.'; width as usize]; height as usize];
    let mut names = 'A'..='Y';
    for place in (1..width as usize - 1).step_by(2) {
        rows[0][place] = names.next().unwrap_or('.');
    }
    let starts: Vec<String> = rows[0].iter().filter(|c| **c != '.').map(ToString::to_string).collect();
    let last = height as usize - 1;
    for place in (1..width as usize - 1).step_by(2) {
        rows[last][place] = names.next().unwrap_or('.');
    }
    let ends: Vec<String> = rows[last].iter().filter(|c| **c != '.').map(ToString::to_string).collect();
    // A station that no way leads to, and robots that can't do everything: some requests must be refused for that.
    rows.extend([vec![' '], vec!['Z']]);
    let picture: Vec<String> = rows.iter().map(|row| row.iter().collect()).collect();
    let capabilities = vec!["tote".to_owned()];
    scenario.layout = Ground { grid: Some(picture.join("\n")), capabilities, ..Ground::default() };
    scenario.jobs = Jobs { from: starts, to: ends, ..Jobs::default() };
    width * height / 8
}

/// A block warehouse with so many aisles and bays; says how many robots it bears.
fn blocks(scenario: &mut Scenario, rng: &mut Rng, aisles: [u32; 2], bays: [u32; 2]) -> u64 {
    let mut draw = |low: u32, high: u32| rng.within(u64::from(low), u64::from(high)) as u32;
    let is_large = aisles[0] > 2;
    let (aisles, bays, cross_aisles) = (draw(aisles[0], aisles[1]), draw(bays[0], bays[1]), draw(2, 4));
    let stands = aisles * bays * (cross_aisles - 1);
    // One parking bay an aisle fits along the northern road, the others along the outer roads.
    let room = 2 * bays * (cross_aisles - 1) + aisles - 1;
    let parking = if is_large { draw(room / 2, room) } else { draw(2, (2 + 2 * aisles).min(room)) };
    let blocks = Blocks {
        aisles: Some(aisles),
        bays: Some(bays),
        cross_aisles: Some(cross_aisles),
        docks: Some(draw(1, aisles)),
        pick_stations: Some(draw(2, stands)),
        chargers: Some(draw(1, 2)),
        parking: Some(parking),
        one_way_aisles: Some(draw(0, 1) == 1),
        zones: None,
    };
    scenario.layout = Ground { blocks: Some(blocks), ..Ground::default() };
    // Up to twice as many robots as bays in a small one: who waits may have no place to wait.
    u64::from(if is_large { parking } else { 2 * parking })
}
