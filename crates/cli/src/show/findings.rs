//! Findings, worded for people and for programs.

use super::{CYAN, RED, YELLOW, painted, plain, stderr};
use crate::github::Annotation;
use plan::{
    finding::{Code, Finding, Fix, Severity},
    spec::{Platform, SpecError},
};
use serde_json::{Value, json};
use tree::TreePath;

/// Shows findings, errors first, each with its fixes. `shown` is the spec.
pub fn print<'a>(findings: impl Iterator<Item = &'a Finding>, shown: &str) {
    for finding in findings {
        stderr(&text(finding, shown));
        annotate(finding, shown);
    }
}

fn annotate(finding: &Finding, shown: &str) {
    let Code { id, name, .. } = finding.problem.about();
    // What has no line may be of no spec either.
    let file = if finding.line > 0 { shown } else { "" };
    let annotation = Annotation {
        level: finding.severity.word(),
        title: &format!("{id} {name}"),
        file,
        line: finding.line,
        column: 0,
        text: &message(finding, &plain),
    };
    annotation.print();
}

/// What is wrong and what to do about it, a line each, without the place. `shown` makes each fit for where
/// it goes.
pub fn message(finding: &Finding, shown: &dyn Fn(&str) -> String) -> String {
    let lines = finding.lines("").into_iter().enumerate().filter(|(_, (label, _))| label != "at:");
    let lines = lines.map(|(index, (label, text))| match index {
        0 => shown(&text),
        _ => format!("{label} {}", shown(&text)),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A finding as an object for programs.
pub fn json(finding: &Finding, platform: Platform) -> Value {
    let Finding { problem, severity, line, .. } = finding;
    let about = problem.about();
    let fixes = finding.fixes();
    json!({
        "code": about.id,
        "name": about.name,
        "severity": severity.word(),
        "message": problem.to_string(),
        "path": problem.subject().map(TreePath::as_str),
        "line": Some(line).filter(|line| **line > 0),
        "platform": platform.to_string(),
        "fixes": fixes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "actions": fixes.iter().map(action).collect::<Vec<_>>(),
    })
}

/// A mistake in a spec as such an object: with a column too, and for no platform.
pub fn spec_json(error: &SpecError) -> Value {
    json!({
        "code": spec_code(error),
        "name": error.code.as_str(),
        "severity": "error",
        "message": error.message,
        "path": null,
        "line": error.line,
        "column": error.column,
        "platform": null,
        "fixes": error.help.iter().collect::<Vec<_>>(),
        "actions": [],
    })
}

/// The code of a mistake in a spec: `spec/unknown-key`.
pub fn spec_code(error: &SpecError) -> String {
    format!("spec/{}", error.code.as_str())
}

/// A fix as an object for programs.
fn action(fix: &Fix) -> Value {
    match fix {
        Fix::Install(packages) => json!({"kind": "install", "packages": packages}),
        Fix::Repository(packages) => json!({"kind": "repository", "packages": packages}),
        Fix::Set(table, line) => json!({"kind": "set", "table": table, "line": line}),
        Fix::Add(table, lines) => json!({"kind": "add", "table": table, "lines": lines}),
        Fix::Keep(globs) => json!({"kind": "keep", "globs": globs}),
        other => json!({"kind": "do", "text": other.to_string()}),
    }
}

fn text(finding: &Finding, shown: &str) -> String {
    let colour = match finding.severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
        Severity::Notice => CYAN,
    };
    let lines = finding.lines(shown).into_iter().enumerate().map(|(index, (label, text))| {
        let label = match &*label {
            "at:" => label,
            _ => painted(&label, if index == 0 { colour } else { CYAN }),
        };
        format!("{label} {}", plain(&text))
    });
    lines.collect::<Vec<_>>().join("\n  ")
}
