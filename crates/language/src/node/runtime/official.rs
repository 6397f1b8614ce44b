//! The official binary, as the registry of npm carries it: a package for each processor.

use super::{NAME, PROGRAM, Runtime, file, version};
use crate::{
    Ask, LanguageError,
    kept::{Keeper, Kept, key},
    node::npm::{self, Npm},
    tool::{self, Workplace},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::MultiGzDecoder;
use plan::{
    finding::Problem,
    lock::{ArtifactKind, LockedArtifact},
    reason::Reason,
    spec::{Architecture, Line, Node, Platform},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek as _},
    path::Path,
};
use tree::{Sha256Digest, TreePath};
use version::Version;

/// The processors for which there are packages, as their names end.
const PROCESSORS: [(Architecture, &str); 5] = [
    (Architecture::Amd64, "x64"),
    (Architecture::Arm64, "arm64"),
    (Architecture::ArmV7, "armv7l"),
    (Architecture::Ppc64le, "ppc64le"),
    (Architecture::S390x, "s390x"),
];
/// The program in the package.
const BINARY: &str = "/package/bin/node";
/// The licence in the package.
const TEXT: &str = "/package/LICENSE";
/// Where the licence stands in the image.
const LICENCE: &str = "/usr/local/share/doc/node/LICENSE";
/// No package is longer, in bytes.
const MAX_PACKAGE: u64 = 512 << 20;
/// No package has more when it is unpacked, in bytes.
const MAX_UNPACKED: u64 = 1 << 30;
/// No package has more files.
const MAX_ENTRIES: usize = 1 << 16;

/// Fetches the binary of a version, or says that there is none.
///
/// # Errors
/// As [`crate::bring`].
pub(super) fn bring(
    ask: &Ask<'_>,
    table: &Node,
    wanted: &str,
) -> Result<Result<Runtime, Problem>, LanguageError> {
    let none = |what: String, fix: String| {
        let (packages, fix) = (vec![], Some(fix));
        Ok(Err(Problem::NoRuntime { language: NAME, what, packages, fix, line: table.line }))
    };
    let platform = ask.platform;
    let of_platform = PROCESSORS.iter().find(|(architecture, _)| *architecture == platform.architecture);
    let Some((_, processor)) = of_platform else {
        let known = PROCESSORS.map(|(architecture, _)| Platform::linux(architecture).to_string());
        return none(
            format!("official binary for {platform} (there are those for {})", known.join(", ")),
            "take the Node.js of the source: leave version out of [node]".into(),
        );
    };
    let name = format!("node-linux-{processor}");
    let is_it = |artifact: &&LockedArtifact| artifact.kind == ArtifactKind::Npm && artifact.name == name;
    let pinned = ask.pinned.and_then(|language| language.artifacts.iter().find(is_it));
    let fetched = match pinned {
        Some(pin) => {
            if !Version::parse(&pin.version).is_some_and(|version| version.is_of(wanted)) {
                return Err(LanguageError::Misfit { input: "`version` in [node]".into() });
            }
            open(ask, pin)
                .map_or_else(|| fetch_pinned(ask, pin, table.line), |kept| Ok(Ok((pin.clone(), kept))))?
        }
        None if ask.workshop.locked => {
            return Err(LanguageError::NotLocked { what: format!("Node.js {wanted}") });
        }
        None if ask.workshop.offline => {
            return Err(LanguageError::Offline { what: format!("Node.js {wanted}") });
        }
        None => {
            let npm = Npm::find("the official Node.js")?;
            match resolve(&npm, &name, wanted)? {
                Ok(release) => fetch(ask, &npm, &name, &release, table.line)?,
                Err(newest) => {
                    return none(
                        format!("official binary {wanted} for {platform}"),
                        format!("write a version that there is: the newest are {}", newest.join(", ")),
                    );
                }
            }
        }
    };
    let (pin, kept) = match fetched {
        Ok(fetched) => fetched,
        Err(problem) => return Ok(Err(problem)),
    };
    let reason = || Reason::OfDependency {
        language: NAME.into(),
        dependency: format!("{} {}", pin.name, pin.version),
        line: table.line,
    };
    let program = TreePath::parse(PROGRAM)?;
    let mut files = vec![];
    for (from, to) in [(BINARY, program.clone()), (TEXT, TreePath::parse(LICENCE)?)] {
        let entry = kept.entries.get(&TreePath::parse(from)?);
        files.extend(entry.map(|entry| file(to, entry.clone(), false, reason())));
    }
    let content = files.first().and_then(|file| file.entry.content()).cloned();
    match content {
        Some(content) => {
            Ok(Ok(Runtime { program, content, files, original: None, made_of: None, pin: Some(pin) }))
        }
        None => Ok(Err(damaged(&pin.name, &pin.version, "it has no bin/node".into(), table.line))),
    }
}

/// A release that will do.
struct Release {
    version: String,
    /// Its digest, as npm writes that.
    integrity: String,
    date: i64,
}

type Fetched = Result<(LockedArtifact, Kept), Problem>;

/// Asks the registry for the newest release that is wanted; if there is none, gives the newest of all.
fn resolve(npm: &Npm, name: &str, wanted: &str) -> Result<Result<Release, Vec<String>>, LanguageError> {
    let answer = |what: &str| LanguageError::Answer { tool: format!("npm view {name}"), what: what.into() };
    let all = npm.ask(&["view", name, "versions", "time", "--json"])?;
    let all: Value = serde_json::from_slice(&all.stdout).map_err(|error| answer(&error.to_string()))?;
    let versions = match all.get("versions") {
        Some(Value::Array(versions)) => versions.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(version)) => vec![version.as_str()],
        _ => return Err(answer("it has no versions")),
    };
    let mut versions: Vec<Version> = versions.into_iter().filter_map(Version::parse).collect();
    versions.sort();
    let Some(version) = versions.iter().rfind(|version| version.is_of(wanted)) else {
        return Ok(Err(newest(&versions)));
    };
    let version = version.to_string();
    let date = all.get("time").and_then(|times| times.get(&version)?.as_str()).map_or(0, version::published);
    let dist = npm.ask(&["view", &format!("{name}@{version}"), "dist.integrity", "--json"])?;
    let dist: Value = serde_json::from_slice(&dist.stdout).map_err(|error| answer(&error.to_string()))?;
    let integrity = dist.as_str().filter(|text| text.starts_with("sha512-"));
    let integrity = integrity.ok_or_else(|| answer("it has no SHA-512 digest"))?.to_owned();
    Ok(Ok(Release { version, integrity, date }))
}

/// The newest of each of the latest major versions.
fn newest(sorted: &[Version]) -> Vec<String> {
    const TOLD: usize = 5;
    let by_major: BTreeMap<u32, &Version> = sorted.iter().map(|version| (version.major(), version)).collect();
    let mut newest: Vec<String> = by_major.values().rev().take(TOLD).map(ToString::to_string).collect();
    newest.reverse();
    newest
}

/// Fetches a release that is in no lock yet.
fn fetch(
    ask: &Ask<'_>,
    npm: &Npm,
    name: &str,
    release: &Release,
    line: Line,
) -> Result<Fetched, LanguageError> {
    let Release { version, integrity, date } = release;
    let folder = Workplace::new().map_err(LanguageError::write(std::env::temp_dir()))?;
    let mut package = pack(npm, name, version, folder.path())?;
    if package.integrity != *integrity {
        let why = format!("its digest is {}, and the registry says {integrity}", package.integrity);
        return Ok(Err(damaged(name, version, why, line)));
    }
    let pin = LockedArtifact {
        kind: ArtifactKind::Npm,
        name: name.into(),
        version: version.clone(),
        file: format!("{name}-{version}.tgz"),
        sha256: package.sha256,
        size: package.size,
        date: *date,
        url: None,
    };
    keep(ask, &mut package.file, pin, line)
}

/// Fetches what a lock pins.
fn fetch_pinned(ask: &Ask<'_>, pin: &LockedArtifact, line: Line) -> Result<Fetched, LanguageError> {
    if ask.workshop.offline {
        return Err(LanguageError::Offline { what: pin.file.clone() });
    }
    let folder = Workplace::new().map_err(LanguageError::write(std::env::temp_dir()))?;
    let npm = Npm::find("the official Node.js")?;
    let mut package = pack(&npm, &pin.name, &pin.version, folder.path())?;
    if package.sha256 != pin.sha256 {
        let why = format!("its SHA-256 is {}, and the lock has {}", package.sha256.hex(), pin.sha256.hex());
        return Ok(Err(damaged(&pin.name, &pin.version, why, line)));
    }
    keep(ask, &mut package.file, pin.clone(), line)
}

/// A package that was fetched.
struct Package {
    file: File,
    size: u64,
    sha256: Sha256Digest,
    /// As npm writes it: `sha512-` and base64.
    integrity: String,
}

/// Has npm fetch a package, and hashes it.
fn pack(npm: &Npm, name: &str, version: &str, folder: &Path) -> Result<Package, LanguageError> {
    let wanted = format!("{name}@{version}");
    let shown = format!("npm pack {wanted}");
    let mut command = npm.command(folder);
    command
        .args(["pack", &wanted, "--silent", "--ignore-scripts", "--logs-max=0", "--pack-destination"])
        .arg(folder);
    tool::run(&mut command, &shown, npm::WORK)?;
    let at = folder.join(format!("{name}-{version}.tgz"));
    let mut file = File::open(&at).map_err(LanguageError::read(&at))?;
    let (mut sha256, mut sha512, mut size) = (Sha256::new(), Sha512::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let got = file.read(&mut buffer).map_err(LanguageError::read(&at))?;
        let Some(part) = buffer.get(..got).filter(|part| !part.is_empty()) else { break };
        sha256.update(part);
        sha512.update(part);
        size += got as u64;
        if size > MAX_PACKAGE {
            return Err(LanguageError::Answer {
                tool: shown,
                what: format!("it is longer than {MAX_PACKAGE} bytes"),
            });
        }
    }
    file.rewind().map_err(LanguageError::read(&at))?;
    let integrity = format!("sha512-{}", STANDARD.encode(sha512.finalize()));
    Ok(Package { file, size, sha256: Sha256Digest(sha256.finalize().into()), integrity })
}

/// The files of a package that were unpacked before.
fn open(ask: &Ask<'_>, pin: &LockedArtifact) -> Option<Kept> {
    Kept::open(ask.workshop.cache, &unpacked(&pin.sha256))
}

fn unpacked(sha256: &Sha256Digest) -> Sha256Digest {
    key("node-official-1", &[&sha256.0])
}

/// Unpacks the program and its licence into the cache.
fn keep(ask: &Ask<'_>, file: &mut File, pin: LockedArtifact, line: Line) -> Result<Fetched, LanguageError> {
    if let Some(kept) = open(ask, &pin) {
        return Ok(Ok((pin, kept)));
    }
    let failed = |error| LanguageError::write(std::env::temp_dir())(error);
    let mut keeper = Keeper::new(ask.workshop.cache, unpacked(&pin.sha256), &pin.file).map_err(failed)?;
    match unpack(file, &mut keeper) {
        Ok(true) => Ok(Ok((pin, keeper.finish("").map_err(failed)?))),
        Ok(false) => Ok(Err(damaged(&pin.name, &pin.version, "it has no bin/node".into(), line))),
        Err(error) => Ok(Err(damaged(&pin.name, &pin.version, error.to_string(), line))),
    }
}

/// Unpacks what is wanted of a package, and tells whether the program was there.
fn unpack(package: &mut dyn Read, keeper: &mut Keeper<'_>) -> io::Result<bool> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(io::BufReader::new(package)).take(MAX_UNPACKED));
    let mut has_program = false;
    for (number, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        if number > MAX_ENTRIES {
            return Err(io::Error::other("it has more files than any Node.js"));
        }
        let name = format!("/{}", String::from_utf8_lossy(&entry.path_bytes()));
        let mode = match name.as_str() {
            BINARY => 0o755,
            TEXT => 0o644,
            _ => continue,
        };
        if !entry.header().entry_type().is_file() {
            return Err(io::Error::other(format!("{} is no file", name.trim_start_matches('/'))));
        }
        has_program |= name == BINARY;
        keeper.file(TreePath::root().join(&name).map_err(io::Error::other)?, mode, &mut entry)?;
    }
    Ok(has_program)
}

fn damaged(name: &str, version: &str, why: String, line: Line) -> Problem {
    Problem::DamagedPackage { package: format!("{name} {version}"), why, line }
}
