//! What is wrong with the ground as a whole: who can't be reached, who can't come back, where nobody can wait.
//!
//! Also chooses the holding nodes when `site.toml` names none. Judges; never mends the layout otherwise.

use crate::compile::node_mut;
use crate::cut::Ways;
use crate::finding::Findings;
use crate::ids::{EdgeId, NodeId, TypeId};
use crate::layout::Layout;
use crate::site_file::SiteFile;

/// Names written out in one message; the rest are counted.
const NAMES_SHOWN_MAX: usize = 8;
/// Most steps spent on walking the layout round each robot that may stand for long.
const BLOCKING_STEPS_MAX: usize = 50_000_000;

pub(crate) fn check(layout: &mut Layout, site: &SiteFile, findings: &mut Findings) {
    if layout.node_count() == 0 {
        findings.error("NO_NODES", "layouts", || {
            "key `layouts[].nodes` is empty; export the layout with its nodes".to_owned()
        });
        return;
    }
    if layout.stations.is_empty() {
        findings.warning("NO_STATIONS", "layouts", || {
            "key `layouts[].stations` is empty; a job names stations, so none can be done: add stations"
                .to_owned()
        });
    }
    let ground = Ground::new(layout);
    connection(layout, findings);
    places(layout, &ground, findings);
    holding(layout, site, &ground, findings);
    blocking(layout, site, &ground, findings);
    too_close(layout, findings);
    let charged = layout.types.iter().any(|robot_type| robot_type.battery.is_some());
    if charged && layout.chargers.is_empty() {
        findings.warning("NO_CHARGERS", "charger", || {
            "site.toml has a robot_type with a battery but no [[charger]]; name charger nodes or remove the battery"
                .to_owned()
        });
    }
}

/// The layout as any robot may use it: its main part, and what hangs off it.
struct Ground {
    ways: Ways,
    main: Vec<bool>,
    reachable: Vec<bool>,
    returning: Vec<bool>,
}

impl Ground {
    fn new(layout: &Layout) -> Self {
        let usable: Vec<bool> = layout.node_types.iter().map(|mask| *mask != 0).collect();
        let ways = ways(layout, |edge| layout.edge_types[edge.index()] != 0);
        let main = ways.largest_part(&usable);
        let root = main.iter().position(|inside| *inside).map(|root| root as u32);
        let none = vec![false; usable.len()];
        let reachable = root.map_or(none.clone(), |root| ways.reachable(root, &usable));
        let returning = root.map_or(none, |root| ways.returning(root, &usable));
        Self { ways, main, reachable, returning }
    }
}

fn ways(layout: &Layout, open: impl Fn(EdgeId) -> bool) -> Ways {
    let edges = layout.edges().filter(|edge| open(*edge));
    let ends = edges.map(|edge| (layout.edge(edge).from.0, layout.edge(edge).to.0));
    Ways::new(layout.node_count(), ends)
}

fn names(layout: &Layout, nodes: &[NodeId]) -> String {
    let shown: Vec<&str> =
        nodes.iter().take(NAMES_SHOWN_MAX).map(|node| layout.node(*node).name.as_str()).collect();
    let rest = nodes.len().saturating_sub(NAMES_SHOWN_MAX);
    if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { shown.join(", ") }
}

fn connection(layout: &Layout, findings: &mut Findings) {
    for (index, robot_type) in layout.types.iter().enumerate() {
        let id = TypeId::of(index);
        let usable: Vec<bool> = layout.nodes().map(|node| layout.admits_node(id, node)).collect();
        let main = ways(layout, |edge| layout.admits_edge(id, edge)).largest_part(&usable);
        let cut_off: Vec<NodeId> =
            layout.nodes().filter(|node| usable[node.index()] && !main[node.index()]).collect();
        if !cut_off.is_empty() {
            findings.warning("NOT_STRONGLY_CONNECTED", &robot_type.name, || {
                format!(
                    "vehicleTypeId `{}` can't drive both to and from {} of {} nodes: {}; add edges there and back",
                    robot_type.name,
                    cut_off.len(),
                    usable.iter().filter(|usable| **usable).count(),
                    names(layout, &cut_off)
                )
            });
        }
    }
}

/// Stations, chargers and parking: reached from the main part, and back to it.
fn places(layout: &Layout, ground: &Ground, findings: &mut Findings) {
    for station in &layout.stations {
        let name = &station.name;
        if !station.nodes.is_empty() && !station.nodes.iter().any(|node| ground.reachable[node.index()]) {
            findings.warning("STATION_UNREACHABLE", name, || {
                format!(
                    "key `interactionNodeIds` of station `{name}` has {}, which no robot can reach; add an edge to it \
                     (a job to this station is refused)",
                    names(layout, &station.nodes)
                )
            });
        }
        let trap = |node: &&NodeId| ground.reachable[node.index()] && !ground.returning[node.index()];
        if let Some(node) = station.nodes.iter().find(trap) {
            findings.error("STATION_DEAD_END", name, || {
                format!(
                    "key `interactionNodeIds` of station `{name}` has {}, which can be entered but not left; add an \
                     edge from it back",
                    layout.node(*node).name
                )
            });
        }
    }
    let lists = [
        ("charger", "CHARGER_UNREACHABLE", "CHARGER_DEAD_END", &layout.chargers),
        ("parking", "PARKING_UNREACHABLE", "PARKING_DEAD_END", &layout.parking),
        ("holding", "HOLDING_UNREACHABLE", "HOLDING_DEAD_END", &layout.holding),
    ];
    for (key, unreachable, dead_end, nodes) in lists {
        for node in nodes {
            let name = &layout.node(*node).name;
            if !ground.reachable[node.index()] {
                findings.warning(unreachable, name, || {
                    format!("site.toml key `{key}.nodes` has `{name}`, which no robot can reach; add an edge to it")
                });
            } else if !ground.returning[node.index()] {
                findings.error(dead_end, name, || {
                    format!("site.toml key `{key}.nodes` has `{name}`, which can be entered but not left; add an edge back")
                });
            }
        }
    }
}

/// Checks the holding nodes that are named, or chooses them; marks them.
fn holding(layout: &mut Layout, site: &SiteFile, ground: &Ground, findings: &mut Findings) {
    let cut = ground.ways.cut_nodes(&ground.main);
    if site.holding.is_empty() {
        let free = |node: &NodeId| layout.node(*node).station.is_none() && !layout.node(*node).charger;
        let safe = |node: &NodeId| ground.main[node.index()] && !cut[node.index()];
        let mut chosen: Vec<NodeId> = layout.nodes().filter(free).filter(safe).collect();
        if chosen.is_empty() {
            chosen = layout.nodes().filter(|node| layout.node(*node).station.is_none()).collect();
            findings.warning("NO_HOLDING_NODES", "holding", || {
                "the layout has no node where a robot may wait without cutting it in two; add side bays or a second \
                 way round (until then robots wait on any node that is no station)"
                    .to_owned()
            });
        }
        layout.holding = chosen;
    } else {
        if layout.holding.is_empty() {
            findings.warning("NO_HOLDING_NODES", "holding", || {
                "site.toml key `holding.nodes` names no node of the layout; name nodes where robots may wait".to_owned()
            });
        }
        for node in layout.holding.iter().filter(|node| cut[node.index()]) {
            let name = &layout.node(*node).name;
            findings.warning("HOLDING_IS_CUT", name, || {
                format!(
                    "site.toml key `holding.nodes` has `{name}`; a robot waiting there cuts the layout in two, name a \
                     side bay instead or add a way round"
                )
            });
        }
    }
    for node in layout.holding.clone() {
        node_mut(layout, node).holding = true;
    }
}

/// A robot standing on a holding or parking node that was named blocks its whole conflict set, not the node alone.
fn blocking(layout: &Layout, site: &SiteFile, ground: &Ground, findings: &mut Findings) {
    let mut named: Vec<(NodeId, &str)> = layout.parking.iter().map(|node| (*node, "parking")).collect();
    if !site.holding.is_empty() {
        named.extend(layout.holding.iter().map(|node| (*node, "holding")));
    }
    named.sort_unstable();
    named.dedup_by_key(|(node, _)| *node);
    if named.len().saturating_mul(layout.edge_count() + layout.node_count()) > BLOCKING_STEPS_MAX {
        return;
    }
    for (node, key) in named {
        if ground.main[node.index()] && blocks(layout, &ground.main, node) {
            let name = &layout.node(node).name;
            findings.warning("HOLDING_BLOCKS", name, || {
                format!(
                    "site.toml key `{key}.nodes` has `{name}`; a robot standing there keeps others from the lanes \
                     beside it and cuts the layout in two, move the node away from the lane"
                )
            });
        }
    }
}

/// Whether the part falls apart while a robot stands at a node.
pub(crate) fn blocks(layout: &Layout, part: &[bool], node: NodeId) -> bool {
    let taken = layout.node_conflicts(node);
    let mut rest = part.to_vec();
    rest[node.index()] = false;
    for other in taken.nodes {
        rest[other.index()] = false;
    }
    let open =
        |edge: EdgeId| layout.edge_types[edge.index()] != 0 && taken.edges.binary_search(&edge).is_err();
    !ways(layout, open).is_connected(&rest)
}

/// Nodes whose discs overlap though no edge joins them, or that are nearer than half a robot though one does.
fn too_close(layout: &Layout, findings: &mut Findings) {
    let width_mm = layout.types.iter().map(|robot_type| robot_type.width_mm).min().unwrap_or(0);
    for node in layout.nodes() {
        let near = layout.node_conflicts(node).nodes.iter().filter(|other| **other > node);
        for other in near {
            let (a, b) = (layout.node(node), layout.node(*other));
            let dx = i64::from(a.x_mm) - i64::from(b.x_mm);
            let dy = i64::from(a.y_mm) - i64::from(b.y_mm);
            let apart_mm = (dx * dx + dy * dy).isqrt();
            let ways = layout.out_edges(node).iter().chain(layout.in_edges(node));
            let mut ends = ways.map(|edge| layout.edge(*edge)).flat_map(|edge| [edge.from, edge.to]);
            if ends.any(|end| end == *other) && apart_mm * 2 >= i64::from(width_mm) {
                continue;
            }
            findings.warning("NODES_TOO_CLOSE", &a.name, || {
                format!(
                    "key `nodePosition` of nodes `{}` and `{}` puts them {apart_mm} mm apart, nearer than a robot is \
                     large; only one robot uses the two at a time: move them apart if that isn't meant",
                    a.name, b.name
                )
            });
        }
    }
}
