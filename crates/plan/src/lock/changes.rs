//! What differs between two locks.

use super::{ArtifactKind, Lock, LockedArtifact, LockedFile, LockedImage, LockedLanguage, LockedPackage};
use crate::spec::Platform;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use tree::{Sha256Digest, TreePath};

/// What a newer lock changes, in the order of platforms and names. [`fmt::Display`] shows a line
/// for each change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockChanges {
    /// The formats, old and new, where they differ.
    pub format: Option<(u32, u32)>,
    /// The sources, old and new, where they differ.
    pub source: Option<(String, String)>,
    /// The names of the base, old and new, where they differ; none: built upon nothing.
    pub base: Option<(Option<String>, Option<String>)>,
    /// The images that were built upon or taken from: what it is (`base`, `source`), and what became of it.
    pub images: Vec<(Platform, &'static str, Change<LockedImage>)>,
    /// The packages.
    pub packages: Vec<(Platform, Change<LockedPackage>)>,
    /// The packages of languages.
    pub artifacts: Vec<(Platform, Change<LockedArtifact>)>,
    /// The files of the project whose words changed for languages.
    pub inputs: Vec<(Platform, Change<(String, Sha256Digest)>)>,
    /// What runtimes of languages are made of.
    pub runtimes: Vec<(Platform, Change<(TreePath, Sha256Digest)>)>,
    /// The packages that build tools are made of.
    pub tools: Vec<(Platform, Change<LockedPackage>)>,
    /// The files.
    pub files: Vec<(Platform, Change<LockedFile>)>,
}

/// What became of one thing that locks hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// Only the newer lock has it.
    Added(T),
    /// Only the older lock has it.
    Removed(T),
    /// Both have it, and not the same.
    Changed {
        /// What it was.
        old: T,
        /// What it is.
        new: T,
    },
}

impl LockChanges {
    /// Is all as it was?
    pub fn is_empty(&self) -> bool {
        *self == LockChanges::default()
    }
}

/// What `new` changes of `old`.
pub fn diff(old: &Lock, new: &Lock) -> LockChanges {
    let base = |lock: &Lock| lock.base.as_ref().map(|base| base.reference.clone());
    let (old_artifacts, new_artifacts) = (artifacts(old), artifacts(new));
    let repeated = repeated([&old_artifacts, &new_artifacts]);
    // Versions of one package are told as one change; of several packages with one name, each file stands for itself.
    let artifact = |artifact: &'_ LockedArtifact| {
        let is_repeated = repeated.contains(&(artifact.kind, artifact.name.clone()));
        (artifact.name.clone(), artifact.kind, is_repeated.then(|| artifact.file.clone()))
    };
    LockChanges {
        format: (old.format != new.format).then_some((old.format, new.format)),
        source: (old.source != new.source).then(|| (old.source.clone(), new.source.clone())),
        base: (base(old) != base(new)).then(|| (base(old), base(new))),
        images: images(old, new),
        packages: changes(&old.packages, &new.packages, |package| &*package.name),
        artifacts: changes(&old_artifacts, &new_artifacts, artifact),
        inputs: changes(
            &of_languages(old, |language| &language.inputs),
            &of_languages(new, |language| &language.inputs),
            |(input, _)| input,
        ),
        runtimes: changes(
            &of_languages(old, |language| &language.runtime),
            &of_languages(new, |language| &language.runtime),
            |(path, _)| path,
        ),
        tools: changes(&old.tools, &new.tools, |package| &*package.name),
        files: changes(&old.images, &new.images, |file| &file.path),
    }
}

fn artifacts(lock: &Lock) -> BTreeMap<Platform, Vec<LockedArtifact>> {
    lock.languages.iter().map(|(platform, language)| (*platform, language.artifacts.clone())).collect()
}

/// The names that several artifacts of a platform have.
fn repeated(locks: [&BTreeMap<Platform, Vec<LockedArtifact>>; 2]) -> BTreeSet<(ArtifactKind, String)> {
    let mut repeated = BTreeSet::new();
    for artifacts in locks.into_iter().flat_map(BTreeMap::values) {
        let mut seen = BTreeSet::new();
        let names = artifacts.iter().map(|artifact| (artifact.kind, artifact.name.clone()));
        repeated.extend(names.filter(|name| !seen.insert(name.clone())));
    }
    repeated
}

fn of_languages<K: Clone>(
    lock: &Lock,
    part: fn(&LockedLanguage) -> &BTreeMap<K, Sha256Digest>,
) -> BTreeMap<Platform, Vec<(K, Sha256Digest)>> {
    let of = |language| part(language).iter().map(|(name, digest)| (name.clone(), *digest)).collect();
    lock.languages.iter().map(|(platform, language)| (*platform, of(language))).collect()
}

fn images(old: &Lock, new: &Lock) -> Vec<(Platform, &'static str, Change<LockedImage>)> {
    let base = |lock: &Lock| lock.base.as_ref().map(|base| one_each(&base.images)).unwrap_or_default();
    let named = |what: &'static str, changes: Vec<(Platform, Change<LockedImage>)>| {
        changes.into_iter().map(move |(platform, change)| (platform, what, change))
    };
    let of_base = changes(&base(old), &base(new), |_| ());
    let of_source = changes(&one_each(&old.sources), &one_each(&new.sources), |_| ());
    named("base", of_base).chain(named("source", of_source)).collect()
}

fn one_each(images: &BTreeMap<Platform, LockedImage>) -> BTreeMap<Platform, Vec<LockedImage>> {
    images.iter().map(|(platform, image)| (*platform, vec![*image])).collect()
}

fn changes<'l, T: Clone + PartialEq + 'l, K: Ord + 'l>(
    old: &'l BTreeMap<Platform, Vec<T>>,
    new: &'l BTreeMap<Platform, Vec<T>>,
    key: impl Fn(&'l T) -> K,
) -> Vec<(Platform, Change<T>)> {
    let by_key = |all: &'l BTreeMap<Platform, Vec<T>>| -> BTreeMap<(Platform, K), &'l T> {
        let each = all.iter().flat_map(|(platform, all)| all.iter().map(|one| ((*platform, key(one)), one)));
        each.collect()
    };
    let (before, after) = (by_key(old), by_key(new));
    let mut changes: BTreeMap<&(Platform, K), Change<T>> = BTreeMap::new();
    for (place, new) in &after {
        match before.get(place) {
            None => {
                changes.insert(place, Change::Added((*new).clone()));
            }
            Some(old) if old != new => {
                changes.insert(place, Change::Changed { old: (*old).clone(), new: (*new).clone() });
            }
            Some(_) => {}
        }
    }
    for (place, old) in before.iter().filter(|(place, _)| !after.contains_key(place)) {
        changes.insert(place, Change::Removed((*old).clone()));
    }
    changes.into_iter().map(|((platform, _), change)| (*platform, change)).collect()
}

impl fmt::Display for LockChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((old, new)) = self.format {
            writeln!(f, "~ format {old} → {new}")?;
        }
        if let Some((old, new)) = &self.source {
            writeln!(f, "~ source {old} → {new}")?;
        }
        if let Some((old, new)) = &self.base {
            let shown = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".into());
            writeln!(f, "~ base {} → {}", shown(old), shown(new))?;
        }
        for (platform, what, change) in &self.images {
            match change {
                Change::Added(image) => writeln!(f, "+ {platform} {what} {image}")?,
                Change::Removed(image) => writeln!(f, "- {platform} {what} {image}")?,
                Change::Changed { old, new } if old.manifest == new.manifest => {
                    writeln!(f, "~ {platform} {what} {new}: another index has it")?;
                }
                Change::Changed { old, new } => writeln!(f, "~ {platform} {what} {old} → {new}")?,
            }
        }
        write_packages(f, "", &self.packages)?;
        for (platform, change) in &self.artifacts {
            match change {
                Change::Added(new) => writeln!(f, "+ {platform} {} {}", new.name, new.version)?,
                Change::Removed(old) => writeln!(f, "- {platform} {} {}", old.name, old.version)?,
                Change::Changed { old, new } if old.version != new.version => {
                    writeln!(f, "~ {platform} {} {} → {}", new.name, old.version, new.version)?;
                }
                Change::Changed { new, .. } => {
                    writeln!(
                        f,
                        "~ {platform} {} {}: another {} of that version",
                        new.name, new.version, new.kind
                    )?;
                }
            }
        }
        for (platform, change) in &self.inputs {
            let (mark, (input, _)) = marked(change);
            writeln!(f, "{mark} {platform} what {input} asks for")?;
        }
        for (platform, change) in &self.runtimes {
            let (mark, (path, _)) = marked(change);
            writeln!(f, "{mark} {platform} what the runtime takes of {path}")?;
        }
        write_packages(f, "build tool ", &self.tools)?;
        for (platform, change) in &self.files {
            match change {
                Change::Added(file) => writeln!(f, "+ {platform} {}{}", file.path, owner(file))?,
                Change::Removed(file) => writeln!(f, "- {platform} {}{}", file.path, owner(file))?,
                Change::Changed { old, new } if old.package == new.package => {
                    writeln!(f, "~ {platform} {}{}", new.path, owner(new))?;
                }
                Change::Changed { old, new } => {
                    let name =
                        |file: &LockedFile| file.package.clone().unwrap_or_else(|| "no package".into());
                    writeln!(f, "~ {platform} {} ({} → {})", new.path, name(old), name(new))?;
                }
            }
        }
        Ok(())
    }
}

fn marked<T>(change: &Change<T>) -> (char, &T) {
    match change {
        Change::Added(new) => ('+', new),
        Change::Removed(old) => ('-', old),
        Change::Changed { new, .. } => ('~', new),
    }
}

fn owner(file: &LockedFile) -> String {
    file.package.as_ref().map(|package| format!(" ({package})")).unwrap_or_default()
}

/// `what` stands before the names.
fn write_packages(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    packages: &[(Platform, Change<LockedPackage>)],
) -> fmt::Result {
    for (platform, change) in packages {
        match change {
            Change::Added(package) => writeln!(f, "+ {platform} {what}{} {}", package.name, package.version)?,
            Change::Removed(package) => {
                writeln!(f, "- {platform} {what}{} {}", package.name, package.version)?
            }
            Change::Changed { old, new } if old.version != new.version => {
                writeln!(f, "~ {platform} {what}{} {} → {}", new.name, old.version, new.version)?;
            }
            Change::Changed { old, new } if old.sha256 == new.sha256 => {
                writeln!(
                    f,
                    "~ {platform} {what}{} {}: why it is needed, or where it is",
                    new.name, new.version
                )?;
            }
            Change::Changed { new, .. } => {
                writeln!(
                    f,
                    "~ {platform} {what}{} {}: another archive of that version",
                    new.name, new.version
                )?;
            }
        }
    }
    Ok(())
}
