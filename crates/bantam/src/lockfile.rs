//! The lock of a build: read, held against what was taken, written.

use crate::{Error, Target};
use plan::{
    Plan,
    lock::{Lock, LockChanges, LockedBase, LockedFile, LockedImage, LockedLanguage, LockedPackage, diff},
    spec::{Platform, RuntimeSource},
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};
use tree::{Kind, Sha256Digest};

/// The newest bytes contract that this bantam writes, and the only one so far.
const FORMAT: u32 = 1;

/// The lock of a target, as it is on disk.
pub(crate) struct LockFile {
    path: PathBuf,
    /// Was this very file asked for?
    asked: bool,
    known: Option<Lock>,
    source: String,
    /// `base` of the spec.
    base: Option<String>,
    /// Does it hold packages?
    of_archive: bool,
    format: u32,
}

/// May a lock change?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locking {
    /// It is written when absent, and refreshed with a notice when files of the machine changed.
    Refresh,
    /// Nothing may change: an absent lock, or a change, is an error.
    Locked,
    /// It is written anew, whatever it says now; if that can be read, the changes are told.
    Renew,
}

impl LockFile {
    /// Reads the lock of a target; none where it has none.
    ///
    /// # Errors
    /// When it cannot be read, or does not fit the spec.
    pub fn read(target: &Target, other: Option<&Path>, locking: Locking) -> Result<Option<Self>, Error> {
        let Some(path) = target.lock_file().map(|beside| other.map_or(beside, PathBuf::from)) else {
            return Ok(None);
        };
        let source = target.source();
        let base = target.spec.base.as_ref().map(|base| base.reference.clone());
        let known = match std::fs::read_to_string(&path) {
            Ok(text) if locking == Locking::Renew => Lock::parse(&text).ok(),
            Ok(text) => {
                Some(Lock::parse(&text).map_err(|source| Error::Lock { path: path.clone(), source })?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // Text of another encoding is no lock, and is no loss.
            Err(error) if locking == Locking::Renew && error.kind() == io::ErrorKind::InvalidData => None,
            Err(source) => return Err(Error::Read { path, source }),
        };
        let wanted = target.spec.format;
        if let Some(lock) = known.as_ref().filter(|_| locking != Locking::Renew) {
            let misfit = |what, lock: &str, spec: &str| Error::LockMisfit {
                path: path.clone(),
                what,
                lock: lock.into(),
                spec: spec.into(),
            };
            if lock.source != source {
                return Err(misfit("source", &lock.source, &source));
            }
            let locked = lock.base.as_ref().map(|base| &base.reference);
            if locked != base.as_ref() {
                let shown = |base: Option<&String>| base.cloned().unwrap_or_else(|| "none".into());
                return Err(misfit("base", &shown(locked), &shown(base.as_ref())));
            }
            if wanted.is_some_and(|wanted| wanted != lock.format) {
                let spec = wanted.unwrap_or(FORMAT).to_string();
                return Err(misfit("format", &lock.format.to_string(), &spec));
            }
        }
        if known.is_none() && locking == Locking::Locked {
            return Err(Error::LockAbsent { path });
        }
        let kept = known.as_ref().filter(|_| locking != Locking::Renew);
        let format = kept.map(|lock| lock.format).or(wanted).unwrap_or(FORMAT);
        let of_archive = matches!(target.spec.runtime.source, RuntimeSource::Archive(_));
        Ok(Some(LockFile { path, asked: other.is_some(), known, source, base, of_archive, format }))
    }

    /// The packages that it has for a platform; none where it has none, or is not there.
    pub fn packages(&self, platform: Platform) -> Option<&[LockedPackage]> {
        self.known.as_ref()?.packages.get(&platform).map(Vec::as_slice)
    }

    /// What it has of the languages of a platform's image.
    pub fn language(&self, platform: Platform) -> Option<&LockedLanguage> {
        self.known.as_ref()?.languages.get(&platform)
    }

    /// The packages of build tools that it has for a builder.
    pub fn tools(&self, builder: Platform) -> Option<&[LockedPackage]> {
        self.known.as_ref()?.tools.get(&builder).map(Vec::as_slice)
    }

    /// The base images that it has, if they are of the base that the spec names.
    pub fn bases(&self) -> Option<&BTreeMap<Platform, LockedImage>> {
        let base = self.known.as_ref()?.base.as_ref()?;
        (Some(&base.reference) == self.base.as_ref()).then_some(&base.images)
    }

    /// The finished images that it has as sources, if they are of the source that the spec names.
    pub fn source_images(&self) -> Option<&BTreeMap<Platform, LockedImage>> {
        let known = self.known.as_ref()?;
        (known.source == self.source).then_some(&known.sources)
    }

    /// Its packages are not those that the spec wants.
    pub fn misfit(&self, lacks: Vec<String>, has: Vec<String>) -> Error {
        Error::LockPackages { path: self.path.clone(), lacks, has }
    }

    /// The first of these names that is no package of any platform, if there is a lock.
    ///
    /// # Errors
    /// When there is one.
    pub fn must_have(&self, names: &[String]) -> Result<(), Error> {
        let Some(known) = &self.known else { return Ok(()) };
        let packages = || known.packages.values().flatten().map(|package| &*package.name);
        let Some(name) = names.iter().find(|name| !packages().any(|known| known == *name)) else {
            return Ok(());
        };
        let near = plan::nearest(name, packages()).map(|near| format!("; did you mean {near}?"));
        let text =
            format!("the lock {} has no package {name}{}", self.path.display(), near.unwrap_or_default());
        Err(Error::Usage(text))
    }

    /// It has nothing for a platform, and may not get it.
    pub fn absent_for(&self, platform: Platform) -> Error {
        Error::LockChanged { path: self.path.clone(), changes: vec![format!("+ {platform}: all packages")] }
    }

    /// Holds the lock against what plans took, and gives the text to write with what changed in
    /// words; none when it says so already.
    ///
    /// # Errors
    /// When a file cannot be read, or something changed that may not.
    pub fn update(&self, plans: &[Plan], locking: Locking) -> Result<Option<LockUpdate>, Error> {
        // A build for some of the platforms leaves what is locked for the others.
        let kept = self.known.as_ref().filter(|_| locking != Locking::Renew);
        let mut images: BTreeMap<Platform, Vec<LockedFile>> =
            kept.map(|lock| lock.images.clone()).unwrap_or_default();
        let mut packages = kept.map(|lock| lock.packages.clone()).unwrap_or_default();
        let mut languages = kept.map(|lock| lock.languages.clone()).unwrap_or_default();
        let mut tools = kept.map(|lock| lock.tools.clone()).unwrap_or_default();
        let mut sources = kept.map(|lock| lock.sources.clone()).unwrap_or_default();
        let mut bases =
            kept.and_then(|lock| lock.base.as_ref()).map(|base| base.images.clone()).unwrap_or_default();
        for plan in plans {
            languages.insert(plan.platform, plan.language.clone());
            if let Some((builder, packages)) = &plan.tools {
                let known = tools.remove(builder).unwrap_or_default();
                let all = known.into_iter().chain(packages.iter().cloned());
                let by_name: BTreeMap<String, LockedPackage> =
                    all.map(|package| (package.name.clone(), package)).collect();
                tools.insert(*builder, by_name.into_values().collect());
            }
            bases.extend(plan.base.map(|base| (plan.platform, base)));
            sources.extend(plan.source_image.map(|image| (plan.platform, image)));
            if self.of_archive {
                packages.insert(plan.platform, plan.pinned.clone());
            } else {
                images.insert(plan.platform, locked_files(plan)?);
            }
        }
        languages.retain(|_, language| !language.is_empty());
        let base = self.base.clone().map(|reference| LockedBase { reference, images: bases });
        let lock = Lock {
            format: self.format,
            source: self.source.clone(),
            base,
            sources,
            images,
            packages,
            languages,
            tools,
        };
        let text = lock.to_text();
        let changes = match &self.known {
            None => vec![],
            Some(known) if known.to_text() == text => return Ok(None),
            Some(known) => lines(diff(known, &lock)),
        };
        if locking == Locking::Locked {
            return Err(Error::LockChanged { path: self.path.clone(), changes });
        }
        let (path, asked) = (self.path.clone(), self.asked);
        Ok(Some(LockUpdate { path, asked, text, changes }))
    }
}

/// A lock to write.
pub(crate) struct LockUpdate {
    path: PathBuf,
    /// Was this very file asked for?
    pub asked: bool,
    text: String,
    /// What changed, a line each; empty for a new lock.
    pub changes: Vec<String>,
}

impl LockUpdate {
    /// Writes the lock in one step.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn write(&self) -> Result<(), Error> {
        crate::files::write(&self.path, self.text.as_bytes())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The changes, each by itself: names of files may have newlines.
fn lines(changes: LockChanges) -> Vec<String> {
    let LockChanges { files, .. } = &changes;
    let files = files.clone();
    let head = LockChanges { files: vec![], ..changes }.to_string();
    let of_files = files.into_iter().map(|file| {
        let line = LockChanges { files: vec![file], ..LockChanges::default() }.to_string();
        line.trim_end_matches('\n').to_owned()
    });
    head.lines().map(String::from).chain(of_files).collect()
}

fn locked_files(plan: &Plan) -> Result<Vec<LockedFile>, Error> {
    let mut owners = BTreeMap::new();
    for package in &plan.packages {
        for path in &package.files {
            owners.insert(path, format!("{} {}", package.name, package.version));
        }
    }
    let mut files = vec![];
    for (path, entry) in &plan.taken {
        let sha256 = match &entry.kind {
            Kind::File(content) => content.sha256().map_err(|source| Error::Plan(source.into()))?,
            Kind::Symlink(target) => Sha256Digest::of(target.as_bytes()),
            Kind::Directory | Kind::Special(_) => continue,
        };
        let (mode, package) = (entry.meta.mode, owners.get(path).cloned());
        files.push(LockedFile { path: path.clone(), sha256, mode, package });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;

    #[test]
    fn pins_of_another_reference_are_none_of_the_spec() {
        let image = LockedImage { digest: Sha256Digest([1; 32]), manifest: Sha256Digest([2; 32]) };
        let images = BTreeMap::from([("linux/amd64".parse().unwrap(), image)]);
        let lock = Lock {
            format: FORMAT,
            source: "image:example.com/source:1".into(),
            base: Some(LockedBase { reference: "example.com/base:1".into(), images: images.clone() }),
            sources: images,
            images: BTreeMap::new(),
            packages: BTreeMap::new(),
            languages: BTreeMap::new(),
            tools: BTreeMap::new(),
        };
        for (tag, pinned) in [("1", true), ("2", false)] {
            let file = LockFile {
                path: "bantam.lock".into(),
                asked: false,
                known: Some(lock.clone()),
                source: format!("image:example.com/source:{tag}"),
                base: Some(format!("example.com/base:{tag}")),
                of_archive: false,
                format: FORMAT,
            };
            assert_eq!((file.bases().is_some(), file.source_images().is_some()), (pinned, pinned), "{tag}");
        }
    }
}
