//! What a compiled layout tells the mind: times, turns, conflicts, places, and that it is the same every time.

#![expect(clippy::unwrap_used, reason = "a test that can't read its own data has failed")]

use drover_maps::{Compiled, EdgeId, Layout, NodeId, OnFailure, Temperature, TypeId, compile, movingai};

const LIF: &str = include_str!("corpus/small.lif.json");
const SITE: &str = include_str!("corpus/small.site.toml");
const T: TypeId = TypeId(0);

fn small() -> Layout {
    compile(LIF.as_bytes(), Some(SITE)).unwrap().layout
}

fn edge(layout: &Layout, name: &str) -> EdgeId {
    layout.edge_named(name).unwrap()
}

fn node(layout: &Layout, name: &str) -> NodeId {
    layout.node_named(name).unwrap()
}

/// Nodes at (x, y) metres and edges between them by place in the list, for the default type without a site file.
fn drawn(nodes: &[(f64, f64)], edges: &[(usize, usize)]) -> Layout {
    let nodes: Vec<_> = nodes
        .iter()
        .enumerate()
        .map(|(index, (x, y))| serde_json::json!({ "nodeId": index.to_string(), "nodePosition": { "x": x, "y": y } }))
        .collect();
    let edges: Vec<_> = edges
        .iter()
        .map(|(from, to)| {
            serde_json::json!({ "edgeId": format!("{from}-{to}"), "startNodeId": from.to_string(),
                                "endNodeId": to.to_string() })
        })
        .collect();
    let lif = serde_json::json!({ "layouts": [{ "layoutId": "L", "nodes": nodes, "edges": edges }] });
    compile(lif.to_string().as_bytes(), None).unwrap().layout
}

#[test]
fn edge_takes_its_length_at_the_slower_of_type_and_edge() {
    let layout = small();
    assert_eq!(layout.edge(edge(&layout, "ab")).length_mm, 10_000);
    assert_eq!(layout.travel_ms(T, edge(&layout, "ab")), 6_667);
    let slow = LIF.replace("\"maxSpeed\": 1.5", "\"maxSpeed\": 0.5");
    let layout = compile(slow.as_bytes(), None).unwrap().layout;
    assert_eq!(layout.travel_ms(T, edge(&layout, "ab")), 20_000);
}

#[test]
fn turns_go_the_shorter_way_and_small_ones_are_free() {
    let layout = small();
    assert_eq!(layout.turn_ms(T, 0, 90_000), 1_000);
    assert_eq!(layout.turn_ms(T, -170_000, 170_000), 223);
    assert_eq!(layout.turn_ms(T, 180_000, -180_000), 0);
    assert_eq!(layout.turn_ms(T, 0, 4_999), 0);
    assert_eq!(layout.turn_ms(T, i32::MIN, i32::MAX), layout.turn_ms(T, i32::MAX, i32::MIN));
}

#[test]
fn braking_takes_speed_squared_over_twice_the_braking() {
    assert_eq!(small().braking_mm(T), 1_608);
}

#[test]
fn curve_is_longer_than_its_chord_and_keeps_both_headings() {
    let layout = small();
    let curve = edge(&layout, "bc");
    assert!(layout.edge(curve).length_mm > 20_000);
    assert_eq!(layout.bends(curve), [[12_000, 10_000]]);
    let (start, end) = (layout.edge(curve).heading_mdeg, layout.edge(curve).end_heading_mdeg);
    assert!(start < 90_000 && end > 90_000, "{start} {end}");
}

#[test]
fn places_of_the_site_file_are_marked() {
    let layout = small();
    assert_eq!(layout.chargers(), [node(&layout, "c")]);
    assert_eq!(layout.parking(), [node(&layout, "d")]);
    assert_eq!(layout.holding(), [node(&layout, "a"), node(&layout, "d")]);
    assert_eq!(layout.zone_of(node(&layout, "b")).unwrap().temperature, Some(Temperature::Chilled));
    assert_eq!(layout.zone_of(node(&layout, "d")).unwrap().temperature, Some(Temperature::Frozen));
    assert_eq!(layout.zone_of(node(&layout, "c")), None);
    assert_eq!(layout.on_failure(), OnFailure::Skip);
    assert_eq!(layout.robot_type(T).battery.as_ref().unwrap().low_pct, 30);
    assert_eq!(layout.edge(edge(&layout, "lift-up")).device, Some(0));
    assert_eq!(layout.nearest_node(9_000, 1_000), Some((node(&layout, "b"), 1_414)));
}

#[test]
fn robots_on_two_levels_never_conflict() {
    let layout = small();
    let up = node(&layout, "up");
    assert!(layout.node_conflicts(up).nodes.is_empty());
    assert!(!layout.node_conflicts(node(&layout, "a")).edges.is_empty());
    assert_eq!(layout.node(up).map, "M");
    assert_eq!(layout.node(node(&layout, "a")).map, "0");
}

/// Disc of 900 x 600 mm with margins: radius 591 mm.
#[test]
fn nodes_conflict_when_their_turning_circles_overlap() {
    for (apart_m, conflicts) in [(1.17, true), (1.19, false)] {
        let layout = drawn(&[(0.0, 0.0), (apart_m, 0.0)], &[]);
        assert_eq!(!layout.node_conflicts(NodeId(0)).nodes.is_empty(), conflicts, "{apart_m}");
    }
}

/// Half a width with margin each side: 350 + 350 mm.
#[test]
fn lanes_conflict_when_their_robots_would_touch() {
    for (apart_m, conflicts) in [(0.69, true), (0.70, false), (0.71, false)] {
        let nodes = [(0.0, 0.0), (10.0, 0.0), (0.0, apart_m), (10.0, apart_m)];
        let layout = drawn(&nodes, &[(0, 1), (3, 2)]);
        assert_eq!(!layout.edge_conflicts(EdgeId(0)).edges.is_empty(), conflicts, "{apart_m}");
    }
}

#[test]
fn long_diagonals_conflict_where_they_cross_and_nowhere_else() {
    let nodes =
        [(0.0, 0.0), (90.0, 90.0), (0.0, 90.0), (90.0, 0.0), (44.0, 46.0), (20.0, 70.0), (70.0, 65.0)];
    let layout = drawn(&nodes, &[(0, 1), (2, 3)]);
    assert_eq!(layout.edge_conflicts(EdgeId(0)).edges, [EdgeId(1)]);
    assert_eq!(layout.node_conflicts(NodeId(4)).edges, [EdgeId(1)]);
    assert_eq!(layout.node_conflicts(NodeId(5)).edges, [EdgeId(1)]);
    assert_eq!(layout.node_conflicts(NodeId(6)).edges, []);
}

#[test]
fn conflicts_are_mutual_and_hold_ends_and_twin() {
    let layout = small();
    for one in layout.edges() {
        let conflicts = layout.edge_conflicts(one);
        assert!(conflicts.edges.iter().all(|other| layout.edge_conflicts(*other).edges.contains(&one)));
        assert!(conflicts.nodes.iter().all(|node| layout.node_conflicts(*node).edges.contains(&one)));
    }
    assert!(layout.edge_conflicts(edge(&layout, "ab")).edges.contains(&edge(&layout, "ba")));
}

#[test]
fn fingerprint_changes_with_the_ground_and_with_nothing_else() {
    let layout = small();
    assert_eq!(layout.fingerprint(), small().fingerprint());
    let moved = LIF.replacen("10.0", "10.001", 1);
    assert_ne!(layout.fingerprint(), compile(moved.as_bytes(), Some(SITE)).unwrap().layout.fingerprint());
    let spaced = LIF.replace('\n', " \n");
    assert_eq!(layout.fingerprint(), compile(spaced.as_bytes(), Some(SITE)).unwrap().layout.fingerprint());
    let robot = format!("{SITE}\n[[robot]]\nmanufacturer = \"m\"\nserial = \"2\"\ntype = \"t\"\n");
    assert_eq!(layout.fingerprint(), compile(LIF.as_bytes(), Some(&robot)).unwrap().layout.fingerprint());
}

fn imported(map: &str) -> Compiled {
    let drawing = movingai::import(map, &movingai::Options::default()).unwrap();
    compile(drawing.lif.as_bytes(), Some(&drawing.site)).unwrap()
}

#[test]
fn grid_map_becomes_a_node_a_cell_and_edges_both_ways() {
    let compiled = imported("type octile\nheight 2\nwidth 3\nmap\n.E.\n.@.\n");
    assert_eq!(compiled.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [] as [&str; 0]);
    let layout = compiled.layout;
    assert_eq!((layout.node_count(), layout.edge_count()), (5, 8));
    let station = layout.station(layout.station_named("E-1").unwrap());
    assert_eq!(layout.node(station.nodes[0]).y_mm, 1_000);
    assert_eq!(layout.node(node(&layout, "c5")).x_mm, 2_000);
    assert!(layout.nodes().all(|node| layout.node_conflicts(node).nodes.is_empty()));
    assert!(layout.edges().all(|edge| layout.edge(edge).twin.is_some()));
}

#[test]
fn benchmark_warehouse_has_a_node_for_every_free_cell_and_none_conflicts() {
    let Ok(data) = std::env::var("DROVER_DATA") else {
        println!("skipped: DROVER_DATA does not name the folder of official data");
        return;
    };
    let path = std::path::Path::new(&data).join("mapf/warehouse-10000/map.map");
    let map = std::fs::read_to_string(path).unwrap();
    let compiled = imported(&map);
    assert_eq!(compiled.layout.node_count(), 38_586);
    assert!(compiled.layout.nodes().all(|node| compiled.layout.node_conflicts(node).nodes.is_empty()));
}
