//! A floor drawn as text: `.` a node, `A`..`Z` a node with a station of that name, `,` a node for robots of the second
//! type only, blank nothing. Neighbours are joined both ways, 1.5 m apart.

use std::sync::Arc;

use drover_maps::Layout;

/// Distance of neighbours, m.
const CELL_M: f64 = 1.5;

pub fn grid(text: &str) -> Arc<Layout> {
    let rows: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let at = |x: usize, y: usize| rows.get(y).and_then(|row| row.get(x)).copied().filter(|c| *c != ' ');
    let types: &[&str] = if text.contains(',') { &["t", "u"] } else { &["t"] };
    let admitted = |cell: char| if cell == ',' { &types[1..] } else { types };
    let (mut nodes, mut edges, mut stations) = (Vec::new(), Vec::new(), Vec::new());
    for (y, row) in rows.iter().enumerate() {
        for (x, cell) in row.iter().enumerate().filter(|(_, cell)| **cell != ' ') {
            let name = format!("n{x}-{y}");
            nodes.push(serde_json::json!({"nodeId": name, "nodePosition": {"x": x as f64 * CELL_M, "y": y as f64 * CELL_M},
                "vehicleTypeNodeProperties": properties(admitted(*cell), &serde_json::json!({}))}));
            if cell.is_ascii_uppercase() {
                stations
                    .push(serde_json::json!({"stationId": cell.to_string(), "interactionNodeIds": [name]}));
            }
            for (nx, ny) in [(x + 1, y), (x, y + 1)] {
                if let Some(next) = at(nx, ny) {
                    let other = format!("n{nx}-{ny}");
                    let types = admitted(if next == ',' { next } else { *cell });
                    edges.push(edge(&name, &other, types));
                    edges.push(edge(&other, &name, types));
                }
            }
        }
    }
    let lif = serde_json::json!({
        "metaInformation": {"projectIdentification": "test", "creator": "test", "exportTimestamp": "2026-01-01T00:00:00.00Z", "lifVersion": "1.0.0"},
        "layouts": [{"layoutId": "l", "layoutVersion": "1", "nodes": nodes, "edges": edges, "stations": stations}]});
    Arc::new(drover_maps::compile(lif.to_string().as_bytes(), None).expect("the test's own data").layout)
}

fn edge(from: &str, to: &str, types: &[&str]) -> serde_json::Value {
    serde_json::json!({"edgeId": format!("{from}_{to}"), "startNodeId": from, "endNodeId": to,
        "vehicleTypeEdgeProperties": properties(types, &serde_json::json!({"rotationAllowed": true}))})
}

/// The same for each of these types.
fn properties(types: &[&str], of_each: &serde_json::Value) -> Vec<serde_json::Value> {
    let of = |name: &&str| {
        let mut property = of_each.clone();
        property["vehicleTypeId"] = (*name).into();
        property
    };
    types.iter().map(of).collect()
}
