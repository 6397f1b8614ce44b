//! Opens what a plan is made of: the runtime source and the payload.

use crate::{
    Error, Target,
    finished::FinishedImages,
    lockfile::LockFile,
    runtime::{Runtime, Runtimes},
};
use plan::{
    CaSource, Selection, Taken,
    expand::Vars,
    spec::{CaFile, Platform, RuntimeSource},
};
use source::{Memory, SourceError, Step};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a plan is made of, opened.
pub(crate) struct Opened<'a> {
    pub runtime: Arc<Runtime<'a>>,
    pub payload: Vec<Taken>,
    pub ca: Vec<CaSource>,
}

/// Opens the sources of a target for a platform. Only metadata is read. What the run itself writes,
/// `own`, is part of no payload: else every build would hold the one before.
///
/// # Errors
/// Everything that cannot be read, at once.
pub(crate) fn open<'a>(
    target: &Target,
    platform: Platform,
    own: &[PathBuf],
    lock: Option<&LockFile>,
    images: &FinishedImages<'a>,
    runtimes: &Runtimes<'a>,
) -> Result<Opened<'a>, Error> {
    let vars = Vars::of(platform, target.spec.runtime.variant);
    let mut errors = vec![];
    let runtime = match &target.spec.runtime.source {
        RuntimeSource::Image(reference) => {
            let pinned = lock.and_then(LockFile::source_images);
            Arc::new(runtimes.of_image(images.get(target, reference, platform, pinned)?))
        }
        _ => runtimes.open(target, &vars).unwrap_or_else(|error| {
            errors.push(error);
            Arc::default()
        }),
    };
    let mut payload = vec![];
    for files in &target.spec.files {
        let ignore = match &files.ignore_file {
            None => None,
            Some(name) => {
                let path = target.folder.join(name);
                match std::fs::read_to_string(&path) {
                    Ok(text) => Some(text),
                    Err(source) => {
                        errors.push(Problem::Source(SourceError::Read { path, source }));
                        continue;
                    }
                }
            }
        };
        match Selection::new(files, &vars, ignore.as_deref()) {
            Err(message) => errors.push(Problem::Files { line: files.line, message }),
            Ok(None) => payload.push(Taken::default()),
            Ok(Some(selection)) => match take(target, &selection, own, runtimes.memory()) {
                Ok(taken) => payload.push(taken),
                // A glob that starts nowhere takes nothing; the plan tells it.
                Err(found) if selection.is_glob() && found.iter().all(is_missing) => {
                    payload.push(Taken::default());
                }
                Err(found) => {
                    errors.extend(found.into_iter().map(|error| Problem::Payload { line: files.line, error }))
                }
            },
        }
    }
    let mut ca = vec![];
    for file in &target.spec.runtime.ca {
        match take_ca(target, file, &vars, runtimes.memory()) {
            Ok(taken) => ca.extend(taken),
            Err(found) => {
                errors.extend(found.into_iter().map(|error| Problem::Payload { line: file.line, error }))
            }
        }
    }
    if errors.is_empty() {
        return Ok(Opened { runtime, payload, ca });
    }
    Err(Error::Sources { shown: target.shown(), problems: errors })
}

/// Something of the spec's sources that cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The runtime source, or a file beside the spec.
    Source(SourceError),
    /// A file of a `[[files]]`.
    Payload {
        /// The line of the table.
        line: usize,
        /// What is wrong.
        error: SourceError,
    },
    /// A pattern or variable of a `[[files]]`.
    Files {
        /// The line of the table.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A variable of the runtime source.
    Runtime(plan::expand::ExpandError),
}

fn take(
    target: &Target,
    selection: &Selection,
    own: &[PathBuf],
    memory: &dyn Memory,
) -> Result<Taken, Vec<SourceError>> {
    let start = match selection.start.as_str() {
        "." => target.folder.clone(),
        start => target.folder.join(Path::new(start)),
    };
    let root = real(&start);
    let inside = |path: &PathBuf| real(path).strip_prefix(&root).ok().map(Path::to_path_buf);
    let own: Vec<PathBuf> = own.iter().filter_map(inside).collect();
    let found = source::walk(&start, selection.follow, memory, &|path, is_dir| {
        if own.iter().any(|own| own == Path::new(path)) {
            return Step::Skip;
        }
        match (selection.takes(path), is_dir && selection.enters(path)) {
            (true, _) => Step::Take,
            (false, true) => Step::Pass,
            (false, false) => Step::Skip,
        }
    })?;
    Ok(Taken { items: found.into_iter().map(|found| (found.path, found.entry)).collect() })
}

fn take_ca(
    target: &Target,
    file: &CaFile,
    vars: &Vars<'_>,
    memory: &dyn Memory,
) -> Result<Option<CaSource>, Vec<SourceError>> {
    let CaFile { path, line } = file;
    // A spec whose variables mean nothing was refused before.
    let path = plan::expand::expand(path, vars).unwrap_or_else(|_| path.clone());
    let start = target.folder.join(&path);
    let found = source::walk(&start, true, memory, &|_, _| Step::Take)?;
    let content = found.first().and_then(|found| found.entry.content()).cloned();
    match content {
        Some(content) => Ok(Some(CaSource { path, line: *line, content })),
        None => Err(vec![SourceError::NotAFile { path: start }]),
    }
}

/// A path without links in it, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.into());
    match (full.canonicalize(), full.parent(), full.file_name()) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => real(parent).join(name),
        _ => full,
    }
}

fn is_missing(error: &SourceError) -> bool {
    matches!(error, SourceError::Missing { .. })
}
