//! BasePrefix: an update begins at the decision point of the one before, ids rise by one, a resend is identical but for
//! its header; a new order begins where the robot stands, with its old base driven.

use std::collections::BTreeSet;

use drover_maps::Layout;
use drover_proto::vda5050::{Header, Order, State};

use super::base::{Base, refuses};
use super::{Breach, decision_node, name_of};

/// What each robot was told last.
#[derive(Debug)]
pub(crate) struct Prefix {
    last: Vec<Option<Order>>,
    /// The update id that the content of each first had.
    since: Vec<u32>,
    /// The last message was refused: the next one begins where it began.
    is_refused: Vec<bool>,
    /// It was refused at some time: told again as a new order, it begins where it began, whatever became of it since.
    was_refused: Vec<bool>,
    order_ids: BTreeSet<String>,
    is_resend: bool,
}

impl Prefix {
    pub(crate) fn new(robots: usize) -> Prefix {
        Prefix {
            last: vec![None; robots],
            since: vec![0; robots],
            is_refused: vec![false; robots],
            was_refused: vec![false; robots],
            order_ids: BTreeSet::new(),
            is_resend: false,
        }
    }

    /// The last order seen was one that the robot had been sent before.
    pub(crate) fn is_resend(&self) -> bool {
        self.is_resend
    }

    /// A state arrived: it may refuse the last message.
    pub(crate) fn heard(&mut self, robot: usize, state: &State) {
        let Some(last) = &self.last[robot] else { return };
        self.is_refused[robot] |= refuses(state, &last.order_id, last.order_update_id);
        self.was_refused[robot] |= self.is_refused[robot];
        // A copy of it that was refused before may have been taken when it came again.
        let shows_it = state.order_id == last.order_id && state.order_update_id >= self.since[robot];
        self.is_refused[robot] &= !shows_it;
    }

    /// An order leaves for a robot whose base is still this; `is_recorded` says which updates of it are in the journal.
    pub(crate) fn sent(
        &mut self,
        robot: usize,
        order: &Order,
        base: &Base,
        layout: &Layout,
        is_recorded: &dyn Fn(u32) -> bool,
    ) -> Vec<Breach> {
        let order = Order { header: Header::default(), ..order.clone() };
        let last = self.last[robot].take();
        let same_id = |last: &&Order| last.order_id == order.order_id;
        self.is_resend =
            last.as_ref().filter(same_id).is_some_and(|last| last.order_update_id == order.order_update_id);
        let faults = match last.as_ref().filter(same_id) {
            Some(last) if self.is_resend => resend_faults(last, &order),
            Some(last) => shape_faults(&order, layout)
                .into_iter()
                .chain(self.update_faults(robot, last, &order, is_recorded))
                .collect(),
            None => shape_faults(&order, layout)
                .into_iter()
                .chain(self.new_faults(robot, last.as_ref(), &order, base, layout))
                .collect(),
        };
        self.is_refused[robot] &= self.is_resend;
        self.was_refused[robot] &= self.is_resend;
        self.order_ids.insert(order.order_id.clone());
        let is_same = last
            .filter(|last| last.order_id == order.order_id)
            .is_some_and(|last| last.nodes == order.nodes && last.edges == order.edges);
        if !is_same {
            self.since[robot] = order.order_update_id;
        }
        let head = format!("order {} update {}: ", order.order_id, order.order_update_id);
        self.last[robot] = Some(order);
        faults
            .into_iter()
            .map(|fault| Breach::new("BasePrefix", &[robot], format!("{head}{fault}")))
            .collect()
    }

    fn new_faults(
        &self,
        robot: usize,
        last: Option<&Order>,
        order: &Order,
        base: &Base,
        layout: &Layout,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let is_told_again = self.was_refused[robot]
            && last.is_some_and(|last| (&last.nodes, &last.edges) == (&order.nodes, &order.edges));
        if self.order_ids.contains(&order.order_id) {
            faults.push("its id was used before".into());
        }
        if order.order_update_id != 0 {
            faults.push("a new order doesn't begin with update 0".into());
        }
        if base.places.len() > 1 && !is_told_again {
            faults.push("it begins while the old base isn't reported driven".into());
        }
        let stands = base.places.back().map(|place| name_of(layout, place.node));
        let begins = order.nodes.first().map(|node| node.node_id.as_str());
        if !is_told_again && (stands.is_none() || stands != begins) {
            faults.push(format!("it begins at {begins:?}, the robot's last released node is {stands:?}"));
        }
        faults
    }

    fn update_faults(
        &self,
        robot: usize,
        last: &Order,
        order: &Order,
        is_recorded: &dyn Fn(u32) -> bool,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        // One that was overtaken before it left is in the journal alone.
        let mut between = last.order_update_id + 1..order.order_update_id;
        if order.order_update_id <= last.order_update_id || !between.all(is_recorded) {
            faults.push(format!("follows update {}: ids must rise by one", last.order_update_id));
        }
        let stood = if self.is_refused[robot] { last.nodes.first() } else { decision_node(last) };
        let stood = stood.map(|node| (node.node_id.as_str(), node.sequence_id));
        let begins = order.nodes.first().map(|node| (node.node_id.as_str(), node.sequence_id));
        if stood != begins {
            faults.push(format!("begins at {begins:?}, the decision point before is {stood:?}"));
        }
        faults
    }
}

fn resend_faults(last: &Order, order: &Order) -> Vec<String> {
    if last == order { Vec::new() } else { vec!["sent again with another content".into()] }
}

/// What VDA 5050 asks of any order, and that it names a way of this layout.
fn shape_faults(order: &Order, layout: &Layout) -> Vec<String> {
    let mut faults = Vec::new();
    if order.nodes.is_empty() || order.edges.len() + 1 != order.nodes.len() {
        faults.push(format!("{} nodes and {} edges", order.nodes.len(), order.edges.len()));
    }
    let first = order.nodes.first().map_or(0, |node| node.sequence_id);
    let nodes_count_on = (0..).zip(&order.nodes).all(|(index, node)| node.sequence_id == first + 2 * index);
    let edges_count_on =
        (0..).zip(&order.edges).all(|(index, edge)| edge.sequence_id == first + 2 * index + 1);
    if !first.is_multiple_of(2) || !nodes_count_on || !edges_count_on {
        faults.push("sequence ids aren't continuous, even on nodes and odd on edges".into());
    }
    if !order.nodes.first().is_some_and(|node| node.released)
        || !order.nodes.is_sorted_by(|before, after| before.released || !after.released)
    {
        faults.push("its base isn't a prefix of its nodes".into());
    }
    for (edge, ends) in order.edges.iter().zip(order.nodes.windows(2)) {
        if edge.released != ends[1].released || !is_way(layout, edge, &ends[0].node_id, &ends[1].node_id) {
            faults.push(format!(
                "edge {} doesn't lead from {} to {}",
                edge.edge_id, ends[0].node_id, ends[1].node_id
            ));
        }
    }
    faults
}

fn is_way(layout: &Layout, edge: &drover_proto::vda5050::Edge, from: &str, to: &str) -> bool {
    let known = layout.edge_named(&edge.edge_id).map(|id| layout.edge(id));
    let leads =
        known.is_some_and(|known| name_of(layout, known.from) == from && name_of(layout, known.to) == to);
    leads && edge.start_node_id == from && edge.end_node_id == to
}
