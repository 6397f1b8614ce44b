//! A picture as pixels. The letters are those of Noto Sans Mono, drawn beforehand and part of the program: a machine
//! that builds images has no fonts, and two that have some would draw two pictures.

use super::picture::{Anchor, Paint, Picture, Shape};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster, get_raster_width};

/// Pixels of the file for each of the picture, in both directions.
const SCALE: u32 = 2;
/// How much of a letter's box is above the line that it stands on, in parts of 16.
const ASCENT: u32 = 13;
const PAPER: [u8; 3] = [255, 255, 255];

/// The file: light, since pixels know nothing of their reader.
pub(super) fn write(picture: &Picture) -> Vec<u8> {
    let mut canvas = Canvas::new(picture.width * SCALE, picture.height * SCALE);
    for shape in &picture.shapes {
        match shape {
            Shape::Rect { x, y, width, height, paint, .. } => {
                // A line stays as fine as the file can have it.
                let wide = if *paint == Paint::Grid { 1 } else { width * SCALE };
                canvas.fill((x * SCALE, y * SCALE, wide, height * SCALE), colour(*paint));
            }
            Shape::Text { x, baseline, size, bold, paint, anchor, text } => {
                let height = if size * SCALE > 24 { RasterHeight::Size32 } else { RasterHeight::Size24 };
                let weight = if *bold { FontWeight::Bold } else { FontWeight::Regular };
                canvas.write(text, (x * SCALE, baseline * SCALE), *anchor, (weight, height), colour(*paint));
            }
        }
    }
    canvas.encode()
}

struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<[u8; 3]>,
}

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        let count = usize::try_from(u64::from(width) * u64::from(height)).unwrap_or(0);
        Canvas { width, height, pixels: vec![PAPER; count] }
    }

    fn pixel(&mut self, x: u32, y: u32) -> Option<&mut [u8; 3]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        self.pixels.get_mut(usize::try_from(u64::from(y) * u64::from(self.width) + u64::from(x)).ok()?)
    }

    fn fill(&mut self, (x, y, width, height): (u32, u32, u32, u32), colour: [u8; 3]) {
        for row in y..y.saturating_add(height) {
            for column in x..x.saturating_add(width) {
                if let Some(pixel) = self.pixel(column, row) {
                    *pixel = colour;
                }
            }
        }
    }

    fn write(
        &mut self,
        text: &str,
        (x, baseline): (u32, u32),
        anchor: Anchor,
        (weight, height): (FontWeight, RasterHeight),
        colour: [u8; 3],
    ) {
        let step = u32::try_from(get_raster_width(weight, height)).unwrap_or(0);
        let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX).saturating_mul(step);
        let mut x = if anchor == Anchor::Middle { x.saturating_sub(length / 2) } else { x };
        let box_height = u32::try_from(height.val()).unwrap_or(0);
        let top = baseline.saturating_sub(box_height * ASCENT / 16);
        for letter in text.chars() {
            if let Some(glyph) = get_raster(drawn(letter), weight, height) {
                self.glyph(&glyph, (x, top), colour);
            }
            x = x.saturating_add(step);
        }
    }

    /// Lays a letter over what is there, as far as it covers each pixel.
    fn glyph(&mut self, glyph: &RasterizedChar, (x, y): (u32, u32), colour: [u8; 3]) {
        for (row, line) in (y..).zip(glyph.rows()) {
            for (column, cover) in (x..).zip(line) {
                let Some(pixel) = self.pixel(column, row).filter(|_| *cover > 0) else { continue };
                for (now, ink) in pixel.iter_mut().zip(colour) {
                    let (cover, now_is) = (u16::from(*cover), u16::from(*now));
                    let mixed = (u16::from(ink) * cover + now_is * (255 - cover) + 127) / 255;
                    *now = u8::try_from(mixed).unwrap_or(u8::MAX);
                }
            }
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![];
        let mut encoder = png::Encoder::new(&mut out, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        // Writing into memory does not fail, and the sizes are those of the canvas.
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(self.pixels.as_flattened())?;
            writer.finish()
        });
        if written.is_err() { vec![] } else { out }
    }
}

/// The colours of the light scheme.
fn colour(paint: Paint) -> [u8; 3] {
    const COLOURS: [[u8; 3]; super::COLOURS] = [
        [0x2b, 0x5c, 0x8f],
        [0x6e, 0xa3, 0xd0],
        [0xd9, 0x8a, 0x2b],
        [0x8a, 0x74, 0xb8],
        [0x5d, 0x9a, 0x6b],
        [0xc2, 0x60, 0x7a],
        [0xc3, 0xca, 0xd1],
    ];
    match paint {
        Paint::Ink => [0x1c, 0x27, 0x33],
        Paint::Muted => [0x5b, 0x68, 0x75],
        Paint::Grid => [0xe3, 0xe7, 0xeb],
        Paint::Compressed => [0x89, 0x96, 0xa3],
        Paint::Colour(number) => COLOURS.get(number).copied().unwrap_or(PAPER),
    }
}

/// What is drawn for letters that the font has not, which is that of ASCII.
fn drawn(letter: char) -> char {
    match letter {
        '\u{d7}' => 'x',
        '\u{b7}' => '-',
        ' '..='~' => letter,
        _ => '?',
    }
}
