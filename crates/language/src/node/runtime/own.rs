//! The `node` of the runtime source.

use super::{NAME, PACKAGE, PROGRAM, Runtime, file};
use crate::{Ask, LanguageError, tool};
use plan::{
    DEFAULT_PATH,
    finding::Problem,
    reason::Reason,
    spec::{Node, RuntimeSource},
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tree::{Entry, TreePath};

/// Where sources have it: Debian, those that are built from source, distroless images.
const PLACES: [&str; 4] = ["/usr/local/bin/node", "/usr/bin/node", "/nodejs/bin/node", "/usr/bin/nodejs"];

/// Finds the program of the source, or says that there is none.
///
/// # Errors
/// When the source cannot be read.
pub(super) fn bring(ask: &Ask<'_>, table: &Node) -> Result<Result<Runtime, Problem>, LanguageError> {
    let of_machine = match ask.spec.runtime.source {
        RuntimeSource::Host => on_path(),
        _ => vec![],
    };
    let places = PLACES.iter().map(|place| TreePath::parse(place)).collect::<Result<Vec<_>, _>>()?;
    for place in of_machine.into_iter().chain(places) {
        let Ok(found) = ask.runtime.follow(&place) else { continue };
        let Some(entry) = found.entry.filter(Entry::is_executable) else { continue };
        let Some(content) = entry.content().cloned() else { continue };
        // What version managers have there starts another program: a script, or a link to the manager itself.
        if !is_name(found.path.name()) || !content.starts_with(b"\x7fELF")? {
            continue;
        }
        let reason = || Reason::Listed { line: table.line };
        let is_on_path = |path: &TreePath| {
            let dir = path.parent().unwrap_or_else(TreePath::root);
            DEFAULT_PATH.split(':').any(|on_path| on_path == dir.as_str())
        };
        // The links on the way stay where all of them can: `node` may be one of several versions.
        let is_at_home = is_on_path(&place) && !is_of_user(&found.path);
        let mut files = vec![];
        let (program, of_source) =
            if is_at_home { (found.path.clone(), true) } else { (TreePath::parse(PROGRAM)?, false) };
        if is_at_home {
            for link in &found.links {
                if let Some(entry) = ask.runtime.entry(link)? {
                    files.push(file(link.clone(), entry, true, reason()));
                }
            }
        }
        files.push(file(program.clone(), entry, of_source, reason()));
        let made_of = (!of_source).then(|| (found.path, content.clone()));
        return Ok(Ok(Runtime { program, content, files, original: None, made_of, pin: None }));
    }
    let packages = match ask.spec.runtime.source {
        RuntimeSource::Archive(_) => vec![PACKAGE.to_owned()],
        _ => vec![],
    };
    let what = "program `node`".into();
    Ok(Err(Problem::NoRuntime { language: NAME, what, packages, fix: None, line: table.line }))
}

/// The programs `node` that this machine's user has, links of his own resolved: the first is what he would start.
fn on_path() -> Vec<TreePath> {
    let path_of = |program: &Path| program.to_str().and_then(|path| TreePath::parse(path).ok());
    let place = |program: PathBuf| match path_of(&program).filter(|path| !is_of_user(path)) {
        Some(path) => Some(path),
        None => path_of(&fs::canonicalize(program).ok()?),
    };
    tool::find_all("node").into_iter().filter_map(place).collect()
}

/// Is this what the program is called: `node`, `nodejs`, or, where several versions are side by side, `node-22`?
fn is_name(name: &str) -> bool {
    let version = name.strip_prefix("node").map(|rest| rest.strip_prefix("js").unwrap_or(rest));
    let version = version.map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    version.is_some_and(|version| version.chars().all(|letter| letter.is_ascii_digit() || letter == '.'))
}

/// Is this a place that only one user of a machine has?
fn is_of_user(path: &TreePath) -> bool {
    ["/home", "/root", "/opt"].iter().any(|dir| path.as_str().starts_with(&format!("{dir}/")))
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_of_the_program() {
        for (name, expected) in [
            ("node", true),
            ("nodejs", true),
            ("node-22", true),
            ("nodejs20", true),
            ("mise", false),
            ("volta-shim", false),
            ("snap", false),
            ("node-shim", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }
}
