//! Clears a robot's straight way by shifting those in it aside, one chain after the other: quick where a search over all
//! placements drowns, in a crowd. Makes no promise to be short, nor to find a way wherever there is one.
//!
//! As all others are alike, moving one of them from the way to a free place is the same as moving everybody on the path
//! between a place on (push: Luna and Bekris, IJCAI 2011). Who stands nearest to the target goes first, or it would be shut in.

use std::collections::VecDeque;

use super::joint::{Made, State};
use super::region::{Aim, Region, Step, bits};

/// Free places tried for one robot in the way, the nearest first.
const FREE_MAX: usize = 8;
/// Chains of one way, at most.
const CHAINS_MAX: usize = 256;

/// The moves that empty the way and bring the one robot along it, and where everybody stands then.
pub(super) fn clear(region: &Region, aim: &Aim, start: State) -> Option<(Vec<Made>, State)> {
    let (mut moves, mut state) = (Vec::new(), start);
    for _ in 0..CHAINS_MAX {
        let in_the_way = bits(state.others & aim.way[state.first]);
        let Some(last) = in_the_way.min_by_key(|place| (aim.left_ms[*place], *place)) else {
            return drive(region, aim, state, moves);
        };
        state = shift(region, aim, state, last, &mut moves)?;
    }
    None
}

/// Empties the place: whoever is on the path to a free place off the way moves on along it, the first of them first.
fn shift(region: &Region, aim: &Aim, state: State, place: usize, moves: &mut Vec<Made>) -> Option<State> {
    let (order, reached_by) = paths(region, state, place);
    let taken = state.others | aim.way[state.first];
    let free = order.into_iter().filter(|end| taken & 1 << *end == 0).take(FREE_MAX);
    let begun = moves.len();
    for end in free {
        let mut path = vec![end];
        while let Some((from, _)) = reached_by[path[path.len() - 1]] {
            path.push(from);
        }
        if let Some(next) = walk(region, state, &path, &reached_by, moves) {
            return Some(next);
        }
        moves.truncate(begun);
    }
    None
}

/// How each place was first come to: from where, by which of its steps.
type ReachedBy = Vec<Option<(usize, usize)>>;

/// All places to which there is a path past the one robot, the nearest first.
fn paths(region: &Region, state: State, start: usize) -> (Vec<usize>, ReachedBy) {
    let mut reached_by: ReachedBy = vec![None; region.steps.len()];
    let (mut order, mut open) = (Vec::new(), VecDeque::from([start]));
    while let Some(from) = open.pop_front() {
        order.push(from);
        for (index, step) in region.steps[from].iter().enumerate() {
            let is_known = step.to == start || reached_by[step.to].is_some();
            if step.is_for_others && step.meets & 1 << state.first == 0 && !is_known {
                reached_by[step.to] = Some((from, index));
                open.push_back(step.to);
            }
        }
    }
    (order, reached_by)
}

/// Everybody on the path, its end first, moves to where the one before stood. None if somebody beside it is in the way.
fn walk(
    region: &Region,
    mut state: State,
    path: &[usize],
    reached_by: &ReachedBy,
    moves: &mut Vec<Made>,
) -> Option<State> {
    let mut free_to = 0;
    for stander in (1..path.len()).filter(|index| state.others & 1 << path[*index] != 0).collect::<Vec<_>>() {
        for to in (free_to..stander).rev() {
            let (from, index) = reached_by[path[to]]?;
            state = step_on(state, from, &region.steps[from][index], moves)?;
        }
        free_to = stander;
    }
    Some(state)
}

fn step_on(state: State, from: usize, step: &Step, moves: &mut Vec<Made>) -> Option<State> {
    let standing = state.others | 1 << state.first;
    if standing & !(1 << from) & step.meets != 0 {
        return None;
    }
    moves.push((from, step.edge));
    Some(State { others: state.others & !(1 << from) | 1 << step.to, ..state })
}

/// The one robot drives along its empty way.
fn drive(region: &Region, aim: &Aim, mut state: State, mut moves: Vec<Made>) -> Option<(Vec<Made>, State)> {
    while state.first != aim.target {
        let steps = region.steps[state.first].iter().filter(|step| step.is_for_first);
        let step =
            steps.min_by_key(|step| (aim.left_ms[step.to].saturating_add(step.travel_ms), step.edge))?;
        if aim.left_ms[step.to] >= aim.left_ms[state.first] || state.others & step.meets != 0 {
            return None;
        }
        moves.push((state.first, step.edge));
        state.first = step.to;
    }
    Some((moves, state))
}
