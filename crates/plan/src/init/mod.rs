//! From a project's folder to its spec: what `bantam init` writes.
//!
//! Each language has a file that looks at the [`Project`] and sketches a spec. Nothing is run and nothing is parsed
//! as a compiler would: a project says what it is by its manifests and a few well-known words, and whoever reads the
//! spec sees from its comments what was chosen, and why.

mod assets;
mod c;
mod dockerfile;
mod go;
mod java;
mod node;
mod ports;
mod program;
mod project;
mod python;
mod rust;
mod secrets;
mod sketch;

pub use project::{Project, ProjectFile, Wanted, Workspace, wanted};

use dockerfile::Dockerfile;
use sketch::Sketch;
use std::fmt;

/// What a project is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// `go.mod`.
    Go,
    /// `Cargo.toml`.
    Rust,
    /// `pom.xml`, `build.gradle` or jars that are built.
    Java,
    /// `requirements.txt`, `pyproject.toml`, a virtual environment.
    Python,
    /// `package.json`.
    Node,
    /// `CMakeLists.txt`, `meson.build`, `Makefile`.
    C,
    /// A program that is there, whatever it was written in.
    Program,
}

/// A project that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// What it is written in.
    pub language: Language,
    /// What it is, in words: `a Flask application`.
    pub what: String,
    /// The file that says so, relative to the project.
    pub evidence: String,
    /// Its spec.
    pub spec: String,
    /// The commands to run before the spec can be built, because what it names is not there yet.
    pub before: Vec<String>,
    /// What is worth knowing of what was chosen, a sentence each.
    pub notes: Vec<String>,
}

/// All that a project is, the most specific first: one whose start is known before one whose start is guessed, and
/// what is compiled before what is interpreted, since compiled programs often carry a web page's sources along.
pub fn recognise(project: &Project) -> Vec<Recognised> {
    let dockerfile = ["Dockerfile", "Containerfile"].into_iter().find_map(|name| project.text(name));
    let dockerfile = dockerfile.map(Dockerfile::parse).unwrap_or_default();
    const LANGUAGES: &[fn(&Project, &Dockerfile) -> Option<Sketch>] =
        &[go::look, rust::look, java::look, python::look, node::look, c::look];
    let mut found: Vec<Sketch> = LANGUAGES.iter().filter_map(|look| look(project, &dockerfile)).collect();
    if found.is_empty() {
        found.extend(program::look(project, &dockerfile));
    }
    found.sort_by_key(|sketch| (!sketch.is_sure, sketch.language));
    found.into_iter().map(|sketch| sketch.finish(project, &dockerfile)).collect()
}

/// Of a project of which nothing is recognised: the files that say what it is in, each with what is missing.
pub fn why_not(project: &Project) -> Vec<String> {
    const MISSING: &[(&str, &str)] = &[
        ("go.mod", "a `package main`"),
        ("Cargo.toml", "a binary"),
        ("CMakeLists.txt", "a source"),
        ("meson.build", "a source"),
        ("Makefile", "a source"),
    ];
    let seen = MISSING.iter().filter(|(file, _)| project.has(file));
    let seen = seen.map(|(file, what)| format!("{file} is there, and not {what}"));
    node::why_not(project).into_iter().chain(seen).collect()
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Language::Go => "Go",
            Language::Rust => "Rust",
            Language::Java => "Java",
            Language::Python => "Python",
            Language::Node => "Node.js",
            Language::C => "C or C++",
            Language::Program => "a program",
        })
    }
}

#[cfg(test)]
mod tests;
