//! What a robot may do in the next beats, and what that costs it: strings of places, each with the turns that make it cheapest.

use super::guidance::Guidance;
use super::lattice::{Lattice, NONE, Step};
use super::reach::{Prices, UNREACHED};

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
    /// The price from the one to the other.
    pub onward: u32,
    /// What its price counts beside others'.
    pub weight: u32,
    /// Beats it has to wait before it may do anything.
    pub held: usize,
    /// It is to stay at its goal, not to visit it.
    pub stays: bool,
}

impl Traveller {
    /// Nowhere to go.
    pub fn new(state: u32) -> Traveller {
        Traveller { state, goal: None, then: None, onward: 0, weight: 1, held: 0, stays: false }
    }
}

/// What a robot may do in the next beats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation<const DEPTH: usize> {
    pub(super) price: u32,
    pub(super) places: [u32; DEPTH],
}

/// Prices of the states at one place.
#[derive(Clone, Copy)]
pub(super) struct Front {
    pub(super) len: usize,
    states: [(u32, u32); STATES_MAX],
}

impl Front {
    pub(super) fn one(state: u32, price: u32) -> Front {
        Front::of(&[(state, price)])
    }

    pub(super) fn of(states: &[(u32, u32)]) -> Front {
        let mut front = Front { len: states.len(), states: [(NONE, 0); STATES_MAX] };
        front.states[..states.len()].copy_from_slice(states);
        front
    }

    pub(super) fn all(&self) -> &[(u32, u32)] {
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

/// Nothing costs anything any more once all goals are reached.
pub(super) fn cost(traveller: &Traveller, stage: usize, price: u16) -> u32 {
    if goal(traveller, stage).is_some() { u32::from(price) } else { 0 }
}

fn goal(traveller: &Traveller, stage: usize) -> Option<&(u32, Prices)> {
    match stage {
        0 => traveller.goal.as_ref(),
        1 => traveller.then.as_ref(),
        _ => None,
    }
}

pub(super) fn arrive(traveller: &Traveller, stage: usize, place: u32) -> usize {
    let is_there = !traveller.stays && goal(traveller, stage).is_some_and(|(goal, _)| *goal == place);
    stage + usize::from(is_there)
}

/// One beat later at the same place: it waits or turns, or goes on where one doesn't wait.
pub(super) fn stay(beat: Beat<'_>, traveller: &Traveller, (at, front, stage): (u32, &Front, usize)) -> Front {
    let mut after = Front { len: 0, states: [(NONE, 0); STATES_MAX] };
    if !beat.lattice.may_wait(at) {
        for (state, price) in front.all() {
            for ahead in beat.lattice.ahead(*state).filter(|ahead| beat.lattice.place(*ahead) == at) {
                after.add(ahead, price + cost(traveller, stage, beat.guidance.ahead(ahead)));
            }
        }
        return after;
    }
    let has_come = traveller.stays && goal(traveller, stage).is_some_and(|(goal, _)| *goal == at);
    for (state, price) in front.all() {
        let wait = if has_come { 0 } else { cost(traveller, stage, beat.guidance.wait) };
        after.add(*state, price + wait);
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
pub(super) fn price_to_go(traveller: &Traveller, lattice: &Lattice, front: &Front, stage: usize) -> u32 {
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
pub(super) fn price(beat: Beat<'_>, traveller: &Traveller, places: &[u32]) -> u32 {
    let (front, stage) = fronts(beat, traveller, places);
    if front.len == 0 { STRANDED } else { price_to_go(traveller, beat.lattice, &front, stage) }
}

/// Whether the robot can be at these places after each of the next beats.
pub(super) fn can(beat: Beat<'_>, traveller: &Traveller, places: &[u32]) -> bool {
    fronts(beat, traveller, places).0.len > 0
}

/// The states at the end of a string of places, and how many goals it has reached.
pub(super) fn fronts(beat: Beat<'_>, traveller: &Traveller, places: &[u32]) -> (Front, usize) {
    let (mut at, mut front, mut stage) =
        (beat.lattice.place(traveller.state), Front::one(traveller.state, 0), 0);
    for place in &places[traveller.held.min(places.len())..] {
        front = advance(beat, traveller, (at, &front, stage), *place);
        stage = arrive(traveller, stage, if *place == at { NONE } else { *place });
        at = *place;
    }
    (front, stage)
}

/// The first beat of the cheapest way to make this string of places; of two alike, the one that turns at once.
pub(super) fn first_state(beat: Beat<'_>, traveller: &Traveller, places: &[u32]) -> u32 {
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
pub(super) fn advance(
    beat: Beat<'_>,
    traveller: &Traveller,
    (at, front, stage): (u32, &Front, usize),
    place: u32,
) -> Front {
    if place == at {
        return stay(beat, traveller, (at, front, stage));
    }
    let mut moved = Front { len: 0, states: [(NONE, 0); STATES_MAX] };
    for (state, price) in front.all() {
        for ahead in beat.lattice.ahead(*state).filter(|ahead| beat.lattice.place(*ahead) == place) {
            moved.add(ahead, price + cost(traveller, stage, beat.guidance.ahead(ahead)));
        }
    }
    moved
}
