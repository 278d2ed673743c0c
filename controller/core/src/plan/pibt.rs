//! Windowed PIBT: priority inheritance with backtracking (Okumura et al., AIJ 2022) on a directed graph with edge
//! lengths and footprint conflicts, in the time-independent form of Causal-PIBT (Okumura et al., AAAI 2021).
//!
//! Rounds of planned time. In each, robots in rank order choose their best next edge; who stands in conflict with it is
//! pushed first, recursively, and moves *before* the pusher in the plan's total order. If a push fails, everything it
//! did is undone. A robot in mid-edge can't be pushed until it arrives.

use std::sync::Arc;

use drover_maps::{EdgeId, NodeId};

use super::distance::{Distances, Table, UNREACHABLE};
use super::ground::Ground;
use super::{Move, Plan, Planner, Problem};
use crate::clock::Time;

/// Planned time between two rounds, ms.
const ROUND_MS: u64 = 500;
/// What waiting a round counts beside its time, ms.
const WAIT_MS: u64 = 1_500;
/// Pushes in a row, at most.
const DEPTH_MAX: usize = 64;

/// The planner.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pibt;

impl Planner for Pibt {
    fn plan(&self, problem: &Problem<'_>, distances: &mut Distances) -> Plan {
        let mut search = Search::new(problem, distances);
        let mut at = problem.now;
        let end = problem.now.plus_ms(problem.window_ms);
        while at <= end && search.expansions < problem.budget {
            search.round(at);
            at = at.plus_ms(ROUND_MS);
        }
        Plan { moves: search.moves, expansions: search.expansions }
    }
}

/// When a place was last left, ms after the plan's begin, and by whom.
#[derive(Clone, Copy)]
struct Left {
    agent: u32,
    at_ms: u32,
}

/// An agent, and the edge it takes; none = it stays.
pub(super) type Told = (usize, Option<EdgeId>);

/// No agent.
const NOBODY: u32 = u32::MAX;
const NEVER: Left = Left { agent: NOBODY, at_ms: 0 };

/// Everybody in rounds; [`super::lacam`] puts them where it likes between two.
pub(super) struct Search<'a> {
    problem: &'a Problem<'a>,
    ground: Arc<Ground>,
    tables: Vec<Option<Table>>,
    /// Agents that may be moved, by rank.
    order: Vec<usize>,
    /// Those that may move in this round, in their order.
    turns: Vec<usize>,
    at: Time,
    node: Vec<NodeId>,
    heading: Vec<Option<i32>>,
    free_at: Vec<Time>,
    is_decided: Vec<bool>,
    /// Its moves in this window are given: it can't be pushed.
    is_bound: Vec<bool>,
    standing: Vec<u32>,
    left_node: Vec<Left>,
    left_edge: Vec<Left>,
    wanted: Vec<Wanted>,
    /// Pushed in vain since the last free decision: they may still decide for themselves.
    resisted: Vec<usize>,
    /// Options of the decisions under way, the innermost last.
    options: Vec<Choice>,
    moves: Vec<Move>,
    undo: Vec<Undo>,
    expansions: u64,
}

/// What a pusher is about to enter: whoever it pushes must not come to stand there.
#[derive(Clone, Copy)]
struct Wanted {
    edge: EdgeId,
    node: NodeId,
}

struct Undo {
    agent: usize,
    edge: EdgeId,
    heading: Option<i32>,
    free_at: Time,
    left_node: Left,
    left_edge: Left,
}

#[derive(Clone, Copy)]
struct Choice {
    cost: u64,
    edge: EdgeId,
}

impl<'a> Search<'a> {
    /// Everybody at its decision point, the manoeuvre behind it.
    pub(super) fn new(problem: &'a Problem<'a>, distances: &mut Distances) -> Search<'a> {
        let layout = problem.layout;
        let agents = &problem.agents;
        let mut order: Vec<usize> = (0..agents.len()).filter(|agent| agents[*agent].is_movable).collect();
        order.sort_by_key(|agent| (agents[*agent].rank, *agent));
        let mut search = Search {
            problem,
            ground: distances.ground(layout),
            tables: Vec::with_capacity(agents.len()),
            order,
            turns: Vec::with_capacity(agents.len()),
            at: problem.now,
            node: agents.iter().map(|agent| agent.node).collect(),
            heading: agents.iter().map(|agent| agent.heading_mdeg).collect(),
            free_at: agents.iter().map(|agent| agent.free_at).collect(),
            is_decided: vec![false; agents.len()],
            is_bound: vec![false; agents.len()],
            standing: vec![NOBODY; layout.node_count()],
            left_node: vec![NEVER; layout.node_count()],
            left_edge: vec![NEVER; layout.edge_count()],
            wanted: Vec::new(),
            resisted: Vec::new(),
            options: Vec::new(),
            moves: Vec::new(),
            undo: Vec::new(),
            expansions: 0,
        };
        for (index, agent) in agents.iter().enumerate() {
            let goal = agent.goal.filter(|_| agent.is_movable);
            search.tables.push(goal.map(|goal| distances.to(layout, goal.node, agent.robot_type)));
            search.standing[agent.node.index()] = index as u32;
        }
        for tail in &problem.tails {
            let left = search.left(tail.agent, tail.until);
            search.left_node[tail.node.index()] = left;
            search.left_edge[tail.edge.index()] = left;
        }
        search.lay_manoeuvre();
        search
    }

    fn left(&self, agent: usize, at: Time) -> Left {
        let at_ms = u32::try_from(at.since_ms(self.problem.now)).unwrap_or(u32::MAX);
        Left { agent: agent as u32, at_ms }
    }

    /// The manoeuvre's moves come first in the total order; who is part of it does nothing else.
    fn lay_manoeuvre(&mut self) {
        for (robot, edge) in self.problem.manoeuvre {
            if let Ok(agent) = self.problem.agents.binary_search_by_key(robot, |agent| agent.robot) {
                self.commit(agent, *edge);
                self.is_bound[agent] = true;
            }
        }
    }

    /// Whoever isn't at its goal goes first, then by rank.
    fn round(&mut self, at: Time) {
        self.at = at;
        self.is_decided.fill(false);
        self.undo.clear();
        let mut turns = std::mem::take(&mut self.turns);
        turns.clear();
        let pushable = |agent: &&usize| self.is_pushable(**agent);
        turns.extend(self.order.iter().filter(pushable).filter(|agent| !self.is_at_goal(**agent)));
        turns.extend(self.order.iter().filter(pushable).filter(|agent| self.is_at_goal(**agent)));
        self.decide_all(&turns);
        self.turns = turns;
    }

    fn decide_all(&mut self, order: &[usize]) {
        for agent in order.iter().copied() {
            if self.is_pushable(agent) {
                self.decide(agent, false);
                while let Some(resisted) = self.resisted.pop() {
                    self.is_decided[resisted] = false;
                }
            }
        }
    }

    /// One round of everybody from these places, some told what to do; the moves. None: somebody can't do as told.
    pub(super) fn step(
        &mut self,
        at: &[NodeId],
        order: &[usize],
        told: &[Told],
    ) -> Option<Vec<(usize, EdgeId)>> {
        self.stand(at);
        told.iter().for_each(|(agent, _)| self.is_decided[*agent] = true);
        let mut going: Vec<_> = told.iter().filter_map(|(agent, edge)| Some((*agent, (*edge)?))).collect();
        while !going.is_empty() {
            let before = going.len();
            going.retain(|(agent, edge)| !self.enter(*agent, *edge));
            if going.len() == before {
                return None;
            }
        }
        self.decide_all(order);
        Some(self.undo.iter().map(|done| (done.agent, done.edge)).collect())
    }

    /// Everybody stands there now, free to go, and nothing is known of before.
    fn stand(&mut self, at: &[NodeId]) {
        self.at = self.problem.now;
        self.free_at.fill(self.at);
        self.heading.fill(None);
        self.is_decided.fill(false);
        self.standing.fill(NOBODY);
        (0..).zip(at).for_each(|(agent, node)| self.standing[node.index()] = agent);
        self.node.copy_from_slice(at);
        self.left_node.fill(NEVER);
        self.left_edge.fill(NEVER);
        self.moves.clear();
        self.undo.clear();
        self.resisted.clear();
    }

    /// The plan of these moves after the manoeuvre, as far as they begin in the window.
    pub(super) fn lay(&self, distances: &mut Distances, moves: &[(usize, EdgeId)]) -> Plan {
        let mut laid = Search::new(self.problem, distances);
        let first = laid.moves.len();
        moves.iter().for_each(|(agent, edge)| laid.commit(*agent, *edge));
        let end = self.problem.now.plus_ms(self.problem.window_ms);
        let later = laid.moves.split_off(first);
        laid.moves.extend(later.into_iter().filter(|later| later.start <= end));
        Plan { moves: laid.moves, expansions: self.expansions }
    }

    /// Where everybody stands.
    pub(super) fn places(&self) -> &[NodeId] {
        &self.node
    }

    /// Edges the agent may take from there, the nearest to its goal first.
    pub(super) fn ways_out(&self, agent: usize, node: NodeId) -> Vec<EdgeId> {
        let layout = self.problem.layout;
        let robot_type = self.problem.agents[agent].robot_type;
        let mut ways: Vec<EdgeId> = layout.out_edges(node).to_vec();
        ways.retain(|edge| layout.admits_edge(robot_type, *edge) && !self.problem.is_closed(*edge));
        ways.sort_by_key(|edge| (self.remaining(agent, self.ground.way(*edge).to), *edge));
        ways
    }

    /// Expansions so far.
    pub(super) fn expansions(&self) -> u64 {
        self.expansions
    }

    fn is_at_goal(&self, agent: usize) -> bool {
        self.problem.agents[agent].goal.is_none_or(|goal| goal.node == self.node[agent])
    }

    /// It may be given a move in this round.
    fn is_pushable(&self, agent: usize) -> bool {
        self.may_move(agent, self.node[agent]) && !self.is_decided[agent] && self.free_at[agent] <= self.at
    }

    /// It may be given moves where it stands.
    pub(super) fn may_move(&self, agent: usize, node: NodeId) -> bool {
        let facts = &self.problem.agents[agent];
        facts.is_movable && !facts.works_at(node) && !self.is_bound[agent]
    }

    /// Finds the agent its next move; `is_pushed` = it must not stay. True when it may be where it now is.
    fn decide(&mut self, agent: usize, is_pushed: bool) -> bool {
        self.is_decided[agent] = true;
        let first = self.options.len();
        self.add_options(agent, is_pushed);
        let last = self.options.len();
        let mut is_settled = (first..last).any(|option| self.enter(agent, self.options[option].edge));
        self.options.truncate(first);
        is_settled |= !is_pushed;
        if !is_settled {
            self.resisted.push(agent);
        }
        is_settled
    }

    /// What the agent may do but stay, best first: by time to the goal, then by edge.
    fn add_options(&mut self, agent: usize, is_pushed: bool) {
        let first = self.options.len();
        let facts = &self.problem.agents[agent];
        let here = self.node[agent];
        let left = self.remaining(agent, here);
        let limit = if is_pushed { u64::MAX } else { left + self.wait_ms(agent, left) };
        for edge in self.problem.layout.out_edges(here) {
            if !self.problem.layout.admits_edge(facts.robot_type, *edge) || self.problem.is_closed(*edge) {
                continue;
            }
            self.expansions += 1;
            let after = self.remaining(agent, self.ground.way(*edge).to);
            let drive_ms = self.drive_ms(agent, *edge);
            if drive_ms + after >= limit
                || !is_pushed && (after == u64::from(UNREACHABLE) || self.comes_back(agent, *edge, left))
            {
                continue;
            }
            let wait_ms = self.start(agent, *edge).since_ms(self.at);
            let cost = wait_ms + drive_ms + after + ROUND_MS * self.blockers(agent, *edge).count() as u64;
            if is_pushed || (wait_ms <= self.problem.window_ms && cost < limit) {
                self.options.push(Choice { cost, edge: *edge });
            }
        }
        self.options[first..].sort_unstable_by_key(|option| (option.cost, option.edge));
    }

    /// The way on from the edge's end leads back along it: no way round, only to and fro.
    fn comes_back(&self, agent: usize, edge: EdgeId, left: u64) -> bool {
        let way = self.ground.way(edge);
        let Some(twin) = way.twin else { return false };
        let robot_type = self.problem.agents[agent].robot_type;
        self.remaining(agent, way.to) >= left + u64::from(self.problem.layout.travel_ms(robot_type, twin))
    }

    /// How much longer than straight on a way may be before staying is better.
    fn wait_ms(&self, agent: usize, left: u64) -> u64 {
        if left == 0 { 0 } else { ROUND_MS + WAIT_MS + self.problem.agents[agent].patience_ms }
    }

    /// Time the agent still has to go from there, ms; 0 without a goal.
    pub(super) fn remaining(&self, agent: usize, node: NodeId) -> u64 {
        self.tables[agent].as_ref().map_or(0, |table| u64::from(table[node.index()]))
    }

    /// When the agent may begin to drive along the edge.
    fn start(&self, agent: usize, edge: EdgeId) -> Time {
        let nodes = self.ground.near_nodes(edge).iter().map(|node| self.left_node[node.index()]);
        let edges = self.ground.near_edges(edge).iter().map(|edge| self.left_edge[edge.index()]);
        let others = nodes.chain(edges).filter(|left| left.agent != agent as u32);
        let left_ms = others.map(|left| left.at_ms).max().unwrap_or(0);
        self.free_at[agent].max(self.at).max(self.problem.now.plus_ms(u64::from(left_ms)))
    }

    /// Time to turn and to drive along the edge.
    fn drive_ms(&self, agent: usize, edge: EdgeId) -> u64 {
        let layout = self.problem.layout;
        let robot_type = self.problem.agents[agent].robot_type;
        let onto = self.ground.way(edge).heading_mdeg;
        let turn = self.heading[agent].map_or(0, |from| layout.turn_ms(robot_type, from, onto));
        u64::from(turn) + u64::from(layout.travel_ms(robot_type, edge))
    }

    /// Everybody who stands where the agent would go.
    fn blockers(&self, agent: usize, edge: EdgeId) -> impl Iterator<Item = usize> + '_ {
        let standing = self.ground.near_nodes(edge).iter().map(|node| self.standing[node.index()]);
        standing.filter(move |other| *other != NOBODY && *other != agent as u32).map(|other| other as usize)
    }

    /// Moves the agent along the edge, everybody in the way first. False, and nothing changed, if that can't be.
    fn enter(&mut self, agent: usize, edge: EdgeId) -> bool {
        let node = self.ground.way(edge).to;
        if self.wanted.len() >= DEPTH_MAX || self.wanted.iter().any(|wanted| self.stands_in(node, *wanted)) {
            return false;
        }
        let mark = self.undo.len();
        self.wanted.push(Wanted { edge, node });
        let mut blockers: Vec<usize> = self.blockers(agent, edge).collect();
        blockers.sort_unstable();
        let is_free = blockers.into_iter().all(|blocker| {
            let still = self.blockers(agent, edge).any(|other| other == blocker);
            !still || (self.is_pushable(blocker) && self.decide(blocker, true))
        });
        self.wanted.pop();
        if is_free && self.blockers(agent, edge).next().is_none() {
            self.commit(agent, edge);
            return true;
        }
        self.roll_back(mark);
        false
    }

    /// Who comes to stand on the node stands in the way of this pusher.
    fn stands_in(&self, node: NodeId, wanted: Wanted) -> bool {
        let layout = self.problem.layout;
        node == wanted.node
            || layout.node_conflicts(wanted.node).nodes.binary_search(&node).is_ok()
            || layout.edge_conflicts(wanted.edge).nodes.binary_search(&node).is_ok()
                && node != self.ground.way(wanted.edge).from
    }

    fn commit(&mut self, agent: usize, edge: EdgeId) {
        let start = self.start(agent, edge);
        let end = start.plus_ms(self.drive_ms(agent, edge));
        let way = *self.ground.way(edge);
        self.undo.push(Undo {
            agent,
            edge,
            heading: self.heading[agent],
            free_at: self.free_at[agent],
            left_node: self.left_node[way.from.index()],
            left_edge: self.left_edge[edge.index()],
        });
        self.standing[way.from.index()] = NOBODY;
        self.standing[way.to.index()] = agent as u32;
        self.left_node[way.from.index()] = self.left(agent, end);
        self.left_edge[edge.index()] = self.left(agent, end);
        self.node[agent] = way.to;
        self.heading[agent] = Some(way.end_heading_mdeg);
        self.free_at[agent] = end;
        self.moves.push(Move { robot: self.problem.agents[agent].robot, edge, start });
    }

    fn roll_back(&mut self, mark: usize) {
        while self.undo.len() > mark {
            let Some(undo) = self.undo.pop() else { return };
            let way = *self.ground.way(undo.edge);
            self.standing[way.to.index()] = NOBODY;
            self.standing[way.from.index()] = undo.agent as u32;
            self.left_node[way.from.index()] = undo.left_node;
            self.left_edge[undo.edge.index()] = undo.left_edge;
            self.node[undo.agent] = way.from;
            self.heading[undo.agent] = undo.heading;
            self.free_at[undo.agent] = undo.free_at;
            self.is_decided[undo.agent] = false;
            self.moves.pop();
        }
    }
}
