//! What the process gives the interpreter to run: whether a module that it names is there, and whose its program is.

use super::{
    interpreter::{Interpreter, is_name_of_python},
    names_python,
};
use crate::{Ask, LanguageError};
use plan::{
    Brought, DEFAULT_PATH, PythonStart,
    finding::Problem,
    spec::{Line, Python, PythonDependencies},
};
use std::collections::BTreeSet;
use tree::{Entry, Tree, TreePath, View};

/// Packages of the distribution, which enter where the spec names them.
const OF_DISTRIBUTION: &str = "/usr/lib/python3/dist-packages";
/// Directories of packages.
const SITES: [&str; 2] = ["/site-packages", "/dist-packages"];
/// No way to more modules is longer, in bytes.
const MAX_WAY: u64 = 1 << 20;

/// The module that the process runs, as far as its words tell.
pub(super) fn module<'a>(ask: &Ask<'a>) -> Option<&'a str> {
    module_of(&words(ask))
}

/// The module that the process runs, if it is nowhere. `is_left`: it is of the standard library, and left out.
///
/// # Errors
/// When something cannot be read.
pub(super) fn missing_module(
    ask: &Ask<'_>,
    interpreter: &Interpreter,
    brought: &Brought,
    is_left: bool,
) -> Result<Option<Problem>, LanguageError> {
    let config = &ask.spec.config;
    let Some(module) = module(ask) else { return Ok(None) };
    let parts: Vec<&str> = module.split('.').collect();
    // What a base, a volume or a package of the distribution has is not known here.
    let first = parts.first().copied().unwrap_or_default();
    let is_packaged = !ask.spec.runtime.packages.is_empty() || !ask.spec.runtime.keep.is_empty();
    if ask.spec.base.is_some() || is_packaged && has(ask.runtime, &TreePath::parse(OF_DISTRIBUTION)?, first)?
    {
        return Ok(None);
    }
    let image = image(ask, brought);
    let workdir = config.workdir();
    let program = words(ask).first().and_then(|program| workdir.join(program).ok());
    if program.is_some_and(|program| ask.payload.get(&program).is_some()) {
        return Ok(None);
    }
    let named = config.env.get("PYTHONPATH").map_or("", String::as_str).split(':');
    let named = named.filter(|dir| !dir.is_empty()).filter_map(|dir| workdir.join(dir).ok());
    let mut dirs: Vec<TreePath> = [workdir.clone()].into_iter().chain(named).collect();
    for dir in &dirs {
        let may_be_taken = is_packaged && !dir.is_root() && !names(ask.runtime, dir)?.is_empty();
        let leads_elsewhere = [dir, &image.follow(dir)?.path]
            .into_iter()
            .any(|dir| plan::is_elsewhere(dir, config, &ask.spec.dirs));
        if may_be_taken || is_file(&image, dir) || leads_elsewhere {
            return Ok(None);
        }
    }
    let own = [interpreter.stdlib.clone(), interpreter.stdlib.child("lib-dynload"), interpreter.site.clone()];
    dirs.extend(own);
    dirs.extend(sites(&image)?);
    if is_there(&image, dirs, &parts)? {
        return Ok(None);
    }
    let fix = match is_left {
        true => "in [python]: stdlib = \"full\"".to_owned(),
        false => format!(
            "look at the name: it is looked for in {workdir}, PYTHONPATH and the dependencies; of a package, __main__ is run"
        ),
    };
    let (module, needed_by) = (module.to_owned(), "the process".to_owned());
    Ok(Some(Problem::MissingModule { sort: "module", module, needed_by, fix, line: config.line }))
}

/// The program that the process names, if it is a Python program of the source and none of the dependencies.
///
/// # Errors
/// When the source cannot be read.
pub(super) fn foreign_program(
    ask: &Ask<'_>,
    table: &Python,
    brought: &Brought,
) -> Result<Option<Problem>, LanguageError> {
    let words = words(ask);
    let Some(program) = words.first().filter(|word| !word.contains('/') && !is_name_of_python(word)) else {
        return Ok(None);
    };
    if matches!(table.dependencies, PythonDependencies::None) {
        return Ok(None);
    }
    let own = brought.files.iter().map(|file| &file.path).chain(ask.payload.iter().map(|(path, _)| path));
    if own.into_iter().any(|path| path.name() == *program) {
        return Ok(None);
    }
    let path = ask.spec.config.env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    for dir in path.split(':').filter_map(|dir| TreePath::parse(dir).ok()) {
        let path = dir.child(program);
        let Some(entry) = ask.runtime.follow(&path)?.entry else { continue };
        let is_python = entry.content().is_some_and(names_python);
        let (program, line): (_, Line) = ((*program).to_owned(), ask.spec.config.line);
        return Ok(is_python.then_some(Problem::ProgramOfSource { program, path, line }));
    }
    Ok(None)
}

/// The words of the process.
fn words<'a>(ask: &Ask<'a>) -> Vec<&'a str> {
    let config = &ask.spec.config;
    config.entrypoint.iter().chain(&config.cmd).map(String::as_str).collect()
}

/// The module that a command line has an interpreter run; none where it runs another program, a script or a text.
fn module_of<'a>(words: &[&'a str]) -> Option<&'a str> {
    let (program, words) = words.split_first()?;
    if !is_name_of_python(program.rsplit('/').next().unwrap_or(program)) {
        return None;
    }
    match PythonStart::of(words.iter().copied())? {
        PythonStart::Module(module) => Some(module),
        PythonStart::Script(_) => None,
    }
}

/// The image, as far as modules are looked for in it.
fn image(ask: &Ask<'_>, brought: &Brought) -> Tree {
    let mut image = Tree::new();
    for (path, entry) in ask.payload.iter() {
        image.insert(path.clone(), entry.clone());
    }
    for file in &brought.files {
        image.insert(file.path.clone(), file.entry.clone());
    }
    for link in &ask.spec.links {
        image.insert(link.path.clone(), Entry::symlink(link.to.clone()));
    }
    image.add_parents();
    image
}

/// The directories of packages, and those that files in them lead to.
fn sites(image: &Tree) -> Result<BTreeSet<TreePath>, LanguageError> {
    let mut sites = BTreeSet::new();
    for (path, _) in image.iter() {
        let text = path.as_str();
        let ends = SITES.iter().filter_map(|site| Some(text.find(&format!("{site}/"))? + site.len()));
        sites.extend(ends.filter_map(|end| TreePath::parse(&text[..end]).ok()));
    }
    let mut ways = vec![];
    for (path, entry) in image.iter().filter(|(path, _)| path.name().ends_with(".pth")) {
        let Some(dir) = path.parent().filter(|dir| sites.contains(dir)) else { continue };
        let Some(content) = entry.content().filter(|content| content.size() <= MAX_WAY) else {
            continue;
        };
        let text = content.read(MAX_WAY)?;
        let text = String::from_utf8_lossy(&text);
        let lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("import "));
        ways.extend(lines.filter_map(|line| dir.join(line).ok()));
    }
    sites.extend(ways);
    Ok(sites)
}

/// Can a module be run, or the `__main__` of a package? What has no `__init__` may be in several of the directories.
fn is_there(image: &Tree, mut dirs: Vec<TreePath>, parts: &[&str]) -> Result<bool, LanguageError> {
    for (at, part) in parts.iter().enumerate() {
        let is_last = at + 1 == parts.len();
        let mut below = vec![];
        for dir in dirs {
            let names = names(image, &dir)?;
            if is_last && names.iter().any(|name| is_module(name, part)) {
                return Ok(true);
            }
            below.extend(names.iter().any(|name| name == part).then(|| dir.child(part)));
        }
        dirs = below;
    }
    for dir in dirs {
        if names(image, &dir)?.iter().any(|name| is_module(name, "__main__")) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Has a directory a module or package of this name?
fn has(view: &dyn View, dir: &TreePath, part: &str) -> Result<bool, LanguageError> {
    Ok(names(view, dir)?.iter().any(|name| name == part || is_module(name, part)))
}

/// What is in a directory, or in the one that a link leads to.
fn names(view: &dyn View, dir: &TreePath) -> Result<Vec<String>, LanguageError> {
    let found = view.follow(dir)?;
    match found.entry {
        Some(entry) if entry.is_directory() => Ok(view.list(&found.path)?),
        _ => Ok(vec![]),
    }
}

fn is_file(image: &Tree, path: &TreePath) -> bool {
    image.follow(path).is_ok_and(|found| found.entry.is_some_and(|entry| entry.content().is_some()))
}

/// Is a file of this name the module?
fn is_module(file: &str, module: &str) -> bool {
    let end = file.strip_prefix(module).and_then(|rest| rest.strip_prefix('.'));
    end.is_some_and(|end| matches!(end, "py" | "pyc" | "so") || end.ends_with(".so"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_runs_a_module() {
        for (words, want) in [
            ("python3 -m shop.web --port 1", Some("shop.web")),
            ("/usr/bin/python3.13 -u -mshop", Some("shop")),
            ("python -Im shop", Some("shop")),
            ("python3 -W ignore -Xdev -m shop", Some("shop")),
            ("python3 -X dev --check-hash-based-pycs never -m shop", Some("shop")),
            ("python3 shop.py -m other", None),
            ("python3 -c 1 -m other", None),
            ("python3 - -m other", None),
            ("python3", None),
            ("python3 -m", None),
            ("gunicorn -m 007", None),
            ("", None),
        ] {
            assert_eq!(module_of(&words.split_whitespace().collect::<Vec<_>>()), want, "{words}");
        }
    }

    #[test]
    fn modules_are_found_by_their_paths() {
        let mut image = Tree::new();
        for path in [
            "/app/shop/__init__.py",
            "/app/shop/web.py",
            "/app/run/__main__.py",
            "/app/fast.cpython-313-x86_64-linux-gnu.so",
            "/site/space/one.pyc",
            "/more/space/two/__main__.py",
        ] {
            image
                .insert(TreePath::parse(path).unwrap(), Entry::file(tree::Content::bytes("", "test"), 0o644));
        }
        image.insert(TreePath::parse("/app/linked").unwrap(), Entry::symlink("run"));
        image.add_parents();
        let dirs = ["/app", "/site", "/more"].map(|dir| TreePath::parse(dir).unwrap());
        for (module, want) in [
            ("shop.web", true),
            ("shop", false),
            ("run", true),
            ("linked", true),
            ("fast", true),
            ("space.one", true),
            ("space.two", true),
            ("space", false),
            ("shop.web.more", false),
            ("nosuch.mod", false),
        ] {
            let parts: Vec<&str> = module.split('.').collect();
            assert_eq!(is_there(&image, dirs.to_vec(), &parts).unwrap(), want, "{module}");
        }
    }
}
