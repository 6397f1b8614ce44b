//! What can be wrong with a `Release` file.

/// A `Release` file cannot be read, or is not the one that was asked for. Dates are written as RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// A line is not as it should be.
    #[error("line {line} of the Release file: {what}")]
    Malformed {
        /// The number of the line.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A field is there twice.
    #[error("line {line} of the Release file: there is a field {field} before")]
    Twice {
        /// The number of the second line.
        line: usize,
        /// The name of the field.
        field: String,
    },
    /// A field's value is no date.
    #[error("the Release file has a field {field} that is no date: `{value}`")]
    Date {
        /// The name of the field.
        field: &'static str,
        /// Its value.
        value: String,
    },
    /// It lists no files by a digest that can be relied upon.
    #[error("the Release file has neither SHA256 nor SHA512 digests")]
    NoDigests,
    /// Two of its lines disagree about a file.
    #[error("the Release file lists {path} twice, and not the same")]
    Conflicting {
        /// The file.
        path: String,
    },
    /// It is of another suite.
    #[error("the Release file is of {found}, not of {asked}")]
    Suite {
        /// What was asked for.
        asked: String,
        /// The suite and code name that it has.
        found: String,
    },
    /// It is not valid any more.
    #[error("the Release file of {suite} was valid until {until}")]
    Expired {
        /// What was asked for.
        suite: String,
        /// Until when it was valid.
        until: String,
    },
    /// It was made in the future.
    #[error("the Release file of {suite} is from the future: {date}")]
    FromTheFuture {
        /// What was asked for.
        suite: String,
        /// Its date.
        date: String,
    },
}
