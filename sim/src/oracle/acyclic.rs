//! Acyclic: the order in which places were released, and are shown as horizon, lets somebody go first. Rebuilt from the
//! journal alone: every step into a place comes after the exit of those who hold the place, or what excludes it, since
//! earlier; the exit is their next step, if it is released, or shown by the same plan. A step that waits for itself is a
//! circle: robots that were each released, or planned, into the place of the next.

use std::collections::{BTreeMap, VecDeque};

use drover_core::{Command, Entry, Event, Fact, release};
use drover_maps::{Layout, NodeId};

use super::name_of;

/// A step: the robot's place in the journal, and the step's place on its way.
type Step = (usize, usize);

/// One place of a base.
#[derive(Clone, Copy, Debug)]
struct Held {
    node: NodeId,
    sequence_id: u32,
    /// Rises with every place that anybody is released.
    since: u64,
}

/// What one robot holds, as the journal tells, and what it was shown beyond.
#[derive(Clone, Debug, Default)]
struct Way {
    held: VecDeque<Held>,
    horizon: Vec<NodeId>,
    /// The entry whose plan the horizon is of.
    shown: u64,
    /// All nodes of the last message: told again, since it was refused, it shows the horizon of an older plan.
    told: Vec<NodeId>,
}

/// All ways.
#[derive(Debug)]
pub(crate) struct Acyclic {
    ways: Vec<Way>,
    at_node: Vec<Vec<usize>>,
    entries: u64,
    released: u64,
}

impl Acyclic {
    pub(crate) fn new(layout: &Layout) -> Acyclic {
        Acyclic { ways: Vec::new(), at_node: vec![Vec::new(); layout.node_count()], entries: 0, released: 0 }
    }

    /// One entry of the journal; answers with the places, in the journal, of robots that wait for each other.
    pub(crate) fn recorded(&mut self, entry: &Entry, layout: &Layout) -> Option<(Vec<usize>, String)> {
        self.entries += 1;
        if let Event::Robot { robot, fact } = &entry.event {
            self.heard(robot.index(), fact);
        }
        let mut told = Vec::new();
        for command in &entry.commands {
            if let Command::Release { robot, order } = command {
                self.extend(robot.index(), order);
                told.push(robot.index());
            }
        }
        told.iter().find_map(|robot| self.circle(*robot, layout))
    }

    fn heard(&mut self, robot: usize, fact: &Fact) {
        let Some(way) = self.ways.get(robot) else { return };
        if let Fact::Located { node } = fact
            && way.held.iter().any(|held| held.node == *node)
        {
            return self.settle(robot, *node, 0);
        }
        let Fact::Passed { sequence_id } = fact else { return };
        let left = way.held.iter().position(|held| held.sequence_id == *sequence_id).unwrap_or(0);
        for _ in 0..left {
            self.leave(robot);
        }
    }

    fn leave(&mut self, robot: usize) {
        let Some(left) = self.ways[robot].held.pop_front() else { return };
        let holders = &mut self.at_node[left.node.index()];
        if let Some(index) = holders.iter().position(|holder| *holder == robot) {
            holders.swap_remove(index);
        }
    }

    fn settle(&mut self, robot: usize, node: NodeId, sequence_id: u32) {
        while !self.ways[robot].held.is_empty() {
            self.leave(robot);
        }
        self.ways[robot].horizon.clear();
        self.hold(robot, node, sequence_id);
    }

    fn hold(&mut self, robot: usize, node: NodeId, sequence_id: u32) {
        self.released += 1;
        self.at_node[node.index()].push(robot);
        self.ways[robot].held.push_back(Held { node, sequence_id, since: self.released });
    }

    fn extend(&mut self, robot: usize, order: &release::Order) {
        if self.ways.len() <= robot {
            self.ways.resize_with(robot + 1, Way::default);
        }
        let Some(first) = order.nodes.first() else { return };
        let stands = self.ways[robot].held.back().map(|held| (held.node, held.sequence_id));
        let is_reissue = self.ways[robot].held.iter().any(|held| held.sequence_id == first.sequence_id);
        if order.update_id == 0 && stands != Some((first.node, first.sequence_id)) || !is_reissue {
            self.settle(robot, first.node, first.sequence_id);
        }
        let held_to = self.ways[robot].held.back().map_or(0, |held| held.sequence_id);
        for node in order.nodes.iter().filter(|node| node.released && node.sequence_id > held_to) {
            self.hold(robot, node.node, node.sequence_id);
        }
        let way = &mut self.ways[robot];
        way.horizon = order.nodes.iter().filter(|node| !node.released).map(|node| node.node).collect();
        let told: Vec<NodeId> = order.nodes.iter().map(|node| node.node).collect();
        if told != way.told {
            (way.shown, way.told) = (self.entries, told);
        }
    }

    /// The circle that a step of this robot waits in, if any.
    fn circle(&self, robot: usize, layout: &Layout) -> Option<(Vec<usize>, String)> {
        let mut seen = BTreeMap::new();
        let steps = 1..self.length(robot);
        let (robots, node) =
            steps.into_iter().find_map(|step| self.visit((robot, step), &mut seen, layout))?;
        let text = format!("they wait for each other in a circle, at {}", name_of(layout, node));
        Some((robots, text))
    }

    /// Depth first; `seen` says whether a step is still being looked at.
    fn visit(
        &self,
        step: Step,
        seen: &mut BTreeMap<Step, bool>,
        layout: &Layout,
    ) -> Option<(Vec<usize>, NodeId)> {
        match seen.get(&step) {
            Some(false) => return None,
            Some(true) => {
                let mut robots: Vec<usize> =
                    seen.iter().filter(|(_, is_open)| **is_open).map(|((robot, _), _)| *robot).collect();
                robots.dedup();
                return Some((robots, self.node(step)?));
            }
            None => {}
        }
        seen.insert(step, true);
        let before = (step.1 > 1).then(|| (step.0, step.1 - 1));
        let found = before
            .into_iter()
            .chain(self.exits_before(step, layout))
            .find_map(|next| self.visit(next, seen, layout));
        seen.insert(step, false);
        found
    }

    /// The exits this step comes after.
    fn exits_before(&self, step: Step, layout: &Layout) -> Vec<Step> {
        let Some(node) = self.node(step) else { return Vec::new() };
        let since = self.ways[step.0].held.get(step.1).map_or(u64::MAX, |held| held.since);
        let mut exits = Vec::new();
        for place in [node].iter().chain(layout.node_conflicts(node).nodes) {
            for other in self.at_node[place.index()].iter().filter(|other| **other != step.0) {
                let held =
                    self.ways[*other].held.iter().rposition(|held| held.node == *place && held.since < since);
                exits.extend(
                    held.map(|index| (*other, index + 1)).filter(|exit| exit.1 < self.length(*other)),
                );
            }
        }
        exits
    }

    /// Steps that are known: those released, and those shown in this entry.
    fn length(&self, robot: usize) -> usize {
        let way = &self.ways[robot];
        way.held.len() + if way.shown == self.entries { way.horizon.len() } else { 0 }
    }

    fn node(&self, (robot, step): Step) -> Option<NodeId> {
        let way = &self.ways[robot];
        let held = way.held.get(step).map(|held| held.node);
        held.or_else(|| way.horizon.get(step - way.held.len()).copied())
    }
}
