//! Images side by side as a picture: a bar for each, stacked by what it is made of.
//!
//! What is drawn where is decided once, in [`picture`]; it is written as SVG, as PNG, or as a page with the SVG and
//! the numbers. Nothing of the machine enters: no font, no clock, no colour scheme.

mod html;
mod picture;
mod png;
mod scale;
mod svg;

use super::compare::Column;
use bantam::{Compared, Kind};

/// The file formats of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A drawing, which follows the reader's light or dark scheme.
    Svg,
    /// A page with the drawing and the numbers.
    Html,
    /// Pixels, two for each of the drawing's in both directions.
    Png,
}

/// What the bars are stacked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// What files are for
    Kind,
    /// The image's layers
    Layer,
}

/// How many colours a chart has.
const COLOURS: usize = 7;

/// A bar: an image.
struct Bar {
    name: String,
    unpacked: u64,
    compressed: Option<u64>,
    segments: Vec<Segment>,
}

/// A part of a bar.
struct Segment {
    /// Which of the colours.
    colour: usize,
    name: String,
    bytes: u64,
}

/// A name of the legend.
struct Key {
    colour: usize,
    name: &'static str,
}

impl Format {
    /// The format of a file, by its ending.
    pub fn of(file: &std::path::Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "svg" => Some(Format::Svg),
            "html" | "htm" => Some(Format::Html),
            "png" => Some(Format::Png),
            _ => None,
        }
    }
}

/// The bytes of a chart's file.
pub fn draw(columns: &[Column<'_>], by: By, format: Format) -> Vec<u8> {
    let bars: Vec<Bar> = columns.iter().map(|column| bar(&column.name, column.image, by)).collect();
    let keys: Vec<Key> = match by {
        By::Kind => Kind::ALL
            .iter()
            .enumerate()
            .filter(|(_, kind)| columns.iter().any(|column| column.image.kinds.contains_key(kind)))
            .map(|(colour, kind)| Key { colour, name: kind.name() })
            .collect(),
        By::Layer => vec![],
    };
    let mut platforms: Vec<&str> = columns.iter().map(|column| column.image.platform.as_str()).collect();
    platforms.dedup();
    let platform = if let [one] = platforms[..] { super::plain(one) } else { String::new() };
    let picture = picture::picture(&bars, &keys, &platform, by);
    match format {
        Format::Svg => svg::write(&picture).into_bytes(),
        Format::Html => html::write(&picture, columns).into_bytes(),
        Format::Png => png::write(&picture),
    }
}

fn bar(name: &str, image: &Compared, by: By) -> Bar {
    let segments = match by {
        By::Kind => Kind::ALL
            .iter()
            .enumerate()
            .filter_map(|(colour, kind)| {
                let bytes = *image.kinds.get(kind)?;
                Some(Segment { colour, name: kind.name().into(), bytes })
            })
            .collect(),
        By::Layer => image
            .layers
            .iter()
            .enumerate()
            .map(|(number, layer)| {
                let what = super::plain(layer.created_by.trim());
                let name = format!("layer {}{}{what}", number + 1, if what.is_empty() { "" } else { ": " });
                // The last colour is grey, and says something else.
                Segment { colour: number % (COLOURS - 1), name, bytes: layer.unpacked }
            })
            .collect(),
    };
    Bar { name: name.into(), unpacked: image.unpacked(), compressed: image.compressed(), segments }
}

#[cfg(test)]
mod tests;
