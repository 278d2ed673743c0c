//! Evidence and Exclusive on the wire: nothing is released to a robot that conflicts with what another was released and
//! has not yet reported leaving. Counted from orders and states alone.

use std::collections::VecDeque;
use std::sync::Arc;

use drover_core::{Epoch, Time};
use drover_maps::{EdgeId, Layout, NodeId};
use drover_proto::vda5050::{ActionState, ActionStatus, Order, State};

use super::{Breach, name_of};

/// A robot this near a node stands on it, m.
const ON_NODE_M: f64 = 0.5;

/// A released node and the edge that leads to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) sequence_id: u32,
    pub(crate) node: NodeId,
    pub(crate) edge: Option<EdgeId>,
}

/// What one robot was released and hasn't reported leaving: last reported node first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Base {
    pub(crate) order_id: Option<String>,
    update_id: u32,
    /// The update id that the last message's content first had, and its nodes: refused, it is told again under the next one.
    since: u32,
    nodes: Vec<(u32, bool)>,
    /// A state has shown the present order.
    is_shown: bool,
    /// A state has shown the last message, refused it, or shown that the robot has nothing left of it.
    pub(crate) is_answered: bool,
    /// The action id of the present order's cancel.
    cancel: Option<String>,
    /// When it was last placed by its own word alone, and which process heard it: before that, and elsewhere, nobody could
    /// know of the place.
    settled: Option<(Time, Epoch)>,
    /// It was placed by its own word and hasn't passed a node since: it may stand somewhat beside its node.
    pub(crate) is_rough: bool,
    /// The sequenceId the last message began at: what stays if it is refused.
    stitch: u32,
    /// What the last message released and the robot refused, or forgot: it may have taken the same message when it came
    /// again. The last place first.
    pub(crate) given_back: Vec<Place>,
    pub(crate) places: VecDeque<Place>,
}

impl Base {
    fn tell(&mut self, order: &Order) {
        let nodes: Vec<_> = order.nodes.iter().map(|node| (node.sequence_id, node.released)).collect();
        let is_same = nodes == self.nodes && order.order_update_id == self.update_id + 1;
        self.update_id = order.order_update_id;
        if !is_same {
            (self.since, self.nodes) = (order.order_update_id, nodes);
        }
    }
}

/// All bases, and who holds each node and edge.
#[derive(Debug)]
pub(crate) struct Bases {
    invariant: &'static str,
    layout: Arc<Layout>,
    bases: Vec<Base>,
    at_node: Vec<Vec<usize>>,
    at_edge: Vec<Vec<usize>>,
}

impl Bases {
    pub(crate) fn new(invariant: &'static str, layout: &Arc<Layout>, robots: usize) -> Bases {
        Bases {
            invariant,
            bases: vec![Base::default(); robots],
            at_node: vec![Vec::new(); layout.node_count()],
            at_edge: vec![Vec::new(); layout.edge_count()],
            layout: layout.clone(),
        }
    }

    pub(crate) fn of(&self, robot: usize) -> &Base {
        &self.bases[robot]
    }

    /// The robot is released all that is new in this order.
    pub(crate) fn extend(&mut self, robot: usize, order: &Order) -> Vec<Breach> {
        let base = &self.bases[robot];
        if base.order_id.as_ref() != Some(&order.order_id) {
            self.begin(robot, order);
        }
        self.take_back(robot, order);
        let held_to = self.bases[robot].places.back().map_or(0, |place| place.sequence_id);
        self.bases[robot].tell(order);
        self.bases[robot].is_answered = false;
        self.bases[robot].stitch = order.nodes.first().map_or(0, |node| node.sequence_id);
        let mut breaches = Vec::new();
        for (index, node) in order.nodes.iter().enumerate() {
            let is_new = node.released && node.sequence_id > held_to;
            let Some(id) = self.layout.node_named(&node.node_id).filter(|_| is_new) else { continue };
            let edge = index.checked_sub(1).and_then(|before| order.edges.get(before));
            let edge = edge.and_then(|edge| self.layout.edge_named(&edge.edge_id));
            let place = Place { sequence_id: node.sequence_id, node: id, edge };
            breaches.extend(self.conflict(robot, &place));
            self.hold(robot, place);
        }
        breaches
    }

    /// An update begins at the end of what was given back: the robot had taken it after all. Else it is gone.
    fn take_back(&mut self, robot: usize, order: &Order) {
        let given_back = std::mem::take(&mut self.bases[robot].given_back);
        let begins = order.nodes.first().map(|node| node.sequence_id);
        if given_back.first().map(|place| place.sequence_id) == begins {
            given_back.into_iter().rev().for_each(|place| self.hold(robot, place));
        }
    }

    /// A new order: what is held of the old one becomes the place it starts at.
    fn begin(&mut self, robot: usize, order: &Order) {
        let first = order.nodes.first();
        let start = first.and_then(|node| Some((self.layout.node_named(&node.node_id)?, node.sequence_id)));
        self.bases[robot].order_id = Some(order.order_id.clone());
        self.bases[robot].is_shown = false;
        self.bases[robot].cancel = None;
        self.bases[robot].nodes.clear();
        let is_driven = self.bases[robot].places.len() <= 1;
        if let (Some((node, sequence_id)), true) = (start, is_driven) {
            self.free_all(robot);
            self.hold(robot, Place { sequence_id, node, edge: None });
        }
    }

    /// What the order released was given back, since the robot showed that it has nothing of it.
    pub(crate) fn has_lost(&self, robot: usize, order: &Order) -> bool {
        let end = order.nodes.iter().rev().find(|node| node.released).map(|node| node.sequence_id);
        let held = self.bases[robot].places.back().map(|place| place.sequence_id);
        self.bases[robot].order_id.as_ref() == Some(&order.order_id) && held < end
    }

    /// The order it has lost is told it again: what it says before it shows it is old.
    pub(crate) fn tell_again(&mut self, robot: usize) {
        self.bases[robot].is_shown = false;
    }

    /// The robot's own word frees what lies behind it, or all but its place when it has nothing left to drive.
    pub(crate) fn report(&mut self, heard: (Time, Epoch), robot: usize, state: &State) {
        let base = &mut self.bases[robot];
        let shows_it = base.order_id.as_ref() == Some(&state.order_id);
        let is_last = shows_it && state.order_update_id >= base.since;
        base.is_shown |= shows_it;
        if is_last {
            let taken = std::mem::take(&mut base.given_back);
            taken.into_iter().rev().for_each(|place| self.hold(robot, place));
        }
        let base = &mut self.bases[robot];
        base.is_answered |= is_last;
        if let Some(last) = self.layout.node_named(&state.last_node_id).filter(|_| shows_it) {
            let here = |place: &Place| place.sequence_id == state.last_node_sequence_id && place.node == last;
            if let Some(passed) = self.bases[robot].places.iter().position(here) {
                let base = &mut self.bases[robot];
                base.is_rough &= base.places.front().is_some_and(|first| first.node == last);
                self.free(robot, passed);
            }
        }
        let is_refused = self.give_back_refused(robot, state);
        let base = &self.bases[robot];
        let is_dropped = shows_it && state.last_node_sequence_id < base.stitch;
        let is_new = !base.is_shown;
        let has_none = base.order_id.is_none()
            || (base.is_shown && !shows_it)
            || (is_new && is_refused)
            || is_last
            || is_dropped;
        if (has_none || base.cancel.as_ref().is_some_and(|cancel| is_over(state, cancel)))
            && is_idle(state)
            && let Some(node) = stands_at(&self.layout, state)
        {
            if base.is_shown && !shows_it {
                self.keep_forgotten(robot, node);
            }
            self.settle(heard, robot, node, state.last_node_sequence_id);
        }
    }

    /// The order is gone, but a copy of its last message may still be on its way.
    fn keep_forgotten(&mut self, robot: usize, node: NodeId) {
        let base = &mut self.bases[robot];
        let ahead = base.places.iter().rev().take_while(|place| place.node != node);
        let ahead: Vec<Place> = ahead.cloned().collect();
        if !ahead.is_empty() {
            base.given_back = ahead;
        }
    }

    /// It stands there and holds nothing else.
    fn settle(&mut self, heard: (Time, Epoch), robot: usize, node: NodeId, sequence_id: u32) {
        let base = &mut self.bases[robot];
        base.is_answered = true;
        base.is_rough |= base.places.len() > 1 || base.places.iter().any(|place| place.node != node);
        let is_there = |place: &Place| place.node == node;
        let is_elsewhere = base.settled.is_some_and(|(_, by)| by != heard.1);
        if !base.places.iter().any(is_there) || is_elsewhere {
            base.settled = Some(heard);
        }
        if base.places.len() == 1 && base.places.iter().all(is_there) {
            return;
        }
        self.free_all(robot);
        self.hold(robot, Place { sequence_id, node, edge: None });
    }

    /// A cancel left for the robot.
    pub(crate) fn cancelled(&mut self, robot: usize, action_id: &str) {
        self.bases[robot].cancel = Some(action_id.to_owned());
    }

    /// A named person has carried it off the floor.
    pub(crate) fn remove(&mut self, robot: usize) {
        self.free_all(robot);
        self.bases[robot] = Base { is_answered: true, ..Base::default() };
    }

    /// A refused message released nothing; whether this state refuses the last one.
    fn give_back_refused(&mut self, robot: usize, state: &State) -> bool {
        let base = &self.bases[robot];
        if !base.order_id.as_ref().is_some_and(|order_id| refuses(state, order_id, base.update_id)) {
            return false;
        }
        self.bases[robot].is_answered = true;
        while self.bases[robot]
            .places
            .back()
            .is_some_and(|place| place.sequence_id > self.bases[robot].stitch)
        {
            let Some(place) = self.bases[robot].places.pop_back() else { break };
            self.release(robot, &place);
            self.bases[robot].given_back.push(place);
        }
        true
    }

    /// All robots of the breach had been seen where they are, by this process, when the order was decided.
    pub(crate) fn were_known(&self, decided: Time, by: Epoch, breach: &Breach) -> bool {
        breach.robots.iter().all(|robot| {
            let base = &self.bases[*robot];
            base.places.len() > 1
                || base.settled.is_none_or(|(settled, hearer)| settled < decided && hearer == by)
        })
    }

    /// Another robot holds what excludes this place.
    fn conflict(&self, robot: usize, place: &Place) -> Option<Breach> {
        let near = self.layout.node_conflicts(place.node);
        let by_node = [place.node].iter().chain(near.nodes).find_map(|node| self.other_at_node(robot, *node));
        let by_edge = || near.edges.iter().find_map(|edge| self.other_at_edge(robot, *edge));
        let on_edge = || place.edge.and_then(|edge| self.conflict_of_edge(robot, edge));
        let (other, what) = by_node.or_else(by_edge).or_else(on_edge)?;
        let text = format!(
            "the way to {} was released while {what} of another wasn't reported left",
            name_of(&self.layout, place.node)
        );
        Some(Breach::new(self.invariant, &[robot, other], text))
    }

    fn conflict_of_edge(&self, robot: usize, edge: EdgeId) -> Option<(usize, String)> {
        let near = self.layout.edge_conflicts(edge);
        let edges = [edge].into_iter().chain(near.edges.iter().copied());
        let by_node = || near.nodes.iter().find_map(|node| self.other_at_node(robot, *node));
        edges.into_iter().find_map(|edge| self.other_at_edge(robot, edge)).or_else(by_node)
    }

    fn other_at_node(&self, robot: usize, node: NodeId) -> Option<(usize, String)> {
        let other = self.at_node[node.index()].iter().find(|holder| **holder != robot)?;
        Some((*other, format!("node {}", name_of(&self.layout, node))))
    }

    fn other_at_edge(&self, robot: usize, edge: EdgeId) -> Option<(usize, String)> {
        let other = self.at_edge[edge.index()].iter().find(|holder| **holder != robot)?;
        Some((*other, format!("edge {}", self.layout.edge(edge).name)))
    }

    fn hold(&mut self, robot: usize, place: Place) {
        self.at_node[place.node.index()].push(robot);
        if let Some(edge) = place.edge {
            self.at_edge[edge.index()].push(robot);
        }
        self.bases[robot].places.push_back(place);
    }

    /// Frees so many places from the front, and the edge that led to the one that is now first.
    fn free(&mut self, robot: usize, count: usize) {
        for _ in 0..count {
            let Some(place) = self.bases[robot].places.pop_front() else { return };
            self.release(robot, &place);
        }
        let driven = self.bases[robot].places.front_mut().and_then(|place| place.edge.take());
        if let Some(edge) = driven {
            remove(&mut self.at_edge[edge.index()], robot);
        }
    }

    fn free_all(&mut self, robot: usize) {
        while let Some(place) = self.bases[robot].places.pop_front() {
            self.release(robot, &place);
        }
    }

    fn release(&mut self, robot: usize, place: &Place) {
        remove(&mut self.at_node[place.node.index()], robot);
        if let Some(edge) = place.edge {
            remove(&mut self.at_edge[edge.index()], robot);
        }
    }
}

/// The state names this message in an error and doesn't show it as taken over.
pub(crate) fn refuses(state: &State, order_id: &str, update_id: u32) -> bool {
    let update = update_id.to_string();
    let is_named = state.errors.iter().any(|error| {
        error.reference("orderId") == Some(order_id) && error.reference("orderUpdateId") == Some(&update)
    });
    is_named && !(state.order_id == order_id && state.order_update_id == update_id)
}

/// It has nothing to drive and nothing to do.
fn is_idle(state: &State) -> bool {
    let is_open =
        |action: &ActionState| !matches!(action.action_status, ActionStatus::Finished | ActionStatus::Failed);
    state.node_states.is_empty() && !state.driving && !state.action_states.iter().any(is_open)
}

/// The action has ended, one way or the other.
fn is_over(state: &State, action_id: &str) -> bool {
    let ended = |status| matches!(status, ActionStatus::Finished | ActionStatus::Failed);
    state.action_states.iter().any(|action| action.action_id == action_id && ended(action.action_status))
}

/// The node a robot says it stands on; where its position contradicts its words, the position counts.
fn stands_at(layout: &Layout, state: &State) -> Option<NodeId> {
    let named = layout.node_named(&state.last_node_id);
    let position = state.agv_position.as_ref().filter(|position| position.position_initialized);
    let Some(position) = position else { return named };
    let is_on = |node: &NodeId| {
        let at = layout.node(*node);
        let (x_m, y_m) = (f64::from(at.x_mm) / 1_000.0, f64::from(at.y_mm) / 1_000.0);
        at.map == position.map_id && (position.x - x_m).hypot(position.y - y_m) <= ON_NODE_M
    };
    let near = |metres: f64| (metres * 1_000.0).round() as i64;
    let nearest = || layout.nearest_node(near(position.x), near(position.y)).map(|(node, _)| node);
    named.filter(is_on).or_else(|| nearest().filter(is_on))
}

/// One hold less: a way that comes by twice holds twice.
fn remove(holders: &mut Vec<usize>, robot: usize) {
    if let Some(index) = holders.iter().position(|holder| *holder == robot) {
        holders.swap_remove(index);
    }
}
