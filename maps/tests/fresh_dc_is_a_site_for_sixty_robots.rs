//! The committed site `sites/fresh-dc`: fresh, without findings, and laid out so that standing robots are in no one's way.

#![expect(clippy::unwrap_used, reason = "a test that can't read its own data has failed")]

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::path::{Path, PathBuf};

use drover_maps::{Compiled, DeviceKind, Layout, NodeId, Temperature, TypeId, compile, generate};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sites/fresh-dc")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn site() -> Compiled {
    compile(read("layout.lif.json").as_bytes(), Some(&read("site.toml"))).unwrap()
}

fn layout() -> Layout {
    site().layout
}

/// Shortest distances from a node, mm.
fn distances(layout: &Layout, from: NodeId) -> Vec<u64> {
    let mut best = vec![u64::MAX; layout.node_count()];
    best[from.index()] = 0;
    let mut queue = BinaryHeap::from([Reverse((0, from))]);
    while let Some(Reverse((distance, node))) = queue.pop() {
        if distance > best[node.index()] {
            continue;
        }
        for edge in layout.out_edges(node).iter().map(|edge| layout.edge(*edge)) {
            let next = distance + u64::from(edge.length_mm);
            if next < best[edge.to.index()] {
                best[edge.to.index()] = next;
                queue.push(Reverse((next, edge.to)));
            }
        }
    }
    best
}

fn stations_named(layout: &Layout, prefix: &str) -> Vec<NodeId> {
    let named = layout.stations().iter().filter(|station| station.name.starts_with(prefix));
    named.map(|station| station.nodes[0]).collect()
}

#[test]
fn committed_files_are_what_the_generator_draws() {
    let drawing = generate::fresh_dc();
    let mend = "run `cargo run -p drover-maps --example draw_fresh_dc`";
    assert!(read("layout.lif.json") == drawing.lif, "layout.lif.json is stale: {mend}");
    assert!(read("site.toml") == drawing.site, "site.toml is stale: {mend}");
}

#[test]
fn it_has_no_findings() {
    assert_eq!(site().findings, []);
}

#[test]
fn it_is_as_large_as_promised() {
    let layout = layout();
    assert!((650..=900).contains(&layout.node_count()));
    for zone in ["F", "C", "A"] {
        assert!(stations_named(&layout, &format!("PICK-{zone}-")).len() >= 20);
    }
    assert!((1..=12).all(|number| layout.station_named(&format!("DOCK-{number:02}")).is_some()));
    assert!(layout.chargers().len() >= 10);
    let places: BTreeSet<NodeId> = layout.parking().iter().chain(layout.holding()).copied().collect();
    assert!(places.len() >= 60);
    assert_eq!(layout.robots().len(), 60);
    assert_eq!(layout.robots()[59].serial, "r60");
    let temperatures: BTreeSet<_> = layout.zones().iter().filter_map(|zone| zone.temperature).collect();
    assert_eq!(temperatures.len(), 3);
    assert!(layout.nodes().all(|node| layout.zone_of(node).is_some()));
}

#[test]
fn edges_run_from_half_a_metre_to_twelve() {
    let layout = layout();
    let lengths: BTreeSet<u32> = layout.edges().map(|edge| layout.edge(edge).length_mm).collect();
    assert_eq!((lengths.first(), lengths.last()), (Some(&500), Some(&12_000)));
}

#[test]
fn mean_way_from_pick_to_dock_is_over_forty_metres() {
    let layout = layout();
    let docks = stations_named(&layout, "DOCK-");
    let (mut total, mut legs) = (0, 0);
    for pick in stations_named(&layout, "PICK-") {
        let distances = distances(&layout, pick);
        total += docks.iter().map(|dock| distances[dock.index()]).sum::<u64>();
        legs += docks.len() as u64;
    }
    println!("mean pick to dock: {} mm over {legs} legs", total / legs);
    assert!(total / legs >= 40_000);
}

#[test]
fn neighbouring_zones_have_two_doors_or_more_between_them() {
    let layout = layout();
    let name = |node: NodeId| layout.zone_of(node).unwrap().name.clone();
    for (a, b, least) in [
        ("freezer", "chilled", 2),
        ("chilled", "ambient", 2),
        ("freezer", "dock-hall", 3),
        ("chilled", "dock-hall", 3),
        ("ambient", "dock-hall", 3),
    ] {
        for (from, to) in [(a, b), (b, a)] {
            let crossing = layout.edges().map(|edge| layout.edge(edge));
            let crossing = crossing.filter(|edge| name(edge.from) == from && name(edge.to) == to);
            let doors: Vec<_> = crossing.map(|edge| edge.device.unwrap()).collect();
            assert!(doors.len() >= least, "{from} to {to} has {} doors", doors.len());
        }
    }
    assert!(layout.devices().iter().all(|device| device.kind == DeviceKind::Door));
}

/// A robot in a bay, at a dock or on a charger takes nothing from the lanes: only its own way in and out.
#[test]
fn a_standing_robot_takes_only_its_own_way_in_and_out() {
    let layout = layout();
    let stations = layout.stations().iter().map(|station| station.nodes[0]);
    let places: Vec<NodeId> =
        stations.chain(layout.holding().iter().copied()).chain(layout.chargers().iter().copied()).collect();
    for place in places {
        let own: BTreeSet<NodeId> =
            layout.node_conflicts(place).nodes.iter().copied().chain([place]).collect();
        let through = own.iter().filter(|node| layout.in_edges(**node).len() > 2).count();
        assert_eq!(through, 0, "{} stands on a crossing", layout.node(place).name);
        for edge in layout.node_conflicts(place).edges {
            let edge = layout.edge(*edge);
            let is_own = own.contains(&edge.from) || own.contains(&edge.to);
            assert!(is_own, "{} blocks {}", layout.node(place).name, edge.name);
        }
        let bays =
            own.iter().filter(|node| layout.node(**node).holding || layout.node(**node).charger).count();
        assert!(bays <= 1, "{} shares its room with another place", layout.node(place).name);
    }
}

#[test]
fn lanes_side_by_side_do_not_conflict() {
    let layout = layout();
    for id in layout.edges() {
        let edge = layout.edge(id);
        for other in layout.edge_conflicts(id).edges {
            let other = layout.edge(*other);
            let ends = [other.from, other.to];
            let near = ends.contains(&edge.from) || ends.contains(&edge.to);
            let opposite = (edge.heading_mdeg - other.heading_mdeg).rem_euclid(360_000) == 180_000;
            assert!(near || !opposite, "{} conflicts with {}", edge.name, other.name);
        }
    }
}

/// Nodes that reach `root` and are reached from it while one edge is shut.
fn connected_without(layout: &Layout, root: NodeId, shut: usize) -> Vec<bool> {
    let walk = |forward: bool| {
        let mut seen = vec![false; layout.node_count()];
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if std::mem::replace(&mut seen[node.index()], true) {
                continue;
            }
            let edges = if forward { layout.out_edges(node) } else { layout.in_edges(node) };
            for edge in edges.iter().filter(|edge| edge.index() != shut) {
                stack.push(if forward { layout.edge(*edge).to } else { layout.edge(*edge).from });
            }
        }
        seen
    };
    walk(true).into_iter().zip(walk(false)).map(|(there, back)| there && back).collect()
}

#[test]
fn one_shut_edge_costs_no_more_than_the_stations_of_its_aisle() {
    let layout = layout();
    let roots = ["WAIT-C-01", "WAIT-A-10"].map(|name| layout.node_named(name).unwrap());
    for id in layout.edges() {
        let lost = |root: NodeId| {
            let connected = connected_without(&layout, root, id.index());
            layout.stations().iter().filter(|station| !connected[station.nodes[0].index()]).count()
        };
        let lost = roots.map(lost).into_iter().min().unwrap();
        assert!(lost <= 6, "{} costs {lost} stations", layout.edge(id).name);
    }
}

#[test]
fn a_type_drives_an_hour_and_charges_in_six_minutes() {
    let layout = layout();
    let tote = layout.robot_type(TypeId(0));
    assert_eq!(tote.name, "tote-amr");
    assert_eq!(tote.capabilities.as_deref(), Some(["cold".to_owned(), "frozen".to_owned()].as_slice()));
    let battery = tote.battery.as_ref().unwrap();
    assert_eq!(battery.capacity_wh * 70 / 100 * 60 / battery.drive_w, 60);
    assert_eq!(battery.capacity_wh * 50 / 100 * 60 / battery.charge_w, 6);
}

#[test]
fn picks_stand_in_the_zone_of_their_name() {
    let layout = layout();
    for (prefix, temperature) in
        [("PICK-F", Temperature::Frozen), ("PICK-C", Temperature::Chilled), ("PICK-A", Temperature::Ambient)]
    {
        for node in stations_named(&layout, prefix) {
            assert_eq!(layout.zone_of(node).unwrap().temperature, Some(temperature));
        }
    }
}
