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
    sketch.workdir = Some("/app");
    sketch.source(project.release.as_deref());
    sketch.table = Some(("python", dependencies.row.into_iter().collect::<Vec<Row>>()));
    sketch.before = dependencies.before;
    // Modules below `src` are found by their names, as if they were installed.
    if project.has_dir("src") && !project.has("src/__init__.py") {
        sketch.env.insert("PYTHONPATH".into(), "/app/src".into());
    }
    sketch.files.push(payload(project, EXCLUDED));
    let given = served.map(|number| Port { number, from: "of the entrypoint".into() });
    sketch.port = given.or_else(|| ports::find(project.sources(&["py"])));
    Some(sketch)
}

/// The project's own files, less what is named, virtual environments, and what its `.dockerignore` names.
pub(super) fn payload(project: &Project, excluded: &[&str]) -> Files {
    let venvs = project.venvs().filter(|venv| !excluded.contains(venv)).map(Glob::literally);
    Files {
        exclude: excluded.iter().map(|pattern| (*pattern).to_owned()).chain(venvs).collect(),
        ignore_file: project.first(&[".dockerignore"]),
        ..Files::new(".", "/app/")
    }
}
