//! Python: where its dependencies stand, and how it starts.

mod dependencies;
mod entry;

use super::{
    Language,
    dockerfile::Dockerfile,
    ports,
    project::Project,
    sketch::{Files, Port, Row, Sketch},
};
use crate::Glob;
use dependencies::Dependencies;
use entry::Entry;

/// What of a project's folder no running program needs.
const EXCLUDED: &[&str] = &[
    ".git",
    ".venv",
    "venv",
    "**/__pycache__",
    "**/.env",
    "**/.env.*",
    "tests",
    "**/test_*.py",
    "**/node_modules",
    "Dockerfile*",
    "bantam.*",
];

/// Archives of images, which builds leave beside their specs.
const IMAGES: &str = "*.tar";
/// What says that a folder is an image.
const LAYOUT: &str = "/oci-layout";

/// The port that servers of web applications are told to listen at, where nothing says another.
const PORT: u16 = 8000;

pub(super) fn look(project: &Project, dockerfile: &Dockerfile) -> Option<Sketch> {
    let dependencies = Dependencies::of(project)?;
    let port = dockerfile.ports.first().copied().unwrap_or(PORT);
    let entry = entry::find(project, dockerfile, &dependencies, port);
    let (what, entrypoint, served, is_sure) = match entry {
        Some(Entry { what, command, served, is_sure }) => (what, command, served, is_sure),
        None if dependencies.evidence.ends_with(".py") => return None,
        None => ("a Python program", vec!["python3".into(), "main.py".into()], None, false),
    };
    let mut sketch = Sketch::new(Language::Python, what, dependencies.evidence.clone());
    sketch.is_sure = is_sure;
    if !is_sure {
        sketch.notes.push(format!("nothing says how it starts; the spec says {}", entrypoint.join(" ")));
    }
    if entrypoint.first().is_some_and(|word| word == "flask")
        || entrypoint.iter().any(|word| word == "runserver")
    {
        sketch.notes.push("it starts with the server for development: gunicorn is for production".into());
    }
    sketch.entrypoint = entrypoint;
    sketch.source(project.release.as_deref());
    sketch.table = Some(("python", dependencies.row.into_iter().collect::<Vec<Row>>()));
    sketch.before = dependencies.before;
    let is_below_src = project.has_dir("src") && !project.has("src/__init__.py");
    // What is installed is no file of the folder once more.
    if !dependencies.is_installed || !is_below_src || starts_in_folder(project, &sketch.entrypoint) {
        sketch.workdir = Some("/app");
        sketch.files.push(payload(project, EXCLUDED));
        // Modules below `src` are found by their names, as if they were installed.
        if is_below_src && !dependencies.is_installed {
            sketch.env.insert("PYTHONPATH".into(), "/app/src".into());
        }
    }
    let given = served.map(|number| Port { number, from: "of the entrypoint".into() });
    sketch.port = given.or_else(|| ports::find(project.sources(&["py"])));
    Some(sketch)
}

/// Does a command name a script or module at the top of the project, and not below `src`?
fn starts_in_folder(project: &Project, command: &[String]) -> bool {
    command.iter().any(|word| {
        let word = word.strip_prefix("/app/").unwrap_or(word);
        let module = word.split(':').next().unwrap_or(word).replace('.', "/");
        let at_top = [format!("{module}.py"), format!("{module}/__init__.py")];
        project.has(word) || at_top.iter().any(|path| project.has(path))
    })
}

/// The project's own files, less what is named, virtual environments, images that were built before, and what its
/// `.dockerignore` names.
pub(super) fn payload(project: &Project, excluded: &[impl AsRef<str>]) -> Files {
    let excluded = || excluded.iter().map(AsRef::as_ref);
    let venvs = project.venvs().filter(|venv| !excluded().any(|pattern| pattern == *venv));
    let layouts = project.files.keys().filter_map(|path| path.strip_suffix(LAYOUT));
    let found = venvs.chain(layouts).map(Glob::literally);
    Files {
        exclude: excluded().chain([IMAGES]).map(ToOwned::to_owned).chain(found).collect(),
        ignore_file: project.first(&[".dockerignore"]),
        ..Files::new(".", "/app/")
    }
}
