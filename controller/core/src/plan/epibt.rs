//! Enhanced PIBT: the unit of choice is an operation, a string of beats (after Yukhnevich and Andreychuk, "Enhancing PIBT
//! via Multi-Action Operations", AAAI 2026).
//!
//! Everybody always has an operation, and no two exclude each other. A robot takes a cheaper one if whoever is in its way
//! finds another, recursively, and the weighted sum of prices falls. After a beat, everybody keeps the rest of its
//! operation and waits at its end.

use super::guidance::Guidance;
use super::lattice::{Lattice, NONE, Step};
use super::reach::{Prices, UNREACHED};

/// Beats of an operation.
pub const DEPTH: usize = 7;

/// Price of an operation from whose end the goal can't be reached.
const STRANDED: u32 = 1 << 24;

/// Directions looked at per place, at most.
const STATES_MAX: usize = 8;

/// A robot as this planner sees it.
#[derive(Clone, Debug)]
pub struct Traveller {
    /// Where it is.
    pub state: u32,
    /// Where it goes first, and the prices to there.
    pub goal: Option<(u32, Prices)>,
    /// Where it goes then.
    pub then: Option<(u32, Prices)>,
    /// What its price counts beside others'.
    pub weight: u32,
}

/// What a robot may do in the next beats.
#[derive(Clone, Copy, Debug)]
struct Operation {
    price: u32,
    places: [u32; DEPTH],
}

/// Prices of the states at one place.
#[derive(Clone, Copy)]
struct Front {
    len: usize,
    states: [(u32, u32); STATES_MAX],
}

impl Front {
    fn one(state: u32, price: u32) -> Front {
        let mut front = Front { len: 1, states: [(NONE, 0); STATES_MAX] };
        front.states[0] = (state, price);
        front
    }

    fn all(&self) -> &[(u32, u32)] {
        &self.states[..self.len]
    }

    fn add(&mut self, state: u32, price: u32) {
        let known = self.states[..self.len].iter_mut().find(|(known, _)| *known == state);
        match known {
            Some(known) => known.1 = known.1.min(price),
            None if self.len < STATES_MAX => {
                self.states[self.len] = (state, price);
                self.len += 1;
            }
            None => {}
        }
    }
}

/// The planner, with what it keeps from beat to beat.
#[derive(Clone, Debug)]
pub struct Epibt {
    /// Who is where: `(DEPTH + 1)` beats per place.
    table: Vec<u32>,
    operations: Vec<Operation>,
    /// First operation of each robot, and the number of all.
    first: Vec<u32>,
    /// The operation each robot has, by its index among all.
    chosen: Vec<u32>,
    here: Vec<u32>,
    weight: Vec<u32>,
    on_chain: Vec<bool>,
    /// Operations looked at that may still be.
    left: u64,
}

/// Who is in the way of an operation.
enum Way {
    Free,
    One(u32),
    /// Several, or one who is on the chain.
    Barred,
}

impl Epibt {
    /// Nobody on the floor yet.
    pub fn new(lattice: &Lattice) -> Epibt {
        Epibt {
            table: vec![NONE; lattice.place_count() * (DEPTH + 1)],
            operations: Vec::new(),
            first: Vec::new(),
            chosen: Vec::new(),
            here: Vec::new(),
            weight: Vec::new(),
            on_chain: Vec::new(),
            left: 0,
        }
    }

    /// Begins a beat: everybody keeps the rest of what it had, or waits if it has just come.
    pub fn begin(&mut self, lattice: &Lattice, guidance: &Guidance, travellers: &[Traveller]) {
        self.table.fill(NONE);
        let kept: Vec<[u32; DEPTH]> = (0..travellers.len())
            .map(|robot| {
                let here = lattice.place(travellers[robot].state);
                let Some(chosen) = self.chosen.get(robot) else { return [here; DEPTH] };
                let before = self.operations[*chosen as usize].places;
                std::array::from_fn(|beat| before[(beat + 1).min(DEPTH - 1)])
            })
            .collect();
        self.operations.clear();
        self.first.clear();
        self.first.push(0);
        self.chosen.resize(travellers.len(), 0);
        self.here = travellers.iter().map(|one| lattice.place(one.state)).collect();
        self.weight = travellers.iter().map(|one| one.weight).collect();
        self.on_chain = vec![false; travellers.len()];
        for (robot, traveller) in travellers.iter().enumerate() {
            let first = self.operations.len();
            Growth { lattice, guidance, traveller, into: &mut self.operations }.grow_from(traveller.state);
            self.operations[first..].sort_unstable_by_key(|operation| (operation.price, operation.places));
            self.first.push(self.operations.len() as u32);
            let keeps = |operation: &Operation| operation.places == kept[robot];
            let chosen = first + self.operations[first..].iter().position(keeps).unwrap_or(0);
            debug_assert!(
                self.operations[chosen].places == kept[robot],
                "an operation's rest is an operation"
            );
            self.chosen[robot] = chosen as u32;
            self.put(robot as u32, chosen as u32);
        }
    }

    /// Gives the robot a cheaper operation if the weighted sum of all prices falls by it. Returns the operations looked at,
    /// at most `budget`.
    pub fn improve(&mut self, robot: u32, budget: u64) -> u64 {
        let chosen = self.chosen[robot as usize];
        if chosen == self.first[robot as usize] {
            return 0;
        }
        self.left = budget;
        self.lift(robot, chosen);
        self.on_chain[robot as usize] = true;
        if !self.settle(robot, 0, 0) {
            self.put(robot, chosen);
        }
        self.on_chain[robot as usize] = false;
        budget - self.left
    }

    /// Finds an operation for a robot that has none now, so that the sum stays under `limit`. `sum` is what those before it
    /// on the chain have gained and lost. If there is none, everything is as it was.
    fn settle(&mut self, robot: u32, sum: i64, limit: i64) -> bool {
        let (first, end) = (self.first[robot as usize], self.first[robot as usize + 1]);
        let weight = i64::from(self.weight[robot as usize]);
        let old = i64::from(self.operations[self.chosen[robot as usize] as usize].price);
        for index in first..end {
            let sum = sum + weight * (i64::from(self.operations[index as usize].price) - old);
            if sum >= limit || self.left == 0 {
                return false;
            }
            self.left -= 1;
            let is_settled = match self.way(self.here[robot as usize], index) {
                Way::Barred => false,
                Way::Free => {
                    self.put(robot, index);
                    true
                }
                Way::One(other) => {
                    sum + self.hope(other) < limit && self.displace(robot, index, other, sum, limit)
                }
            };
            if is_settled {
                self.chosen[robot as usize] = index;
                return true;
            }
        }
        false
    }

    /// The robot takes the operation, and who is in its way another.
    fn displace(&mut self, robot: u32, index: u32, other: u32, sum: i64, limit: i64) -> bool {
        let before = self.chosen[other as usize];
        self.lift(other, before);
        self.put(robot, index);
        self.on_chain[other as usize] = true;
        let is_settled = self.settle(other, sum, limit);
        self.on_chain[other as usize] = false;
        if !is_settled {
            self.lift(robot, index);
            self.put(other, before);
        }
        is_settled
    }

    /// What the robot could gain at best; never above zero.
    fn hope(&self, robot: u32) -> i64 {
        let best = &self.operations[self.first[robot as usize] as usize];
        let now = &self.operations[self.chosen[robot as usize] as usize];
        i64::from(self.weight[robot as usize]) * (i64::from(best.price) - i64::from(now.price))
    }

    fn way(&self, here: u32, index: u32) -> Way {
        let (mut found, mut before) = (NONE, here);
        for (beat, place) in self.operations[index as usize].places.iter().enumerate() {
            let row = *place as usize * (DEPTH + 1) + beat;
            let (comes_against, there) = (self.table[row], self.table[row + 1]);
            let swaps = comes_against != NONE
                && *place != before
                && self.table[before as usize * (DEPTH + 1) + beat + 1] == comes_against;
            for other in [there, if swaps { comes_against } else { NONE }] {
                if other != NONE && other != found {
                    if found != NONE || self.on_chain[other as usize] {
                        return Way::Barred;
                    }
                    found = other;
                }
            }
            before = *place;
        }
        if found == NONE { Way::Free } else { Way::One(found) }
    }

    fn put(&mut self, robot: u32, index: u32) {
        self.mark(robot, index, robot);
    }

    fn lift(&mut self, robot: u32, index: u32) {
        self.mark(robot, index, NONE);
    }

    fn mark(&mut self, robot: u32, index: u32, by: u32) {
        self.table[self.here[robot as usize] as usize * (DEPTH + 1)] = by;
        for (beat, place) in self.operations[index as usize].places.iter().enumerate() {
            self.table[*place as usize * (DEPTH + 1) + beat + 1] = by;
        }
    }

    /// The state of the robot after this beat.
    pub fn next(&self, lattice: &Lattice, guidance: &Guidance, robot: u32, traveller: &Traveller) -> u32 {
        let operation = &self.operations[self.chosen[robot as usize] as usize];
        first_state(lattice, guidance, traveller, operation)
    }
}

/// Enumerates the operations of one robot: one for each string of places, with the turns that make it cheapest.
struct Growth<'a> {
    lattice: &'a Lattice,
    guidance: &'a Guidance,
    traveller: &'a Traveller,
    into: &'a mut Vec<Operation>,
}

impl Growth<'_> {
    fn grow_from(&mut self, state: u32) {
        let places = [NONE; DEPTH];
        self.grow(0, places, self.lattice.place(state), &Front::one(state, 0), 0);
    }

    fn grow(&mut self, beat: usize, mut places: [u32; DEPTH], here: u32, front: &Front, stage: usize) {
        if beat == DEPTH {
            let price = price_to_go(self.traveller, self.lattice, front, stage);
            self.into.push(Operation { price, places });
            return;
        }
        places[beat] = here;
        let stayed = stay(self.lattice, self.guidance, self.traveller, front, stage);
        self.grow(beat + 1, places, here, &stayed, stage);
        for (state, price) in front.all() {
            let ahead = self.lattice.after(*state, Step::Ahead);
            if ahead != NONE {
                let place = self.lattice.place(ahead);
                places[beat] = place;
                let price = price + cost(self.traveller, stage, self.guidance.ahead[*state as usize]);
                let stage = arrive(self.traveller, stage, place);
                self.grow(beat + 1, places, place, &Front::one(ahead, price), stage);
            }
        }
    }
}

/// Nothing costs anything any more once all goals are reached.
fn cost(traveller: &Traveller, stage: usize, price: u16) -> u32 {
    if goal(traveller, stage).is_some() { u32::from(price) } else { 0 }
}

fn goal(traveller: &Traveller, stage: usize) -> Option<&(u32, Prices)> {
    match stage {
        0 => traveller.goal.as_ref(),
        1 => traveller.then.as_ref(),
        _ => None,
    }
}

fn arrive(traveller: &Traveller, stage: usize, place: u32) -> usize {
    stage + usize::from(goal(traveller, stage).is_some_and(|(goal, _)| *goal == place))
}

fn stay(lattice: &Lattice, guidance: &Guidance, traveller: &Traveller, front: &Front, stage: usize) -> Front {
    let mut after = Front { len: 0, states: [(NONE, 0); STATES_MAX] };
    for (state, price) in front.all() {
        after.add(*state, price + cost(traveller, stage, guidance.wait));
        for step in [Step::Right, Step::Left] {
            let turned = lattice.after(*state, step);
            if turned != NONE && turned != *state {
                after.add(turned, price + cost(traveller, stage, guidance.turn));
            }
        }
    }
    after
}

/// The least price of an operation that ends so, all goals reached.
fn price_to_go(traveller: &Traveller, lattice: &Lattice, front: &Front, stage: usize) -> u32 {
    let Some((place, prices)) = goal(traveller, stage) else {
        return front.all().iter().map(|(_, price)| *price).min().unwrap_or(STRANDED);
    };
    let reached = front.all().iter().filter(|(state, _)| prices[*state as usize] != UNREACHED);
    let price = reached.map(|(state, price)| price + u32::from(prices[*state as usize])).min();
    let onward = match &traveller.then {
        Some((_, then)) if stage == 0 => {
            lattice.states(*place).map(|state| u32::from(then[state as usize])).min().unwrap_or(0)
        }
        Some(_) | None => 0,
    };
    price.map_or(STRANDED, |price| price + onward)
}

/// The first beat of the cheapest way to make this string of places; of two alike, the one that turns at once.
fn first_state(lattice: &Lattice, guidance: &Guidance, traveller: &Traveller, operation: &Operation) -> u32 {
    let here = lattice.place(traveller.state);
    let start = Front::one(traveller.state, 0);
    let first = operation.places[0];
    let mut firsts = advance(lattice, guidance, traveller, (here, &start, 0), first).all().to_vec();
    let waits = |state: u32| state == traveller.state && traveller.goal.is_some();
    firsts.sort_unstable_by_key(|(state, price)| (waits(*state), *price, *state));
    let best = firsts.iter().filter_map(|(state, price)| {
        let (mut at, mut front) = (first, Front::one(*state, *price));
        let mut stage = arrive(traveller, 0, if first == here { NONE } else { first });
        for place in &operation.places[1..] {
            front = advance(lattice, guidance, traveller, (at, &front, stage), *place);
            stage = arrive(traveller, stage, if *place == at { NONE } else { *place });
            at = *place;
        }
        let price = if front.len == 0 { None } else { Some(price_to_go(traveller, lattice, &front, stage)) };
        price.map(|price| (price, *state))
    });
    best.min_by_key(|(price, _)| *price).map_or(traveller.state, |(_, state)| state)
}

/// One beat later, at this place.
fn advance(
    lattice: &Lattice,
    guidance: &Guidance,
    traveller: &Traveller,
    (at, front, stage): (u32, &Front, usize),
    place: u32,
) -> Front {
    if place == at {
        return stay(lattice, guidance, traveller, front, stage);
    }
    let mut moved = Front { len: 0, states: [(NONE, 0); STATES_MAX] };
    for (state, price) in front.all() {
        let ahead = lattice.after(*state, Step::Ahead);
        if ahead != NONE && lattice.place(ahead) == place {
            moved.add(ahead, price + cost(traveller, stage, guidance.ahead[*state as usize]));
        }
    }
    moved
}
