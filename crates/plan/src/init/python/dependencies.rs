//! What a Python project depends on, and which file says so.

use super::super::{project::Project, sketch::Row};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// How many requirements files name others, at most.
const DEPTH: usize = 4;

/// What a project depends on.
pub(super) struct Dependencies {
    /// The file that says that it is a Python project.
    pub evidence: String,
    /// The line of `[python]`; none where it depends on nothing.
    pub row: Option<Row>,
    /// Names of distributions as the index normalises them, and with them their extras: `fastapi[standard]`.
    names: BTreeSet<String>,
    /// Commands that the project itself installs, the one of its own name first.
    pub scripts: Vec<String>,
    /// The commands that make the file, where it is not there.
    pub before: Vec<String>,
}

impl Dependencies {
    /// Those of a project; none where it is no Python project.
    pub fn of(project: &Project) -> Option<Self> {
        let document = project.text("pyproject.toml").and_then(|text| text.parse::<Table>().ok());
        let of_project = document.as_ref().and_then(|document| document.get("project"));
        let poetry = document.as_ref().and_then(|document| document.get("tool")?.get("poetry"));
        let requirements =
            project.first(&["requirements.txt", "requirements/prod.txt", "requirements/base.txt"]);
        let mut names = BTreeSet::new();
        if let Some(file) = requirements {
            read(project, file, &mut names, DEPTH);
        }
        for text in texts(of_project.and_then(|table| table.get("dependencies"))) {
            names.extend(requirement(text));
        }
        for (name, value) in
            poetry.and_then(|table| table.get("dependencies")?.as_table()).into_iter().flatten()
        {
            names.insert(normal(name));
            names.extend(texts(value.get("extras")).map(|extra| format!("{}[{extra}]", normal(name))));
        }
        let scripts = scripts(of_project.or(poetry));
        let of = |evidence: &str, row: Option<Row>, before: &[&str]| {
            let before = before.iter().map(|command| (*command).to_owned()).collect();
            Some(Dependencies {
                evidence: evidence.into(),
                row,
                names: names.clone(),
                scripts: scripts.clone(),
                before,
            })
        };
        let export =
            |why: &str| Some(Row::text("requirements", "requirements.txt", format!("made by: {why}")));
        if of_project.is_some() && project.has("uv.lock") {
            return of(
                "pyproject.toml",
                Some(Row::text("project", "pyproject.toml", "as uv.lock has it")),
                &[],
            );
        }
        if let Some(file) = requirements {
            return of(file, Some(Row::text("requirements", file, "")), &[]);
        }
        if of_project.is_some() {
            return of("pyproject.toml", Some(Row::text("project", "pyproject.toml", "")), &[]);
        }
        if poetry.is_some() {
            let command = "poetry export --output requirements.txt";
            return of("pyproject.toml", export(command), &[command]);
        }
        if project.has("Pipfile") {
            let command = "pipenv requirements > requirements.txt";
            return of("Pipfile", export(command), &[command]);
        }
        if let Some(venv) =
            [".venv", "venv", "env"].iter().find(|venv| project.has(&format!("{venv}/pyvenv.cfg")))
        {
            return of(&format!("{venv}/pyvenv.cfg"), Some(Row::text("venv", venv, "")), &[]);
        }
        // Scripts without dependencies.
        let script = project.files.keys().find(|path| path.ends_with(".py") && !path.contains('/'))?;
        of(script, None, &[])
    }

    /// Is the distribution of this name among them?
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Are they known? What a virtual environment has is not.
    pub fn are_known(&self) -> bool {
        !self.evidence.ends_with("pyvenv.cfg") && !self.evidence.ends_with("Pipfile")
    }
}

/// A requirements file, and those that it names.
fn read(project: &Project, file: &str, names: &mut BTreeSet<String>, depth: usize) {
    let Some(text) = project.text(file).filter(|_| depth > 0) else { return };
    for line in text.lines().map(str::trim) {
        let other = ["-r ", "--requirement "].iter().find_map(|flag| line.strip_prefix(flag));
        match other {
            Some(other) => {
                let folder =
                    file.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
                read(project, &format!("{folder}{}", other.trim()), names, depth - 1);
            }
            None => names.extend(requirement(line)),
        }
    }
}

/// The name that a requirement begins with, and one for each of its extras.
fn requirement(text: &str) -> Vec<String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let end = text.find(|letter| !is_name(letter)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return vec![];
    }
    let name = normal(name);
    let extras = rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let extras = extras.into_iter().flat_map(|(extras, _)| extras.split(','));
    let with: Vec<String> = extras.map(|extra| format!("{name}[{}]", extra.trim())).collect();
    [vec![name], with].concat()
}

/// A distribution's name as indexes compare it.
fn normal(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The commands that a project installs.
fn scripts(table: Option<&Value>) -> Vec<String> {
    let Some(table) = table else { return vec![] };
    let own = table.get("name").and_then(Value::as_str).unwrap_or_default();
    let scripts = table.get("scripts").and_then(Value::as_table);
    let mut names: Vec<String> = scripts.into_iter().flatten().map(|(name, _)| name.clone()).collect();
    names.sort_by_key(|name| (name != own, name.clone()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements() {
        for (text, want) in [
            ("Flask==3.0.0 --hash=sha256:ab", &["flask"][..]),
            (
                "fastapi[standard,all]>=0.110 ; python_version > '3.8'",
                &["fastapi", "fastapi[standard]", "fastapi[all]"],
            ),
            ("zope.interface", &["zope-interface"]),
            ("my_pkg @ https://example.com/x.whl", &["my-pkg"]),
            ("# a comment", &[]),
            ("--index-url https://example.com", &[]),
            ("./local", &[]),
            ("", &[]),
        ] {
            assert_eq!(requirement(text), want, "{text}");
        }
    }
}
