//! Searches over where everybody stands: whatever has a solution is solved, and what hasn't brings robots as near as it can.

use drover_core::plan::distance::Distances;
use drover_core::plan::joint::{self, Manoeuvre};
use drover_core::plan::lacam::{self, Lacam};
use drover_core::plan::pibt::Pibt;
use drover_core::plan::validate::validate;
use drover_core::plan::{Agent, Move, Plan, Planner, Problem};
use drover_core::robot::Goal;
use drover_core::{RobotId, Time};
use drover_maps::{Layout, NodeId, TypeId};

use crate::grid;

/// Long enough for every plan here, ms.
const WINDOW_MS: u64 = 3_600_000;

fn agent(robot: u32, node: NodeId, goal: NodeId) -> Agent {
    Agent {
        robot: RobotId(robot),
        robot_type: TypeId(0),
        node,
        heading_mdeg: None,
        free_at: Time(0),
        goal: Some(Goal { node: goal, is_work: false }),
        is_movable: true,
        rank: (1, 0),
        patience_ms: 0,
    }
}

/// Where everybody stands after the plan.
fn ends(layout: &Layout, agents: &[Agent], plan: &Plan) -> Vec<NodeId> {
    let mut at: Vec<NodeId> = agents.iter().map(|agent| agent.node).collect();
    plan.moves.iter().for_each(|step| at[step.robot.index()] = layout.edge(step.edge).to);
    at
}

fn problem<'a>(layout: &'a Layout, agents: &[Agent], window_ms: u64) -> Problem<'a> {
    Problem {
        layout,
        now: Time(0),
        window_ms,
        agents: agents.to_vec(),
        tails: Vec::new(),
        closed: &[],
        manoeuvre: &[],
        budget: u64::MAX,
    }
}

fn plan(planner: &dyn Planner, layout: &Layout, agents: &[Agent], window_ms: u64) -> Plan {
    let problem = problem(layout, agents, window_ms);
    let plan = planner.plan(&problem, &mut Distances::default());
    assert_eq!(validate(&problem, &plan), Ok(()));
    plan
}

fn named(layout: &Layout, ways: &[(&str, &str)]) -> Vec<Agent> {
    let node = |name: &str| layout.node_named(name).expect("the test's own data");
    ways.iter().zip(0..).map(|((from, to), robot)| agent(robot, node(from), node(to))).collect()
}

/// How many of them the plan brings to their goals.
fn arrived(planner: &dyn Planner, layout: &Layout, agents: &[Agent]) -> usize {
    let ends = ends(layout, agents, &plan(planner, layout, agents, WINDOW_MS));
    ends.into_iter().zip(agents).filter(|(end, agent)| agent.goal.map(|goal| goal.node) == Some(*end)).count()
}

#[test]
fn robots_that_have_to_pass_each_other_in_a_corridor_with_a_bay_do() {
    let layout = grid::grid("........\n   .    ");
    let agents = named(&layout, &[("n0-0", "n7-0"), ("n1-0", "n6-0"), ("n7-0", "n0-0")]);
    assert_eq!(arrived(&Lacam, &layout, &agents), 3);
    assert!(arrived(&Pibt, &layout, &agents) < 3, "then this floor asks for no search");
}

#[test]
fn a_full_square_is_turned_round() {
    let layout = grid::grid("...\n...\n...");
    let corners = ["n0-0", "n1-0", "n2-0", "n2-1", "n2-2", "n1-2", "n0-2"];
    let ways: Vec<_> = corners.iter().zip(corners.iter().cycle().skip(3)).map(|(a, b)| (*a, *b)).collect();
    assert_eq!(arrived(&Lacam, &layout, &named(&layout, &ways)), corners.len());
}

#[test]
fn where_two_want_the_same_place_or_none_leads_the_others_arrive() {
    let layout = grid::grid(".....\n.....");
    let mut agents =
        named(&layout, &[("n0-0", "n4-0"), ("n0-1", "n4-0"), ("n4-1", "n0-0"), ("n2-0", "n2-1")]);
    agents[3].is_movable = false;
    let ends = ends(&layout, &agents, &plan(&Lacam, &layout, &agents, WINDOW_MS));
    let goal = |index: usize| agents[index].goal.map(|goal| goal.node);
    assert_eq!((Some(ends[0]), Some(ends[2]), ends[3]), (goal(0), goal(2), agents[3].node));
    assert_ne!(ends[1], ends[0]);
}

#[test]
fn what_has_no_solution_ends_and_a_plan_ends_with_its_window() {
    let layout = grid::grid(".....");
    let agents = named(&layout, &[("n0-0", "n4-0"), ("n4-0", "n0-0")]);
    assert_eq!(arrived(&Lacam, &layout, &agents), 0);
    let alone = named(&layout, &[("n0-0", "n4-0")]);
    let [short, long] = [1, WINDOW_MS].map(|window_ms| plan(&Lacam, &layout, &alone, window_ms).moves.len());
    assert_eq!((short, long), (1, 4));
}

/// A breaker of jams.
type Breaker = fn(&Problem<'_>, usize, &mut Distances) -> Option<Manoeuvre>;

/// Who comes to its goal by the moves that a breaker finds for the first robot; none if it finds none.
fn broken(breaker: Breaker, layout: &Layout, agents: &[Agent]) -> Option<NodeId> {
    let problem = problem(layout, agents, WINDOW_MS);
    let found = breaker(&problem, 0, &mut Distances::default())?;
    let moves = found.into_iter().map(|(robot, edge)| Move { robot, edge, start: Time(0) });
    let plan = Plan { moves: moves.collect(), expansions: 0 };
    assert_eq!(validate(&problem, &plan), Ok(()));
    Some(ends(layout, agents, &plan)[0])
}

#[test]
fn a_robot_of_another_type_goes_into_its_own_bay_to_let_the_stuck_one_past() {
    let layout = grid::grid(".....\n  ,  ");
    let mut agents = named(&layout, &[("n3-0", "n4-0"), ("n4-0", "n4-0")]);
    agents[1].robot_type = TypeId(1);
    let goal = agents[0].goal.map(|goal| goal.node);
    assert_eq!(broken(lacam::search, &layout, &agents), goal);
    assert_eq!(broken(joint::search, &layout, &agents), None, "then this floor asks for no second search");
    agents[1].is_movable = false;
    assert_eq!(broken(lacam::search, &layout, &agents), None);
}
