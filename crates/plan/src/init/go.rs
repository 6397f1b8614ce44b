//! Go: `go.mod`, and the packages called `main`.

use super::{
    Language,
    dockerfile::Dockerfile,
    program::{self, Built},
    project::{Project, name_of},
    sketch::Sketch,
};
use std::collections::BTreeSet;

/// Where `go build` and the usual build scripts put programs.
const FOLDERS: &[&str] = &["", "bin", "dist", "build", "out", "target"];

pub(super) fn look(project: &Project, dockerfile: &Dockerfile) -> Option<Sketch> {
    let module = module(project.text("go.mod")?)?;
    let sources = project.sources(&["go"]);
    let is_main = |text: &str| text.lines().any(|line| line.trim_end() == "package main");
    let mains: BTreeSet<&str> = sources
        .iter()
        .filter(|(_, text)| is_main(text))
        .map(|(path, _)| path.rsplit_once('/').map_or("", |(folder, _)| folder))
        .collect();
    let name = |folder: &str| if folder.is_empty() { own_name(module) } else { name_of(folder).to_owned() };
    let place = |folder: &str| project.program(&name(folder), FOLDERS);
    // The one that is built; else the module's own; else the one of its name; else the first.
    let mut folders: Vec<&str> = mains.into_iter().collect();
    folders.sort_by_key(|folder| {
        (place(folder).is_none(), !folder.is_empty(), name(folder) != own_name(module), *folder)
    });
    let folder = *folders.first()?;
    let name = name(folder);
    let mut sketch = Sketch::new(Language::Go, "a Go program", "go.mod");
    if let [_, others @ ..] = &folders[..]
        && !others.is_empty()
    {
        sketch.notes.push(format!("the module has other programs: {}", others.join(", ")));
    }
    let package = if folder.is_empty() { ".".to_owned() } else { format!("./{folder}") };
    let (path, is_static) = match place(folder) {
        Some((path, is_static)) => (path.to_owned(), Some(is_static)),
        // Into a folder of its name `go build` would put the program under a name of its own.
        None if project.has_dir(&name) => (format!("bin/{name}"), None),
        None => (name.clone(), None),
    };
    let made_by = vec![format!("CGO_ENABLED=0 go build -o {path} {package}")];
    // What is told of a program stands in its own sources first.
    let (own, others): (Vec<_>, Vec<_>) =
        sources.into_iter().partition(|(path, _)| path.rsplit_once('/').map_or("", |(of, _)| of) == folder);
    let sources = [own, others].concat();
    Some(program::sketch(
        sketch,
        Built { name: &name, path, is_static, made_by },
        project,
        dockerfile,
        &sources,
    ))
}

/// The path of the module.
fn module(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("module "))?;
    let path = line.split("//").next().unwrap_or_default();
    Some(path.trim().trim_matches('"')).filter(|path| !path.is_empty())
}

/// What `go build` calls the program of a module: its last name that is no version.
fn own_name(module: &str) -> String {
    let mut names = module.rsplit('/');
    let last = names.next().unwrap_or_default();
    let is_version = last.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok());
    let name = if is_version { names.next().unwrap_or(last) } else { last };
    name.into()
}
