//! The layout as the page draws it: places in centimetres, ways once for both directions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use drover_maps::{EdgeId, Layout, NodeId, Temperature};

/// The whole layout.
pub(super) fn floor(layout: &Layout) -> Value {
    let places: Vec<i32> =
        layout.nodes().flat_map(|node| [layout.node(node).x_mm / 10, layout.node(node).y_mm / 10]).collect();
    let kinds: String = layout.nodes().map(|node| kind(layout, node)).collect();
    let maps: BTreeSet<&String> = layout.nodes().map(|node| &layout.node(node).map).collect();
    let place = |node: NodeId| maps.iter().position(|map| **map == layout.node(node).map);
    let map_of: Vec<Option<usize>> =
        if maps.len() > 1 { layout.nodes().map(place).collect() } else { Vec::new() };
    json!({
        "nodes": places, "kinds": kinds, "names": layout.nodes().map(|node| &layout.node(node).name).collect::<Vec<_>>(),
        "maps": maps, "map_of": map_of,
        "edges": edges(layout), "bends": bends(layout), "zones": zones(layout),
        "stations": layout.stations().iter().map(|station| json!([station.name, station.nodes])).collect::<Vec<_>>(),
        "devices": devices(layout),
    })
}

/// One letter: station, charger, parking, or a plain node.
fn kind(layout: &Layout, node: NodeId) -> char {
    let node = layout.node(node);
    match (node.station.is_some(), node.charger, node.parking) {
        (true, _, _) => 's',
        (false, true, _) => 'c',
        (false, false, true) => 'p',
        (false, false, false) => '.',
    }
}

fn is_drawn(layout: &Layout, edge: EdgeId) -> bool {
    layout.edge(edge).twin.is_none_or(|twin| edge < twin)
}

/// From, to, and 1 if there is no way back.
fn edges(layout: &Layout) -> Vec<u32> {
    let drawn = layout.edges().filter(|edge| is_drawn(layout, *edge));
    let flat = |edge: EdgeId| {
        let edge = layout.edge(edge);
        [edge.from.0, edge.to.0, u32::from(edge.twin.is_none())]
    };
    drawn.flat_map(flat).collect()
}

/// Corner points by place in the list of ways.
fn bends(layout: &Layout) -> Value {
    let drawn = layout.edges().filter(|edge| is_drawn(layout, *edge)).enumerate();
    let bent = drawn.filter(|(_, edge)| !layout.bends(*edge).is_empty()).map(|(place, edge)| {
        let points: Vec<i32> = layout.bends(edge).iter().flatten().map(|mm| mm / 10).collect();
        (place.to_string(), json!(points))
    });
    Value::Object(bent.collect())
}

fn zones(layout: &Layout) -> Vec<Value> {
    let zone = |zone: &drover_maps::Zone| {
        let outline: Vec<i32> = zone.polygon_mm.iter().flatten().map(|mm| mm / 10).collect();
        json!([zone.name, zone.temperature.map(temperature), outline])
    };
    layout.zones().iter().map(zone).collect()
}

fn temperature(temperature: Temperature) -> &'static str {
    match temperature {
        Temperature::Frozen => "frozen",
        Temperature::Chilled => "chilled",
        Temperature::Ambient => "ambient",
    }
}

fn devices(layout: &Layout) -> Vec<Value> {
    let device = |device: &drover_maps::Device| {
        let edges = device.edges.iter().map(|edge| layout.edge(*edge));
        json!([device.name, edges.map(|edge| [edge.from, edge.to]).collect::<Vec<_>>()])
    };
    layout.devices().iter().map(device).collect()
}
