//! Mistakes in a spec as people read them: the line, a caret under the place, what to write.

use super::SpecError;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::ops::Range;

/// Shows mistakes with the lines they are on, one after the other, with a newline at the end.
/// `file_name` is what the text is called in the output; colours are those of a terminal.
pub fn render(errors: &[SpecError], file_name: &str, text: &str, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let shown = errors.iter().map(|error| {
        let place = AnnotationKind::Primary.span(on_one_line(&error.span, text));
        let group = Level::ERROR
            .primary_title(&error.message)
            .element(Snippet::source(text).path(file_name).annotation(place))
            .elements(error.help.as_deref().map(|help| Level::HELP.message(help)));
        format!("{}\n", renderer.render(&[group]))
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// The part of a place that is on its first line; all of it within the text.
fn on_one_line(span: &Range<usize>, text: &str) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.floor_char_boundary(span.end.clamp(start, text.len()));
    let line = text.get(start..end).unwrap_or_default();
    let len = line.find(['\r', '\n']).unwrap_or(line.len());
    start..start + len
}
