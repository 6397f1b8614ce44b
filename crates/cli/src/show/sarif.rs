//! Findings as SARIF 2.1.0, the format that code scanning of GitHub, GitLab and editors read.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>

use super::{findings, markdown};
use crate::pages::page;
use bantam::Error;
use oci::Digest;
use plan::{
    finding::{Code, Finding, Severity},
    spec::{Platform, SpecError},
};
use serde_json::{Value, json};
use std::path::{Component, Path};
use tree::TreePath;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What relative paths are seen from.
const BASE: &str = "%SRCROOT%";

/// A document with all findings; and with what stopped the check, if something did. `file` is the spec, or
/// the program without one, as it was named.
pub fn document(file: &Path, found: &[(Platform, &Finding)], failure: Option<&Error>) -> Value {
    let uri = uri(file);
    let mut rules = Rules::default();
    let mut results: Vec<Value> =
        found.iter().map(|(platform, finding)| of_finding(&mut rules, &uri, *platform, finding)).collect();
    let mut notifications = vec![];
    match failure {
        Some(Error::SpecErrors { text, errors, .. }) => {
            results.extend(errors.iter().map(|error| of_spec(&mut rules, &uri, text, error)));
        }
        Some(error) => {
            let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
            let lines = error.lines().into_iter().chain(causes.map(|cause| format!("because: {cause}")));
            let text = lines.collect::<Vec<_>>().join("\n");
            notifications.push(json!({"level": "error", "message": {"text": text}}));
        }
        None => {}
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "bantam",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.0,
            }},
            "automationDetails": {"id": format!("bantam/{uri}/")},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                BASE: {"description": {"text": "The folder in which bantam was started."}},
            },
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn of_finding(rules: &mut Rules, uri: &str, platform: Platform, finding: &Finding) -> Value {
    let Finding { problem, severity, line, .. } = finding;
    let about = problem.about();
    let index = rules.index(about.id, || rule(about));
    let mut location = json!({"physicalLocation": {"artifactLocation": artifact(uri)}});
    if *line > 0 {
        location["physicalLocation"]["region"] = json!({"startLine": line});
    }
    if let Some(path) = problem.subject() {
        let name = format!("{platform}:{path}");
        location["logicalLocations"] =
            json!([{"name": path.name(), "fullyQualifiedName": name, "kind": "resource"}]);
    }
    let path = problem.subject().map_or("", TreePath::as_str);
    let mut properties = findings::json(finding, platform);
    if let Some(properties) = properties.as_object_mut() {
        properties.retain(|key, _| matches!(key.as_str(), "platform" | "path" | "fixes" | "actions"));
    }
    json!({
        "ruleId": about.id,
        "ruleIndex": index,
        "level": level(*severity),
        "message": {"text": findings::message(finding, &str::to_owned)},
        "locations": [location],
        "partialFingerprints": fingerprint(&[about.id, uri, &platform.to_string(), path, &problem.identity()]),
        "properties": properties,
    })
}

fn of_spec(rules: &mut Rules, uri: &str, text: &str, error: &SpecError) -> Value {
    let id = findings::spec_code(error);
    let index = rules.index(&id, || {
        let name = pascal(error.code.as_str());
        json!({
            "id": id,
            "name": format!("Spec{name}"),
            "shortDescription": {"text": format!("The spec is not right: {}.", error.code.as_str())},
            "help": {"text": "docs/spec.md describes every key of a spec; `bantam schema` prints its JSON Schema."},
            "defaultConfiguration": {"level": "error"},
            "properties": {"tags": ["spec"]},
        })
    });
    let help = error.help.as_ref().map_or(String::new(), |help| format!("\nhelp: {help}"));
    let mut region = json!({"startLine": error.line, "startColumn": error.column});
    if let Some(place) = text.get(error.span.clone()).filter(|place| !place.contains(['\r', '\n'])) {
        region["endColumn"] = json!(error.column + place.chars().count());
    }
    json!({
        "ruleId": id,
        "ruleIndex": index,
        "level": "error",
        "message": {"text": format!("{}{help}", error.message)},
        "locations": [{"physicalLocation": {"artifactLocation": artifact(uri), "region": region}}],
        "partialFingerprints": fingerprint(&[&id, uri, &error.message]),
    })
}

/// The rules that results refer to, in the order of the first of each.
#[derive(Default)]
struct Rules(Vec<Value>);

impl Rules {
    fn index(&mut self, id: &str, rule: impl FnOnce() -> Value) -> usize {
        self.0.iter().position(|rule| rule["id"] == id).unwrap_or_else(|| {
            self.0.push(rule());
            self.0.len() - 1
        })
    }
}

fn rule(code: &Code) -> Value {
    let page = page(code);
    // A warning may be none for who knows more than the files say.
    let precision = if code.severity == Severity::Error { "very-high" } else { "medium" };
    json!({
        "id": code.id,
        "name": pascal(code.name),
        "shortDescription": {"text": format!("{}.", code.title)},
        "help": {"text": markdown::text(page, &|heading| heading.to_owned()), "markdown": page},
        "defaultConfiguration": {"level": level(code.severity)},
        "properties": {"tags": [code.group()], "precision": precision},
    })
}

/// `MissingLibrary` for `missing-library`.
fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('-').map(word).collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "note",
    }
}

fn artifact(uri: &str) -> Value {
    if uri.starts_with("file:") { json!({"uri": uri}) } else { json!({"uri": uri, "uriBaseId": BASE}) }
}

/// The same for the same problem, wherever its line moves and whatever else is found.
fn fingerprint(parts: &[&str]) -> Value {
    json!({"bantam/v1": Digest::of(parts.join("\0").as_bytes()).hex()})
}

/// A file as a reference from the working directory; one that is not below it, by its whole path.
fn uri(file: &Path) -> String {
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    // The name as given, which may be a link; the folder as it is, without `..`.
    let folder = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = match (real(folder), file.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => file.to_owned(),
    };
    let here = std::env::current_dir().and_then(|here| real(&here));
    let below = here.ok().and_then(|here| whole.strip_prefix(here).ok().map(Path::to_owned));
    match below {
        Some(below) => escaped(&below),
        None => format!("file://{}", escaped(&whole)),
    }
}

/// A path as a URI has it: everything but letters, digits and `-._~` in percent form.
fn escaped(path: &Path) -> String {
    let mut out = String::new();
    for component in path.components() {
        match component {
            Component::RootDir => continue,
            _ if out.is_empty() && !path.is_absolute() => {}
            _ => out.push('/'),
        }
        for byte in component.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    out.push(char::from(*byte))
                }
                byte => out.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references() {
        for (path, want) in [
            ("bantam.toml", "bantam.toml"),
            ("a b/ü%:1.toml", "a%20b/%C3%BC%25%3A1.toml"),
            ("/srv/x", "/srv/x"),
        ] {
            assert_eq!(escaped(Path::new(path)), want);
        }
        assert_eq!(uri(Path::new("./src/../none.toml")), "none.toml");
        assert!(uri(Path::new("/usr/bin/true")).starts_with("file:///"));
    }

    #[test]
    fn names_are_in_pascal_case() {
        assert_eq!(pascal("missing-library"), "MissingLibrary");
    }
}
