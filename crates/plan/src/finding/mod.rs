//! What is wrong with an image, as data. Findings are no errors: planning goes on, so that one run
//! shows all of them.

mod code;
mod fix;
mod problem;
mod words;

pub use code::{CODES, Code};
pub use fix::Fix;
pub use problem::{Missed, OfDependency, Problem, Unit};
pub use words::size;

use crate::spec::Line;

/// Something that whoever builds the image should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub problem: Problem,
    /// How bad it is.
    pub severity: Severity,
    /// The line of the spec that it is about, or that brought what it is about; 0 where none is known.
    pub line: Line,
    /// Do the libraries come from archives of packages? Then other things can be done about it.
    pub of_archive: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The image would not start, or breaks a policy or limit: it is not built.
    Error,
    /// It is built, and something in it may not work.
    Warning,
    /// Worth knowing.
    Notice,
}

impl Finding {
    /// A finding with the severity that its problem usually has.
    pub fn new(problem: Problem) -> Self {
        let (severity, line) = (problem.about().severity, problem.line());
        Finding { problem, severity, line, of_archive: false }
    }

    /// The same finding with another severity than usual.
    #[must_use]
    pub fn with_severity(self, severity: Severity) -> Self {
        Finding { severity, ..self }
    }

    /// The same finding at this line of the spec, unless its problem names one.
    #[must_use]
    pub fn at(self, line: Line) -> Self {
        Finding { line: if self.line == 0 { line } else { self.line }, ..self }
    }
}

impl Finding {
    /// What to do about it, the best first; at least one thing.
    pub fn fixes(&self) -> Vec<Fix> {
        if self.of_archive { self.problem.fixes_of_archive() } else { self.problem.fixes() }
    }

    /// The finding for people, a line each: a label and its text, the first with severity and code.
    /// `shown` is the spec's file. The texts may hold any character that a path may.
    pub fn lines(&self, shown: &str) -> Vec<(String, String)> {
        let label = format!("{}[{}]:", self.severity.word(), self.problem.code());
        let mut lines = vec![(label, self.problem.to_string())];
        if self.line > 0 {
            lines.push(("at:".into(), format!("{shown}:{}", self.line)));
        }
        for (index, fix) in self.fixes().iter().enumerate() {
            lines.push((if index == 0 { "fix:" } else { "or:" }.into(), fix.to_string()));
        }
        lines
    }
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        }
    }
}
