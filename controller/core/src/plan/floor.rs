//! The lattice of a layout, for robots of all its types: nodes, where they turn and wait, and edges, on which they go on.
//!
//! A robot on an edge has both ends for itself until it is at the end of it, as its reservation will. So no two robots
//! follow each other without a gap, no cycle of followers can arise, and the order in which moves begin is an order in
//! which they can be made one after the other. Travel times are rounded to beats, turns up to them, prices not at all.

use drover_maps::{EdgeId, Layout, NodeId, TypeId};

use super::ground::Ground;
use super::guidance::BEAT;
use super::lattice::{Draft, Footprint, Lattice};

/// A beat, ms.
pub const BEAT_MS: u32 = 500;
/// The unit of positions, mm.
const UNIT_MM: i32 = 250;
/// The longest an edge may take in the plan, beats.
const EDGE_BEATS_MAX: u32 = 2_000;
/// Directions less apart than this are one, mdeg.
const SAME_MDEG: i32 = 5_000;
const CIRCLE_MDEG: i32 = 360_000;

/// A layout in beats.
#[derive(Clone, Debug)]
pub struct Floor {
    /// Where robots can be. Places number the nodes, then the edges.
    pub lattice: Lattice,
    /// Type and direction (mdeg) of a robot in each state.
    poses: Vec<(TypeId, i32)>,
    nodes: u32,
}

impl Floor {
    /// The floor of this layout.
    pub fn new(layout: &Layout, ground: &Ground) -> Floor {
        let mut draft = Draft { ways: layout.node_count() as u32, ..Draft::default() };
        let mut poses = Vec::new();
        for node in layout.nodes() {
            let at = layout.node(node);
            draft.at.push([at.x_mm / UNIT_MM, at.y_mm / UNIT_MM]);
            for robot_type in types(layout).filter(|robot_type| layout.admits_node(*robot_type, node)) {
                add_ring(&mut draft, &mut poses, layout, node, robot_type);
            }
        }
        let ends = poses.clone();
        let mut starts = vec![0; layout.node_count() + 1];
        draft.place.iter().for_each(|place| starts[*place as usize + 1] += 1);
        (1..starts.len()).for_each(|node| starts[node] += starts[node - 1]);
        let state = |robot_type, node: NodeId, heading| {
            let states = starts[node.index()]..starts[node.index() + 1];
            nearest(&ends, states, robot_type, heading)
        };
        for edge in layout.edges() {
            let facts = layout.edge(edge);
            draft.at.push(draft.at[facts.to.index()]);
            for robot_type in types(layout).filter(|robot_type| layout.admits_edge(*robot_type, edge)) {
                let from = state(robot_type, facts.from, facts.heading_mdeg);
                let to = state(robot_type, facts.to, facts.end_heading_mdeg);
                if let (Some(from), Some(to)) = (from, to) {
                    let travel_ms = layout.travel_ms(robot_type, edge);
                    add_way(&mut draft, (from, to), layout.node_count() as u32 + edge.0, travel_ms);
                    poses.resize(draft.place.len(), (robot_type, facts.end_heading_mdeg));
                }
            }
        }
        let lattice = Lattice::of(draft, footprint(layout, ground));
        Floor { lattice, poses, nodes: layout.node_count() as u32 }
    }

    /// The place of a node.
    pub fn node(&self, node: NodeId) -> u32 {
        node.0
    }

    /// The place of an edge.
    pub fn edge(&self, edge: EdgeId) -> u32 {
        self.nodes + edge.0
    }

    /// The edge at this place, if it is one.
    pub fn edge_at(&self, place: u32) -> Option<EdgeId> {
        place.checked_sub(self.nodes).map(EdgeId)
    }

    /// The node at this place, if it is one.
    pub fn node_at(&self, place: u32) -> Option<NodeId> {
        (place < self.nodes).then_some(NodeId(place))
    }

    /// The state of a robot that stands at a node in this direction (mdeg; none = any); none if its type mayn't stand there.
    pub fn state(&self, robot_type: TypeId, node: NodeId, heading_mdeg: Option<i32>) -> Option<u32> {
        nearest(&self.poses, self.lattice.states(node.0), robot_type, heading_mdeg.unwrap_or(0))
    }

    /// Direction of a robot in this state, mdeg; on an edge that at its end.
    pub fn heading_mdeg(&self, state: u32) -> i32 {
        self.poses[state as usize].1
    }

    /// Beats that a robot of this type is on the edge until it is at the end of it.
    pub fn beats(&self, robot_type: TypeId, edge: EdgeId) -> usize {
        let states = self.lattice.states(self.edge(edge));
        1 + states.filter(|state| self.robot_type(*state) == robot_type).count()
    }

    /// Type of the robots that can be in this state.
    pub fn robot_type(&self, state: u32) -> TypeId {
        self.poses[state as usize].0
    }
}

fn types(layout: &Layout) -> impl Iterator<Item = TypeId> + use<> {
    (0..layout.robot_types().len() as u16).map(TypeId)
}

/// The state of this type whose direction is nearest.
fn nearest(
    poses: &[(TypeId, i32)],
    mut states: std::ops::Range<u32>,
    robot_type: TypeId,
    mdeg: i32,
) -> Option<u32> {
    let of_type = |state: &u32| poses[*state as usize].0 == robot_type;
    states.by_ref().filter(of_type).min_by_key(|state| (apart(poses[*state as usize].1, mdeg), *state))
}

/// The angle between two directions, mdeg.
fn apart(one: i32, other: i32) -> i32 {
    let apart = (one - other).rem_euclid(CIRCLE_MDEG);
    apart.min(CIRCLE_MDEG - apart)
}

/// The directions in which robots of a type come to a node and leave it, and the turns between them: as many states as
/// beats. No turn goes the long way round.
fn add_ring(
    draft: &mut Draft,
    poses: &mut Vec<(TypeId, i32)>,
    layout: &Layout,
    node: NodeId,
    robot_type: TypeId,
) {
    let admits = |edge: &&EdgeId| layout.admits_edge(robot_type, **edge);
    let into = layout.in_edges(node).iter().filter(admits).map(|edge| layout.edge(*edge).end_heading_mdeg);
    let out = layout.out_edges(node).iter().filter(admits).map(|edge| layout.edge(*edge).heading_mdeg);
    let mut headings: Vec<i32> = into.chain(out).map(|mdeg| mdeg.rem_euclid(CIRCLE_MDEG)).collect();
    headings.sort_unstable();
    headings.dedup_by(|next, kept| *next - *kept < SAME_MDEG);
    if headings.len() > 1 && headings[0] + CIRCLE_MDEG - headings[headings.len() - 1] < SAME_MDEG {
        headings.pop();
    }
    if headings.is_empty() {
        headings.push(0);
    }
    let mut state = |heading: i32| {
        draft.place.push(node.0);
        poses.push((robot_type, heading));
        draft.place.len() as u32 - 1
    };
    let stops: Vec<(i32, u32)> = headings.iter().map(|heading| (*heading, state(*heading))).collect();
    let next = stops.iter().skip(1).chain(stops.first()).copied();
    for (index, ((heading, from), (next_heading, to))) in stops.iter().zip(next).enumerate() {
        let gap = (next_heading - heading).rem_euclid(CIRCLE_MDEG);
        let is_long_way_round = gap > CIRCLE_MDEG / 2 || gap == CIRCLE_MDEG / 2 && index > 0;
        if stops.len() == 1 || is_long_way_round {
            continue;
        }
        let turn_ms = layout.turn_ms(robot_type, *heading, next_heading);
        let beats = turn_ms.div_ceil(BEAT_MS).max(1) as i32;
        let mut before = *from;
        for beat in 1..beats {
            let between = state(heading + gap / beats * beat);
            draft.right.push((between, before));
            before = between;
        }
        draft.right.push((to, before));
    }
}

/// A way of so many states between two nodes' that takes at least two beats: in between, a robot has both ends.
fn add_way(draft: &mut Draft, (from, to): (u32, u32), place: u32, travel_ms: u32) {
    let beats = beats(travel_ms).clamp(2, EDGE_BEATS_MAX);
    let price = (u64::from(travel_ms) * u64::from(BEAT) / u64::from(BEAT_MS)).clamp(1, 1 << 15) as u16;
    let (mut before, mut price) = (from, price);
    for _ in 1..beats {
        draft.place.push(place);
        let state = draft.place.len() as u32 - 1;
        draft.ahead.push((before, state, price));
        (before, price) = (state, 0);
    }
    draft.ahead.push((before, to, 0));
}

fn beats(ms: u32) -> u32 {
    (ms + BEAT_MS / 2) / BEAT_MS
}

/// On a node a robot has the node, on an edge both ends and the edge. An edge that excludes a place already by its ends
/// isn't named there.
fn footprint(layout: &Layout, ground: &Ground) -> Footprint {
    let nodes = layout.node_count() as u32;
    let (mut holds, mut needs) = (Vec::new(), Vec::new());
    let mut need = |place: u32, mut near_nodes: Vec<NodeId>, mut near_edges: Vec<EdgeId>| {
        near_nodes.sort_unstable();
        near_nodes.dedup();
        near_edges.sort_unstable();
        near_edges.dedup();
        needs.extend(near_nodes.iter().map(|node| (place, node.0)));
        for near in near_edges {
            let ends = [layout.edge(near).from, layout.edge(near).to];
            if ends.iter().all(|end| near_nodes.binary_search(end).is_err()) {
                needs.push((place, nodes + near.0));
            }
        }
    };
    for node in layout.nodes() {
        let near = layout.node_conflicts(node);
        holds.push((node.0, node.0));
        need(node.0, [near.nodes, &[node]].concat(), near.edges.to_vec());
    }
    for edge in layout.edges() {
        let (place, facts) = (nodes + edge.0, layout.edge(edge));
        holds.extend([(place, facts.from.0), (place, facts.to.0), (place, place)]);
        // Until it has come to the end, it hasn't left the start.
        let start = layout.node_conflicts(facts.from);
        let near_nodes = [ground.near_nodes(edge), start.nodes, &[facts.from]].concat();
        need(place, near_nodes, [ground.near_edges(edge), start.edges].concat());
    }
    Footprint::new((nodes as usize) + layout.edge_count(), &holds, &needs)
}
