//! What to do about what is wrong.

use super::Problem;
use std::fmt;
use tree::TreePath;

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fix {
    /// One of these Debian packages, on the source, has what is missing.
    Install(Vec<String>),
    /// A key of the spec to set: table, and the line to write.
    Set(&'static str, String),
    /// Files of the source to name in the spec, as globs.
    Keep(Vec<String>),
    /// Something to do elsewhere, in words.
    Do(String),
}

impl Problem {
    /// What to do about it, the best first.
    pub fn fixes(&self) -> Vec<Fix> {
        let allow = |what: String| Fix::Set("policy", format!("allow = [\"{what}\"]"));
        match self {
            Problem::MissingLibrary { packages, soname, unusable, .. } => {
                let mut fixes = vec![];
                if let Some((path, why)) = unusable {
                    fixes.push(Fix::Do(format!("{path} has that name, but cannot be loaded: {why}")));
                }
                if !packages.is_empty() {
                    fixes.push(Fix::Install(packages.clone()));
                }
                fixes.push(Fix::Do(format!(
                    "name the file that is {soname} in [[files]], or allow = [\"unresolved:{soname}\"] in [policy]"
                )));
                fixes
            }
            Problem::MissingDlopen { packages, .. } if !packages.is_empty() => {
                vec![Fix::Install(packages.clone())]
            }
            Problem::OffSearchPath { path, .. } => {
                let dir = path.parent().unwrap_or_else(TreePath::root);
                vec![Fix::Set("config", format!("env = {{ LD_LIBRARY_PATH = \"{dir}\" }}"))]
            }
            Problem::MissingVersion { .. } => vec![Fix::Do(
                "build the program on the release that the image is made of, or take the libraries from a newer one"
                    .into(),
            )],
            Problem::MissingInterpreter { hint: Some(hint), .. } => vec![Fix::Do(hint.clone())],
            Problem::MissingScriptInterpreter { interpreter, .. } if interpreter.ends_with('\r') => {
                vec![Fix::Do("the file has the line ends of Windows: convert it".into())]
            }
            Problem::MissingScriptInterpreter { script, of_source: true, .. } => {
                vec![Fix::Set("runtime", format!("drop = [\"{script}\"]"))]
            }
            Problem::MissingScriptInterpreter { interpreter, .. } if interpreter.starts_with('/') => {
                vec![Fix::Keep(vec![interpreter.clone()])]
            }
            Problem::MissingCompanion { files, .. } => vec![Fix::Keep(vec![files.clone()])],
            Problem::PluginsNotTaken { files, .. } => vec![Fix::Keep(files.clone())],
            Problem::MissingOnPath { program, .. } => vec![Fix::Keep(vec![format!("/usr/bin/{program}")])],
            Problem::NotExecutable { why, .. } if why.contains("mode") => {
                vec![Fix::Set("files", "mode = \"0755\"".into())]
            }
            Problem::MissingWorkdir { path, .. } => {
                vec![Fix::Do(format!("add a [[dirs]] with path = \"{path}\""))]
            }
            Problem::UnknownUser { .. } => {
                vec![Fix::Do("add it as a [[users]], or write it as numbers: \"1000:1000\"".into())]
            }
            Problem::Secret { path, .. } => vec![
                Fix::Do("leave it out with exclude or ignore-file".into()),
                allow(format!("secrets:{path}")),
            ],
            Problem::DanglingLink { target, .. } => vec![
                Fix::Do(format!("take what it leads to along, in [runtime] keep or a [[files]]: {target}")),
                allow("dangling-links".into()),
            ],
            Problem::LinkRefused { .. } => vec![Fix::Set("files", "links = \"keep\" or \"follow\"".into())],
            Problem::ManyToOne { to, .. } => vec![Fix::Set("files", format!("to = \"{to}/\""))],
            Problem::Shell { .. } => vec![allow("shell".into())],
            Problem::Setuid { .. } => vec![allow("setuid".into())],
            Problem::WorldWritable { .. } => vec![allow("world-writable".into())],
            Problem::RootUser { .. } => {
                vec![Fix::Set("config", "user = \"nonroot\"".into()), allow("root-user".into())]
            }
            Problem::VolumeNotWritable { path, uid, gid } => vec![Fix::Do(format!(
                "add a [[dirs]] with path = \"{path}\", owner = \"{uid}:{gid}\" and volume = true"
            ))],
            _ => vec![],
        }
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::Install(packages) => {
                write!(
                    f,
                    "the Debian package {} has it: install it where the libraries come from",
                    packages.join(" or ")
                )
            }
            Fix::Set(table, line) => write!(f, "in [{table}]: {line}"),
            Fix::Keep(globs) => write!(f, "in [runtime]: keep = [\"{}\"]", globs.join("\", \"")),
            Fix::Do(text) => f.write_str(text),
        }
    }
}
