//! The `node` of the runtime source.

use super::{NAME, PACKAGE, PROGRAM, Runtime, file};
use crate::{Ask, LanguageError, tool};
use plan::{
    DEFAULT_PATH,
    finding::Problem,
    reason::Reason,
    spec::{Node, RuntimeSource},
};
use std::fs;
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
        _ => None,
    };
    let places = PLACES.iter().map(|place| TreePath::parse(place)).collect::<Result<Vec<_>, _>>()?;
    for place in of_machine.into_iter().chain(places) {
        let Ok(found) = ask.runtime.follow(&place) else { continue };
        let Some(entry) = found.entry.filter(Entry::is_executable) else { continue };
        let Some(content) = entry.content().cloned() else { continue };
        // A version manager's script would start another program.
        if !content.starts_with(b"\x7fELF")? {
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
    Ok(Err(Problem::NoRuntime { language: NAME, what: "program `node`".into(), packages, line: table.line }))
}

/// The `node` that this machine's user would start, links resolved.
fn on_path() -> Option<TreePath> {
    let program = tool::find("node")?;
    let at_home = program.to_str().and_then(|path| TreePath::parse(path).ok());
    match at_home.filter(|path| !is_of_user(path)) {
        Some(path) => Some(path),
        None => fs::canonicalize(program).ok()?.to_str().and_then(|path| TreePath::parse(path).ok()),
    }
}

/// Is this a place that only one user of a machine has?
fn is_of_user(path: &TreePath) -> bool {
    ["/home", "/root", "/opt"].iter().any(|dir| path.as_str().starts_with(&format!("{dir}/")))
}
