//! The operations of each robot as a tree: a node is a place after so many beats, what may follow are its children. It grows
//! where somebody looks.

use std::ops::Range;

use super::lattice::NONE;
use super::operation::{Beat, Front, arrive, cost, price_to_go, stay};

/// Bits of a rank among siblings in `Node::order`.
const RANK_BITS: u32 = 4;
const RANK_MAX: u64 = (1 << RANK_BITS) - 1;
/// Beats of an operation, at most.
pub(super) const BEATS_MAX: usize = (u64::BITS / RANK_BITS) as usize;

/// One beat of operations that are alike up to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Where the robot is before it and after it.
    pub(super) before: u32,
    pub(super) place: u32,
    /// None of these operations is cheaper; the price of the operation if this is its last beat.
    pub(super) price: u32,
    /// Beats up to here.
    pub(super) beats: u32,
    /// Lower for what moves earlier.
    order: u64,
    parent: u32,
    /// Goals reached.
    stage: u32,
    /// Where its states are in `Tree::fronts`.
    front: (u32, u32),
    /// Where its children are; none yet if it begins with `NONE`.
    children: (u32, u32),
}

impl Node {
    /// The lower one is the better one: cheaper, or of two alike the one that moves earlier.
    pub(super) fn rank(&self) -> (u32, u64) {
        (self.price, self.order)
    }
}

/// Everybody's operations as far as they were looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    fronts: Vec<(u32, u32)>,
    roots: Vec<u32>,
}

impl Tree {
    /// Nothing has been looked at, of so many robots.
    pub(super) fn clear(&mut self, robots: usize) {
        self.nodes.clear();
        self.fronts.clear();
        self.roots.clear();
        self.roots.resize(robots, NONE);
    }

    pub(super) fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    /// Where the robot is now.
    pub(super) fn root(&mut self, beat: Beat<'_>, robot: u32) -> u32 {
        if self.roots[robot as usize] == NONE {
            self.roots[robot as usize] = self.nodes.len() as u32;
            let state = beat.travellers[robot as usize].state;
            let root = Node {
                before: NONE,
                place: beat.lattice.place(state),
                price: 0,
                beats: 0,
                order: 0,
                parent: NONE,
                stage: 0,
                front: (self.fronts.len() as u32, self.fronts.len() as u32 + 1),
                children: (NONE, NONE),
            };
            self.fronts.push((state, 0));
            self.nodes.push(root);
        }
        self.roots[robot as usize]
    }

    /// What may follow in the next beat.
    pub(super) fn children(&mut self, beat: Beat<'_>, robot: u32, index: u32) -> Range<u32> {
        let node = self.nodes[index as usize];
        if node.children.0 != NONE {
            return node.children.0..node.children.1;
        }
        let traveller = &beat.travellers[robot as usize];
        let front = Front::of(&self.fronts[node.front.0 as usize..node.front.1 as usize]);
        let first = self.nodes.len() as u32;
        let mut child = |place: u32, front: &Front, stage: usize| {
            if front.len == 0 {
                return;
            }
            let rank = (self.nodes.len() as u64 - u64::from(first)).min(RANK_MAX);
            let at = self.fronts.len() as u32;
            self.fronts.extend_from_slice(front.all());
            self.nodes.push(Node {
                before: node.place,
                place,
                price: price_to_go(traveller, beat.lattice, front, stage),
                beats: node.beats + 1,
                order: node.order | rank << (64 - RANK_BITS * (node.beats + 1)),
                parent: index,
                stage: stage as u32,
                front: (at, self.fronts.len() as u32),
                children: (NONE, NONE),
            });
        };
        let stage = node.stage as usize;
        if (node.beats as usize) < traveller.held {
            child(node.place, &front, stage);
        } else {
            for (state, price) in front.all() {
                for ahead in beat.lattice.ahead(*state) {
                    let place = beat.lattice.place(ahead);
                    if place != node.place {
                        let price = price + cost(traveller, stage, beat.guidance.ahead(ahead));
                        child(place, &Front::one(ahead, price), arrive(traveller, stage, place));
                    }
                }
            }
            child(node.place, &stay(beat, traveller, (node.place, &front, stage)), stage);
        }
        let end = self.nodes.len() as u32;
        self.nodes[index as usize].children = (first, end);
        first..end
    }

    /// The places up to this node.
    pub(super) fn places<const DEPTH: usize>(&self, mut index: u32) -> [u32; DEPTH] {
        let mut places = [NONE; DEPTH];
        loop {
            let node = self.node(index);
            if node.beats == 0 {
                return places;
            }
            places[node.beats as usize - 1] = node.place;
            index = node.parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::guidance::Guidance;
    use super::super::lattice::Lattice;
    use super::super::operation::Traveller;
    use super::*;

    #[test]
    fn grows_where_somebody_looks_and_only_once() {
        // Three places in a row; the robot looks east from the first.
        let lattice = Lattice::grid(&[vec![true; 3]]);
        let guidance = Guidance::even(&lattice);
        let travellers = [Traveller::new(lattice.states(0).start)];
        let beat = Beat { lattice: &lattice, guidance: &guidance, travellers: &travellers };
        let mut tree = Tree::default();
        tree.clear(travellers.len());
        let root = tree.root(beat, 0);
        let children = tree.children(beat, 0, root);
        assert_eq!(tree.children(beat, 0, root), children);
        let [ahead, stays] = [children.start, children.end - 1];
        assert_eq!((tree.node(ahead).place, tree.node(stays).place), (1, 0));
        // Alike in price, as it has no goal: what moves earlier is better.
        assert!(tree.node(ahead).rank() < tree.node(stays).rank());
        let further = tree.children(beat, 0, ahead).start;
        assert_eq!(tree.places::<3>(further), [1, 2, NONE]);
    }

    #[test]
    fn who_is_held_stays_where_it_is() {
        let lattice = Lattice::grid(&[vec![true; 3]]);
        let guidance = Guidance::even(&lattice);
        let travellers = [Traveller { held: 1, ..Traveller::new(lattice.states(1).start) }];
        let beat = Beat { lattice: &lattice, guidance: &guidance, travellers: &travellers };
        let mut tree = Tree::default();
        tree.clear(travellers.len());
        let root = tree.root(beat, 0);
        let held = tree.children(beat, 0, root);
        assert_eq!((held.len(), tree.node(held.start).place), (1, 1));
        assert!(tree.children(beat, 0, held.start).len() > 1);
    }
}
