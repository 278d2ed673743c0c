//! From one layout to another by name: what became of each place, and which places mean something else there.
//!
//! A place is *touched* when the other layout lacks it, or has it elsewhere, with other ends, another length or direction,
//! another device, another station, or no longer for a robot type. Travel times touch nothing: they only price ways.

use std::collections::BTreeSet;

use drover_maps::{EdgeId, Layout, NodeId, StationId, TypeId};

use crate::id::DeviceId;
use crate::release::{Order, OrderEdge, OrderNode};
use crate::robot::{Blocked, Cause, Goal, Robot, Stand, Step, Trail};

/// What became of each id of the old layout.
#[derive(Clone, Debug)]
pub(crate) struct Carry {
    nodes: Vec<Option<NodeId>>,
    edges: Vec<Option<EdgeId>>,
    stations: Vec<Option<StationId>>,
    types: Vec<Option<TypeId>>,
    devices: Vec<Option<DeviceId>>,
    touched_nodes: Vec<bool>,
    touched_edges: Vec<bool>,
    barred: Vec<EdgeId>,
}

impl Carry {
    pub(crate) fn between(old: &Layout, new: &Layout) -> Carry {
        let types: Vec<_> = old.robot_types().iter().map(|known| new.type_named(&known.name)).collect();
        let place = |name: &str| new.devices().iter().position(|device| device.name == name);
        let devices = old.devices().iter().map(|device| place(&device.name).map(|at| DeviceId(at as u16)));
        let mut carry = Carry {
            nodes: old.nodes().map(|node| new.node_named(&old.node(node).name)).collect(),
            edges: old.edges().map(|edge| new.edge_named(&old.edge(edge).name)).collect(),
            stations: old.stations().iter().map(|station| new.station_named(&station.name)).collect(),
            types,
            devices: devices.collect(),
            touched_nodes: Vec::new(),
            touched_edges: Vec::new(),
            barred: Vec::new(),
        };
        carry.touched_nodes = old.nodes().map(|node| carry.is_other_node(old, new, node)).collect();
        for node in moved_stations(old, new) {
            carry.touched_nodes[node.index()] = true;
        }
        carry.touched_edges = old.edges().map(|edge| carry.is_other_edge(old, new, edge)).collect();
        let leads_in = |edge: &EdgeId| {
            carry.touched_edges[edge.index()] && !carry.touched_nodes[old.edge(*edge).from.index()]
        };
        carry.barred = old.edges().filter(leads_in).collect();
        carry
    }

    fn is_other_node(&self, old: &Layout, new: &Layout, id: NodeId) -> bool {
        let Some(there) = self.nodes[id.index()] else { return true };
        let (before, after) = (old.node(id), new.node(there));
        let is_elsewhere = (&before.map, before.x_mm, before.y_mm) != (&after.map, after.x_mm, after.y_mm);
        let is_lost = |(kind, there_kind): (TypeId, TypeId)| {
            old.admits_node(kind, id) && !new.admits_node(there_kind, there)
        };
        is_elsewhere || before.charger != after.charger || self.kinds().any(is_lost)
    }

    fn is_other_edge(&self, old: &Layout, new: &Layout, id: EdgeId) -> bool {
        let Some(there) = self.edges[id.index()] else { return true };
        let (before, after) = (old.edge(id), new.edge(there));
        let has_other_end = |before: NodeId, after: NodeId| {
            self.touched_nodes[before.index()] || self.nodes[before.index()] != Some(after)
        };
        let device = |layout: &Layout, device: Option<u16>| {
            device.map(|device| layout.devices()[usize::from(device)].name.clone())
        };
        let shape = |edge: &drover_maps::Edge| (edge.length_mm, edge.heading_mdeg, edge.end_heading_mdeg);
        let is_lost = |(kind, there_kind): (TypeId, TypeId)| {
            old.admits_edge(kind, id) && !new.admits_edge(there_kind, there)
        };
        has_other_end(before.from, after.from)
            || has_other_end(before.to, after.to)
            || shape(before) != shape(after)
            || old.bends(id) != new.bends(there)
            || device(old, before.device) != device(new, after.device)
            || self.kinds().any(is_lost)
    }

    /// Robot types that both layouts have.
    fn kinds(&self) -> impl Iterator<Item = (TypeId, TypeId)> {
        (0..).map(TypeId).zip(&self.types).filter_map(|(kind, there)| Some((kind, (*there)?)))
    }

    pub(crate) fn is_touched(&self, node: NodeId) -> bool {
        self.touched_nodes[node.index()]
    }

    pub(crate) fn is_touched_edge(&self, edge: EdgeId) -> bool {
        self.touched_edges[edge.index()]
    }

    /// Touched edges that lead there from where nothing changes, sorted.
    pub(crate) fn barred(&self) -> &[EdgeId] {
        &self.barred
    }

    /// How many nodes and edges are touched.
    pub(crate) fn size(&self) -> (usize, usize) {
        let count = |touched: &[bool]| touched.iter().filter(|is_touched| **is_touched).count();
        (count(&self.touched_nodes), count(&self.touched_edges))
    }

    pub(crate) fn node(&self, node: NodeId) -> Option<NodeId> {
        self.nodes[node.index()].filter(|_| !self.is_touched(node))
    }

    pub(crate) fn edge(&self, edge: EdgeId) -> Option<EdgeId> {
        self.edges[edge.index()].filter(|_| !self.is_touched_edge(edge))
    }

    /// The edge of the same name, whatever it means there.
    pub(crate) fn edge_of_that_name(&self, edge: EdgeId) -> Option<EdgeId> {
        self.edges[edge.index()]
    }

    pub(crate) fn station(&self, station: StationId) -> Option<StationId> {
        self.stations[station.index()]
    }

    pub(crate) fn kind(&self, kind: TypeId) -> Option<TypeId> {
        self.types[kind.index()]
    }

    pub(crate) fn device(&self, device: DeviceId) -> Option<DeviceId> {
        self.devices[device.index()]
    }

    /// The message, if none of it is touched.
    pub(crate) fn order(&self, order: &Order) -> Option<Order> {
        let node = |it: &OrderNode| Some(OrderNode { node: self.node(it.node)?, ..it.clone() });
        let edge = |it: &OrderEdge| Some(OrderEdge { edge: self.edge(it.edge)?, ..it.clone() });
        let nodes = order.nodes.iter().map(node).collect::<Option<_>>()?;
        let edges = order.edges.iter().map(edge).collect::<Option<_>>()?;
        Some(Order { order_id: order.order_id.clone(), update_id: order.update_id, nodes, edges })
    }

    /// The robot as it is there, with nothing planned; none while it holds, or was told of, something touched.
    pub(crate) fn robot(&self, robot: &Robot) -> Option<Robot> {
        let goal = |goal: Goal| Some(Goal { node: self.node(goal.node)?, ..goal });
        let blocked = |blocked: Blocked| Some(Blocked { edge: self.edge(blocked.edge)?, ..blocked });
        let mut there = Robot {
            robot_type: self.kind(robot.robot_type)?,
            trail: self.trail(&robot.trail)?,
            stands: all(robot.stands.as_ref(), |stand| self.stand(stand))?,
            goal: robot.goal.and_then(goal),
            blocked: robot.blocked.and_then(blocked),
            waits_for: robot.waits_for.and_then(|cause| self.cause(cause)),
            ..robot.clone()
        };
        there.claims.clear();
        there.order.last = all(left_of(robot), |last| self.order(&last))?;
        Some(there)
    }

    fn trail(&self, trail: &Trail) -> Option<Trail> {
        let step = |step: &Step| {
            let edge = all(step.edge, |edge| self.edge(edge))?;
            Some(Step { edge, node: self.node(step.node)?, ..*step })
        };
        let steps = trail.steps.iter().map(step).collect::<Option<_>>()?;
        Some(Trail { steps, ..trail.clone() })
    }

    fn stand(&self, stand: &Stand) -> Option<Stand> {
        let mut nodes = stand.nodes.iter().map(|node| self.node(*node)).collect::<Option<Vec<_>>>()?;
        let mut edges = stand.edges.iter().map(|edge| self.edge(*edge)).collect::<Option<Vec<_>>>()?;
        nodes.sort_unstable();
        edges.sort_unstable();
        Some(Stand { nodes, edges, is_sure: stand.is_sure })
    }

    fn cause(&self, cause: Cause) -> Option<Cause> {
        match cause {
            Cause::Plan | Cause::Robot(_) | Cause::Answer => Some(cause),
            Cause::Device(device) => self.device(device).map(Cause::Device),
            // Looked at again in the next release pass.
            Cause::Zone(_) => None,
        }
    }
}

/// What there is, carried over; none only where that fails.
fn all<T, U>(it: Option<T>, carried: impl FnOnce(T) -> Option<U>) -> Option<Option<U>> {
    it.map_or(Some(None), |it| carried(it).map(Some))
}

/// Nodes of the old layout that became, or no longer are, a place of some station.
fn moved_stations(old: &Layout, new: &Layout) -> BTreeSet<NodeId> {
    let pairs = |layout: &Layout| -> BTreeSet<(String, String)> {
        let of = |station: &drover_maps::Station| {
            let nodes = station.nodes.iter().map(|node| layout.node(*node).name.clone());
            nodes.map(|node| (station.name.clone(), node)).collect::<Vec<_>>()
        };
        layout.stations().iter().flat_map(of).collect()
    };
    let (before, after) = (pairs(old), pairs(new));
    before.symmetric_difference(&after).filter_map(|(_, node)| old.node_named(node)).collect()
}

/// What of the robot's last message still matters: all of it until it is seen, then what lies ahead.
pub(crate) fn left_of(robot: &Robot) -> Option<Order> {
    let last = robot.order.last.as_ref()?;
    let here = robot.trail.steps.front().map(|step| step.sequence_id).filter(|_| robot.order.is_seen);
    let Some(here) = here else { return Some(last.clone()) };
    Some(Order {
        order_id: last.order_id.clone(),
        update_id: last.update_id,
        nodes: last.nodes.iter().filter(|node| node.sequence_id >= here).cloned().collect(),
        edges: last.edges.iter().filter(|edge| edge.sequence_id >= here).cloned().collect(),
    })
}
