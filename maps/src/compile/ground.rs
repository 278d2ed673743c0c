//! The LIF's part: nodes, edges, stations, their geometry and who may use them.

use std::collections::BTreeMap;

use nalgebra::Point2;
use petgraph::graph::NodeIndex;

use crate::finding::Findings;
use crate::footprint::{Body, Room, Shape, edge_body};
use crate::ids::{EdgeId, NodeId, StationId};
use crate::layout::{Edge, Layout, Node, Rows, Station};
use crate::{lif, limits};

/// Fills in the graph, the stations, the travel times; gives the shapes of nodes, then edges.
pub(super) fn lay(file: &lif::File, layout: &mut Layout, findings: &mut Findings) -> Vec<Shape> {
    // A file that names no vehicle type at all is open to the default type everywhere.
    let unnamed = file.layouts.iter().all(|part| {
        part.nodes.iter().all(|node| node.vehicle_type_node_properties.is_empty())
            && part.edges.iter().all(|edge| edge.vehicle_type_edge_properties.is_empty())
    });
    let mut ground = Ground { layout, findings, shapes: vec![], maps: BTreeMap::new(), unnamed };
    for part in &file.layouts {
        for node in &part.nodes {
            ground.node(part, node);
        }
    }
    ground.layout.travel = vec![vec![]; ground.layout.types.len()];
    for part in &file.layouts {
        for edge in &part.edges {
            ground.edge(edge);
        }
    }
    for part in &file.layouts {
        for station in &part.stations {
            ground.station(station);
        }
    }
    let Ground { shapes, .. } = ground;
    index_edges(layout);
    shapes
}

struct Ground<'a> {
    layout: &'a mut Layout,
    findings: &'a mut Findings,
    shapes: Vec<Shape>,
    maps: BTreeMap<String, u32>,
    unnamed: bool,
}

impl Ground<'_> {
    fn node(&mut self, part: &lif::LayoutPart, node: &lif::Node) {
        let name = &node.node_id;
        if name.is_empty() || name.len() > limits::ID_BYTES_MAX {
            let shown: String = name.chars().take(40).collect();
            return self.findings.error("BAD_NODE_ID", &shown, || {
                format!(
                    "key `nodeId` is empty or longer than {} bytes; write a shorter id",
                    limits::ID_BYTES_MAX
                )
            });
        }
        if self.layout.node_names.contains_key(name) {
            return self.findings.error("DUPLICATE_NODE", name, || {
                format!("key `nodes[].nodeId` has `{name}` twice; rename one of them, ids are unique in the whole file")
            });
        }
        let Some([x_mm, y_mm]) = millimetres(node.node_position) else {
            let lif::Position { x, y } = node.node_position;
            return self.findings.error("COORDINATE_OUT_OF_RANGE", name, || {
                format!(
                    "key `nodePosition` of node `{name}` is ({x}, {y}); write metres within +-{}",
                    limits::COORDINATE_M_MAX
                )
            });
        };
        for property in &node.vehicle_type_node_properties {
            check_angle(property.theta, "theta", name, self.findings);
        }
        let mask =
            self.mask(node.vehicle_type_node_properties.iter().map(|property| &property.vehicle_type_id));
        if mask == 0 {
            self.findings.warning("NODE_WITHOUT_TYPES", name, || {
                format!("key `vehicleTypeNodeProperties` of node `{name}` is empty; no robot may use it, add a type")
            });
        }
        let map = map_of(part, node);
        let id = NodeId::of(self.layout.graph.node_count());
        let next = self.maps.len() as u32;
        let map_index = *self.maps.entry(map.clone()).or_insert(next);
        let radius = Room::of(&self.layout.types, mask).radius;
        let centre = Point2::new(f64::from(x_mm), f64::from(y_mm));
        self.shapes.push(Shape { map: map_index, body: Body::Disc(centre, radius) });
        self.layout.node_types.push(mask);
        self.layout.node_names.insert(name.clone(), id);
        self.layout.graph.add_node(Node {
            name: name.clone(),
            map,
            x_mm,
            y_mm,
            zone: None,
            holding: false,
            parking: false,
            charger: false,
            station: None,
        });
    }

    fn edge(&mut self, edge: &lif::Edge) {
        let name = &edge.edge_id;
        if name.is_empty() || name.len() > limits::ID_BYTES_MAX {
            let shown: String = name.chars().take(40).collect();
            return self.findings.error("BAD_EDGE_ID", &shown, || {
                format!(
                    "key `edgeId` is empty or longer than {} bytes; write a shorter id",
                    limits::ID_BYTES_MAX
                )
            });
        }
        if self.layout.edge_names.contains_key(name) {
            return self.findings.error("DUPLICATE_EDGE", name, || {
                format!("key `edges[].edgeId` has `{name}` twice; rename one of them, ids are unique in the whole file")
            });
        }
        let ends = [("startNodeId", &edge.start_node_id), ("endNodeId", &edge.end_node_id)];
        for (key, wanted) in ends {
            if self.layout.node_named(wanted).is_none() {
                return self.findings.error("EDGE_TO_NOWHERE", name, || {
                    format!("key `{key}` of edge `{name}` is `{wanted}`, which is no node; add it or remove the edge")
                });
            }
        }
        let [Some(from), Some(to)] = ends.map(|(_, wanted)| self.layout.node_named(wanted)) else { return };
        let points = self.points(edge, from, to);
        let (length, headings) = measure(&points);
        let changes_map = self.layout.node(from).map != self.layout.node(to).map;
        if from == to || (length < 0.5 && !changes_map) {
            return self.findings.error("EDGE_ZERO_LENGTH", name, || {
                format!(
                    "keys `startNodeId`, `endNodeId` of edge `{name}` are `{}` and `{}` at one place; move a node or \
                     remove the edge",
                    edge.start_node_id, edge.end_node_id
                )
            });
        }
        if length > f64::from(limits::EDGE_MM_MAX) {
            return self.findings.error("EDGE_TOO_LONG", name, || {
                let (metres, max) = (length as u64 / 1_000, limits::EDGE_MM_MAX / 1_000);
                format!(
                    "edge `{name}` is {metres} m long; check the nodes' metres or add nodes every {max} m"
                )
            });
        }
        self.lay_edge(edge, [from, to], &points, length.round().max(1.0) as u32, headings);
    }

    fn lay_edge(
        &mut self,
        edge: &lif::Edge,
        [from, to]: [NodeId; 2],
        points: &[Point2<f64>],
        length_mm: u32,
        headings: [i32; 2],
    ) {
        let id = EdgeId::of(self.layout.graph.edge_count());
        let mask = self.edge_mask(edge, from, to);
        self.travel_times(edge, length_mm);
        let Shape { map, .. } = self.shapes[from.index()];
        let room = Room::of(&self.layout.types, mask);
        self.shapes.push(Shape { map, body: edge_body(points, room) });
        self.layout.edge_types.push(mask);
        self.layout.edge_names.insert(edge.edge_id.clone(), id);
        if points.len() > 2 {
            let bends =
                points[1..points.len() - 1].iter().map(|point| [point.x as i32, point.y as i32]).collect();
            self.layout.bends.insert(id, bends);
        }
        let [heading_mdeg, end_heading_mdeg] = headings;
        let (twin, device) = (None, None);
        self.layout.graph.add_edge(
            NodeIndex::new(from.index()),
            NodeIndex::new(to.index()),
            Edge {
                name: edge.edge_id.clone(),
                from,
                to,
                length_mm,
                heading_mdeg,
                end_heading_mdeg,
                twin,
                device,
            },
        );
    }

    /// Corner points from node to node, along the first trajectory given.
    fn points(&mut self, edge: &lif::Edge, from: NodeId, to: NodeId) -> Vec<Point2<f64>> {
        let at = |node: &Node| [node.x_mm, node.y_mm];
        let mut corners = vec![at(self.layout.node(from))];
        let curves =
            edge.vehicle_type_edge_properties.iter().filter_map(|property| property.trajectory.as_ref());
        for curve in curves.take(1) {
            let given = &curve.control_points;
            let inner: Option<Vec<[i32; 2]>> = given.iter().map(|point| millimetres(*point)).collect();
            match inner {
                Some(inner) if given.len() <= limits::CONTROL_POINTS_MAX => corners.extend(inner),
                Some(_) | None => self.findings.error("BAD_TRAJECTORY", &edge.edge_id, || {
                    format!(
                        "key `trajectory.controlPoints` of edge `{}` has a point out of range or more than {} points; \
                         draw the curve with fewer points in metres",
                        edge.edge_id,
                        limits::CONTROL_POINTS_MAX
                    )
                }),
            }
        }
        corners.push(at(self.layout.node(to)));
        corners.dedup();
        if corners.len() == 1 {
            corners.push(corners[0]);
        }
        corners.iter().map(|[x, y]| Point2::new(f64::from(*x), f64::from(*y))).collect()
    }

    fn mask<'n>(&self, names: impl Iterator<Item = &'n String>) -> u32 {
        if self.unnamed {
            return 1;
        }
        names.filter_map(|name| self.layout.type_named(name)).fold(0, |mask, id| mask | 1 << id.0)
    }

    /// Types that may use the edge and both its ends, and that no load restriction shuts out.
    fn edge_mask(&mut self, edge: &lif::Edge, from: NodeId, to: NodeId) -> u32 {
        let name = &edge.edge_id;
        for property in &edge.vehicle_type_edge_properties {
            check_angle(property.vehicle_orientation, "vehicleOrientation", name, self.findings);
        }
        let usable = |property: &&lif::EdgeProperty| {
            property.load_restriction.is_none_or(|restriction| restriction.loaded && restriction.unloaded)
        };
        let properties = &edge.vehicle_type_edge_properties;
        if properties.iter().filter(usable).count() < properties.len() {
            self.findings.warning("EDGE_WITH_LOAD_RESTRICTION", name, || {
                format!(
                    "key `loadRestriction` of edge `{name}` is not true for both loaded and unloaded; ways are not \
                     chosen by load, so the edge is closed to that type: allow both or remove it"
                )
            });
        }
        let types = properties.iter().filter(usable).map(|property| &property.vehicle_type_id);
        let mask = self.mask(types);
        if mask == 0 && properties.is_empty() {
            self.findings.warning("EDGE_WITHOUT_TYPES", name, || {
                format!("key `vehicleTypeEdgeProperties` of edge `{name}` is empty; no robot may use it, add a type")
            });
        }
        let both = self.layout.node_types[from.index()] & self.layout.node_types[to.index()];
        if mask & !both != 0 {
            self.findings.warning("EDGE_TYPE_NOT_AT_NODES", name, || {
                format!(
                    "key `vehicleTypeEdgeProperties` of edge `{name}` admits a type that its end nodes don't; that \
                     type won't use it, add it to the nodes"
                )
            });
        }
        mask & both
    }

    fn travel_times(&mut self, edge: &lif::Edge, length_mm: u32) {
        for (index, robot_type) in self.layout.types.iter().enumerate() {
            let property = edge
                .vehicle_type_edge_properties
                .iter()
                .find(|property| property.vehicle_type_id == robot_type.name);
            let mut speed_mm_s = robot_type.speed_mm_s;
            if let Some(limit) = property.and_then(|property| property.max_speed) {
                if limit >= 0.001 {
                    speed_mm_s = speed_mm_s.min((limit * 1_000.0).min(1e9).floor() as u32).max(1);
                } else {
                    self.findings.error("SPEED_OUT_OF_RANGE", &edge.edge_id, || {
                        format!(
                            "key `maxSpeed` of edge `{}` is {limit}; write metres per second above 0, or leave it out",
                            edge.edge_id
                        )
                    });
                }
            }
            let ms = (u64::from(length_mm) * 1_000).div_ceil(u64::from(speed_mm_s)).max(1);
            self.layout.travel[index].push(u32::try_from(ms).unwrap_or(u32::MAX));
        }
    }

    fn station(&mut self, station: &lif::Station) {
        let name = &station.station_id;
        if self.layout.station_names.contains_key(name) {
            return self.findings.error("DUPLICATE_STATION", name, || {
                format!("key `stations[].stationId` has `{name}` twice; rename one of them")
            });
        }
        let id = StationId::of(self.layout.stations.len());
        let mut nodes = vec![];
        for wanted in &station.interaction_node_ids {
            match self.layout.node_named(wanted) {
                Some(node) => nodes.push(node),
                None => self.findings.error("UNKNOWN_NODE", name, || {
                    format!("key `interactionNodeIds` of station `{name}` has `{wanted}`, which is no node; correct it")
                }),
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        if nodes.is_empty() {
            self.findings.error("STATION_WITHOUT_NODES", name, || {
                format!("key `interactionNodeIds` of station `{name}` has no node of the layout; name at least one")
            });
        }
        for node in &nodes {
            let place = &mut self.layout.graph[NodeIndex::new(node.index())];
            if let Some(other) = place.station {
                let other = &self.layout.stations[other.index()].name;
                self.findings.warning("NODE_OF_TWO_STATIONS", name, || {
                    format!(
                        "key `interactionNodeIds` of station `{name}` has `{}`, which station `{other}` has too; give \
                         each its own node, or the two are never served at once",
                        place.name
                    )
                });
            } else {
                place.station = Some(id);
            }
        }
        self.layout.station_names.insert(name.clone(), id);
        self.layout.stations.push(Station { name: name.clone(), nodes });
    }
}

/// LIF: robots on one level share the ground, however the level is cut into layouts.
fn map_of(part: &lif::LayoutPart, node: &lif::Node) -> String {
    let level = node.map_id.as_ref().or(part.layout_level_id.as_ref());
    level.unwrap_or(&part.layout_id).clone()
}

/// Metres to whole mm; none outside the range a layout may have.
pub(super) fn millimetres(position: lif::Position) -> Option<[i32; 2]> {
    let fits = |metres: f64| metres.abs() <= limits::COORDINATE_M_MAX;
    let whole = |metres: f64| (metres * 1_000.0).round() as i32;
    (fits(position.x) && fits(position.y)).then(|| [whole(position.x), whole(position.y)])
}

fn check_angle(angle: Option<f64>, key: &str, subject: &str, findings: &mut Findings) {
    // A hair above pi is rounding, not degrees.
    let Some(angle) = angle.filter(|angle| angle.abs() > std::f64::consts::PI + 0.001) else { return };
    findings.warning("ANGLE_LOOKS_LIKE_DEGREES", subject, || {
        format!(
            "key `{key}` at `{subject}` is {angle}, beyond +-pi; LIF angles are radians: multiply by pi / 180"
        )
    });
}

/// Length of a way, mm, and its headings at start and end, thousandths of a degree.
fn measure(points: &[Point2<f64>]) -> (f64, [i32; 2]) {
    let mut length = 0.0;
    for ends in points.windows(2) {
        let way = ends[1] - ends[0];
        length += way.dot(&way).sqrt();
    }
    let heading = |from: Point2<f64>, to: Point2<f64>| {
        ((to.y - from.y).atan2(to.x - from.x).to_degrees() * 1_000.0).round() as i32
    };
    let last = points.len() - 1;
    (length, [heading(points[0], points[1]), heading(points[last - 1], points[last])])
}

fn index_edges(layout: &mut Layout) {
    let ends: Vec<(NodeId, NodeId)> = layout.graph.edge_weights().map(|edge| (edge.from, edge.to)).collect();
    let mut first: BTreeMap<(NodeId, NodeId), EdgeId> = BTreeMap::new();
    for (index, &ends) in ends.iter().enumerate() {
        first.entry(ends).or_insert(EdgeId::of(index));
    }
    for (index, edge) in layout.graph.edge_weights_mut().enumerate() {
        edge.twin = first.get(&(ends[index].1, ends[index].0)).copied();
    }
    let by = |end: fn(&(NodeId, NodeId)) -> NodeId| {
        ends.iter().enumerate().map(|(index, ends)| (end(ends).0, EdgeId::of(index))).collect()
    };
    layout.out = Rows::from_pairs(layout.graph.node_count(), by(|ends| ends.0));
    layout.inward = Rows::from_pairs(layout.graph.node_count(), by(|ends| ends.1));
}

/// Pairs that conflict whatever their shapes: an edge with both its ends and with the edges back.
pub(super) fn always_conflicting(layout: &Layout) -> Vec<(u32, u32)> {
    let nodes = layout.node_count() as u32;
    let mut pairs = vec![];
    for (index, edge) in layout.graph.edge_weights().enumerate() {
        let place = nodes + index as u32;
        pairs.extend([(edge.from.0, place), (edge.to.0, place)]);
        pairs.extend(edge.twin.map(|twin| (nodes + twin.0, place)));
    }
    pairs
}
