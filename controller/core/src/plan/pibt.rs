//! Windowed PIBT: priority inheritance with backtracking (Okumura et al., AIJ 2022) on a directed graph with edge
//! lengths and footprint conflicts, in the time-independent form of Causal-PIBT (Okumura et al., AAAI 2021).
//!
//! Rounds of planned time. In each, robots in rank order choose their best next edge; who stands in conflict with it is
//! pushed first, recursively, and moves *before* the pusher in the plan's total order. If a push fails, everything it
//! did is undone. A robot in mid-edge can't be pushed until it arrives.

use drover_maps::{EdgeId, NodeId};

use super::distance::{Distances, Table, UNREACHABLE};
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

/// When a place was last left, and by whom.
type Left = Option<(usize, Time)>;

struct Search<'a> {
    problem: &'a Problem<'a>,
    tables: Vec<Option<Table>>,
    at: Time,
    node: Vec<NodeId>,
    heading: Vec<Option<i32>>,
    free_at: Vec<Time>,
    is_decided: Vec<bool>,
    /// Its moves in this window are given: it can't be pushed.
    is_bound: Vec<bool>,
    standing: Vec<Option<usize>>,
    left_node: Vec<Left>,
    left_edge: Vec<Left>,
    wanted: Vec<Wanted>,
    /// Pushed in vain since the last free decision: they may still decide for themselves.
    resisted: Vec<usize>,
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
    edge: Option<EdgeId>,
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem<'a>, distances: &mut Distances) -> Search<'a> {
        let layout = problem.layout;
        let mut search = Search {
            problem,
            tables: Vec::with_capacity(problem.agents.len()),
            at: problem.now,
            node: problem.agents.iter().map(|agent| agent.node).collect(),
            heading: problem.agents.iter().map(|agent| agent.heading_mdeg).collect(),
            free_at: problem.agents.iter().map(|agent| agent.free_at).collect(),
            is_decided: vec![false; problem.agents.len()],
            is_bound: vec![false; problem.agents.len()],
            standing: vec![None; layout.node_count()],
            left_node: vec![None; layout.node_count()],
            left_edge: vec![None; layout.edge_count()],
            wanted: Vec::new(),
            resisted: Vec::new(),
            moves: Vec::new(),
            undo: Vec::new(),
            expansions: 0,
        };
        for (index, agent) in problem.agents.iter().enumerate() {
            let table = agent.goal.map(|goal| distances.to(layout, goal.node, agent.robot_type));
            search.tables.push(table.filter(|_| agent.is_movable));
            search.standing[agent.node.index()] = Some(index);
        }
        for tail in &problem.tails {
            search.left_node[tail.node.index()] = Some((tail.agent, tail.until));
            search.left_edge[tail.edge.index()] = Some((tail.agent, tail.until));
        }
        search.lay_manoeuvre();
        search
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

    fn round(&mut self, at: Time) {
        self.at = at;
        self.is_decided.fill(false);
        self.undo.clear();
        let mut order: Vec<usize> = (0..self.node.len()).filter(|agent| self.is_pushable(*agent)).collect();
        order.sort_by_key(|agent| (self.is_at_goal(*agent), self.problem.agents[*agent].rank, *agent));
        for agent in order {
            if self.is_pushable(agent) {
                self.decide(agent, false);
                for resisted in std::mem::take(&mut self.resisted) {
                    self.is_decided[resisted] = false;
                }
            }
        }
    }

    fn is_at_goal(&self, agent: usize) -> bool {
        self.problem.agents[agent].goal.is_none_or(|goal| goal.node == self.node[agent])
    }

    /// It may be given a move in this round.
    fn is_pushable(&self, agent: usize) -> bool {
        let facts = &self.problem.agents[agent];
        let works = facts.goal.is_some_and(|goal| goal.is_work && goal.node == self.node[agent]);
        facts.is_movable
            && !works
            && !self.is_bound[agent]
            && !self.is_decided[agent]
            && self.free_at[agent] <= self.at
    }

    /// Finds the agent its next move; `is_pushed` = it must not stay. True when it may be where it now is.
    fn decide(&mut self, agent: usize, is_pushed: bool) -> bool {
        self.is_decided[agent] = true;
        for option in self.options(agent, is_pushed) {
            match option.edge {
                None => return true,
                Some(edge) => {
                    if self.enter(agent, edge) {
                        return true;
                    }
                }
            }
        }
        self.resisted.push(agent);
        false
    }

    /// What the agent may do, best first: by time to the goal, then by edge.
    fn options(&mut self, agent: usize, is_pushed: bool) -> Vec<Choice> {
        let facts = &self.problem.agents[agent];
        let here = self.node[agent];
        let left = self.remaining(agent, here);
        let mut options = Vec::with_capacity(6);
        for edge in self.problem.layout.out_edges(here) {
            if !self.problem.layout.admits_edge(facts.robot_type, *edge) || self.problem.is_closed(*edge) {
                continue;
            }
            self.expansions += 1;
            let to = self.problem.layout.edge(*edge).to;
            let after = self.remaining(agent, to);
            if after == u64::from(UNREACHABLE) && !is_pushed {
                continue;
            }
            if !is_pushed && self.comes_back(agent, *edge, left) {
                continue;
            }
            let (start, end) = self.times(agent, *edge);
            let blockers = self.blockers(agent, *edge).len() as u64;
            let cost = end.since_ms(self.at) + after + ROUND_MS * blockers;
            if is_pushed
                || (start.since_ms(self.at) <= self.problem.window_ms
                    && cost < left + self.wait_ms(agent, left))
            {
                options.push(Choice { cost, edge: Some(*edge) });
            }
        }
        options.sort_by_key(|option| (option.cost, option.edge));
        if !is_pushed {
            options.push(Choice { cost: left, edge: None });
        }
        options
    }

    /// The way on from the edge's end leads back along it: no way round, only to and fro.
    fn comes_back(&self, agent: usize, edge: EdgeId, left: u64) -> bool {
        let layout = self.problem.layout;
        let facts = layout.edge(edge);
        let robot_type = self.problem.agents[agent].robot_type;
        let back = facts.twin.map(|twin| left + u64::from(layout.travel_ms(robot_type, twin)));
        back.is_some_and(|back| self.remaining(agent, facts.to) >= back)
    }

    /// How much longer than straight on a way may be before staying is better.
    fn wait_ms(&self, agent: usize, left: u64) -> u64 {
        if left == 0 { 0 } else { ROUND_MS + WAIT_MS + self.problem.agents[agent].patience_ms }
    }

    fn remaining(&self, agent: usize, node: NodeId) -> u64 {
        self.tables[agent].as_ref().map_or(0, |table| u64::from(table[node.index()]))
    }

    /// When the agent may begin to drive along the edge, and when it will be there.
    fn times(&self, agent: usize, edge: EdgeId) -> (Time, Time) {
        let layout = self.problem.layout;
        let facts = layout.edge(edge);
        let mut start = self.free_at[agent].max(self.at);
        let mut after = |left: Left| {
            if let Some((other, time)) = left
                && other != agent
            {
                start = start.max(time);
            }
        };
        after(self.left_edge[edge.index()]);
        after(self.left_node[facts.to.index()]);
        for conflicts in [layout.edge_conflicts(edge), layout.node_conflicts(facts.to)] {
            conflicts.nodes.iter().for_each(|node| after(self.left_node[node.index()]));
            conflicts.edges.iter().for_each(|edge| after(self.left_edge[edge.index()]));
        }
        let robot_type = self.problem.agents[agent].robot_type;
        let turn = self.heading[agent].map_or(0, |from| layout.turn_ms(robot_type, from, facts.heading_mdeg));
        let drive = layout.travel_ms(robot_type, edge);
        (start, start.plus_ms(u64::from(turn) + u64::from(drive)))
    }

    /// Everybody who stands where the agent would go.
    fn blockers(&self, agent: usize, edge: EdgeId) -> Vec<usize> {
        let layout = self.problem.layout;
        let to = layout.edge(edge).to;
        let near =
            layout.edge_conflicts(edge).nodes.iter().chain(layout.node_conflicts(to).nodes).chain([&to]);
        let mut found: Vec<usize> = near.filter_map(|node| self.standing[node.index()]).collect();
        found.retain(|other| *other != agent);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Moves the agent along the edge, everybody in the way first. False, and nothing changed, if that can't be.
    fn enter(&mut self, agent: usize, edge: EdgeId) -> bool {
        let node = self.problem.layout.edge(edge).to;
        if self.wanted.len() >= DEPTH_MAX || self.wanted.iter().any(|wanted| self.stands_in(node, *wanted)) {
            return false;
        }
        let mark = self.undo.len();
        self.wanted.push(Wanted { edge, node });
        let mut is_free = true;
        for blocker in self.blockers(agent, edge) {
            let still = self.blockers(agent, edge).contains(&blocker);
            if still && !(self.is_pushable(blocker) && self.decide(blocker, true)) {
                is_free = false;
                break;
            }
        }
        self.wanted.pop();
        if is_free && self.blockers(agent, edge).is_empty() {
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
                && node != layout.edge(wanted.edge).from
    }

    fn commit(&mut self, agent: usize, edge: EdgeId) {
        let (start, end) = self.times(agent, edge);
        let facts = self.problem.layout.edge(edge);
        self.undo.push(Undo {
            agent,
            edge,
            heading: self.heading[agent],
            free_at: self.free_at[agent],
            left_node: self.left_node[facts.from.index()],
            left_edge: self.left_edge[edge.index()],
        });
        self.standing[facts.from.index()] = None;
        self.standing[facts.to.index()] = Some(agent);
        self.left_node[facts.from.index()] = Some((agent, end));
        self.left_edge[edge.index()] = Some((agent, end));
        self.node[agent] = facts.to;
        self.heading[agent] = Some(facts.end_heading_mdeg);
        self.free_at[agent] = end;
        self.moves.push(Move { robot: self.problem.agents[agent].robot, edge, start });
    }

    fn roll_back(&mut self, mark: usize) {
        while self.undo.len() > mark {
            let Some(undo) = self.undo.pop() else { return };
            let facts = self.problem.layout.edge(undo.edge);
            self.standing[facts.to.index()] = None;
            self.standing[facts.from.index()] = Some(undo.agent);
            self.left_node[facts.from.index()] = undo.left_node;
            self.left_edge[undo.edge.index()] = undo.left_edge;
            self.node[undo.agent] = facts.from;
            self.heading[undo.agent] = undo.heading;
            self.free_at[undo.agent] = undo.free_at;
            self.is_decided[undo.agent] = false;
            self.moves.pop();
        }
    }
}
