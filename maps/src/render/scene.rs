//! From a layout to flat shapes in pixels, in the order they are drawn.

mod legend;

use std::collections::BTreeMap;

use super::{Heat, Options, WIDTH_PX_MAX, WIDTH_PX_MIN};
use crate::ids::{EdgeId, NodeId};
use crate::layout::{Layout, Temperature, Zone};

/// A colour with its opacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colour(pub(super) [u8; 3], pub(super) f32);

const fn solid(r: u8, g: u8, b: u8) -> Colour {
    Colour([r, g, b], 1.0)
}

pub(super) const PAPER: Colour = solid(250, 250, 248);
pub(super) const INK: Colour = solid(38, 45, 54);
/// Behind dark texts, so that lines do not cross them out.
pub(super) const HALO: Colour = Colour([250, 250, 248], 0.75);
const LANE: Colour = solid(134, 144, 156);
const NODE: Colour = solid(120, 130, 142);
const WALL: Colour = solid(92, 102, 114);
const PICK: Colour = solid(230, 126, 20);
const DOCK: Colour = solid(30, 90, 200);
const CHARGER: Colour = solid(22, 150, 70);
const PARKING: Colour = solid(130, 70, 180);
const HOLDING: Colour = solid(0, 150, 160);
const DOOR: Colour = solid(200, 30, 60);

pub(super) type Px = [f32; 2];

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
}

/// Everything a picture is made of.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Polygon { points: Vec<Px>, fill: Colour, stroke: Option<(Colour, f32)> },
    Line { points: Vec<Px>, colour: Colour, width: f32 },
    Circle { centre: Px, radius: f32, fill: Option<Colour>, stroke: Option<(Colour, f32)> },
    Text { at: Px, size: f32, text: String, colour: Colour, anchor: Anchor, halo: bool },
}

/// A picture: its size in pixels and its shapes, back to front.
pub(super) struct Scene {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) shapes: Vec<Shape>,
}

/// One map of the layout and where it stands in the picture.
struct Panel {
    low: [i32; 2],
    high: [i32; 2],
    top_px: f32,
}

const EDGE_PX: f32 = 24.0;
const BORDER_MM: i32 = 1_500;

impl Scene {
    pub(super) fn of(layout: &Layout, options: &Options) -> Self {
        let width = options.width_px.clamp(WIDTH_PX_MIN, WIDTH_PX_MAX);
        let title_px = if options.title.is_empty() { 0.0 } else { 40.0 };
        let mut panels = panels(layout);
        let widest_mm = panels.values().map(|panel| i64::from(panel.high[0]) - i64::from(panel.low[0])).max();
        let px_per_mm = (width as f32 - 2.0 * EDGE_PX) / widest_mm.unwrap_or(1).max(1) as f32;
        let mut top_px = EDGE_PX + title_px;
        for panel in panels.values_mut() {
            panel.top_px = top_px;
            top_px += (i64::from(panel.high[1]) - i64::from(panel.low[1])) as f32 * px_per_mm + EDGE_PX;
        }
        let mut pen = Pen { layout, options, panels, px_per_mm, shapes: vec![] };
        if !options.title.is_empty() {
            pen.text([EDGE_PX, EDGE_PX + 16.0], 22.0, &options.title, INK, Anchor::Start);
        }
        pen.zones();
        pen.edges();
        pen.doors();
        pen.heat();
        pen.nodes();
        pen.labels();
        let bottom = pen.legend(width as f32, top_px);
        Self { width, height: (bottom + EDGE_PX).min(1e6) as u32, shapes: pen.shapes }
    }
}

/// Maps by name with their bounds; a zone's outline counts on the only map there is.
fn panels(layout: &Layout) -> BTreeMap<String, Panel> {
    let mut panels: BTreeMap<String, Panel> = BTreeMap::new();
    for id in layout.nodes() {
        let node = layout.node(id);
        let panel = panels.entry(node.map.clone()).or_insert_with(|| Panel {
            low: [node.x_mm, node.y_mm],
            high: [node.x_mm, node.y_mm],
            top_px: 0.0,
        });
        panel.include([node.x_mm, node.y_mm], BORDER_MM);
    }
    if panels.len() == 1 {
        for panel in panels.values_mut() {
            for corner in layout.zones().iter().flat_map(|zone| &zone.polygon_mm) {
                panel.include(*corner, BORDER_MM / 3);
            }
        }
    }
    panels
}

impl Panel {
    fn include(&mut self, at: [i32; 2], border_mm: i32) {
        self.low = [self.low[0].min(at[0] - border_mm), self.low[1].min(at[1] - border_mm)];
        self.high = [self.high[0].max(at[0] + border_mm), self.high[1].max(at[1] + border_mm)];
    }
}

fn tint(zone: &Zone) -> Colour {
    match zone.temperature {
        Some(Temperature::Frozen) => solid(205, 222, 250),
        Some(Temperature::Chilled) => solid(214, 240, 243),
        Some(Temperature::Ambient) => solid(250, 239, 218),
        None => solid(236, 236, 236),
    }
}

struct Pen<'a> {
    layout: &'a Layout,
    options: &'a Options,
    panels: BTreeMap<String, Panel>,
    px_per_mm: f32,
    shapes: Vec<Shape>,
}

impl Pen<'_> {
    fn px(&self, map: &str, [x, y]: [i32; 2]) -> Px {
        let Some(panel) = self.panels.get(map) else { return [0.0, 0.0] };
        let right = (i64::from(x) - i64::from(panel.low[0])) as f32 * self.px_per_mm;
        let down = (i64::from(panel.high[1]) - i64::from(y)) as f32 * self.px_per_mm;
        [EDGE_PX + right, panel.top_px + down]
    }

    fn at(&self, node: NodeId) -> Px {
        let node = self.layout.node(node);
        self.px(&node.map, [node.x_mm, node.y_mm])
    }

    /// A length on the ground, but at least so many pixels.
    fn mm(&self, mm: f32, px_min: f32) -> f32 {
        (mm * self.px_per_mm).max(px_min)
    }

    fn text(&mut self, at: Px, size: f32, text: &str, colour: Colour, anchor: Anchor) {
        let halo = colour == INK;
        self.shapes.push(Shape::Text { at, size, text: text.to_owned(), colour, anchor, halo });
    }

    fn zones(&mut self) {
        let first_map = self.panels.keys().next().cloned().unwrap_or_default();
        for zone in self.layout.zones() {
            let points: Vec<Px> = zone.polygon_mm.iter().map(|corner| self.px(&first_map, *corner)).collect();
            if !points.is_empty() {
                let stroke = Some((WALL, self.mm(180.0, 1.0)));
                self.shapes.push(Shape::Polygon { points, fill: tint(zone), stroke });
            }
        }
        for node in self.layout.nodes() {
            let Some(zone) = self.layout.zone_of(node).filter(|zone| zone.polygon_mm.is_empty()) else {
                continue;
            };
            let shape = Shape::Circle {
                centre: self.at(node),
                radius: self.mm(900.0, 3.0),
                fill: Some(tint(zone)),
                stroke: None,
            };
            self.shapes.push(shape);
        }
    }

    fn path(&self, edge: EdgeId) -> Vec<Px> {
        let ends = self.layout.edge(edge);
        let map = &self.layout.node(ends.from).map;
        let mut points = vec![self.at(ends.from)];
        points.extend(self.layout.bends(edge).iter().map(|bend| self.px(map, *bend)));
        points.push(self.at(ends.to));
        points
    }

    fn edges(&mut self) {
        for id in self.layout.edges() {
            let edge = self.layout.edge(id);
            if edge.twin.is_some_and(|twin| twin < id) {
                continue;
            }
            let points = self.path(id);
            let width = self.mm(90.0, 0.6);
            if edge.twin.is_none() {
                self.arrow(&points);
            }
            self.shapes.push(Shape::Line { points, colour: LANE, width });
        }
    }

    /// A small head a little past the middle of a one-way edge; none where it would be a blot.
    fn arrow(&mut self, points: &[Px]) {
        let [from, to] = [points[points.len() - 2], points[points.len() - 1]];
        let way = [to[0] - from[0], to[1] - from[1]];
        let length = (way[0] * way[0] + way[1] * way[1]).sqrt();
        let size = self.mm(330.0, 2.0);
        if length < 3.0 * size {
            return;
        }
        let unit = [way[0] / length, way[1] / length];
        let tip = [from[0] + way[0] * 0.5 + unit[0] * size, from[1] + way[1] * 0.5 + unit[1] * size];
        let base = [tip[0] - unit[0] * size * 1.6, tip[1] - unit[1] * size * 1.6];
        let side = [-unit[1] * size * 0.7, unit[0] * size * 0.7];
        let points =
            vec![tip, [base[0] + side[0], base[1] + side[1]], [base[0] - side[0], base[1] - side[1]]];
        self.shapes.push(Shape::Polygon { points, fill: solid(88, 99, 112), stroke: None });
    }

    /// A bar across each edge that a device guards.
    fn doors(&mut self) {
        for device in self.layout.devices() {
            for edge in &device.edges {
                let points = self.path(*edge);
                let [from, to] = [points[0], points[points.len() - 1]];
                let way = [to[0] - from[0], to[1] - from[1]];
                let length = (way[0] * way[0] + way[1] * way[1]).sqrt().max(0.001);
                let half = self.mm(800.0, 3.0);
                let side = [-way[1] / length * half, way[0] / length * half];
                let middle = [(from[0] + to[0]) / 2.0, (from[1] + to[1]) / 2.0];
                let bar = vec![
                    [middle[0] + side[0], middle[1] + side[1]],
                    [middle[0] - side[0], middle[1] - side[1]],
                ];
                self.shapes.push(Shape::Line { points: bar, colour: DOOR, width: self.mm(320.0, 2.0) });
            }
        }
    }

    fn heat(&mut self) {
        let Some(Heat { edges, nodes }) = &self.options.heat else { return };
        for edge in self.layout.edges() {
            let value = value(edges, edge.index());
            if value > 0.0 {
                let width = self.mm(250.0 + 350.0 * value, 1.5);
                self.shapes.push(Shape::Line { points: self.path(edge), colour: heat_colour(value), width });
            }
        }
        for node in self.layout.nodes() {
            let value = value(nodes, node.index());
            if value > 0.0 {
                let (centre, radius) = (self.at(node), self.mm(250.0 + 450.0 * value, 2.0));
                self.shapes.push(Shape::Circle {
                    centre,
                    radius,
                    fill: Some(heat_colour(value)),
                    stroke: None,
                });
            }
        }
    }

    fn nodes(&mut self) {
        for id in self.layout.nodes() {
            let (node, centre) = (self.layout.node(id), self.at(id));
            let size = self.mm(480.0, 2.0);
            if let Some(station) = node.station {
                let is_dock = is_dock(&self.layout.station(station).name);
                self.square(
                    centre,
                    if is_dock { size * 1.5 } else { size },
                    if is_dock { DOCK } else { PICK },
                );
            } else if node.charger {
                self.square(centre, size, CHARGER);
                let bolt = [[0.3, -0.8], [-0.5, 0.1], [0.0, 0.1], [-0.3, 0.8], [0.5, -0.1], [0.0, -0.1]]
                    .map(|[x, y]| [centre[0] + x * size * 0.8, centre[1] + y * size * 0.8]);
                self.shapes.push(Shape::Polygon { points: bolt.to_vec(), fill: PAPER, stroke: None });
            } else if node.parking {
                self.square(centre, size, PARKING);
                self.text([centre[0], centre[1] + size * 0.6], size * 1.6, "P", PAPER, Anchor::Middle);
            } else if node.holding {
                let stroke = Some((HOLDING, self.mm(160.0, 1.0)));
                self.shapes.push(Shape::Circle { centre, radius: size * 0.8, fill: Some(PAPER), stroke });
            } else {
                let radius = self.mm(130.0, 0.9);
                self.shapes.push(Shape::Circle { centre, radius, fill: Some(NODE), stroke: None });
            }
        }
    }

    fn square(&mut self, [x, y]: Px, half: f32, fill: Colour) {
        let points =
            vec![[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]];
        self.shapes.push(Shape::Polygon { points, fill, stroke: Some((PAPER, half * 0.15)) });
    }

    fn labels(&mut self) {
        if !self.options.labels {
            return;
        }
        for station in self.layout.stations() {
            let Some(node) = station.nodes.first() else { continue };
            let ([x, y], is_dock) = (self.at(*node), is_dock(&station.name));
            let size = self.mm(if is_dock { 950.0 } else { 480.0 }, 0.0);
            // Names too small to read would only be dirt; an SVG can be zoomed, so the writer decides.
            let down = self.mm(if is_dock { 1_750.0 } else { 1_050.0 }, 0.0);
            self.text([x, y + down], size, &station.name, INK, Anchor::Middle);
        }
        let first_map = self.panels.keys().next().cloned().unwrap_or_default();
        for zone in self.layout.zones() {
            let Some(left) = zone.polygon_mm.iter().map(|[x, _]| *x).min() else { continue };
            let Some(top) = zone.polygon_mm.iter().map(|[_, y]| *y).max() else { continue };
            let at = self.px(&first_map, [left.saturating_add(500), top.saturating_sub(1_500)]);
            let size = self.mm(1_250.0, 7.0);
            let name = match zone.temperature {
                Some(temperature) if zone.name != word(temperature) => {
                    format!("{} ({})", zone.name, word(temperature))
                }
                Some(_) | None => zone.name.clone(),
            };
            self.text(at, size, &name, INK, Anchor::Start);
        }
    }
}

fn word(temperature: Temperature) -> &'static str {
    match temperature {
        Temperature::Frozen => "frozen",
        Temperature::Chilled => "chilled",
        Temperature::Ambient => "ambient",
    }
}

/// LIF has no kinds of stations: a dock is known by its name.
fn is_dock(name: &str) -> bool {
    name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("dock"))
}

fn value(values: &[f32], index: usize) -> f32 {
    let value = values.get(index).copied().unwrap_or(0.0);
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

/// Pale yellow over orange to dark red.
fn heat_colour(value: f32) -> Colour {
    let stops = [[255.0, 224.0, 110.0], [245.0, 130.0, 32.0], [170.0, 10.0, 40.0]];
    let (low, part) = if value < 0.5 { (0, value * 2.0) } else { (1, value * 2.0 - 1.0) };
    let mix = |channel: usize| (stops[low][channel] * (1.0 - part) + stops[low + 1][channel] * part) as u8;
    Colour([mix(0), mix(1), mix(2)], 0.45 + 0.45 * value)
}
