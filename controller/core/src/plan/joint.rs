//! The breaker of a jam: A* over the joint places of a few robots, one move of one robot at a time.
//!
//! PIBT isn't complete: in corridors and dead ends robots can wait for each other for ever, or push to and fro. Then a
//! robot without progress and those in its way are taken together, everybody else stands still, and the search finds
//! moves that bring that one robot to its goal, or proves (within its budget) that there are none. The moves are a
//! *manoeuvre*: laid before everything else in each plan until they are all released.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use drover_maps::{EdgeId, NodeId};

use super::distance::{Distances, UNREACHABLE};
use super::{Agent, Problem};
use crate::id::RobotId;

/// Robots moved together, at most.
pub const GROUP_MAX: usize = 4;
/// States looked at in one search, at most.
const STATES_MAX: usize = 40_000;
/// Nodes of the way ahead that are searched for robots in the way.
const AHEAD_MAX: usize = 64;
/// The way of the first robot counts this many times as much as the moves of all.
const GREED: u64 = 3;

/// Moves that bring a stuck robot to its goal, in order.
pub type Manoeuvre = Vec<(RobotId, EdgeId)>;

type Places = [NodeId; GROUP_MAX];

/// States found: the cost, and the state and the move they were reached by.
type Reached = BTreeMap<Places, (u64, Option<(Places, usize, EdgeId)>)>;

struct Search<'a> {
    problem: &'a Problem<'a>,
    group: Vec<&'a Agent>,
    /// Nodes where an outsider stands, or beside one.
    is_closed: Vec<bool>,
}

/// Moves for this agent (by index) and those in its way, if the search finds some.
pub fn search(problem: &Problem<'_>, first: usize, distances: &mut Distances) -> Option<Manoeuvre> {
    let agent = &problem.agents[first];
    let goal = agent.goal?;
    let table = distances.to(problem.layout, goal.node, agent.robot_type);
    let mut group = in_the_way(problem, first, &table)?;
    if group.len() < 2 {
        return None;
    }
    let narrow = Search::new(problem, &group).run(goal.node, &table);
    if narrow.is_some() || group.len() >= GROUP_MAX {
        return narrow;
    }
    widen(problem, &mut group);
    Search::new(problem, &group).run(goal.node, &table)
}

/// The agent and the movable ones on its way, nearest first; none if somebody in the way works and will leave by itself.
fn in_the_way(problem: &Problem<'_>, first: usize, table: &[u32]) -> Option<Vec<usize>> {
    let layout = problem.layout;
    let agent = &problem.agents[first];
    let mut group = vec![first];
    let mut node = agent.node;
    for _ in 0..AHEAD_MAX {
        let open = layout.out_edges(node).iter().filter(|edge| layout.admits_edge(agent.robot_type, **edge));
        let Some(edge) = open.min_by_key(|edge| (table[layout.edge(**edge).to.index()], **edge)) else {
            break;
        };
        let to = layout.edge(*edge).to;
        if table[to.index()] >= table[node.index()] {
            break;
        }
        for (index, other) in problem.agents.iter().enumerate() {
            let is_near = other.node == to
                || layout.node_conflicts(to).nodes.binary_search(&other.node).is_ok()
                || layout.edge_conflicts(*edge).nodes.binary_search(&other.node).is_ok();
            if !is_near || group.contains(&index) || group.len() >= GROUP_MAX {
                continue;
            }
            if !other.is_movable {
                return (group.len() > 1).then_some(group);
            }
            group.push(index);
        }
        node = to;
    }
    Some(group)
}

/// Fills the group with the movable agents nearest to its first one.
fn widen(problem: &Problem<'_>, group: &mut Vec<usize>) {
    let at = problem.layout.node(problem.agents[group[0]].node);
    let away = |agent: &Agent| {
        let node = problem.layout.node(agent.node);
        u64::from(node.x_mm.abs_diff(at.x_mm)) + u64::from(node.y_mm.abs_diff(at.y_mm))
    };
    let mut others: Vec<(u64, usize)> = Vec::new();
    for (index, agent) in problem.agents.iter().enumerate() {
        if agent.is_movable && !group.contains(&index) {
            others.push((away(agent), index));
        }
    }
    others.sort_unstable();
    group.extend(others.into_iter().map(|(_, index)| index).take(GROUP_MAX - group.len()));
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem<'a>, group: &[usize]) -> Search<'a> {
        let mut is_closed = vec![false; problem.layout.node_count()];
        for (index, agent) in problem.agents.iter().enumerate() {
            if !group.contains(&index) {
                is_closed[agent.node.index()] = true;
            }
        }
        Search { problem, group: group.iter().map(|index| &problem.agents[*index]).collect(), is_closed }
    }

    fn run(&self, goal: NodeId, table: &[u32]) -> Option<Manoeuvre> {
        let mut start = [NodeId(u32::MAX); GROUP_MAX];
        start.iter_mut().zip(&self.group).for_each(|(place, agent)| *place = agent.node);
        let mut reached = Reached::new();
        let mut open = BinaryHeap::new();
        reached.insert(start, (0, None));
        open.push(Reverse((0_u64, 0_u64, start)));
        while let Some(Reverse((_, cost, places))) = open.pop() {
            if places[0] == goal {
                return Some(self.unwind(&reached, places));
            }
            if reached.len() >= STATES_MAX {
                return None;
            }
            if reached.get(&places).is_some_and(|(known, _)| *known < cost) {
                continue;
            }
            for (member, edge) in self.moves(&places) {
                let mut next = places;
                next[member] = self.problem.layout.edge(edge).to;
                let left = table[next[0].index()];
                let sum =
                    cost + u64::from(self.problem.layout.travel_ms(self.group[member].robot_type, edge));
                if left == UNREACHABLE || reached.get(&next).is_some_and(|(known, _)| *known <= sum) {
                    continue;
                }
                reached.insert(next, (sum, Some((places, member, edge))));
                open.push(Reverse((sum + GREED * u64::from(left), sum, next)));
            }
        }
        None
    }

    /// Every move of one robot that meets nobody.
    fn moves(&self, places: &Places) -> Vec<(usize, EdgeId)> {
        let layout = self.problem.layout;
        let mut moves = Vec::new();
        for (member, agent) in self.group.iter().enumerate() {
            for edge in layout.out_edges(places[member]) {
                let to = layout.edge(*edge).to;
                let mut near = layout
                    .edge_conflicts(*edge)
                    .nodes
                    .iter()
                    .chain(layout.node_conflicts(to).nodes)
                    .chain([&to]);
                let stands = |node: &NodeId| {
                    let mut others = places.iter().take(self.group.len()).enumerate();
                    self.is_closed[node.index()]
                        || others.any(|(other, place)| other != member && place == node)
                };
                let is_usable = layout.admits_edge(agent.robot_type, *edge) && !self.problem.is_closed(*edge);
                if is_usable && !near.any(stands) {
                    moves.push((member, *edge));
                }
            }
        }
        moves
    }

    fn unwind(&self, reached: &Reached, end: Places) -> Manoeuvre {
        let mut moves = Vec::new();
        let mut places = end;
        while let Some((_, Some((before, member, edge)))) = reached.get(&places) {
            moves.push((self.group[*member].robot, *edge));
            places = *before;
        }
        moves.reverse();
        moves
    }
}
