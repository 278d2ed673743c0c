//! Paints a scene into a PNG (tiny-skia); texts in the built-in stroke font.

use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

use super::scene::{Anchor, Colour, HALO, PAPER, Px, Scene, Shape};
use super::{Error, PIXELS_MAX, font};

/// Texts lower than this are left out: they would be unreadable, pixels.
const TEXT_PX_MIN: f32 = 6.5;

pub(super) fn png(scene: &Scene) -> Result<Vec<u8>, Error> {
    let (width_px, height_px) = (scene.width, scene.height);
    let too_large = Error::TooLarge { width_px, height_px };
    if u64::from(width_px) * u64::from(height_px) > PIXELS_MAX {
        return Err(too_large);
    }
    let Some(mut pixels) = Pixmap::new(width_px, height_px) else { return Err(too_large) };
    pixels.fill(colour(PAPER));
    for shape in &scene.shapes {
        draw(&mut pixels, shape);
    }
    pixels.encode_png().map_err(|error| Error::Encode(error.to_string()))
}

fn draw(pixels: &mut Pixmap, shape: &Shape) {
    match shape {
        Shape::Polygon { points, fill, stroke } => {
            let Some(path) = polygon(points) else { return };
            fill_path(pixels, &path, *fill);
            stroke_path(pixels, &path, *stroke);
        }
        Shape::Line { points, colour, width } => {
            let Some(path) = open(points) else { return };
            stroke_path(pixels, &path, Some((*colour, *width)));
        }
        Shape::Circle { centre, radius, fill, stroke } => {
            let Some(path) = PathBuilder::from_circle(centre[0], centre[1], *radius) else { return };
            if let Some(fill) = fill {
                fill_path(pixels, &path, *fill);
            }
            stroke_path(pixels, &path, *stroke);
        }
        Shape::Text { at, size, text, colour, anchor, halo } => {
            if *size < TEXT_PX_MIN {
                return;
            }
            let start = match anchor {
                Anchor::Start => at[0],
                Anchor::Middle => at[0] - font::width(text, *size) / 2.0,
            };
            let strokes = font::strokes(text, [start, at[1]], *size);
            if *halo {
                write_strokes(pixels, &strokes, (HALO, size * 0.3));
            }
            write_strokes(pixels, &strokes, (*colour, (size * 0.1).max(0.9)));
        }
    }
}

fn write_strokes(pixels: &mut Pixmap, strokes: &[Vec<Px>], pen: (Colour, f32)) {
    for stroke in strokes {
        if let Some(path) = open(stroke) {
            stroke_path(pixels, &path, Some(pen));
        }
    }
}

fn polygon(points: &[Px]) -> Option<Path> {
    builder(points).and_then(|mut builder| {
        builder.close();
        builder.finish()
    })
}

fn open(points: &[Px]) -> Option<Path> {
    builder(points)?.finish()
}

fn builder(points: &[Px]) -> Option<PathBuilder> {
    let (first, rest) = points.split_first()?;
    let mut builder = PathBuilder::new();
    builder.move_to(first[0], first[1]);
    for point in rest {
        builder.line_to(point[0], point[1]);
    }
    Some(builder)
}

fn colour(Colour([r, g, b], opacity): Colour) -> Color {
    Color::from_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0) as u8)
}

fn paint(of: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(colour(of));
    paint.anti_alias = true;
    paint
}

fn fill_path(pixels: &mut Pixmap, path: &Path, fill: Colour) {
    pixels.fill_path(path, &paint(fill), FillRule::EvenOdd, Transform::identity(), None);
}

fn stroke_path(pixels: &mut Pixmap, path: &Path, stroke: Option<(Colour, f32)>) {
    let Some((colour, width)) = stroke else { return };
    let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
    pixels.stroke_path(path, &paint(colour), &stroke, Transform::identity(), None);
}
