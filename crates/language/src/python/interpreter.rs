//! The Python of a runtime source.

use crate::{Ask, LanguageError, tool};
use elf::{Closure, FactsMemo, Linker};
use plan::spec::{Architecture, Python, PythonDependencies, RuntimeSource};
use std::{fs, path::Path, process::Command, time::Duration};
use tree::{TreePath, View};

/// The distribution's own Python.
const DISTRIBUTION: &str = "/usr";
/// Where a Python goes that somebody keeps at home: nobody else may look into a home, and the user of an image is somebody
/// else.
const LOCAL: &str = "/usr/local";
/// Homes of people.
const HOMES: &[&str] = &["/root", "/home"];
/// More than any real site.py, pyvenv.cfg or loader, in bytes.
const MAX_READ: u64 = 4 << 20;
/// A shim that looks for a Python takes no longer.
const LIMIT: Duration = Duration::from_secs(60);

/// A Python interpreter, and where it looks for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// Major and minor version.
    pub version: (u32, u32),
    /// The program, links resolved: `/usr/bin/python3.13`.
    pub program: TreePath,
    /// The standard library: `/usr/lib/python3.13`.
    pub stdlib: TreePath,
    /// Where packages go: `/usr/local/lib/python3.13/dist-packages`.
    pub site: TreePath,
    /// Where console scripts go: `/usr/local/bin`.
    pub scripts: TreePath,
    /// The C library.
    pub libc: Libc,
    /// The processor.
    pub architecture: Architecture,
}

/// The interpreter of an image, and where a runtime source has it.
#[derive(Debug)]
pub(super) struct Found {
    /// The interpreter, in the image.
    pub interpreter: Interpreter,
    /// The directory that it is installed into, in the image: `/usr`.
    pub prefix: TreePath,
    /// The program, in the source.
    pub program: TreePath,
    /// The standard library, in the source.
    pub stdlib: TreePath,
    /// Does it look for its library relative to where it stands itself?
    pub looks_beside_itself: bool,
}

/// The C library of a runtime source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Libc {
    /// glibc 2 of this minor version.
    Glibc(u32),
    /// musl 1 of this minor version.
    Musl(u32),
}

/// Is it a name that an interpreter is started by: `python`, `python3`, `python3.13`?
pub(crate) fn is_name_of_python(name: &str) -> bool {
    let rest = name.strip_prefix("python").map(|rest| rest.strip_prefix('3').unwrap_or(rest));
    let minor = rest.and_then(|rest| rest.strip_prefix('.'));
    rest == Some("") || minor.is_some_and(|minor| minor.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Found {
    /// The Python of a runtime source; none where it has none.
    ///
    /// # Errors
    /// When the source cannot be read, or a program on `PATH` that should be a Python fails.
    pub fn find(ask: &Ask<'_>, table: &Python) -> Result<Option<Self>, LanguageError> {
        let prefixes = match &ask.spec.runtime.source {
            RuntimeSource::Host => match of_venv(ask.folder, table)? {
                Some(prefix) => vec![prefix],
                None => of_path(ask.folder)?.into_iter().chain([DISTRIBUTION.to_owned()]).collect(),
            },
            RuntimeSource::Archive(_) => vec![DISTRIBUTION.to_owned()],
            // As PATH has them.
            RuntimeSource::Rootfs(_) | RuntimeSource::Image(_) => {
                vec![LOCAL.to_owned(), DISTRIBUTION.to_owned()]
            }
            RuntimeSource::None => vec![],
        };
        for prefix in prefixes {
            let Ok(prefix) = TreePath::parse(&prefix) else { continue };
            if let Some(found) = at(ask.runtime, &prefix, ask.platform.architecture)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Does it stand in the image where it stands in the source?
    pub fn is_in_place(&self) -> bool {
        self.program == self.interpreter.program
    }
}

impl Interpreter {
    /// `cpython-313`: what bytecode beside a source has in its name.
    pub fn cache_tag(&self) -> String {
        let (major, minor) = self.version;
        format!("cpython-{major}{minor}")
    }
}

/// The prefix of the Python that a virtual environment was made with.
fn of_venv(folder: &Path, table: &Python) -> Result<Option<String>, LanguageError> {
    let PythonDependencies::Venv(venv) = &table.dependencies else { return Ok(None) };
    let file = folder.join(venv).join("pyvenv.cfg");
    // One that is not there is told by whoever reads the environment.
    let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
    let home = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "home").then(|| Path::new(value.trim()))
    });
    let Some(home) = home.filter(|home| home.is_absolute()) else { return Ok(None) };
    // Managers of versions link 3.12 to 3.12.4.
    let real = fs::canonicalize(home).unwrap_or_else(|_| home.to_path_buf());
    Ok(real.parent().and_then(Path::to_str).map(prefix_of))
}

/// The prefix of the Python that `PATH` begins with; none where that is the distribution's, or there is none.
fn of_path(folder: &Path) -> Result<Option<String>, LanguageError> {
    let Some(program) = tool::find("python3") else { return Ok(None) };
    let is_of_distribution = |path: &Path| path.starts_with("/usr/bin") || path.starts_with("/bin");
    if fs::canonicalize(&program).is_ok_and(|real| is_of_distribution(&real)) {
        return Ok(None);
    }
    // It may be a script that looks for the version of the project, or a virtual environment's link.
    let mut command = Command::new(&program);
    command
        .args(["-I", "-S", "-c", "import os, sys; print(os.path.realpath(sys.base_prefix))"])
        .current_dir(folder);
    let said = tool::run(&mut command, &program.display().to_string(), LIMIT)?;
    Ok(Some(prefix_of(String::from_utf8_lossy(&said.stdout).trim())))
}

/// A merged /usr has two names.
fn prefix_of(text: &str) -> String {
    if matches!(text, "" | "/") { DISTRIBUTION.into() } else { text.into() }
}

/// The Python below a prefix of a source.
fn at(view: &dyn View, home: &TreePath, architecture: Architecture) -> Result<Option<Found>, LanguageError> {
    let found = view.follow(&home.join("bin/python3")?)?;
    let Some(entry) = found.entry.filter(|entry| entry.content().is_some()) else { return Ok(None) };
    let source_program = found.path;
    let named = source_program.name().strip_prefix("python").and_then(version);
    let version = match named {
        Some(version) => Some(version),
        None => newest(view, &home.join("lib")?)?,
    };
    let Some(version) = version.filter(|_| entry.is_executable()) else { return Ok(None) };
    let directory = format!("python{}.{}", version.0, version.1);
    let mut source_stdlib = None;
    for lib in ["lib64", "lib"] {
        let dir = home.join(lib)?.child(&directory);
        let landmark = view.follow(&dir.child("os.py"))?;
        if landmark.entry.is_some() {
            source_stdlib = landmark.path.parent();
            break;
        }
    }
    let Some(source_stdlib) = source_stdlib else { return Ok(None) };
    let is_debian = has_dist_packages(view, &source_stdlib)?;
    let is_at_home = HOMES.iter().any(|dir| TreePath::parse(dir).is_ok_and(|dir| home.is_within(&dir)));
    let prefix = if is_at_home { TreePath::parse(LOCAL)? } else { home.clone() };
    let moved = |path: &TreePath| match path.below(home) {
        Some(below) => prefix.join(below),
        None => Ok(path.clone()),
    };
    let (program, stdlib) = (moved(&source_program)?, moved(&source_stdlib)?);
    let local = TreePath::parse(LOCAL)?;
    let (site, scripts) = match is_debian {
        true => (local.join("lib")?.child(&directory).child("dist-packages"), local.child("bin")),
        false => (prefix.join("lib")?.child(&directory).child("site-packages"), prefix.child("bin")),
    };
    let (libc, looks_beside_itself) = linked(view, &source_program)?;
    let interpreter = Interpreter { version, program, stdlib, site, scripts, libc, architecture };
    let (program, stdlib) = (source_program, source_stdlib);
    Ok(Some(Found { interpreter, prefix, program, stdlib, looks_beside_itself }))
}

/// `3.13`, as two numbers.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok().filter(|major| *major == 3)?, minor.parse().ok()?))
}

/// The newest version that has a standard library in a directory.
fn newest(view: &dyn View, lib: &TreePath) -> Result<Option<(u32, u32)>, LanguageError> {
    let found = view.follow(lib)?;
    if !found.entry.is_some_and(|entry| entry.is_directory()) {
        return Ok(None);
    }
    let names = view.list(&found.path)?;
    Ok(names.iter().filter_map(|name| version(name.strip_prefix("python")?)).max())
}

/// Does a Python look for packages as Debian's does?
fn has_dist_packages(view: &dyn View, stdlib: &TreePath) -> Result<bool, LanguageError> {
    let found = view.follow(&stdlib.child("site.py"))?;
    let Some(content) = found.entry.as_ref().and_then(|entry| entry.content()) else { return Ok(false) };
    let text = content.read(MAX_READ)?;
    Ok(text.windows(13).any(|part| part == b"dist-packages"))
}

/// The C library that a program loads, and whether it looks for libraries beside itself.
fn linked(view: &dyn View, program: &TreePath) -> Result<(Libc, bool), LanguageError> {
    let memo = FactsMemo::default();
    // One that is damaged is told by the proof.
    let Ok(closure) = Linker::new(view, &memo).closure(program) else { return Ok((Libc::Glibc(0), false)) };
    let Closure { interpreter, libraries, facts, .. } = closure;
    let mut dirs = facts.rpath.iter().chain(facts.runpath.iter().flatten());
    let looks_beside_itself = dirs.any(|dir| dir.contains("ORIGIN"));
    if let Some(loader) = interpreter.filter(|loader| loader.path.name().starts_with("ld-musl")) {
        let content = loader.resolution.entry.as_ref().and_then(|entry| entry.content());
        let bytes = content.map_or(Ok(vec![]), |content| content.read(MAX_READ))?;
        return Ok((Libc::Musl(musl_minor(&bytes).unwrap_or(1)), looks_beside_itself));
    }
    let glibc = libraries.iter().find(|library| library.soname == "libc.so.6");
    let versions = glibc.iter().flat_map(|library| &library.facts.version_definitions);
    let minors =
        versions.filter_map(|version| version.strip_prefix("GLIBC_2.")?.split('.').next()?.parse().ok());
    Ok((Libc::Glibc(minors.max().unwrap_or(0)), looks_beside_itself))
}

/// The minor version of musl, whose loader has it as a string of its own: `1.2.5`.
fn musl_minor(loader: &[u8]) -> Option<u32> {
    loader.split(|byte| *byte == 0).find_map(|text| {
        let (minor, patch) = std::str::from_utf8(text).ok()?.strip_prefix("1.")?.split_once('.')?;
        let is_number =
            |text: &str| !text.is_empty() && text.len() < 3 && text.bytes().all(|b| b.is_ascii_digit());
        (is_number(minor) && is_number(patch)).then(|| minor.parse().ok()).flatten()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use tree::{Content, Entry, Tree};

    fn tree(paths: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::new();
        for (path, text) in paths {
            let entry = match text.strip_prefix("-> ") {
                Some(target) => Entry::symlink(target),
                None => Entry::file(Content::bytes(*text, "test"), 0o755),
            };
            tree.insert(TreePath::parse(path).unwrap(), entry);
        }
        tree.add_parents();
        tree
    }

    fn found(paths: &[(&str, &str)], home: &str) -> Option<[String; 5]> {
        let found = at(&tree(paths), &TreePath::parse(home).unwrap(), Architecture::Amd64).unwrap()?;
        let Interpreter { program, stdlib, site, scripts, version, .. } = found.interpreter;
        let [program, stdlib, site, scripts] = [program, stdlib, site, scripts].map(|path| path.to_string());
        Some([program, stdlib, site, scripts, version.1.to_string()])
    }

    #[test]
    fn each_sort_of_python_is_found_where_it_looks_for_what() {
        let debian: &[(&str, &str)] = &[
            ("/usr/bin/python3", "-> python3.13"),
            ("/usr/bin/python3.13", "ELF"),
            ("/usr/lib/python3.13/os.py", ""),
            ("/usr/lib/python3.13/site.py", "x = 'dist-packages'"),
        ];
        assert_eq!(
            found(debian, "/usr").unwrap(),
            [
                "/usr/bin/python3.13",
                "/usr/lib/python3.13",
                "/usr/local/lib/python3.13/dist-packages",
                "/usr/local/bin",
                "13"
            ]
        );
        let fedora: &[(&str, &str)] = &[
            ("/usr/bin/python3", "-> python3.14"),
            ("/usr/bin/python3.14", "ELF"),
            ("/usr/lib64/python3.14/os.py", ""),
            ("/usr/lib64/python3.14/site.py", ""),
        ];
        assert_eq!(
            found(fedora, "/usr").unwrap(),
            [
                "/usr/bin/python3.14",
                "/usr/lib64/python3.14",
                "/usr/lib/python3.14/site-packages",
                "/usr/bin",
                "14"
            ]
        );
        let managed: &[(&str, &str)] = &[
            ("/root/uv/cpython/bin/python3", "-> python3.12"),
            ("/root/uv/cpython/bin/python3.12", "ELF"),
            ("/root/uv/cpython/lib/python3.12/os.py", ""),
        ];
        assert_eq!(
            found(managed, "/root/uv/cpython").unwrap(),
            [
                "/usr/local/bin/python3.12",
                "/usr/local/lib/python3.12",
                "/usr/local/lib/python3.12/site-packages",
                "/usr/local/bin",
                "12"
            ]
        );
        let opt: &[(&str, &str)] = &[("/opt/py/bin/python3", "ELF"), ("/opt/py/lib/python3.11/os.py", "")];
        assert_eq!(
            found(opt, "/opt/py").unwrap(),
            [
                "/opt/py/bin/python3",
                "/opt/py/lib/python3.11",
                "/opt/py/lib/python3.11/site-packages",
                "/opt/py/bin",
                "11"
            ]
        );
        for lacking in [&debian[..2], &debian[2..], &[]] {
            assert_eq!(found(lacking, "/usr"), None, "{lacking:?}");
        }
    }

    #[test]
    fn musl_says_its_version_in_a_string_of_its_own() {
        for (loader, want) in [
            (&b"\x7fELF\0musl libc\x001.2.5\0Version %s\0"[..], Some(2)),
            (b"\x001.1.24\0", Some(1)),
            (b"\x001.2\x00127.0.0.1\x001.2.x\0", None),
        ] {
            assert_eq!(musl_minor(loader), want);
        }
    }
}
