//! What is drawn where, in pixels.

use super::{
    Bar, By, Key,
    scale::{pixels, step},
};
use crate::show::size::human;

/// How wide every picture is.
const WIDTH: u32 = 880;
/// Free space around.
const MARGIN: u32 = 28;
/// What stands behind the bars: a total and its ratio.
const TOTALS: u32 = 150;
const TITLE: u32 = 16;
const TEXT: u32 = 12;
/// An upper bound of the width of a letter of [`TEXT`], whatever the font.
const LETTER: u32 = 7;
const BAR: u32 = 24;
const THIN: u32 = 5;
/// From one image to the next.
const ROW: u32 = 76;

/// A picture.
pub(super) struct Picture {
    pub width: u32,
    pub height: u32,
    /// What it shows, for those who do not see it.
    pub label: String,
    pub shapes: Vec<Shape>,
}

/// Something that is drawn.
pub(super) enum Shape {
    Rect {
        x: u32,
        y: u32,
        width: u32,
        height: u32,
        paint: Paint,
        /// What it stands for.
        tip: String,
    },
    Text {
        /// The left end of the text, or its right end.
        x: u32,
        /// The line that letters stand on.
        baseline: u32,
        size: u32,
        bold: bool,
        paint: Paint,
        anchor: Anchor,
        text: String,
    },
}

/// What a shape is painted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// Text.
    Ink,
    /// Text beside the main one.
    Muted,
    /// Lines behind the bars.
    Grid,
    /// The bar of the compressed size.
    Compressed,
    /// One of the colours.
    Colour(usize),
}

/// Where the place of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
}

/// The picture of these bars.
pub(super) fn picture(bars: &[Bar], keys: &[Key], platform: &str, by: By) -> Picture {
    let mut shapes = vec![];
    let what = match by {
        By::Kind => "by what files are for",
        By::Layer => "by layer",
    };
    let mut y = MARGIN + TITLE;
    text(&mut shapes, MARGIN, y, Paint::Ink, "Image sizes").large();
    y += 22;
    let subtitle = [platform, &format!("unpacked, {what}"), "thin bars: compressed"];
    let subtitle: Vec<&str> = subtitle.into_iter().filter(|part| !part.is_empty()).collect();
    text(&mut shapes, MARGIN, y, Paint::Muted, subtitle.join(" \u{b7} "));
    y = legend(&mut shapes, keys, y + 16);

    let most = bars.iter().flat_map(|bar| [bar.unpacked, bar.compressed.unwrap_or(0)]).max().unwrap_or(0);
    let step = step(most);
    let width = WIDTH - 2 * MARGIN - TOTALS;
    let top = y;
    let rows = u32::try_from(bars.len()).unwrap_or(u32::MAX).saturating_mul(ROW);
    let bottom = top.saturating_add(rows);
    grid(&mut shapes, most, step, (top, bottom), width);

    for bar in bars {
        row(&mut shapes, bar, bars, most, (y, width));
        y = y.saturating_add(ROW);
    }
    let label = bars.iter().map(|bar| format!("{}: {}", bar.name, human(bar.unpacked))).collect::<Vec<_>>();
    let height = bottom.saturating_add(20 + MARGIN);
    Picture { width: WIDTH, height, label: format!("Image sizes. {}", label.join("; ")), shapes }
}

/// Colours and their names, in as many lines as they take; gives the place below.
fn legend(shapes: &mut Vec<Shape>, keys: &[Key], mut y: u32) -> u32 {
    let mut x = MARGIN;
    for key in keys {
        let width = 18 + length(key.name) * LETTER + 14;
        if x > MARGIN && x + width > WIDTH - MARGIN {
            x = MARGIN;
            y += 20;
        }
        rect(shapes, (x, y, 11, 11), Paint::Colour(key.colour), "");
        text(shapes, x + 17, y + 10, Paint::Muted, key.name);
        x += width;
    }
    if keys.is_empty() { y + 8 } else { y + 28 }
}

/// Lines at round sizes, and what they stand for.
fn grid(shapes: &mut Vec<Shape>, most: u64, step: u64, (top, bottom): (u32, u32), width: u32) {
    for mark in (0..=most).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        let x = MARGIN + pixels(mark, most, width);
        rect(shapes, (x, top, 1, bottom - top), Paint::Grid, "");
        let words = if mark == 0 { "0".to_owned() } else { human(mark).replace(".0 ", " ") };
        let anchor = if mark == 0 { Anchor::Start } else { Anchor::Middle };
        text(shapes, x, bottom + 16, Paint::Muted, words).anchored(anchor);
    }
}

fn row(shapes: &mut Vec<Shape>, bar: &Bar, bars: &[Bar], most: u64, (y, width): (u32, u32)) {
    let fits = (WIDTH - 2 * MARGIN) / LETTER;
    text(shapes, MARGIN, y + 20, Paint::Ink, shortened(&bar.name, fits)).bold();
    let top = y + 28;
    // Each part ends where the sum of all before it does, so that no rounding adds up.
    let (mut sum, mut x) = (0u64, 0);
    for segment in &bar.segments {
        sum = sum.saturating_add(segment.bytes);
        let end = pixels(sum, most, width);
        if end > x {
            let tip = format!("{}: {}", segment.name, human(segment.bytes));
            rect(shapes, (MARGIN + x, top, end - x, BAR), Paint::Colour(segment.colour), &tip);
        }
        x = end;
    }
    let behind = MARGIN + width + 12;
    text(shapes, behind, top + 11, Paint::Ink, human(bar.unpacked)).bold();
    let first = bars.first().map_or(0, |first| first.unpacked);
    let is_first = bars.first().is_some_and(|first| std::ptr::eq(first, bar));
    if first > 0 && !is_first {
        let x = behind + (length(&human(bar.unpacked)) + 1) * LETTER;
        text(shapes, x, top + 11, Paint::Muted, crate::show::compare::ratio(bar.unpacked, first));
    }
    if let Some(compressed) = bar.compressed {
        let end = pixels(compressed, most, width).max(1);
        let tip = format!("compressed: {}", human(compressed));
        rect(shapes, (MARGIN, top + BAR + 4, end, THIN), Paint::Compressed, &tip);
        text(shapes, behind, top + BAR + 9, Paint::Muted, human(compressed));
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// A text of at most so many letters: of a long one the middle is left out.
fn shortened(text: &str, most: u32) -> String {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.into();
    }
    let side = most.saturating_sub(3) / 2;
    let start = letters.iter().take(side);
    let end = letters.iter().skip(letters.len() - side);
    start.chain(['.', '.', '.'].iter()).chain(end).collect()
}

fn rect(shapes: &mut Vec<Shape>, (x, y, width, height): (u32, u32, u32, u32), paint: Paint, tip: &str) {
    shapes.push(Shape::Rect { x, y, width, height, paint, tip: tip.into() });
}

fn text(shapes: &mut Vec<Shape>, x: u32, baseline: u32, paint: Paint, text: impl Into<String>) -> Words<'_> {
    let (text, anchor) = (text.into(), Anchor::Start);
    shapes.push(Shape::Text { x, baseline, size: TEXT, bold: false, paint, anchor, text });
    Words(shapes.last_mut())
}

/// A text that was just drawn.
struct Words<'a>(Option<&'a mut Shape>);

impl Words<'_> {
    fn bold(self) {
        if let Some(Shape::Text { bold, .. }) = self.0 {
            *bold = true;
        }
    }

    fn large(self) {
        if let Some(Shape::Text { bold, size, .. }) = self.0 {
            (*bold, *size) = (true, TITLE);
        }
    }

    fn anchored(self, at: Anchor) {
        if let Some(Shape::Text { anchor, .. }) = self.0 {
            *anchor = at;
        }
    }
}
