//! Steps of a chain in words.

use super::{Record, Step};
use crate::{reason::Reason, spec::Line};

impl Step<'_> {
    /// Why the path is there, as what follows "because": `needed by /app/shop as libz.so.1, …`.
    pub fn words(&self, record: &Record) -> String {
        match (self.reason, self.because) {
            (Reason::Listed { line }, _) if *line > 0 => format!("named in {}", place_of(record, *line)),
            (Reason::Entrypoint { line }, _) if *line > 0 => {
                format!("{}, {}", self.reason, place_of(record, *line))
            }
            (Reason::OfPackage { package, line }, _) if *line > 0 => {
                format!("of the package {package}, named in {}", place_of(record, *line))
            }
            (Reason::Parent, Some(because)) => format!("holds {because}"),
            (Reason::Package { .. }, Some(because)) => format!("{}: {because}", self.reason),
            (reason, _) => reason.to_string(),
        }
    }
}

/// A line of the spec, with what stands there.
fn place_of(record: &Record, line: Line) -> String {
    let at = match &record.spec {
        Some(spec) => format!("{spec}:{line}"),
        None => format!("line {line} of the spec"),
    };
    record.lines.get(&line).map_or(at.clone(), |text| format!("{at}: {text}"))
}
