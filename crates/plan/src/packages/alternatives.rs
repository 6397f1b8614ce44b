//! The links that update-alternatives(1) keeps: no list of a package has them.

use super::database::read;
use crate::error::PlanError;
use std::collections::BTreeMap;
use tree::{Kind, TreePath, View};

const NOTES: &str = "/var/lib/dpkg/alternatives";
const CHOSEN: &str = "/etc/alternatives";

/// The links of alternatives, by the file that each was made for.
#[derive(Default)]
pub(super) struct Alternatives {
    links: BTreeMap<TreePath, Vec<TreePath>>,
}

impl Alternatives {
    /// What a source has. What it notes and has not, or has and does not note, is passed over.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn read(source: &dyn View) -> Result<Self, PlanError> {
        let mut links: BTreeMap<TreePath, Vec<TreePath>> = BTreeMap::new();
        let (Ok(notes), Ok(chosen)) = (TreePath::parse(NOTES), TreePath::parse(CHOSEN)) else {
            return Ok(Alternatives::default());
        };
        let notes = source.follow(&notes)?.path;
        for name in source.list(&notes)? {
            let Some(text) = read(source, notes.child(&name).as_str())? else { continue };
            for (name, link) in noted(&name, &text) {
                let Ok(link) = TreePath::parse(link) else { continue };
                let Some(entry) = source.entry(&chosen.child(name))? else { continue };
                let Kind::Symlink(target) = &entry.kind else { continue };
                let Ok(target) = chosen.join(target) else { continue };
                let (link, target) = (source.follow_parents(&link)?, source.follow_parents(&target)?);
                if source.entry(&link)?.is_some_and(|entry| matches!(entry.kind, Kind::Symlink(_))) {
                    links.entry(target).or_default().push(link);
                }
            }
        }
        Ok(Alternatives { links })
    }

    /// The links that were made for a file.
    pub fn of(&self, file: &TreePath) -> Vec<TreePath> {
        self.links.get(file).cloned().unwrap_or_default()
    }
}

/// The links of a note, each with its name: the second line is the link of the name itself, and names with their links
/// follow, up to an empty line.
fn noted<'a>(name: &'a str, text: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut lines = text.lines().skip(1).take_while(|line| !line.is_empty());
    let mut links: Vec<(&str, &str)> = lines.next().map(|link| (name, link)).into_iter().collect();
    while let (Some(name), Some(link)) = (lines.next(), lines.next()) {
        let is_name = !name.contains('/') && name != "." && name != "..";
        links.extend(is_name.then_some((name, link)));
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read() {
        let text = "auto\n/usr/bin/awk\nnawk\n/usr/bin/nawk\n../x\n/x\n\n/usr/bin/mawk\n5\n/usr/bin/mawk\n\n";
        assert_eq!(noted("awk", text), [("awk", "/usr/bin/awk"), ("nawk", "/usr/bin/nawk")]);
        assert_eq!(noted("awk", ""), []);
    }
}
