//! What is wrong with a spec.

use std::{collections::BTreeSet, fmt, ops::Range};

/// One thing that is wrong with a spec, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpecError {
    /// The bytes of the text that are wrong.
    pub span: Range<usize>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What sort of mistake it is.
    pub code: SpecErrorCode,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that can be told.
    pub help: Option<String>,
}

/// The sorts of mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecErrorCode {
    /// The text is no TOML.
    Syntax,
    /// A key that no spec has, or that another table has.
    UnknownKey,
    /// A value of another type than the key takes.
    WrongType,
    /// A key that must be given is not.
    MissingKey,
    /// A value that the key does not take.
    BadValue,
    /// Two parts of the spec that cannot both hold.
    Conflict,
}

impl SpecErrorCode {
    /// The name: `unknown-key`.
    pub fn as_str(self) -> &'static str {
        match self {
            SpecErrorCode::Syntax => "syntax",
            SpecErrorCode::UnknownKey => "unknown-key",
            SpecErrorCode::WrongType => "wrong-type",
            SpecErrorCode::MissingKey => "missing-key",
            SpecErrorCode::BadValue => "bad-value",
            SpecErrorCode::Conflict => "conflict",
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for SpecError {}

/// A mistake in a value, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Wrong { message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// All that was found wrong with a text so far.
pub(super) struct Problems<'a> {
    pub(super) text: &'a str,
    line_starts: Vec<usize>,
    /// Behind it, nothing is reported.
    end: usize,
    found: Vec<SpecError>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let line_starts = [0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Problems { text, line_starts, end: usize::MAX, found: vec![] }
    }

    pub(super) fn add(&mut self, span: &Range<usize>, code: SpecErrorCode, wrong: Wrong) {
        if span.start >= self.end {
            return;
        }
        let line = self.line(span);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..span.start).map_or(0, |before| before.chars().count()) + 1;
        let Wrong { message, help } = wrong;
        self.found.push(SpecError { span: span.clone(), line, column, code, message, help });
    }

    /// What comes behind this place is not what somebody wrote: it is not to be reported.
    pub(super) fn end_at(&mut self, place: usize) {
        self.end = place;
    }

    /// The line where a place begins, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.line_starts.partition_point(|start| *start <= span.start).max(1)
    }

    /// The text of a place.
    pub(super) fn source(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// What was found, in the order of the text. What may only follow from a syntax error is left
    /// out: what seems missing, and all but the first on the line of one.
    pub(super) fn finish(mut self) -> Vec<SpecError> {
        self.found.sort_by_key(|error| error.span.start);
        let is_syntax = |error: &SpecError| error.code == SpecErrorCode::Syntax;
        let broken: BTreeSet<usize> = self.found.iter().filter(|e| is_syntax(e)).map(|e| e.line).collect();
        let mut told = BTreeSet::new();
        self.found.retain(|error| {
            if is_syntax(error) {
                told.insert(error.line)
            } else {
                broken.is_empty()
                    || (error.code != SpecErrorCode::MissingKey && !broken.contains(&error.line))
            }
        });
        self.found
    }
}

/// A value of the spec in a message: on one line, and not too long.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out = String::new();
    for letter in text.chars().take(LONGEST) {
        if letter.is_control() { out.extend(letter.escape_default()) } else { out.push(letter) }
    }
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}

/// A text as TOML has it in quotes: what a user can paste.
pub(crate) fn toml_text(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

/// A list of texts as TOML has it.
pub(crate) fn toml_list<T: AsRef<str>>(texts: &[T]) -> String {
    format!("[{}]", texts.iter().map(|text| toml_text(text.as_ref())).collect::<Vec<_>>().join(", "))
}
