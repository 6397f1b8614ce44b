//! What is noted beside installed packages, so that another build need not look at them.

use plan::{finding::Problem, spec::Line};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tree::{Sha256Digest, TreePath};

/// What is noted beside installed packages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Notes {
    /// The digest of all of them.
    pub digest: Sha256Digest,
    /// The folder of each, with its name and version.
    pub packages: BTreeMap<TreePath, String>,
    /// The folders of the project that some are links to.
    pub workspaces: Vec<TreePath>,
    /// Addons, and libraries that they may need.
    pub objects: Vec<TreePath>,
    /// What is wrong with them.
    pub problems: Vec<Noted>,
}

/// Something that is wrong with a package, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Noted {
    /// It is for another platform.
    Unfit {
        /// Its name and version.
        package: String,
        /// Why.
        why: String,
    },
    /// It would have to be compiled.
    NotBuilt {
        /// Its name and version.
        package: String,
        /// Why.
        why: String,
    },
    /// It may lack what a script would have made.
    ScriptNotRun {
        /// Its name and version.
        package: String,
        /// The script.
        script: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    digest: String,
    packages: BTreeMap<String, String>,
    workspaces: Vec<String>,
    objects: Vec<String>,
    problems: Vec<Noted>,
}

impl Notes {
    /// Reads them; none where they are not what they should be.
    pub fn read(text: &str) -> Option<Self> {
        let Record { digest, packages, workspaces, objects, problems } = serde_json::from_str(text).ok()?;
        let path = |text: &String| TreePath::parse(text).ok();
        let paths = |texts: Vec<String>| texts.iter().map(path).collect::<Option<Vec<_>>>();
        let package = |(dir, title): (String, String)| Some((path(&dir)?, title));
        Some(Notes {
            digest: Sha256Digest::from_hex(&digest)?,
            packages: packages.into_iter().map(package).collect::<Option<_>>()?,
            workspaces: paths(workspaces)?,
            objects: paths(objects)?,
            problems,
        })
    }

    /// As text.
    pub fn write(&self) -> String {
        let texts = |paths: &[TreePath]| paths.iter().map(ToString::to_string).collect();
        let record = Record {
            digest: self.digest.hex(),
            packages: self.packages.iter().map(|(dir, title)| (dir.to_string(), title.clone())).collect(),
            workspaces: texts(&self.workspaces),
            objects: texts(&self.objects),
            problems: self.problems.clone(),
        };
        serde_json::to_string(&record).unwrap_or_default()
    }

    /// The digest of all packages.
    pub fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The package that a path is of: its folder, its name and version.
    pub fn owner(&self, path: &TreePath) -> Option<(&TreePath, &str)> {
        owner(&self.packages, path).map(|(dir, title)| (dir, title.as_str()))
    }
}

/// What belongs to the innermost of these folders that a path is below.
pub(super) fn owner<'m, T>(
    dirs: &'m BTreeMap<TreePath, T>,
    path: &TreePath,
) -> Option<(&'m TreePath, &'m T)> {
    std::iter::once(path.clone()).chain(path.ancestors()).find_map(|dir| dirs.get_key_value(&dir))
}

impl Noted {
    /// It, as a plan tells it.
    pub fn problem(&self, line: Line) -> Problem {
        match self.clone() {
            Noted::Unfit { package, why } => {
                let fix = "name a version of it that has one for the platform; packages of platforms are optional \
                           dependencies, and the lock must have those of all: delete it and node_modules, and run \
                           `npm install`";
                Problem::UnfitPackage { package, why, fix: fix.into(), line }
            }
            Noted::NotBuilt { package, why } => {
                let fix = "take a version or package that comes compiled; or compile it where the platform is the \
                           image's, and name node_modules in [[files]]";
                Problem::NotPrebuilt { package, why, fix: fix.into(), line }
            }
            Noted::ScriptNotRun { package, script } => Problem::InstallScript { package, script, line },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_as_they_were_written() {
        let path = |text: &str| TreePath::parse(text).unwrap();
        let notes = Notes {
            digest: Sha256Digest::of(b"modules"),
            packages: [
                (path("/node_modules/a"), "a 1".into()),
                (path("/node_modules/a/node_modules/b"), "b 2".into()),
            ]
            .into(),
            workspaces: vec![path("/packages/c")],
            objects: vec![path("/node_modules/a/a.node")],
            problems: vec![Noted::Unfit { package: "a 1".into(), why: "it is for musl".into() }],
        };
        assert_eq!(Notes::read(&notes.write()).unwrap(), notes);
        assert!(Notes::read("{}").is_none());
        for (of, title) in [
            ("/node_modules/a/index.js", Some("a 1")),
            ("/node_modules/a/node_modules/b/index.js", Some("b 2")),
            ("/node_modules/ab/index.js", None),
            ("/node_modules/.bin/a", None),
        ] {
            assert_eq!(notes.owner(&path(of)).map(|(_, title)| title), title, "{of}");
        }
    }
}
