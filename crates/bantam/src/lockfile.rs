//! The lock of a build: read, held against what was taken, written.

use crate::{Error, Target};
use plan::{
    Plan,
    lock::{
        Lock, LockChanges, LockedBase, LockedFile, LockedImage, LockedLanguage, LockedPackage, diff, united,
    },
    spec::{Platform, RuntimeSource},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};
use tree::{Kind, Sha256Digest};

/// Packages of build tools, by builder.
type Tools = BTreeMap<Platform, Vec<LockedPackage>>;
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

    /// The packages that stand for those of build tools which it lacks for a builder: what it has for other builders, then
    /// what it has of images. Of each name the first counts.
    pub fn tools_of_others(&self, builder: Platform) -> Vec<&LockedPackage> {
        let Some(known) = &self.known else { return vec![] };
        let tools = known.tools.iter().filter(|(other, _)| **other != builder).map(|(_, packages)| packages);
        let mut seen = BTreeSet::new();
        let all = tools.chain(known.packages.values()).flatten();
        all.filter(|package| seen.insert(&package.name)).collect()
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

    /// Do these names stand for packages of images, of languages or of build tools, if there is a lock?
    ///
    /// # Errors
    /// When one does not.
    pub fn must_have(&self, names: &[String]) -> Result<(), Error> {
        let Some(known) = &self.known else { return Ok(()) };
        let packages = || {
            let packages = known.packages.values().chain(known.tools.values()).flatten();
            let artifacts = known.languages.values().flat_map(|language| &language.artifacts);
            packages.map(|package| &*package.name).chain(artifacts.map(|artifact| &*artifact.name))
        };
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

    /// It has not all of the build tools for a builder, and may not get them.
    pub fn lacks_tools(&self, builder: Platform, tools: impl IntoIterator<Item = String>) -> Error {
        let changes = tools.into_iter().map(|tool| format!("+ {builder} build tool {tool}")).collect();
        Error::LockChanged { path: self.path.clone(), changes }
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
        let known_tools = self.known.as_ref().map(|lock| &lock.tools);
        let used = plans.iter().filter_map(|plan| plan.tools.as_ref());
        let tools = tools_after(known_tools, used, locking);
        let mut sources = kept.map(|lock| lock.sources.clone()).unwrap_or_default();
        let mut bases =
            kept.and_then(|lock| lock.base.as_ref()).map(|base| base.images.clone()).unwrap_or_default();
        for plan in plans {
            languages.insert(plan.platform, plan.language.clone());
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

/// The build tools that a lock has after these were used.
fn tools_after<'p>(
    known: Option<&Tools>,
    used: impl Iterator<Item = &'p (Platform, Vec<LockedPackage>)>,
    locking: Locking,
) -> Tools {
    let mut after = known.filter(|_| locking != Locking::Renew).cloned().unwrap_or_default();
    for (builder, packages) in used {
        // They are of the versions that the lock has for another builder, and may not enter it.
        if locking == Locking::Locked && known.is_some_and(|known| !known.contains_key(builder)) {
            continue;
        }
        let before = after.remove(builder).unwrap_or_default();
        after.insert(*builder, united(before.into_iter().chain(packages.iter().cloned())));
    }
    if locking != Locking::Renew {
        return after;
    }
    // What other builders have stays, unless the tools have moved on without them: their next build goes after.
    let moved_on: BTreeMap<&str, &str> =
        after.values().flatten().map(|package| (&*package.name, upload(&package.version))).collect();
    let is_of_now = |package: &LockedPackage| {
        moved_on.get(&*package.name).is_none_or(|version| *version == upload(&package.version))
    };
    let shares =
        |packages: &[LockedPackage]| packages.iter().any(|package| moved_on.contains_key(&*package.name));
    let others = known.into_iter().flatten().filter(|(builder, _)| !after.contains_key(builder));
    let others = others.filter(|(_, packages)| shares(packages) && packages.iter().all(is_of_now));
    let others: Tools = others.map(|(builder, packages)| (*builder, packages.clone())).collect();
    after.extend(others);
    after
}

/// A version of a package without the number of rebuilds, which differ from architecture to architecture: `1.2-3` of
/// `1.2-3+b1`.
pub(crate) fn upload(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((upload, rebuild))
            if !rebuild.is_empty() && rebuild.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            upload
        }
        _ => version,
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

    fn package(name: &str, version: &str) -> LockedPackage {
        LockedPackage {
            name: name.into(),
            version: version.into(),
            architecture: "all".into(),
            sha256: Sha256Digest([1; 32]),
            size: 1,
            date: 0,
            suite: "sid".into(),
            path: "pool/x.deb".into(),
            why: BTreeSet::new(),
        }
    }

    fn shown(tools: &Tools) -> Vec<String> {
        let each = |(builder, packages): (&Platform, &Vec<LockedPackage>)| {
            let names: Vec<String> =
                packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
            format!("{builder}: {}", names.join(", "))
        };
        tools.iter().map(each).collect()
    }

    #[test]
    fn tools_of_other_builders_stay() {
        let [amd64, arm64]: [Platform; 2] = ["linux/amd64", "linux/arm64"].map(|text| text.parse().unwrap());
        let known = Tools::from([(amd64, vec![package("java", "1-1"), package("libz", "3")])]);
        let used = |version: &str| vec![(arm64, vec![package("java", version)])];
        let of_amd64 = "linux/amd64: java 1-1, libz 3";
        for (locking, version, expected) in [
            (Locking::Refresh, "1-1", vec![of_amd64, "linux/arm64: java 1-1"]),
            (Locking::Locked, "1-1", vec![of_amd64]),
            (Locking::Renew, "1-1+b2", vec![of_amd64, "linux/arm64: java 1-1+b2"]),
            (Locking::Renew, "2-1", vec!["linux/arm64: java 2-1"]),
        ] {
            let after = tools_after(Some(&known), used(version).iter(), locking);
            assert_eq!(shown(&after), expected, "{locking:?} {version}");
        }
        // Nothing is made with tools any more.
        assert_eq!(shown(&tools_after(Some(&known), [].iter(), Locking::Renew)), Vec::<String>::new());
        assert_eq!(
            shown(&tools_after(None, used("1-1").iter(), Locking::Refresh)),
            ["linux/arm64: java 1-1"]
        );
    }

    #[test]
    fn rebuilds_are_of_one_upload() {
        for (version, expected) in [
            ("1.2-3", "1.2-3"),
            ("1.2-3+b12", "1.2-3"),
            ("1+b", "1+b"),
            ("1+bash", "1+bash"),
            ("1+b1-2", "1+b1-2"),
        ] {
            assert_eq!(upload(version), expected, "{version}");
        }
    }

    #[test]
    fn names_of_all_that_is_pinned_are_known() {
        let platform: Platform = "linux/amd64".parse().unwrap();
        let wheel = plan::lock::LockedArtifact {
            kind: plan::lock::ArtifactKind::Wheel,
            name: "flask".into(),
            version: "3".into(),
            file: "flask-3.whl".into(),
            sha256: Sha256Digest([1; 32]),
            size: 1,
            date: 0,
            url: None,
        };
        let language = LockedLanguage { artifacts: vec![wheel], ..LockedLanguage::default() };
        let lock = Lock {
            packages: BTreeMap::from([(platform, vec![package("libz", "3")])]),
            languages: BTreeMap::from([(platform, language)]),
            tools: BTreeMap::from([(platform, vec![package("python3.13-minimal", "3")])]),
            ..lock()
        };
        let file = file(&lock, "1");
        let known = ["libz", "flask", "python3.13-minimal"].map(String::from);
        assert!(file.must_have(&known).is_ok());
        let error = file.must_have(&["flaks".into()]).unwrap_err().to_string();
        assert_eq!(error, "the lock bantam.lock has no package flaks; did you mean flask?");
    }

    fn lock() -> Lock {
        let (base, sources, images, packages, languages, tools) = Default::default();
        Lock { format: FORMAT, source: "none".into(), base, sources, images, packages, languages, tools }
    }

    fn file(lock: &Lock, tag: &str) -> LockFile {
        LockFile {
            path: "bantam.lock".into(),
            asked: false,
            known: Some(lock.clone()),
            source: format!("image:example.com/source:{tag}"),
            base: Some(format!("example.com/base:{tag}")),
            of_archive: false,
            format: FORMAT,
        }
    }

    #[test]
    fn pins_of_another_reference_are_none_of_the_spec() {
        let image = LockedImage { digest: Sha256Digest([1; 32]), manifest: Sha256Digest([2; 32]) };
        let images = BTreeMap::from([("linux/amd64".parse().unwrap(), image)]);
        let lock = Lock {
            source: "image:example.com/source:1".into(),
            base: Some(LockedBase { reference: "example.com/base:1".into(), images: images.clone() }),
            sources: images,
            ..lock()
        };
        for (tag, pinned) in [("1", true), ("2", false)] {
            let file = file(&lock, tag);
            assert_eq!((file.bases().is_some(), file.source_images().is_some()), (pinned, pinned), "{tag}");
        }
    }
}
