//! The text of a lock.

use super::{
    ArtifactKind, Lock, LockError, LockedArtifact, LockedBase, LockedFile, LockedImage, LockedLanguage,
    LockedPackage, USUAL_MODE, VERSION,
};
use crate::spec::{FORMAT, Platform, conflict_mark};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt::Write, ops::Range};
use toml::{Spanned, Table, Value};
use tree::{Sha256Digest, TreePath};

const HEADER: &str = "\
# Written by bantam; keep it with the spec. `bantam update` brings it up to date.
# After a merge conflict, take either side and build again.
";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "version")]
    _version: u32,
    format: Spanned<u32>,
    runtime: Runtime,
    base: Option<Base>,
    #[serde(default)]
    files: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, File>>,
    #[serde(default)]
    packages: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Package>>,
    #[serde(default)]
    languages: BTreeMap<Spanned<String>, Language>,
    #[serde(default)]
    tools: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Package>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Language {
    #[serde(default)]
    inputs: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    runtime: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    artifacts: BTreeMap<Spanned<String>, Artifact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Artifact {
    kind: Spanned<String>,
    name: String,
    version: String,
    sha256: Spanned<String>,
    size: u64,
    date: i64,
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Runtime {
    source: String,
    #[serde(default)]
    images: BTreeMap<Spanned<String>, Image>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    reference: String,
    #[serde(default)]
    images: BTreeMap<Spanned<String>, Image>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    digest: Spanned<String>,
    manifest: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sha256: Spanned<String>,
    mode: Option<Spanned<String>>,
    package: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    version: String,
    architecture: String,
    sha256: Spanned<String>,
    size: u64,
    date: i64,
    suite: String,
    path: Spanned<String>,
    why: Vec<Spanned<String>>,
}

pub(super) fn write(lock: &Lock) -> String {
    let mut out = String::from(HEADER);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "version = {VERSION}\nformat = {}", lock.format);
    let _ = writeln!(out, "\n[runtime]\nsource = {}", quoted(&lock.source));
    write_images(&mut out, "runtime", &lock.sources);
    if let Some(LockedBase { reference, images }) = &lock.base {
        let _ = writeln!(out, "\n[base]\nreference = {}", quoted(reference));
        write_images(&mut out, "base", images);
    }
    for (platform, files) in &lock.images {
        let _ = writeln!(out, "\n[files.{}]", quoted(&platform.to_string()));
        let files: BTreeMap<&TreePath, &LockedFile> = files.iter().map(|file| (&file.path, file)).collect();
        for (path, file) in files {
            let package = match &file.package {
                Some(package) => format!(", package = {}", quoted(package)),
                None => String::new(),
            };
            let mode = match file.mode {
                USUAL_MODE => String::new(),
                mode => format!(", mode = \"{mode:04o}\""),
            };
            let (path, sha256) = (quoted(path.as_str()), file.sha256.hex());
            let _ = writeln!(out, "{path} = {{ sha256 = \"{sha256}\"{mode}{package} }}");
        }
    }
    write_packages(&mut out, "packages", &lock.packages);
    for (platform, language) in &lock.languages {
        write_language(&mut out, &quoted(&platform.to_string()), language);
    }
    write_packages(&mut out, "tools", &lock.tools);
    out
}

fn write_packages(out: &mut String, table: &str, packages: &BTreeMap<Platform, Vec<LockedPackage>>) {
    for (platform, packages) in packages {
        let _ = writeln!(out, "\n[{table}.{}]", quoted(&platform.to_string()));
        let packages: BTreeMap<&str, &LockedPackage> =
            packages.iter().map(|package| (&*package.name, package)).collect();
        for (name, package) in packages {
            let why: Vec<String> = package.why.iter().map(|why| quoted(&why.to_string())).collect();
            let _ = writeln!(
                out,
                "{} = {{ version = {}, architecture = {}, sha256 = \"{}\", size = {}, date = {}, suite = {}, path = {}, why = [{}] }}",
                quoted(name),
                quoted(&package.version),
                quoted(&package.architecture),
                package.sha256.hex(),
                package.size,
                package.date,
                quoted(&package.suite),
                quoted(&package.path),
                why.join(", "),
            );
        }
    }
}

fn write_language(out: &mut String, platform: &str, language: &LockedLanguage) {
    if !language.inputs.is_empty() {
        let _ = writeln!(out, "\n[languages.{platform}.inputs]");
    }
    for (input, sha256) in &language.inputs {
        let _ = writeln!(out, "{} = \"{}\"", quoted(input), sha256.hex());
    }
    if !language.runtime.is_empty() {
        let _ = writeln!(out, "\n[languages.{platform}.runtime]");
    }
    for (path, sha256) in &language.runtime {
        let _ = writeln!(out, "{} = \"{}\"", quoted(path.as_str()), sha256.hex());
    }
    if !language.artifacts.is_empty() {
        let _ = writeln!(out, "\n[languages.{platform}.artifacts]");
    }
    let by_file: BTreeMap<&str, &LockedArtifact> =
        language.artifacts.iter().map(|artifact| (&*artifact.file, artifact)).collect();
    for (file, artifact) in by_file {
        let url = artifact.url.as_ref().map(|url| format!(", url = {}", quoted(url))).unwrap_or_default();
        let _ = writeln!(
            out,
            "{} = {{ kind = \"{}\", name = {}, version = {}, sha256 = \"{}\", size = {}, date = {}{url} }}",
            quoted(file),
            artifact.kind,
            quoted(&artifact.name),
            quoted(&artifact.version),
            artifact.sha256.hex(),
            artifact.size,
            artifact.date,
        );
    }
}

fn write_images(out: &mut String, table: &str, images: &BTreeMap<Platform, LockedImage>) {
    if !images.is_empty() {
        let _ = writeln!(out, "\n[{table}.images]");
    }
    for (platform, LockedImage { digest, manifest }) in images {
        let platform = quoted(&platform.to_string());
        let _ = writeln!(
            out,
            "{platform} = {{ digest = \"{}\", manifest = \"{}\" }}",
            digest.hex(),
            manifest.hex()
        );
    }
}

pub(super) fn read(text: &str) -> Result<Lock, LockError> {
    if let Some(span) = conflict_mark(text) {
        return Err(LockError::Conflict { line: line(text, &span) });
    }
    let malformed =
        |span: &Range<usize>, message: String| LockError::Malformed { line: line(text, span), message };
    let toml_error =
        |error: toml::de::Error| malformed(&error.span().unwrap_or(0..0), error.message().into());
    // What a newer bantam wrote is told by its number before its keys are looked at.
    let table: Table = toml::from_str(text).map_err(toml_error)?;
    if let Some(Value::Integer(found)) = table.get("version")
        && *found != i64::from(VERSION)
    {
        return Err(LockError::Version { found: *found });
    }
    let document: Document = toml::from_str(text).map_err(toml_error)?;
    let format = *document.format.get_ref();
    if format != FORMAT {
        let message = format!("`format = {format}` is not known; this bantam knows format {FORMAT}");
        return Err(malformed(&document.format.span(), message));
    }
    let mut images = BTreeMap::new();
    let platform_of = |name: &Spanned<String>| {
        let wrong = |message: String| malformed(&name.span(), message);
        let platform: Platform = name.get_ref().parse().map_err(|error| wrong(format!("{error}")))?;
        if platform.to_string() != *name.get_ref() {
            return Err(wrong(format!("`{}` is written `{platform}` in a lock", name.get_ref())));
        }
        Ok(platform)
    };
    let images_of = |records: BTreeMap<Spanned<String>, Image>| {
        let each = records.into_iter().map(|(name, image)| {
            let digest = |text| sha256(text).map_err(|(span, message)| malformed(&span, message));
            let (digest, manifest) = (digest(&image.digest)?, digest(&image.manifest)?);
            Ok((platform_of(&name)?, LockedImage { digest, manifest }))
        });
        each.collect::<Result<BTreeMap<_, _>, LockError>>()
    };
    let base = match document.base {
        Some(Base { reference, images }) => Some(LockedBase { reference, images: images_of(images)? }),
        None => None,
    };
    let sources = images_of(document.runtime.images)?;
    for (name, records) in document.files {
        let platform = platform_of(&name)?;
        let mut files = records
            .into_iter()
            .map(|(path, record)| {
                locked_file(path, record).map_err(|(span, message)| malformed(&span, message))
            })
            .collect::<Result<Vec<_>, _>>()?;
        files.sort();
        images.insert(platform, files);
    }
    let packages_of = |records: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Package>>| {
        let each = records.into_iter().map(|(name, records)| {
            let platform = platform_of(&name)?;
            let records = records.into_iter().map(|(name, record)| {
                locked_package(name.into_inner(), record).map_err(|(span, message)| malformed(&span, message))
            });
            let mut of_platform = records.collect::<Result<Vec<_>, _>>()?;
            of_platform.sort_by(|one, other| one.name.cmp(&other.name));
            Ok((platform, of_platform))
        });
        each.collect::<Result<BTreeMap<_, _>, LockError>>()
    };
    let packages = packages_of(document.packages)?;
    let tools = packages_of(document.tools)?;
    let mut languages = BTreeMap::new();
    for (name, record) in document.languages {
        let language = locked_language(record).map_err(|(span, message)| malformed(&span, message))?;
        languages.insert(platform_of(&name)?, language);
    }
    Ok(Lock { format, source: document.runtime.source, base, sources, images, packages, languages, tools })
}

fn locked_language(record: Language) -> Result<LockedLanguage, (Range<usize>, String)> {
    let mut inputs = BTreeMap::new();
    for (input, digest) in record.inputs {
        inputs.insert(input, sha256(&digest)?);
    }
    let mut runtime = BTreeMap::new();
    for (path, digest) in record.runtime {
        runtime.insert(locked_path(&path)?, sha256(&digest)?);
    }
    let mut artifacts = vec![];
    for (file, artifact) in record.artifacts {
        let is_name =
            |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
        if !is_name(file.get_ref()) {
            return Err((file.span(), format!("`{}` is no name of a file", file.get_ref())));
        }
        let Artifact { kind, name, version, size, date, url, .. } = artifact;
        let wrong = |()| (kind.span(), format!("`{}` is no sort of package of a lock", kind.get_ref()));
        artifacts.push(LockedArtifact {
            kind: kind.get_ref().parse::<ArtifactKind>().map_err(wrong)?,
            name,
            version,
            file: file.into_inner(),
            sha256: sha256(&artifact.sha256)?,
            size,
            date,
            url,
        });
    }
    artifacts.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(LockedLanguage { inputs, runtime, artifacts })
}

fn locked_package(name: String, record: Package) -> Result<LockedPackage, (Range<usize>, String)> {
    let sha256 = sha256(&record.sha256)?;
    let path = record.path.get_ref();
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    if !path.split('/').all(is_part) || path.contains(|c: char| c.is_control() || c == '\\') {
        return Err((record.path.span(), format!("`{path}` is no path in an archive")));
    }
    let whys = record.why.iter().map(|why| {
        let wrong = || (why.span(), format!("`{}` is no reason of a lock", why.get_ref()));
        why.get_ref().parse().map_err(|()| wrong())
    });
    let why = whys.collect::<Result<_, _>>()?;
    let Package { version, architecture, size, date, suite, path, .. } = record;
    Ok(LockedPackage { name, version, architecture, sha256, size, date, suite, path: path.into_inner(), why })
}

fn sha256(text: &Spanned<String>) -> Result<Sha256Digest, (Range<usize>, String)> {
    Sha256Digest::from_hex(text.get_ref()).ok_or_else(|| {
        let message = format!("`{}` is no SHA-256 digest: 64 digits 0-9, a-f", text.get_ref());
        (text.span(), message)
    })
}

fn locked_file(path: Spanned<String>, record: File) -> Result<LockedFile, (Range<usize>, String)> {
    let path = locked_path(&path)?;
    let sha256 = sha256(&record.sha256)?;
    let mode = match &record.mode {
        None => USUAL_MODE,
        Some(text) => match u32::from_str_radix(text.get_ref(), 8) {
            Ok(mode) if format!("{mode:04o}") == *text.get_ref() && mode <= 0o7777 => mode,
            _ => return Err((text.span(), format!("`{}` is no mode such as 0755", text.get_ref()))),
        },
    };
    Ok(LockedFile { path, sha256, mode, package: record.package })
}

fn locked_path(text: &Spanned<String>) -> Result<TreePath, (Range<usize>, String)> {
    let path = TreePath::parse(text.get_ref()).map_err(|error| (text.span(), error.to_string()))?;
    match path.as_str() == text.get_ref() {
        true => Ok(path),
        false => Err((text.span(), format!("`{}` is written `{path}` in a lock", text.get_ref()))),
    }
}

/// A basic string of TOML, on one line whatever it holds.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn line(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}
