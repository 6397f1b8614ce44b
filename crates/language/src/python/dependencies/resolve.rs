//! Which wheels are wanted: what a lock pins, or what `uv` resolves.

use super::{
    choose,
    fetch::{self, Failure, Outcome, Wanted},
    inputs,
    pylock::Offer,
    shown,
    statement::{Sort, Statement},
    tags::{Tags, WheelName},
    uv::{self, Export, Uv},
    uv_lock,
};
use crate::{Ask, LanguageError, python::interpreter::Interpreter};
use plan::{
    finding::Problem,
    lock::{ArtifactKind, LockedArtifact, LockedLanguage},
    spec::Line,
};
use source::{Step, walk};
use std::{collections::BTreeMap, io, path::Path};
use tree::Sha256Digest;

/// What is wanted.
pub(super) struct Resolved {
    /// The wheels.
    pub wanted: Vec<Wanted>,
    /// Folders of projects that are installed, too, seen from that of the statement.
    pub locals: Vec<String>,
    /// What a lock says it is of.
    pub inputs: BTreeMap<String, Sha256Digest>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Says which wheels are wanted.
///
/// # Errors
/// When a lock does not fit, or nothing can be resolved.
pub(super) fn resolve(
    ask: &Ask<'_>,
    statement: &Statement,
    interpreter: &Interpreter,
    line: Line,
) -> Result<Resolved, LanguageError> {
    let mut resolved = match ask.pinned.map(|pinned| of_pins(ask, statement, pinned)).transpose()?.flatten() {
        Some(mut pinned) => {
            pinned.problems = misfits(&pinned.wanted, statement, interpreter, line);
            pinned
        }
        None if ask.workshop.locked => return unlocked(statement, line),
        None => of_uv(ask, statement, interpreter, line)?,
    };
    if matches!(statement.sort, Sort::Project { is_package: true, .. }) {
        resolved.locals.push(".".into());
    }
    Ok(resolved)
}

/// Brings the wheels. Where they are is only asked for those that the cache has not.
///
/// # Errors
/// When `uv` does not tell.
pub(super) fn fetched(
    ask: &Ask<'_>,
    statement: &Statement,
    interpreter: &Interpreter,
    wanted: &[Wanted],
) -> Result<Vec<Outcome>, LanguageError> {
    let mut outcomes = fetch::all(ask.workshop, &statement.folder, wanted);
    let missing = outcomes.iter().enumerate().filter(|(_, outcome)| matches!(outcome, Err(Failure::Nowhere)));
    let missing: Vec<usize> = missing.map(|(index, _)| index).collect();
    if missing.is_empty() || ask.workshop.offline {
        return Ok(outcomes);
    }
    let uv = find(ask, statement)?;
    let mut at = BTreeMap::new();
    let packages = match statement.sort {
        Sort::Project { lock: Some(_), .. } => uv.export_as_it_is()?,
        _ => {
            // As it was resolved: what the files say of indexes and sources counts again.
            let pins = wanted.iter().filter(|pin| !pin.direct);
            let pins: String = pins.map(|pin| format!("{}=={}\n", pin.name, pin.version)).collect();
            uv.locate(Path::new(&statement.file), &pins, interpreter)?
        }
    };
    for package in packages {
        if let Offer::Index { wheels, .. } = package.offer {
            at.extend(wheels.into_iter().map(|wheel| (wheel.file, wheel.at)));
        }
    }
    let pins = missing.iter().filter_map(|index| wanted.get(*index));
    let located: Vec<Wanted> = pins.map(|pin| Wanted { at: at.remove(&pin.file), ..pin.clone() }).collect();
    let again = fetch::all(ask.workshop, &statement.folder, &located);
    for (index, outcome) in missing.into_iter().zip(again) {
        let outcome = match outcome {
            Err(Failure::Nowhere) => {
                let file = wanted.get(index).map_or("a wheel", |pin| &pin.file);
                let what = format!("no index has {file}, which the lock pins");
                return Err(LanguageError::Answer { tool: "uv".into(), what });
            }
            outcome => outcome,
        };
        if let Some(place) = outcomes.get_mut(index) {
            *place = outcome;
        }
    }
    Ok(outcomes)
}

/// What a lock pins; none where it pins nothing of Python.
fn of_pins(
    ask: &Ask<'_>,
    statement: &Statement,
    pinned: &LockedLanguage,
) -> Result<Option<Resolved>, LanguageError> {
    let named = &statement.inputs.digests;
    let wheels: Vec<&LockedArtifact> =
        pinned.artifacts.iter().filter(|artifact| artifact.kind == ArtifactKind::Wheel).collect();
    if wheels.is_empty() && !named.keys().any(|name| pinned.inputs.contains_key(name)) {
        return Ok(None);
    }
    let misfit = |input: &str| LanguageError::Misfit { input: input.into() };
    if let Some(name) = named.iter().find(|(name, digest)| pinned.inputs.get(*name) != Some(digest)) {
        return Err(misfit(name.0));
    }
    let mut locals = vec![];
    let mut inputs = named.clone();
    for (name, digest) in &pinned.inputs {
        let (dir, file) = name.rsplit_once('/').unwrap_or((".", name));
        if named.contains_key(name) || !matches!(file, "pyproject.toml" | "setup.py") {
            continue;
        }
        let local = seen_from(dir, &statement.dir);
        match statement.local(ask.folder, &local) {
            Ok((found, now)) if (&found, &now) == (name, digest) => {}
            _ => return Err(misfit(name)),
        }
        inputs.insert(name.clone(), *digest);
        locals.push(local);
    }
    for pin in &wheels {
        // What the cache has of it would do, whatever the file is by now.
        let path = pin.url.as_ref().and_then(|at| fetch::local_path(&statement.folder, at));
        if let Some(path) = path.filter(|path| path.is_file())
            && digest_of(ask, &path)? != pin.sha256
        {
            let at = pin.url.as_deref().unwrap_or_default();
            let is_relative = !at.starts_with('/') && !at.contains("://");
            return Err(match is_relative {
                true => misfit(&inputs::tidy(&format!("{}/{at}", statement.dir))),
                false => misfit(&path.display().to_string()),
            });
        }
    }
    let wanted = wheels.into_iter().map(|pin| Wanted {
        name: pin.name.clone(),
        version: pin.version.clone(),
        file: pin.file.clone(),
        sha256: Some(pin.sha256),
        size: Some(pin.size),
        date: pin.date,
        at: pin.url.clone(),
        direct: pin.url.is_some(),
    });
    Ok(Some(Resolved { wanted: wanted.collect(), locals, inputs, problems: vec![] }))
}

/// The digest of a file of this machine, which is known if it was left alone.
fn digest_of(ask: &Ask<'_>, path: &Path) -> Result<Sha256Digest, LanguageError> {
    let found = walk(path, true, ask.workshop.memory, &|_, _| Step::Take).map_err(LanguageError::first)?;
    match found.first().and_then(|found| found.entry.content()) {
        Some(content) => Ok(content.sha256()?),
        None => Err(LanguageError::read(path)(io::ErrorKind::InvalidInput.into())),
    }
}

/// Pinned wheels that do not fit the interpreter that there is now, or the digests that the requirements name.
fn misfits(wanted: &[Wanted], statement: &Statement, interpreter: &Interpreter, line: Line) -> Vec<Problem> {
    let tags = Tags::of(interpreter);
    let hashes = &statement.inputs.hashes;
    let unfit = wanted.iter().filter_map(|pin| {
        let package = format!("{} {}", pin.name, pin.version);
        if let Some(why) = hashes.refuses(&pin.name) {
            return Some(choose::undigested(package, why, line));
        }
        let wheel = WheelName::parse(&pin.file);
        let fits = wheel.as_ref().is_some_and(|wheel| tags.rank(wheel).is_some());
        let why = match wheel {
            _ if fits && hashes.allow(&pin.name, pin.sha256.as_ref()) => return None,
            _ if fits => "the lock pins a wheel of it with a digest that the requirements do not name".into(),
            wheel => {
                let target = wheel.map_or_else(|| pin.file.clone(), |wheel| wheel.target());
                format!("the lock pins its wheel for {target}, and the runtime is {}", shown(interpreter))
            }
        };
        Some(Problem::UnfitPackage { package, why, fix: "resolve anew: `bantam update`".into(), line })
    });
    unfit.collect()
}

/// Nothing is pinned, and nothing may be.
fn unlocked(statement: &Statement, line: Line) -> Result<Resolved, LanguageError> {
    match statement.sort {
        Sort::Project { lock: None, .. } => {
            let problem = Problem::StaleLock {
                file: "uv.lock".into(),
                why: "is missing, and with --locked nothing is resolved".into(),
                fix: "run `uv lock`, build once without --locked, and keep both locks".into(),
                line,
            };
            Ok(Resolved { wanted: vec![], locals: vec![], inputs: BTreeMap::new(), problems: vec![problem] })
        }
        _ => Err(LanguageError::NotLocked { what: format!("the dependencies of {}", statement.shown) }),
    }
}

fn of_uv(
    ask: &Ask<'_>,
    statement: &Statement,
    interpreter: &Interpreter,
    line: Line,
) -> Result<Resolved, LanguageError> {
    let uv = find(ask, statement)?;
    (ask.workshop.notice)(&format!("resolving {} for {}", statement.shown, shown(interpreter)));
    let mut problems = vec![];
    let packages = match &statement.sort {
        Sort::Project { lock: Some(lock), .. } => {
            let packages = match uv.export()? {
                Export::Packages(packages) => Some(packages),
                Export::Unchecked(packages, error) => {
                    let fits = uv_lock::fits(
                        &inputs::document(&ask.folder.join(&statement.shown))?,
                        &inputs::document(&ask.folder.join(lock))?,
                    );
                    fits.ok_or(error)?.then_some(packages)
                }
                Export::Stale => None,
            };
            if packages.is_none() {
                problems.push(Problem::StaleLock {
                    file: "uv.lock".into(),
                    why: format!("is not of what {} asks for", statement.shown),
                    fix: "bring it up to date: `uv lock`".into(),
                    line,
                });
            }
            packages.unwrap_or_default()
        }
        _ if !uv::knows(interpreter) => {
            problems.push(Problem::UnfitPackage {
                package: statement.shown.clone(),
                why: format!("uv cannot resolve for {}", shown(interpreter)),
                fix: "name a venv that was made on such a machine, or a project with a uv.lock".into(),
                line,
            });
            vec![]
        }
        _ => {
            let resolution = uv.compile(Path::new(&statement.file), None, interpreter)?;
            problems = choose::refused(&resolution.refused, interpreter, line);
            resolution.packages
        }
    };
    let chosen = choose::choose(packages, &statement.inputs, interpreter, line)?;
    problems.extend(chosen.problems);
    let mut inputs = statement.inputs.digests.clone();
    for local in &chosen.locals {
        inputs.extend([statement.local(ask.folder, local)?]);
    }
    Ok(Resolved { wanted: chosen.wanted, locals: chosen.locals, inputs, problems })
}

fn find<'a>(ask: &Ask<'_>, statement: &'a Statement) -> Result<Uv<'a>, LanguageError> {
    Uv::find(&statement.folder, ask.workshop.offline, &format!("resolving {}", statement.shown))
}

/// A folder as it is seen from another; both relative to the same, or absolute.
fn seen_from(dir: &str, from: &str) -> String {
    if dir.starts_with('/') {
        return dir.to_owned();
    }
    let parts =
        |path: &str| path.split('/').filter(|part| *part != ".").map(str::to_owned).collect::<Vec<_>>();
    let (dir, from) = (parts(dir), parts(from));
    let shared = dir.iter().zip(&from).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    let path: Vec<String> = up.chain(dir.into_iter().skip(shared)).collect();
    if path.is_empty() { ".".into() } else { path.join("/") }
}

#[cfg(test)]
mod tests {
    use super::seen_from;

    #[test]
    fn folders_are_seen_from_others() {
        for (dir, from, want) in [
            (".", ".", "."),
            ("lib", ".", "lib"),
            ("lib", "app", "../lib"),
            ("app/lib", "app", "lib"),
            ("../lib", "app", "../../lib"),
            ("app", "app/deep", ".."),
            ("/lib", "app", "/lib"),
        ] {
            assert_eq!(seen_from(dir, from), want, "{dir} from {from}");
        }
    }
}
