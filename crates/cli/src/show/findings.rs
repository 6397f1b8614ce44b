//! Findings, worded for people and for programs.

use super::{CYAN, RED, YELLOW, painted, plain, stderr};
use crate::github;
use plan::{
    finding::{Finding, Fix, Severity},
    spec::Platform,
};
use serde_json::{Value, json};
use tree::TreePath;

/// Shows findings, errors first, each with its fixes. `shown` is the spec.
pub fn print<'a>(findings: impl Iterator<Item = &'a Finding>, shown: &str) {
    for finding in findings {
        stderr(&text(finding, shown));
        if github::is_here() {
            let (level, line) = (finding.severity.word(), finding.line);
            // What has no line may be of no spec either.
            let file = Some(shown).filter(|_| line > 0);
            stderr(&github::annotation(level, file, line, &plain(&finding.problem.to_string())));
        }
    }
}

/// A finding as an object for programs.
pub fn json(finding: &Finding, platform: Platform) -> Value {
    let Finding { problem, severity, line } = finding;
    let about = problem.about();
    let fixes = problem.fixes();
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

/// A fix as an object for programs.
fn action(fix: &Fix) -> Value {
    match fix {
        Fix::Install(packages) => json!({"kind": "install", "packages": packages}),
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
