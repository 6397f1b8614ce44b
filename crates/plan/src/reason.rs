//! Why a path is in the image.

use crate::{
    explain::{optional_text, text},
    spec::Line,
};
use elf::Rule;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use tree::TreePath;

/// One reason for a path to be in the image. A path may have several; the first is the one that
/// brought it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reason {
    /// The spec names it, in this line; 0 where the command line does.
    Listed {
        /// The line of the spec.
        line: Line,
    },
    /// The process starts with it.
    Entrypoint {
        /// The line of `[config]`; 0 where there is none.
        line: Line,
    },
    /// A program or library loads it.
    NeededBy {
        /// Who asks for it.
        #[serde(with = "text")]
        by: TreePath,
        /// By what name.
        soname: String,
        /// What the loader found it by.
        #[serde(with = "text")]
        rule: Rule,
    },
    /// It starts this program: the loader of an ELF file, the interpreter of a script.
    Interprets {
        /// The program.
        #[serde(with = "text")]
        program: TreePath,
    },
    /// Loaded by name while running, which no ELF file says.
    LoadedByName {
        /// The file of the image that loads it, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_text")]
        by: Option<TreePath>,
        /// Who that is, in words: `the C library`.
        who: String,
        /// What for.
        purpose: String,
    },
    /// A link leads to it.
    Linked {
        /// The link.
        #[serde(with = "text")]
        from: TreePath,
    },
    /// A link on the way to something needed.
    LeadsTo {
        /// What is needed.
        #[serde(with = "text")]
        to: TreePath,
    },
    /// A variant of a library for newer processors, of which all come along or none.
    Variant {
        /// The library.
        #[serde(with = "text")]
        of: TreePath,
    },
    /// A directory that holds something needed.
    Parent,
    /// What every image of this profile holds.
    Profile {
        /// The profile.
        name: Cow<'static, str>,
        /// What it is good for.
        purpose: Cow<'static, str>,
    },
    /// A file of a package that is wanted.
    OfPackage {
        /// The package.
        package: String,
        /// The line of the spec that names it; 0 where a profile does.
        line: Line,
    },
    /// Data of a package that a wanted one depends on.
    DataOf {
        /// The package.
        package: String,
        /// Which package depends on it.
        dependent: String,
        /// The line of the spec that names what is wanted; 0 where a profile does.
        line: Line,
    },
    /// A file of a dependency of the application, from the packages of its language.
    OfDependency {
        /// The language: `python`, `node`, `java`.
        language: Cow<'static, str>,
        /// The dependency, as name and version.
        dependency: String,
        /// The line of the spec that names the language's table.
        line: Line,
    },
    /// Says that a package is in the image, for scanners and licences.
    Package {
        /// The package.
        name: String,
    },
    /// The loader finds a library outside of its built-in directories by it.
    LoaderCache {
        /// The library.
        #[serde(with = "text")]
        of: TreePath,
    },
    /// bantam makes it of this file.
    MadeOf {
        /// The file.
        #[serde(with = "text")]
        of: TreePath,
    },
    /// The base image has it.
    Base {
        /// The image, as the spec names it.
        reference: String,
        /// Which of its layers, from 1 at the bottom.
        layer: usize,
    },
    /// A layer of a finished image has it, and nothing in the image says what for.
    Layer {
        /// Which layer, from 1 at the base.
        number: usize,
        /// What the image's history says of the layer.
        created_by: String,
    },
}

/// The reasons of every path, in the order they were found.
#[derive(Debug, Clone, Default)]
pub struct Reasons(BTreeMap<TreePath, Known>);

/// The reasons of one path, each once: the C library of a large image has thousands.
#[derive(Debug, Clone, Default)]
struct Known {
    in_order: Vec<Reason>,
    /// The same, once they are many.
    sorted: BTreeSet<Reason>,
}

/// So many reasons are looked through one by one.
const FEW: usize = 8;

impl Reasons {
    /// Adds a reason, once.
    pub fn add(&mut self, path: &TreePath, reason: Reason) {
        let Known { in_order, sorted } = self.0.entry(path.clone()).or_default();
        // That a directory holds something says nothing once there is a better reason.
        if reason == Reason::Parent && !in_order.is_empty() {
            return;
        }
        if in_order.first() == Some(&Reason::Parent) {
            in_order.clear();
        }
        if in_order.len() == FEW {
            sorted.extend(in_order.iter().cloned());
        }
        let is_new =
            if in_order.len() < FEW { !in_order.contains(&reason) } else { sorted.insert(reason.clone()) };
        if is_new {
            // Nearly all paths have one.
            in_order.reserve_exact(usize::from(in_order.is_empty()));
            in_order.push(reason);
        }
    }

    /// The reasons of a path, the one that brought it first.
    pub fn of(&self, path: &TreePath) -> &[Reason] {
        self.0.get(path).map_or(&[], |known| &known.in_order)
    }

    /// Does nothing but the base image bring it?
    pub(crate) fn are_of_base(&self, path: &TreePath) -> bool {
        let is_of_base = |reason: &Reason| matches!(reason, Reason::Base { .. });
        self.of(path).iter().all(is_of_base) && !self.of(path).is_empty()
    }

    /// Is it there only as one of the files of a package?
    pub(crate) fn are_of_package(&self, path: &TreePath) -> bool {
        let reasons = self.of(path);
        !reasons.is_empty()
            && reasons.iter().all(|reason| matches!(reason, Reason::OfPackage { .. } | Reason::DataOf { .. }))
    }

    /// The chain from `path` up to something that the user asked for: each step is a path and the
    /// reason why it is there.
    pub fn chain(&self, path: &TreePath) -> Vec<(TreePath, Reason)> {
        let mut chain: Vec<(TreePath, Reason)> = vec![];
        let mut here = Some(path.clone());
        while let Some(path) = here.take() {
            let seen = |next: &TreePath| chain.iter().any(|(path, _)| path == next);
            // A first reason that leads back into the chain says nothing; another may.
            let reason =
                self.of(&path).iter().find(|reason| reason.because_of().is_none_or(|next| !seen(next)));
            if let Some(reason) = reason {
                here = reason.because_of().cloned();
                chain.push((path, reason.clone()));
            }
        }
        chain
    }

    /// The line of the spec that brought `path`, at the end of its chain; none where the spec has
    /// none, as for what every image holds.
    pub fn line(&self, path: &TreePath) -> Option<Line> {
        let chain = self.chain(path);
        let listed = chain.iter().flat_map(|(path, _)| self.of(path)).find_map(Reason::line);
        listed.filter(|line| *line > 0)
    }

    /// Is `path` there because the process starts with it, or with what needs it?
    pub fn is_of_process(&self, path: &TreePath) -> bool {
        self.chain(path).last().is_some_and(|(_, reason)| matches!(reason, Reason::Entrypoint { .. }))
    }

    /// The line of the spec behind a reason.
    pub fn line_of(&self, reason: &Reason) -> Option<Line> {
        reason.line().or_else(|| self.line(reason.because_of()?))
    }
}

impl Reason {
    /// The line of the spec that it names itself.
    fn line(&self) -> Option<Line> {
        match self {
            Reason::Listed { line } => Some(*line),
            Reason::OfDependency { line, .. } if *line > 0 => Some(*line),
            Reason::OfPackage { line, .. } | Reason::DataOf { line, .. } if *line > 0 => Some(*line),
            _ => None,
        }
    }

    /// The path in the image that this reason points to.
    pub fn because_of(&self) -> Option<&TreePath> {
        match self {
            Reason::NeededBy { by, .. } => Some(by),
            Reason::Interprets { program } => Some(program),
            Reason::LoadedByName { by, .. } => by.as_ref(),
            Reason::Linked { from } => Some(from),
            Reason::LeadsTo { to } => Some(to),
            Reason::Variant { of } | Reason::LoaderCache { of } | Reason::MadeOf { of } => Some(of),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Listed { line: 0 } => write!(f, "named on the command line"),
            Reason::Listed { line } => write!(f, "named in line {line} of the spec"),
            Reason::Entrypoint { .. } => write!(f, "the process starts with it"),
            Reason::NeededBy { by, soname, rule } => {
                write!(f, "needed by {by} as {soname}, {}", found_by(*rule))
            }
            Reason::Interprets { program } => write!(f, "starts {program}"),
            Reason::LoadedByName { who, purpose, .. } => write!(f, "loaded by name by {who}, {purpose}"),
            Reason::Linked { from } => write!(f, "what the link {from} leads to"),
            Reason::LeadsTo { to } => write!(f, "leads to {to}"),
            Reason::Variant { of } => write!(f, "the same as {of} for newer processors"),
            Reason::Parent => write!(f, "holds what is needed"),
            Reason::Profile { name, purpose } => write!(f, "profile {name}: {purpose}"),
            Reason::OfPackage { package, .. } => write!(f, "of the package {package}, which is wanted"),
            Reason::DataOf { package, dependent, .. } => {
                write!(f, "data of the package {package}, on which {dependent} depends")
            }
            Reason::OfDependency { language, dependency, .. } => {
                write!(f, "of {dependency}, a dependency of the {language} application")
            }
            Reason::Package { name } => write!(f, "says that files of the package {name} are here"),
            Reason::LoaderCache { of } => write!(f, "lets the loader find {of}"),
            Reason::MadeOf { of } => write!(f, "made of {of}"),
            Reason::Base { reference, layer } => {
                write!(f, "of the base image {reference}, its layer {layer}")
            }
            Reason::Layer { number, created_by } if created_by.is_empty() => {
                write!(f, "in layer {number}")
            }
            Reason::Layer { number, created_by } => write!(f, "in layer {number}: {created_by}"),
        }
    }
}

/// How the loader came to a library, as the end of a sentence.
fn found_by(rule: Rule) -> &'static str {
    match rule {
        Rule::Rpath => "found by RPATH",
        Rule::Runpath => "found by RUNPATH",
        Rule::LdLibraryPath => "found by LD_LIBRARY_PATH",
        Rule::LdSoConf => "found by ld.so.conf",
        Rule::Default => "found in a default directory",
        Rule::Path => "found by its path",
        Rule::Interpreter => "which is the loader itself",
    }
}
