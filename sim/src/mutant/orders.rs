//! Orders that say too much or too little, in the record and in the message alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use drover_core::{Command, Effect, Record, RobotId, Time, ToRobot, release};
use drover_maps::{EdgeId, Layout, NodeId};
use drover_proto::vda5050;

use super::Bug;

/// An order as it stands in a record, and as it leaves: the two are changed alike, or not at all.
pub(super) enum Form<'a> {
    Recorded(&'a mut release::Order),
    Sent(&'a mut vda5050::Order),
}

/// Changes every order by itself.
pub(super) struct Alike(pub(super) fn(Form<'_>));

impl Bug for Alike {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        for effect in effects {
            if let Effect::Append(record) = effect {
                for order in recorded(record) {
                    (self.0)(Form::Recorded(order.1));
                }
            } else if let Effect::Send { message: ToRobot::Order(order), .. } = effect {
                (self.0)(Form::Sent(order));
            }
        }
    }
}

/// The orders of a record.
fn recorded(record: &mut Record) -> impl Iterator<Item = (RobotId, &mut release::Order)> {
    let commands = record.entries.iter_mut().flat_map(|entry| &mut entry.commands);
    commands.filter_map(|command| {
        let Command::Release { robot, order } = command else { return None };
        Some((*robot, &mut **order))
    })
}

/// Begins one node late.
pub(super) fn without_first(form: Form<'_>) {
    match form {
        Form::Recorded(order)
            if order.update_id > 0 && is_long(order.nodes.iter().map(|node| node.released)) =>
        {
            order.nodes.remove(0);
            order.edges.remove(0);
        }
        Form::Sent(order)
            if order.order_update_id > 0 && is_long(order.nodes.iter().map(|node| node.released)) =>
        {
            order.nodes.remove(0);
            order.edges.remove(0);
        }
        Form::Recorded(_) | Form::Sent(_) => {}
    }
}

fn is_long(released: impl Iterator<Item = bool>) -> bool {
    released.take_while(|released| *released).count() > 1
}

/// Skips an id.
pub(super) fn with_later_id(form: Form<'_>) {
    match form {
        Form::Recorded(order) if order.update_id > 0 => order.update_id += 1,
        Form::Sent(order) if order.order_update_id > 0 => order.order_update_id += 1,
        Form::Recorded(_) | Form::Sent(_) => {}
    }
}

/// Orders each pick twice.
pub(super) fn with_second_pick(form: Form<'_>) {
    let again = |id: &str| format!("{id}-again");
    match form {
        Form::Recorded(order) => {
            for node in &mut order.nodes {
                let picks = node.actions.iter().filter(|action| action.name == "pick").cloned();
                let picks: Vec<_> =
                    picks.map(|pick| release::Action { id: again(&pick.id), ..pick }).collect();
                node.actions.extend(picks);
            }
        }
        Form::Sent(order) => {
            for node in &mut order.nodes {
                let picks = node.actions.iter().filter(|action| action.action_type == "pick").cloned();
                let picks: Vec<_> =
                    picks.map(|pick| vda5050::Action { action_id: again(&pick.action_id), ..pick }).collect();
                node.actions.extend(picks);
            }
        }
    }
}

/// Where each robot's base ends, as recorded.
struct Ends {
    layout: Arc<Layout>,
    at: BTreeMap<RobotId, release::Order>,
}

impl Ends {
    fn new(layout: &Arc<Layout>) -> Ends {
        Ends { layout: Arc::clone(layout), at: BTreeMap::new() }
    }

    /// The way of one edge from this base's end to that of another robot's.
    fn way_to_other(&self, robot: RobotId, order: &release::Order) -> Option<(EdgeId, RobotId)> {
        let end = end_of(order)?.node;
        let others = self.at.iter().filter(|(other, _)| **other != robot);
        others.filter_map(|(other, theirs)| Some((self.way(end, end_of(theirs)?.node)?, *other))).next()
    }

    fn way(&self, from: NodeId, to: NodeId) -> Option<EdgeId> {
        self.layout.out_edges(from).iter().copied().find(|edge| self.layout.edge(*edge).to == to)
    }

    /// The base ends one edge later; the horizon goes.
    fn stretch(&self, order: &mut release::Order, edge: EdgeId) {
        order.nodes.retain(|node| node.released);
        order.edges.retain(|edge| edge.released);
        let sequence_id = order.nodes.last().map_or(0, |node| node.sequence_id) + 2;
        let node = self.layout.edge(edge).to;
        order.edges.push(release::OrderEdge { edge, sequence_id: sequence_id - 1, released: true });
        order.nodes.push(release::OrderNode { node, sequence_id, released: true, actions: Vec::new() });
    }
}

fn end_of(order: &release::Order) -> Option<&release::OrderNode> {
    order.nodes.iter().rfind(|node| node.released)
}

/// Ends a base where another's ends.
pub(super) struct ReleaseTooFar {
    ends: Ends,
    /// The last edge of each stretched order.
    stretched: BTreeMap<(String, u32), EdgeId>,
}

impl ReleaseTooFar {
    pub(super) fn new(layout: &Arc<Layout>) -> ReleaseTooFar {
        ReleaseTooFar { ends: Ends::new(layout), stretched: BTreeMap::new() }
    }

    fn record(&mut self, robot: RobotId, order: &mut release::Order) {
        let is_bare = order.nodes.iter().all(|node| node.actions.is_empty());
        if let Some((edge, _)) = self.ends.way_to_other(robot, order).filter(|_| is_bare) {
            self.ends.stretch(order, edge);
            self.stretched.insert((order.order_id.clone(), order.update_id), edge);
        }
        self.ends.at.insert(robot, order.clone());
    }

    fn send(&self, order: &mut vda5050::Order) {
        let ids = (order.order_id.clone(), order.order_update_id);
        let Some(edge) = self.stretched.get(&ids) else { return };
        let layout = &self.ends.layout;
        let (way, mut end) = (layout.edge(*edge), order.nodes.first().cloned().unwrap_or_default());
        let (from, to) = (&layout.node(way.from).name, layout.node(way.to));
        order.nodes.retain(|node| node.released);
        order.edges.retain(|edge| edge.released);
        let sequence_id = order.nodes.last().map_or(0, |node| node.sequence_id) + 2;
        (end.node_id, end.sequence_id, end.actions) = (to.name.clone(), sequence_id, Vec::new());
        if let Some(position) = &mut end.node_position {
            (position.x, position.y) = (f64::from(to.x_mm) / 1_000.0, f64::from(to.y_mm) / 1_000.0);
        }
        order.edges.push(vda5050::Edge::new(&way.name, sequence_id - 1, true, from, &to.name));
        order.nodes.push(end);
    }
}

impl Bug for ReleaseTooFar {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        for effect in effects {
            if let Effect::Append(record) = effect {
                recorded(record).for_each(|(robot, order)| self.record(robot, order));
            } else if let Effect::Send { message: ToRobot::Order(order), .. } = effect {
                self.send(order);
            }
        }
    }
}

/// Releases two robots into each other, in the journal.
pub(super) struct NoseToNose(Ends);

impl NoseToNose {
    pub(super) fn new(layout: &Arc<Layout>) -> NoseToNose {
        NoseToNose(Ends::new(layout))
    }

    /// The order of the other robot that leads it back to where this one came from, once this one is stretched to it.
    fn meet(&mut self, robot: RobotId, order: &mut release::Order) -> Option<Command> {
        let met = self.0.way_to_other(robot, order).and_then(|(edge, other)| {
            let ends = self.0.layout.edge(edge);
            let (back, theirs) = (self.0.way(ends.to, ends.from)?, self.0.at.get(&other)?);
            let stands = release::OrderNode { actions: Vec::new(), ..end_of(theirs)?.clone() };
            let (order_id, update_id) = (theirs.order_id.clone(), theirs.update_id + 1);
            let mut answer = release::Order { order_id, update_id, nodes: vec![stands], edges: Vec::new() };
            self.0.stretch(order, edge);
            self.0.stretch(&mut answer, back);
            Some(Command::Release { robot: other, order: Box::new(answer) })
        });
        self.0.at.insert(robot, order.clone());
        met
    }
}

impl Bug for NoseToNose {
    fn effects(&mut self, _now: Time, effects: &mut Vec<Effect>) {
        for effect in effects {
            let Effect::Append(record) = effect else { continue };
            for entry in &mut record.entries {
                let mut answers = Vec::new();
                for command in &mut entry.commands {
                    if let Command::Release { robot, order } = command {
                        answers.extend(self.meet(*robot, order));
                    }
                }
                entry.commands.extend(answers);
            }
        }
    }
}
