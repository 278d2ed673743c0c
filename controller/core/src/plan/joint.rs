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

use super::region::{self, PLACES_MAX, Places, Region, Step, bits};
use super::{Distances, Problem};
use crate::id::RobotId;

/// Regions tried one after the other: places of each, at most.
const REGIONS: [usize; 3] = [24, 56, PLACES_MAX];
/// Moves looked at in one region, at most.
const MOVES_MAX: usize = 100_000;
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
struct State {
    first: usize,
    others: Places,
}

/// States found: the cost, and the state and the move (from where, along what) they were reached by.
type Reached = BTreeMap<State, (u64, Option<(State, usize, EdgeId)>)>;

/// Moves that bring this agent (by index) on and all others out of its way, if the search finds some.
pub fn search(problem: &Problem<'_>, first: usize, distances: &mut Distances) -> Option<Manoeuvre> {
    let agent = &problem.agents[first];
    let table = distances.to(problem.layout, agent.goal?.node, agent.robot_type);
    let way = region::way(problem, first, &table)?;
    let mut places = 0;
    for most in REGIONS {
        let region = Region::new(problem, first, &way, &table, most.max(way.len()));
        if region.steps.len() == places {
            return None;
        }
        places = region.steps.len();
        if let Some(moves) = run(&region) {
            return Some(name(problem, moves, &region));
        }
    }
    None
}

/// The moves from place to place, first to last.
fn run(region: &Region) -> Option<Vec<(usize, EdgeId)>> {
    let start = State { first: region.first, others: region.others };
    let mut reached = Reached::new();
    let mut open = BinaryHeap::new();
    let mut looked_at = 0;
    reached.insert(start, (0, None));
    open.push(Reverse((0_u64, 0_u64, start)));
    while let Some(Reverse((_, cost, state))) = open.pop() {
        if state.first == region.target {
            return Some(unwind(&reached, state));
        }
        if reached.get(&state).is_some_and(|(known, _)| *known < cost) {
            continue;
        }
        if looked_at > MOVES_MAX {
            return None;
        }
        for (from, step, next) in moves(region, state) {
            looked_at += 1;
            let sum = cost + step.travel_ms;
            if reached.get(&next).is_none_or(|(known, _)| sum < *known) {
                reached.insert(next, (sum, Some((state, from, step.edge))));
                open.push(Reverse((sum + GREED * to_do_ms(region, next), sum, next)));
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
fn to_do_ms(region: &Region, state: State) -> u64 {
    let way = region.way[state.first];
    let in_the_way = state.others & way;
    if in_the_way == 0 {
        return region.left_ms[state.first];
    }
    let standing = state.others | 1 << state.first;
    let free = (0..region.near.len()).filter(|place| region.near[*place] & standing == 0);
    let free = free.fold(0, |all, place| all | 1 << place);
    let (steps, walled) = steps_out(region, free & !way, in_the_way, 1 << state.first);
    let retreat = if walled == 0 { 0 } else { retreat(region, state, free, walled) };
    region.left_ms[state.first] + STEP_MS * (steps + retreat)
}

/// Steps until those that can only come out past the robot itself have done so: it has to make room first.
fn retreat(region: &Region, state: State, free: Places, walled: Places) -> u64 {
    let away = |place: usize| {
        let lacking = walled.count_ones().saturating_sub((region.room[place] & free).count_ones());
        2 * u64::from(region.steps_to[place][state.first]) + ROOM_STEPS * u64::from(lacking)
    };
    let Some((own, back)) = (0..region.near.len()).map(|place| (away(place), place)).min() else { return 0 };
    let line = region.line(state.first, back);
    let clear = free & !region.way[state.first] & !line;
    let (behind, stay) = steps_out(region, clear, state.others & line, 1 << state.first);
    let (theirs, sealed) = steps_out(region, region.room[back] & free, walled, 0);
    own + behind + theirs + ROOM_STEPS * u64::from((stay | sealed).count_ones())
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

fn unwind(reached: &Reached, end: State) -> Vec<(usize, EdgeId)> {
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
fn name(problem: &Problem<'_>, moves: Vec<(usize, EdgeId)>, region: &Region) -> Manoeuvre {
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
