//! Paragraphs of control data: `Packages`, dpkg's `status`, `control` (Debian Policy §5.1, deb822(5)).

use std::ops::Range;

/// A paragraph with more fields is refused.
const MAX_FIELDS: usize = 1000;

/// One paragraph: fields in their order, borrowed from the text.
#[derive(Debug, Clone)]
pub struct Paragraph<'a> {
    fields: Vec<(&'a str, &'a str)>,
}

/// A text is no control data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// A line is neither a field nor the continuation of one.
    #[error("line {line:?} of control data is no field")]
    Line {
        /// The line, cut when it is long.
        line: String,
    },
    /// A paragraph has a field twice.
    #[error("field {field} stands twice in a paragraph")]
    Twice {
        /// The field.
        field: String,
    },
    /// A paragraph has more fields than anybody writes.
    #[error("more than {MAX_FIELDS} fields in one paragraph")]
    TooMany,
}

impl<'a> Paragraph<'a> {
    /// Reads one paragraph.
    ///
    /// # Errors
    /// When a line is neither a field nor the continuation of one, or when a field stands twice.
    pub fn parse(text: &'a str) -> Result<Self, ControlError> {
        let mut fields: Vec<(&str, &str)> = vec![];
        // Where the value of the last field starts.
        let mut start = 0;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let end = at + line.len();
            if line.starts_with([' ', '\t']) {
                let Some(last) = fields.last_mut() else { return Err(no_field(line)) };
                last.1 = text.get(start..end).unwrap_or_default().trim_ascii();
            } else if !line.starts_with('#') && !line.trim_ascii().is_empty() {
                let (name, value) = line.split_once(':').ok_or_else(|| no_field(line))?;
                if name.is_empty() || name.bytes().any(|byte| !byte.is_ascii_graphic()) {
                    return Err(no_field(line));
                }
                if fields.len() >= MAX_FIELDS {
                    return Err(ControlError::TooMany);
                }
                if fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                    return Err(ControlError::Twice { field: name.into() });
                }
                start = at + name.len() + 1;
                fields.push((name, value.trim_ascii()));
            }
            at = end;
        }
        Ok(Paragraph { fields })
    }

    /// The value of a field, whatever the case of its name. Of a value of several lines, the lines and their
    /// indentation are kept.
    pub fn get(&self, field: &str) -> Option<&'a str> {
        self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| *value)
    }

    /// All fields, in their order.
    pub fn fields(&self) -> &[(&'a str, &'a str)] {
        &self.fields
    }
}

/// All paragraphs of a text, in their order.
pub fn paragraphs(text: &str) -> impl Iterator<Item = Result<Paragraph<'_>, ControlError>> {
    ranges(text, |_| {}).filter_map(|range| text.get(range)).map(Paragraph::parse)
}

/// Where each paragraph of a text is. `see` is shown the lines of a paragraph, without their ends, before it is given.
pub(crate) fn ranges<'a>(text: &'a str, mut see: impl FnMut(&'a str)) -> impl Iterator<Item = Range<usize>> {
    let mut lines = Lines { text, at: 0 };
    std::iter::from_fn(move || {
        let mut found: Option<Range<usize>> = None;
        while let Some(line) = lines.next() {
            let start = lines.at - line.len();
            let line = line.strip_suffix('\n').unwrap_or(line);
            if line.bytes().all(|byte| byte.is_ascii_whitespace()) {
                if found.is_some() {
                    break;
                }
            } else {
                see(line);
                found = Some(found.map_or(start, |found| found.start)..lines.at);
            }
        }
        found
    })
}

/// The value of a line that begins a field of this name.
pub(crate) fn value<'a>(line: &'a str, field: &str) -> Option<&'a str> {
    let (name, value) = line.split_at_checked(field.len())?;
    let value = value.strip_prefix(':')?;
    name.eq_ignore_ascii_case(field).then(|| value.trim_ascii())
}

fn no_field(line: &str) -> ControlError {
    ControlError::Line { line: line.trim_end().chars().take(120).collect() }
}

/// Lines with their ends.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
        self.at += end;
        rest.get(..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_told_apart() {
        let text = "\n\nPackage: a\nDepends: b,\n c\n\n \t\n# a comment\npackage:d\r\nDescription: one\n .\n two\n\n\n";
        let all: Vec<_> = paragraphs(text).map(Result::unwrap).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].fields(), [("Package", "a"), ("Depends", "b,\n c")]);
        assert_eq!(all[0].get("DEPENDS"), Some("b,\n c"));
        assert_eq!(all[1].get("Package"), Some("d"));
        assert_eq!(all[1].get("Description"), Some("one\n .\n two"));
        assert_eq!(all[1].get("Descriptio"), None);
        assert_eq!(paragraphs("").count(), 0);
        assert_eq!(paragraphs("A: 1").count(), 1);
    }

    #[test]
    fn hostile_text_is_an_error() {
        let many: String = (0..=MAX_FIELDS).map(|n| format!("F{n}: 1\n")).collect();
        for text in ["a", " a", ": a", "a b: c", "A: 1\na: 2", "é: 1", "A: 1\nb", "\u{1}:", &many] {
            assert!(Paragraph::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_line_is_known_by_its_field() {
        assert_eq!(value("Package: a", "package"), Some("a"));
        assert_eq!(value("Package:a ", "Package"), Some("a"));
        assert_eq!(value("Packages: a", "Package"), None);
        assert_eq!(value("é", "Package"), None);
    }
}
