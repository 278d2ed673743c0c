//! Enhanced PIBT: the unit of choice is an operation, a string of beats (after Yukhnevich and Andreychuk, "Enhancing PIBT
//! via Multi-Action Operations", AAAI 2026).
//!
//! Everybody always has an operation, and no two exclude each other. A robot takes a cheaper one if whoever is in its way
//! finds another, recursively, and the weighted sum of prices falls. After a beat, everybody keeps the rest of its
//! operation and waits at its end.

use super::guidance::BEAT;
use super::lattice::{Lattice, NONE};
use super::operation::{Front, Operation, advance, arrive, can, first_state, fronts, price, price_to_go};
use super::tree::{BEATS_MAX, Tree};

pub use super::operation::{Beat, Traveller};

/// Beats of an operation on a grid, at most.
pub const DEPTH: usize = 9;
/// The same on a layout, where an edge takes several.
pub const DEPTH_ON_LAYOUT: usize = 15;

/// In the table of who is where: nobody may be there.
const BARRED: u32 = NONE - 1;

/// Operations so much dearer than the cheapest there may be are tried first, then twice as many.
const BAND: u32 = BEAT as u32;

/// How hard a try may be.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Nodes of the tree of operations looked at.
    pub nodes: u64,
    /// Times the same robot may be asked to make way.
    pub asks: u32,
}

impl Effort {
    /// The same with no more than so many nodes.
    pub fn within(self, nodes: u64) -> Effort {
        Effort { nodes: self.nodes.min(nodes), ..self }
    }
}

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
    /// Operations there are.
    tree: Tree,
    /// Nodes of the chain's robots, each with who is in the way: what is to be looked at now, what is dearer, and what can be
    /// tried. Each robot's lie above those of the robot before it.
    open: Vec<(u32, u32)>,
    dearer: Vec<(u32, u32)>,
    choices: Vec<(u32, u32)>,
    here: Vec<u32>,
    on_chain: Vec<bool>,
    /// Times each robot was asked to make way in this try, and who was.
    asks: Vec<u32>,
    asked: Vec<u32>,
    /// What each robot had before that has got another operation since the last try began.
    replaced: Vec<(u32, Operation<DEPTH>)>,
    /// What is left of the try.
    left: Effort,
}

/// What came of a try.
#[derive(Clone, Debug)]
pub struct Attempt<const DEPTH: usize> {
    /// Nodes of the tree looked at.
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

/// What a robot looks for: an operation by which the sum stays under the limit.
#[derive(Clone, Copy)]
struct Quest {
    robot: u32,
    /// What those before it on the chain have gained and lost.
    sum: i64,
    limit: i64,
    weight: i64,
    /// The price of what it had.
    old: i64,
}

impl Quest {
    fn sum_at(&self, price: u32) -> i64 {
        self.sum + self.weight * (i64::from(price) - self.old)
    }

    /// Only prices under this keep the sum under the limit.
    fn end(&self) -> u32 {
        let end = self.old + (self.limit - self.sum - 1).div_euclid(self.weight) + 1;
        end.clamp(0, i64::from(u32::MAX)) as u32
    }
}

impl<const DEPTH: usize> Epibt<DEPTH> {
    /// Nobody on the floor yet.
    pub fn new(lattice: &Lattice) -> Epibt<DEPTH> {
        const { assert!(DEPTH <= BEATS_MAX) };
        Epibt {
            depth: DEPTH,
            table: vec![NONE; lattice.place_count() * (DEPTH + 1)],
            now: Vec::new(),
            bound: Vec::new(),
            tree: Tree::default(),
            open: Vec::new(),
            dearer: Vec::new(),
            choices: Vec::new(),
            here: Vec::new(),
            on_chain: Vec::new(),
            asks: Vec::new(),
            asked: Vec::new(),
            replaced: Vec::new(),
            left: Effort { nodes: 0, asks: 0 },
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
        self.tree.clear(travellers.len());
        self.on_chain = vec![false; travellers.len()];
        self.asks = vec![0; travellers.len()];
        self.asked.clear();
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
        let goes = can && self.is_free(beat.lattice, self.here[robot as usize], &places);
        if goes {
            self.take(beat, robot, places);
        }
        goes
    }

    /// The robot does this from now on, if it can and nobody is in the way.
    pub fn lay(&mut self, beat: Beat<'_>, robot: u32, places: [u32; DEPTH]) -> bool {
        let before = self.now[robot as usize].places;
        self.lift(beat.lattice, robot, &before);
        let may = can(beat, &beat.travellers[robot as usize], &places[..self.depth])
            && self.is_free(beat.lattice, self.here[robot as usize], &places);
        if may {
            self.take(beat, robot, places);
        } else {
            self.put(beat.lattice, robot, &before);
        }
        may
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

    /// Gives the robot a cheaper operation if the weighted sum of all prices falls by it. Returns the nodes looked at.
    pub fn improve(&mut self, beat: Beat<'_>, robot: u32, effort: Effort) -> u64 {
        self.replaced.clear();
        let now = self.now[robot as usize];
        if now.price <= self.bound[robot as usize] {
            return 0;
        }
        self.left = effort;
        self.asked.drain(..).for_each(|robot| self.asks[robot as usize] = 0);
        self.lift(beat.lattice, robot, &now.places);
        if !self.go_on(beat, robot) {
            self.on_chain[robot as usize] = true;
            if !self.settle(beat, robot, 0, 0) {
                self.put(beat.lattice, robot, &now.places);
            }
            self.on_chain[robot as usize] = false;
        }
        effort.nodes - self.left.nodes
    }

    /// What [`Epibt::improve`] would do. Nothing is changed.
    pub fn attempt(&mut self, beat: Beat<'_>, robot: u32, effort: Effort) -> Attempt<DEPTH> {
        let looked = self.improve(beat, robot, effort);
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
            self.left.nodes = self.left.nodes.saturating_sub(1);
            if self.is_free(beat.lattice, self.here[robot as usize], &places) {
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
        let quest = Quest { robot, sum, limit, weight, old };
        let (dearer, choices) = (self.dearer.len(), self.choices.len());
        self.dearer.push((self.tree.root(beat, robot), NONE));
        let (mut under, mut width) = (self.bound[robot as usize].saturating_add(BAND), BAND);
        let mut is_settled = false;
        while !is_settled && self.dearer.len() > dearer && self.left.nodes > 0 {
            self.choose(beat, quest, under, dearer);
            is_settled = (choices..self.choices.len()).any(|index| self.adopt(beat, quest, index));
            self.choices.truncate(choices);
            width = width.saturating_mul(2);
            under = under.saturating_add(width);
        }
        self.dearer.truncate(dearer);
        is_settled
    }

    /// Gathers the operations under this price that pay, cheapest first, from what is `dearer` from this index on. Where two
    /// are in the way or one who is on the chain, all that begins so is passed over, and so is what doesn't pay with all
    /// that the one in the way can gain.
    fn choose(&mut self, beat: Beat<'_>, quest: Quest, under: u32, dearer: usize) {
        let (choices, end) = (self.choices.len(), quest.end());
        let mut kept = dearer;
        for index in dearer..self.dearer.len() {
            let one = self.dearer[index];
            if self.tree.node(one.0).price < under {
                self.open.push(one);
            } else {
                self.dearer[kept] = one;
                kept += 1;
            }
        }
        self.dearer.truncate(kept);
        while let Some((index, met)) = self.open.pop() {
            if self.left.nodes == 0 {
                self.open.clear();
                break;
            }
            self.left.nodes -= 1;
            let node = *self.tree.node(index);
            let met = if node.beats == 0 {
                NONE
            } else {
                let step = (node.before, node.place);
                let Some(met) = self.meet(beat.lattice, node.beats as usize - 1, step, met) else { continue };
                if met != NONE && quest.sum_at(node.price) + self.hope(beat, met) >= quest.limit {
                    continue;
                }
                met
            };
            if node.beats as usize == self.depth {
                self.choices.push((index, met));
                continue;
            }
            for index in self.tree.children(beat, quest.robot, index) {
                let price = self.tree.node(index).price;
                if price < end {
                    let into = if price < under { &mut self.open } else { &mut self.dearer };
                    into.push((index, met));
                }
            }
        }
        let tree = &self.tree;
        self.choices[choices..].sort_unstable_by_key(|(index, _)| tree.node(*index).rank());
    }

    /// The robot takes what it has chosen, if nobody is in the way or whoever is finds another operation.
    fn adopt(&mut self, beat: Beat<'_>, quest: Quest, choice: usize) -> bool {
        let (index, met) = self.choices[choice];
        if met != NONE && !self.ask(met) {
            return false;
        }
        let price = self.tree.node(index).price;
        let operation = Operation { price, places: self.tree.places(index) };
        if met == NONE {
            self.put(beat.lattice, quest.robot, &operation.places);
        } else {
            let taken = (quest.robot, &operation.places);
            if !self.displace(beat, taken, met, quest.sum_at(price), quest.limit) {
                return false;
            }
        }
        self.replace(quest.robot, operation);
        true
    }

    /// Counts that the robot is asked to make way. False: it was asked often enough.
    fn ask(&mut self, robot: u32) -> bool {
        let asks = &mut self.asks[robot as usize];
        if *asks == 0 {
            self.asked.push(robot);
        }
        *asks += 1;
        *asks <= self.left.asks
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

    /// What the robot could gain at best; never above zero.
    fn hope(&self, beat: Beat<'_>, robot: u32) -> i64 {
        let (least, now) = (self.bound[robot as usize], self.now[robot as usize].price);
        i64::from(beat.travellers[robot as usize].weight) * (i64::from(least) - i64::from(now)).min(0)
    }

    fn is_free(&self, lattice: &Lattice, here: u32, places: &[u32; DEPTH]) -> bool {
        let mut before = here;
        places[..self.depth].iter().enumerate().all(|(at, place)| {
            let step = (std::mem::replace(&mut before, *place), *place);
            self.meet(lattice, at, step, NONE) == Some(NONE)
        })
    }

    /// Who is in the way of a robot that goes from the one place to the other in a beat, or stays: `met` or nobody else if
    /// `met` isn't `NONE`. None: there is another, or one who is on the chain.
    #[inline]
    fn meet(&self, lattice: &Lattice, at: usize, (before, place): (u32, u32), mut met: u32) -> Option<u32> {
        let mut is_met = |there: u32| {
            if there == NONE || there == met {
                return true;
            }
            let is_first = met == NONE && there != BARRED && !self.on_chain[there as usize];
            met = there;
            is_first
        };
        let row = |place: u32| place as usize * (DEPTH + 1) + at;
        let may = if let Some(footprint) = lattice.footprint() {
            footprint.needs(place).iter().all(|need| is_met(self.table[row(*need) + 1]))
        } else {
            let against = self.table[row(place)];
            is_met(self.table[row(place) + 1])
                && (place == before || against != self.table[row(before) + 1] || is_met(against))
        };
        may.then_some(met)
    }

    fn put(&mut self, lattice: &Lattice, robot: u32, places: &[u32; DEPTH]) {
        self.mark(lattice, robot, places, robot);
    }

    fn lift(&mut self, lattice: &Lattice, robot: u32, places: &[u32; DEPTH]) {
        self.mark(lattice, robot, places, NONE);
    }

    fn mark(&mut self, lattice: &Lattice, robot: u32, places: &[u32; DEPTH], by: u32) {
        self.table[self.here[robot as usize] as usize * (DEPTH + 1)] = by;
        let row = |place: u32| place as usize * (DEPTH + 1) + 1;
        let Some(footprint) = lattice.footprint() else {
            for (beat, place) in places[..self.depth].iter().enumerate() {
                self.table[row(*place) + beat] = by;
            }
            return;
        };
        // On a layout a robot is at one place for several beats, and has more than that place.
        let mut first = 0;
        for run in places[..self.depth].chunk_by(|place, next| place == next) {
            for held in footprint.holds(run[0]) {
                self.table[row(*held) + first..][..run.len()].fill(by);
            }
            first += run.len();
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
