//! What a plan lacks, and an archive of packages may have: the front looks it up, fetches packages, and plans again.

use crate::{
    Plan,
    finding::{Finding, Problem, Severity},
};
use std::collections::BTreeSet;
use tree::TreePath;

/// Something that an image lacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// A library, by the name that a program asks for.
    Library(String),
    /// What stands at a path: a loader, an interpreter, a program, what `keep` names.
    Path(TreePath),
    /// A program that is looked for on PATH.
    Program(String),
}

impl Plan {
    /// What the image lacks: those of its findings that a package could mend.
    pub fn wants(&self) -> BTreeSet<Want> {
        self.wanted(|_| true)
    }

    /// What it lacks and cannot do without.
    pub fn needs(&self) -> BTreeSet<Want> {
        self.wanted(|finding| finding.severity == Severity::Error)
    }

    fn wanted(&self, counts: impl Fn(&Finding) -> bool) -> BTreeSet<Want> {
        let findings = self.findings.iter().filter(|finding| counts(finding));
        let findings = findings.filter(|finding| match &finding.problem {
            // A script that need not run.
            Problem::MissingScriptInterpreter { .. } | Problem::MissingOnPath { .. } => {
                finding.severity == Severity::Error
            }
            // A link that enters only with the whole of its package.
            Problem::DanglingLink { path, .. } => !self.reasons.are_of_package(path),
            _ => true,
        });
        findings.flat_map(|finding| wants_of(&finding.problem)).collect()
    }
}

fn wants_of(problem: &Problem) -> Vec<Want> {
    match problem {
        Problem::MissingLibrary { soname, advice: None, .. } if !soname.contains('/') => {
            vec![Want::Library(soname.clone())]
        }
        Problem::MissingDlopen { soname, .. } | Problem::MissingRunTimeLoad { soname, .. } => {
            vec![Want::Library(soname.clone())]
        }
        Problem::PluginsLeftOut { soname, .. } => vec![Want::Library(soname.clone())],
        // Of several names for one thing, the first is the one that is current.
        Problem::MissingNoted { sonames, .. } => {
            sonames.first().map(|soname| Want::Library(soname.clone())).into_iter().collect()
        }
        Problem::MissingInterpreter { interpreter: path, .. }
        | Problem::MissingScriptInterpreter { interpreter: path, unusable: None, .. }
        | Problem::MissingProgram { program: path, .. }
            if path.starts_with('/') =>
        {
            TreePath::parse(path).map(Want::Path).into_iter().collect()
        }
        Problem::MissingOnPath { program, .. } | Problem::MissingProgram { program, .. }
            if !program.contains('/') =>
        {
            vec![Want::Program(program.clone())]
        }
        Problem::NothingKept { glob, .. } if !glob.contains(crate::glob::WILDCARDS) => {
            TreePath::parse(glob).map(Want::Path).into_iter().collect()
        }
        Problem::DanglingLink { path, target } => {
            let led = path.parent().and_then(|dir| dir.join(target).ok());
            led.map(Want::Path).into_iter().collect()
        }
        _ => vec![],
    }
}
