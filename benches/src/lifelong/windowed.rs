//! A planner of sites (`plan::Planner`) played beat by beat: each beat it plans anew from everybody's decision point, and the
//! moves that can begin now do. There is no breaker of jams.

use drover_core::Time;
use drover_core::id::RobotId;
use drover_core::plan::floor::BEAT_MS;
use drover_core::plan::lattice::{NONE, Step};
use drover_core::plan::{Agent, Algorithm, Distances, Move, Problem, Tail};
use drover_core::robot::Goal;
use drover_maps::{EdgeId, NodeId};

use super::Arena;

/// How far ahead a plan looks, ms; what a site does when nothing else is set.
const WINDOW_MS: u64 = 15_000;
/// Expansions a plan may spend.
const BUDGET: u64 = 20_000_000;
/// Beats at one node after which a robot goes first.
const STUCK: u32 = 24;
const NOBODY: u32 = u32::MAX;

/// The planner, and how long everybody has been where it is.
pub struct Windowed<'a> {
    arena: &'a Arena,
    algorithm: Algorithm,
    distances: Distances,
    beats: u64,
    stood: Vec<u32>,
    /// The beat in which each robot got its goal, and which.
    goals: Vec<(Option<u32>, u64)>,
}

impl<'a> Windowed<'a> {
    /// Nothing planned yet.
    pub fn new(arena: &'a Arena, algorithm: Algorithm) -> Windowed<'a> {
        let robots = arena.starts.len();
        Windowed {
            arena,
            algorithm,
            distances: Distances::default(),
            beats: 0,
            stood: vec![0; robots],
            goals: vec![(None, 0); robots],
        }
    }

    /// The state of each robot after the next beat; `goals`: the place each is to go to.
    pub fn plan(&mut self, states: &[u32], goals: &[Option<u32>]) -> Vec<u32> {
        let now = Time(self.beats * u64::from(BEAT_MS));
        for (known, goal) in self.goals.iter_mut().zip(goals) {
            if known.0 != *goal {
                *known = (*goal, self.beats);
            }
        }
        let (agents, tails) = self.agents(states, now);
        let problem = Problem {
            layout: &self.arena.layout,
            now,
            window_ms: WINDOW_MS,
            agents,
            tails,
            closed: &[],
            manoeuvre: &[],
            budget: BUDGET,
        };
        let plan = self.algorithm.planner().plan(&problem, &mut self.distances);
        let next = self.go(states, &plan.moves, now);
        for (stood, (before, after)) in self.stood.iter_mut().zip(states.iter().zip(&next)) {
            *stood = if before == after { *stood + 1 } else { 0 };
        }
        self.beats += 1;
        next
    }

    /// The longest somebody has now been in one state, beats.
    pub fn longest_stand(&self) -> u32 {
        self.stood.iter().copied().max().unwrap_or(0)
    }

    fn agents(&self, states: &[u32], now: Time) -> (Vec<Agent>, Vec<Tail>) {
        let Arena { floor, layout, .. } = self.arena;
        let (mut agents, mut tails) = (Vec::with_capacity(states.len()), Vec::new());
        for (robot, state) in states.iter().enumerate() {
            let (mut end, mut beats) = (*state, 0);
            while let (Some(next), false) = (floor.lattice.ahead(end).next(), self.stands(end)) {
                (end, beats) = (next, beats + 1);
            }
            let free_at = now.plus_ms(beats * u64::from(BEAT_MS));
            if let Some(edge) = floor.edge_at(floor.lattice.place(*state)) {
                tails.push(Tail { agent: robot, node: layout.edge(edge).from, edge, until: free_at });
            }
            let (goal, since) = self.goals[robot];
            let is_stuck = self.stood[robot] >= STUCK;
            agents.push(Agent {
                robot: RobotId(robot as u32),
                robot_type: floor.robot_type(end),
                node: NodeId(floor.lattice.place(end)),
                heading_mdeg: Some(floor.heading_mdeg(end)),
                free_at,
                goal: goal.map(|goal| Goal { node: NodeId(goal), is_work: false }),
                is_movable: true,
                rank: (u8::from(!is_stuck), since),
                patience_ms: u64::from(self.stood[robot]) * u64::from(BEAT_MS) / 4,
            });
        }
        (agents, tails)
    }

    fn stands(&self, state: u32) -> bool {
        self.arena.floor.node_at(self.arena.floor.lattice.place(state)).is_some()
    }

    /// Who is on its way goes on; then moves begin in the order of the plan, where nobody is in the way.
    fn go(&self, states: &[u32], moves: &[Move], now: Time) -> Vec<u32> {
        let lattice = &self.arena.floor.lattice;
        let on_the_way = |state: &u32| if self.stands(*state) { None } else { lattice.ahead(*state).next() };
        let mut next: Vec<u32> = states.iter().map(|state| on_the_way(state).unwrap_or(*state)).collect();
        let mut held = vec![NOBODY; lattice.place_count()];
        (0..).zip(&next).for_each(|(robot, state)| self.mark(&mut held, *state, robot));
        let mut is_done = vec![false; states.len()];
        for step in moves {
            let robot = step.robot.index();
            if std::mem::replace(&mut is_done[robot], true) || !self.stands(states[robot]) {
                continue;
            }
            let towards = self.towards(states[robot], step.edge);
            let drives = !self.stands(towards);
            if drives && (step.start > now || !self.is_free(&held, towards, robot as u32)) {
                continue;
            }
            self.mark(&mut held, states[robot], NOBODY);
            self.mark(&mut held, towards, robot as u32);
            next[robot] = towards;
        }
        next
    }

    fn mark(&self, held: &mut [u32], state: u32, robot: u32) {
        let lattice = &self.arena.floor.lattice;
        let places = lattice.footprint().map_or(&[][..], |footprint| footprint.holds(lattice.place(state)));
        places.iter().for_each(|place| held[*place as usize] = robot);
    }

    fn is_free(&self, held: &[u32], state: u32, robot: u32) -> bool {
        let lattice = &self.arena.floor.lattice;
        let places = lattice.footprint().map_or(&[][..], |footprint| footprint.needs(lattice.place(state)));
        places.iter().all(|place| held[*place as usize] == NOBODY || held[*place as usize] == robot)
    }

    /// The next state on the way onto the edge: turns the shorter way round, then drives.
    fn towards(&self, state: u32, edge: EdgeId) -> u32 {
        let lattice = &self.arena.floor.lattice;
        let place = self.arena.floor.edge(edge);
        let drives = |state: u32| lattice.ahead(state).find(|ahead| lattice.place(*ahead) == place);
        if let Some(ahead) = drives(state) {
            return ahead;
        }
        let turned = |step: Step| {
            let mut at = lattice.after(state, step);
            for turns in 1..lattice.states(lattice.place(state)).len() {
                if at == NONE || drives(at).is_some() {
                    return (at != NONE).then(|| (turns, lattice.after(state, step)));
                }
                at = lattice.after(at, step);
            }
            None
        };
        let turns = [Step::Right, Step::Left].into_iter().filter_map(turned);
        turns.min().map_or(state, |(_, first)| first)
    }
}
