//! The Python that compiles, on the machine that builds: of the same version as the image's, whatever the image is for.

use super::interpreter::Found;
use crate::{
    Ask, BuildRoot, LanguageError,
    kept::key,
    tool::{self, LaidOut},
};
use plan::spec::RuntimeSource;
use std::{path::PathBuf, process::Command};
use tree::{Sha256Digest, TreePath, View};

/// What of a standard library Python starts with when it reads no `site`, and what it knows its folder by.
const STARTS_WITH: &[&str] = &[
    "_collections_abc.py",
    "abc.py",
    "codecs.py",
    "encodings",
    "genericpath.py",
    "io.py",
    "os.py",
    "posixpath.py",
    "stat.py",
    "types.py",
];

/// A Python of the builder.
pub(super) struct Builder<'a> {
    /// Major and minor version.
    pub version: (u32, u32),
    /// Stands for it: another digest, another Python.
    pub digest: Sha256Digest,
    place: Place<'a>,
}

enum Place<'a> {
    /// Packages of the suite that the image takes its packages from.
    Packages(BuildRoot<'a>),
    /// A program of this machine.
    Machine(PathBuf),
}

/// A Python that can be run.
pub(super) enum Python {
    Packages { laid: Box<LaidOut>, home: PathBuf },
    Machine(PathBuf),
}

impl<'a> Builder<'a> {
    /// The Python that compiles for an interpreter.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(ask: &Ask<'a>, found: &Found) -> Result<Self, LanguageError> {
        let version = found.interpreter.version;
        let (major, minor) = version;
        let name = format!("python{major}.{minor}");
        let of_machine = |program: PathBuf, digest: Sha256Digest| Builder {
            version,
            digest,
            place: Place::Machine(program),
        };
        match &ask.spec.runtime.source {
            RuntimeSource::Archive(_) => {
                let root = ask.workshop.tools.root(&[format!("{name}-minimal")], ask.workshop.builder)?;
                Ok(Builder { version, digest: root.digest, place: Place::Packages(root) })
            }
            // The machine's own, where it is of this machine's architecture: the image may be for another.
            RuntimeSource::Host if ask.platform.architecture == ask.workshop.builder => {
                let at = &found.program;
                let content = ask.runtime.follow(at)?.entry.and_then(|entry| entry.content().cloned());
                let digest = content.map_or(Ok(Sha256Digest::of(b"")), |content| content.sha256())?;
                Ok(of_machine(PathBuf::from(at.as_str()), digest))
            }
            _ => {
                let program = tool::find(&name).ok_or_else(|| LanguageError::NoTool {
                    tool: name.clone(),
                    purpose: "compiling to bytecode".into(),
                })?;
                let mut command = Command::new(&program);
                command.args(["-I", "-S", "-c", "import sys; print(sys.version)"]);
                let said = tool::run(&mut command, &name, std::time::Duration::from_secs(60))?;
                Ok(of_machine(program, key("python-of-machine-1", &[&said.stdout])))
            }
        }
    }

    /// What messages call it.
    pub fn shown(&self) -> String {
        let (major, minor) = self.version;
        format!("python{major}.{minor}")
    }

    /// Makes it ready to be run.
    ///
    /// # Errors
    /// When it cannot be written to this machine's disk.
    pub fn start(&self) -> Result<Python, LanguageError> {
        match &self.place {
            Place::Machine(program) => Ok(Python::Machine(program.clone())),
            Place::Packages(root) => {
                let stdlib = TreePath::parse(&format!("/usr/lib/{}", self.shown()))?;
                let starts_with: Vec<TreePath> = STARTS_WITH.iter().map(|name| stdlib.child(name)).collect();
                let program = TreePath::parse(&format!("/usr/bin/{}", self.shown()))?;
                let laid = LaidOut::new(root.view.as_ref() as &dyn View, &program, &starts_with)?;
                let home = laid.at(&TreePath::parse("/usr")?);
                Ok(Python::Packages { laid: Box::new(laid), home })
            }
        }
    }
}

impl Python {
    /// A run of it, with nothing of the environment.
    pub fn command(&self) -> Command {
        match self {
            Python::Packages { laid, home } => {
                let mut command = laid.command();
                command.env("PYTHONHOME", home);
                command
            }
            Python::Machine(program) => {
                let mut command = Command::new(program);
                command.env_clear().current_dir("/");
                command
            }
        }
    }
}
