//! What an archive's indexes say of its packages.
//!
//! An index is a text of 50 MB, of which a build looks at some hundred packages. So the text is only looked through
//! for names; a package is read when it is asked for.

mod package;

pub use package::{MultiArch, Package, Priority, Source};

use crate::control::{ControlError, ranges, value};
use crate::relation::{Relation, RelationError, is_name};
use crate::version::VersionError;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

/// More bytes than any index has.
const MAX_TEXT: usize = 1 << 30;
/// More packages than all suites of a real archive have.
const MAX_PACKAGES: usize = 4_000_000;

/// The packages of several suites for one architecture: those for the architecture itself, and those for all.
#[derive(Debug, Clone)]
pub struct Index {
    architecture: String,
    texts: Vec<IndexText>,
    names: Vec<Name>,
    by_name: HashMap<Box<str>, usize>,
}

/// The text of a `Packages` file.
#[derive(Debug, Clone)]
pub struct IndexText {
    /// Which of the archive's suites it is from, as an index into the list that the archive was opened with.
    pub suite: usize,
    /// What it is called in errors: its URL or path.
    pub origin: String,
    /// The text, uncompressed.
    pub text: String,
}

/// An index cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// An index has more than anybody publishes.
    #[error("{origin}: more than {limit} {what}")]
    TooLarge {
        /// The index.
        origin: String,
        /// How many are read.
        limit: usize,
        /// `bytes` or `packages`.
        what: &'static str,
    },
    /// A paragraph cannot be read.
    #[error("{origin}: cannot read a paragraph")]
    Paragraph {
        /// The index.
        origin: String,
        /// What is wrong with it.
        source: ControlError,
    },
    /// A paragraph lacks a field.
    #[error("{origin}: package {package:?} has no field {field}")]
    Missing {
        /// The index.
        origin: String,
        /// The package; empty if its name is what lacks.
        package: String,
        /// The field.
        field: &'static str,
    },
    /// A field has a value that it cannot have.
    #[error("{origin}: package {package:?}: {field} cannot be {value:?}")]
    Field {
        /// The index.
        origin: String,
        /// The package.
        package: String,
        /// The field.
        field: &'static str,
        /// Its value, cut when it is long.
        value: String,
    },
    /// A field holds no version.
    #[error("{origin}: package {package:?}: {field}")]
    Version {
        /// The index.
        origin: String,
        /// The package.
        package: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: VersionError,
    },
    /// A field holds no relations.
    #[error("{origin}: package {package:?}: {field}")]
    Relation {
        /// The index.
        origin: String,
        /// The package.
        package: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: Box<RelationError>,
    },
}

/// A name that packages have or provide.
#[derive(Debug, Clone)]
struct Name {
    name: Box<str>,
    /// Where its packages are: text, range.
    paragraphs: Vec<(usize, Range<usize>)>,
    /// Which names have a package that provides it, as positions in [`Index::names`]; in their order, each once.
    providers: Vec<usize>,
    packages: OnceLock<Result<Vec<Package>, IndexError>>,
}

impl Index {
    /// Looks through the indexes of an architecture. Where two have the same package in the same version, that of the
    /// first one counts.
    ///
    /// # Errors
    /// When an index is larger than any real one, or has a paragraph without a name. What else is wrong with a package
    /// is seen when it is asked for.
    pub fn new(architecture: &str, texts: Vec<IndexText>) -> Result<Self, IndexError> {
        let mut index = Index {
            architecture: architecture.into(),
            texts: vec![],
            names: vec![],
            by_name: HashMap::new(),
        };
        for (at, text) in texts.iter().enumerate() {
            index.scan(at, text)?;
        }
        for name in &mut index.names {
            name.providers.sort_unstable();
            name.providers.dedup();
        }
        index.texts = texts;
        Ok(index)
    }

    /// The same, with further texts behind the others.
    ///
    /// # Errors
    /// As those of [`new`](Self::new).
    pub fn with(&self, texts: Vec<IndexText>) -> Result<Self, IndexError> {
        Index::new(&self.architecture, self.texts.iter().cloned().chain(texts).collect())
    }

    /// The architecture that its packages are for.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// All versions of a package, the newest first.
    ///
    /// # Errors
    /// When the description of one of them cannot be read.
    pub fn candidates(&self, name: &str) -> Result<&[Package], IndexError> {
        self.by_name.get(name).map_or(Ok(&[]), |at| self.read(*at))
    }

    /// The packages, in all their versions, that provide a name, whatever the version; by their names, the newest
    /// first.
    ///
    /// # Errors
    /// When the description of one of them cannot be read.
    pub fn providers(&self, name: &str) -> Result<Vec<&Package>, IndexError> {
        let any = Relation { name: name.into(), qualifier: None, versions: None };
        let mut found = vec![];
        for provider in self.provider_names(name) {
            let packages = self.candidates(provider)?;
            found.extend(packages.iter().filter(|package| package.provides(&any, &self.architecture)));
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// All names of packages, in no order that means something; names that are only provided are not among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|name| !name.paragraphs.is_empty()).map(|name| &*name.name)
    }

    /// The names of packages that provide a name in some version, in the order of the indexes.
    pub(crate) fn provider_names(&self, name: &str) -> impl Iterator<Item = &str> {
        let providers = self.by_name.get(name).and_then(|at| self.names.get(*at));
        providers
            .into_iter()
            .flat_map(|name| &name.providers)
            .filter_map(|at| Some(&*self.names.get(*at)?.name))
    }

    /// Notes where the packages of a text are, and what they provide.
    fn scan(&mut self, at: usize, text: &IndexText) -> Result<(), IndexError> {
        let too_large = |limit, what| IndexError::TooLarge { origin: text.origin.clone(), limit, what };
        if text.text.len() > MAX_TEXT {
            return Err(too_large(MAX_TEXT, "bytes"));
        }
        let seen = std::cell::RefCell::new(Seen::default());
        for (count, range) in ranges(&text.text, |line| seen.borrow_mut().line(line)).enumerate() {
            if count >= MAX_PACKAGES {
                return Err(too_large(MAX_PACKAGES, "packages"));
            }
            let Seen { name, provides, .. } = seen.take();
            if !is_name(name) {
                return Err(IndexError::Field {
                    origin: text.origin.clone(),
                    package: name.chars().take(80).collect(),
                    field: "Package",
                    value: name.chars().take(120).collect(),
                });
            }
            let package = self.intern(name);
            if let Some(name) = self.names.get_mut(package) {
                name.paragraphs.push((at, range));
            }
            for provided in provides.iter().flat_map(|line| line.split(',')) {
                let name = provided.trim().split([' ', '(', ':', '\t']).next().unwrap_or_default();
                if is_name(name) {
                    let provided = self.intern(name);
                    if let Some(name) = self.names.get_mut(provided) {
                        name.providers.push(package);
                    }
                }
            }
        }
        Ok(())
    }

    fn intern(&mut self, name: &str) -> usize {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        let at = self.names.len();
        let name: Box<str> = name.into();
        self.names.push(Name {
            name: name.clone(),
            paragraphs: vec![],
            providers: vec![],
            packages: OnceLock::new(),
        });
        self.by_name.insert(name, at);
        at
    }

    /// Reads the packages of a name.
    fn read(&self, at: usize) -> Result<&[Package], IndexError> {
        let Some(name) = self.names.get(at) else { return Ok(&[]) };
        let packages = name.packages.get_or_init(|| {
            let mut packages: Vec<Package> = vec![];
            for (at, range) in &name.paragraphs {
                let Some(text) = self.texts.get(*at) else { continue };
                let paragraph = text.text.get(range.clone()).unwrap_or_default();
                let package = Package::parse(paragraph, &text.origin, text.suite, &self.architecture)?;
                let is_same = |other: &Package| {
                    other.architecture == package.architecture && other.version == package.version
                };
                let is_ours = package.architecture == self.architecture || package.architecture == "all";
                if is_ours && !packages.iter().any(is_same) {
                    packages.push(package);
                }
            }
            packages.sort_by(|a, b| Reverse(&a.version).cmp(&Reverse(&b.version)));
            Ok(packages)
        });
        packages.as_deref().map_err(Clone::clone)
    }
}

/// What the lines of a paragraph say that are looked at.
#[derive(Default)]
struct Seen<'a> {
    name: &'a str,
    /// The lines of `Provides`.
    provides: Vec<&'a str>,
    is_providing: bool,
}

impl<'a> Seen<'a> {
    fn line(&mut self, line: &'a str) {
        match line.as_bytes().first() {
            Some(b' ' | b'\t') => {
                if self.is_providing {
                    self.provides.push(line);
                }
                return;
            }
            // Most lines are of no interest.
            Some(b'P' | b'p') => {}
            _ => {
                self.is_providing = false;
                return;
            }
        }
        self.is_providing = false;
        if let Some(name) = value(line, "Package") {
            self.name = name;
        } else if let Some(provides) = value(line, "Provides") {
            self.provides.push(provides);
            self.is_providing = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A paragraph with what each must have; `more` are further lines.
    fn paragraph(name: &str, version: &str, architecture: &str, more: &str) -> String {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nFilename: {name}.deb\nSize: 1\n\
             SHA256: {}\n{more}\n\n",
            "0".repeat(64)
        )
    }

    fn text(suite: usize, text: String) -> IndexText {
        IndexText { suite, origin: format!("suite {suite}"), text }
    }

    #[test]
    fn versions_of_all_suites_are_candidates_the_newest_first() {
        let first = paragraph("a", "1.9", "amd64", "") + &paragraph("a", "1", "arm64", "");
        let second = paragraph("a", "1.10", "all", "") + &paragraph("a", "1.90~", "amd64", "");
        let third = paragraph("a", "1.9-0", "amd64", "") + &paragraph("b", "1", "amd64", "");
        let index = Index::new("amd64", vec![text(4, first), text(5, second), text(6, third)]).unwrap();
        let a: Vec<_> =
            index.candidates("a").unwrap().iter().map(|a| (a.version.as_str(), a.suite)).collect();
        assert_eq!(a, [("1.90~", 5), ("1.10", 5), ("1.9", 4)]);
        assert!(index.candidates("c").unwrap().is_empty());
        assert_eq!(index.names().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_is_provided_is_known_with_its_lines_folded_or_not() {
        let packages = paragraph("b", "1", "amd64", "Provides: v (= 2),\n w:any ,x")
            + &paragraph("a", "1", "amd64", "provides:v, v (= 3)")
            + &paragraph("v", "1", "amd64", "Pre-Depends: w");
        let index = Index::new("amd64", vec![text(0, packages)]).unwrap();
        let providers = |name| -> Vec<_> {
            index.providers(name).unwrap().iter().map(|package| package.name.clone()).collect()
        };
        assert_eq!(providers("v"), ["a", "b"]);
        assert_eq!(
            (providers("w"), providers("x"), providers("a")),
            (vec!["b".into()], vec!["b".into()], vec![])
        );
    }

    #[test]
    fn an_error_names_the_package_and_the_index() {
        let packages = paragraph("good", "1", "amd64", "") + &paragraph("bad", "1", "amd64", "Depends: a b");
        let index = Index::new("amd64", vec![text(7, packages)]).unwrap();
        assert_eq!(index.candidates("good").unwrap().len(), 1);
        let error = index.candidates("bad").unwrap_err();
        assert_eq!(error.to_string(), "suite 7: package \"bad\": Depends");
        let nameless = Index::new("amd64", vec![text(0, "Version: 1\n".into())]).unwrap_err();
        assert!(matches!(nameless, IndexError::Field { field: "Package", .. }));
    }
}
