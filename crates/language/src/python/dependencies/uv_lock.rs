//! `uv.lock`, held against a project where `uv` cannot do so.

use super::tags::normalized;
use serde_json::Value;
use std::collections::BTreeSet;

/// How a lock names the place of a package that comes from no index.
const PLACES: [&str; 6] = ["url", "git", "path", "directory", "editable", "virtual"];

/// A requirement, as far as every spelling of it is compared: markers are compared by whether there is one, since a lock has
/// them in another form.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    name: String,
    extras: BTreeSet<String>,
    /// The clauses of its versions; empty where it names a place.
    versions: BTreeSet<String>,
    has_marker: bool,
}

/// Does a lock have the dependencies of a project, as a `pyproject.toml` says them? None where the project leaves them to
/// its build system.
pub(super) fn fits(project: &Value, lock: &Value) -> Option<bool> {
    let project = &project["project"];
    if items(&project["dynamic"]).any(|name| name == "dependencies") {
        return None;
    }
    let name = normalized(project["name"].as_str().unwrap_or_default());
    let locked = items(&lock["package"]).find(|package| {
        let is_it = package["name"].as_str().is_some_and(|other| normalized(other) == name);
        let source = &package["source"];
        is_it && ["virtual", "editable", "directory"].iter().any(|sort| source[sort].is_string())
    });
    let Some(locked) = locked else { return Some(false) };
    // What extras bring has a marker that names the extra.
    let is_of_extra =
        |wish: &&Value| wish["marker"].as_str().is_some_and(|marker| marker.contains("extra =="));
    let rows = || items(&locked["metadata"]["requires-dist"]).filter(|wish| !is_of_extra(wish));
    // Of what has a source of its own, a lock does not say which versions were asked for.
    let has_place = |row: &&Value| PLACES.iter().any(|sort| row[sort].is_string());
    let placed: BTreeSet<String> = rows().filter(has_place).map(|row| Wish::of_lock(row).name).collect();
    let mut asked: Vec<Wish> =
        items(&project["dependencies"]).filter_map(Value::as_str).map(Wish::parse).collect();
    asked.iter_mut().filter(|wish| placed.contains(&wish.name)).for_each(|wish| wish.versions.clear());
    Some(asked.into_iter().collect::<BTreeSet<_>>() == rows().map(Wish::of_lock).collect())
}

impl Wish {
    /// A requirement of PEP 508.
    fn parse(text: &str) -> Self {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let (name, rest) =
            text.trim().split_at(text.trim().find(|c| !is_name(c)).unwrap_or(text.trim().len()));
        let (extras, rest) = match rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((extras, rest)) => (extras, rest.trim_start()),
            None => ("", rest.trim_start()),
        };
        // A `;` is part of a URL unless a blank is before it.
        let (versions, has_marker) = match rest.strip_prefix('@') {
            Some(place) => ("", place.contains(" ;")),
            None => rest.split_once(';').map_or((rest, false), |(versions, _)| (versions, true)),
        };
        Wish {
            name: normalized(name),
            extras: extras.split(',').map(normalized).filter(|extra| !extra.is_empty()).collect(),
            versions: clauses(versions.trim().trim_matches(['(', ')'])),
            has_marker,
        }
    }

    /// A row of `requires-dist`.
    fn of_lock(row: &Value) -> Self {
        Wish {
            name: normalized(row["name"].as_str().unwrap_or_default()),
            extras: items(&row["extras"]).filter_map(Value::as_str).map(normalized).collect(),
            versions: clauses(row["specifier"].as_str().unwrap_or_default()),
            has_marker: row["marker"].is_string(),
        }
    }
}

fn clauses(versions: &str) -> BTreeSet<String> {
    let bare = |clause: &str| clause.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    versions.split(',').map(bare).filter(|clause| !clause.is_empty()).collect()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_what_the_project_asks_for() {
        let lock = "[[package]]\nname = 'shop'\nversion = '2'\nsource = { registry = 'x' }\n\
                    [[package]]\nname = 'Shop'\nsource = { editable = '.' }\n[package.metadata]\nrequires-dist = [\n\
                    { name = 'flask', extras = ['async'], specifier = '>=2,<4' },\n\
                    { name = 'tool', git = 'https://git.example/tool' },\n\
                    { name = 'old', marker = \"python_full_version < '3.9'\" },\n\
                    { name = 'more', marker = \"extra == 'all'\" },\n]\n";
        let lock: Value = toml::from_str(lock).unwrap();
        let place = "'tool >= 3'";
        for (project, want) in [
            (
                format!(
                    "name = 'shop'\ndependencies = ['Flask[async] < 4, >=2', {place}, 'old; python_version < \"3.9\"']"
                ),
                Some(true),
            ),
            (format!("name = 'shop'\ndependencies = ['flask[async]<4,>=2', {place}, 'old']"), Some(false)),
            (format!("name = 'shop'\ndependencies = ['flask<4,>=2', {place}, 'old;x']"), Some(false)),
            (
                format!("name = 'shop'\ndependencies = ['flask[async] (>=2,<4)', {place}, 'old;x', 'new']"),
                Some(false),
            ),
            (format!("name = 'shop'\ndependencies = ['flask[async]>=3,<4', {place}, 'old;x']"), Some(false)),
            ("name = 'shop'".into(), Some(false)),
            ("name = 'other'".into(), Some(false)),
            ("name = 'shop'\ndynamic = ['dependencies']".into(), None),
        ] {
            let document: Value = toml::from_str(&format!("[project]\n{project}\n")).unwrap();
            assert_eq!(fits(&document, &lock), want, "{project}");
        }
    }
}
