//! The links of alternatives, and what update-alternatives(1) notes of them.

use super::effects::put_over;
use super::merge::Merged;
use crate::scripts::{Alternative, winners};
use std::fmt::Write as _;
use tree::{Content, Entry, Tree, TreePath};

const ALTERNATIVES: &str = "/etc/alternatives";
/// Where it is noted which links belong to a name.
const NOTES: &str = "/var/lib/dpkg/alternatives";

/// Where a path of a script leads: links on the way are followed, as the script's would be.
pub fn place(tree: &Tree, path: &TreePath) -> Option<TreePath> {
    let parent = path.parent()?;
    let found = tree::resolve(tree, &parent).ok()?;
    let is_free = found.entry.as_ref().is_none_or(Entry::is_directory);
    is_free.then(|| found.path.child(path.name()))
}

/// Makes the links of the alternatives that win. As update-alternatives does it, one whose file is not there is
/// no offer, and a file at the link's place stays.
pub fn choose(merged: &mut Merged, offers: &[Alternative]) {
    let is_there =
        |path: &TreePath| tree::resolve(&merged.tree, path).is_ok_and(|found| found.entry.is_some());
    let possible: Vec<&Alternative> = offers.iter().filter(|offer| is_there(&offer.path)).collect();
    let (Ok(dir), Ok(notes)) = (TreePath::parse(ALTERNATIVES), TreePath::parse(NOTES)) else { return };
    let mut links = vec![];
    let mut noted = vec![];
    for offer in winners(possible.iter().copied()).into_values() {
        links.push((&offer.link, offer.name.as_str(), &offer.path));
        let slaves = offer.slaves.iter().filter(|(_, _, path)| is_there(path));
        links.extend(slaves.map(|(link, name, path)| (link, name.as_str(), path)));
        let note = note(offer, possible.iter().copied());
        noted.push((notes.child(&offer.name), Content::bytes(note, "update-alternatives")));
    }
    for (link, name, path) in links {
        let Some(link) = place(&merged.tree, link) else { continue };
        let target = dir.child(name);
        let is_taken =
            merged.tree.get(&link).is_some_and(|entry| !matches!(entry.kind, tree::Kind::Symlink(_)));
        if is_taken {
            continue;
        }
        put_over(&mut merged.tree, link, Entry::symlink(target.as_str()));
        put_over(&mut merged.tree, target, Entry::symlink(path.as_str()));
    }
    for (path, note) in noted {
        put_over(&mut merged.tree, path, Entry::file(note, 0o644));
    }
}

/// What stands of a name: how it was chosen, its links, and all that is on offer.
fn note<'a>(winner: &Alternative, offers: impl Iterator<Item = &'a Alternative>) -> String {
    let mut text = format!("auto\n{}\n", winner.link);
    for (link, name, _) in &winner.slaves {
        let _ = writeln!(text, "{name}\n{link}");
    }
    text.push('\n');
    for offer in offers.filter(|offer| offer.name == winner.name) {
        let _ = writeln!(text, "{}\n{}", offer.path, offer.priority);
        for (_, name, _) in &winner.slaves {
            let slave = offer.slaves.iter().find(|(_, known, _)| known == name);
            let _ = writeln!(text, "{}", slave.map_or("", |(_, _, path)| path.as_str()));
        }
    }
    text.push('\n');
    text
}
