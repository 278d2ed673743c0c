//! The layout as the planner walks it: what it asks of an edge at every step, side by side in memory. Made once per layout;
//! says nothing the layout doesn't say.

use drover_maps::{EdgeId, Layout, NodeId};

/// What a step along an edge needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Where it starts.
    pub from: NodeId,
    /// Where it ends.
    pub to: NodeId,
    /// Direction at the start, mdeg.
    pub heading_mdeg: i32,
    /// Direction at the end, mdeg.
    pub end_heading_mdeg: i32,
    /// The edge back, if there is one.
    pub twin: Option<EdgeId>,
}

/// All edges of a layout, and what excludes a step along each.
#[derive(Clone, Debug)]
pub struct Ground {
    ways: Vec<Way>,
    near_nodes: Rows<NodeId>,
    near_edges: Rows<EdgeId>,
}

#[derive(Clone, Debug)]
struct Rows<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T: Ord> Rows<T> {
    fn new() -> Rows<T> {
        Rows { starts: vec![0], items: Vec::new() }
    }

    fn push(&mut self, mut row: Vec<T>) {
        row.sort_unstable();
        row.dedup();
        self.items.append(&mut row);
        self.starts.push(self.items.len() as u32);
    }

    fn row(&self, index: usize) -> &[T] {
        &self.items[self.starts[index] as usize..self.starts[index + 1] as usize]
    }
}

impl Ground {
    /// The ground of this layout.
    pub fn new(layout: &Layout) -> Ground {
        let mut ground = Ground {
            ways: Vec::with_capacity(layout.edge_count()),
            near_nodes: Rows::new(),
            near_edges: Rows::new(),
        };
        for edge in layout.edges() {
            let facts = layout.edge(edge);
            let (along, at_end) = (layout.edge_conflicts(edge), layout.node_conflicts(facts.to));
            ground.ways.push(Way {
                from: facts.from,
                to: facts.to,
                heading_mdeg: facts.heading_mdeg,
                end_heading_mdeg: facts.end_heading_mdeg,
                twin: facts.twin,
            });
            ground.near_nodes.push([along.nodes, at_end.nodes, &[facts.to]].concat());
            ground.near_edges.push([along.edges, at_end.edges, &[edge]].concat());
        }
        ground
    }

    /// What a step along the edge needs to know.
    pub fn way(&self, edge: EdgeId) -> &Way {
        &self.ways[edge.index()]
    }

    /// Nodes that exclude a step along the edge while another robot is there, its end among them; sorted.
    pub fn near_nodes(&self, edge: EdgeId) -> &[NodeId] {
        self.near_nodes.row(edge.index())
    }

    /// Edges that exclude a step along the edge while another robot is there, the edge itself among them; sorted.
    pub fn near_edges(&self, edge: EdgeId) -> &[EdgeId] {
        self.near_edges.row(edge.index())
    }
}
