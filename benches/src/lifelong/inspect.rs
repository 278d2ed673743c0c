//! Plays a route again on its layout and counts for itself. Independent: it knows the layout, the tasks and the route, and
//! must never use the lattice or anything else the planner works with.
//!
//! A step is a beat. An edge takes its travel time rounded to beats, two at least, a turn its time rounded up; nothing but a
//! delay makes an edge take longer. A robot on an edge is on the edge and at both its ends, any other at its node; no two are
//! where one excludes the other.

use anyhow::{Context, bail, ensure};

use drover_core::plan::floor::BEAT_MS;
use drover_maps::{Conflicts, NodeId, TypeId};

use super::book::Book;
use super::check::Stand;
use super::route::Leg;
use super::{Account, Arena, Route};

const NOBODY: u32 = u32::MAX;

/// Checks a route from its first step to its last.
///
/// # Errors
/// A sentence with the step, the robots and the rule that is broken first.
pub fn inspect(arena: &Arena, route: &Route) -> anyhow::Result<Account> {
    ensure!(
        route.starts == arena.starts,
        "before step 1: the route doesn't start where this layout, number of robots and seed say"
    );
    let mut replay = Replay::new(arena, route);
    replay.exclude(0)?;
    let named = |node: u32| vec![node];
    let mut book = Book::new(&route.log, &arena.tasks, arena.revealed, &named);
    book.reveal(0)?;
    for step in 1..=route.steps {
        book.pursue(step)?;
        replay.go(step, |robot| book.is_busy(robot))?;
        replay.exclude(step)?;
        book.visit(step, |robot| replay.stands_at(robot))?;
        book.reveal(step)?;
    }
    replay.end()?;
    let finished = book.end(route.steps)?;
    Ok(Account { finished, ..replay.account })
}

/// Where a robot is.
#[derive(Clone, Copy)]
struct Pose {
    robot_type: TypeId,
    /// What it drives along.
    on: Option<Leg>,
    /// The node it stands at, or left.
    node: NodeId,
    heading_mdeg: i32,
    /// The step after which it came to the node.
    since: u32,
}

struct Replay<'a> {
    arena: &'a Arena,
    route: &'a Route,
    poses: Vec<Pose>,
    /// Legs of each robot that have begun.
    begun: Vec<usize>,
    on_node: Vec<u32>,
    on_edge: Vec<u32>,
    /// Steps each robot has stood at its node with a task.
    stood: Vec<u32>,
    account: Account,
}

impl<'a> Replay<'a> {
    fn new(arena: &'a Arena, route: &'a Route) -> Replay<'a> {
        let poses = route.starts.iter().map(|start| Pose {
            robot_type: start.robot_type,
            on: None,
            node: start.node,
            heading_mdeg: start.heading_mdeg,
            since: 0,
        });
        let layout = &arena.layout;
        Replay {
            arena,
            route,
            poses: poses.collect(),
            begun: vec![0; route.starts.len()],
            on_node: vec![NOBODY; layout.node_count()],
            on_edge: vec![NOBODY; layout.edge_count()],
            stood: vec![0; route.starts.len()],
            account: Account { waits_by_place: vec![0; layout.node_count()], ..Account::default() },
        }
    }

    fn stands_at(&self, robot: usize) -> Option<u32> {
        let pose = &self.poses[robot];
        pose.on.is_none().then_some(pose.node.0)
    }

    /// Everybody's step.
    fn go(&mut self, step: u32, is_busy: impl Fn(usize) -> bool) -> anyhow::Result<()> {
        for robot in 0..self.poses.len() {
            let next = self.route.legs[robot].get(self.begun[robot]).filter(|leg| leg.begun <= step);
            if let Some(leg) = next {
                let at = leg.begun;
                ensure!(
                    at == step,
                    "step {step}: robot {robot} has a move of step {at} after that of a later step"
                );
                self.begun[robot] += 1;
                self.begin(robot, *leg).with_context(|| format!("step {step}: robot {robot}"))?;
            }
            let pose = &mut self.poses[robot];
            if let Some(leg) = pose.on.filter(|leg| leg.arrived == Some(step)) {
                let edge = self.arena.layout.edge(leg.edge);
                (pose.on, pose.node, pose.heading_mdeg, pose.since) =
                    (None, edge.to, edge.end_heading_mdeg, step);
            }
            let stands = pose.on.is_none() && pose.since < step;
            self.stood[robot] = if stands && is_busy(robot) { self.stood[robot] + 1 } else { 0 };
            if stands {
                self.account.waits += 1;
                self.account.waits_by_place[pose.node.index()] += 1;
            }
            if self.stood[robot] > self.account.stand.steps {
                self.account.stand = Stand { robot: robot as u32, steps: self.stood[robot], until: step };
            }
        }
        Ok(())
    }

    /// Drives off along the edge.
    fn begin(&mut self, robot: usize, leg: Leg) -> anyhow::Result<()> {
        let (layout, pose) = (&self.arena.layout, &mut self.poses[robot]);
        let Leg { begun: step, arrived, edge } = leg;
        let facts = layout.edge(edge);
        let name = &facts.name;
        if let Some(on) = pose.on {
            bail!("drives onto edge {name}, but is still on edge {}", layout.edge(on.edge).name);
        }
        let node = &layout.node(pose.node).name;
        ensure!(facts.from == pose.node, "drives onto edge {name}, but stands at node {node}");
        ensure!(layout.admits_edge(pose.robot_type, edge), "mayn't drive edge {name}");
        let turn = layout.turn_ms(pose.robot_type, pose.heading_mdeg, facts.heading_mdeg).div_ceil(BEAT_MS);
        let earliest = pose.since + turn + 1;
        ensure!(
            earliest <= step,
            "drives onto edge {name}, but can't have turned at node {node} before step {earliest}"
        );
        let beats = (layout.travel_ms(pose.robot_type, edge) + BEAT_MS / 2) / BEAT_MS;
        let at_end = step - 1 + beats.max(2);
        ensure!(
            arrived.is_none_or(|arrived| arrived >= at_end),
            "is at the end of edge {name} before step {at_end}, sooner than it can be"
        );
        let is_in_time = arrived.map_or(at_end > self.route.steps, |arrived| arrived == at_end);
        ensure!(
            is_in_time || self.route.has_delays,
            "isn't at the end of edge {name} at step {at_end}, though nobody is delayed"
        );
        pose.on = Some(leg);
        self.account.turns += u64::from(turn);
        self.account.waits -= u64::from(turn);
        Ok(())
    }

    /// Nobody is where another excludes it from.
    fn exclude(&mut self, step: u32) -> anyhow::Result<()> {
        self.on_node.fill(NOBODY);
        self.on_edge.fill(NOBODY);
        let layout = &self.arena.layout;
        let ends = |pose: &Pose| match pose.on {
            None => [Some(pose.node), None],
            Some(leg) => [Some(layout.edge(leg.edge).from), Some(layout.edge(leg.edge).to)],
        };
        for (robot, pose) in (0..).zip(&self.poses) {
            for node in ends(pose).into_iter().flatten() {
                let other = std::mem::replace(&mut self.on_node[node.index()], robot);
                let name = &layout.node(node).name;
                ensure!(other == NOBODY, "step {step}: robots {other} and {robot} both have node {name}");
            }
            if let Some(Leg { edge, .. }) = pose.on {
                self.on_edge[edge.index()] = robot;
            }
        }
        for (robot, pose) in (0..).zip(&self.poses) {
            for node in ends(pose).into_iter().flatten() {
                self.beside(step, robot, &layout.node(node).name, layout.node_conflicts(node))?;
            }
            if let Some(Leg { edge, .. }) = pose.on {
                self.beside(step, robot, &layout.edge(edge).name, layout.edge_conflicts(edge))?;
            }
        }
        Ok(())
    }

    fn beside(&self, step: u32, robot: u32, name: &str, conflicts: Conflicts<'_>) -> anyhow::Result<()> {
        let layout = &self.arena.layout;
        let nodes = conflicts.nodes.iter().map(|node| (self.on_node[node.index()], &layout.node(*node).name));
        let edges = conflicts.edges.iter().map(|edge| (self.on_edge[edge.index()], &layout.edge(*edge).name));
        let found = nodes.chain(edges).find(|(other, _)| *other != NOBODY && *other != robot);
        match found {
            None => Ok(()),
            Some((other, there)) => {
                bail!("step {step}: robot {robot} at {name} and robot {other} at {there} exclude each other")
            }
        }
    }

    fn end(&self) -> anyhow::Result<()> {
        for (robot, (legs, begun)) in self.route.legs.iter().zip(&self.begun).enumerate() {
            if let Some(Leg { begun: step, .. }) = legs.get(*begun) {
                bail!(
                    "step {} is the last, but the moves of robot {robot} go on with step {step}",
                    self.route.steps
                );
            }
        }
        Ok(())
    }
}
