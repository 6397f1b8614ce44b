//! What a Python project depends on, and which file says so.

use super::super::{project::Project, sketch::Row};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// How many requirements files name others, at most.
const DEPTH: usize = 4;

/// A command that a project would install.
#[derive(Clone)]
pub(super) struct Script {
    pub name: String,
    /// What it is in the image: itself where the project is installed there, else Python with its module.
    pub command: Vec<String>,
}

/// What a project depends on.
pub(super) struct Dependencies {
    /// The file that says that it is a Python project.
    pub evidence: String,
    /// The line of `[python]`; none where it depends on nothing.
    pub row: Option<Row>,
    /// Names of distributions as the index normalises them, and with them their extras: `fastapi[standard]`.
    names: BTreeSet<String>,
    /// Is the project installed itself?
    pub is_installed: bool,
    /// Commands of the project itself, the one of its own name first.
    pub scripts: Vec<Script>,
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
        let said = document.as_ref().and_then(|document| document.get("tool")?.get("uv")?.get("package"));
        let has_builder = document.as_ref().is_some_and(|document| document.contains_key("build-system"));
        let can_install = said.and_then(Value::as_bool).unwrap_or(has_builder);
        let of = |evidence: &str, row: Option<Row>, before: &[&str]| {
            let before = before.iter().map(|command| (*command).to_owned()).collect();
            let is_installed = can_install && row.as_ref().is_some_and(|row| row.key == "project");
            let scripts = scripts(project, of_project.or(poetry), is_installed);
            let (evidence, names) = (evidence.into(), names.clone());
            Some(Dependencies { evidence, row, names, is_installed, scripts, before })
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
        let usual = [".venv", "venv", "env"];
        let own = || project.venvs().filter(|venv| !venv.contains('/'));
        let place = |venv: &&str| usual.iter().position(|name| name == venv).unwrap_or(usual.len());
        if let Some(venv) = own().min_by_key(place) {
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

/// The commands of a project that its image can start.
fn scripts(project: &Project, table: Option<&Value>, is_installed: bool) -> Vec<Script> {
    let Some(table) = table else { return vec![] };
    let own = table.get("name").and_then(Value::as_str).unwrap_or_default();
    let listed = table.get("scripts").and_then(Value::as_table).into_iter().flatten();
    let script = |(name, function): (&String, &Value)| {
        let command =
            if is_installed { vec![name.clone()] } else { from_sources(project, function.as_str()?)? };
        Some(Script { name: name.clone(), command })
    };
    let mut scripts: Vec<Script> = listed.filter_map(script).collect();
    scripts.sort_by_key(|script| (script.name != own, script.name.clone()));
    scripts
}

/// Python with `MODULE:FUNCTION`, if that is among the sources: the module where it can be run, else the function.
fn from_sources(project: &Project, function: &str) -> Option<Vec<String>> {
    let (module, function) = function.split_once(':')?;
    let (module, function) = (module.trim(), function.split('[').next()?.trim());
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.'))
    };
    if !is_name(module) || !is_name(function) {
        return None;
    }
    let path = module.replace('.', "/");
    let [start, file, package] = ["/__main__.py", ".py", "/__init__.py"].map(|end| {
        [format!("{path}{end}"), format!("src/{path}{end}")].into_iter().find(|path| project.has(path))
    });
    let can_run = |file: &String| {
        project.text(file).is_some_and(|text| text.contains("\"__main__\"") || text.contains("'__main__'"))
    };
    if start.is_some() || file.as_ref().is_some_and(can_run) {
        return Some(vec!["python3".into(), "-m".into(), module.into()]);
    }
    file.or(package)?;
    let code = format!("import sys, {module}; sys.exit({module}.{function}())");
    Some(vec!["python3".into(), "-c".into(), code])
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
