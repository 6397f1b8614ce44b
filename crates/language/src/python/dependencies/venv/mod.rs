//! A virtual environment: taken as it is, but for what ties it to the machine that it was made on.

mod config;
mod editable;
mod packages;

use super::{
    Installed, InstalledFile,
    record::{self, Record, Row},
    script, shed,
};
use crate::{Ask, LanguageError, python::interpreter::Interpreter};
use config::Config;
use editable::Editable;
use packages::Packages;
use plan::{
    finding::Problem,
    spec::{Python, Shed},
};
use source::{Step, walk};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use tree::{Content, Entry, Kind, TreePath};

/// Where it goes unless there is a working directory.
const USUAL_FOLDER: &str = "/app";
/// No description of a distribution, and no script, is larger, in bytes.
const MAX_TEXT: u64 = 64 << 20;
/// What of its programs stays out: they belong to the machine, or install packages.
const NO_PROGRAMS: [&str; 6] = ["activate", "activate_this", "deactivate", "python", "pip", "pydoc"];

/// A virtual environment on the builder's disk, and where it goes.
struct Venv<'a> {
    interpreter: &'a Interpreter,
    /// Where it stands in the image: `/app/.venv`.
    root: TreePath,
    /// Where its packages stand in the image.
    site: TreePath,
    /// Its interpreter in the image.
    python: TreePath,
    /// Its files, by path below its packages.
    contents: BTreeMap<String, Content>,
    modes: BTreeMap<String, u32>,
    packages: Packages,
}

/// Takes a virtual environment, relative to the folder of the spec.
///
/// # Errors
/// When it is none, or cannot be read.
pub(super) fn install(
    ask: &Ask<'_>,
    table: &Python,
    path: &str,
    interpreter: &Interpreter,
) -> Result<Installed, LanguageError> {
    let folder = ask.folder.join(path);
    let config = Config::read(&folder)?;
    let (major, minor) = interpreter.version;
    if let Some((why, fix)) = refused(&config, interpreter) {
        let problem = Problem::UnfitPackage { package: path.into(), why, fix, line: table.line };
        return Ok(Installed { problems: vec![problem], ..Installed::default() });
    }
    let root = image_root(ask, path)?;
    let site = root.join(&format!("lib/python{major}.{minor}/site-packages"))?;
    let mut venv = Venv {
        interpreter,
        python: root.join("bin/python")?,
        site,
        root,
        contents: BTreeMap::new(),
        modes: BTreeMap::new(),
        packages: Packages::default(),
    };
    venv.read_site(ask, &folder.join(format!("lib/python{major}.{minor}/site-packages")))?;
    let mut installed = Installed::default();
    // It stands for itself, as the payload has it, too.
    let own = ask.payload.iter().map(|(path, _)| path).filter(|path| path.is_within(&venv.root));
    installed.replaced.extend(own.cloned());
    installed.problems.extend(venv.packages.unfit(interpreter, &venv.contents, table.line));
    let editable = Editable { payload: ask.payload };
    installed.problems.extend(editable.settle(&mut venv.contents, &venv.packages, table.line)?);
    let tests = match table.shed.contains(&Shed::Tests) {
        true => {
            let of_payload = ask.payload.iter().filter(|(path, _)| !path.is_within(&venv.root));
            let own = venv.contents.iter().map(|(path, content)| (path.as_str(), content));
            shed::tests(&own.chain(shed::modules(of_payload)).collect::<Vec<_>>())?
        }
        false => BTreeSet::new(),
    };
    installed.shed = shed::shed(&mut venv.contents, &table.shed, &tests)?;

    let mut files = venv.programs(ask, &folder.join("bin"))?;
    files.extend(venv.own_files(&folder)?);
    venv.write_records(&files)?;
    let of = |below: &str| venv.packages.of(below).to_owned();
    let mut all = vec![];
    for (below, content) in &venv.contents {
        let mode = if venv.modes.get(below).is_some_and(|mode| mode & 0o111 != 0) { 0o755 } else { 0o644 };
        let entry = Entry::file(content.clone(), mode);
        all.push(InstalledFile { path: venv.site.join(below)?, entry, of: of(below) });
    }
    for (path, entry) in files {
        let of = of(&path.relative_to(&venv.site));
        all.push(InstalledFile { path, entry, of });
    }
    all.sort_by(|one, other| one.path.cmp(&other.path));
    installed.files = all;
    installed.path.push(venv.root.join("bin")?.to_string());
    Ok(installed)
}

/// Why an environment is not for an interpreter, and what to do about it.
fn refused(config: &Config, interpreter: &Interpreter) -> Option<(String, String)> {
    let (major, minor) = interpreter.version;
    match config {
        Config { version: Some(found), .. } if *found != interpreter.version => Some((
            format!("it is of Python {}.{}, and the runtime has Python {major}.{minor}", found.0, found.1),
            format!(
                "make it anew with `uv venv --python {major}.{minor}`; or name requirements or project instead of venv: \
                 bantam then takes what fits"
            ),
        )),
        Config { system_site: true, .. } => Some((
            "it takes packages from the Python of this machine, too, and these are not in it \
             (include-system-site-packages = true)"
                .into(),
            "make it anew without --system-site-packages, and install all that it needs".into(),
        )),
        Config { .. } => None,
    }
}

/// Where the environment goes.
fn image_root(ask: &Ask<'_>, path: &str) -> Result<TreePath, LanguageError> {
    let workdir = ask.spec.config.workdir.clone().filter(|dir| !dir.is_root());
    let folder = match workdir {
        Some(dir) => dir,
        None => TreePath::parse(USUAL_FOLDER)?,
    };
    let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(".venv");
    Ok(folder.join(name)?)
}

impl Venv<'_> {
    /// Reads what is installed. Links stand for what they lead to, as those into the cache of an installer.
    fn read_site(&mut self, ask: &Ask<'_>, site: &Path) -> Result<(), LanguageError> {
        let step = |path: &str, is_dir: bool| {
            let (top, name) =
                (path.split('/').next().unwrap_or_default(), path.rsplit('/').next().unwrap_or_default());
            let of_pip = top == "pip" || top.starts_with("pip-") && top.ends_with(".dist-info");
            let of_machine = matches!(path, "_virtualenv.py" | "_virtualenv.pth");
            let is_left = name == "__pycache__" || of_pip || of_machine;
            // What an installer noted of the machine.
            let is_note = top.ends_with(".dist-info")
                && matches!(name, "uv_cache.json" | "uv_build.json" | "direct_url.json");
            match (is_left || is_note, is_dir) {
                (true, true) => Step::Skip,
                (true, false) => Step::Skip,
                (false, true) => Step::Pass,
                (false, false) => Step::Take,
            }
        };
        for found in walk(site, true, ask.workshop.memory, &step).map_err(LanguageError::first)? {
            if let Kind::File(content) = found.entry.kind {
                self.modes.insert(found.path.clone(), found.entry.meta.mode);
                self.contents.insert(found.path, content);
            }
        }
        self.packages = Packages::read(&self.contents)?;
        Ok(())
    }

    /// Its programs, with the interpreter that they have in the image.
    fn programs(&self, ask: &Ask<'_>, bin: &Path) -> Result<BTreeMap<TreePath, Entry>, LanguageError> {
        let step = |path: &str, is_dir: bool| {
            let lower = path.to_ascii_lowercase();
            let is_left = lower == "__pycache__" || NO_PROGRAMS.iter().any(|name| stem_is(&lower, name));
            match (is_left, is_dir) {
                (true, _) => Step::Skip,
                (false, true) => Step::Pass,
                (false, false) => Step::Take,
            }
        };
        let mut programs = BTreeMap::new();
        for found in walk(bin, true, ask.workshop.memory, &step).map_err(LanguageError::first)? {
            let Kind::File(content) = found.entry.kind else { continue };
            let content = match content.starts_with(b"#!")? {
                true => {
                    let text = content.read(MAX_TEXT)?;
                    match script::of_venv(&text, self.python.as_str()) {
                        Some(text) => Content::bytes(text, &content.origin()),
                        None => content,
                    }
                }
                false => content,
            };
            programs.insert(self.root.join(&format!("bin/{}", found.path))?, Entry::file(content, 0o755));
        }
        Ok(programs)
    }

    /// What makes it an environment: its configuration, its interpreter, and the way to it for others.
    fn own_files(&self, folder: &Path) -> Result<BTreeMap<TreePath, Entry>, LanguageError> {
        let (major, minor) = self.interpreter.version;
        let mut own = BTreeMap::new();
        let made = |text: String| Entry::file(Content::bytes(text, "a virtual environment"), 0o644);
        own.insert(self.root.join("pyvenv.cfg")?, made(Config::text(self.interpreter)));
        own.insert(self.python.clone(), Entry::symlink(self.interpreter.program.as_str()));
        for name in ["python3".to_owned(), format!("python{major}.{minor}")] {
            own.insert(self.root.join(&format!("bin/{name}"))?, Entry::symlink("python"));
        }
        let has_lib64 = fs::symlink_metadata(folder.join("lib64")).is_ok_and(|meta| meta.is_symlink());
        // One without packages has nothing that it leads to.
        if has_lib64 && !self.contents.is_empty() {
            own.insert(self.root.join("lib64")?, Entry::symlink("lib"));
        }
        // Plain `python3` sees it, too. Its own `.pth` files are only read if it is added as a place of packages.
        let has_pth = self.contents.keys().any(|path| path.ends_with(".pth") && !path.contains('/'));
        let way = match has_pth {
            true => format!("import site; site.addsitedir({:?})\n", self.site.as_str()),
            false => format!("{}\n", self.site),
        };
        own.insert(self.interpreter.site.join("bantam-venv.pth")?, made(way));
        Ok(own)
    }

    /// Writes each `RECORD` anew: what is installed in the image, as it is there.
    fn write_records(&mut self, programs: &BTreeMap<TreePath, Entry>) -> Result<(), LanguageError> {
        let known: BTreeSet<String> = self.contents.keys().cloned().collect();
        for (path, old) in self.packages.records() {
            if !known.contains(path) {
                continue;
            }
            let mut record = Record::new();
            for (file, row) in old {
                if file == path {
                    record.insert(file.clone(), Row { digest: String::new(), size: None });
                } else if known.contains(file) {
                    record.insert(file.clone(), row.clone());
                } else if let Ok(at) = self.site.join(file)
                    && let Some(content) = programs.get(&at).and_then(Entry::content)
                {
                    let row = Row::of(&content.sha256()?, content.size());
                    record.insert(at.relative_to(&self.site), row);
                }
            }
            self.contents
                .insert(path.clone(), Content::bytes(record::write(&record), "a virtual environment"));
        }
        Ok(())
    }
}

/// Is a file called so, but for a version or an extension?
fn stem_is(file: &str, name: &str) -> bool {
    let mut parts = file.strip_prefix(name).into_iter().flat_map(|rest| rest.split('.'));
    parts.next().is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.all(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::stem_is;

    #[test]
    fn programs_of_the_machine_are_told_apart() {
        for file in [
            "activate",
            "activate.fish",
            "activate_this.py",
            "deactivate.bat",
            "python",
            "python3.13",
            "python3.13t",
            "pip3",
            "pydoc.bat",
        ] {
            assert!(super::NO_PROGRAMS.iter().any(|name| stem_is(file, name)), "{file}");
        }
        for file in [
            "flask",
            "pipdeptree",
            "pip-compile",
            "pythonize",
            "python_gitlab",
            "python3-saml",
            "python-argcomplete-check-easy-install-script",
        ] {
            assert!(!super::NO_PROGRAMS.iter().any(|name| stem_is(file, name)), "{file}");
        }
    }
}
