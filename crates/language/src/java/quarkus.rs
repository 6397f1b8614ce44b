//! Applications of Quarkus as its build lays them out (`fast-jar`): a jar that starts what stands in folders beside it.

use super::class_path::ClassPath;
use crate::LanguageError;
use tree::{Content, Entry, TreePath, View};

/// What tells such a folder: where its starter reads which class is in which jar.
const MARK: &str = "quarkus/quarkus-application.dat";
/// Its folders. Libraries change less than the others, which the build makes of the application.
const LIBRARIES: &str = "lib";
pub(super) const OF_APPLICATION: [&str; 2] = ["app", "quarkus"];

/// Adds the jars that stand beside that of an application to its class path, and gives the other files; none where it is no
/// application of Quarkus.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn beside(
    folder: &dyn View,
    path: &mut ClassPath,
) -> Result<Option<Vec<(TreePath, Content)>>, LanguageError> {
    if folder.follow(&TreePath::root().join(MARK)?)?.entry.is_none() {
        return Ok(None);
    }
    let mut found = vec![];
    for dir in OF_APPLICATION.iter().chain([&LIBRARIES]) {
        below(folder, &TreePath::root().child(dir), &mut found)?;
    }
    found.retain(|(at, _)| path.jars.iter().all(|(known, _)| known != at));
    let (jars, others) = found.into_iter().partition(|(at, _)| at.name().ends_with(".jar"));
    path.jars.extend::<Vec<_>>(jars);
    Ok(Some(others))
}

/// The files below a directory, and those that links in it lead to.
fn below(
    folder: &dyn View,
    dir: &TreePath,
    found: &mut Vec<(TreePath, Content)>,
) -> Result<(), LanguageError> {
    for name in folder.list(dir)? {
        let path = dir.child(&name);
        if folder.entry(&path)?.is_some_and(|entry| entry.is_directory()) {
            below(folder, &path, found)?;
        } else if let Some(content) = folder.follow(&path)?.entry.as_ref().and_then(Entry::content) {
            found.push((path, content.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use tree::Tree;

    #[test]
    fn all_of_a_quarkus_application_is_found() {
        let path = |text: &str| TreePath::parse(text).unwrap();
        let content = || Content::bytes("x", "a test");
        let boot = "/lib/boot/io.quarkus.runner.jar";
        let app = "/app/shop-1.jar";
        let generated = "/quarkus/generated-bytecode.jar";
        let main = "/lib/main/org.acme.lib.jar";
        let data = "/quarkus/quarkus-application.dat";
        let files = ["/quarkus-run.jar", "/notes.txt", boot, app, generated, main, data];
        let mut tree: Tree = files.iter().map(|at| (path(at), Entry::file(content(), 0o644))).collect();
        tree.add_parents();
        let on_path = || ClassPath { jars: vec![(path(boot), content())], missing: vec![] };
        let mut jars = on_path();
        let others = beside(&tree, &mut jars).unwrap().unwrap();
        let names =
            |files: &[(TreePath, Content)]| files.iter().map(|(at, _)| at.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&jars.jars), [boot, app, generated, main]);
        assert_eq!(names(&others), [data]);
        let plain: Tree = tree
            .iter()
            .filter(|(at, _)| at.as_str() != data)
            .map(|(at, entry)| (at.clone(), entry.clone()))
            .collect();
        assert!(beside(&plain, &mut on_path()).unwrap().is_none());
    }
}
