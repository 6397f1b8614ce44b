//! Puts unpacked wheels to where an interpreter looks for them.

use super::{
    Installed, InstalledFile, record,
    record::{Record, Row},
    script, shed, wheel,
};
use crate::{
    LanguageError,
    kept::Kept,
    python::interpreter::{Interpreter, is_name_of_python},
};
use plan::spec::Shed;
use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, Entry, Tree, TreePath};

/// No script or description of a distribution is larger, in bytes.
const MAX_TEXT: u64 = 64 << 20;
/// Modules that only make a package out of several directories are no larger, in bytes.
const MAX_NAMESPACE: u64 = 4096;

/// A wheel to be placed.
pub(super) struct Placed {
    /// Name and version, as messages have them.
    pub of: String,
    /// Its files.
    pub kept: Kept,
}

/// Why a wheel cannot be placed.
pub(super) enum Stop {
    /// It is damaged: in words that follow "is damaged:".
    Damaged(String),
    /// It cannot be read.
    Failed(LanguageError),
}

/// The places of an interpreter.
struct Places<'a> {
    site: &'a TreePath,
    scripts: &'a TreePath,
    /// Where Python is installed: `/usr/local`.
    prefix: TreePath,
    headers: TreePath,
}

/// What is left out.
struct LeftOut<'a> {
    sorts: &'a [Shed],
    /// Directories of tests.
    tests: BTreeSet<String>,
}

/// Places wheels, sorted by name, beside an application, which may import what else would be left out. Gives for each that is damaged what is wrong.
///
/// # Errors
/// When one cannot be read.
pub(super) fn place(
    wheels: &[Placed],
    interpreter: &Interpreter,
    sorts: &[Shed],
    application: &Tree,
) -> Result<(Installed, Vec<(String, String)>), LanguageError> {
    let tests = match sorts.contains(&Shed::Tests) {
        true => {
            let of_wheels = wheels.iter().flat_map(|wheel| wheel.kept.files());
            let of_wheels = of_wheels.filter_map(|(path, content)| match split(path) {
                (wheel::SITE, below) => Some((below, content)),
                _ => None,
            });
            shed::tests(&of_wheels.chain(shed::modules(application.iter())).collect::<Vec<_>>())?
        }
        false => BTreeSet::new(),
    };
    let left_out = LeftOut { sorts, tests };
    let mut installed = Installed::default();
    let mut damaged = vec![];
    let mut all: BTreeMap<TreePath, InstalledFile> = BTreeMap::new();
    for wheel in wheels {
        let mut shed = BTreeMap::new();
        let files = match place_one(wheel, interpreter, &left_out, &mut shed) {
            Ok(files) => files,
            Err(Stop::Damaged(why)) => {
                damaged.push((wheel.of.clone(), why));
                continue;
            }
            Err(Stop::Failed(error)) => return Err(error),
        };
        for (sort, (count, bytes)) in shed {
            let (all, sum): &mut (u64, u64) = installed.shed.entry(sort).or_default();
            *all += count;
            *sum += bytes;
        }
        for (path, entry) in files {
            if let Some(other) = all.get(&path)
                && !may_replace(path.below(&interpreter.site), &entry, &other.entry)?
            {
                damaged.push((wheel.of.clone(), format!("it has {path}, which {} has otherwise", other.of)));
            }
            all.insert(path.clone(), InstalledFile { path, entry, of: wheel.of.clone() });
        }
    }
    let pairs = all.values().zip(all.values().skip(1));
    for (file, next) in pairs.filter(|(file, next)| next.path.is_within(&file.path)) {
        damaged.push((
            next.of.clone(),
            format!("it has {}, and {} is a file of {}", next.path, file.path, file.of),
        ));
    }
    installed.files = all.into_values().collect();
    Ok((installed, damaged))
}

fn place_one(
    wheel: &Placed,
    interpreter: &Interpreter,
    left_out: &LeftOut<'_>,
    shed: &mut BTreeMap<Shed, (u64, u64)>,
) -> Result<BTreeMap<TreePath, Entry>, Stop> {
    let LeftOut { sorts, tests } = left_out;
    let places = Places::of(interpreter, &wheel.of)?;
    let program = interpreter.program.as_str();
    let mut site = BTreeMap::new();
    let mut modes = BTreeMap::new();
    let mut files: BTreeMap<TreePath, Entry> = BTreeMap::new();
    for (path, entry) in &wheel.kept.entries {
        let Some(content) = entry.content() else { continue };
        let (place, below) = split(path);
        // Bytecode is of the machine that compiled it: it is made anew, or not at all.
        if below.split('/').any(|part| part == "__pycache__") {
            continue;
        }
        match (place, &places) {
            (wheel::SITE, _) => {
                site.insert(below.to_owned(), content.clone());
                modes.insert(below.to_owned(), entry.meta.mode);
            }
            (wheel::SCRIPTS, Places { scripts, .. }) => {
                let content = match content.starts_with(b"#!python").map_err(LanguageError::from)? {
                    true => {
                        let text = content.read(MAX_TEXT).map_err(LanguageError::from)?;
                        let text = script::of_wheel(&text, program).unwrap_or(text);
                        Content::bytes(text, &format!("{path} of {}", wheel.of))
                    }
                    false => content.clone(),
                };
                files.insert(join(scripts, below)?, Entry::file(content, 0o755));
            }
            (wheel::HEADERS, _) if sorts.contains(&Shed::Headers) => add(shed, Shed::Headers, content),
            (wheel::HEADERS, Places { headers, .. }) => {
                files.insert(join(headers, below)?, entry.clone());
            }
            (_, Places { prefix, .. }) => {
                let is_document = below.starts_with("share/man/") || below.starts_with("share/doc/");
                if is_document && sorts.contains(&Shed::Docs) {
                    add(shed, Shed::Docs, content);
                } else {
                    files.insert(join(prefix, below)?, entry.clone());
                }
            }
        }
    }
    let info = site.keys().find_map(|path| path.strip_suffix(".dist-info/METADATA"));
    let info = info.map(|stem| format!("{stem}.dist-info"));
    let info = info.ok_or_else(|| Stop::Damaged("it has no METADATA".into()))?;
    if let Some(points) = site.get(&format!("{info}/entry_points.txt")) {
        let text = points.read(MAX_TEXT).map_err(LanguageError::from)?;
        for point in script::entry_points(&String::from_utf8_lossy(&text)).map_err(Stop::Damaged)? {
            let content = Content::bytes(point.script(program), &format!("an entry point of {}", wheel.of));
            files.insert(join(places.scripts, &point.name)?, Entry::file(content, 0o755));
        }
    }
    let of_interpreter = |path: &&TreePath| path.below(places.scripts).is_some_and(is_name_of_python);
    if let Some(path) = files.keys().find(of_interpreter) {
        return Err(Stop::Damaged(format!("it has {path}, which is a name of the interpreter")));
    }
    for (sort, (count, bytes)) in shed::shed(&mut site, sorts, tests).map_err(LanguageError::from)? {
        let (all, sum) = shed.entry(sort).or_default();
        *all += count;
        *sum += bytes;
    }
    for (path, content) in site {
        let mode = modes.get(&path).copied().unwrap_or(0o644);
        files.insert(join(places.site, &path)?, Entry::file(content, mode));
    }
    // As an installer leaves it: who installed it, and what there is.
    let installer = Content::bytes("bantam\n", "an installed wheel");
    files.insert(join(places.site, &format!("{info}/INSTALLER"))?, Entry::file(installer, 0o644));
    let record = record_of(&files, places.site, &format!("{info}/RECORD"))?;
    let record = Content::bytes(record::write(&record), "an installed wheel");
    files.insert(join(places.site, &format!("{info}/RECORD"))?, Entry::file(record, 0o644));
    Ok(files)
}

/// The `RECORD` of these files, which is one of them.
fn record_of(files: &BTreeMap<TreePath, Entry>, site: &TreePath, own: &str) -> Result<Record, LanguageError> {
    let mut record = Record::new();
    for (path, entry) in files {
        let Some(content) = entry.content() else { continue };
        record.insert(path.relative_to(site), Row::of(&content.sha256()?, content.size()));
    }
    record.insert(own.into(), Row { digest: String::new(), size: None });
    Ok(record)
}

impl<'a> Places<'a> {
    fn of(interpreter: &'a Interpreter, of: &str) -> Result<Self, LanguageError> {
        let prefix = interpreter.scripts.parent().unwrap_or_else(TreePath::root);
        let (major, minor) = interpreter.version;
        let name = of.split(' ').next().unwrap_or_default();
        let headers = prefix.join(&format!("include/python{major}.{minor}/{name}"))?;
        Ok(Places { site: &interpreter.site, scripts: &interpreter.scripts, prefix, headers })
    }
}

/// May a file stand for another of the same path? `below` is the path below the place of packages.
fn may_replace(below: Option<&str>, one: &Entry, other: &Entry) -> Result<bool, LanguageError> {
    let (Some(one), Some(other)) = (one.content(), other.content()) else { return Ok(false) };
    if one.size() == other.size() && one.sha256()? == other.sha256()? {
        return Ok(true);
    }
    // What wheels have by mistake outside of their packages, nobody needs.
    let (Some(top), name) =
        (below.map(|path| path.split_once('/')), below.and_then(|path| path.rsplit('/').next()))
    else {
        return Ok(false);
    };
    let name = name.unwrap_or_default();
    let is_stray = match top {
        Some((dir, _)) => matches!(dir, "tests" | "test" | "docs" | "doc" | "examples"),
        None => ![".py", ".so", ".pth"].iter().any(|end| name.ends_with(end)),
    };
    if is_stray {
        return Ok(true);
    }
    let is_namespace = |content: &Content| -> Result<bool, LanguageError> {
        if name != "__init__.py" || content.size() > MAX_NAMESPACE {
            return Ok(false);
        }
        let text = content.read(MAX_NAMESPACE)?;
        let text = String::from_utf8_lossy(&text);
        Ok(text.contains("extend_path") || text.contains("declare_namespace"))
    };
    Ok(is_namespace(one)? && is_namespace(other)?)
}

/// The place of a kept file, and its path below.
fn split(path: &TreePath) -> (&str, &str) {
    let text = path.as_str();
    let end = text.get(1..).and_then(|rest| rest.find('/')).map_or(text.len(), |at| at + 1);
    (&text[..end], text.get(end + 1..).unwrap_or_default())
}

fn join(dir: &TreePath, below: &str) -> Result<TreePath, LanguageError> {
    Ok(dir.join(below)?)
}

fn add(shed: &mut BTreeMap<Shed, (u64, u64)>, sort: Shed, content: &Content) {
    let (count, bytes) = shed.entry(sort).or_default();
    *count += 1;
    *bytes += content.size();
}

impl From<LanguageError> for Stop {
    fn from(error: LanguageError) -> Self {
        Stop::Failed(error)
    }
}
