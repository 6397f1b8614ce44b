//! A picture as SVG, in the reader's light or dark scheme.

use super::picture::{Anchor, Paint, Picture, Shape};
use std::fmt::Write as _;

/// Colours by class, for light and then for dark. Both have the contrast that text needs.
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans',sans-serif}
.paper{fill:#fff}.ink{fill:#1c2733}.muted{fill:#5b6875}.grid{fill:#e3e7eb}.compressed{fill:#8996a3}
.c0{fill:#2b5c8f}.c1{fill:#6ea3d0}.c2{fill:#d98a2b}.c3{fill:#8a74b8}.c4{fill:#5d9a6b}.c5{fill:#c2607a}.c6{fill:#c3cad1}
@media (prefers-color-scheme:dark){
.paper{fill:#12181f}.ink{fill:#e6ebf0}.muted{fill:#9aa7b4}.grid{fill:#2a333d}.compressed{fill:#76838f}
.c0{fill:#4f8fcf}.c1{fill:#93c1e8}.c2{fill:#e5a24d}.c3{fill:#a893d6}.c4{fill:#7bb98a}.c5{fill:#d97f97}.c6{fill:#55616d}
}";

/// The drawing.
pub(super) fn write(picture: &Picture) -> String {
    let Picture { width, height, label, shapes } = picture;
    let label = escaped(label);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"{label}\">\n<title>{label}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>\n"
    );
    for shape in shapes {
        // Writing to a string cannot fail.
        let _ = match shape {
            Shape::Rect { x, y, width, height, paint, tip } => {
                let head = format!(
                    "<rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"",
                    class(*paint)
                );
                match tip.as_str() {
                    "" => writeln!(out, "{head}/>"),
                    tip => writeln!(out, "{head}><title>{}</title></rect>", escaped(tip)),
                }
            }
            Shape::Text { x, baseline, size, bold, paint, anchor, text } => {
                let weight = if *bold { " font-weight=\"600\"" } else { "" };
                let anchor = if *anchor == Anchor::Middle { " text-anchor=\"middle\"" } else { "" };
                let (class, text) = (class(*paint), escaped(text));
                writeln!(
                    out,
                    "<text class=\"{class}\" x=\"{x}\" y=\"{baseline}\" font-size=\"{size}\"{weight}{anchor}>{text}</text>"
                )
            }
        };
    }
    out.push_str("</svg>\n");
    out
}

fn class(paint: Paint) -> String {
    match paint {
        Paint::Ink => "ink".into(),
        Paint::Muted => "muted".into(),
        Paint::Grid => "grid".into(),
        Paint::Compressed => "compressed".into(),
        Paint::Colour(number) => format!("c{number}"),
    }
}

/// Text for XML and HTML, in elements and in quotes. What XML has no word for is replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}
