//! What of dependencies a program does not run with, told from paths and, for tests, from who imports them.

use plan::spec::Shed;
use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, Entry, TreePath};

/// No module that is searched for imports is larger, in bytes.
const MAX_MODULE: u64 = 4 << 20;

/// What a module calls that imports by the stub beside it, while it runs: of `lazy_loader`.
const BY_STUB: &str = "attach_stub";

/// Takes out of files below `site` (paths as keys, relative to it) what belongs to a sort that is not wanted; of tests, the
/// directories that [`tests`] found. Gives the number and the bytes of each sort.
///
/// # Errors
/// When a module cannot be read.
pub(super) fn shed(
    files: &mut BTreeMap<String, Content>,
    sorts: &[Shed],
    tests: &BTreeSet<String>,
) -> Result<BTreeMap<Shed, (u64, u64)>, tree::ReadError> {
    let mut out = BTreeMap::new();
    let packages: BTreeSet<String> =
        files.keys().filter_map(|path| path.strip_suffix("/__init__.py")).map(str::to_owned).collect();
    let read = if sorts.contains(&Shed::Stubs) { stubs_that_are_read(files)? } else { BTreeSet::new() };
    files.retain(|path, content| {
        if read.contains(path) {
            return true;
        }
        let below_tests = || ancestors(path).any(|dir| tests.contains(dir));
        let sort = match sort(path, &packages) {
            Some(sort) if sorts.contains(&sort) => Some(sort),
            _ if !tests.is_empty() && below_tests() => Some(Shed::Tests),
            _ => None,
        };
        if let Some(sort) = sort {
            let (files, bytes): &mut (u64, u64) = out.entry(sort).or_default();
            *files += 1;
            *bytes += content.size();
        }
        sort.is_none()
    });
    Ok(out)
}

/// The stubs that the module beside them reads while it runs.
fn stubs_that_are_read(files: &BTreeMap<String, Content>) -> Result<BTreeSet<String>, tree::ReadError> {
    let mut found = BTreeSet::new();
    for path in files.keys().filter(|path| path.ends_with(".pyi")) {
        let module = path.strip_suffix('i').and_then(|module| files.get(module));
        if let Some(module) = module.filter(|module| module.size() <= MAX_MODULE)
            && String::from_utf8_lossy(&module.read(MAX_MODULE)?).contains(BY_STUB)
        {
            found.insert(path.clone());
        }
    }
    Ok(found)
}

/// The directories of tests, as paths below the place of packages, that nothing imports but tests. `modules` are all that
/// an image has, of all packages; those of the application have no path.
///
/// # Errors
/// When a module cannot be read.
pub(super) fn tests(modules: &[(&str, &Content)]) -> Result<BTreeSet<String>, tree::ReadError> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    for (path, _) in modules {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_test = name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py";
        if is_test && name.ends_with(".py") {
            let outermost = ancestors(path)
                .filter(|dir| matches!(dir.rsplit('/').next(), Some("tests" | "test")))
                .min_by_key(|dir| dir.len());
            found.extend(outermost.map(str::to_owned));
        }
    }
    let mut imported: BTreeSet<(&str, String)> = BTreeSet::new();
    for (path, content) in modules {
        if found.is_empty() {
            break;
        }
        let is_source = path.is_empty() || path.ends_with(".py");
        if !is_source || content.size() > MAX_MODULE {
            continue;
        }
        let bytes = content.read(MAX_MODULE)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(str::trim_start).filter(|line| line.contains("test"));
        let lines = lines.filter(|line| line.starts_with("from ") || line.starts_with("import "));
        imported.extend(lines.map(|line| (*path, line.to_owned())));
    }
    // What is imported from elsewhere is part of the program, whatever it is called; then, so is what it imports.
    loop {
        let before = found.len();
        let is_of_program = |path: &str| !ancestors(path).any(|dir| found.contains(dir));
        let of_program: Vec<_> = imported.iter().filter(|(path, _)| is_of_program(path)).collect();
        found.retain(|dir| !of_program.iter().any(|(path, line)| imports(line, path, dir)));
        if found.len() == before {
            return Ok(found);
        }
    }
}

/// The modules of an application, for [`tests`].
pub(super) fn modules<'a>(
    files: impl Iterator<Item = (&'a TreePath, &'a Entry)>,
) -> impl Iterator<Item = (&'a str, &'a Content)> {
    let sources = files.filter(|(path, _)| path.name().ends_with(".py"));
    sources.filter_map(|(_, entry)| Some(("", entry.content()?)))
}

/// What sort a file is of, by its path below the place of packages.
fn sort(path: &str, packages: &BTreeSet<String>) -> Option<Shed> {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let top = path.split('/').next().unwrap_or_default();
    if top.ends_with(".dist-info") || top.ends_with(".egg-info") {
        return None;
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_code = matches!(extension, "py" | "so" | "pyc" | "pth");
    match extension {
        "pyi" => return Some(Shed::Stubs),
        "h" | "hh" | "hpp" | "hxx" | "pxd" | "pyx" | "pxi" => return Some(Shed::Headers),
        "a" | "la" | "lib" => return Some(Shed::StaticLibraries),
        _ if name == "py.typed" => return Some(Shed::Stubs),
        _ => {}
    }
    let upper = name.to_ascii_uppercase();
    let is_licence = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS", "COPYRIGHT"]
        .iter()
        .any(|word| upper.contains(word));
    if is_licence || dir.split('/').any(|part| matches!(part, "licenses" | "licences")) {
        return None;
    }
    if !is_code && dir.split('/').skip(1).any(|part| part == "include") {
        return Some(Shed::Headers);
    }
    let docs = ancestors(path).find(|dir| {
        let name = dir.rsplit('/').next().unwrap_or_default();
        matches!(name, "doc" | "docs" | "examples") && !packages.contains(*dir)
    });
    let is_document = matches!(extension, "md" | "rst");
    (is_document || docs.is_some()).then_some(Shed::Docs)
}

/// May this line, of the module at `path`, import something below `dir`?
fn imports(line: &str, path: &str, dir: &str) -> bool {
    let dotted = dir.replace('/', ".");
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let mut absolute = line.match_indices(&*dotted).map(|(at, found)| (at, &line[at + found.len()..]));
    let names_module = |before: &str| {
        before.trim_end() == "from" || before.starts_with("import ") && before.ends_with([' ', ','])
    };
    if absolute.any(|(at, rest)| is_end(rest) && names_module(&line[..at])) {
        return true;
    }
    // `from . import tests`, `from .tests import x`, and `from pandas import tests`.
    let (parent, name) = dir.rsplit_once('/').unwrap_or(("", dir));
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    if !words.any(|word| word == name) {
        return false;
    }
    let from_parent = line.strip_prefix("from ").is_some_and(|rest| {
        rest.trim_start().strip_prefix(&parent.replace('/', ".")).is_some_and(|rest| rest.starts_with(' '))
    });
    let from_below = || line.starts_with("from .") && path.starts_with(&format!("{parent}/"));
    !parent.is_empty() && (from_parent || from_below())
}

/// The directories above a path, without the place of packages itself.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> BTreeMap<String, Content> {
        list.iter().map(|(path, text)| ((*path).to_owned(), Content::bytes(*text, "test"))).collect()
    }

    #[test]
    fn sorts_are_told_from_paths() {
        let packages = BTreeSet::from(["botocore/docs".to_owned(), "a/include".to_owned()]);
        for (path, want) in [
            ("a/b.pyi", Some(Shed::Stubs)),
            ("a/py.typed", Some(Shed::Stubs)),
            ("a/b.py", None),
            ("numpy/_core/include/numpy/arrayobject.h", Some(Shed::Headers)),
            ("numpy/_core/include/numpy/LICENSE.txt", None),
            ("numpy/_core/include/numpy/doc.txt", Some(Shed::Headers)),
            ("a/include/x.py", None),
            ("include/x.txt", None),
            ("a/b.pyx", Some(Shed::Headers)),
            ("numpy/random/lib/libnpyrandom.a", Some(Shed::StaticLibraries)),
            ("a/README.md", Some(Shed::Docs)),
            ("a/LICENSE.md", None),
            ("a/docs/x.py", Some(Shed::Docs)),
            ("botocore/docs/x.py", None),
            ("a/examples/data.csv", Some(Shed::Docs)),
            ("a-1.dist-info/METADATA", None),
            ("a-1.dist-info/licenses/docs/README.md", None),
            ("a-1.dist-info/x.pyi", None),
        ] {
            assert_eq!(sort(path, &packages), want, "{path}");
        }
    }

    #[test]
    fn tests_go_unless_somebody_imports_them() {
        let mut all = files(&[
            ("pandas/__init__.py", "from pandas.core import x\nimport pandas.testing\n"),
            ("pandas/tests/__init__.py", ""),
            ("pandas/tests/test_a.py", "from pandas.tests import b\n"),
            ("pandas/tests/data/x.csv", "x"),
            ("numpy/testing/__init__.py", ""),
            ("numpy/testing/tests/test_x.py", ""),
            ("django/test/__init__.py", ""),
            ("django/test/testcases.py", ""),
            ("lib/run.py", "    from lib.tests.helper import x\n"),
            ("lib/tests/test_x.py", ""),
            ("rel/run.py", "from .tests import x\n"),
            ("rel/tests/test_x.py", ""),
            ("one/run.py", "from one import a, tests\n"),
            ("one/tests/test_x.py", ""),
            ("tests/conftest.py", ""),
            ("used/tests/test_x.py", "from helped.tests import x\n"),
            ("helped/tests/test_x.py", ""),
        ]);
        let application = Content::bytes("import used.tests\n", "the application");
        let found = {
            let modules = all.iter().map(|(path, content)| (path.as_str(), content));
            tests(&modules.chain([("", &application)]).collect::<Vec<_>>()).unwrap()
        };
        let shed = shed(&mut all, &[Shed::Tests], &found).unwrap();
        assert_eq!(shed, BTreeMap::from([(Shed::Tests, (5, 28))]));
        let left: Vec<&str> = all.keys().map(String::as_str).filter(|path| path.contains("test")).collect();
        assert_eq!(
            left,
            [
                "django/test/__init__.py",
                "django/test/testcases.py",
                "helped/tests/test_x.py",
                "lib/tests/test_x.py",
                "numpy/testing/__init__.py",
                "one/tests/test_x.py",
                "rel/tests/test_x.py",
                "used/tests/test_x.py"
            ]
        );
    }

    #[test]
    fn nothing_goes_that_is_not_asked_for() {
        let mut all = files(&[("a/b.pyi", "x"), ("a/b.h", "xx"), ("a/README.md", "")]);
        let none = BTreeSet::new();
        assert_eq!(shed(&mut all, &[Shed::Headers], &none).unwrap(), [(Shed::Headers, (1, 2))].into());
        assert_eq!(all.len(), 2);
        assert!(shed(&mut all, &[], &none).unwrap().is_empty());
    }

    #[test]
    fn stubs_stay_that_a_module_reads() {
        let mut all = files(&[
            ("skimage/__init__.py", "__getattr__, __dir__, _ = _lazy.attach_stub(__name__, __file__)\n"),
            ("skimage/__init__.pyi", "from . import data"),
            ("skimage/color.py", ""),
            ("skimage/color.pyi", "x"),
            ("skimage/fast.pyi", "xx"),
        ]);
        let none = BTreeSet::new();
        assert_eq!(shed(&mut all, &[Shed::Stubs], &none).unwrap(), [(Shed::Stubs, (2, 3))].into());
        assert!(all.contains_key("skimage/__init__.pyi"));
    }
}
