//! Pictures of a layout: one scene of shapes, written as SVG text or painted as PNG.
//!
//! Zones are tinted by temperature, one-way edges carry an arrow, every kind of place has its colour, heat lies on top.
//! Several maps (levels) stand below each other. The same layout and options give the same bytes.

mod font;
mod paint;
mod scene;
mod svg;

use thiserror::Error;

use crate::layout::Layout;

/// Widest picture, pixels.
pub const WIDTH_PX_MAX: u32 = 8_192;
/// Narrowest picture, pixels.
pub const WIDTH_PX_MIN: u32 = 320;
/// Most pixels of a PNG.
pub const PIXELS_MAX: u64 = 64_000_000;

/// What to draw besides the layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Heading of the picture; none if empty.
    pub title: String,
    /// Width of the picture, pixels, clamped to 320..=8192; the height follows.
    pub width_px: u32,
    /// Whether stations and zones are named. In a PNG only names of ASCII letters and digits are.
    pub labels: bool,
    /// How busy each place was.
    pub heat: Option<Heat>,
}

impl Default for Options {
    fn default() -> Self {
        Self { title: String::new(), width_px: 1_600, labels: true, heat: None }
    }
}

/// How busy each place was, 0 (never) to 1 (always), by id; what is missing or no number counts as 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heat {
    /// By edge id.
    pub edges: Vec<f32>,
    /// By node id.
    pub nodes: Vec<f32>,
}

/// Why no picture could be painted.
#[derive(Debug, Error)]
pub enum Error {
    /// The picture would have more than [`PIXELS_MAX`] pixels.
    #[error("failed to paint {width_px} x {height_px} pixels; choose a smaller width")]
    TooLarge {
        /// Its width.
        width_px: u32,
        /// Its height.
        height_px: u32,
    },
    /// The PNG writer failed.
    #[error("failed to write the PNG: {0}")]
    Encode(String),
}

/// The layout as SVG text.
pub fn svg(layout: &Layout, options: &Options) -> String {
    svg::write(&scene::Scene::of(layout, options))
}

/// The layout as the bytes of a PNG file.
///
/// # Errors
/// [`Error::TooLarge`] when the picture would be too large for its width.
pub fn png(layout: &Layout, options: &Options) -> Result<Vec<u8>, Error> {
    paint::png(&scene::Scene::of(layout, options))
}
