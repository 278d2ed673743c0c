//! Many drawn floors: whatever the map, the robots and the jobs, all jobs end and nothing is broken on the way.

use drover_core::plan::Algorithm;

use crate::grid;
use crate::walkers::{Floor, job};

/// SplitMix64 (Steele et al., OOPSLA 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

/// A block of aisles with some places missing and stations on some of the rest.
fn draw(dice: &mut Dice) -> String {
    let (width, height) = (5 + dice.below(8), 4 + dice.below(6));
    let mut stations = ('A'..='H').collect::<Vec<_>>();
    let mut text = String::new();
    for y in 0..height {
        for x in 0..width {
            let is_shelf = y % 2 == 1 && x % 4 != 0 && dice.below(3) > 0;
            let is_station = !is_shelf && dice.below(6) == 0;
            text.push(match (is_shelf, is_station.then(|| stations.pop()).flatten()) {
                (true, _) => ' ',
                (false, Some(name)) => name,
                (false, None) => '.',
            });
        }
        text.push('\n');
    }
    text
}

fn run(planner: Algorithm, seed: u64) {
    let mut dice = Dice(seed);
    let text = draw(&mut dice);
    let layout = grid::grid(&text);
    let stations: Vec<String> = layout.stations().iter().map(|station| station.name.clone()).collect();
    if stations.len() < 2 {
        return;
    }
    let mut starts: Vec<_> = layout.nodes().collect();
    for index in (1..starts.len()).rev() {
        starts.swap(index, dice.below(index + 1));
    }
    starts.truncate(1 + dice.below(starts.len() / 2));
    let mut floor = Floor::planned_by(planner, layout, &starts);
    let count = 10 + dice.below(20);
    for index in 0..count {
        let sequence = ["X", "Y", "Z"].get(dice.below(6)).copied();
        let way: Vec<&str> =
            (0..1 + dice.below(3)).map(|_| stations[dice.below(stations.len())].as_str()).collect();
        floor.step(drover_core::Event::JobSubmitted(Box::new(job(&format!("J-{index:03}"), sequence, &way))));
    }
    for _ in 0..240 {
        floor.run(60_000);
        if floor.done() == count {
            break;
        }
    }
    assert_eq!(floor.violations, Vec::<String>::new(), "{planner}, seed {seed}");
    assert_eq!(
        floor.done(),
        count,
        "{planner}, seed {seed}\n{text}{:?}\n{}{:?}",
        floor.fleet.planner_stats(),
        floor.picture(),
        floor.alarms
    );
}

#[test]
fn every_job_ends_on_every_floor() {
    run_all(Algorithm::Pibt, 60);
}

#[test]
fn every_job_ends_on_every_floor_by_operations() {
    run_all(Algorithm::Epibt, 20);
}

#[test]
fn every_job_ends_on_every_floor_by_placements() {
    run_all(Algorithm::Lacam, 10);
}

#[expect(clippy::disallowed_methods, reason = "more seeds on demand")]
fn run_all(planner: Algorithm, seeds: u64) {
    let seeds = std::env::var("DROVER_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(seeds);
    let failed: Vec<u64> =
        (0..seeds).filter(|seed| std::panic::catch_unwind(|| run(planner, *seed)).is_err()).collect();
    assert_eq!(failed, Vec::<u64>::new());
}
