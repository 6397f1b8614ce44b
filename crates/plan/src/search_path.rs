//! What tells the image's loader where to look, beyond the directories built into it.

use crate::{
    draft::{Draft, LIBS, Origin},
    error::PlanError,
    reason::Reason,
};
use elf::{FactsMemo, Flavor, Linker, Loader, Machine};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::{Content, Entry, Tree, TreePath, View};

const CONF: &str = "/etc/ld.so.conf";
const CACHE: &str = "/etc/ld.so.cache";
/// What the cache says it was written by where the C library does not say what it is; no loader looks at it.
const GENERATOR: &str = "bantam";
/// What a C library says of itself begins with this, and ends with a full stop and a line end.
const BANNER: &[u8] = b"GNU C Library (";
/// Larger than any C library, and longer than what it says.
const MAX_LIBC: u64 = 64 << 20;
const MAX_BANNER: usize = 256;

/// Writes `ld.so.conf` and `ld.so.cache` (for musl its `.path` file) when libraries stand in
/// directories that the loader would not look into by itself: `dirs`, where the source's loader
/// found some, and those of an `ld.so.conf` that the payload brings.
///
/// # Errors
/// When the image's own files cannot be read.
pub(crate) fn write(
    draft: &mut Draft,
    machine: &Machine,
    facts: &FactsMemo,
    dirs: &BTreeMap<TreePath, BTreeSet<TreePath>>,
) -> Result<(), PlanError> {
    let (Ok(conf), Ok(cache)) = (TreePath::parse(CONF), TreePath::parse(CACHE)) else { return Ok(()) };
    let Some(loader) = loader(draft, machine, facts)? else { return Ok(()) };
    let builtin = |dir: &TreePath| -> Result<bool, PlanError> {
        let real = draft.tree.follow(dir)?.path;
        for builtin in &loader.builtin_dirs {
            if draft.tree.follow(builtin)?.path == real {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let mut extra: Vec<TreePath> = vec![];
    let mut reasons: Vec<Reason> = vec![];
    for (dir, libraries) in dirs {
        if !builtin(dir)? {
            extra.push(dir.clone());
            reasons.extend(libraries.iter().map(|of| Reason::LoaderCache { of: of.clone() }));
        }
    }
    let own_conf = draft.tree.follow(&conf)?;
    let own_conf = own_conf.entry.map(|_| own_conf.path);
    if extra.is_empty() && own_conf.is_none() || draft.is_own(&cache) {
        return Ok(());
    }
    let is_of_base = draft.is_of_base(&cache);
    // A base is as whoever made it left it, unless there is something new to find.
    let concerns_base = is_of_base || own_conf.as_ref().is_some_and(|conf| draft.is_of_base(conf));
    if concerns_base
        && extra.is_empty()
        && !has_own_libraries(draft, &elf::ld_so_conf(&draft.tree, &conf).dirs)?
    {
        return Ok(());
    }
    let mut put = |path: &TreePath, bytes: Vec<u8>, reasons: &[Reason]| {
        let entry = Entry::file(Content::bytes(bytes, "bantam"), 0o644);
        for reason in reasons {
            draft.put(path, entry.clone(), Origin::Generated, LIBS, reason.clone())?;
        }
        Ok::<_, PlanError>(())
    };
    let text: String = extra.iter().map(|dir| format!("{dir}\n")).collect();
    if loader.flavor == Flavor::Musl {
        let builtin: String = loader.builtin_dirs.iter().map(|dir| format!("{dir}\n")).collect();
        return put(&loader.config, format!("{builtin}{text}").into_bytes(), &reasons);
    }
    match own_conf {
        None => put(&conf, text.into_bytes(), &reasons)?,
        Some(of) => reasons.push(Reason::MadeOf { of }),
    }
    let listed = elf::ld_so_conf(&draft.tree, &conf).dirs;
    let builtin = loader.builtin_dirs.iter().cloned();
    let all: Vec<TreePath> = listed.into_iter().chain(extra).chain(builtin).collect();
    let made = elf::ldconfig(&draft.tree, facts, &all, machine);
    let libc = made.entries.iter().find(|entry| entry.soname == "libc.so.6").map(|entry| &entry.path);
    let generator = libc.map(|path| generator(&draft.tree, path)).transpose()?.flatten();
    let bytes = elf::write_cache(&made.entries, machine.endian, generator.as_deref().unwrap_or(GENERATOR));
    let content = Content::bytes(bytes, "bantam");
    if is_of_base {
        reasons.into_iter().for_each(|reason| draft.renew(&cache, content.clone(), LIBS, reason));
        return Ok(());
    }
    let entry = Entry::file(content, 0o644);
    for reason in reasons {
        draft.put(&cache, entry.clone(), Origin::Generated, LIBS, reason)?;
    }
    Ok(())
}

/// Are there libraries that the base does not have in directories that its cache is about?
fn has_own_libraries(draft: &Draft, dirs: &[TreePath]) -> Result<bool, PlanError> {
    let mut real = BTreeSet::new();
    for dir in dirs {
        real.insert(draft.tree.follow(dir)?.path);
    }
    let is_library = |path: &TreePath| path.name().ends_with(".so") || path.name().contains(".so.");
    let is_there = |path: &TreePath| path.parent().is_some_and(|dir| real.contains(&dir));
    Ok(draft.layer.keys().any(|path| is_library(path) && is_there(path)))
}

/// What the `ldconfig` of this C library would say that it is: `ldconfig (Debian GLIBC 2.36-9) stable release version 2.36`.
fn generator(tree: &Tree, libc: &TreePath) -> Result<Option<String>, PlanError> {
    let found = tree.follow(libc)?.entry;
    let Some(content) = found.as_ref().and_then(Entry::content).filter(|content| content.size() <= MAX_LIBC)
    else {
        return Ok(None);
    };
    let bytes = content.read(MAX_LIBC)?;
    let Some(start) = memchr::memmem::find(&bytes, BANNER) else { return Ok(None) };
    let banner = bytes[start..].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let banner = std::str::from_utf8(banner).ok().filter(|banner| banner.len() <= MAX_BANNER);
    let version = banner.and_then(|banner| banner.strip_prefix("GNU C Library ")?.strip_suffix('.'));
    Ok(version.map(|version| format!("ldconfig {version}")))
}

/// The loader of the image, if it has one.
fn loader(draft: &Draft, machine: &Machine, facts: &FactsMemo) -> Result<Option<Arc<Loader>>, PlanError> {
    let linker = Linker::new(&draft.tree, facts);
    for path in machine.loader_candidates().iter().filter_map(|path| TreePath::parse(path).ok()) {
        if draft.tree.follow(&path)?.entry.is_some() {
            return Ok(Some(linker.loader(&path, machine)));
        }
    }
    Ok(None)
}
