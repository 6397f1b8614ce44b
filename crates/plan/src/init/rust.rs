//! Rust: the binaries of a package or a workspace.

use super::{
    Language,
    dockerfile::Dockerfile,
    program::{self, Built},
    project::Project,
    sketch::Sketch,
};
use crate::Glob;
use toml::Table;

/// A binary that Cargo makes.
struct Bin {
    name: String,
    /// The folder of its package; empty for the project's own.
    folder: String,
    package: String,
    /// Is it the one that `cargo run` starts?
    is_default: bool,
}

pub(super) fn look(project: &Project, dockerfile: &Dockerfile) -> Option<Sketch> {
    let workspace = Workspace::of(project.text("Cargo.toml")?);
    let manifests = project.files.keys().filter(|path| super::project::name_of(path) == "Cargo.toml");
    let mut bins: Vec<Bin> = manifests.flat_map(|path| bins(project, path)).collect();
    bins.retain(|bin| workspace.has(&bin.folder));
    let place = |name: &str| {
        let built = |path: &str| path.starts_with("target/") && super::project::name_of(path) == name;
        // What is static runs anywhere; Cargo's own folder for it comes after `release`.
        let found: Vec<(&str, bool)> = project.programs().filter(|(path, _)| built(path)).collect();
        let is_static = |found: &&(&str, bool)| found.1;
        found.iter().find(is_static).or(found.first()).copied()
    };
    bins.sort_by_key(|bin| {
        let depth = bin.folder.split('/').filter(|name| !name.is_empty()).count();
        let is_main = workspace.builds(&bin.folder);
        (
            place(&bin.name).is_none(),
            !is_main,
            !bin.is_default,
            depth,
            bin.name != bin.package,
            bin.name.clone(),
        )
    });
    let bin = bins.first()?;
    let mut sketch = Sketch::new(Language::Rust, "a Rust program", "Cargo.toml");
    let others: Vec<&str> = bins.iter().skip(1).map(|bin| bin.name.as_str()).collect();
    if !others.is_empty() {
        sketch.notes.push(format!("Cargo makes other programs: {}", others.join(", ")));
    }
    let (path, is_static) = match place(&bin.name) {
        Some((path, is_static)) => (path.to_owned(), Some(is_static)),
        None => (format!("target/release/{}", bin.name), None),
    };
    let package = if bin.folder.is_empty() { String::new() } else { format!(" --package {}", bin.package) };
    let which = if others.is_empty() { String::new() } else { format!(" --bin {}", bin.name) };
    let made_by = vec![format!("cargo build --release{package}{which}")];
    let start = if bin.folder.is_empty() { String::new() } else { format!("{}/", bin.folder) };
    let sources: Vec<_> =
        project.sources(&["rs"]).into_iter().filter(|(path, _)| path.starts_with(&start)).collect();
    let built = Built { name: &bin.name, path, is_static, made_by };
    Some(program::sketch(sketch, built, project, dockerfile, &sources))
}

/// Which packages belong together: globs over their folders.
struct Workspace {
    members: Vec<Glob>,
    excluded: Vec<Glob>,
    /// Those that Cargo builds unless told otherwise; none: all.
    default: Option<Vec<Glob>>,
}

impl Workspace {
    /// That of a manifest; a package without one has its own binaries only.
    fn of(manifest: &str) -> Self {
        let table = manifest.parse::<Table>().unwrap_or_default();
        let globs = |key: &str| {
            let texts = table.get("workspace")?.get(key)?.as_array()?.iter().filter_map(|text| text.as_str());
            Some(texts.filter_map(|text| Glob::new(text.trim_start_matches("./")).ok()).collect::<Vec<_>>())
        };
        Workspace {
            members: globs("members").unwrap_or_default(),
            excluded: globs("exclude").unwrap_or_default(),
            default: globs("default-members"),
        }
    }

    /// Is the package in this folder one of them?
    fn has(&self, folder: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(folder));
        folder.is_empty() || any(&self.members) && !any(&self.excluded)
    }

    fn builds(&self, folder: &str) -> bool {
        let named = |globs: &Vec<Glob>| globs.iter().any(|glob| glob.matches(folder));
        self.default.as_ref().is_none_or(named)
    }
}

/// The binaries of the package whose manifest this is.
fn bins(project: &Project, manifest: &str) -> Vec<Bin> {
    let Some(table) = project.text(manifest).and_then(|text| text.parse::<Table>().ok()) else {
        return vec![];
    };
    let Some(of_package) = table.get("package") else { return vec![] };
    let Some(package) = of_package.get("name").and_then(|name| name.as_str()) else { return vec![] };
    let folder = manifest.strip_suffix("Cargo.toml").unwrap_or_default().trim_end_matches('/');
    let below = |path: &str| if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
    let mut names: Vec<String> = vec![];
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    let listed = table.get("bin").and_then(|bins| bins.as_array()).into_iter().flatten();
    let mut has_own_main = false;
    for bin in listed {
        has_own_main |= bin.get("path").and_then(|path| path.as_str()) == Some("src/main.rs");
        if let Some(name) = bin.get("name").and_then(|name| name.as_str()) {
            add(name);
        }
    }
    let is_found = of_package.get("autobins").and_then(|found| found.as_bool()).unwrap_or(true);
    if is_found && !has_own_main && project.has(&below("src/main.rs")) {
        add(package);
    }
    if is_found {
        let start = below("src/bin/");
        for path in project.files.range(start.clone()..).map(|(path, _)| path) {
            let Some(rest) = path.strip_prefix(&start) else { break };
            let folder = rest.strip_suffix("/main.rs").filter(|name| !name.contains('/'));
            let file = rest.strip_suffix(".rs").filter(|name| !name.contains('/'));
            if let Some(name) = folder.or(file) {
                add(name);
            }
        }
    }
    let default = of_package.get("default-run").and_then(|name| name.as_str());
    let bin = |name: String| Bin {
        is_default: default == Some(&name),
        name,
        folder: folder.into(),
        package: package.into(),
    };
    names.into_iter().map(bin).collect()
}
