//! Windowed EPIBT: joint moves on a layout by operations of many beats (`epibt`), from everybody's decision point.
//!
//! At first everybody does what PIBT would; then, in order of rank, robots take operations that are cheaper, and refinement
//! tries at random what else is. What an operation enters in the window are the robot's moves, in
//! the order in which they begin: one valid total order, as a robot on an edge has both its ends (`floor`).

use drover_maps::{EdgeId, Layout, NodeId};

use super::epibt::{Beat, DEPTH_ON_LAYOUT as DEPTH, Effort, Epibt, Traveller};
use super::floor::{BEAT_MS, Floor};
use super::ground::Ground;
use super::guidance::{BEAT, Guidance};
use super::lns::{Alone, Draw, Refiner};
use super::pibt::Pibt;
use super::reach::{MEMORY_MAX, Reach};
use super::{Agent, Distances, Move, Plan, Planner, Problem};
use crate::clock::Time;
use crate::id::RobotId;

/// How hard the first try of each robot is.
const FIRST: Effort = Effort { nodes: 20_000, asks: u32::MAX };
/// Nodes looked at in refinement, per robot.
const REFINE_PER_ROBOT: u64 = 100;
/// What a robot counts by the class of its rank: the stuck, who has work at its goal, who has a job, others.
const WEIGHTS: [u32; 4] = [1_000, 100, 100, 50];
/// The dearest an obstacle and a closed edge may be, parts of a beat: many of them must add up.
const OBSTACLE_MAX: u64 = 12_000;
const CLOSED: u16 = 24_000;

/// A floor with its prices: a cache that can be thrown away without a changed decision.
#[derive(Clone, Debug)]
pub(super) struct Priced {
    floor: Floor,
    guidance: Guidance,
    reach: Reach,
}

impl Priced {
    pub(super) fn new(layout: &Layout, ground: &Ground) -> Priced {
        let floor = Floor::new(layout, ground);
        let guidance = Guidance::even(&floor.lattice);
        let reach = Reach::whole(&floor.lattice, &guidance, MEMORY_MAX);
        Priced { floor, guidance, reach }
    }

    /// What stands in the way, with the time lost there, ms, and edges that nobody may enter.
    pub(super) fn set_ground(&mut self, layout: &Layout, obstacles: &[(NodeId, u32)], closed: &[EdgeId]) {
        let mut guidance = Guidance::even(&self.floor.lattice);
        let mut make_dearer = |edge: EdgeId, by: u16| {
            let states = self.floor.lattice.states(self.floor.edge(edge));
            let entered =
                states.filter(|state| self.floor.lattice.length(*state).is_some_and(|price| price > 0));
            entered.for_each(|state| guidance.make_dearer(state, by));
        };
        for (node, lost_ms) in obstacles {
            let price = (u64::from(*lost_ms) * u64::from(BEAT) / u64::from(BEAT_MS)).min(OBSTACLE_MAX) as u16;
            layout.in_edges(*node).iter().for_each(|edge| make_dearer(*edge, price));
        }
        closed.iter().for_each(|edge| make_dearer(*edge, CLOSED));
        let states = 0..self.floor.lattice.state_count() as u32;
        let changed: Vec<u32> =
            states.filter(|state| guidance.ahead(*state) != self.guidance.ahead(*state)).collect();
        self.guidance = guidance;
        self.reach.change(&self.floor.lattice, &self.guidance, &changed);
    }
}

/// The planner.
#[derive(Clone, Copy, Debug, Default)]
pub struct WindowedEpibt;

impl Planner for WindowedEpibt {
    fn plan(&self, problem: &Problem<'_>, distances: &mut Distances) -> Plan {
        let seed = Pibt.plan(problem, distances);
        let priced = distances.priced(problem.layout);
        let movers = Movers::new(problem, priced);
        let lattice = &priced.floor.lattice;
        let beat = Beat { lattice, guidance: &priced.guidance, travellers: &movers.travellers };
        let mut epibt = Epibt::<DEPTH>::new(lattice);
        epibt.begin(beat);
        bar(problem, &priced.floor, &movers, &mut epibt);
        movers.lay(&seed, problem, &priced.floor, beat, &mut epibt);
        let mut left = problem.budget.saturating_sub(seed.expansions);
        for mover in &movers.order {
            left = left.saturating_sub(epibt.improve(beat, *mover, FIRST.within(left)));
        }
        let refined = (REFINE_PER_ROBOT * movers.order.len() as u64).min(left);
        Alone.refine(&mut epibt, beat, &mut Draw::new(problem.now.0), refined);
        let mut moves = manoeuvre(problem);
        moves.extend(movers.moves(problem, &priced.floor, &epibt));
        Plan { moves, expansions: problem.budget - left + refined }
    }
}

/// Who may be moved.
struct Movers {
    travellers: Vec<Traveller>,
    /// The agent of each traveller.
    agents: Vec<usize>,
    /// Travellers in order of rank, those who aren't at their goal first.
    order: Vec<u32>,
}

impl Movers {
    fn new(problem: &Problem<'_>, priced: &mut Priced) -> Movers {
        let Priced { floor, guidance, reach } = priced;
        reach.begin(u64::MAX);
        let mut movers = Movers { travellers: Vec::new(), agents: Vec::new(), order: Vec::new() };
        for (index, agent) in problem.agents.iter().enumerate().filter(|(_, agent)| may_move(problem, agent))
        {
            let Some(state) = floor.state(agent.robot_type, agent.node, agent.heading_mdeg) else { continue };
            let mut traveller = Traveller::new(state);
            if let Some(goal) = agent.goal {
                let goal = floor.node(goal.node);
                traveller.goal = Some((goal, reach.to(&floor.lattice, guidance, goal, state)));
                traveller.weight = WEIGHTS[usize::from(agent.rank.0).min(WEIGHTS.len() - 1)];
            }
            let wait_ms = agent.free_at.since_ms(problem.now);
            traveller.held = wait_ms.div_ceil(u64::from(BEAT_MS)).min(DEPTH as u64) as usize;
            traveller.stays = true;
            movers.travellers.push(traveller);
            movers.agents.push(index);
        }
        movers.order = (0..movers.agents.len() as u32).collect();
        movers.order.sort_by_key(|mover| {
            let agent = &problem.agents[movers.agents[*mover as usize]];
            (agent.goal.is_none_or(|goal| goal.node == agent.node), agent.rank, *mover)
        });
        movers
    }

    /// Another plan's moves in their order, each as early as nobody is in the way, as far as the beats go.
    fn lay(
        &self,
        seed: &Plan,
        problem: &Problem<'_>,
        floor: &Floor,
        beat: Beat<'_>,
        epibt: &mut Epibt<DEPTH>,
    ) {
        // By mover: beats laid so far.
        let mut laid: Vec<usize> = self.travellers.iter().map(|traveller| traveller.held).collect();
        for step in &seed.moves {
            let Ok(agent) = problem.agents.binary_search_by_key(&step.robot, |agent| agent.robot) else {
                continue;
            };
            let Ok(mover) = self.agents.binary_search(&agent) else { continue };
            let beats = floor.beats(problem.agents[agent].robot_type, step.edge);
            let to = floor.node(problem.layout.edge(step.edge).to);
            let mut places = [0; DEPTH];
            places.copy_from_slice(epibt.places(mover as u32));
            let goes = (laid[mover]..(DEPTH + 1).saturating_sub(beats)).find(|start| {
                let mut places = places;
                places[*start..start + beats - 1].fill(floor.edge(step.edge));
                places[start + beats - 1..].fill(to);
                epibt.lay(beat, mover as u32, places)
            });
            laid[mover] = goes.map_or(DEPTH, |start| start + beats);
        }
    }

    /// Every edge that is entered, by the beat in which that begins.
    fn moves(&self, problem: &Problem<'_>, floor: &Floor, epibt: &Epibt<DEPTH>) -> Vec<Move> {
        let mut entered: Vec<(usize, u32, EdgeId)> = Vec::new();
        for (mover, agent) in (0..).zip(&self.agents) {
            let mut before = floor.node(problem.agents[*agent].node);
            for (beat, place) in epibt.places(mover).iter().enumerate() {
                if let Some(edge) = floor.edge_at(*place).filter(|_| *place != before) {
                    entered.push((beat, mover, edge));
                }
                before = *place;
            }
        }
        entered.sort_unstable();
        let moves = entered.into_iter().map(|(beat, mover, edge)| Move {
            robot: problem.agents[self.agents[mover as usize]].robot,
            edge,
            start: problem.now.plus_ms(beat as u64 * u64::from(BEAT_MS)),
        });
        moves.collect()
    }
}

/// It isn't an obstacle, doesn't work where it stands, and has no part in the manoeuvre.
fn may_move(problem: &Problem<'_>, agent: &Agent) -> bool {
    agent.is_movable
        && !agent.works_at(agent.node)
        && problem.manoeuvre.iter().all(|(robot, _)| *robot != agent.robot)
}

/// Where nobody may be: where those stand who can't be moved, all along the manoeuvre, and in released bases for a while.
fn bar(problem: &Problem<'_>, floor: &Floor, movers: &Movers, epibt: &mut Epibt<DEPTH>) {
    for (index, agent) in problem.agents.iter().enumerate() {
        if movers.agents.binary_search(&index).is_err() {
            epibt.bar(floor.node(agent.node), DEPTH);
        }
    }
    for (_, edge) in problem.manoeuvre {
        epibt.bar(floor.edge(*edge), DEPTH);
        epibt.bar(floor.node(problem.layout.edge(*edge).to), DEPTH);
    }
    for edge in problem.closed {
        epibt.bar(floor.edge(*edge), DEPTH);
    }
    for tail in &problem.tails {
        let beats = tail.until.since_ms(problem.now).div_ceil(u64::from(BEAT_MS)).min(DEPTH as u64) as usize;
        epibt.bar(floor.node(tail.node), beats);
        epibt.bar(floor.edge(tail.edge), beats);
    }
}

/// The manoeuvre's moves come first in the total order, one after the other.
fn manoeuvre(problem: &Problem<'_>) -> Vec<Move> {
    let mut at: Time = problem.now;
    let mut moves = Vec::with_capacity(problem.manoeuvre.len());
    for (robot, edge) in problem.manoeuvre {
        let Some(agent) = agent_of(problem, *robot) else { continue };
        at = at.max(agent.free_at);
        moves.push(Move { robot: *robot, edge: *edge, start: at });
        at = at.plus_ms(u64::from(problem.layout.travel_ms(agent.robot_type, *edge)));
    }
    moves
}

fn agent_of<'a>(problem: &'a Problem<'_>, robot: RobotId) -> Option<&'a Agent> {
    let found = problem.agents.binary_search_by_key(&robot, |agent| agent.robot);
    found.ok().map(|index| &problem.agents[index])
}
