//! The trees that are measured, made once and kept.

pub mod closure;
pub mod generated;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Outcome, root, run, timed};

/// A tree to build an image of.
pub struct Payload {
    pub title: String,
    pub folder: PathBuf,
    /// A file whose change is measured too, if the payload has many.
    pub changed: Option<PathBuf>,
    pub kind: Kind,
}

/// What kind of thing it is, because some builders are for one kind only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Tree,
    /// One static program, of this many bytes.
    Static(usize),
    /// What a program of the machine needs; builders that resolve it themselves are given the program.
    Closure(&'static str),
}

/// What many Python services are made of: about 20,000 files and 600 MB.
const PACKAGES: [&str; 10] = [
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "sympy",
    "django",
    "cryptography",
    "pillow",
    "lxml",
];

/// How large the one program is.
const PROGRAM_BYTES: usize = 8_300_000;
/// How large a file is changed.
const CHANGED_BYTES: u64 = 10_000;

/// Where the files come from, for those who repeat it.
pub fn origin() -> String {
    format!("The many files are those that pip installs for {}.", PACKAGES.join(", "))
}

/// Python packages as pip installs them; where that cannot be had, generated files of the same number and size.
pub fn many_files(folder: &Path) -> Outcome<Payload> {
    if !folder.exists() {
        let unfinished = folder.with_extension("unfinished");
        let remove = || if unfinished.exists() { fs::remove_dir_all(&unfinished) } else { Ok(()) };
        remove().map_err(|error| format!("{}: {error}", unfinished.display()))?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(&unfinished).args(PACKAGES);
        if let Err(message) = run(&mut pip) {
            eprintln!("{message}; the payload is generated");
            remove().map_err(|error| format!("{}: {error}", unfinished.display()))?;
            generated::files(&unfinished, 20_000, 60_000)?;
        }
        // Whether the scripts among the files could run is not what is measured.
        for (path, _) in files_under(&unfinished)? {
            let plain = fs::Permissions::from_mode(0o644);
            fs::set_permissions(&path, plain).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        fs::rename(&unfinished, folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let files = files_under(folder)?;
    let bytes: u64 = files.iter().map(|(_, size)| size).sum();
    let title = format!("{} files, {} MB", files.len(), bytes / 1_000_000);
    let scripts =
        files.iter().filter(|(path, _)| path.extension().is_some_and(|extension| extension == "py"));
    let changed = scripts.min_by_key(|(_, size)| size.abs_diff(CHANGED_BYTES)).map(|(path, _)| path.clone());
    Ok(Payload { title, folder: folder.to_path_buf(), changed, kind: Kind::Tree })
}

/// A static program; what it is filled up with comes from compiled code of the other payload.
pub fn one_program(folder: &Path, many: &Payload) -> Outcome<Payload> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(failed)?;
    let program = folder.join("program");
    let source = root().join("testdata/programs/steps.c");
    run(Command::new("gcc").args(["-O2", "-static", "-o"]).arg(&program).arg(source))?;
    let mut bytes = fs::read(&program).map_err(failed)?;
    for (path, _) in files_under(&many.folder)?.into_iter().filter(|(_, size)| *size > 100_000) {
        let missing = PROGRAM_BYTES.saturating_sub(bytes.len()) as u64;
        let file = fs::File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        file.take(missing).read_to_end(&mut bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    fs::write(&program, &bytes).map_err(failed)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    let title = format!("one static program, {:.1} MB", bytes.len() as f64 / 1e6);
    Ok(Payload { title, folder: folder.to_path_buf(), changed: None, kind: Kind::Static(bytes.len()) })
}

/// Makes a folder by filling an empty one, unless it is there; one that is there is whole.
pub fn once(folder: &Path, make: impl FnOnce(&Path) -> Outcome) -> Outcome {
    if folder.exists() {
        return Ok(());
    }
    let unfinished = folder.with_extension("unfinished");
    super::measure::remove(&unfinished)?;
    fs::create_dir_all(&unfinished).map_err(|error| format!("{}: {error}", unfinished.display()))?;
    timed(&format!("payload {}", folder.display()), || make(&unfinished))?;
    fs::rename(&unfinished, folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// All regular files with their sizes, sorted.
pub fn files_under(folder: &Path) -> Outcome<Vec<(PathBuf, u64)>> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let meta = entry.metadata().map_err(failed)?;
        if meta.is_dir() {
            files.extend(files_under(&entry.path())?);
        } else if meta.is_file() {
            files.push((entry.path(), meta.len()));
        }
    }
    files.sort();
    Ok(files)
}
