//! One paragraph of a `Packages` file, as values.

use super::IndexError;
use crate::control::Paragraph;
use crate::relation::{Alternatives, Relation, is_name, parse_alternatives, parse_relations};
use crate::version::Version;
use tree::Sha256Digest;

/// One package of an archive, as its index describes it.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// `amd64`, `all`, ….
    pub architecture: String,
    /// The field `Multi-Arch`.
    pub multi_arch: MultiArch,
    /// The field `Essential`.
    pub essential: bool,
    /// The field `Priority`.
    pub priority: Priority,
    /// The field `Section`; empty if there is none.
    pub section: String,
    /// The source package that it was built from.
    pub source: Source,
    /// What it depends on: `Pre-Depends`, then `Depends`, in the order of the fields.
    pub depends: Vec<Alternatives>,
    /// `Conflicts`, then `Breaks`.
    pub conflicts: Vec<Relation>,
    /// `Provides`.
    pub provides: Vec<Relation>,
    /// Where it is in the archive, relative to its root: `pool/main/z/zlib/zlib1g_….deb`. It has no empty part, none
    /// that leads upwards, and only characters that stand for themselves in a path and a URL.
    pub filename: String,
    /// The length of the `.deb` in bytes.
    pub size: u64,
    /// The digest of the `.deb`.
    pub sha256: Sha256Digest,
    /// Which of the archive's suites it is from, as an index into the list that the archive was opened with.
    pub suite: usize,
}

/// The field `Multi-Arch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum MultiArch {
    #[default]
    No,
    Same,
    Foreign,
    Allowed,
}

/// The field `Priority` (Policy §2.5), the most important first. What is unknown or absent is optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub enum Priority {
    Required,
    Important,
    Standard,
    #[default]
    Optional,
    Extra,
}

/// A source package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
}

impl Package {
    /// Reads the paragraph of a package.
    ///
    /// `origin` names the index in errors.
    ///
    /// # Errors
    /// When a field that every index has is absent, or when a field has not the form that it must have.
    pub(super) fn parse(
        paragraph: &str,
        origin: &str,
        suite: usize,
        architecture: &str,
    ) -> Result<Self, IndexError> {
        let unread = |source| IndexError::Paragraph { origin: origin.into(), source };
        let paragraph = Paragraph::parse(paragraph).map_err(unread)?;
        let reader =
            Reader { name: paragraph.get("Package").unwrap_or_default(), paragraph, origin, architecture };
        reader.read(suite)
    }

    /// Whether a relation is met by the package's own name, version and kind.
    pub fn is(&self, relation: &Relation, native: &str) -> bool {
        self.name == relation.name && relation.admits(&self.version) && self.answers(relation, native)
    }

    /// Whether a relation is met by something that the package provides.
    ///
    /// A relation to versions is met only by what is provided in a version (Policy §7.5).
    pub fn provides(&self, relation: &Relation, native: &str) -> bool {
        let meets = |provided: &Relation| {
            provided.name == relation.name
                && match (&relation.versions, &provided.versions) {
                    (None, _) => true,
                    (Some(_), Some((crate::relation::Comparison::Equal, version))) => {
                        relation.admits(version)
                    }
                    (Some(_), _) => false,
                }
        };
        self.provides.iter().any(meets) && self.answers(relation, native)
    }

    /// Whether a package of its kind, for the architecture `native`, answers to what follows the colon.
    fn answers(&self, relation: &Relation, native: &str) -> bool {
        match relation.qualifier.as_deref() {
            None | Some("native") => true,
            Some("any") => matches!(self.multi_arch, MultiArch::Allowed | MultiArch::Foreign),
            Some(architecture) => architecture == native,
        }
    }
}

/// The fields of a package that is read.
struct Reader<'a> {
    name: &'a str,
    paragraph: Paragraph<'a>,
    origin: &'a str,
    architecture: &'a str,
}

impl Reader<'_> {
    fn read(&self, suite: usize) -> Result<Package, IndexError> {
        if !is_name(self.name) {
            return Err(self.fails("Package"));
        }
        let version = self.version("Version", self.required("Version")?)?;
        let architecture = self.required("Architecture")?;
        if !is_name(architecture) {
            return Err(self.fails("Architecture"));
        }
        let mut depends = self.alternatives("Pre-Depends")?;
        depends.extend(self.alternatives("Depends")?);
        let mut conflicts = self.relations("Conflicts")?;
        conflicts.extend(self.relations("Breaks")?);
        let filename = self.required("Filename")?;
        let filename = filename.strip_prefix("./").unwrap_or(filename);
        if !is_plain_path(filename) {
            return Err(self.fails("Filename"));
        }
        Ok(Package {
            name: self.name.into(),
            source: self.source(&version)?,
            version,
            architecture: architecture.into(),
            multi_arch: match self.optional("Multi-Arch") {
                "same" => MultiArch::Same,
                "foreign" => MultiArch::Foreign,
                "allowed" => MultiArch::Allowed,
                "" | "no" => MultiArch::No,
                _ => return Err(self.fails("Multi-Arch")),
            },
            essential: self.optional("Essential").eq_ignore_ascii_case("yes"),
            priority: match self.optional("Priority") {
                "required" => Priority::Required,
                "important" => Priority::Important,
                "standard" => Priority::Standard,
                "extra" => Priority::Extra,
                _ => Priority::Optional,
            },
            section: self.optional("Section").into(),
            depends,
            conflicts,
            provides: self.relations("Provides")?,
            filename: filename.into(),
            size: self.required("Size")?.parse().map_err(|_| self.fails("Size"))?,
            sha256: digest(self.required("SHA256")?).ok_or_else(|| self.fails("SHA256"))?,
            suite,
        })
    }

    fn optional(&self, field: &str) -> &str {
        self.paragraph.get(field).unwrap_or_default()
    }

    fn required(&self, field: &'static str) -> Result<&str, IndexError> {
        let missing = || IndexError::Missing { origin: self.origin.into(), package: self.name.into(), field };
        self.paragraph.get(field).filter(|value| !value.is_empty()).ok_or_else(missing)
    }

    fn version(&self, field: &'static str, text: &str) -> Result<Version, IndexError> {
        Version::parse(text).map_err(|source| IndexError::Version {
            origin: self.origin.into(),
            package: self.name.into(),
            field,
            source,
        })
    }

    /// `glibc`, or `glibc (2.36-9)` where the version differs from the package's.
    fn source(&self, version: &Version) -> Result<Source, IndexError> {
        let text = self.optional("Source");
        let (name, own) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.strip_suffix(')')),
            None => (if text.is_empty() { self.name } else { text }, None),
        };
        if !is_name(name) || own.is_none() && text.contains('(') {
            return Err(self.fails("Source"));
        }
        let version = own.map_or_else(|| Ok(version.clone()), |own| self.version("Source", own.trim()))?;
        Ok(Source { name: name.into(), version })
    }

    fn alternatives(&self, field: &'static str) -> Result<Vec<Alternatives>, IndexError> {
        parse_alternatives(self.optional(field), self.architecture)
            .map_err(|source| self.unrelated(field, source))
    }

    fn relations(&self, field: &'static str) -> Result<Vec<Relation>, IndexError> {
        parse_relations(self.optional(field), self.architecture)
            .map_err(|source| self.unrelated(field, source))
    }

    fn unrelated(&self, field: &'static str, source: crate::relation::RelationError) -> IndexError {
        IndexError::Relation {
            origin: self.origin.into(),
            package: self.name.into(),
            field,
            source: source.into(),
        }
    }

    fn fails(&self, field: &'static str) -> IndexError {
        IndexError::Field {
            origin: self.origin.into(),
            package: self.name.chars().take(80).collect(),
            field,
            value: self.optional(field).chars().take(120).collect(),
        }
    }
}

/// Whether a path stays below where it starts, and means the same in a URL.
fn is_plain_path(path: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"+-._~%:@=,&".contains(&c);
    let is_part = |part: &str| {
        let dots = part.to_ascii_lowercase().replace("%2e", ".");
        !dots.is_empty() && dots != "." && dots != ".." && !dots.contains("%2f") && part.bytes().all(is_plain)
    };
    path.len() <= 1024 && path.split('/').all(is_part)
}

fn digest(hex: &str) -> Option<Sha256Digest> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(Sha256Digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZLIB: &str = "Package: zlib1g\nSource: zlib (1:1.2.13.dfsg-1)\nVersion: 1:1.2.13.dfsg-1+b1\n\
        Architecture: amd64\nMulti-Arch: same\nEssential: no\nPriority: required\nSection: libs\n\
        Pre-Depends: a\nDepends: libc6 (>= 2.14) | b\nConflicts: c\nBreaks: d (<< 1:2)\nProvides: libz1, v (= 2)\n\
        Filename: pool/main/z/zlib/zlib1g_1.2.13.dfsg-1+b1_amd64.deb\nSize: 86720\n\
        SHA256: d7dd1d1411fedf27f5e27650a6eff20ef294077b568f4c8c5e51466dc7c08ce4\n";

    fn read(text: &str) -> Result<Package, IndexError> {
        Package::parse(text, "the index", 3, "amd64")
    }

    fn relation(text: &str) -> Relation {
        parse_relations(text, "amd64").unwrap().remove(0)
    }

    #[test]
    fn all_fields_are_read() {
        let zlib = read(ZLIB).unwrap();
        assert_eq!(zlib.source.name, "zlib");
        assert_eq!(zlib.source.version.as_str(), "1:1.2.13.dfsg-1");
        assert_eq!(
            zlib.depends.iter().map(|group| crate::relation::text(group)).collect::<Vec<_>>(),
            ["a", "libc6 (>= 2.14) | b"]
        );
        assert_eq!(zlib.conflicts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["c", "d (<< 1:2)"]);
        assert_eq!(
            (zlib.multi_arch, zlib.priority, zlib.essential),
            (MultiArch::Same, Priority::Required, false)
        );
        assert_eq!((zlib.size, zlib.suite, &*zlib.section), (86720, 3, "libs"));
        assert!(zlib.sha256.hex().starts_with("d7dd1d14"));
    }

    #[test]
    fn relations_are_met_by_names_and_by_what_is_provided() {
        for (text, is, provides) in [
            ("zlib1g", true, false),
            ("zlib1g (>= 1:1.2)", true, false),
            ("zlib1g (>= 2:0)", false, false),
            ("zlib1g:any", false, false),
            ("zlib1g:native", true, false),
            ("zlib1g:amd64", true, false),
            ("zlib1g:arm64", false, false),
            ("libz1", false, true),
            ("libz1 (>= 1)", false, false),
            ("v", false, true),
            ("v (>= 2)", false, true),
            ("v (>> 2)", false, false),
        ] {
            let (zlib, relation) = (read(ZLIB).unwrap(), relation(text));
            assert_eq!(
                (zlib.is(&relation, "amd64"), zlib.provides(&relation, "amd64")),
                (is, provides),
                "{text}"
            );
        }
        let python = read(&ZLIB.replace("Multi-Arch: same", "Multi-Arch: allowed")).unwrap();
        assert!(python.is(&relation("zlib1g:any"), "amd64") && python.provides(&relation("v:any"), "amd64"));
    }

    #[test]
    fn hostile_fields_are_refused() {
        for (from, to) in [
            ("Package: zlib1g", "Package: ../zlib"),
            ("Package: zlib1g\n", ""),
            ("Version: 1:1.2.13.dfsg-1+b1\n", ""),
            ("Version: 1:", "Version: x:"),
            ("Architecture: amd64", "Architecture: a/b"),
            ("Multi-Arch: same", "Multi-Arch: sometimes"),
            ("Depends: libc6 (", "Depends: libc6 (("),
            ("Provides: libz1", "Provides: a | b"),
            ("Source: zlib (", "Source: zlib ("),
            ("(1:1.2.13.dfsg-1)", "(1:1.2.13.dfsg-1"),
            ("pool/", "/pool/"),
            ("pool/", "pool/../"),
            ("pool/", "pool//"),
            ("pool/", "pool/%2E./"),
            ("pool/", "pool/%2f/"),
            ("pool/", "pool/a b/"),
            ("pool/", "https://example.com/?"),
            ("Size: 86720", "Size: -1"),
            ("Size: 86720\n", ""),
            ("SHA256: d7", "SHA256: x7"),
            ("SHA256: d7", "SHA256: "),
        ] {
            let text = ZLIB.replace(from, to);
            assert_eq!(read(&text).is_err(), from != to, "{from} {to}");
        }
        let flat = read(&ZLIB.replace("pool/main/z/zlib/", "./")).unwrap();
        assert_eq!(flat.filename, "zlib1g_1.2.13.dfsg-1+b1_amd64.deb");
    }
}
