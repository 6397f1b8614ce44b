//! What Python sources are compiled to, and what they import.
//!
//! Sources come in sets: the standard library, a dependency, a file of the application. What was made of a set is kept
//! under the paths and digests of all that is in it, and the interpreter that made it; so a file that changes is compiled
//! alone.

mod marshal;

use super::builder::Builder;
use crate::{
    Ask, LanguageError,
    kept::{Keeper, Kept, key},
    tool,
};
use cache::Cache;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{BufReader, BufWriter, Read as _, Write as _},
    path::Path,
    thread,
    time::Duration,
};
use tree::{Content, Sha256Digest, TreePath};

/// What makes the bytes: its rules are part of every key.
const SCRIPT: &str = include_str!("compile.py");
const SCRIPT_NAME: &str = "compile.py";
/// Changes with the form of what is kept.
const DOMAIN: &str = "python-bytecode-1";
/// No source is larger, in bytes.
const MAX_SOURCE: u64 = 32 << 20;
/// The most that a file compiles to, in bytes.
const MAX_BYTECODE: u32 = 256 << 20;
/// Nothing takes longer to compile.
const LIMIT: Duration = Duration::from_secs(900);
/// The most processes at a time: more of them wait for each other's files.
const MAX_PROCESSES: usize = 2;
/// So many bytes of source are worth a process.
const SHARE: u64 = 256 << 10;
/// What a file of bytecode begins with: magic number, flags, hash of the source.
const HEADER: usize = 16;

/// Sources that are compiled and kept together.
pub(super) struct Set {
    /// What messages call it.
    pub name: String,
    /// The sources, by the path that they have in the image.
    pub sources: BTreeMap<TreePath, Content>,
    /// Does one file of it change without the others? Then each is kept for itself, too.
    pub changes: bool,
}

/// What was made of a set.
#[derive(Default)]
pub(super) struct Compiled {
    /// The bytecode of each source that compiles.
    pub bytecode: BTreeMap<TreePath, Content>,
    /// What each source imports, as far as its text says.
    pub imports: BTreeMap<TreePath, Vec<Import>>,
}

/// Something that a source imports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Import {
    /// A module, or something in one, without which the source cannot be imported itself; relative to the source where it
    /// begins with dots.
    Always(String),
    /// The same, at need: in a function, in `try`, under a condition.
    Named(String),
    /// A text that may be a module's name.
    Maybe(String),
}

impl Import {
    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Import::Always(name) | Import::Named(name) | Import::Maybe(name) => name,
        }
    }

    /// Does a statement import it?
    pub fn is_stated(&self) -> bool {
        !matches!(self, Import::Maybe(_))
    }
}

impl From<&str> for Import {
    fn from(text: &str) -> Self {
        match (text.strip_prefix('!'), text.strip_prefix('?')) {
            (Some(name), _) => Import::Always(name.into()),
            (_, Some(name)) => Import::Maybe(name.into()),
            _ => Import::Named(text.into()),
        }
    }
}

/// Compiles sets.
///
/// # Errors
/// When a source cannot be read, or the Python of the builder fails.
pub(super) fn compile(
    ask: &Ask<'_>,
    builder: &Builder<'_>,
    sets: &[&Set],
) -> Result<Vec<Compiled>, LanguageError> {
    let cache = ask.workshop.cache;
    let mut keys = vec![];
    for set in sets {
        keys.push(key_of(builder, set)?);
    }
    let mut made: Vec<Option<Compiled>> =
        keys.iter().map(|key| Kept::open(cache, key).map(Compiled::from)).collect();
    let lacking: Vec<&Set> =
        sets.iter().zip(&made).filter(|(_, made)| made.is_none()).map(|(set, _)| *set).collect();
    let mut answers = BTreeMap::new();
    let mut sources: BTreeMap<&TreePath, &Content> = BTreeMap::new();
    let mut changed = vec![];
    for set in &lacking {
        for (path, content) in &set.sources {
            let alone = set.changes.then(|| set.alone(path, content));
            match alone.as_ref().map(|alone| known(cache, builder, alone, path)).transpose()?.flatten() {
                Some(answer) => {
                    answers.insert(path.clone(), answer);
                }
                None => {
                    sources.insert(path, content);
                    changed.extend(alone);
                }
            }
        }
    }
    if !sources.is_empty() {
        answers.extend(run(builder, &sources, ask.workshop.jobs.get())?);
    }
    for alone in changed {
        keep(cache, key_of(builder, &alone)?, &alone, &answers)?;
    }
    for ((set, key), made) in sets.iter().zip(keys).zip(&mut made) {
        if made.is_none() {
            *made = Some(keep(cache, key, set, &answers)?.into());
        }
    }
    Ok(made.into_iter().flatten().collect())
}

impl Set {
    /// A set of one of its files.
    fn alone(&self, path: &TreePath, content: &Content) -> Self {
        let sources = BTreeMap::from([(path.clone(), content.clone())]);
        Set { name: path.to_string(), sources, changes: false }
    }
}

/// What became of a file that is kept for itself; its bytes are read, so that not every file of an application stays open.
fn known(
    cache: &Cache,
    builder: &Builder<'_>,
    alone: &Set,
    path: &TreePath,
) -> Result<Option<Answer>, LanguageError> {
    let Some(kept) = Kept::open(cache, &key_of(builder, alone)?) else { return Ok(None) };
    let noted: BTreeMap<String, Vec<String>> = serde_json::from_str(&kept.note).unwrap_or_default();
    let Some(imports) = noted.into_values().next() else { return Ok(None) };
    let content = kept.entries.get(path).and_then(|entry| entry.content());
    let bytecode = content.map(|content| content.read(u64::from(MAX_BYTECODE))).transpose()?;
    Ok(Some(Answer { imports, bytecode }))
}

fn key_of(builder: &Builder<'_>, set: &Set) -> Result<Sha256Digest, LanguageError> {
    let mut parts = vec![SCRIPT.as_bytes().to_vec(), builder.digest.0.to_vec()];
    for (path, content) in &set.sources {
        parts.push(path.as_str().as_bytes().to_vec());
        parts.push(content.sha256()?.0.to_vec());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Ok(key(DOMAIN, &parts))
}

/// What became of a source.
struct Answer {
    imports: Vec<String>,
    bytecode: Option<Vec<u8>>,
}

fn keep(
    cache: &Cache,
    key: Sha256Digest,
    set: &Set,
    answers: &BTreeMap<TreePath, Answer>,
) -> Result<Kept, LanguageError> {
    let failed = LanguageError::write("the cache");
    let make = || {
        let mut keeper = Keeper::new(cache, key, &format!("bytecode of {}", set.name))?;
        let mut imports: BTreeMap<&str, &[String]> = BTreeMap::new();
        for path in set.sources.keys() {
            let Some(answer) = answers.get(path) else { continue };
            imports.insert(path.as_str(), &answer.imports);
            if let Some(bytecode) = &answer.bytecode {
                keeper.file(path.clone(), 0o644, &mut &bytecode[..])?;
            }
        }
        keeper.finish(&serde_json::to_string(&imports).map_err(std::io::Error::other)?)
    };
    make().map_err(failed)
}

impl From<Kept> for Compiled {
    fn from(kept: Kept) -> Self {
        let bytecode = kept.files().map(|(path, content)| (path.clone(), content.clone())).collect();
        let noted: BTreeMap<String, Vec<String>> = serde_json::from_str(&kept.note).unwrap_or_default();
        let imports = noted.into_iter().filter_map(|(path, names)| {
            Some((TreePath::parse(&path).ok()?, names.iter().map(|name| Import::from(&**name)).collect()))
        });
        Compiled { bytecode, imports: imports.collect() }
    }
}

/// Compiles sources, in as many processes as are worth it.
fn run(
    builder: &Builder<'_>,
    sources: &BTreeMap<&TreePath, &Content>,
    jobs: usize,
) -> Result<BTreeMap<TreePath, Answer>, LanguageError> {
    let python = builder.start()?;
    let size: u64 = sources.values().map(|content| content.size()).sum();
    let count =
        usize::try_from(size / SHARE).unwrap_or(MAX_PROCESSES).clamp(1, MAX_PROCESSES.min(jobs.max(1)));
    // The largest first, each to whoever has least.
    let mut order: Vec<(&TreePath, &Content)> =
        sources.iter().map(|(path, content)| (*path, *content)).collect();
    order.sort_by_key(|(_, content)| std::cmp::Reverse(content.size()));
    let mut shares: Vec<(u64, Vec<(&TreePath, &Content)>)> = vec![(0, vec![]); count];
    for (path, content) in order {
        if let Some((size, share)) = shares.iter_mut().min_by_key(|(size, _)| *size) {
            *size += content.size() + 1;
            share.push((path, content));
        }
    }
    let dir = crate::tool::Workplace::new().map_err(LanguageError::write(std::env::temp_dir()))?;
    let script = dir.path().join(SCRIPT_NAME);
    fs::write(&script, SCRIPT).map_err(LanguageError::write(script))?;
    let done: Vec<Result<BTreeMap<TreePath, Answer>, LanguageError>> = thread::scope(|scope| {
        let python = &python;
        let dir = dir.path();
        let mut running = vec![];
        for (number, (_, share)) in shares.iter().enumerate() {
            running.push(scope.spawn(move || run_share(builder, python, dir, number, share)));
        }
        let lost = || LanguageError::Answer { tool: builder.shown(), what: "it was lost".into() };
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(lost()))).collect()
    });
    let mut answers = BTreeMap::new();
    for share in done {
        answers.extend(share?);
    }
    Ok(answers)
}

fn run_share(
    builder: &Builder<'_>,
    python: &super::builder::Python,
    dir: &Path,
    number: usize,
    share: &[(&TreePath, &Content)],
) -> Result<BTreeMap<TreePath, Answer>, LanguageError> {
    let (jobs, answers) = (dir.join(format!("{number}.jobs")), dir.join(format!("{number}.answers")));
    let file = File::create(&jobs).map_err(LanguageError::write(&jobs))?;
    let mut out = BufWriter::new(file);
    let mut asked = vec![];
    for (path, content) in share {
        if content.size() > MAX_SOURCE {
            continue;
        }
        let source = content.read(MAX_SOURCE)?;
        let name = path.as_str().as_bytes();
        let lengths =
            [name.len(), source.len()].map(|length| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        let parts = [&lengths[0][..], &lengths[1], name, &source];
        parts.into_iter().try_for_each(|part| out.write_all(part)).map_err(LanguageError::write(&jobs))?;
        asked.push(*path);
    }
    out.flush().map_err(LanguageError::write(&jobs))?;
    let mut command = python.command();
    command.args(["-S", "-s", "-B"]).arg(dir.join(SCRIPT_NAME)).arg(&jobs).arg(&answers);
    // Sets have the order of hashes.
    command.env("PYTHONHASHSEED", "0").env("PYTHONUTF8", "1");
    let said = tool::run(&mut command, &format!("{} (compiling)", builder.shown()), LIMIT)?;
    let (major, minor) = builder.version;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    if version != format!("{major}.{minor}") {
        let what = format!("it is Python {version}, and {major}.{minor} is needed");
        return Err(LanguageError::Answer { tool: builder.shown(), what });
    }
    read_answers(builder, &answers, &asked)
}

fn read_answers(
    builder: &Builder<'_>,
    from: &Path,
    asked: &[&TreePath],
) -> Result<BTreeMap<TreePath, Answer>, LanguageError> {
    let mut file = BufReader::new(File::open(from).map_err(LanguageError::read(from))?);
    let size = fs::metadata(from).map_err(LanguageError::read(from))?.len();
    let mut answers = BTreeMap::new();
    for path in asked {
        let mut head = [0; 9];
        file.read_exact(&mut head).map_err(LanguageError::read(from))?;
        let [is_compiled, a, b, c, d, e, f, g, h] = head;
        let lengths = [[a, b, c, d], [e, f, g, h]].map(u32::from_le_bytes);
        let mut parts = [vec![], vec![]];
        for (part, length) in parts.iter_mut().zip(lengths) {
            if length > MAX_BYTECODE || u64::from(length) > size {
                let what = format!("{length} bytes are too many for {path}");
                return Err(LanguageError::Answer { tool: builder.shown(), what });
            }
            part.resize(length as usize, 0);
            file.read_exact(part).map_err(LanguageError::read(from))?;
        }
        let [imports, bytecode] = parts;
        let imports = String::from_utf8_lossy(&imports);
        let imports: BTreeSet<String> = imports.lines().map(String::from).collect();
        let bytecode = (is_compiled == 1).then(|| one_form(builder, path, &bytecode)).transpose()?;
        answers.insert((*path).clone(), Answer { imports: imports.into_iter().collect(), bytecode });
    }
    Ok(answers)
}

/// A file of bytecode with its code in the one form.
fn one_form(builder: &Builder<'_>, path: &TreePath, bytes: &[u8]) -> Result<Vec<u8>, LanguageError> {
    let wrong = |what: String| LanguageError::Answer {
        tool: builder.shown(),
        what: format!("the bytecode of {path} cannot be read: {what}"),
    };
    let (header, code) = bytes.split_at_checked(HEADER).ok_or_else(|| wrong("it ends too early".into()))?;
    let code = marshal::normalized(builder.version, code).map_err(|error| wrong(error.to_string()))?;
    Ok([header, &code].concat())
}
