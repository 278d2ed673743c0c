//! One planning cycle of a fleet: from everybody's decision points to new claims.

use super::{Agent, Move, Plan, Problem, Tail, joint, lacam, validate};
use crate::clock::Time;
use crate::command::{Alarm, AlarmCode, Command};
use crate::fleet::Fleet;
use crate::hold;
use crate::id::RobotId;
use crate::robot::{Cause, Phase, Robot, Task};
use crate::traffic;

/// Expansions one cycle may spend.
const BUDGET: u64 = 20_000_000;
/// Time lost where a robot stands that can't go on, ms.
const LOST_AT_DEAD_MS: u32 = 600_000;
/// Time lost where a robot works for long, ms.
const LOST_AT_WORK_MS: u32 = 15_000;
/// A robot without progress for so long is stuck, ms.
const STUCK_MS: u64 = 12_000;
/// A robot without progress for so long is told to the operator, ms.
const JAM_MS: u64 = 60_000;
/// For so long each order of the stuck is tried, and between two searches, ms.
const STUCK_TURN_MS: u64 = 8_000;
/// How long a robot is patient with a way round, at most, ms.
const PATIENCE_MAX_MS: u64 = 10_000;

/// Plans the next window and lays the claims.
pub(crate) fn cycle(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    fleet.state.obstacles = obstacles(fleet);
    fleet.state.closed = hold::closed_edges(fleet, now);
    fleet.distances.set_ground(&fleet.layout, &fleet.state.obstacles, &fleet.state.closed);
    let (agents, tails) = agents(fleet, now);
    let layout = std::sync::Arc::clone(&fleet.layout);
    let window_ms = fleet.state.config.window_ms;
    let closed = fleet.state.closed.clone();
    let mut problem = Problem {
        layout: &layout,
        now,
        window_ms,
        agents,
        tails,
        closed: &closed,
        manoeuvre: &[],
        budget: BUDGET,
    };
    let manoeuvre = manoeuvre(fleet, &problem, now);
    problem.manoeuvre = &manoeuvre;
    let plan = fleet.state.config.planner.planner().plan(&problem, &mut fleet.distances);
    let stats = &mut fleet.state.planner;
    stats.plans += 1;
    stats.expansions += plan.expansions;
    if let Err(flaw) = validate::validate(&problem, &plan) {
        stats.refused += 1;
        fleet.state.manoeuvre.clear();
        let text = format!("the plan is refused, robots keep their bases: {flaw}");
        commands.push(Command::Alarm(Alarm {
            code: AlarmCode::PlanRefused,
            robot: None,
            device: None,
            text,
        }));
        traffic::lay(&layout, &mut fleet.state.robots, &[]);
        return;
    }
    traffic::lay(&layout, &mut fleet.state.robots, &plan.moves);
    tell_jams(fleet, now, commands);
}

/// Robots that neither the planner nor the breaker has brought on for long: the operator is told who blocks whom.
fn tell_jams(fleet: &mut Fleet, now: Time, commands: &mut Vec<Command>) {
    for index in 0..fleet.state.robots.len() {
        let robot = &fleet.state.robots[index];
        let is_under_way = robot.is_movable() && !robot.is_at_goal();
        let (Some(goal), Some(Cause::Robot(other))) = (robot.goal, robot.waits_for) else { continue };
        if robot.is_jammed || !is_under_way || now.since_ms(robot.stuck_since) < JAM_MS {
            continue;
        }
        let (goal, other) = (&fleet.layout.node(goal.node).name, &fleet.state.robots[other.index()].name);
        let text = format!("{}: no nearer to {goal} for a minute; {other} is in its way", robot.name);
        fleet.state.robots[index].is_jammed = true;
        let robot = Some(RobotId(index as u32));
        commands.push(Command::Alarm(Alarm { code: AlarmCode::Jammed, robot, device: None, text }));
    }
}

/// The manoeuvre that is under way, or a new one for a robot without progress.
fn manoeuvre(fleet: &mut Fleet, problem: &Problem<'_>, now: Time) -> joint::Manoeuvre {
    if !holds(problem, &fleet.state.manoeuvre) {
        fleet.state.manoeuvre.clear();
    }
    let waited = now.since_ms(fleet.state.broken_at) >= STUCK_TURN_MS;
    if fleet.state.manoeuvre.is_empty() && waited {
        let stuck = stuck(fleet, problem);
        if let Some(first) = stuck.get(fleet.state.planner.breaker_calls as usize % stuck.len().max(1)) {
            fleet.state.broken_at = now;
            fleet.state.planner.breaker_calls += 1;
            let distances = &mut fleet.distances;
            let found = joint::search(problem, *first, distances);
            let found = found.or_else(|| lacam::search(problem, *first, distances));
            fleet.state.manoeuvre = found.unwrap_or_default();
        }
    }
    fleet.state.manoeuvre.clone()
}

/// Robots without progress on their way to work, or, if there are none, on any way: who waits longest comes first.
fn stuck(fleet: &Fleet, problem: &Problem<'_>) -> Vec<usize> {
    let mut stuck: Vec<(bool, Time, usize)> = Vec::new();
    for (index, agent) in problem.agents.iter().enumerate().filter(|(_, agent)| agent.rank.0 == 0) {
        let is_work = agent.goal.is_some_and(|goal| goal.is_work);
        stuck.push((!is_work, fleet.state.robots[agent.robot.index()].stuck_since, index));
    }
    stuck.sort_unstable();
    let works = stuck.iter().filter(|(is_idle, ..)| !is_idle).count();
    stuck.truncate(if works > 0 { works } else { stuck.len() });
    stuck.into_iter().map(|(.., index)| index).collect()
}

/// The moves can still be made, one after the other, from where everybody stands.
fn holds(problem: &Problem<'_>, moves: &[(RobotId, drover_maps::EdgeId)]) -> bool {
    if moves.iter().any(|(_, edge)| problem.is_closed(*edge)) {
        return false;
    }
    let moves = moves.iter().map(|(robot, edge)| Move { robot: *robot, edge: *edge, start: problem.now });
    validate::validate(problem, &Plan { moves: moves.collect(), expansions: 0 }).is_ok()
}

fn agents(fleet: &Fleet, now: Time) -> (Vec<Agent>, Vec<Tail>) {
    let mut agents = Vec::with_capacity(fleet.state.robots.len());
    let mut tails = Vec::new();
    for (index, robot) in fleet.state.robots.iter().enumerate() {
        let Some(node) = robot.trail.decision_point() else { continue };
        let id = RobotId(index as u32);
        let (free_at, heading_mdeg) = walk(fleet, robot, now, agents.len(), &mut tails);
        agents.push(Agent {
            robot: id,
            robot_type: robot.robot_type,
            node,
            heading_mdeg,
            free_at,
            goal: robot.goal,
            is_movable: robot.is_movable(),
            rank: rank(robot, id, now),
            patience_ms: (now.since_ms(robot.stuck_since) / 4).min(PATIENCE_MAX_MS),
        });
    }
    (agents, tails)
}

/// When the robot will be at its decision point, its direction there, and the places it leaves on the way.
fn walk(fleet: &Fleet, robot: &Robot, now: Time, agent: usize, tails: &mut Vec<Tail>) -> (Time, Option<i32>) {
    let layout = &fleet.layout;
    let mut at = robot.trail.passed_at;
    let mut heading = robot.trail.heading_mdeg;
    for (from, to) in robot.trail.steps.iter().zip(robot.trail.steps.iter().skip(1)) {
        let Some(edge) = to.edge else { continue };
        let facts = layout.edge(edge);
        let turn = heading.map_or(0, |from| layout.turn_ms(robot.robot_type, from, facts.heading_mdeg));
        at = at.plus_ms(u64::from(turn) + u64::from(layout.travel_ms(robot.robot_type, edge)));
        at = at.max(now);
        heading = Some(facts.end_heading_mdeg);
        tails.push(Tail { agent, node: from.node, edge, until: at });
    }
    (at.max(now), heading)
}

/// Who goes first: the stuck in turns, then jobs by age of their goal, then everybody else.
fn rank(robot: &Robot, id: RobotId, now: Time) -> (u8, u64) {
    let is_under_way = robot.is_movable() && robot.goal.is_some() && !robot.is_at_goal();
    if is_under_way && now.since_ms(robot.stuck_since) >= STUCK_MS {
        return (0, mix(u64::from(id.0), now.0 / STUCK_TURN_MS));
    }
    let class = match (&robot.task, robot.goal) {
        (_, Some(goal)) if goal.is_work => 1,
        (Task::Job { .. } | Task::Return { .. }, _) => 2,
        (Task::Idle | Task::Charge { .. }, _) => 3,
    };
    (class, robot.goal_since.0)
}

/// SplitMix64's finaliser (Steele et al., OOPSLA 2014) over both numbers.
fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(b);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Where robots stand that can't be moved for long, with the time lost there: ways are found round them.
fn obstacles(fleet: &Fleet) -> Vec<(drover_maps::NodeId, u32)> {
    let mut found = std::collections::BTreeMap::new();
    for robot in &fleet.state.robots {
        let (Some(node), false) = (robot.trail.decision_point(), robot.is_movable()) else { continue };
        let lost = match &robot.task {
            _ if !robot.is_usable() => LOST_AT_DEAD_MS,
            Task::Charge { .. } | Task::Job { phase: Phase::Confirm, .. } => LOST_AT_WORK_MS,
            Task::Idle | Task::Job { .. } | Task::Return { .. } => continue,
        };
        let near = fleet.layout.node_conflicts(node).nodes.iter().chain([&node]);
        for place in near.filter(|place| !fleet.is_leaf[place.index()]) {
            let known = found.entry(*place).or_insert(0);
            *known = lost.max(*known);
        }
    }
    found.into_iter().collect()
}
