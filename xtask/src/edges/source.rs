//! What the source of a pure crate must not name: the disk, the environment, the network, the clock.

use std::fs;
use std::path::{Path, PathBuf};

use crate::step::Outcome;

const MODULES: [&str; 4] = ["fs", "env", "net", "process"];
const CLOCKS: [&str; 2] = ["SystemTime", "Instant"];

/// The offending lines of all Rust files under `folder`, as `file:line: text`; code for tests may do as it likes.
pub fn impure_lines(folder: &Path) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for file in rust_files(folder)? {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let lines = impure_lines_of(&text).into_iter();
        found.extend(
            lines.map(|(number, line)| format!("{}:{number}: a pure crate has: {line}", file.display())),
        );
    }
    Ok(found)
}

fn rust_files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let stem = path.file_stem().unwrap_or_default();
        if stem == "tests" {
            continue;
        }
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Line numbers and lines outside of comments and of items under `#[cfg(test)]`.
fn impure_lines_of(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut for_tests = false;
    let mut depth = 0;
    for (index, line) in text.lines().enumerate() {
        let code = line.trim().split("//").next().unwrap_or_default();
        if code.starts_with("#[cfg(test)]") {
            (for_tests, depth) = (true, 0);
        }
        if for_tests {
            depth += code.matches('{').count() as i64 - code.matches('}').count() as i64;
            let ended = code.ends_with('}') || code.ends_with(';');
            for_tests = depth > 0 || !ended;
        } else if is_impure(code) {
            found.push((index + 1, line.trim()));
        }
    }
    found
}

fn is_impure(code: &str) -> bool {
    // Addresses are values; only talking to them is not.
    let code = code.replace("std::net::Ip", "");
    let words = || code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let of_std = MODULES.iter().any(|module| code.contains(&format!("std::{module}")))
        || (code.contains("std::{") && words().any(|word| MODULES.contains(&word)));
    of_std || words().any(|word| CLOCKS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_and_the_clock_are_found() {
        let text = "\
use std::fs::File;
use std::{env, io};
let now = Instant::now();
use std::io::Read;
use std::net::Ipv4Addr;
";
        let lines: Vec<usize> = impure_lines_of(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 2, 3]);
    }

    #[test]
    fn comments_and_tests_are_not_code() {
        let text = "\
//! never SystemTime
fn pure() {} // not std::fs
#[cfg(test)]
mod tests {
    use std::fs;
    fn inner() { }
}
#[cfg(test)]
mod snapshots;
fn after() { SystemTime::now(); }
";
        assert_eq!(impure_lines_of(text), [(10, "fn after() { SystemTime::now(); }")]);
    }
}
