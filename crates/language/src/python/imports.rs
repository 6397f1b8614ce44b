//! Which modules of a standard library are reached from what imports them.

use super::{bytecode::Import, stdlib::is_within};
use crate::{
    Ask, LanguageError,
    kept::{Keeper, Kept, key},
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tree::{Content, Entry, TreePath};

/// The largest shared object that is looked through, in bytes.
const MAX_OBJECT: u64 = 1 << 30;
/// Modules of C say what they import in strings of these lengths.
const NAME: std::ops::RangeInclusive<usize> = 2..=60;
/// Changes with what is looked for in shared objects.
const DOMAIN: &str = "python-mentions-1";

/// The modules of a standard library, and what each imports.
pub(super) struct Modules {
    by_name: BTreeMap<String, Module>,
    names: BTreeMap<TreePath, String>,
}

struct Module {
    is_package: bool,
    imports: BTreeSet<Import>,
}

impl Modules {
    /// The modules among these files.
    ///
    /// # Errors
    /// When an extension module cannot be read.
    pub fn of(
        files: &BTreeMap<TreePath, Entry>,
        root: &TreePath,
        imports: &BTreeMap<TreePath, Vec<Import>>,
    ) -> Result<Self, LanguageError> {
        let mut modules = Modules { by_name: BTreeMap::new(), names: BTreeMap::new() };
        let mut extensions = vec![];
        for (path, entry) in files {
            let Some((name, is_package)) = path.below(root).and_then(module_name) else { continue };
            if let Some(content) = entry.content().filter(|_| path.name().ends_with(".so")) {
                extensions.push((name.clone(), content));
            }
            // What its texts may name is in the table.
            let imports = imports.get(path).into_iter().flatten();
            let imports = imports.filter(|import| import.is_stated()).cloned().collect();
            modules.names.insert(path.clone(), name.clone());
            modules.by_name.insert(name, Module { is_package, imports });
        }
        // C has no import statements, but the names are in it.
        for (name, content) in extensions {
            let found = mentioned(&content.read(MAX_OBJECT)?, |text| modules.by_name.contains_key(text));
            if let Some(module) = modules.by_name.get_mut(&name) {
                module.imports.extend(found.into_iter().map(Import::Maybe));
            }
        }
        Ok(modules)
    }

    /// The module that a file is; none for data.
    pub fn at(&self, path: &TreePath) -> Option<&String> {
        self.names.get(path)
    }

    /// The modules that are reached from imports, and those that enter anyway. Those that are not to be followed are
    /// reached from `from`, and from modules that cannot be imported without them.
    pub fn reached(
        &self,
        from: &BTreeSet<Import>,
        enters: impl Fn(&str) -> bool,
        not_followed: &[String],
    ) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut queue: VecDeque<String> = self.by_name.keys().filter(|name| enters(name)).cloned().collect();
        queue.extend(from.iter().map(|import| import.name().to_owned()));
        while let Some(name) = queue.pop_front() {
            // Importing a.b imports a first. What is after the last module is something in it.
            let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
            for part in ends.filter_map(|end| name.get(..end)) {
                let Some(module) = self.by_name.get(part).filter(|_| !reached.contains(part)) else {
                    continue;
                };
                reached.insert(part.to_owned());
                for import in &module.imports {
                    let Some(name) = absolute(import, part, module.is_package) else { continue };
                    // What is not followed is so for others.
                    let is_followed = !is_within(&name, not_followed) || is_within(part, not_followed);
                    if is_followed || matches!(import, Import::Always(_)) {
                        queue.push_back(name);
                    }
                }
            }
        }
        reached
    }
}

/// What shared objects of dependencies mention of modules; kept, as reading them takes a while.
///
/// # Errors
/// When one cannot be read.
pub(super) fn mentions<'c>(
    ask: &Ask<'_>,
    objects: impl Iterator<Item = &'c Content>,
    files: &BTreeMap<TreePath, Entry>,
    root: &TreePath,
) -> Result<BTreeSet<Import>, LanguageError> {
    let names: BTreeSet<String> =
        files.keys().filter_map(|path| Some(module_name(path.below(root)?)?.0)).collect();
    let all = names.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for content in objects {
        let key = key(DOMAIN, &[all.as_bytes(), &content.sha256()?.0]);
        let mentions: Vec<String> = match Kept::open(ask.workshop.cache, &key) {
            Some(kept) => kept.note.lines().map(String::from).collect(),
            None => {
                let mentions = mentioned(&content.read(MAX_OBJECT)?, |text| names.contains(text));
                let keep =
                    || Keeper::new(ask.workshop.cache, key, "names of modules")?.finish(&mentions.join("\n"));
                keep().map_err(LanguageError::write("the cache"))?;
                mentions
            }
        };
        found.extend(mentions.into_iter().map(Import::Maybe));
    }
    Ok(found)
}

/// The strings of a shared object that are names of modules.
fn mentioned(bytes: &[u8], is_module: impl Fn(&str) -> bool) -> Vec<String> {
    let texts = bytes.split(|byte| *byte == 0).filter(|text| NAME.contains(&text.len()));
    let texts = texts.filter_map(|text| std::str::from_utf8(text).ok()).filter(|text| is_module(text));
    let found: BTreeSet<&str> = texts.collect();
    found.into_iter().map(String::from).collect()
}

/// An import of a module without dots before it.
fn absolute(import: &Import, of: &str, is_package: bool) -> Option<String> {
    let name = import.name();
    let rest = name.trim_start_matches('.');
    let dots = name.len() - rest.len();
    if dots == 0 {
        return Some(name.to_owned());
    }
    // One dot is the package itself, which a package is and a module is in.
    let up = if is_package { dots - 1 } else { dots };
    let mut package: Vec<&str> = of.split('.').collect();
    package.truncate(package.len().checked_sub(up)?);
    package.extend((!rest.is_empty()).then_some(rest));
    Some(package.join("."))
}

/// The name of the module that a file below the standard library is, and whether it is a package.
fn module_name(below: &str) -> Option<(String, bool)> {
    if let Some(file) = below.strip_prefix("lib-dynload/") {
        return file.ends_with(".so").then(|| (file.split('.').next().unwrap_or(file).to_owned(), false));
    }
    let path = below.strip_suffix(".py")?;
    let (path, is_package) = match path.strip_suffix("/__init__") {
        Some(package) => (package, true),
        None => (path, false),
    };
    Some((path.replace('/', "."), is_package))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(&format!("/lib/{text}")).unwrap()
    }

    #[test]
    fn modules_are_reached_through_packages_dots_and_c() {
        let files = [
            ("a.py", ""),
            ("b/__init__.py", ""),
            ("b/c.py", ""),
            ("b/d.py", ""),
            ("e/__init__.py", ""),
            ("e/f/__init__.py", ""),
            ("e/f/g.py", ""),
            ("e/h.py", ""),
            ("lib-dynload/_x.cpython-313-x86_64-linux-gnu.so", "\0not.one\0y\0zz\0e.h\0"),
            ("zz.py", ""),
            ("y.py", ""),
            ("b/data.txt", ""),
            ("always.py", ""),
            ("prompt.py", ""),
            ("needs.py", ""),
        ];
        let entries =
            files.map(|(name, text)| (path(name), Entry::file(Content::bytes(text, "test"), 0o644)));
        let files = BTreeMap::from(entries);
        let named =
            |names: &[&str]| names.iter().map(|name| Import::Named((*name).into())).collect::<Vec<_>>();
        let imports = BTreeMap::from([
            (path("a.py"), named(&["b.c.thing"])),
            (path("b/c.py"), named(&[".d"])),
            (path("e/f/g.py"), named(&["..h", "......."])),
            (path("e/f/__init__.py"), named(&[".g"])),
            (path("y.py"), named(&["_x", "nowhere", "prompt.x"])),
            (path("prompt.py"), named(&["a"])),
            (path("needs.py"), vec![Import::Always("prompt.x".into())]),
        ]);
        let modules = Modules::of(&files, &path("x").parent().unwrap(), &imports).unwrap();
        for (from, want) in [
            ("a", "a always b b.c b.d"),
            ("b", "always b"),
            ("e.f", "always e e.f e.f.g e.h"),
            ("y", "_x always e e.h y zz"),
            ("nothing.b", "always"),
            ("prompt", "a always b b.c b.d prompt"),
            ("needs", "a always b b.c b.d needs prompt"),
        ] {
            let reached = modules.reached(
                &named(&[from]).into_iter().collect(),
                |name| name == "always",
                &["prompt".into()],
            );
            assert_eq!(reached.into_iter().collect::<Vec<_>>().join(" "), want, "{from}");
        }
        assert!(modules.at(&path("b/data.txt")).is_none());
    }
}
