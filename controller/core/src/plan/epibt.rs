//! Enhanced PIBT: the unit of choice is an operation, a string of beats (after Yukhnevich and Andreychuk, "Enhancing PIBT
//! via Multi-Action Operations", AAAI 2026).
//!
//! Everybody always has an operation, and no two exclude each other. A robot takes a cheaper one if whoever is in its way
//! finds another, recursively, and the weighted sum of prices falls. After a beat, everybody keeps the rest of its
//! operation and waits at its end.

use super::guidance::{BEAT, Guidance};
use super::lattice::{Lattice, NONE, Step};
use super::reach::{Prices, UNREACHED};

/// Beats of an operation, at most.
pub const DEPTH: usize = 7;

/// Price of an operation from whose end the goal can't be reached.
const STRANDED: u32 = 1 << 24;

/// More than any operation's price.
const ANY: u32 = u32::MAX;

/// A list holds operations so much dearer than was asked for, lest it be made twice.
const LISTED_BEYOND: u32 = BEAT as u32;

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
    /// The price from the one to the other.
    pub onward: u32,
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
    /// Beats of an operation.
    depth: usize,
    /// Who is where: `(DEPTH + 1)` beats per place.
    table: Vec<u32>,
    /// The operation each robot has.
    now: Vec<Operation>,
    /// No operation of the robot is cheaper.
    bound: Vec<u32>,
    /// Operations of robots that had to look for one, cheapest first, and where each robot's are.
    operations: Vec<Operation>,
    listed: Vec<Listed>,
    here: Vec<u32>,
    on_chain: Vec<bool>,
    /// Operations looked at that may still be.
    left: u64,
}

/// Where the operations of a robot are that are cheaper than `under`.
#[derive(Clone, Copy, Debug, Default)]
struct Listed {
    first: u32,
    end: u32,
    under: u32,
}

/// The floor in one beat.
#[derive(Clone, Copy)]
pub struct Beat<'a> {
    /// Where robots can be.
    pub lattice: &'a Lattice,
    /// Prices of a beat.
    pub guidance: &'a Guidance,
    /// Everybody.
    pub travellers: &'a [Traveller],
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
            depth: DEPTH,
            table: vec![NONE; lattice.place_count() * (DEPTH + 1)],
            now: Vec::new(),
            bound: Vec::new(),
            operations: Vec::new(),
            listed: Vec::new(),
            here: Vec::new(),
            on_chain: Vec::new(),
            left: 0,
        }
    }

    /// Operations are of so many beats from now on, 1 to `DEPTH`. If that is new, everybody waits at first.
    pub fn set_depth(&mut self, depth: usize) {
        if depth != self.depth {
            self.depth = depth.clamp(1, DEPTH);
            self.now.clear();
        }
    }

    /// Begins a beat: everybody keeps the rest of what it had. If somebody isn't where its operation said, or is new,
    /// everybody waits, which nobody can be in the way of.
    pub fn begin(&mut self, beat: Beat<'_>) {
        let (lattice, travellers) = (beat.lattice, beat.travellers);
        self.table.fill(NONE);
        self.operations.clear();
        self.listed = vec![Listed::default(); travellers.len()];
        self.on_chain = vec![false; travellers.len()];
        self.here = travellers.iter().map(|one| lattice.place(one.state)).collect();
        let went_on = |(now, here): (&Operation, &u32)| now.places[0] == *here;
        let is_kept = self.now.len() == self.here.len() && self.now.iter().zip(&self.here).all(went_on);
        if !is_kept {
            self.now = self.here.iter().map(|here| Operation { price: 0, places: [*here; DEPTH] }).collect();
        }
        self.bound.clear();
        for (robot, traveller) in travellers.iter().enumerate() {
            let front = Front::one(traveller.state, 0);
            self.bound.push(price_to_go(traveller, lattice, &front, 0));
            let before = self.now[robot].places;
            let places = std::array::from_fn(|index| before[(index + 1).min(self.depth - 1)]);
            let price = price(beat, traveller, &places[..self.depth]);
            self.now[robot] = Operation { price, places };
            self.put(robot as u32, &places);
        }
    }

    /// Gives the robot a cheaper operation if the weighted sum of all prices falls by it. Returns the operations looked at,
    /// at most `budget`.
    pub fn improve(&mut self, beat: Beat<'_>, robot: u32, budget: u64) -> u64 {
        let now = self.now[robot as usize];
        if now.price <= self.bound[robot as usize] {
            return 0;
        }
        self.left = budget;
        self.lift(robot, &now.places);
        if !self.go_on(beat, robot) {
            self.on_chain[robot as usize] = true;
            if !self.settle(beat, robot, 0, 0) {
                self.put(robot, &now.places);
            }
            self.on_chain[robot as usize] = false;
        }
        budget - self.left
    }

    /// Lengthens what the robot had by the best last beat, if no operation can be cheaper and nobody is in the way: so a
    /// robot with a free way needs no list.
    fn go_on(&mut self, beat: Beat<'_>, robot: u32) -> bool {
        let traveller = &beat.travellers[robot as usize];
        let mut places = self.now[robot as usize].places;
        let (front, stage) = fronts(beat, traveller, &places[..self.depth - 1]);
        let last = self.depth - 1;
        for (state, _) in front.all() {
            let ahead = beat.lattice.after(*state, Step::Ahead);
            if ahead == NONE {
                continue;
            }
            places[last] = beat.lattice.place(ahead);
            let before = places.get(last.wrapping_sub(1)).copied().unwrap_or(self.here[robot as usize]);
            let front = advance(beat, traveller, (before, &front, stage), places[last]);
            let stage = arrive(traveller, stage, places[last]);
            let price = price_to_go(traveller, beat.lattice, &front, stage);
            if price > self.bound[robot as usize] {
                continue;
            }
            self.left = self.left.saturating_sub(1);
            if matches!(self.way(self.here[robot as usize], &places), Way::Free) {
                self.now[robot as usize] = Operation { price, places };
                self.put(robot, &places);
                return true;
            }
        }
        false
    }

    /// Finds an operation for a robot that has none now, so that the sum stays under `limit`. `sum` is what those before it
    /// on the chain have gained and lost. If there is none, everything is as it was.
    fn settle(&mut self, beat: Beat<'_>, robot: u32, sum: i64, limit: i64) -> bool {
        let weight = i64::from(beat.travellers[robot as usize].weight);
        let old = i64::from(self.now[robot as usize].price);
        let under = (old + (limit - sum - 1).div_euclid(weight) + 1).clamp(0, i64::from(ANY));
        let listed = self.list(beat, robot, under as u32);
        for index in listed.first..listed.end {
            let operation = self.operations[index as usize];
            let sum = sum + weight * (i64::from(operation.price) - old);
            if sum >= limit || self.left == 0 {
                return false;
            }
            self.left -= 1;
            let is_settled = match self.way(self.here[robot as usize], &operation.places) {
                Way::Barred => false,
                Way::Free => {
                    self.put(robot, &operation.places);
                    true
                }
                Way::One(other) => {
                    sum + self.hope(beat, other) < limit
                        && self.displace(beat, (robot, &operation.places), other, sum, limit)
                }
            };
            if is_settled {
                self.now[robot as usize] = operation;
                return true;
            }
        }
        false
    }

    /// The robot takes the operation, and who is in its way another.
    fn displace(
        &mut self,
        beat: Beat<'_>,
        (robot, places): (u32, &[u32; DEPTH]),
        other: u32,
        sum: i64,
        limit: i64,
    ) -> bool {
        let before = self.now[other as usize].places;
        self.lift(other, &before);
        self.put(robot, places);
        self.on_chain[other as usize] = true;
        let is_settled = self.settle(beat, other, sum, limit);
        self.on_chain[other as usize] = false;
        if !is_settled {
            self.lift(robot, places);
            self.put(other, &before);
        }
        is_settled
    }

    /// Where the robot's operations cheaper than this are, cheapest first.
    fn list(&mut self, beat: Beat<'_>, robot: u32, under: u32) -> Listed {
        let listed = self.listed[robot as usize];
        if under <= listed.under || under <= self.bound[robot as usize] {
            return listed;
        }
        // Who had to look twice sees all.
        let under = if listed.under == 0 { under.saturating_add(LISTED_BEYOND) } else { ANY };
        let first = self.operations.len();
        let traveller = &beat.travellers[robot as usize];
        let growth = Growth { depth: self.depth, under, beat, traveller, into: &mut self.operations };
        growth.grow_from(traveller.state);
        self.operations[first..].sort_unstable_by_key(|operation| (operation.price, operation.places));
        let listed = Listed { first: first as u32, end: self.operations.len() as u32, under };
        self.listed[robot as usize] = listed;
        listed
    }

    /// What the robot could gain at best; never above zero.
    fn hope(&self, beat: Beat<'_>, robot: u32) -> i64 {
        let listed = self.listed[robot as usize];
        let first = self.operations.get(listed.first as usize).filter(|_| listed.first < listed.end);
        let least = first.map_or(self.bound[robot as usize], |first| first.price);
        let now = self.now[robot as usize].price;
        i64::from(beat.travellers[robot as usize].weight) * (i64::from(least) - i64::from(now)).min(0)
    }

    fn way(&self, here: u32, places: &[u32; DEPTH]) -> Way {
        let (mut found, mut before) = (NONE, here);
        for (beat, place) in places[..self.depth].iter().enumerate() {
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

    fn put(&mut self, robot: u32, places: &[u32; DEPTH]) {
        self.mark(robot, places, robot);
    }

    fn lift(&mut self, robot: u32, places: &[u32; DEPTH]) {
        self.mark(robot, places, NONE);
    }

    fn mark(&mut self, robot: u32, places: &[u32; DEPTH], by: u32) {
        self.table[self.here[robot as usize] as usize * (DEPTH + 1)] = by;
        for (beat, place) in places[..self.depth].iter().enumerate() {
            self.table[*place as usize * (DEPTH + 1) + beat + 1] = by;
        }
    }

    /// The state of the robot after this beat.
    pub fn next(&self, beat: Beat<'_>, robot: u32) -> u32 {
        first_state(beat, &beat.travellers[robot as usize], &self.now[robot as usize].places[..self.depth])
    }
}

/// Enumerates the operations of one robot: one for each string of places, with the turns that make it cheapest.
struct Growth<'a> {
    depth: usize,
    /// Only those cheaper than this.
    under: u32,
    beat: Beat<'a>,
    traveller: &'a Traveller,
    into: &'a mut Vec<Operation>,
}

impl Growth<'_> {
    fn grow_from(mut self, state: u32) {
        let places = [NONE; DEPTH];
        self.grow(0, places, self.beat.lattice.place(state), &Front::one(state, 0), 0);
    }

    fn grow(&mut self, at: usize, mut places: [u32; DEPTH], here: u32, front: &Front, stage: usize) {
        let Beat { lattice, guidance, .. } = self.beat;
        let price = price_to_go(self.traveller, lattice, front, stage);
        if price >= self.under {
            return;
        }
        if at == self.depth {
            self.into.push(Operation { price, places });
            return;
        }
        places[at] = here;
        let stayed = stay(self.beat, self.traveller, front, stage);
        self.grow(at + 1, places, here, &stayed, stage);
        for (state, price) in front.all() {
            let ahead = lattice.after(*state, Step::Ahead);
            if ahead != NONE {
                let place = lattice.place(ahead);
                places[at] = place;
                let price = price + cost(self.traveller, stage, guidance.ahead(ahead));
                let stage = arrive(self.traveller, stage, place);
                self.grow(at + 1, places, place, &Front::one(ahead, price), stage);
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

fn stay(beat: Beat<'_>, traveller: &Traveller, front: &Front, stage: usize) -> Front {
    let mut after = Front { len: 0, states: [(NONE, 0); STATES_MAX] };
    for (state, price) in front.all() {
        after.add(*state, price + cost(traveller, stage, beat.guidance.wait));
        for step in [Step::Right, Step::Left] {
            let turned = beat.lattice.after(*state, step);
            if turned != NONE && turned != *state {
                after.add(turned, price + cost(traveller, stage, beat.guidance.turn));
            }
        }
    }
    after
}

/// The least price of an operation that ends so, all goals reached.
fn price_to_go(traveller: &Traveller, lattice: &Lattice, front: &Front, stage: usize) -> u32 {
    let Some((_, prices)) = goal(traveller, stage) else {
        return front.all().iter().map(|(_, price)| *price).min().unwrap_or(STRANDED);
    };
    let prices = front.all().iter().map(|(state, price)| (price, prices.get(lattice, *state)));
    let reached = prices.filter(|(_, left)| *left != UNREACHED);
    let price = reached.map(|(price, left)| price + u32::from(left)).min();
    let onward = if stage == 0 { traveller.onward } else { 0 };
    price.map_or(STRANDED, |price| price + onward)
}

/// The price of a string of places.
fn price(beat: Beat<'_>, traveller: &Traveller, places: &[u32]) -> u32 {
    let (front, stage) = fronts(beat, traveller, places);
    if front.len == 0 { STRANDED } else { price_to_go(traveller, beat.lattice, &front, stage) }
}

/// The states at the end of a string of places, and how many goals it has reached.
fn fronts(beat: Beat<'_>, traveller: &Traveller, places: &[u32]) -> (Front, usize) {
    let (mut at, mut front, mut stage) =
        (beat.lattice.place(traveller.state), Front::one(traveller.state, 0), 0);
    for place in places {
        front = advance(beat, traveller, (at, &front, stage), *place);
        stage = arrive(traveller, stage, if *place == at { NONE } else { *place });
        at = *place;
    }
    (front, stage)
}

/// The first beat of the cheapest way to make this string of places; of two alike, the one that turns at once.
fn first_state(beat: Beat<'_>, traveller: &Traveller, places: &[u32]) -> u32 {
    let here = beat.lattice.place(traveller.state);
    let start = Front::one(traveller.state, 0);
    let first = places[0];
    let mut firsts = advance(beat, traveller, (here, &start, 0), first).all().to_vec();
    let waits = |state: u32| state == traveller.state && traveller.goal.is_some();
    firsts.sort_unstable_by_key(|(state, price)| (waits(*state), *price, *state));
    let best = firsts.iter().filter_map(|(state, price)| {
        let (mut at, mut front) = (first, Front::one(*state, *price));
        let mut stage = arrive(traveller, 0, if first == here { NONE } else { first });
        for place in &places[1..] {
            front = advance(beat, traveller, (at, &front, stage), *place);
            stage = arrive(traveller, stage, if *place == at { NONE } else { *place });
            at = *place;
        }
        let price =
            if front.len == 0 { None } else { Some(price_to_go(traveller, beat.lattice, &front, stage)) };
        price.map(|price| (price, *state))
    });
    best.min_by_key(|(price, _)| *price).map_or(traveller.state, |(_, state)| state)
}

/// One beat later, at this place.
fn advance(
    beat: Beat<'_>,
    traveller: &Traveller,
    (at, front, stage): (u32, &Front, usize),
    place: u32,
) -> Front {
    if place == at {
        return stay(beat, traveller, front, stage);
    }
    let mut moved = Front { len: 0, states: [(NONE, 0); STATES_MAX] };
    for (state, price) in front.all() {
        let ahead = beat.lattice.after(*state, Step::Ahead);
        if ahead != NONE && beat.lattice.place(ahead) == place {
            moved.add(ahead, price + cost(traveller, stage, beat.guidance.ahead(ahead)));
        }
    }
    moved
}
