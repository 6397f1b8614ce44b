//! The jars that a build made.

use super::super::project::{Project, ProjectFile, name_of};

/// Where builds put the jars of a module.
const PLACES: [&str; 4] = ["target", "build/libs", "target/quarkus-app", "build/quarkus-app"];
/// The one that starts an application of Quarkus, in a folder with all others.
pub(super) const QUARKUS: &str = "quarkus-app/quarkus-run.jar";
/// Jars beside the program's own.
const NOT_PROGRAMS: &[&str] = &["-sources", "-javadoc", "-tests", "-test", "-plain", "-stubs"];

/// Ends of names that builds give to jars with all dependencies in them.
const WHOLE: &[&str] = &["-jar-with-dependencies", "-shaded", "-all", "-fat", "-uber", "-runner"];

/// Could this file be the jar of a program, by its path?
pub(in super::super) fn may_be_program(path: &str) -> bool {
    module_of(path).is_some()
}

/// The folder of the module whose build makes this jar, with a slash at its end where it is not the project's own; none if
/// it is no program's.
fn module_of(path: &str) -> Option<&str> {
    let stem = path.strip_suffix(".jar")?;
    let place = stem.rsplit_once('/')?.0;
    let is_other =
        NOT_PROGRAMS.iter().any(|end| stem.ends_with(end)) || name_of(stem).starts_with("original-");
    if is_other || place.ends_with("/quarkus-app") && !path.ends_with(QUARKUS) {
        return None;
    }
    let modules = PLACES.iter().filter_map(|of_build| place.strip_suffix(of_build));
    modules.into_iter().find(|module| module.is_empty() || module.ends_with('/'))
}

/// The jars of a module that may be programs, that of Quarkus first, then those with the shortest names.
pub(super) fn of_module<'a>(project: &'a Project, module: &str) -> Vec<&'a str> {
    let paths = project.files.keys().map(String::as_str);
    let mut jars: Vec<&str> = paths.filter(|path| module_of(path) == Some(module)).collect();
    jars.sort_by_key(|jar| (!jar.ends_with(QUARKUS), jar.len(), *jar));
    jars
}

/// Does a jar have all that the program runs with, by its name?
pub(super) fn is_whole(jar: &str) -> bool {
    let stem = jar.strip_suffix(".jar").unwrap_or(jar);
    jar.ends_with(QUARKUS) || WHOLE.iter().any(|end| stem.ends_with(end))
}

/// Does the manifest of a jar name a class that starts? None: there is no such jar, or it cannot be read.
pub(super) fn has_main(project: &Project, jar: &str) -> Option<bool> {
    match project.files.get(jar)? {
        ProjectFile::Jar { has_main, .. } => Some(*has_main),
        _ => None,
    }
}

/// Does the manifest of a jar name libraries?
pub(super) fn has_class_path(project: &Project, jar: &str) -> bool {
    matches!(project.files.get(jar), Some(ProjectFile::Jar { has_class_path: true, .. }))
}
