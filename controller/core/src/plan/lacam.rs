//! LaCAM, lazy constraints addition search (Okumura, AAAI 2023): depth first over where everybody stands, each next
//! placement made by PIBT under constraints that are added one by one.
//!
//! PIBT looks one round ahead, and can push to and fro for ever. Where it comes to a placement once more, LaCAM leaves it
//! another way: first one robot is told where to go, then the next as well. Given time, it leaves it in every way there is.
//! As a planner it brings everybody on; as a breaker of a jam one robot, where [`super::joint`], to which all others are
//! alike, finds nothing: robots of several types, each with its own ways, or a crowd larger than its regions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use drover_maps::{EdgeId, NodeId};

use super::distance::UNREACHABLE;
use super::joint::Manoeuvre;
use super::pibt::{Search, Told};
use super::{Agent, Distances, Plan, Planner, Problem, region};
use crate::robot::Goal;

/// Rounds of PIBT in one plan, at most.
const ROUNDS_MAX: usize = 1_000;
/// And in the search for one stuck robot.
const BREAKER_ROUNDS_MAX: usize = 4_000;
/// Nodes round the way of the stuck robot where others are moved, at most.
const BREAKER_NODES_MAX: usize = 256;

/// The planner.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lacam;

impl Planner for Lacam {
    fn plan(&self, problem: &Problem<'_>, distances: &mut Distances) -> Plan {
        let mut search = Search::new(problem, distances);
        let moves = Placements::new(problem, &search).seek(problem, &mut search, ROUNDS_MAX);
        search.lay(distances, &moves)
    }
}

/// Moves that bring this agent (by index) on, all near it out of its way, if the search finds some.
pub fn search(problem: &Problem<'_>, first: usize, distances: &mut Distances) -> Option<Manoeuvre> {
    let agent = &problem.agents[first];
    let table = distances.to(problem.layout, agent.goal?.node, agent.robot_type);
    let way = region::way(problem, first, &table)?;
    let target = *way.last()?;
    let near: BTreeSet<NodeId> =
        region::around(problem.layout, &way, BREAKER_NODES_MAX).into_iter().collect();
    let agents = problem.agents.iter().enumerate().map(|(index, agent)| Agent {
        goal: (index == first).then_some(Goal { node: target, is_work: false }),
        is_movable: agent.is_movable && !agent.works_at(agent.node) && near.contains(&agent.node),
        ..agent.clone()
    });
    let problem = Problem { agents: agents.collect(), tails: Vec::new(), ..*problem };
    let mut search = Search::new(&problem, distances);
    let moves = Placements::new(&problem, &search).seek(&problem, &mut search, BREAKER_ROUNDS_MAX);
    let last = moves.iter().rposition(|(agent, _)| *agent == first)?;
    let named = |(agent, edge): &(usize, EdgeId)| (problem.agents[*agent].robot, *edge);
    (problem.layout.edge(moves[last].1).to == target).then(|| moves[..=last].iter().map(named).collect())
}

/// Where everybody stands, and how that was come to.
struct Placement {
    at: Vec<NodeId>,
    before: Option<usize>,
    /// The moves from there: who, along what.
    moves: Vec<(usize, EdgeId)>,
    /// What all who are called still have to go from here, ms.
    left_ms: u64,
    /// By agent: rounds since it was at its goal.
    since: Vec<u32>,
    /// Who decides first.
    order: Vec<usize>,
    /// What is still to be tried from here: agents told what to do.
    untried: VecDeque<Vec<Told>>,
}

/// All that were found.
struct Placements {
    all: Vec<Placement>,
    known: BTreeMap<Vec<NodeId>, usize>,
    /// By agent: it can come to its goal, and nobody before it goes there.
    is_called: Vec<bool>,
}

impl Placements {
    fn new(problem: &Problem<'_>, search: &Search<'_>) -> Placements {
        Placements { all: Vec::new(), known: BTreeMap::new(), is_called: called(problem, search) }
    }

    /// The moves that bring everybody to its goal, or to the nearest placement found.
    fn seek(
        mut self,
        problem: &Problem<'_>,
        search: &mut Search<'_>,
        rounds_max: usize,
    ) -> Vec<(usize, EdgeId)> {
        let start = search.places().to_vec();
        let mut best = self.add(problem, search, start, None, Vec::new());
        let mut open = vec![best];
        for _ in 0..rounds_max {
            let Some(last) = open.last().copied() else { break };
            if self.all[best].left_ms == 0 || search.expansions() >= problem.budget {
                break;
            }
            let Some(told) = self.next(search, last) else {
                open.pop();
                continue;
            };
            let Placement { at, order, .. } = &self.all[last];
            let Some(moves) = search.step(at, order, &told) else { continue };
            let after = search.places().to_vec();
            let index = match self.known.get(&after) {
                Some(known) => *known,
                None => self.add(problem, search, after, Some(last), moves),
            };
            if self.all[index].left_ms < self.all[best].left_ms {
                best = index;
            }
            if index != last {
                open.push(index);
            }
        }
        self.unwind(best)
    }

    fn add(
        &mut self,
        problem: &Problem<'_>,
        search: &Search<'_>,
        at: Vec<NodeId>,
        before: Option<usize>,
        moves: Vec<(usize, EdgeId)>,
    ) -> usize {
        let index = self.all.len();
        let left_ms =
            |agent: usize| if self.is_called[agent] { search.remaining(agent, at[agent]) } else { 0 };
        let since = |agent| before.map_or(0, |before| self.all[before].since[agent]);
        let since: Vec<u32> =
            (0..at.len()).map(|agent| if left_ms(agent) > 0 { since(agent) + 1 } else { 0 }).collect();
        let left_ms = (0..at.len()).map(left_ms).sum();
        let mut order: Vec<usize> =
            (0..at.len()).filter(|agent| search.may_move(*agent, at[*agent])).collect();
        order.sort_by_key(|agent| (Reverse(since[*agent]), problem.agents[*agent].rank, *agent));
        self.known.insert(at.clone(), index);
        let untried = VecDeque::from([Vec::new()]);
        self.all.push(Placement { at, before, moves, left_ms, since, order, untried });
        index
    }

    /// What is to be tried next from this placement. The next agent in order is told everything it may do after that.
    fn next(&mut self, search: &Search<'_>, index: usize) -> Option<Vec<Told>> {
        let placement = &mut self.all[index];
        let told = placement.untried.pop_front()?;
        if let Some(agent) = placement.order.get(told.len()) {
            let ways = search.ways_out(*agent, placement.at[*agent]).into_iter().map(Some);
            for way in ways.chain([None]) {
                let further = told.iter().copied().chain([(*agent, way)]);
                placement.untried.push_back(further.collect());
            }
        }
        Some(told)
    }

    fn unwind(&self, end: usize) -> Vec<(usize, EdgeId)> {
        let mut rounds = Vec::new();
        let mut index = Some(end);
        while let Some(at) = index {
            rounds.push(&self.all[at].moves);
            index = self.all[at].before;
        }
        rounds.into_iter().rev().flatten().copied().collect()
    }
}

/// By agent, who goes first first: it can come to its goal, and nobody is to stay there or goes there before it.
fn called(problem: &Problem<'_>, search: &Search<'_>) -> Vec<bool> {
    let agents = &problem.agents;
    let mut is_called = vec![false; agents.len()];
    let stays = |agent: &usize| !search.may_move(*agent, search.places()[*agent]);
    let mut taken: Vec<NodeId> =
        (0..agents.len()).filter(stays).map(|agent| search.places()[agent]).collect();
    let mut order: Vec<usize> = (0..agents.len()).filter(|agent| !stays(agent)).collect();
    order.sort_by_key(|agent| (agents[*agent].rank, *agent));
    for agent in order {
        let Some(goal) = agents[agent].goal.map(|goal| goal.node) else { continue };
        let near = problem.layout.node_conflicts(goal).nodes;
        let is_taken = taken.iter().any(|node| *node == goal || near.binary_search(node).is_ok());
        if !is_taken && search.remaining(agent, search.places()[agent]) < u64::from(UNREACHABLE) {
            taken.push(goal);
            is_called[agent] = true;
        }
    }
    is_called
}
