//! From text to a checked spec.

use super::{
    Spec, SpecError, SpecErrorCode,
    check::check,
    error::{Problems, Wrong, shown, toml_text},
    raw::Document,
    schema::SCHEMA,
    shape,
};
use serde::Deserialize;
use std::ops::Range;
use toml::de::{DeTable, DeValue, Deserializer};

/// The largest spec that is read, in bytes. Whatever is larger is no spec.
const MAX_LEN: usize = 4 << 20;

/// Reads `bantam.toml`.
///
/// # Errors
/// With everything that is wrong with the text, in its order.
pub fn parse(text: &str) -> Result<Spec, Vec<SpecError>> {
    let mut problems = Problems::new(text);
    if text.len() > MAX_LEN {
        let message = format!("the spec has {} bytes, and at most {MAX_LEN} are read", text.len());
        problems.add(&(0..0), SpecErrorCode::Syntax, Wrong::new(message));
        return Err(problems.finish());
    }
    let document = read(text, &mut problems);
    let spec = check(document, &mut problems);
    let errors = problems.finish();
    if errors.is_empty() { Ok(spec) } else { Err(errors) }
}

/// The first mark that a merge conflict leaves in a text.
pub(crate) fn conflict_mark(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if ["<<<<<<< ", "||||||| ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark)) {
            return Some(start..start + 7);
        }
        start += line.len();
    }
    None
}

/// The document, without all that is wrong with it.
fn read(text: &str, problems: &mut Problems<'_>) -> Document {
    let (mut table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty()
        && let Some(span) = conflict_mark(text)
    {
        let wrong = Wrong::new("a merge conflict is left here");
        problems.add(&span, SpecErrorCode::Syntax, wrong.help("take one of the sides, and remove the marks"));
        return Document::default();
    }
    let open = errors.iter().any(|error| error.message().starts_with("unclosed array"));
    let open = open.then(|| unclosed(table.get_ref(), text)).flatten();
    if let Some(start) = open {
        let wrong = Wrong::new("this array is not closed").help("its `]` is missing");
        problems.add(&(start..start + 1), SpecErrorCode::Syntax, wrong);
        // Whatever follows was taken for a part of the array.
        problems.end_at(start);
    }
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        problems.add(&span, SpecErrorCode::Syntax, syntax(error.message(), text, &span));
    }
    shape::prune(&mut table, &SCHEMA, problems);
    Document::deserialize(Deserializer::from(table)).unwrap_or_else(|error| {
        // The schema is made from the types, so that what fits it can be read.
        let span = error.span().unwrap_or(0..0);
        problems.add(&span, SpecErrorCode::WrongType, Wrong::new(error.message()));
        Document::default()
    })
}

/// Where the array begins that goes on to the end of the text.
fn unclosed(table: &DeTable<'_>, text: &str) -> Option<usize> {
    let end = text.trim_end().len();
    let starts = table.iter().filter_map(|(_, value)| match value.get_ref() {
        DeValue::Array(_) if value.span().end >= end => Some(value.span().start),
        DeValue::Array(array) => {
            array.iter().filter_map(|item| unclosed(item.get_ref().as_table()?, text)).min()
        }
        DeValue::Table(table) => unclosed(table, text),
        _ => None,
    });
    starts.min()
}

/// The parser's words, with help for what is often met in a spec.
fn syntax(message: &str, text: &str, span: &Range<usize>) -> Wrong {
    let rest = text.get(span.start..).unwrap_or_default();
    if message.contains("leading zero") {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return Wrong::new("a number does not begin with 0")
            .help(format!("a mode is a string: {}", toml_text(&digits)));
    }
    if ["string values must be quoted", "invalid float", "invalid boolean"]
        .iter()
        .any(|start| message.starts_with(start))
        && rest.starts_with(|letter: char| letter.is_alphabetic() || matches!(letter, '/' | '.' | '$'))
    {
        let word = rest.split(['\n', '\r', ',', ']', '}', '#']).next().unwrap_or_default().trim();
        return Wrong::new("a string must stand in quotes").help(format!("write {}", toml_text(word)));
    }
    match message {
        "duplicate key" => {
            Wrong::new(format!("duplicate key {}", shown(text.get(span.clone()).unwrap_or_default())))
        }
        message => Wrong::new(message),
    }
}
