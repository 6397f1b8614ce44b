//! The project of an application: its manifest, its lock, and what an installer reads beside.

mod lock;

use super::manifest::Manifest;
use crate::{Ask, LanguageError};
pub(super) use lock::{Lock, LockKind};
use plan::{
    finding::Problem,
    spec::{Line, Node},
};
use source::Directory;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};
use tree::{Sha256Digest, TreePath, View as _};

/// No manifest or setting is longer, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// No lock is longer, in bytes.
const MAX_LOCK: u64 = 256 << 20;
/// No package that the project holds itself is longer, in bytes.
const MAX_PACKAGE: u64 = 1 << 30;
/// The name of manifests.
pub(super) const MANIFEST: &str = "package.json";
/// The folder that packages are installed into.
pub(super) const MODULES: &str = "node_modules";

/// What there is of a project.
pub(super) enum Found {
    /// None that says what to install.
    Nothing,
    /// One that cannot be installed.
    Wrong(Problem),
    /// One with all that it takes.
    Project(Box<Project>),
}

/// A project that can be installed.
pub(super) struct Project {
    /// Where it is on this machine.
    pub folder: PathBuf,
    /// What names of its files begin with, as the spec would name them: nothing, or `web/`.
    prefix: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// The bytes of that.
    pub manifest_bytes: Vec<u8>,
    /// Its lock.
    pub lock: Lock,
    /// What an installer reads, by the path in the project.
    files: BTreeMap<TreePath, Vec<u8>>,
    /// What of that says what is to be installed, and is the same for everybody.
    inputs: Vec<TreePath>,
}

/// Looks for the project of a spec.
///
/// # Errors
/// When a file that is there cannot be read.
pub(super) fn find(ask: &Ask<'_>, table: &Node) -> Result<Found, LanguageError> {
    let named = table.project.as_deref();
    let brings_modules = || ask.payload.iter().any(|(path, _)| path.names().any(|name| name == MODULES));
    if named.is_none() && brings_modules() {
        return Ok(Found::Nothing);
    }
    let folder = ask.folder.join(named.unwrap_or("."));
    let prefix = match named.unwrap_or(".").trim_start_matches("./").trim_end_matches('/') {
        "" | "." => String::new(),
        folder => format!("{folder}/"),
    };
    let stale = |file: &str, why: &str, fix: &str| {
        let file = format!("{prefix}{file}");
        Found::Wrong(Problem::StaleLock { file, why: why.into(), fix: fix.into(), line: table.line })
    };
    let Some(bytes) = read(&folder.join(MANIFEST), MAX_FILE)? else {
        return Ok(match named {
            None => Found::Nothing,
            Some(_) => stale(MANIFEST, "is not there", "name the folder that has it: project in [node]"),
        });
    };
    let Some(manifest) = Manifest::parse(&bytes) else {
        return Ok(stale(MANIFEST, "is no JSON object", "mend it: `npm pkg fix` says where it is wrong"));
    };
    let mut found = None;
    for kind in LockKind::ALL {
        if let Some(bytes) = read(&folder.join(kind.file()), MAX_LOCK)? {
            found = Some((kind, bytes));
            break;
        }
    }
    let Some((kind, lock)) = found else {
        let needs_any = !manifest.required().is_empty();
        let has_other = |file: &&&str| folder.join(file).exists();
        let other = ["yarn.lock", "bun.lock", "bun.lockb"].iter().find(has_other);
        return Ok(match other {
            Some(file) if needs_any => stale(
                file,
                "is of an installer that bantam does not know",
                "write a lock of npm beside it: `npm install --package-lock-only`; or install with your own tool, and \
                 name node_modules in [[files]]",
            ),
            None if needs_any && let Some(whole) = super::above::workspace(&folder) => stale(
                LockKind::Npm.file(),
                "is not there, and package.json names dependencies",
                &format!(
                    "this is a workspace of {root}, which has the lock: write project = \"{root}\" in [node], and bring \
                     the files to /app/{folder}/, as `bantam init` does",
                    root = whole.root,
                    folder = whole.folder
                ),
            ),
            None if needs_any => stale(
                LockKind::Npm.file(),
                "is not there, and package.json names dependencies",
                "write it, and keep it with the sources: `npm install --package-lock-only`; what a bundler has put into \
                 the program belongs into devDependencies",
            ),
            _ => Found::Nothing,
        });
    };
    let lock = match Lock::read(kind, &lock, &manifest) {
        Ok(lock) => lock,
        Err(stale_lock) => return Ok(stale(kind.file(), &stale_lock.why, &stale_lock.fix)),
    };
    let (files, inputs) = (BTreeMap::new(), vec![]);
    let mut project = Project { folder, prefix, manifest, manifest_bytes: bytes, lock, files, inputs };
    project.read_files()?;
    Ok(Found::Project(Box::new(project)))
}

impl Project {
    /// What says what is to be installed: names as the spec would have them, and digests.
    pub fn inputs(&self) -> BTreeMap<String, Sha256Digest> {
        let digest = |path: &TreePath| {
            let bytes = self.files.get(path).map(Vec::as_slice).unwrap_or_default();
            (format!("{}{}", self.prefix, path.relative()), Sha256Digest::of(bytes))
        };
        self.inputs.iter().map(digest).collect()
    }

    /// Name and bytes of all that an installer reads.
    pub fn files(&self) -> impl Iterator<Item = (&TreePath, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path, bytes.as_slice()))
    }

    /// Its manifest, and those of its workspaces.
    pub fn manifests(&self) -> Vec<Manifest> {
        let manifests = self.files.iter().filter(|(path, _)| path.name() == MANIFEST);
        manifests.filter_map(|(_, bytes)| Manifest::parse(bytes)).collect()
    }

    /// Does its own `.npmrc` set an option, or its `pnpm-workspace.yaml`, where `node-linker` is `nodeLinker`?
    pub fn sets(&self, option: &str) -> bool {
        let mut words = option.split('-');
        let first = words.next().unwrap_or_default().to_owned();
        let camel = words.fold(first, |name, word| {
            let (head, tail) = word.split_at_checked(1).unwrap_or_default();
            name + &head.to_ascii_uppercase() + tail
        });
        [(".npmrc", '=', option), ("pnpm-workspace.yaml", ':', &camel)].iter().any(|(file, sign, name)| {
            let text =
                self.files.get(&TreePath::root().child(file)).map(|bytes| String::from_utf8_lossy(bytes));
            let key = |line: &str| line.split(*sign).next().is_some_and(|key| key.trim() == *name);
            text.is_some_and(|text| text.lines().any(key))
        })
    }

    /// Is a package a folder of it that is copied as if it were published?
    pub fn copies_folders(&self) -> bool {
        self.lock.packages.iter().any(|path| !self.files.contains_key(path))
    }

    /// The name of its lock, as the spec would name it.
    pub fn lock_file(&self) -> String {
        format!("{}{}", self.prefix, self.lock.kind.file())
    }

    /// A finding about its lock.
    pub fn stale(&self, why: String, fix: &str, line: Line) -> Problem {
        Problem::StaleLock { file: self.lock_file(), why, fix: fix.into(), line }
    }

    fn read_files(&mut self) -> Result<(), LanguageError> {
        let lock = TreePath::root().child(self.lock.kind.file());
        let manifest = TreePath::root().child(MANIFEST);
        let members: Vec<TreePath> = self.lock.members.iter().map(|member| member.child(MANIFEST)).collect();
        let inputs = [manifest, lock].into_iter().chain(members);
        for path in inputs {
            if self.take(&path, MAX_LOCK)? {
                self.inputs.push(path);
            }
        }
        for path in self.lock.packages.clone() {
            if self.folder.join(path.relative()).is_dir() {
                self.take_folder(&path)?;
            } else {
                self.take(&path, MAX_PACKAGE)?;
            }
        }
        for name in self.lock.kind.settings() {
            self.take(&TreePath::root().child(name), MAX_FILE)?;
        }
        if self.lock.kind == LockKind::Pnpm {
            self.take_patches()?;
        }
        Ok(())
    }

    /// Where pnpm keeps patches of packages.
    fn take_patches(&mut self) -> Result<(), LanguageError> {
        let folder = self.folder.join("patches");
        let Ok(entries) = folder.read_dir() else { return Ok(()) };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        for name in names.filter(|name| name.ends_with(".patch")) {
            self.take(&TreePath::parse("/patches")?.child(&name), MAX_FILE)?;
        }
        Ok(())
    }

    /// A package that is a folder: which of its files are published is what its tool decides.
    fn take_folder(&mut self, folder: &TreePath) -> Result<(), LanguageError> {
        let view = Directory::open(&self.folder)?;
        let (mut left, mut dirs) = (MAX_PACKAGE, vec![folder.clone()]);
        while let Some(dir) = dirs.pop() {
            for name in view.list(&dir)?.into_iter().filter(|name| name != MODULES && name != ".git") {
                let path = dir.child(&name);
                let Some(entry) = view.entry(&path)? else { continue };
                if entry.is_directory() {
                    dirs.push(path);
                } else if let Some(content) = entry.content() {
                    let bytes = content.read(left)?;
                    left -= bytes.len() as u64;
                    self.files.insert(path, bytes);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &TreePath, limit: u64) -> Result<bool, LanguageError> {
        let bytes = read(&self.folder.join(path.relative()), limit)?;
        let is_there = bytes.is_some();
        self.files.extend(bytes.map(|bytes| (path.clone(), bytes)));
        Ok(is_there)
    }
}

/// A file, if one is there.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, LanguageError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(LanguageError::read(path)(error)),
    };
    if !file.metadata().map_err(LanguageError::read(path))?.is_file() {
        return Ok(None);
    }
    let mut bytes = vec![];
    file.take(limit + 1).read_to_end(&mut bytes).map_err(LanguageError::read(path))?;
    if bytes.len() as u64 > limit {
        let error = io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {limit} bytes"));
        return Err(LanguageError::read(path)(error));
    }
    Ok(Some(bytes))
}
