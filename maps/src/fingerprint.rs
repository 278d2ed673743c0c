//! A content hash of a compiled layout (FNV-1a, 64 bits): equal on every machine for the same files.

use crate::layout::Layout;

struct Fnv(u64);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: i64) {
        self.bytes(&number.to_le_bytes());
    }

    /// Length first, so that neighbouring texts can't run into each other.
    fn text(&mut self, text: &str) {
        self.number(text.len() as i64);
        self.bytes(text.as_bytes());
    }

    fn list(&mut self, numbers: impl ExactSizeIterator<Item = u32>) {
        self.number(numbers.len() as i64);
        for number in numbers {
            self.number(i64::from(number));
        }
    }
}

pub(crate) fn fingerprint(layout: &Layout) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    nodes(layout, &mut hash);
    edges(layout, &mut hash);
    for station in &layout.stations {
        hash.text(&station.name);
        hash.list(station.nodes.iter().map(|node| node.0));
    }
    for zone in &layout.zones {
        hash.text(&zone.name);
        hash.number(zone.temperature.map_or(-1, |temperature| temperature as i64));
    }
    for device in &layout.devices {
        hash.text(&device.name);
        hash.number(device.kind as i64);
        hash.list(device.edges.iter().map(|edge| edge.0));
    }
    for robot_type in &layout.types {
        // Debug text of a plain struct of integers and strings: stable, and no field can be forgotten.
        hash.text(&format!("{robot_type:?}"));
    }
    for travel in &layout.travel {
        hash.list(travel.iter().copied());
    }
    hash.number(layout.on_failure as i64);
    for remedies in &layout.remedies {
        hash.text(&format!("{remedies:?}"));
    }
    // Of a site without one, the fingerprint is what it was before there was the key.
    if let Some(station) = layout.returns {
        hash.text("returns");
        hash.number(i64::from(station.0));
    }
    hash.0
}

fn nodes(layout: &Layout, hash: &mut Fnv) {
    for id in layout.nodes() {
        let node = layout.node(id);
        hash.text(&node.name);
        hash.text(&node.map);
        hash.number(i64::from(node.x_mm));
        hash.number(i64::from(node.y_mm));
        hash.number(node.zone.map_or(-1, |zone| i64::from(zone.0)));
        hash.number(i64::from(node.holding) | i64::from(node.parking) << 1 | i64::from(node.charger) << 2);
        hash.number(i64::from(layout.node_types[id.index()]));
        let conflicts = layout.node_conflicts(id);
        hash.list(conflicts.nodes.iter().map(|node| node.0));
        hash.list(conflicts.edges.iter().map(|edge| edge.0));
    }
}

fn edges(layout: &Layout, hash: &mut Fnv) {
    for id in layout.edges() {
        let edge = layout.edge(id);
        hash.text(&edge.name);
        hash.number(i64::from(edge.from.0));
        hash.number(i64::from(edge.to.0));
        hash.number(i64::from(edge.length_mm));
        hash.number(i64::from(edge.heading_mdeg));
        hash.number(i64::from(edge.end_heading_mdeg));
        hash.number(i64::from(layout.edge_types[id.index()]));
        hash.list(layout.edge_conflicts(id).edges.iter().map(|edge| edge.0));
    }
}
