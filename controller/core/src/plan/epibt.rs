//! Enhanced PIBT: the unit of choice is an operation, a string of beats (after Yukhnevich and Andreychuk, "Enhancing PIBT
//! via Multi-Action Operations", AAAI 2026).
//!
//! Everybody always has an operation, and no two exclude each other. A robot takes a cheaper one if whoever is in its way
//! finds another, recursively, and the weighted sum of prices falls. After a beat, everybody keeps the rest of its
//! operation and waits at its end.

use super::guidance::BEAT;
use super::lattice::{Footprint, Lattice, NONE};
use super::operation::{
    Front, Growth, Operation, advance, arrive, can, first_state, fronts, price, price_to_go,
};

pub use super::operation::{Beat, Traveller};

/// Beats of an operation on a grid, at most.
pub const DEPTH: usize = 7;
/// The same on a layout, where an edge takes several.
pub const DEPTH_ON_LAYOUT: usize = 15;

/// In the table of who is where: nobody may be there.
const BARRED: u32 = NONE - 1;

/// More than any operation's price.
const ANY: u32 = u32::MAX;

/// A list holds operations so much dearer than was asked for, lest it be made twice.
const LISTED_BEYOND: u32 = BEAT as u32;

/// The planner, with what it keeps from beat to beat. `DEPTH`: beats of an operation, at most.
#[derive(Clone, Debug)]
pub struct Epibt<const DEPTH: usize> {
    /// Beats of an operation.
    depth: usize,
    /// Who is where: `(DEPTH + 1)` beats per place.
    table: Vec<u32>,
    /// The operation each robot has.
    now: Vec<Operation<DEPTH>>,
    /// No operation of the robot is cheaper.
    bound: Vec<u32>,
    /// Operations of robots that had to look for one, cheapest first, and where each robot's are.
    operations: Vec<Operation<DEPTH>>,
    listed: Vec<Listed>,
    here: Vec<u32>,
    on_chain: Vec<bool>,
    /// What each robot had before that has got another operation since the last try began.
    replaced: Vec<(u32, Operation<DEPTH>)>,
    /// Operations looked at that may still be.
    left: u64,
}

/// What came of a try.
#[derive(Clone, Debug)]
pub struct Attempt<const DEPTH: usize> {
    /// Operations looked at.
    pub looked: u64,
    /// Who would do something else, and what; nobody if nothing better was found.
    changes: Vec<(u32, Operation<DEPTH>)>,
}

impl<const DEPTH: usize> Attempt<DEPTH> {
    /// Something better was found.
    pub fn is_gain(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// Where the operations of a robot are that are cheaper than `under`.
#[derive(Clone, Copy, Debug, Default)]
struct Listed {
    first: u32,
    end: u32,
    under: u32,
}

/// Who is in the way of an operation.
enum Way {
    Free,
    One(u32),
    /// Several, or one who is on the chain.
    Barred,
}

impl<const DEPTH: usize> Epibt<DEPTH> {
    /// Nobody on the floor yet.
    pub fn new(lattice: &Lattice) -> Epibt<DEPTH> {
        Epibt {
            depth: DEPTH,
            table: vec![NONE; lattice.place_count() * (DEPTH + 1)],
            now: Vec::new(),
            bound: Vec::new(),
            operations: Vec::new(),
            listed: Vec::new(),
            here: Vec::new(),
            on_chain: Vec::new(),
            replaced: Vec::new(),
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

    /// Begins a beat: everybody keeps the rest of what it had. Who hasn't come on as it was to, has all of that still
    /// before it, if nobody is in the way; if that can't be, it rests, and so does whoever would come into its way. Resting,
    /// nobody is in anybody's way.
    pub fn begin(&mut self, beat: Beat<'_>) {
        let (lattice, travellers) = (beat.lattice, beat.travellers);
        self.table.fill(NONE);
        self.operations.clear();
        self.listed = vec![Listed::default(); travellers.len()];
        self.on_chain = vec![false; travellers.len()];
        self.here = travellers.iter().map(|one| lattice.place(one.state)).collect();
        let price = |one: &Traveller| price_to_go(one, lattice, &Front::one(one.state, 0), 0);
        self.bound = travellers.iter().map(price).collect();
        let is_new = self.now.len() != travellers.len();
        if is_new {
            self.now = self.here.iter().map(|here| Operation { price: 0, places: [*here; DEPTH] }).collect();
        }
        let mut late = Vec::new();
        for (robot, traveller) in (0..).zip(travellers) {
            let before = self.now[robot as usize].places;
            if is_new || before[0] != self.here[robot as usize] {
                late.push(robot);
                continue;
            }
            let mut places = std::array::from_fn(|index| before[(index + 1).min(self.depth - 1)]);
            self.go_to_end(beat, traveller, &mut places);
            if can(beat, traveller, &places[..self.depth]) {
                self.take(beat, robot, places);
            } else {
                // It is at its place, but hasn't turned.
                late.push(robot);
            }
        }
        let mut resting = late;
        resting.retain(|robot| is_new || !self.goes_on_late(beat, *robot));
        self.rest(beat, resting);
    }

    /// The robot has this operation from now on.
    fn take(&mut self, beat: Beat<'_>, robot: u32, places: [u32; DEPTH]) {
        let price = price(beat, &beat.travellers[robot as usize], &places[..self.depth]);
        self.now[robot as usize] = Operation { price, places };
        self.put(beat.lattice, robot, &places);
    }

    /// The robot does now what it was to do a beat ago, if it can and nobody is in the way.
    fn goes_on_late(&mut self, beat: Beat<'_>, robot: u32) -> bool {
        let places = self.now[robot as usize].places;
        let can = can(beat, &beat.travellers[robot as usize], &places[..self.depth]);
        let goes = can && matches!(self.way(beat.lattice, self.here[robot as usize], &places), Way::Free);
        if goes {
            self.take(beat, robot, places);
        }
        goes
    }

    /// These robots go to the end of where they can't wait, and wait. Whoever would come into the way of that, too.
    fn rest(&mut self, beat: Beat<'_>, mut robots: Vec<u32>) {
        let mut rests = vec![false; beat.travellers.len()];
        robots.iter().for_each(|robot| rests[*robot as usize] = true);
        while let Some(robot) = robots.pop() {
            let (mut state, mut places) = (beat.travellers[robot as usize].state, [NONE; DEPTH]);
            for place in &mut places[..self.depth] {
                let ahead = beat.lattice.ahead(state).next();
                state = ahead.filter(|_| !beat.lattice.may_wait(beat.lattice.place(state))).unwrap_or(state);
                *place = beat.lattice.place(state);
            }
            let mut in_the_way = Vec::new();
            for (at, place) in places[..self.depth].iter().enumerate() {
                each_needed(beat.lattice, *place, |need| {
                    let there = self.table[need as usize * (DEPTH + 1) + at + 1];
                    if there < BARRED && !std::mem::replace(&mut rests[there as usize], true) {
                        in_the_way.push(there);
                    }
                });
            }
            for other in in_the_way {
                let places = self.now[other as usize].places;
                self.lift(beat.lattice, other, &places);
                robots.push(other);
            }
            self.take(beat, robot, places);
        }
    }

    /// Who is on its way at the end of its operation goes on.
    fn go_to_end(&self, beat: Beat<'_>, traveller: &Traveller, places: &mut [u32; DEPTH]) {
        let last = self.depth - 1;
        if beat.lattice.may_wait(places[last]) || can(beat, traveller, &places[..self.depth]) {
            return;
        }
        let (front, _) = fronts(beat, traveller, &places[..last]);
        let ahead = front.all().iter().flat_map(|(state, _)| beat.lattice.ahead(*state)).next();
        places[last] = ahead.map_or(places[last], |state| beat.lattice.place(state));
    }

    /// Nobody may have the place during the first beats, but who has it now.
    pub fn bar(&mut self, place: u32, beats: usize) {
        let row = place as usize * (DEPTH + 1);
        let free = self.table[row..=row + beats.min(self.depth)].iter_mut().filter(|by| **by == NONE);
        free.for_each(|by| *by = BARRED);
    }

    /// Gives the robot a cheaper operation if the weighted sum of all prices falls by it. Returns the operations looked at,
    /// at most `budget`.
    pub fn improve(&mut self, beat: Beat<'_>, robot: u32, budget: u64) -> u64 {
        self.replaced.clear();
        let now = self.now[robot as usize];
        if now.price <= self.bound[robot as usize] {
            return 0;
        }
        self.left = budget;
        self.lift(beat.lattice, robot, &now.places);
        if !self.go_on(beat, robot) {
            self.on_chain[robot as usize] = true;
            if !self.settle(beat, robot, 0, 0) {
                self.put(beat.lattice, robot, &now.places);
            }
            self.on_chain[robot as usize] = false;
        }
        budget - self.left
    }

    /// What [`Epibt::improve`] would do. Nothing is changed.
    pub fn attempt(&mut self, beat: Beat<'_>, robot: u32, budget: u64) -> Attempt<DEPTH> {
        let looked = self.improve(beat, robot, budget);
        let before = std::mem::take(&mut self.replaced);
        Attempt { looked, changes: self.exchange(beat.lattice, &before) }
    }

    /// Does what a try found from how things stand.
    pub fn accept(&mut self, beat: Beat<'_>, attempt: &Attempt<DEPTH>) {
        self.exchange(beat.lattice, &attempt.changes);
    }

    /// These robots have these operations from now on. Returns what they had.
    fn exchange(
        &mut self,
        lattice: &Lattice,
        operations: &[(u32, Operation<DEPTH>)],
    ) -> Vec<(u32, Operation<DEPTH>)> {
        let before: Vec<_> =
            operations.iter().map(|(robot, _)| (*robot, self.now[*robot as usize])).collect();
        before.iter().for_each(|(robot, operation)| self.lift(lattice, *robot, &operation.places));
        for (robot, operation) in operations {
            self.now[*robot as usize] = *operation;
            self.put(lattice, *robot, &operation.places);
        }
        before
    }

    fn replace(&mut self, robot: u32, by: Operation<DEPTH>) {
        let before = std::mem::replace(&mut self.now[robot as usize], by);
        self.replaced.push((robot, before));
    }

    /// Lengthens what the robot had by the best last beat, if no operation can be cheaper and nobody is in the way: so a
    /// robot with a free way needs no list.
    fn go_on(&mut self, beat: Beat<'_>, robot: u32) -> bool {
        let traveller = &beat.travellers[robot as usize];
        let mut places = self.now[robot as usize].places;
        let (front, stage) = fronts(beat, traveller, &places[..self.depth - 1]);
        let last = self.depth - 1;
        let before = places.get(last.wrapping_sub(1)).copied().unwrap_or(self.here[robot as usize]);
        for ahead in front.all().iter().flat_map(|(state, _)| beat.lattice.ahead(*state)) {
            places[last] = beat.lattice.place(ahead);
            if last < traveller.held {
                return false;
            }
            let front = advance(beat, traveller, (before, &front, stage), places[last]);
            let stage = if places[last] == before { stage } else { arrive(traveller, stage, places[last]) };
            let price = price_to_go(traveller, beat.lattice, &front, stage);
            if price > self.bound[robot as usize] {
                continue;
            }
            self.left = self.left.saturating_sub(1);
            if matches!(self.way(beat.lattice, self.here[robot as usize], &places), Way::Free) {
                self.replace(robot, Operation { price, places });
                self.put(beat.lattice, robot, &places);
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
            let is_settled = match self.way(beat.lattice, self.here[robot as usize], &operation.places) {
                Way::Barred => false,
                Way::Free => {
                    self.put(beat.lattice, robot, &operation.places);
                    true
                }
                Way::One(other) => {
                    sum + self.hope(beat, other) < limit
                        && self.displace(beat, (robot, &operation.places), other, sum, limit)
                }
            };
            if is_settled {
                self.replace(robot, operation);
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
        self.lift(beat.lattice, other, &before);
        self.put(beat.lattice, robot, places);
        self.on_chain[other as usize] = true;
        let is_settled = self.settle(beat, other, sum, limit);
        self.on_chain[other as usize] = false;
        if !is_settled {
            self.lift(beat.lattice, robot, places);
            self.put(beat.lattice, other, &before);
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
        let (least, now) = (self.bound[robot as usize], self.now[robot as usize].price);
        i64::from(beat.travellers[robot as usize].weight) * (i64::from(least) - i64::from(now)).min(0)
    }

    fn way(&self, lattice: &Lattice, here: u32, places: &[u32; DEPTH]) -> Way {
        if let Some(footprint) = lattice.footprint() {
            return self.way_of(footprint, places);
        }
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

    /// The same for robots that exclude each other from more than the places they are at.
    fn way_of(&self, footprint: &Footprint, places: &[u32; DEPTH]) -> Way {
        let mut found = NONE;
        for (beat, place) in places[..self.depth].iter().enumerate() {
            for need in footprint.needs(*place) {
                let there = self.table[*need as usize * (DEPTH + 1) + beat + 1];
                if there != NONE && there != found {
                    if found != NONE || there == BARRED || self.on_chain[there as usize] {
                        return Way::Barred;
                    }
                    found = there;
                }
            }
        }
        if found == NONE { Way::Free } else { Way::One(found) }
    }

    fn put(&mut self, lattice: &Lattice, robot: u32, places: &[u32; DEPTH]) {
        self.mark(lattice, robot, places, robot);
    }

    fn lift(&mut self, lattice: &Lattice, robot: u32, places: &[u32; DEPTH]) {
        self.mark(lattice, robot, places, NONE);
    }

    fn mark(&mut self, lattice: &Lattice, robot: u32, places: &[u32; DEPTH], by: u32) {
        self.table[self.here[robot as usize] as usize * (DEPTH + 1)] = by;
        for (beat, place) in places[..self.depth].iter().enumerate() {
            each_held(lattice, *place, |held| self.table[held as usize * (DEPTH + 1) + beat + 1] = by);
        }
    }

    /// Where the robot will be after each of the next beats.
    pub fn places(&self, robot: u32) -> &[u32] {
        &self.now[robot as usize].places[..self.depth]
    }

    /// The state of the robot after this beat.
    pub fn next(&self, beat: Beat<'_>, robot: u32) -> u32 {
        first_state(beat, &beat.travellers[robot as usize], &self.now[robot as usize].places[..self.depth])
    }
}

/// Every place that nobody else may have while a robot is at this one.
fn each_needed(lattice: &Lattice, place: u32, mut each: impl FnMut(u32)) {
    match lattice.footprint() {
        None => each(place),
        Some(footprint) => footprint.needs(place).iter().for_each(|need| each(*need)),
    }
}

/// Every place that a robot at this one has for itself.
fn each_held(lattice: &Lattice, place: u32, mut each: impl FnMut(u32)) {
    match lattice.footprint() {
        None => each(place),
        Some(footprint) => footprint.holds(place).iter().for_each(|held| each(*held)),
    }
}
