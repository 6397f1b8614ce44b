//! What scripts of packages make, put into the tree.

use super::alternatives::{choose, place};
use super::merge::{Merged, label};
use super::problem::Problem;
use crate::scripts::{Account, Effects, Id, Knowledge, Made, Numbered, numbered, sysusers};
use std::collections::BTreeMap;
use std::io;
use tree::{Content, ContentHandle, Entry, Kind, ReadAt, Tree, TreePath};

const SYSUSERS: &str = "/usr/lib/sysusers.d";
/// More than any file of declarations has.
const MAX_SYSUSERS: u64 = 1 << 20;

/// More than any head of a file that says a priority.
const MAX_INI: u64 = 1 << 16;
/// The place of a module of PHP that says none: phpenmod(8).
const PHP_PRIORITY: &str = "20";

/// Applies what the scripts of the packages do, one after the other, and gives the accounts that they make.
pub fn apply(merged: &mut Merged, knowledge: &Knowledge) -> Vec<Account> {
    let mut accounts = vec![];
    let mut offers = vec![];
    let mut made = vec![];
    for (number, pack) in merged.packs.clone().iter().enumerate() {
        let (effects, lines) = Effects::of(pack, &merged.tree, knowledge);
        if !lines.is_empty() {
            merged.problems.push(Problem::Unhandled { package: label(pack), lines });
        }
        for made in &effects.made {
            make(merged, number, made, &Numbered::default());
        }
        made.extend(effects.made.into_iter().map(|made| (number, made)));
        offers.extend(effects.alternatives);
        accounts.extend(effects.accounts);
    }
    choose(merged, &offers);
    accounts.extend(declared(merged));
    // Whoever makes an account, its number is known when all packages are there; so are all programs of PHP.
    let numbers = numbered(&accounts);
    let is_late = |made: &Made| matches!(made, Made::Owner(..) | Made::PhpModule { .. });
    for (number, made) in made.iter().filter(|(_, made)| is_late(made)) {
        make(merged, *number, made, &numbers);
    }
    merged.numbers = numbers;
    accounts
}

fn make(merged: &mut Merged, number: usize, made: &Made, numbers: &Numbered) {
    let tree = &mut merged.tree;
    let mut put = |tree: &mut Tree, path: TreePath, entry| put(tree, path, entry, number, &mut merged.made);
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
        Made::Enabled { path, target } => {
            let mut todo = vec![(path.clone(), target.clone())];
            while let Some((path, target)) = todo.pop() {
                let Some(place) = place(tree, &path) else { continue };
                let led = place.parent().and_then(|dir| dir.join(&target).ok());
                let is_new = tree.get(&place).is_none();
                let Some(entry) = led.filter(|_| is_new).and_then(|led| real(tree, &led)) else { continue };
                todo.extend(enabled_along(&path, entry));
                put(tree, place, Entry::symlink(target));
            }
        }
        Made::PhpModule { version, program, name } => {
            for (place, target) in php_links(tree, version, program.as_deref(), name) {
                put(tree, place, Entry::symlink(target.as_str()));
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
            if let Some(content) = entry.content() {
                let kind = Kind::File(copy_of(content));
                put(tree, place, Entry { kind, meta: entry.meta });
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
                let user = user.as_ref().and_then(|user| match user {
                    Id::Number(number) => Some(*number),
                    Id::Name(name) => numbers.user(name),
                });
                let group = group.as_ref().and_then(|group| match group {
                    Id::Number(number) => Some(*number),
                    Id::Name(name) => numbers.group(name),
                });
                entry.meta.uid = user.unwrap_or(entry.meta.uid);
                entry.meta.gid = group.unwrap_or(entry.meta.gid);
            }
        }
    }
}

/// What a module of Apache says that it depends on is enabled with it, as a2enmod(8) does it: links, and what they say.
fn enabled_along(path: &TreePath, module: &Entry) -> Vec<(TreePath, String)> {
    let Some(dir) = path.parent().filter(|_| path.name().ends_with(".load")) else { return vec![] };
    let text = module.content().and_then(|content| content.read(MAX_INI).ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let depends = text.lines().filter_map(|line| line.strip_prefix("# Depends:"));
    let names = depends.flat_map(str::split_ascii_whitespace).filter(|name| !name.contains('/'));
    let files = names.flat_map(|name| ["load", "conf"].map(|end| format!("{name}.{end}")));
    files.map(|file| (dir.child(&file), format!("../mods-available/{file}"))).collect()
}

/// The links that enable a module of PHP, as phpenmod(8) makes them: where each stands, and what it says.
fn php_links(tree: &mut Tree, version: &str, program: Option<&str>, name: &str) -> Vec<(TreePath, TreePath)> {
    let Ok(php) = TreePath::parse("/etc/php").map(|dir| dir.child(version)) else { return vec![] };
    let target = php.child("mods-available").child(&format!("{name}.ini"));
    let text = real(tree, &target).and_then(|entry| entry.content()?.read(MAX_INI).ok());
    let Some(text) = text else { return vec![] };
    let text = String::from_utf8_lossy(&text);
    let priority = text.lines().find_map(|line| line.strip_prefix("; priority="));
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let priority = priority.map(str::trim).filter(is_number).unwrap_or(PHP_PRIORITY);
    let programs: Vec<TreePath> = match program {
        Some(program) => vec![php.child(program).child("conf.d")],
        None => {
            let is_of_program = |path: &&TreePath| {
                path.name() == "conf.d" && path.parent().and_then(|dir| dir.parent()).as_ref() == Some(&php)
            };
            tree.range(&php).map(|(path, _)| path).filter(is_of_program).cloned().collect()
        }
    };
    let is_directory = |dir: &TreePath| tree.get(dir).is_some_and(Entry::is_directory);
    let link = |dir: TreePath| (dir.child(&format!("{priority}-{name}.ini")), target.clone());
    programs.into_iter().filter(is_directory).map(link).collect()
}

/// Puts an entry, and directories above it, where nothing is; `made` says that the package has it now.
fn put(tree: &mut Tree, path: TreePath, entry: Entry, number: usize, made: &mut BTreeMap<TreePath, usize>) {
    if tree.get(&path).is_none() {
        made.insert(path.clone(), number);
        put_over(tree, path, entry);
    }
}

/// Puts an entry, and directories above it.
pub fn put_over(tree: &mut Tree, path: TreePath, entry: Entry) {
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

/// The same bytes in a file of its own, and not another name of the first.
fn copy_of(content: &Content) -> Content {
    Content::with_known(Copied(content.clone()), content.known())
}

struct Copied(Content);

impl ContentHandle for Copied {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        self.0.open().map_err(|error| error.source)
    }

    fn origin(&self) -> String {
        self.0.origin()
    }

    fn may_change(&self) -> bool {
        self.0.may_change()
    }
}
