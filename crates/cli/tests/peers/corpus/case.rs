//! The files of `testdata/broken-images`, as its README describes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

/// A file of cases about one subject, which share what is built for them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The name of the file, without `.toml`.
    #[serde(skip)]
    pub name: String,
    /// What the cases are about, for people.
    #[serde(rename = "about")]
    _about: String,
    /// Files that `build` finds, by name.
    #[serde(default)]
    pub source: BTreeMap<String, String>,
    /// Shell commands that make files for payloads and roots.
    #[serde(default)]
    pub build: String,
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// An image, what is said about it, and what happens when it is started all the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    pub name: String,
    /// The architectures that can have it; empty: all.
    #[serde(default)]
    pub only: Vec<String>,
    /// Built files in the payload, by their path in the image.
    #[serde(default)]
    pub payload: BTreeMap<String, String>,
    /// Files in the payload, by their path in the image; scripts are executable.
    #[serde(default)]
    pub text: BTreeMap<String, String>,
    /// Built files that the root file system has beside the C library, by their path in it.
    #[serde(default)]
    pub root: BTreeMap<String, String>,
    /// The spec, without what is the same in all.
    #[serde(default)]
    pub spec: Table,
    /// The codes of all errors, sorted.
    #[serde(default)]
    pub errors: Vec<String>,
    /// The codes of all warnings, sorted.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The codes of all notices, sorted; any where this is not given.
    pub notices: Option<Vec<String>>,
    /// Parts of what is said.
    #[serde(default)]
    pub says: Vec<String>,
    /// A part of what is printed by a process that ends well. The default of what is not refused: `started`.
    pub starts: Option<String>,
    /// One of these is a part of what is printed by a process that fails.
    pub fails: Option<Vec<String>>,
    /// The emulator does not look at what the kernel looks at.
    #[serde(default)]
    pub natively: bool,
    /// Why nobody can tell by starting it.
    pub not_run: Option<String>,
}

/// What must happen when the process is started.
#[derive(Clone, Copy)]
pub enum Outcome<'a> {
    Starts(&'a str),
    Fails(&'a [String]),
    NotRun,
}

impl Subject {
    /// Reads all subjects of the folder, in order, with `@name@` replaced by each variable of that name.
    pub fn read_all(folder: &Path, variables: &[(&str, &str)]) -> Vec<Self> {
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        paths.iter().map(|path| Self::read(path, variables)).collect()
    }

    fn read(path: &Path, variables: &[(&str, &str)]) -> Self {
        let mut text = fs::read_to_string(path).unwrap();
        for (name, value) in variables {
            text = text.replace(&format!("@{name}@"), value);
        }
        let subject: Self =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for (index, case) in subject.cases.iter().enumerate() {
            let is_first = subject.cases[..index].iter().all(|other| other.name != case.name);
            assert!(is_first, "{name}: two cases are called {:?}", case.name);
            let has_words = case.errors.is_empty() && case.warnings.is_empty() || !case.says.is_empty();
            assert!(has_words, "{name}: {}: `says` is missing", case.name);
            case.outcome();
        }
        Self { name, ..subject }
    }
}

impl Case {
    pub fn is_refused(&self) -> bool {
        !self.errors.is_empty()
    }

    /// What must happen when the process is started.
    pub fn outcome(&self) -> Outcome<'_> {
        match (&self.starts, &self.fails, &self.not_run) {
            (Some(said), None, None) => Outcome::Starts(said),
            (None, Some(said), None) => Outcome::Fails(said),
            (None, None, Some(_)) => Outcome::NotRun,
            (None, None, None) if !self.is_refused() => Outcome::Starts("started"),
            _ => panic!("{}: one of `starts`, `fails` and `not-run` is needed", self.name),
        }
    }

    /// The whole spec.
    pub fn full_spec(&self, platform: &str) -> Table {
        let mut spec = self.spec.clone();
        let mut set = |table: Option<&str>, key: &str, value: Value| {
            let within = match table {
                None => &mut spec,
                Some(table) => {
                    let within = spec.entry(table).or_insert_with(|| Table::new().into());
                    within.as_table_mut().unwrap()
                }
            };
            within.entry(key).or_insert(value);
        };
        set(None, "name", "example.com/case".into());
        set(None, "platforms", vec![platform].into());
        if !self.spec.contains_key("config") {
            set(Some("config"), "entrypoint", vec!["/app/shop"].into());
        }
        set(Some("runtime"), "source", "rootfs:root".into());
        set(Some("runtime"), "profile", "none".into());
        set(Some("layers"), "compression", "none".into());
        if !self.payload.is_empty() || !self.text.is_empty() {
            let payload = Table::from_iter([("from", "payload/"), ("to", "/")].map(own));
            let files = spec.entry("files").or_insert_with(|| Value::Array(vec![]));
            files.as_array_mut().unwrap().insert(0, payload.into());
        }
        spec
    }
}

fn own((key, value): (&str, &str)) -> (String, Value) {
    (key.to_owned(), value.into())
}
