//! Which addons the Node.js of an image can load. An addon that is compiled against the interface of V8 registers itself
//! under the number of the Node.js that it is for, `node_register_module_v115`; one of Node-API fits all.

use super::{
    manifest::Manifest,
    project::{MANIFEST, MODULES},
};
use crate::LanguageError;
use memchr::memmem;
use plan::{finding::Problem, spec::Line};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, TreePath};

/// What the name begins with under which an addon registers itself; Node.js has its own in it to look for that.
const REGISTERS: &[u8] = b"node_register_module_v";
/// The name under which one of Node-API does.
const REGISTERS_ANY: &[u8] = b"napi_register_module_v";
/// The library that distributions make of Node.js: `libnode.so.108`.
const LIBRARY: &str = "libnode.so.";
/// So many bytes are looked at at a time.
const STEP: usize = 1 << 20;
/// No manifest that counts is longer, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;

/// The number of each major version, as its `process.versions.modules` says.
const VERSIONS: &[(u32, u32)] = &[
    (93, 16),
    (102, 17),
    (108, 18),
    (111, 19),
    (115, 20),
    (120, 21),
    (127, 22),
    (131, 23),
    (137, 24),
    (141, 25),
    (147, 26),
];

/// Finds the packages of which no addon fits the Node.js of the image. `file` gives what stands at a path.
///
/// # Errors
/// When one cannot be read.
pub(super) fn judge<'c>(
    node: &Content,
    addons: &BTreeSet<TreePath>,
    file: impl Fn(&TreePath) -> Option<&'c Content>,
    line: Line,
) -> Result<Vec<Problem>, LanguageError> {
    let mut packages: BTreeMap<TreePath, Vec<(&TreePath, Registered)>> = BTreeMap::new();
    for path in addons {
        let Some(content) = file(path) else { continue };
        let registered = Registered::read(content)?;
        if registered.is_any || !registered.versions.is_empty() {
            packages.entry(package(path)).or_default().push((path, registered));
        }
    }
    // Node.js is large, and few addons are of the old kind.
    if !packages.values().flatten().any(|(_, registered)| !registered.is_any) {
        return Ok(vec![]);
    }
    let Some(has) = number(node)? else { return Ok(vec![]) };
    let mut problems = vec![];
    for (dir, addons) in packages {
        // Of several, its loader takes the one that fits.
        let fits = |(_, addon): &(&TreePath, Registered)| addon.is_any || addon.versions.contains(&has);
        let (false, Some((path, addon))) = (addons.iter().any(fits), addons.first()) else { continue };
        let Some(needs) = addon.versions.last().copied() else { continue };
        let manifest = file(&dir.child(MANIFEST)).and_then(|content| content.read(MAX_MANIFEST).ok());
        let manifest = manifest.and_then(|bytes| Manifest::parse(&bytes)).unwrap_or_default();
        let name = manifest.text("name").unwrap_or(dir.name());
        let version_of =
            |number| VERSIONS.iter().find(|(known, _)| *known == number).map(|(_, version)| version);
        let title = |number| match version_of(number) {
            Some(version) => format!("Node.js {version}"),
            None => format!("a Node.js with modules of version {number}"),
        };
        let other = version_of(needs).map(|version| format!("; or write version = \"{version}\" in [node]"));
        problems.push(Problem::UnfitPackage {
            package: manifest.title(dir.name()),
            why: format!(
                "{} is built for {} ({needs}), and the image has {} ({has})",
                path.below(&dir).unwrap_or(path.name()),
                title(needs),
                title(has)
            ),
            fix: format!(
                "install it with {}: `npm rebuild {name}`{}; or, if the package does without, in [runtime]: drop = [\"{path}\"]",
                title(has),
                other.unwrap_or_default()
            ),
            line,
        });
    }
    Ok(problems)
}

/// How an addon registers itself.
struct Registered {
    versions: BTreeSet<u32>,
    is_any: bool,
}

impl Registered {
    fn read(addon: &Content) -> Result<Self, LanguageError> {
        let mut found = Registered { versions: BTreeSet::new(), is_any: false };
        scan(addon, |part| {
            found.versions.extend(numbers(part));
            found.is_any |= memmem::find(part, REGISTERS_ANY).is_some();
        })?;
        Ok(found)
    }
}

/// The number of the modules that a Node.js loads; none where it does not say.
fn number(node: &Content) -> Result<Option<u32>, LanguageError> {
    let facts = elf::read(node).ok().flatten();
    let needed = facts.iter().flat_map(|facts| &facts.needed);
    if let Some(number) = needed.filter_map(|name| name.strip_prefix(LIBRARY)?.parse().ok()).next() {
        return Ok(Some(number));
    }
    let mut found = BTreeSet::new();
    scan(node, |part| found.extend(numbers(part)))?;
    Ok(found.pop_last().filter(|_| found.is_empty()))
}

/// The numbers of all names that whole texts are.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    memmem::find_iter(bytes, REGISTERS).filter_map(|at| {
        let rest = bytes.get(at + REGISTERS.len()..)?;
        let end = rest.iter().take(8).position(|byte| *byte == 0)?;
        std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
    })
}

/// Shows a file in parts, which overlap by more than a name is long.
fn scan(content: &Content, mut look: impl FnMut(&[u8])) -> Result<(), LanguageError> {
    const OVERLAP: u64 = 64;
    let file = content.open()?;
    let mut buffer = vec![0; STEP];
    let mut at = 0;
    while at < content.size() {
        let len = usize::try_from(content.size() - at).unwrap_or(STEP).min(STEP);
        let part = &mut buffer[..len];
        file.read_exact_at(part, at).map_err(|error| content.error(error))?;
        look(part);
        at += if len == STEP { len as u64 - OVERLAP } else { len as u64 };
    }
    Ok(())
}

/// The folder of the package that a file is of; of the application's own, that which it is in.
fn package(path: &TreePath) -> TreePath {
    let names: Vec<&str> = path.names().collect();
    let own = || path.parent().unwrap_or_else(TreePath::root);
    let Some(modules) = names.iter().rposition(|name| *name == MODULES) else { return own() };
    let is_scoped = names.get(modules + 1).is_some_and(|name| name.starts_with('@'));
    let count = modules + if is_scoped { 3 } else { 2 };
    match names.get(..count).filter(|package| package.len() < names.len()) {
        Some(package) => package.iter().fold(TreePath::root(), |dir, name| dir.child(name)),
        None => own(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use elf::testing::Elf;

    fn content(bytes: Vec<u8>) -> Content {
        Content::bytes(bytes, "the test")
    }

    fn node(number: u32) -> Content {
        // So long that the name lies across two parts.
        let mut bytes = Elf::program().build();
        bytes.resize(STEP - 10, 0);
        bytes.extend(format!("\0node_register_module_v{number}\0").as_bytes());
        content(bytes)
    }

    fn judged(node: &Content, files: &[(&str, &[&str])]) -> Vec<String> {
        let path = |name: &str| TreePath::parse(&format!("/app/node_modules/{name}")).unwrap();
        let mut all: BTreeMap<TreePath, Content> = files
            .iter()
            .map(|(name, symbols)| (path(name), content(Elf::library("").exports(symbols).build())))
            .collect();
        let addons = all.keys().cloned().collect();
        all.insert(path("sql/package.json"), content(br#"{"name": "sql", "version": "9.1.0"}"#.to_vec()));
        let problems = judge(node, &addons, |path| all.get(path), 3).unwrap();
        let words = |problem| match problem {
            Problem::UnfitPackage { package, why, fix, line: 3 } => format!("{package}: {why}; {fix}"),
            other => other.to_string(),
        };
        problems.into_iter().map(words).collect()
    }

    #[test]
    fn addons_are_for_one_node_or_for_all() {
        let (v20, v22) = ("node_register_module_v115", "node_register_module_v127");
        let any = "napi_register_module_v1";
        let distribution = content(Elf::program().needs(&["libnode.so.127"]).build());
        for (files, fits) in [
            (&[("sql/build/sql.node", &[v20][..])][..], false),
            (&[("sql/build/sql.node", &[v22])], true),
            (&[("sql/build/sql.node", &[any])], true),
            (&[("sql/build/sql.node", &["init"])], true),
            (&[("sql/a.node", &[v20]), ("sql/b.node", &[v22])], true),
            (&[("sql/a.node", &[v20]), ("sql/b.node", &[any])], true),
            (&[("sql/a.node", &[v20]), ("@acme/sql/b.node", &[v22])], false),
        ] {
            for node in [&node(127), &distribution] {
                let found = judged(node, files);
                assert_eq!(found.is_empty(), fits, "{files:?} {found:?}");
            }
        }
        // A Node.js that does not say what it loads.
        assert!(judged(&content(Elf::program().build()), &[("sql/a.node", &[v20])]).is_empty());
    }

    #[test]
    fn the_finding_names_both_versions_and_what_to_do() {
        let found = judged(&node(127), &[("sql/build/sql.node", &["node_register_module_v115"])]);
        assert_eq!(
            found,
            [
                "sql 9.1.0: build/sql.node is built for Node.js 20 (115), and the image has Node.js 22 (127); install it \
              with Node.js 22: `npm rebuild sql`; or write version = \"20\" in [node]; or, if the package does without, in \
              [runtime]: drop = [\"/app/node_modules/sql/build/sql.node\"]"
            ]
        );
        let found = judged(&node(147), &[("@acme/x/x.node", &["node_register_module_v999"])]);
        assert!(found[0].contains("built for a Node.js with modules of version 999"), "{found:?}");
    }
}
