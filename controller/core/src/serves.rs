//! What a layout allows, computed once when it is loaded: which robot type serves which station, which nodes are bays.

use drover_maps::{Layout, NodeId, TypeId};

/// `[robot type][station]`: some place of the station lies in the type's largest strongly connected part.
pub(crate) fn stations(layout: &Layout) -> Vec<Vec<bool>> {
    let types = (0..layout.robot_types().len() as u16).map(TypeId);
    types
        .map(|robot_type| {
            let core = largest_part(layout, robot_type);
            let serves = |station: &drover_maps::Station| station.nodes.iter().any(|node| core[node.index()]);
            layout.stations().iter().map(serves).collect()
        })
        .collect()
}

/// Nodes with one neighbour: nobody drives through them.
pub(crate) fn leaves(layout: &Layout) -> Vec<bool> {
    let is_leaf = |node: NodeId| {
        let out = layout.out_edges(node).iter().map(|edge| layout.edge(*edge).to);
        let mut near: Vec<NodeId> =
            out.chain(layout.in_edges(node).iter().map(|edge| layout.edge(*edge).from)).collect();
        near.sort_unstable();
        near.dedup();
        near.len() <= 1
    };
    layout.nodes().map(is_leaf).collect()
}

/// Nodes that the next robot may be sent to while the one before is about to leave: they are left by another way than
/// they are entered by, or are the end of such a bay so short that nobody fits in front of them.
pub(crate) fn pull_through(layout: &Layout) -> Vec<bool> {
    let has_one_way_in = |node: NodeId| {
        let comes_back =
            |from: NodeId| layout.out_edges(node).iter().any(|edge| layout.edge(*edge).to == from);
        layout.in_edges(node).iter().any(|edge| !comes_back(layout.edge(*edge).from))
    };
    let is_short_end = |node: NodeId| {
        let near = layout.node_conflicts(node).nodes;
        layout.in_edges(node).iter().all(|edge| {
            let from = layout.edge(*edge).from;
            near.binary_search(&from).is_ok() && has_one_way_in(from)
        })
    };
    layout.nodes().map(|node| has_one_way_in(node) || is_short_end(node)).collect()
}

fn largest_part(layout: &Layout, robot_type: TypeId) -> Vec<bool> {
    let admits = |edge: petgraph::graph::EdgeReference<'_, drover_maps::Edge>| {
        layout
            .admits_edge(robot_type, drover_maps::EdgeId(petgraph::visit::EdgeRef::id(&edge).index() as u32))
    };
    let open = petgraph::visit::EdgeFiltered::from_fn(layout.graph(), admits);
    let parts = petgraph::algo::tarjan_scc(&open);
    let mut is_in = vec![false; layout.node_count()];
    let largest =
        parts.into_iter().max_by_key(|part| (part.len(), std::cmp::Reverse(part.iter().min().copied())));
    largest.into_iter().flatten().for_each(|node| is_in[node.index()] = true);
    is_in
}
