//! What the tables of the languages mean.

use super::Line;

/// `[python]`: a Python application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// Where its dependencies are named.
    pub dependencies: PythonDependencies,
    /// How much of the standard library enters.
    pub stdlib: Stdlib,
    /// Is bytecode compiled beforehand?
    pub bytecode: bool,
    /// Which source files enter.
    pub sources: PythonSources,
    /// What of dependencies stays out.
    pub shed: Vec<Shed>,
    /// The line of the table, or of what stands for it; 0 where there is none.
    pub line: Line,
}

/// Where the dependencies of a Python application are named; paths are relative to the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PythonDependencies {
    /// It has none.
    None,
    /// A requirements file.
    Requirements(String),
    /// A `pyproject.toml`, with its `uv.lock` where there is one.
    Project(String),
    /// A virtual environment.
    Venv(String),
}

/// How much of Python's standard library enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdlib {
    /// All of it.
    Full,
    /// All but tests, IDLE, Tk, ensurepip and the like.
    Pruned,
    /// What the application and its dependencies import.
    Reachable,
}

impl Stdlib {
    /// As a spec names it.
    pub fn name(self) -> &'static str {
        match self {
            Stdlib::Full => "full",
            Stdlib::Pruned => "pruned",
            Stdlib::Reachable => "reachable",
        }
    }
}

/// Which source files of Python enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PythonSources {
    /// All.
    Keep,
    /// Those of the application and its dependencies.
    App,
    /// None.
    Drop,
}

/// A sort of file that a program of a language does not run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shed {
    /// Type stubs: `*.pyi`, `py.typed`.
    Stubs,
    /// Headers of C, and sources of Cython.
    Headers,
    /// Static libraries: `*.a`, `*.lib`.
    StaticLibraries,
    /// Tests.
    Tests,
    /// Documentation.
    Docs,
    /// Maps from built to written sources: `*.map`.
    SourceMaps,
    /// Type declarations of TypeScript: `*.d.ts`.
    Types,
}

/// `[node]`: a Node.js application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The folder with `package.json` and its lock file, relative to the spec; none: the spec does not say.
    pub project: Option<String>,
    /// The version of the official binary, such as `22` or `22.11.0`; none: the source's own.
    pub version: Option<String>,
    /// Does the binary lose its symbol table?
    pub strip: bool,
    /// What of dependencies stays out.
    pub shed: Vec<Shed>,
    /// The line of the table, or of what stands for it; 0 where there is none.
    pub line: Line,
}

/// `[java]`: a Java application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Java {
    /// The archive with the program, relative to the spec; none: a runtime alone.
    pub jar: Option<String>,
    /// The modules of the runtime.
    pub modules: Modules,
    /// The line of the table, or of what stands for it; 0 where there is none.
    pub line: Line,
}

/// The modules of a Java runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Modules {
    /// Those that the program needs.
    Auto,
    /// These, and what they need.
    Named(Vec<String>),
}

impl Python {
    /// The table with its defaults.
    pub fn at(line: Line) -> Self {
        Python {
            dependencies: PythonDependencies::None,
            stdlib: Stdlib::Pruned,
            bytecode: true,
            sources: PythonSources::App,
            shed: vec![Shed::Stubs, Shed::Headers, Shed::StaticLibraries],
            line,
        }
    }
}

impl Node {
    /// The table with its defaults.
    pub fn at(line: Line) -> Self {
        Node { project: None, version: None, strip: false, shed: vec![], line }
    }
}

impl Java {
    /// The table with its defaults.
    pub fn at(line: Line) -> Self {
        Java { jar: None, modules: Modules::Auto, line }
    }
}

impl Shed {
    /// Its name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Shed::Stubs => "stubs",
            Shed::Headers => "headers",
            Shed::StaticLibraries => "static-libraries",
            Shed::Tests => "tests",
            Shed::Docs => "docs",
            Shed::SourceMaps => "source-maps",
            Shed::Types => "types",
        }
    }
}
