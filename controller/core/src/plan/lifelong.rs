//! Lifelong planning for throughput: which robot takes which revealed task, and everybody's next beat.

use std::collections::BTreeMap;

use super::epibt::{Epibt, Traveller};
use super::guidance::Guidance;
use super::lattice::{Lattice, NONE, Step};
use super::lns::{Draw, refine};
use super::reach::Reach;

/// Operations the first try of each robot in a beat may look at.
const FIRST_MAX: u64 = 100_000;
/// What the way to a task counts beside the way along it.
const WAY_COUNTS: u32 = 5;
/// One robot per so many places, and ranks must be far apart, or crowds don't dissolve.
const CROWD_PLACES: usize = 3;
/// Beats without progress after which a robot counts more and more.
const PATIENCE: u32 = 30;
/// Further beats after which it counts once more.
const PATIENCE_STEP: u32 = 4;

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
    best: u16,
    /// Beats since it was last nearer than ever.
    since: u32,
}

/// The stack: prices on demand, assignment, operations, refinement.
#[derive(Debug)]
pub struct Lifelong {
    lattice: Lattice,
    guidance: Guidance,
    reach: Reach,
    epibt: Epibt,
    draw: Draw,
    budget: u64,
    progress: Vec<Progress>,
    /// Price of the way along the errands of tasks nobody has begun, by id.
    lengths: BTreeMap<u32, u32>,
}

impl Lifelong {
    /// For robots on this lattice; `budget`: operations looked at in refinement per beat.
    pub fn new(lattice: Lattice, budget: u64) -> Lifelong {
        Lifelong {
            guidance: Guidance::even(&lattice),
            reach: Reach::new(&lattice),
            epibt: Epibt::new(&lattice),
            draw: Draw::new(1),
            budget,
            progress: Vec::new(),
            lengths: BTreeMap::new(),
            lattice,
        }
    }

    /// The id of the task each robot is to pursue: who has begun one goes on; then the pairs with the shortest way to the
    /// task and along it.
    pub fn assign(&mut self, states: &[u32], seen: &[Seen<'_>]) -> Vec<Option<u32>> {
        let mut pursues: Vec<Option<u32>> = vec![None; states.len()];
        let begun = seen.iter().filter_map(|task| task.held_by.map(|robot| (robot, task.id)));
        begun.for_each(|(robot, id)| pursues[robot as usize] = Some(id));
        self.lengths.retain(|id, _| seen.binary_search_by_key(id, |task| task.id).is_ok());
        let free: Vec<usize> = (0..states.len()).filter(|robot| pursues[*robot].is_none()).collect();
        let mut pairs = Vec::new();
        for (index, task) in seen.iter().enumerate().filter(|(_, task)| task.held_by.is_none()) {
            let length = self.length(task);
            let prices = self.reach.to(&self.lattice, &self.guidance, task.errands[0]);
            for robot in &free {
                let way = u32::from(prices[states[*robot] as usize]);
                pairs.push((WAY_COUNTS * way + length, *robot, index));
            }
        }
        pairs.sort_unstable();
        let mut is_taken = vec![false; seen.len()];
        for (_, robot, task) in pairs {
            if pursues[robot].is_none() && !is_taken[task] {
                pursues[robot] = Some(seen[task].id);
                is_taken[task] = true;
            }
        }
        pursues
    }

    /// Price of the way from the first errand along the others.
    fn length(&mut self, task: &Seen<'_>) -> u32 {
        let known = self.lengths.get(&task.id).filter(|_| task.held_by.is_none());
        if let Some(length) = known {
            return *length;
        }
        let mut length = 0;
        for pair in task.errands.windows(2) {
            let prices = self.reach.to(&self.lattice, &self.guidance, pair[1]);
            let states = self.lattice.states(pair[0]);
            length += states.map(|state| u32::from(prices[state as usize])).min().unwrap_or(0);
        }
        if task.held_by.is_none() {
            self.lengths.insert(task.id, length);
        }
        length
    }

    /// The state of each robot after the next beat.
    pub fn plan(&mut self, states: &[u32], seen: &[Seen<'_>], pursues: &[Option<u32>]) -> Vec<u32> {
        let (travellers, order) = self.travellers(states, seen, pursues);
        self.epibt.begin(&self.lattice, &self.guidance, &travellers);
        for robot in order {
            self.epibt.improve(robot as u32, FIRST_MAX);
        }
        refine(&mut self.epibt, states.len(), &mut self.draw, self.budget);
        let next = |(robot, traveller)| self.epibt.next(&self.lattice, &self.guidance, robot, traveller);
        (0..).zip(&travellers).map(next).collect()
    }

    /// The state of each robot after the next beat if it had the floor to itself.
    pub fn plan_alone(&mut self, states: &[u32], seen: &[Seen<'_>], pursues: &[Option<u32>]) -> Vec<u32> {
        let mut next = states.to_vec();
        for (robot, state) in states.iter().enumerate() {
            let Some(task) = pursued(seen, pursues[robot]) else { continue };
            let prices = self.reach.to(&self.lattice, &self.guidance, task.errands[0]);
            let steps = [Step::Ahead, Step::Right, Step::Left].map(|step| self.lattice.after(*state, step));
            let best =
                steps.into_iter().filter(|after| *after != NONE).min_by_key(|after| prices[*after as usize]);
            next[robot] = best.unwrap_or(*state);
        }
        next
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
            let mut traveller = Traveller { state: *state, goal: None, then: None, weight: 1 };
            let mut price = u32::MAX;
            if let Some(task) = pursued(seen, pursues[robot]) {
                let prices = self.reach.to(&self.lattice, &self.guidance, task.errands[0]);
                price = u32::from(prices[*state as usize]) + self.length(task);
                traveller.goal = Some((task.errands[0], prices));
                let then = task.errands.get(1);
                traveller.then =
                    then.map(|then| (*then, self.reach.to(&self.lattice, &self.guidance, *then)));
            }
            left.push((price, robot));
            travellers.push(traveller);
        }
        left.sort_unstable();
        let order: Vec<usize> = left.into_iter().map(|(_, robot)| robot).collect();
        self.weigh(&mut travellers, &order);
        (travellers, order)
    }

    /// In a crowd, who is nearer to the end of its task counts more; whoever doesn't get on counts more everywhere.
    fn weigh(&mut self, travellers: &mut [Traveller], order: &[usize]) {
        let is_crowd = travellers.len() * CROWD_PLACES > self.lattice.place_count();
        self.progress.resize(travellers.len(), Progress { goal: NONE, best: 0, since: 0 });
        let count = travellers.len() as u32;
        for (robot, rank) in order.iter().zip(0..count) {
            let traveller = &mut travellers[*robot];
            let share = 100 * (count - rank) / count;
            let weight = if is_crowd { 1 + share * share / 100 } else { 100 };
            let goal =
                traveller.goal.as_ref().map(|(goal, prices)| (*goal, prices[traveller.state as usize]));
            let (goal, left) = goal.unwrap_or((NONE, 0));
            let progress = &mut self.progress[*robot];
            if progress.goal != goal || left < progress.best {
                *progress = Progress { goal, best: left, since: 0 };
            } else if goal != NONE {
                progress.since += 1;
            }
            traveller.weight =
                weight * (1 + progress.since.saturating_sub(PATIENCE) / PATIENCE_STEP).min(1_000);
        }
    }

    /// The longest time a robot has now been without getting nearer to its goal, beats.
    pub fn longest_without_progress(&self) -> u32 {
        self.progress.iter().map(|progress| progress.since).max().unwrap_or(0)
    }
}

fn pursued<'a, 'b>(seen: &'a [Seen<'b>], id: Option<u32>) -> Option<&'a Seen<'b>> {
    seen.binary_search_by_key(&id?, |task| task.id).ok().map(|index| &seen[index])
}
