//! Writes a scene as SVG 1.1 text.

use std::fmt::Write as _;

use super::scene::{Anchor, Colour, HALO, PAPER, Px, Scene, Shape};

/// Fonts with Hangul first, so that Korean names are readable on any desktop.
const FONTS: &str = "'Pretendard','Noto Sans KR','Noto Sans CJK KR','Apple SD Gothic Neo','Malgun Gothic',\
                     'Nanum Gothic',sans-serif";

pub(super) fn write(scene: &Scene) -> String {
    let (width, height) = (scene.width, scene.height);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"{FONTS}\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n",
        hex(PAPER)
    );
    for shape in &scene.shapes {
        // Writing to a String can't fail.
        let _ = write_shape(&mut text, shape);
    }
    text.push_str("</svg>\n");
    text
}

fn write_shape(text: &mut String, shape: &Shape) -> std::fmt::Result {
    match shape {
        Shape::Polygon { points, fill, stroke } => {
            write!(text, "<polygon points=\"{}\" {}", list(points), paint("fill", *fill))?;
            write_stroke(text, *stroke)?;
        }
        Shape::Line { points, colour, width } => {
            write!(text, "<polyline points=\"{}\" fill=\"none\"", list(points))?;
            write_stroke(text, Some((*colour, *width)))?;
        }
        Shape::Circle { centre, radius, fill, stroke } => {
            let fill = fill.map_or_else(|| "fill=\"none\"".to_owned(), |fill| paint("fill", fill));
            write!(text, "<circle cx=\"{:.2}\" cy=\"{:.2}\" r=\"{radius:.2}\" {fill}", centre[0], centre[1])?;
            write_stroke(text, *stroke)?;
        }
        Shape::Text { at, size, text: words, colour, anchor, halo } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
            };
            let (x, y, fill) = (at[0], at[1], paint("fill", *colour));
            write!(text, "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size:.2}\" {fill}")?;
            if *halo {
                let (stroke, width) = (paint("stroke", HALO), size * 0.3);
                write!(text, " {stroke} stroke-width=\"{width:.2}\" paint-order=\"stroke\"")?;
            }
            writeln!(text, " text-anchor=\"{anchor}\">{}</text>", escape(words))?;
        }
    }
    Ok(())
}

fn write_stroke(text: &mut String, stroke: Option<(Colour, f32)>) -> std::fmt::Result {
    match stroke {
        Some((colour, width)) => writeln!(text, " {} stroke-width=\"{width:.2}\"/>", paint("stroke", colour)),
        None => writeln!(text, "/>"),
    }
}

fn list(points: &[Px]) -> String {
    points.iter().map(|[x, y]| format!("{x:.2},{y:.2}")).collect::<Vec<_>>().join(" ")
}

fn hex(Colour([r, g, b], _): Colour) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn paint(key: &str, colour: Colour) -> String {
    let opacity = if colour.1 < 1.0 { format!(" {key}-opacity=\"{:.2}\"", colour.1) } else { String::new() };
    format!("{key}=\"{}\"{opacity}", hex(colour))
}

/// XML text; characters that XML 1.0 has no place for become a replacement mark.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            letter if letter.is_control() => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}
