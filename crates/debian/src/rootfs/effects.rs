//! What scripts of packages make, put into the tree.

use super::merge::{Merged, label};
use super::problem::Problem;
use crate::scripts::{Account, Alternative, Effects, Knowledge, Made, sysusers, winners};
use tree::{Content, Entry, Tree, TreePath};

const ALTERNATIVES: &str = "/etc/alternatives";
const SYSUSERS: &str = "/usr/lib/sysusers.d";
/// More than any file of declarations has.
const MAX_SYSUSERS: u64 = 1 << 20;

/// Applies what the scripts of the packages do, one after the other, and gives the accounts that they make.
pub fn apply(merged: &mut Merged, knowledge: &Knowledge) -> Vec<Account> {
    let mut accounts = vec![];
    let mut offers = vec![];
    for pack in merged.packs.clone() {
        let (effects, lines) = Effects::of(&pack, &merged.tree, knowledge);
        if !lines.is_empty() {
            merged.problems.push(Problem::Unhandled { package: label(&pack), lines });
        }
        for made in &effects.made {
            make(merged, made);
        }
        offers.extend(effects.alternatives);
        accounts.extend(effects.accounts);
    }
    choose(merged, &offers);
    accounts.extend(declared(merged));
    accounts
}

/// Where a path of a script leads: links on the way are followed, as the script's would be.
fn place(tree: &Tree, path: &TreePath) -> Option<TreePath> {
    let parent = path.parent()?;
    let found = tree::resolve(tree, &parent).ok()?;
    let is_free = found.entry.as_ref().is_none_or(Entry::is_directory);
    is_free.then(|| found.path.child(path.name()))
}

fn make(merged: &mut Merged, made: &Made) {
    let tree = &mut merged.tree;
    match made {
        Made::Directory(path) => {
            let Some(place) = place(tree, path) else { return };
            put(tree, place, Entry::directory(0o755));
        }
        Made::Removed(path) => {
            let Some(place) = place(tree, path) else { return };
            let is_empty =
                tree.get(&place).is_some_and(Entry::is_directory) && tree.range(&place).count() == 1;
            if is_empty {
                tree.remove(&place);
                merged.owners.remove(&place);
            }
        }
        Made::Link { path, target } => {
            let Some(place) = place(tree, path) else { return };
            // A link to put into a directory that is there already.
            let is_directory = tree.get(&place).is_some_and(Entry::is_directory);
            let name = target.rsplit('/').next().filter(|name| !matches!(*name, "" | "." | ".."));
            let place = match name.filter(|_| is_directory) {
                Some(name) => place.child(name),
                None => place,
            };
            put(tree, place, Entry::symlink(target.clone()));
        }
        Made::Empty(path) => {
            let Some(place) = place(tree, path) else { return };
            put(tree, place, Entry::file(Content::bytes(vec![], "a package's script"), 0o644));
        }
        Made::Copy { from, to } => {
            let (Some(entry), Some(place)) = (real(tree, from).cloned(), place(tree, to)) else { return };
            let is_directory = tree.get(&place).is_some_and(Entry::is_directory);
            let place = if is_directory { place.child(from.name()) } else { place };
            if entry.content().is_some() {
                put(tree, place, entry);
            }
        }
        Made::Mode(path, mode) => {
            if let Some(entry) = real(tree, path) {
                entry.meta.mode = *mode;
            }
        }
        Made::Bits { path, set, clear } => {
            if let Some(entry) = real(tree, path) {
                entry.meta.mode = (entry.meta.mode & !clear) | set;
            }
        }
        Made::Owner(path, user, group) => {
            if let Some(entry) = real(tree, path) {
                entry.meta.uid = user.unwrap_or(entry.meta.uid);
                entry.meta.gid = group.unwrap_or(entry.meta.gid);
            }
        }
    }
}

/// Puts an entry, and directories above it, where nothing is.
fn put(tree: &mut Tree, path: TreePath, entry: Entry) {
    if tree.get(&path).is_none() {
        put_over(tree, path, entry);
    }
}

fn put_over(tree: &mut Tree, path: TreePath, entry: Entry) {
    let missing: Vec<TreePath> = path.ancestors().take_while(|dir| tree.get(dir).is_none()).collect();
    for dir in missing {
        tree.insert(dir, Entry::directory(0o755));
    }
    tree.insert(path, entry);
}

/// What a path leads to.
fn real<'a>(tree: &'a mut Tree, path: &TreePath) -> Option<&'a mut Entry> {
    let found = tree::resolve(&*tree, path).ok()?;
    tree.get_mut(&found.path)
}

/// Makes the links of the alternatives that win. As update-alternatives does it, one whose file is not there is
/// no offer, and a file at the link's place stays.
fn choose(merged: &mut Merged, offers: &[Alternative]) {
    let is_there =
        |path: &TreePath| tree::resolve(&merged.tree, path).is_ok_and(|found| found.entry.is_some());
    let possible: Vec<&Alternative> = offers.iter().filter(|offer| is_there(&offer.path)).collect();
    let mut links = vec![];
    for offer in winners(possible).into_values() {
        links.push((&offer.link, offer.name.as_str(), &offer.path));
        let slaves = offer.slaves.iter().filter(|(_, _, path)| is_there(path));
        links.extend(slaves.map(|(link, name, path)| (link, name.as_str(), path)));
    }
    let Ok(dir) = TreePath::parse(ALTERNATIVES) else { return };
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
}

/// The accounts that the packages declare for systemd.
fn declared(merged: &mut Merged) -> Vec<Account> {
    let Ok(dir) = TreePath::parse(SYSUSERS) else { return vec![] };
    let mut accounts = vec![];
    let mut problems = vec![];
    for (path, entry) in merged.tree.range(&dir) {
        let Some(content) = entry.content().filter(|_| path.as_str().ends_with(".conf")) else { continue };
        let owner = merged.owners.get(path).and_then(|owners| merged.packs.get(*owners.first()?));
        let package = owner.map(|pack| pack.name()).unwrap_or_default();
        match content.read(MAX_SYSUSERS) {
            Ok(bytes) => accounts.extend(sysusers(&String::from_utf8_lossy(&bytes), package)),
            Err(error) => {
                problems.push(Problem::Unreadable { path: path.clone(), reason: error.source.to_string() });
            }
        }
    }
    merged.problems.extend(problems);
    accounts
}
