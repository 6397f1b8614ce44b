//! How many packages an image has on record.

use crate::Error;
use std::collections::BTreeSet;
use tree::{Tree, TreePath};

/// More than any record holds.
const MAX_RECORD: u64 = 256 << 20;

/// Records in one file: where it is, the line that begins a package, and the line without which it does not count.
const RECORDS: &[(&str, &str, Option<&str>)] = &[
    ("/var/lib/dpkg/status", "Package: ", Some("Status: install ok installed")),
    ("/lib/apk/db/installed", "P:", None),
    ("/usr/lib/apk/db/installed", "P:", None),
];
/// A file for each package, as images without a package manager have them.
const STATUS_D: &str = "/var/lib/dpkg/status.d";
/// Databases of rpm, whose format is not read.
const RPM: &[&str] = &["/var/lib/rpm", "/usr/lib/sysimage/rpm"];

/// How many packages are on record; none where the record is one that is not read.
///
/// # Errors
/// When a record cannot be read.
pub(super) fn count(tree: &Tree) -> Result<Option<usize>, Error> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (file, begins, counts) in RECORDS {
        let Some(text) = text(tree, file)? else { continue };
        for stanza in text.split("\n\n") {
            let name = stanza.lines().find_map(|line| line.strip_prefix(begins));
            if counts.is_none_or(|counts| stanza.lines().any(|line| line == counts)) {
                names.extend(name.map(String::from));
            }
        }
    }
    let mut has_rpm = false;
    for (path, entry) in tree.iter().filter(|(_, entry)| !entry.is_directory()) {
        let folder = path.parent();
        let folder = folder.as_ref().map_or("", TreePath::as_str);
        has_rpm |= RPM.contains(&folder);
        if folder == STATUS_D && !path.name().ends_with(".md5sums") && entry.content().is_some() {
            names.insert(path.name().into());
        }
    }
    Ok((!has_rpm || !names.is_empty()).then_some(names.len()))
}

fn text(tree: &Tree, file: &str) -> Result<Option<String>, Error> {
    let entry = TreePath::parse(file).ok().and_then(|path| tree.get(&path));
    let Some(content) = entry.and_then(|entry| entry.content()) else { return Ok(None) };
    let bytes = content.read(MAX_RECORD).map_err(plan::PlanError::from)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use tree::{Content, Entry};

    #[test]
    fn packages_on_record() {
        let dpkg =
            "Package: a\nStatus: install ok installed\n\nPackage: b\nStatus: deinstall ok config-files\n";
        for (files, want) in [
            (&[][..], Some(0)),
            (&[("/var/lib/dpkg/status", dpkg)], Some(1)),
            (&[("/lib/apk/db/installed", "C:x\nP:musl\nV:1\n\nC:y\nP:busybox\n")], Some(2)),
            (&[("/var/lib/dpkg/status.d/a", "x"), ("/var/lib/dpkg/status.d/a.md5sums", "x")], Some(1)),
            (&[("/var/lib/rpm/rpmdb.sqlite", "x")], None),
        ] {
            let mut tree = Tree::new();
            for (path, text) in files {
                let entry = Entry::file(Content::bytes(text.as_bytes(), "a test"), 0o644);
                tree.insert(path.parse().unwrap(), entry);
            }
            assert_eq!(count(&tree).unwrap(), want, "{files:?}");
        }
    }
}
