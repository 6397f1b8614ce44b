//! What is wrong with an image, as data. Findings are no errors: planning goes on, so that one run
//! shows all of them.

mod fix;
mod problem;
mod words;

pub use fix::Fix;
pub use problem::{Problem, Unit};
pub use words::size;

/// Something that whoever builds the image should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub problem: Problem,
    /// How bad it is.
    pub severity: Severity,
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
        let severity = problem.severity();
        Finding { problem, severity }
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
