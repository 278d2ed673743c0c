//! The breaker of a jam: a best-first search over where everybody round one stuck robot stands, one move of one robot at a
//! time.
//!
//! PIBT isn't complete: in corridors and dead ends robots can wait for each other for ever, or push to and fro. Then one
//! robot without progress is to reach its goal, whatever the others want meanwhile: one robot among movable obstacles
//! (Papadimitriou, Raghavan, Sudan and Tamaki, FOCS 1994). As the obstacles are alike, far fewer states differ than if each
//! had a goal. The moves found are a *manoeuvre*: laid before everything else in each plan until they are all released.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use drover_maps::{EdgeId, NodeId};

use super::region::{self, Aim, PLACES_MAX, Places, Region, Step, bits};
use super::{Distances, Problem, clear};
use crate::id::RobotId;

/// Regions tried one after the other: places of each, at most.
const REGIONS: [usize; 3] = [24, 56, PLACES_MAX];
/// Moves looked at in one search, at most.
const MOVES_MAX: usize = 200_000;
/// And with one aim in one region.
const AIM_MOVES_MAX: usize = 8_000;
/// Places tried where the one robot might let others out, at most.
const SIDES_MAX: usize = 8;
/// What is still to do counts so many times as much as what has been done.
const GREED: u64 = 3;
/// One step of another robot out of the way counts as so much time, ms.
const STEP_MS: u64 = 2_000;
/// Steps counted for a robot for which there is no room yet.
const ROOM_STEPS: u64 = 8;

/// Moves that bring a stuck robot to its goal, in order.
pub type Manoeuvre = Vec<(RobotId, EdgeId)>;

/// Where the one robot stands, and all the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct State {
    pub(super) first: usize,
    pub(super) others: Places,
}

/// States found: the cost, and the state and the move (from where, along what) they were reached by.
type Reached = BTreeMap<State, (u64, Option<(State, usize, EdgeId)>)>;

/// A move: from which place, along what.
pub(super) type Made = (usize, EdgeId);

/// Moves that bring this agent (by index) on and all others out of its way, if the search finds some.
pub fn search(problem: &Problem<'_>, first: usize, distances: &mut Distances) -> Option<Manoeuvre> {
    let agent = &problem.agents[first];
    let table = distances.to(problem.layout, agent.goal?.node, agent.robot_type);
    let way = region::way(problem, first, &table)?;
    let (mut places, mut budget) = (0, MOVES_MAX);
    for most in REGIONS {
        let region = Region::new(problem, first, &way, most.max(way.len()));
        if region.steps.len() == places {
            return None;
        }
        places = region.steps.len();
        if let Some(moves) = find(&region, &mut budget) {
            return Some(name(problem, moves, &region));
        }
    }
    None
}

/// The moves from place to place, first to last: straight to the target, or first aside to let others out.
fn find(region: &Region, budget: &mut usize) -> Option<Vec<Made>> {
    let start = State { first: region.first, others: region.others };
    let goal = region.aim(region.target);
    if goal.left_ms[region.first] == u64::MAX {
        return None;
    }
    if in_the_way(region, &goal, start).1 == 0 {
        return run(region, &goal, start, budget).map(|(moves, _)| moves);
    }
    for side in sides(region, &goal) {
        let Some((mut moves, aside)) = run(region, &region.aim(side), start, budget) else { continue };
        if in_the_way(region, &goal, aside).1 == 0
            && let Some((rest, _)) = run(region, &goal, aside, budget)
        {
            moves.extend(rest);
            return Some(moves);
        }
    }
    run(region, &goal, start, budget).map(|(moves, _)| moves)
}

/// A search for few moves, or, in a crowd that it drowns in, what first comes to hand.
fn run(region: &Region, aim: &Aim, start: State, budget: &mut usize) -> Option<(Vec<Made>, State)> {
    seek(region, aim, start, budget).or_else(|| clear::clear(region, aim, start))
}

/// Places where the one robot could stand while all in its way come past it and off its way, the nearest first.
fn sides(region: &Region, goal: &Aim) -> Vec<usize> {
    let away = region.aim(region.first).left_ms;
    let leaving = (region.others & goal.way[region.first]).count_ones();
    let mut found = Vec::new();
    for place in (0..region.steps.len()).filter(|place| goal.left_ms[*place] != u64::MAX) {
        let room = region.reach(region.target, 1 << place) & !goal.way[place] & !region.others;
        if room.count_ones() >= leaving {
            found.push((away[place], place));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, place)| place).take(SIDES_MAX).collect()
}

/// The moves that bring the one robot to what it aims at, and where everybody stands then.
fn seek(region: &Region, aim: &Aim, start: State, budget: &mut usize) -> Option<(Vec<Made>, State)> {
    let mut reached = Reached::new();
    let mut open = BinaryHeap::new();
    let mut left = AIM_MOVES_MAX.min(*budget);
    reached.insert(start, (0, None));
    open.push(Reverse((0_u64, 0_u64, start)));
    while let Some(Reverse((_, cost, state))) = open.pop() {
        if state.first == aim.target {
            return Some((unwind(&reached, state), state));
        }
        if reached.get(&state).is_some_and(|(known, _)| *known < cost) {
            continue;
        }
        for (from, step, next) in moves(region, state) {
            if aim.left_ms[next.first] == u64::MAX {
                continue;
            }
            if left == 0 {
                return None;
            }
            (left, *budget) = (left - 1, budget.saturating_sub(1));
            let sum = cost + step.travel_ms;
            if reached.get(&next).is_none_or(|(known, _)| sum < *known) {
                reached.insert(next, (sum, Some((state, from, step.edge))));
                open.push(Reverse((sum + GREED * to_do_ms(region, aim, next), sum, next)));
            }
        }
    }
    None
}

/// Every move of one robot that meets nobody: from where, along what, and who then stands where.
fn moves(region: &Region, state: State) -> Vec<(usize, &Step, State)> {
    let mut found = Vec::new();
    let standing = state.others | 1 << state.first;
    for step in region.steps[state.first].iter().filter(|step| step.is_for_first) {
        if standing & step.meets == 0 {
            found.push((state.first, step, State { first: step.to, ..state }));
        }
    }
    for place in bits(state.others) {
        for step in region.steps[place].iter().filter(|step| step.is_for_others) {
            if standing & step.meets == 0 {
                let others = state.others & !(1 << place) | 1 << step.to;
                found.push((place, step, State { others, ..state }));
            }
        }
    }
    found
}

/// How far the one robot still is from its target, and those in its way from where they are in nobody's.
fn to_do_ms(region: &Region, aim: &Aim, state: State) -> u64 {
    let (steps, walled) = in_the_way(region, aim, state);
    aim.left_ms[state.first] + STEP_MS * (steps + ROOM_STEPS * u64::from(walled))
}

/// Steps of those in the way until they are out of it, and how many can't get out but past the one robot.
fn in_the_way(region: &Region, aim: &Aim, state: State) -> (u64, u32) {
    let way = aim.way[state.first];
    if state.others & way == 0 {
        return (0, 0);
    }
    let standing = state.others | 1 << state.first;
    let free = (0..region.near.len()).filter(|place| region.near[*place] & standing == 0);
    let free = free.fold(0, |all, place| all | 1 << place);
    let (leaving, wall) = (state.others & way, 1 << state.first);
    let (steps, walled) = steps_out(region, free & !way, leaving, wall);
    let room = region.reach(aim.target, wall) & free & !way;
    let crowded = leaving.count_ones().saturating_sub(room.count_ones());
    (steps, crowded.max(walled.count_ones()))
}

/// Steps that all of these places are away from the nearest free one, together, and the places from where there is no way.
fn steps_out(region: &Region, free: Places, mut from: Places, wall: Places) -> (u64, Places) {
    let (mut seen, mut edge, mut steps, mut sum) = (free, free, 0, 0);
    while edge != 0 && from != 0 {
        sum += steps * u64::from((from & edge).count_ones());
        from &= !edge;
        edge = bits(edge).fold(0, |all, place| all | region.into[place]) & !seen & !wall;
        seen |= edge;
        steps += 1;
    }
    (sum, from)
}

fn unwind(reached: &Reached, end: State) -> Vec<Made> {
    let mut moves = Vec::new();
    let mut state = end;
    while let Some((_, Some((before, from, edge)))) = reached.get(&state) {
        moves.push((*from, *edge));
        state = *before;
    }
    moves.reverse();
    moves
}

/// Who it is that makes each move.
fn name(problem: &Problem<'_>, moves: Vec<Made>, region: &Region) -> Manoeuvre {
    let mut standing: BTreeMap<NodeId, RobotId> =
        problem.agents.iter().map(|agent| (agent.node, agent.robot)).collect();
    let mut named = Manoeuvre::new();
    for (from, edge) in moves {
        if let Some(robot) = standing.remove(&region.node(from)) {
            standing.insert(problem.layout.edge(edge).to, robot);
            named.push((robot, edge));
        }
    }
    named
}
