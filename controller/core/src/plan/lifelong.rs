//! Lifelong planning for throughput: which robot takes which revealed task, and everybody's next beat.

use super::epibt::{Beat, Effort, Epibt, Traveller};
use super::flow::Flow;
use super::guidance::{BEAT, Guidance};
use super::lattice::{Lattice, NONE, Step};
use super::lns::{Draw, Refiner};
use super::matching::{Matching, Ways};
use super::reach::{MEMORY_MAX, Prices, Reach, SETTLED_MAX};

/// How hard the first try of each robot in a beat is. On a layout it may ask without end: narrow aisles jam else.
const FIRST: Effort = Effort { nodes: 100_000, asks: 30 };
/// The same where nothing is refined, and from so many robots on.
const FIRST_IF_QUICK: Effort = Effort { nodes: 10_000, asks: 10 };
const MANY_ROBOTS: usize = 3_000;
/// Operations are so many beats shorter where nothing is refined, or for many robots.
pub const SHORTER: usize = 3;
const SHORTER_FOR_MANY: usize = 2;
/// Who hasn't got on for long may ask others to make way so many times as often.
const IMPATIENCE: u32 = 3;
/// The errand after the next counts when the next is so many beats away.
const SOON: u16 = 12;
/// A robot's arrival is looked for so many steps ahead, at most.
const DESCENT_MAX: usize = 64;
/// One robot per so many places, and ranks must be far apart, or crowds don't dissolve.
const CROWD_PLACES: usize = 3;
/// Beats without progress after which a robot counts more and more.
const PATIENCE: u32 = 30;
/// Further beats after which it counts once more.
const PATIENCE_STEP: u32 = 4;
/// Beats without progress after which robots stand against each other: outside a crowd all count alike, and none is worth
/// the others' way back. One in so many is favoured then, drawn anew every so many beats, and counts so many times more.
const STANDOFF: u32 = 60;
const FAVOURED_ONE_IN: usize = 4;
const FAVOURED_BEATS: u32 = 24;
const FAVOUR: u32 = 200;

/// A step against a street costs this part of its price more: much on a large floor, where nothing is learned from the
/// traffic observed.
const AGAINST_ON_LARGE: u16 = 2;
const AGAINST_ON_SMALL: u16 = 8;

/// A task that is seen.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// Rises with the order of tasks.
    pub id: u32,
    /// Places still to be visited, in order; never empty.
    pub errands: &'a [u32],
    /// The robot that has begun it.
    pub held_by: Option<u32>,
}

/// How a robot has got on towards its goal.
#[derive(Clone, Copy, Debug)]
struct Progress {
    goal: u32,
    /// The least price so far, and whether it is that of a way or but the distance.
    best: u16,
    is_exact: bool,
    /// Beats since it was last nearer than ever.
    since: u32,
}

/// The stack: prices on demand, assignment, operations of so many beats at most, refinement.
#[derive(Debug)]
pub struct Lifelong<const DEPTH: usize> {
    lattice: Lattice,
    /// By the layout alone, and with what was observed.
    streets: Guidance,
    guidance: Guidance,
    flow: Flow,
    reach: Reach,
    epibt: Epibt<DEPTH>,
    draw: Draw,
    refiner: Box<dyn Refiner<DEPTH>>,
    budget: u64,
    progress: Vec<Progress>,
    matching: Matching,
    /// The robot that asks first for the prices of its way.
    turn: usize,
    /// Beats planned.
    beats: u32,
}

impl<const DEPTH: usize> Lifelong<DEPTH> {
    /// For robots on this lattice; `budget`: nodes looked at in refinement per beat.
    pub fn new(lattice: Lattice, refiner: Box<dyn Refiner<DEPTH>>, budget: u64) -> Lifelong<DEPTH> {
        let against = if Reach::fits(&lattice, MEMORY_MAX) { AGAINST_ON_SMALL } else { AGAINST_ON_LARGE };
        let guidance = Guidance::streets(&lattice, against);
        Lifelong {
            reach: Reach::new(&lattice, &guidance, MEMORY_MAX),
            epibt: Epibt::new(&lattice),
            draw: Draw::new(1),
            refiner,
            budget,
            progress: Vec::new(),
            matching: Matching::default(),
            turn: 0,
            beats: 0,
            flow: Flow::new(&lattice),
            streets: guidance.clone(),
            guidance,
            lattice,
        }
    }

    /// The id of the task each robot is to pursue: who has begun one goes on; then the pairs with the shortest way to the
    /// task and along it.
    pub fn assign(&mut self, states: &[u32], seen: &[Seen<'_>]) -> Vec<Option<u32>> {
        self.reach.begin(SETTLED_MAX);
        let ways = Ways { lattice: &self.lattice, guidance: &self.guidance, reach: &mut self.reach };
        self.matching.assign(ways, states, seen)
    }

    /// The state of each robot after the next beat.
    pub fn plan(&mut self, states: &[u32], seen: &[Seen<'_>], pursues: &[Option<u32>]) -> Vec<u32> {
        self.beats += 1;
        self.search(states, seen, pursues);
        let (travellers, order) = self.travellers(states, seen, pursues);
        let (depth, mut first) = if self.budget == 0 {
            (DEPTH - SHORTER, FIRST_IF_QUICK)
        } else if states.len() >= MANY_ROBOTS {
            (DEPTH - SHORTER_FOR_MANY, FIRST_IF_QUICK)
        } else {
            (DEPTH, FIRST)
        };
        if self.lattice.footprint().is_some() {
            first.asks = u32::MAX;
        }
        self.epibt.set_depth(depth);
        let beat = Beat { lattice: &self.lattice, guidance: &self.guidance, travellers: &travellers };
        self.epibt.begin(beat);
        for robot in order {
            let is_impatient = self.progress[robot].since > PATIENCE;
            let asks = first.asks.saturating_mul(if is_impatient { IMPATIENCE } else { 1 });
            self.epibt.improve(beat, robot as u32, Effort { asks, ..first });
        }
        self.refiner.refine(&mut self.epibt, beat, &mut self.draw, self.budget);
        let next: Vec<u32> = (0..states.len() as u32).map(|robot| self.epibt.next(beat, robot)).collect();
        if self.reach.is_small() {
            self.observe(&travellers, &next);
        }
        next
    }

    /// Learns from who goes on and who waits. All prices are searched anew then, so only on a floor where that is quick.
    fn observe(&mut self, travellers: &[Traveller], next: &[u32]) {
        for (traveller, next) in travellers.iter().zip(next) {
            let Some((_, prices)) = &traveller.goal else { continue };
            if *next != traveller.state {
                self.flow.pass(*next);
            } else if let Some(wanted) = self.best(traveller.state, prices) {
                self.flow.wait(wanted);
            }
        }
        if let Some(guidance) = self.flow.look(&self.streets) {
            self.reach = Reach::new(&self.lattice, &guidance, MEMORY_MAX);
            self.guidance = guidance;
            self.progress.iter_mut().for_each(|progress| progress.is_exact = false);
        }
    }

    /// The state after the cheapest next step towards the goal.
    fn best(&self, state: u32, prices: &Prices) -> Option<u32> {
        let (lattice, guidance) = (&self.lattice, &self.guidance);
        let turned = [Step::Right, Step::Left].map(|step| (lattice.after(state, step), guidance.turn));
        let turned = turned.into_iter().filter(|(after, _)| *after != NONE);
        let steps = lattice.ahead(state).map(|ahead| (ahead, guidance.ahead(ahead))).chain(turned);
        let cost = |(after, cost): &(u32, u16)| prices.get(lattice, *after).saturating_add(*cost);
        steps.min_by_key(cost).map(|(after, _)| after)
    }

    /// The state of each robot after the next beat if it had the floor to itself.
    pub fn plan_alone(&mut self, states: &[u32], seen: &[Seen<'_>], pursues: &[Option<u32>]) -> Vec<u32> {
        self.reach.begin(u64::MAX);
        let mut next = states.to_vec();
        for (robot, state) in states.iter().enumerate() {
            let Some(task) = pursued(seen, pursues[robot]) else { continue };
            let prices = self.reach.to(&self.lattice, &self.guidance, task.errands[0], *state);
            // Who is there already does its errand by staying.
            if self.lattice.place(*state) != task.errands[0] {
                next[robot] = self.best(*state, &prices).unwrap_or(*state);
            }
        }
        next
    }

    /// Searches ways for robots in turns, as far as the beat's budget goes.
    fn search(&mut self, states: &[u32], seen: &[Seen<'_>], pursues: &[Option<u32>]) {
        for offset in 0..states.len() {
            let robot = (self.turn + offset) % states.len();
            if self.reach.is_spent() {
                self.turn = robot;
                return;
            }
            if let Some(task) = pursued(seen, pursues[robot]) {
                self.reach.to(&self.lattice, &self.guidance, task.errands[0], states[robot]);
            }
        }
    }

    /// Everybody, and the order in which they are tried first: by what is left of the task.
    fn travellers(
        &mut self,
        states: &[u32],
        seen: &[Seen<'_>],
        pursues: &[Option<u32>],
    ) -> (Vec<Traveller>, Vec<usize>) {
        let mut travellers = Vec::with_capacity(states.len());
        let mut left = Vec::with_capacity(states.len());
        for (robot, state) in states.iter().enumerate() {
            let mut traveller = Traveller::new(*state);
            let mut price = u32::MAX;
            if let Some(task) = pursued(seen, pursues[robot]) {
                let goal = task.errands[0];
                let prices = self.reach.to(&self.lattice, &self.guidance, goal, *state);
                let way = prices.get(&self.lattice, *state);
                let mut ways =
                    Ways { lattice: &self.lattice, guidance: &self.guidance, reach: &mut self.reach };
                price = u32::from(way) + ways.length(task.errands);
                if let Some(then) = task.errands.get(1) {
                    let onward = self.onward(*then, goal, way);
                    let arrival = self.arrival(*state, goal, way, &prices);
                    let from = |state| u32::from(onward.get(&self.lattice, state));
                    traveller.onward =
                        arrival.map_or_else(|| self.lattice.states(goal).map(from).min().unwrap_or(0), from);
                    traveller.then = Some((*then, onward));
                }
                traveller.goal = Some((goal, prices));
            }
            left.push((price, robot));
            travellers.push(traveller);
        }
        left.sort_unstable();
        let order: Vec<usize> = left.into_iter().map(|(_, robot)| robot).collect();
        self.weigh(&mut travellers, &order);
        (travellers, order)
    }

    /// Prices to the errand after the next: exact when it will count.
    fn onward(&mut self, then: u32, goal: u32, way: u16) -> Prices {
        if self.reach.is_small() || way <= SOON * BEAT {
            let from = self.lattice.states(goal).start;
            return self.reach.to(&self.lattice, &self.guidance, then, from);
        }
        self.reach.guess(&self.lattice, then)
    }

    /// The state in which a robot comes to its goal by the cheapest way, if that is near: by another it would look as if
    /// time could be gained by not arriving.
    fn arrival(&self, from: u32, goal: u32, way: u16, prices: &Prices) -> Option<u32> {
        let is_near = way <= 2 * DEPTH as u16 * BEAT;
        let mut state = from;
        for _ in (0..DESCENT_MAX).filter(|_| is_near) {
            if self.lattice.place(state) == goal {
                return Some(state);
            }
            state = self.best(state, prices)?;
        }
        None
    }

    /// In a crowd, who is nearer to the end of its task counts more; whoever doesn't get on counts more everywhere.
    fn weigh(&mut self, travellers: &mut [Traveller], order: &[usize]) {
        let is_crowd = travellers.len() * CROWD_PLACES > self.lattice.place_count();
        self.progress.resize(travellers.len(), Progress { goal: NONE, best: 0, is_exact: false, since: 0 });
        let count = travellers.len() as u32;
        for (robot, rank) in order.iter().zip(0..count) {
            let traveller = &mut travellers[*robot];
            let share = 100 * (count - rank) / count;
            let weight = if is_crowd { 1 + share * share / 100 } else { 100 };
            let progress = &mut self.progress[*robot];
            let (goal, prices) =
                traveller.goal.as_ref().map_or((NONE, None), |(goal, prices)| (*goal, Some(prices)));
            let left = prices.map_or(0, |prices| prices.get(&self.lattice, traveller.state));
            let is_exact = prices.is_some_and(|prices| prices.is_exact(traveller.state));
            if progress.goal != goal {
                *progress = Progress { goal, best: left, is_exact, since: 0 };
            } else if is_exact != progress.is_exact {
                // Now it knows better or less well how far it has to go: that is no progress.
                (progress.best, progress.is_exact) = (left, is_exact);
                progress.since += 1;
            } else if left < progress.best {
                (progress.best, progress.since) = (left, 0);
            } else if goal != NONE {
                progress.since += 1;
            }
            let urgency = (1 + progress.since.saturating_sub(PATIENCE) / PATIENCE_STEP).min(1_000);
            let is_favoured = !is_crowd && progress.since > STANDOFF && is_favoured(*robot, self.beats);
            traveller.weight = weight * urgency * if is_favoured { FAVOUR } else { 1 };
        }
    }

    /// The longest time a robot has now been without getting nearer to its goal, beats.
    pub fn longest_without_progress(&self) -> u32 {
        self.progress.iter().map(|progress| progress.since).max().unwrap_or(0)
    }
}

/// The robot is one of those favoured in this beat.
fn is_favoured(robot: usize, beat: u32) -> bool {
    let seed = u64::from(beat / FAVOURED_BEATS) << 32 | robot as u64;
    Draw::new(seed).below(FAVOURED_ONE_IN) == 0
}

fn pursued<'a, 'b>(seen: &'a [Seen<'b>], id: Option<u32>) -> Option<&'a Seen<'b>> {
    seen.binary_search_by_key(&id?, |task| task.id).ok().map(|index| &seen[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn favour_is_the_turn_of_some_and_passes_on() {
        let turns = |robot: usize| (0..100).filter(|turn| is_favoured(robot, turn * FAVOURED_BEATS)).count();
        for robot in 0..50 {
            assert!(
                (10..=45).contains(&turns(robot)),
                "robot {robot} is favoured in {} turns of 100",
                turns(robot)
            );
            assert_eq!(is_favoured(robot, 0), is_favoured(robot, FAVOURED_BEATS - 1));
        }
        let differ = |beat| (0..50).any(|robot| is_favoured(robot, beat) != is_favoured(robot + 1, beat));
        assert!((0..10).all(|turn| differ(turn * FAVOURED_BEATS)));
    }
}
