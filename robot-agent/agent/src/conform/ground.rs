//! Where the robot under test may be sent: nodes and the edges between them, of a layout or made up ahead of it.
//!
//! It never proposes a node that isn't on the ground it was given, however wrong the order is meant to be.

use drover_maps::{Layout, TypeId};
use std::collections::VecDeque;

/// Nodes of a made-up line, the robot's own included.
pub(crate) const LINE_NODES: usize = 4;
/// A robot this near to a node stands on it, metres.
const NEAR_M: f64 = 0.3;
/// Two edges this alike in distance are the same lane, metres.
const LANE_M: f64 = 0.1;
/// Shorter edges of a layout aren't driven, millimetres.
const EDGE_MIN_MM: u32 = 300;
/// The longest path a rule asks for, in edges.
const PATH_MAX: usize = 3;
/// What an end without a way on costs, metres.
const DEAD_END_M: f64 = 1_000.0;

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stop {
    pub id: String,
    pub map: String,
    pub x_m: f64,
    pub y_m: f64,
}

impl Stop {
    pub fn distance_m(&self, x_m: f64, y_m: f64) -> f64 {
        (self.x_m - x_m).hypot(self.y_m - y_m)
    }
}

#[derive(Clone, Debug)]
struct Way {
    to: usize,
    edge_id: String,
}

/// Nodes in driving order and the edges between them, one less.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    pub stops: Vec<Stop>,
    pub edge_ids: Vec<String>,
}

impl Path {
    /// A part of it, from one node to another, both included.
    pub fn part(&self, from: usize, to: usize) -> Self {
        Self { stops: self.stops[from..=to].to_vec(), edge_ids: self.edge_ids[from..to].to_vec() }
    }
}

/// Where the robot says it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub node_id: String,
    /// Map, x and y in metres; `None`: the robot doesn't say.
    pub pose: Option<(String, f64, f64)>,
}

/// Nodes and the ways between them.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    stops: Vec<Stop>,
    ways: Vec<Vec<Way>>,
    home: usize,
}

impl Ground {
    /// A straight line from this node on, `step_m` between nodes, to be driven both ways.
    pub fn line(first: Stop, theta_rad: f64, step_m: f64, name: &str) -> Self {
        let along = |index: usize| Stop {
            id: format!("{name}-{index}"),
            map: first.map.clone(),
            x_m: first.x_m + theta_rad.cos() * step_m * index as f64,
            y_m: first.y_m + theta_rad.sin() * step_m * index as f64,
        };
        let mut stops: Vec<Stop> = (0..LINE_NODES).map(along).collect();
        stops[0].id.clone_from(&first.id);
        let near = |index: usize| {
            let neighbours = [index.checked_sub(1), Some(index + 1).filter(|next| *next < LINE_NODES)];
            let way = |to: usize| Way { to, edge_id: format!("{name}-{index}-{to}") };
            neighbours.into_iter().flatten().map(way).collect()
        };
        Self { ways: (0..LINE_NODES).map(near).collect(), stops, home: 0 }
    }

    /// The straight edges of a layout that this kind of robot may drive and that no door bars.
    pub fn of_layout(layout: &Layout, kind: Option<TypeId>) -> Self {
        let stop = |node| {
            let node = layout.node(node);
            let (x_m, y_m) = (f64::from(node.x_mm) / 1_000.0, f64::from(node.y_mm) / 1_000.0);
            Stop { id: node.name.clone(), map: node.map.clone(), x_m, y_m }
        };
        let ways = layout.nodes().map(|node| {
            let edges = layout.out_edges(node).iter().filter(|edge| {
                let is_straight = layout.bends(**edge).is_empty() && layout.edge(**edge).device.is_none();
                is_straight
                    && layout.edge(**edge).length_mm >= EDGE_MIN_MM
                    && kind.is_none_or(|kind| layout.admits_edge(kind, **edge))
            });
            let way = |edge: &_| {
                let edge = layout.edge(*edge);
                Way { to: edge.to.index(), edge_id: edge.name.clone() }
            };
            edges.map(way).collect()
        });
        Self { stops: layout.nodes().map(stop).collect(), ways: ways.collect(), home: 0 }
    }

    /// Paths stay near the node the robot stands on; the error names the nearest.
    pub fn settle_at(&mut self, place: &Place) -> Result<(), String> {
        if let Some(at) = self.at(place) {
            self.home = at;
            return Ok(());
        }
        let Some((map, x_m, y_m)) = &place.pose else {
            return Err(format!(
                "the robot says no position, and its lastNodeId {:?} isn't there",
                place.node_id
            ));
        };
        let near =
            self.stops.iter().min_by(|a, b| a.distance_m(*x_m, *y_m).total_cmp(&b.distance_m(*x_m, *y_m)));
        let near = near
            .map(|stop| format!("; the nearest is {}, {:.1} m away", stop.id, stop.distance_m(*x_m, *y_m)));
        let near = near.unwrap_or_default();
        Err(format!("the robot is at ({x_m:.2}, {y_m:.2}) on map {map:?}, on no node of it{near}"))
    }

    /// The mean length of the edges near home, metres.
    pub fn edge_m(&self) -> f64 {
        let path = self.best(self.home, PATH_MAX).or_else(|| self.best(self.home, 1)).unwrap_or_default();
        let length: f64 = path.windows(2).map(|pair| self.between_m(pair[0], pair[1])).sum();
        length / path.len().saturating_sub(1).max(1) as f64
    }

    /// The node the paths stay near.
    pub fn home(&self) -> &Stop {
        &self.stops[self.home]
    }

    /// A path of this many nodes from where the robot is, each node once. `None`: there isn't one from here.
    pub fn path(&self, place: &Place, nodes: usize, here: &str) -> Option<Path> {
        if let Some(at) = self.at(place) {
            return Some(self.named(&self.best(at, nodes.saturating_sub(1))?));
        }
        self.path_from_between(place, nodes, here)
    }

    /// A way to the nearest node from which a path of this many nodes begins.
    pub fn way_to_room(&self, place: &Place, nodes: usize, here: &str) -> Option<Path> {
        let is_room = |node: usize| self.best(node, nodes.saturating_sub(1)).is_some();
        match self.at(place) {
            Some(at) => Some(self.named(&self.walk(at, is_room)?)),
            None => self.entries(place).into_iter().find_map(|entry| {
                let walk = self.walk(entry, is_room)?;
                Some(self.named(&walk).behind(place, here))
            }),
        }
    }

    fn path_from_between(&self, place: &Place, nodes: usize, here: &str) -> Option<Path> {
        let Some(edges) = nodes.checked_sub(2) else {
            let (map, x_m, y_m) = place.pose.clone()?;
            return Some(Path {
                stops: vec![Stop { id: here.to_owned(), map, x_m, y_m }],
                edge_ids: Vec::new(),
            });
        };
        let paths = self.entries(place).into_iter().filter_map(|entry| self.best(entry, edges));
        let best = paths.min_by(|a, b| self.cost(a).total_cmp(&self.cost(b)))?;
        Some(self.named(&best).behind(place, here))
    }

    /// The node the robot stands on.
    fn at(&self, place: &Place) -> Option<usize> {
        let Some((map, x_m, y_m)) = &place.pose else {
            return self.stops.iter().position(|stop| stop.id == place.node_id);
        };
        let near =
            |stop: &&Stop| (stop.map == *map || map.is_empty()) && stop.distance_m(*x_m, *y_m) <= NEAR_M;
        let nearest = self.stops.iter().filter(near).min_by(|a, b| {
            let key = |stop: &Stop| (stop.id != place.node_id, stop.distance_m(*x_m, *y_m));
            let ((a_else, a_m), (b_else, b_m)) = (key(a), key(b));
            a_else.cmp(&b_else).then(a_m.total_cmp(&b_m))
        })?;
        self.stops.iter().position(|stop| stop == nearest)
    }

    /// The nodes at the ends of the lane the robot stands in, those it may drive to.
    fn entries(&self, place: &Place) -> Vec<usize> {
        let Some((_, x_m, y_m)) = place.pose else { return Vec::new() };
        let lanes = self.ways.iter().enumerate().flat_map(|(from, ways)| {
            ways.iter().map(move |way| (self.off_lane_m(from, way.to, x_m, y_m), way.to))
        });
        let lanes: Vec<(f64, usize)> = lanes.collect();
        let near = lanes.iter().map(|(off_m, _)| *off_m).fold(f64::INFINITY, f64::min);
        lanes.into_iter().filter(|(off_m, _)| *off_m <= near + LANE_M).map(|(_, to)| to).collect()
    }

    fn off_lane_m(&self, from: usize, to: usize, x_m: f64, y_m: f64) -> f64 {
        let (a, b) = (&self.stops[from], &self.stops[to]);
        let (dx, dy) = (b.x_m - a.x_m, b.y_m - a.y_m);
        let along = ((x_m - a.x_m) * dx + (y_m - a.y_m) * dy) / (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
        let along = along.clamp(0.0, 1.0);
        (a.x_m + along * dx - x_m).hypot(a.y_m + along * dy - y_m)
    }

    /// The path that ends nearest to home and is short, and goes on from there.
    fn best(&self, from: usize, edges: usize) -> Option<Vec<usize>> {
        let mut paths = Vec::new();
        self.collect(&mut vec![from], edges, &mut paths);
        paths.into_iter().min_by(|a, b| self.cost(a).total_cmp(&self.cost(b)))
    }

    fn cost(&self, path: &[usize]) -> f64 {
        let (Some(&end), length) =
            (path.last(), path.windows(2).map(|pair| self.between_m(pair[0], pair[1])).sum::<f64>())
        else {
            return f64::INFINITY;
        };
        let mut onward = Vec::new();
        self.collect(&mut vec![end], PATH_MAX, &mut onward);
        let dead_end = if onward.is_empty() { DEAD_END_M } else { 0.0 };
        length + self.between_m(end, self.home) + dead_end
    }

    fn collect(&self, path: &mut Vec<usize>, edges: usize, found: &mut Vec<Vec<usize>>) {
        if edges == 0 {
            found.push(path.clone());
            return;
        }
        let Some(&last) = path.last() else { return };
        for way in &self.ways[last] {
            if !path.contains(&way.to) {
                path.push(way.to);
                self.collect(path, edges - 1, found);
                path.pop();
            }
        }
    }

    fn walk(&self, from: usize, is_end: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
        let mut before = vec![None; self.stops.len()];
        before[from] = Some(from);
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            if is_end(node) {
                let mut walk = vec![node];
                while let Some(previous) =
                    before[walk[walk.len() - 1]].filter(|previous| *previous != walk[walk.len() - 1])
                {
                    walk.push(previous);
                }
                walk.reverse();
                return Some(walk);
            }
            for way in &self.ways[node] {
                if before[way.to].is_none() {
                    before[way.to] = Some(node);
                    queue.push_back(way.to);
                }
            }
        }
        None
    }

    fn between_m(&self, from: usize, to: usize) -> f64 {
        self.stops[from].distance_m(self.stops[to].x_m, self.stops[to].y_m)
    }

    fn named(&self, path: &[usize]) -> Path {
        let edge = |pair: &[usize]| {
            let way = self.ways[pair[0]].iter().find(|way| way.to == pair[1]);
            way.map(|way| way.edge_id.clone()).unwrap_or_default()
        };
        Path {
            stops: path.iter().map(|node| self.stops[*node].clone()).collect(),
            edge_ids: path.windows(2).map(edge).collect(),
        }
    }
}

impl Path {
    /// The same path, begun at a node of its own where the robot stands now.
    fn behind(mut self, place: &Place, here: &str) -> Self {
        if let Some((map, x_m, y_m)) = place.pose.clone() {
            self.stops.insert(0, Stop { id: here.to_owned(), map, x_m, y_m });
            self.edge_ids.insert(0, format!("{here}-on"));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Ground {
        let first = Stop { id: "home".into(), map: "floor".into(), x_m: 1.0, y_m: 2.0 };
        Ground::line(first, std::f64::consts::FRAC_PI_2, 1.5, "c")
    }

    fn at(x_m: f64, y_m: f64) -> Place {
        Place { node_id: String::new(), pose: Some(("floor".into(), x_m, y_m)) }
    }

    fn ids(path: Option<Path>) -> Vec<String> {
        path.map(|path| path.stops.into_iter().map(|stop| stop.id).collect()).unwrap_or_default()
    }

    #[test]
    fn line_lies_ahead_of_the_robot_and_is_driven_both_ways() {
        let ground = line();
        assert_eq!(ids(ground.path(&at(1.0, 2.0), 4, "x")), ["home", "c-1", "c-2", "c-3"]);
        assert_eq!(ids(ground.path(&at(1.0, 6.5), 4, "x")), ["c-3", "c-2", "c-1", "home"]);
        assert!(ground.path(&at(1.0, 3.5), 4, "x").is_none());
        assert_eq!(ids(ground.way_to_room(&at(1.0, 3.5), 4, "x")), ["c-1", "home"]);
        assert!((ground.edge_m() - 1.5).abs() < 1e-9);
    }

    #[test]
    fn robot_between_two_nodes_begins_where_it_stands() {
        let path = line().path(&at(1.0, 4.1), 3, "here").unwrap();
        assert_eq!((path.stops[0].id.as_str(), path.stops[0].y_m), ("here", 4.1));
        assert_eq!(path.edge_ids.len(), 2);
        assert_eq!(ids(line().path(&at(1.0, 4.1), 1, "here")), ["here"]);
    }

    #[test]
    fn one_way_edges_are_never_driven_back() {
        let stop = |id: &str, x_m: f64, y_m: f64| Stop { id: id.into(), map: "floor".into(), x_m, y_m };
        let stops = vec![stop("a", 0.0, 0.0), stop("b", 1.0, 0.0), stop("c", 1.0, 1.0), stop("d", 0.0, 1.0)];
        let to = |to: usize| vec![Way { to, edge_id: to.to_string() }];
        let ground = Ground { stops, ways: vec![to(1), to(2), to(3), to(0)], home: 0 };
        assert_eq!(ids(ground.path(&at(1.0, 0.0), 4, "x")), ["b", "c", "d", "a"]);
        assert_eq!(ids(ground.path(&at(1.0, 0.6), 3, "x")), ["x", "c", "d"]);
    }

    #[test]
    fn robot_off_the_layout_is_told_the_nearest_node() {
        let why = line().settle_at(&at(1.0, 9.0)).unwrap_err();
        assert!(why.contains("c-3") && why.contains("2.5 m"), "{why}");
    }
}
