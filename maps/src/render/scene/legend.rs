//! Below the map: what the colours mean, and how long ten metres are.

use super::{
    Anchor, CHARGER, Colour, DOCK, DOOR, EDGE_PX, HOLDING, INK, LANE, PAPER, PARKING, PICK, Pen, Px, Shape,
    heat_colour, tint,
};
use crate::layout::{Temperature, Zone};

const ROW_PX: f32 = 24.0;
const TEXT_PX: f32 = 13.0;

enum Sign {
    Square(Colour),
    Ring(Colour),
    Bar(Colour),
    Arrow,
}

impl Pen<'_> {
    /// Draws both below `top`; gives the lower end.
    pub(super) fn legend(&mut self, width: f32, top: f32) -> f32 {
        let mut at: Px = [EDGE_PX, top + ROW_PX / 2.0];
        for (sign, text) in self.entries() {
            let wide = 26.0 + text.chars().count() as f32 * TEXT_PX * 0.62 + 18.0;
            if at[0] + wide > width - EDGE_PX && at[0] > EDGE_PX {
                at = [EDGE_PX, at[1] + ROW_PX];
            }
            self.sign(&sign, at);
            self.text([at[0] + 24.0, at[1] + TEXT_PX * 0.36], TEXT_PX, &text, INK, Anchor::Start);
            at[0] += wide;
        }
        self.scale_bar([EDGE_PX, at[1] + ROW_PX * 1.2], width)
    }

    fn entries(&self) -> Vec<(Sign, String)> {
        let layout = self.layout;
        let mut entries = vec![];
        for (temperature, text) in [
            (Temperature::Frozen, "frozen"),
            (Temperature::Chilled, "chilled"),
            (Temperature::Ambient, "ambient"),
        ] {
            let found = layout.zones().iter().find(|zone: &&Zone| zone.temperature == Some(temperature));
            entries.extend(found.map(|zone| (Sign::Square(tint(zone)), text.to_owned())));
        }
        let docks = layout.stations().iter().filter(|station| super::is_dock(&station.name)).count();
        let holding = layout.holding().iter().filter(|node| !layout.node(**node).parking).count();
        for (sign, text, count) in [
            (Sign::Square(PICK), "station", layout.stations().len() - docks),
            (Sign::Square(DOCK), "dock", docks),
            (Sign::Square(CHARGER), "charger", layout.chargers().len()),
            (Sign::Square(PARKING), "parking", layout.parking().len()),
            (Sign::Ring(HOLDING), "holding", holding),
            (Sign::Bar(DOOR), "door or lift", layout.devices().len()),
        ] {
            if count > 0 {
                entries.push((sign, format!("{text} ({count})")));
            }
        }
        entries.push((Sign::Arrow, "one-way".to_owned()));
        if self.options.heat.is_some() {
            entries.push((Sign::Bar(heat_colour(0.1)), "seldom used".to_owned()));
            entries.push((Sign::Bar(heat_colour(1.0)), "most used".to_owned()));
        }
        entries
    }

    fn sign(&mut self, sign: &Sign, [x, y]: Px) {
        let middle = [x + 9.0, y];
        match *sign {
            Sign::Square(fill) => {
                let points =
                    vec![[x + 2.0, y - 7.0], [x + 16.0, y - 7.0], [x + 16.0, y + 7.0], [x + 2.0, y + 7.0]];
                self.shapes.push(Shape::Polygon { points, fill, stroke: Some((LANE, 0.8)) });
            }
            Sign::Ring(colour) => {
                let stroke = Some((colour, 2.5));
                self.shapes.push(Shape::Circle { centre: middle, radius: 6.0, fill: Some(PAPER), stroke });
            }
            Sign::Bar(colour) => {
                self.shapes.push(Shape::Line { points: vec![[x, y], [x + 18.0, y]], colour, width: 5.0 });
            }
            Sign::Arrow => {
                self.shapes.push(Shape::Line {
                    points: vec![[x, y], [x + 18.0, y]],
                    colour: LANE,
                    width: 2.0,
                });
                let points = vec![[x + 14.0, y], [x + 6.0, y - 4.5], [x + 6.0, y + 4.5]];
                self.shapes.push(Shape::Polygon { points, fill: INK, stroke: None });
            }
        }
    }

    /// A bar of 1, 2 or 5 times a power of ten metres, at most a quarter of the picture wide.
    fn scale_bar(&mut self, [x, y]: Px, width: f32) -> f32 {
        let mut metres = 1_u32;
        for candidate in [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000] {
            if candidate as f32 * 1_000.0 * self.px_per_mm <= width / 4.0 {
                metres = candidate;
            }
        }
        let end = x + metres as f32 * 1_000.0 * self.px_per_mm;
        let points = vec![[x, y - 5.0], [x, y], [end, y], [end, y - 5.0]];
        self.shapes.push(Shape::Line { points, colour: INK, width: 2.0 });
        self.text([end + 10.0, y + 1.0], TEXT_PX, &format!("{metres} m"), INK, Anchor::Start);
        y
    }
}
