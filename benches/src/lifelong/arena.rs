//! A layout to play on: robots that start at drawn nodes, and random tasks from one station to another.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use drover_core::plan::floor::Floor;
use drover_core::plan::ground::Ground;
use drover_core::plan::lns::Draw;
use drover_maps::{EdgeId, Layout, NodeId, Severity, TypeId};

use super::Course;

/// Tasks drawn; repeated from the top.
const TASKS: usize = 4_096;

/// Where a robot starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its type.
    pub robot_type: TypeId,
    /// The node it stands at.
    pub node: NodeId,
    /// Its direction, mdeg.
    pub heading_mdeg: i32,
}

/// A layout with robots and tasks.
#[derive(Clone, Debug)]
pub struct Arena {
    /// The layout file's name.
    pub name: String,
    /// The layout.
    pub layout: Layout,
    /// The layout in beats: what a step is.
    pub floor: Floor,
    /// Where robots start.
    pub starts: Vec<Start>,
    /// Nodes to visit in order, for each task; the list is repeated from the top.
    pub tasks: Vec<Vec<u32>>,
    /// So many unfinished tasks are seen at once.
    pub revealed: usize,
}

impl Arena {
    /// Reads a LIF file and the `site.toml` that goes with it, and draws where so many robots start and what they are to do.
    ///
    /// # Errors
    /// Name the file, what is wrong and the mend.
    pub fn read(lif: &Path, site: Option<&Path>, robots: usize, seed: u64) -> anyhow::Result<Arena> {
        let shown = lif.display();
        let text = fs::read(lif).with_context(|| format!("{shown}: can't be read"))?;
        let read_site = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("{}: can't be read", path.display()))
        };
        let site = site.map(read_site).transpose()?;
        let compiled = drover_maps::compile(&text, site.as_deref()).with_context(|| shown.to_string())?;
        if let Some(error) = compiled.findings.iter().find(|finding| finding.severity == Severity::Error) {
            bail!("{shown}: {error}");
        }
        Arena::draw(shown.to_string(), compiled.layout, robots, seed).with_context(|| shown.to_string())
    }

    /// Draws on a layout.
    ///
    /// # Errors
    /// If there is no way between any two stations, or no room for the robots.
    pub fn draw(name: String, layout: Layout, robots: usize, seed: u64) -> anyhow::Result<Arena> {
        ensure!(robots > 0, "no robots; write --robots with 1 or more");
        let (ends, nodes) = connected(&layout)?;
        let mut draw = Draw::new(seed);
        let starts = starts(&layout, nodes, robots, &mut draw)?;
        let tasks = (0..TASKS).map(|_| {
            let from = draw.below(ends.len());
            let to = (from + 1 + draw.below(ends.len() - 1)) % ends.len();
            vec![ends[from].0, ends[to].0]
        });
        let tasks = tasks.collect();
        let floor = Floor::new(&layout, &Ground::new(&layout));
        let revealed = robots + robots.div_ceil(2);
        Ok(Arena { name, layout, floor, starts, tasks, revealed })
    }
}

impl From<&Arena> for Course {
    fn from(arena: &Arena) -> Course {
        let state = |start: &Start| {
            let state = arena.floor.state(start.robot_type, start.node, Some(start.heading_mdeg));
            state.unwrap_or_default()
        };
        Course {
            lattice: arena.floor.lattice.clone(),
            starts: arena.starts.iter().map(state).collect(),
            tasks: arena.tasks.clone(),
            revealed: arena.revealed,
        }
    }
}

/// An edge every robot may drive.
fn is_for_all(layout: &Layout, edge: EdgeId) -> bool {
    (0..layout.robot_types().len() as u16).all(|robot_type| layout.admits_edge(TypeId(robot_type), edge))
}

/// The largest set of stations' nodes with ways between all of them for every robot, and all nodes that have ways from and to
/// these. On a layout without stations every node counts as one.
fn connected(layout: &Layout) -> anyhow::Result<(Vec<NodeId>, Vec<NodeId>)> {
    let mut ends: Vec<NodeId> = layout.stations().iter().flat_map(|station| station.nodes.clone()).collect();
    ends.sort_unstable();
    ends.dedup();
    if ends.is_empty() {
        ends = layout.nodes().collect();
    }
    let mut best: (Vec<NodeId>, Vec<NodeId>) = Default::default();
    let mut is_known = vec![false; layout.node_count()];
    for hub in &ends {
        if is_known[hub.index()] {
            continue;
        }
        let from = spread(layout, *hub, |node| (layout.out_edges(node), |edge| layout.edge(edge).to));
        let to = spread(layout, *hub, |node| (layout.in_edges(node), |edge| layout.edge(edge).from));
        let nodes: Vec<NodeId> =
            layout.nodes().filter(|node| from[node.index()] && to[node.index()]).collect();
        nodes.iter().for_each(|node| is_known[node.index()] = true);
        let found: Vec<NodeId> =
            ends.iter().copied().filter(|end| nodes.binary_search(end).is_ok()).collect();
        if found.len() > best.0.len() {
            best = (found, nodes);
        }
    }
    ensure!(
        best.0.len() > 1,
        "no two stations have ways between them both ways for every robot type; see `drover map validate`"
    );
    Ok(best)
}

/// Nodes that are come to from this one by such edges.
fn spread<'a, End: Fn(EdgeId) -> NodeId>(
    layout: &Layout,
    hub: NodeId,
    edges: impl Fn(NodeId) -> (&'a [EdgeId], End),
) -> Vec<bool> {
    let mut is_reached = vec![false; layout.node_count()];
    is_reached[hub.index()] = true;
    let mut open = vec![hub];
    while let Some(node) = open.pop() {
        let (edges, end) = edges(node);
        for edge in edges.iter().filter(|edge| is_for_all(layout, **edge)) {
            let next = end(*edge);
            if !std::mem::replace(&mut is_reached[next.index()], true) {
                open.push(next);
            }
        }
    }
    is_reached
}

/// Drawn nodes that don't exclude one another, one for each robot; types take turns.
fn starts(
    layout: &Layout,
    mut nodes: Vec<NodeId>,
    robots: usize,
    draw: &mut Draw,
) -> anyhow::Result<Vec<Start>> {
    let mut is_taken = vec![false; layout.node_count()];
    let mut starts = Vec::with_capacity(robots);
    let types = layout.robot_types().len();
    while starts.len() < robots && !nodes.is_empty() {
        let node = nodes.swap_remove(draw.below(nodes.len()));
        let near = layout.node_conflicts(node).nodes;
        if is_taken[node.index()] || near.iter().any(|near| is_taken[near.index()]) {
            continue;
        }
        is_taken[node.index()] = true;
        let onward = layout.out_edges(node).iter().find(|edge| is_for_all(layout, **edge));
        let heading_mdeg = onward.map_or(0, |edge| layout.edge(*edge).heading_mdeg);
        starts.push(Start { robot_type: TypeId((starts.len() % types) as u16), node, heading_mdeg });
    }
    let room = starts.len();
    ensure!(
        room == robots,
        "{robots} robots have no room to start; {room} have: write --robots {room} or fewer"
    );
    Ok(starts)
}
