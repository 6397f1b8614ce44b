//! dpkg's database of the packages: `/var/lib/dpkg/status` and `info/`, as dpkg would have written them.

use super::merge::Merged;
use crate::pack::Pack;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tree::{Content, Entry, TreePath};

const DPKG: &str = "/var/lib/dpkg";
/// Who made the files, for messages.
const ORIGIN: &str = "dpkg's database of the packages";

/// The files of the database.
pub fn database(merged: &Merged) -> Vec<(TreePath, Entry)> {
    let Ok(dir) = TreePath::parse(DPKG) else { return vec![] };
    let info = dir.child("info");
    let file = |text: String| Entry::file(Content::bytes(text, ORIGIN), 0o644);
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for pack in &merged.packs {
        *names.entry(pack.name()).or_default() += 1;
    }
    let mut status = String::new();
    let mut files = vec![];
    for (number, pack) in merged.packs.iter().enumerate() {
        paragraph(&mut status, pack);
        let name = match names.get(pack.name()) {
            Some(1) => pack.name().to_owned(),
            _ => format!("{}:{}", pack.name(), pack.architecture()),
        };
        files.push((info.child(&format!("{name}.list")), file(list(merged, number, pack))));
        let md5sums = &pack.control().md5sums;
        if !md5sums.is_empty() {
            files.push((info.child(&format!("{name}.md5sums")), file(md5sums.clone())));
        }
    }
    files.push((dir.child("status"), file(status)));
    files
}

/// The control file with what dpkg adds to it, and an empty line.
fn paragraph(status: &mut String, pack: &Pack) {
    for line in pack.control().control.trim_end().lines() {
        // dpkg writes its own.
        if line.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("status:")) {
            continue;
        }
        let _ = writeln!(status, "{line}");
        if line.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("package:")) {
            status.push_str("Status: install ok installed\n");
        }
    }
    let conffiles = pack.control().conffiles.lines().filter(|line| line.starts_with('/'));
    let mut is_first = true;
    for path in conffiles {
        if std::mem::take(&mut is_first) {
            status.push_str("Conffiles:\n");
        }
        // dpkg has the checksum here; who reads the paths of a package does not need it.
        let _ = writeln!(status, " {path} newconffile");
    }
    status.push('\n');
}

/// The paths as the package has them, but for those that another package has taken over, and what its script makes:
/// dpkg does not list that, but whoever wants the package wants it.
fn list(merged: &Merged, number: usize, pack: &Pack) -> String {
    let mut text = String::new();
    for path in pack.entries().keys() {
        let has = |at: &TreePath| merged.owners.get(at).is_some_and(|owners| owners.contains(&number));
        if path.is_root() {
            text.push_str("/.\n");
        } else if has(path) || has(&merged.place(path)) {
            let _ = writeln!(text, "{path}");
        }
    }
    for (path, _) in merged.made.iter().filter(|(_, owner)| **owner == number) {
        if merged.tree.get(path).is_some() {
            let _ = writeln!(text, "{path}");
        }
    }
    text
}
