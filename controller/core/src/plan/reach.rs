//! Prices to a place from each state of a lattice: searched backwards on demand, compact, and kept under a limit of memory.
//!
//! On a small lattice a search goes everywhere. On a large one it goes towards who asks and a little beside the way (A*:
//! Hart, Nilsson, Raphael, IEEE TSSC 1968), and everywhere only once several asked from elsewhere. A beat's searches have a
//! budget; until its turn comes, a robot goes by the rough price, that of the distance with nothing in between. The queue
//! is a ring of buckets, one a price (Dial, CACM 1969): prices of a step are small. Where prices of steps change, a table
//! is repaired the next time it is asked for (Ramalingam and Reps, J. Algorithms 1996).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use super::guidance::{BEAT, Guidance};
use super::lattice::{Lattice, NONE, Step};

/// No way.
pub const UNREACHED: u16 = u16::MAX;

/// What tables may take in all, bytes. Those least recently asked for go first.
pub const MEMORY_MAX: usize = 1 << 30;
/// States the searches of one beat may settle.
pub const SETTLED_MAX: u64 = 3_000_000;
/// How much longer than the shortest way a way may be that a search towards who asks still prices.
const MARGIN: u16 = 10 * BEAT;
/// Where so many searches began within `ASKED_BEATS`, the prices of the ways from there are kept to lead further ones.
const ASKED_OFTEN: u32 = 4;
const ASKED_BEATS: u32 = 256;
/// So many searches for one place go towards who asks; the next goes everywhere.
const TOWARDS_MAX: u8 = 2;
/// States of one tile of a part table.
const TILE: usize = 64;
/// Changed prices kept at most: a table older than these is made anew.
const CHANGES_MAX: usize = 4_096;

/// Prices to one place.
#[derive(Clone, Debug)]
pub enum Prices {
    /// From each state.
    Whole(Arc<[u16]>),
    /// From the states near the way of who asked.
    Part(Arc<Part>),
    /// No more than the distance.
    Rough(Rough),
}

/// Prices in tiles: only those a search came to.
#[derive(Debug)]
pub struct Part {
    /// Where each tile begins in `prices`; 0 is the tile of what wasn't priced.
    tiles: Box<[u32]>,
    prices: Vec<u16>,
    /// What is not priced costs no less.
    far: u16,
}

/// The price of the distance: never more than the true price.
#[derive(Clone, Copy, Debug)]
pub struct Rough {
    at: [i32; 2],
    unit: u16,
}

impl Prices {
    /// The price from this state.
    #[inline]
    pub fn get(&self, lattice: &Lattice, state: u32) -> u16 {
        match self {
            Prices::Whole(prices) => prices[state as usize],
            Prices::Part(part) => part.get(state),
            Prices::Rough(rough) => rough.get(lattice, state),
        }
    }

    /// The state's price is that of a way: the shortest one, or at the rim of a search one little longer.
    pub fn is_exact(&self, state: u32) -> bool {
        match self {
            Prices::Whole(_) => true,
            Prices::Part(part) => part.get(state) < part.far,
            Prices::Rough(_) => false,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Prices::Whole(prices) => 2 * prices.len(),
            Prices::Part(part) => 4 * part.tiles.len() + 2 * part.prices.len(),
            Prices::Rough(_) => 0,
        }
    }
}

impl Part {
    #[inline]
    fn get(&self, state: u32) -> u16 {
        let tile = self.tiles[state as usize / TILE] as usize;
        self.prices[tile + state as usize % TILE].min(self.far)
    }
}

impl Rough {
    fn get(self, lattice: &Lattice, state: u32) -> u16 {
        let [x, y] = lattice.at(lattice.place(state));
        let distance = x.abs_diff(self.at[0]) + y.abs_diff(self.at[1]);
        u16::try_from(distance.saturating_mul(u32::from(self.unit)))
            .unwrap_or(UNREACHED - 1)
            .min(UNREACHED - 1)
    }
}

#[derive(Clone, Debug)]
struct Entry {
    prices: Prices,
    /// The beat in which it was last asked for.
    used: u32,
    /// Searches made for it so far.
    searches: u8,
    /// Changes of prices it knows of.
    known: usize,
}

/// Tables of prices on one lattice under one guidance.
#[derive(Clone, Debug)]
pub struct Reach {
    tables: Vec<Option<Entry>>,
    bytes: usize,
    /// States from where a step forward has got another price, the oldest first.
    changes: Vec<u32>,
    memory_max: usize,
    /// All tables fit into memory.
    is_small: bool,
    /// The least price of a unit of distance.
    unit: u16,
    /// Searches that began lately at each place, and the prices from there, with the beat they were last used in, once
    /// there were many: a quarter of the memory at most.
    asked: Vec<u32>,
    from: BTreeMap<u32, (Arc<[u16]>, u32)>,
    /// Sums of the prices of ways and of their distances: how much longer ways are.
    ways: u64,
    distances: u64,
    beat: u32,
    left: u64,
    search: Search,
}

impl Reach {
    /// Nothing searched yet.
    pub fn new(lattice: &Lattice, guidance: &Guidance, memory_max: usize) -> Reach {
        Reach {
            tables: vec![None; lattice.place_count()],
            bytes: 0,
            changes: Vec::new(),
            memory_max,
            is_small: Reach::fits(lattice, memory_max),
            unit: guidance.price_per_unit(lattice),
            asked: vec![0; lattice.place_count()],
            from: BTreeMap::new(),
            ways: 1,
            distances: 1,
            beat: 0,
            left: u64::MAX,
            search: Search::default(),
        }
    }

    /// All tables there can be are but a small part of this much memory.
    pub fn fits(lattice: &Lattice, memory_max: usize) -> bool {
        2 * lattice.state_count() * lattice.place_count() <= memory_max / 16
    }

    /// Every search goes everywhere at once: what is asked first makes no difference.
    pub fn whole(lattice: &Lattice, guidance: &Guidance, memory_max: usize) -> Reach {
        Reach { is_small: true, ..Reach::new(lattice, guidance, memory_max) }
    }

    /// A new beat: searches may settle so many states, and tables long unasked for go if memory is short.
    pub fn begin(&mut self, settled_max: u64) {
        self.beat += 1;
        self.left = settled_max;
        if self.beat.is_multiple_of(ASKED_BEATS) {
            self.asked.fill(0);
            let since = self.beat - ASKED_BEATS;
            self.bytes -= self.bytes_of_from();
            self.from.retain(|_, (_, used)| *used >= since);
            self.bytes += self.bytes_of_from();
        }
        if self.bytes <= self.memory_max {
            return;
        }
        let age = |(place, entry): (usize, &Option<Entry>)| entry.as_ref().map(|entry| (entry.used, place));
        let mut old: Vec<(u32, usize)> = self.tables.iter().enumerate().filter_map(age).collect();
        old.sort_unstable();
        for (used, place) in old {
            if used + 1 >= self.beat || self.bytes <= self.memory_max / 8 * 7 {
                break;
            }
            self.drop_table(place);
        }
    }

    fn drop_table(&mut self, place: usize) {
        if let Some(entry) = self.tables[place].take() {
            self.bytes -= entry.prices.bytes();
        }
    }

    /// Steps forward into these states have another price now.
    pub fn change(&mut self, lattice: &Lattice, guidance: &Guidance, into: &[u32]) {
        self.unit = guidance.price_per_unit(lattice);
        self.changes.extend(into.iter().flat_map(|into| lattice.behind(*into)));
        if self.is_small && self.changes.len() <= CHANGES_MAX {
            return;
        }
        self.changes.clear();
        (0..self.tables.len()).for_each(|place| self.drop_table(place));
        self.bytes -= self.bytes_of_from();
        self.from.clear();
    }

    /// Mends the table of a goal where prices have changed since it was last asked for.
    fn mend(&mut self, lattice: &Lattice, guidance: &Guidance, goal: u32) {
        let Some(entry) = self.tables[goal as usize].as_mut() else { return };
        let changed = &self.changes[entry.known..];
        if let (Prices::Whole(prices), false) = (&mut entry.prices, changed.is_empty()) {
            repair(lattice, guidance, goal, changed, Arc::make_mut(prices));
        }
        entry.known = self.changes.len();
    }

    /// Prices to the goal, exact from this state unless the budget of the beat or the memory is spent.
    pub fn to(&mut self, lattice: &Lattice, guidance: &Guidance, goal: u32, from: u32) -> Prices {
        let mut searches = 0;
        self.mend(lattice, guidance, goal);
        if let Some(entry) = self.tables[goal as usize].as_mut() {
            entry.used = self.beat;
            if entry.prices.is_exact(from) {
                return entry.prices.clone();
            }
            searches = entry.searches;
        }
        if self.is_spent() {
            return Prices::Rough(Rough { at: lattice.at(goal), unit: self.unit });
        }
        let is_wide = self.is_small || searches >= TOWARDS_MAX;
        let towards = if is_wide { None } else { Some((from, self.bound(lattice, guidance, from))) };
        let (prices, settled) = self.search.back_from(lattice, guidance, goal, towards);
        self.left = self.left.saturating_sub(settled);
        self.learn(lattice, &prices, goal, from);
        self.drop_table(goal as usize);
        self.bytes += prices.bytes();
        self.tables[goal as usize] = Some(Entry {
            prices: prices.clone(),
            used: self.beat,
            searches: searches + 1,
            known: self.changes.len(),
        });
        prices
    }

    /// Searches have to wait: the budget of the beat or the memory is spent.
    pub fn is_spent(&self) -> bool {
        !self.is_small && (self.left == 0 || self.bytes > self.memory_max)
    }

    /// What the way from this state to others costs at least: exact where many searches begin.
    fn bound(&mut self, lattice: &Lattice, guidance: &Guidance, from: u32) -> Bound {
        let place = lattice.place(from);
        self.asked[place as usize] += 1;
        if let Some((prices, used)) = self.from.get_mut(&place) {
            *used = self.beat;
            return Bound::Known(Arc::clone(prices));
        }
        if self.asked[place as usize] < ASKED_OFTEN || self.bytes_of_from() > self.memory_max / 4 {
            return Bound::Rough(Rough { at: lattice.at(place), unit: self.unit });
        }
        let (prices, settled) = self.search.out_of(lattice, guidance, place);
        self.left = self.left.saturating_sub(settled);
        self.bytes += 2 * prices.len();
        self.from.insert(place, (Arc::clone(&prices), self.beat));
        Bound::Known(prices)
    }

    fn bytes_of_from(&self) -> usize {
        self.from.values().map(|(prices, _)| 2 * prices.len()).sum()
    }

    /// Prices to the goal without a search.
    pub fn guess(&self, lattice: &Lattice, goal: u32) -> Prices {
        match &self.tables[goal as usize] {
            Some(entry) => entry.prices.clone(),
            None => Prices::Rough(Rough { at: lattice.at(goal), unit: self.unit }),
        }
    }

    /// The price of a way without a search: exact if a table has it, else that of the distance and as much more as ways
    /// have cost so far.
    pub fn estimate(&self, lattice: &Lattice, from: u32, goal: u32) -> u16 {
        let known = self.tables[goal as usize].as_ref().filter(|entry| entry.prices.is_exact(from));
        if let Some(entry) = known {
            return entry.prices.get(lattice, from);
        }
        let distance = Rough { at: lattice.at(goal), unit: self.unit }.get(lattice, from);
        u16::try_from(u64::from(distance) * self.ways / self.distances)
            .unwrap_or(UNREACHED)
            .min(UNREACHED - 1)
    }

    fn learn(&mut self, lattice: &Lattice, prices: &Prices, goal: u32, from: u32) {
        let way = prices.get(lattice, from);
        if way != UNREACHED {
            self.ways += u64::from(way);
            self.distances += u64::from(Rough { at: lattice.at(goal), unit: self.unit }.get(lattice, from));
        }
    }

    /// What all tables take, bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Every table fits into memory, so that each is searched as soon as it is asked for.
    pub fn is_small(&self) -> bool {
        self.is_small
    }
}

/// First, in order of price, whoever has no step left that is as good as its price says becomes stale, and those that may
/// have relied on it are looked at; then prices spread into the stale from around, and from where they fell.
fn repair(lattice: &Lattice, guidance: &Guidance, goal: u32, changed: &[u32], prices: &mut [u16]) {
    let sum = |price: u16, cost: u16| price.saturating_add(cost).min(UNREACHED - 1);
    let is_goal = |state: u32| lattice.place(state) == goal;
    let best = |prices: &[u16], state: u32| {
        let turned = [Step::Right, Step::Left].map(|step| (lattice.after(state, step), guidance.turn));
        let steps = lattice.ahead(state).map(|ahead| (ahead, guidance.ahead(ahead))).chain(turned);
        let reached = steps.filter(|(next, _)| *next != NONE && prices[*next as usize] != UNREACHED);
        reached.map(|(next, cost)| sum(prices[next as usize], cost)).min().unwrap_or(UNREACHED)
    };
    // Who turns right comes from the left.
    let before = |state: u32| {
        let turned = [Step::Right, Step::Left].map(|step| (lattice.after(state, step), guidance.turn));
        let cost = guidance.ahead(state);
        let ahead = lattice.behind(state).iter().map(move |before| (*before, cost));
        ahead.chain(turned).filter(|(before, _)| *before != NONE && lattice.place(*before) != goal)
    };
    let mut open: BinaryHeap<Reverse<(u16, u32)>> = changed
        .iter()
        .filter(|state| !is_goal(**state) && prices[**state as usize] != UNREACHED)
        .map(|state| Reverse((prices[*state as usize], *state)))
        .collect();
    let mut stale = changed.to_vec();
    while let Some(Reverse((price, state))) = open.pop() {
        if prices[state as usize] == UNREACHED || best(prices, state) <= price {
            continue;
        }
        prices[state as usize] = UNREACHED;
        stale.push(state);
        for (before, cost) in before(state) {
            let known = prices[before as usize];
            if known != UNREACHED && known >= sum(price, cost) {
                open.push(Reverse((known, before)));
            }
        }
    }
    for state in stale.into_iter().filter(|state| !is_goal(*state)) {
        let price = best(prices, state);
        if price < prices[state as usize] {
            prices[state as usize] = price;
            open.push(Reverse((price, state)));
        }
    }
    while let Some(Reverse((price, state))) = open.pop() {
        if price != prices[state as usize] {
            continue;
        }
        for (before, cost) in before(state) {
            let price = sum(price, cost);
            if price < prices[before as usize] {
                prices[before as usize] = price;
                open.push(Reverse((price, before)));
            }
        }
    }
}

/// What the way to a state costs at least, from where a search is to arrive.
enum Bound {
    Rough(Rough),
    Known(Arc<[u16]>),
}

impl Bound {
    fn to(&self, lattice: &Lattice, state: u32) -> u32 {
        u32::from(match self {
            Bound::Rough(rough) => rough.get(lattice, state),
            Bound::Known(prices) => prices[state as usize],
        })
    }
}

/// What a search needs, kept from one to the next.
#[derive(Clone, Debug, Default)]
struct Search {
    prices: Vec<u16>,
    /// Tiles that are not blank, and which they are.
    touched: Vec<u32>,
    is_touched: Vec<bool>,
    ring: Vec<Vec<(u32, u16)>>,
    waiting: usize,
}

impl Search {
    /// Prices to the goal, everywhere or towards a state, and the number of states settled.
    fn back_from(
        &mut self,
        lattice: &Lattice,
        guidance: &Guidance,
        goal: u32,
        towards: Option<(u32, Bound)>,
    ) -> (Prices, u64) {
        self.begin(lattice, guidance);
        let bound = |state: u32| towards.as_ref().map_or(0, |(_, bound)| bound.to(lattice, state));
        let mut sum = lattice.states(goal).map(bound).min().unwrap_or(0);
        lattice.states(goal).for_each(|state| self.push(state, 0, sum));
        let (mut settled, mut limit) = (0, u32::MAX);
        while self.waiting > 0 && sum <= limit {
            while let Some((state, price)) = self.pop(sum) {
                settled += 1;
                if towards.as_ref().is_some_and(|(from, _)| *from == state) {
                    limit = sum + u32::from(MARGIN);
                }
                let mut improve = |before: u32, cost: u16| {
                    let price = price.saturating_add(cost).min(UNREACHED - 1);
                    if before != NONE && price < self.prices[before as usize] {
                        self.push(before, price, u32::from(price) + bound(before));
                    }
                };
                // Who turns right comes from the left.
                for step in [Step::Right, Step::Left] {
                    improve(lattice.after(state, step), guidance.turn);
                }
                let cost = guidance.ahead(state);
                lattice.behind(state).iter().for_each(|before| improve(*before, cost));
            }
            sum += 1;
        }
        let far = if self.waiting > 0 { limit } else { u32::from(UNREACHED) };
        (self.table(far.min(u32::from(UNREACHED)) as u16), settled)
    }

    /// Prices from the place to every state, and the number of states settled.
    fn out_of(&mut self, lattice: &Lattice, guidance: &Guidance, place: u32) -> (Arc<[u16]>, u64) {
        self.begin(lattice, guidance);
        lattice.states(place).for_each(|state| self.push(state, 0, 0));
        let (mut settled, mut sum) = (0, 0);
        while self.waiting > 0 {
            while let Some((state, price)) = self.pop(sum) {
                settled += 1;
                let turned =
                    [Step::Right, Step::Left].map(|step| (lattice.after(state, step), guidance.turn));
                let ahead = lattice.ahead(state).map(|ahead| (ahead, guidance.ahead(ahead)));
                for (after, cost) in turned.into_iter().chain(ahead) {
                    let price = price.saturating_add(cost).min(UNREACHED - 1);
                    if after != NONE && price < self.prices[after as usize] {
                        self.push(after, price, u32::from(price));
                    }
                }
            }
            sum += 1;
        }
        let prices = self.prices.as_slice().into();
        self.blank();
        (prices, settled)
    }

    fn begin(&mut self, lattice: &Lattice, guidance: &Guidance) {
        self.prices.resize(lattice.state_count(), UNREACHED);
        self.is_touched.resize(lattice.state_count().div_ceil(TILE), false);
        self.ring.resize(2 * usize::from(guidance.dearest()) + 1, Vec::new());
    }

    /// The next state whose sum this is, with its price.
    fn pop(&mut self, sum: u32) -> Option<(u32, u16)> {
        let slot = sum as usize % self.ring.len();
        while let Some((state, price)) = self.ring[slot].pop() {
            self.waiting -= 1;
            if self.prices[state as usize] == price {
                return Some((state, price));
            }
        }
        None
    }

    fn push(&mut self, state: u32, price: u16, sum: u32) {
        let tile = state as usize / TILE;
        if !self.is_touched[tile] {
            self.is_touched[tile] = true;
            self.touched.push(tile as u32);
        }
        self.prices[state as usize] = price;
        let slot = sum as usize % self.ring.len();
        self.ring[slot].push((state, price));
        self.waiting += 1;
    }

    /// Takes the prices, and leaves all blank for the next search.
    fn table(&mut self, far: u16) -> Prices {
        let prices = if far == UNREACHED {
            Prices::Whole(self.prices.as_slice().into())
        } else {
            let mut part = Part {
                tiles: vec![0; self.is_touched.len()].into(),
                prices: Vec::with_capacity(TILE * (self.touched.len() + 1)),
                far,
            };
            part.prices.resize(TILE, UNREACHED);
            for tile in &self.touched {
                let from = *tile as usize * TILE;
                part.tiles[*tile as usize] = part.prices.len() as u32;
                part.prices.extend_from_slice(&self.prices[from..(from + TILE).min(self.prices.len())]);
            }
            Prices::Part(Arc::new(part))
        };
        self.blank();
        prices
    }

    fn blank(&mut self) {
        self.ring.iter_mut().for_each(Vec::clear);
        self.waiting = 0;
        for tile in self.touched.drain(..) {
            self.is_touched[tile as usize] = false;
            let from = tile as usize * TILE;
            let end = (from + TILE).min(self.prices.len());
            self.prices[from..end].fill(UNREACHED);
        }
    }
}
