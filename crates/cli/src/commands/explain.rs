//! `bantam explain`: why it is in the image.

use crate::{
    args::{Explain, Global},
    exit,
    show::{self, plain, reasons},
};
use bantam::{Error, Event, Explained, Target};
use plan::{
    explain::{self, Asked, Graph, LeftOutRecord, Record},
    finding::Severity,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
};
use tree::TreePath;

/// How an image reference that is no name of a registry begins.
const SCHEMES: &[&str] = &["oci:", "oci-archive:", "docker-archive:", "docker-daemon:", "docker://"];

/// The word that asks for the image config.
const CONFIG: &str = "config";

/// What there is to say about the image of one platform.
struct Answer {
    platform: String,
    text: String,
    json: Vec<Value>,
    /// What is not in the image, a line each, and what may have been meant.
    absent: Vec<String>,
}

pub fn run(args: &Explain, global: &Global) -> Result<ExitCode, Error> {
    let (subject, path) = question(args);
    if path.is_none() && args.without.is_empty() && !args.tree && args.reasons.is_none() {
        let what = "a path, program, library or package of the image";
        return Err(Error::Usage(format!(
            "what is to be explained? Name {what}, or ask for the whole --tree"
        )));
    }
    let explained = explained(subject)?;
    let errors = AtomicUsize::new(0);
    let watch = |event: Event<'_>| {
        if let Event::Planned { findings, .. } = event {
            let count = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
            errors.fetch_add(count, Ordering::Relaxed);
        }
    };
    let session = global.session(global.locking());
    let receipts: Vec<_> = args.reasons.iter().cloned().collect();
    let records = bantam::records(&explained, &global.platforms()?, &session, &receipts, &watch)?;
    if let Some(file) = &args.reasons {
        bantam::files::write(file, &explain::write(&records))?;
    }
    let mut answers: Vec<Answer> = vec![];
    for record in &records {
        answers.push(answer(args, path, record));
    }
    let printed = show::stdout(&if args.json { json(&answers) } else { text(&answers) });
    if !global.quiet {
        notes(&records, errors.into_inner());
    }
    for line in answers.iter().flat_map(|answer| &answer.absent) {
        show::stderr(&plain(line));
    }
    // What is in one of several images is explained.
    let found = answers.iter().any(|answer| answer.absent.is_empty());
    Ok(if found || answers.is_empty() { printed } else { ExitCode::from(exit::FINDINGS) })
}

/// What is asked about, and which path of it. A single word is a path where the folder has a spec,
/// unless it can only be what has paths.
fn question(args: &Explain) -> (Option<&str>, Option<&str>) {
    match (args.subject.as_deref(), args.path.as_deref()) {
        (Some(word), None) if !has_paths(word) && Path::new("bantam.toml").is_file() => (None, Some(word)),
        words => words,
    }
}

/// Can the word be nothing but a spec, an image or a document of reasons?
fn has_paths(word: &str) -> bool {
    let path = Path::new(word);
    SCHEMES.iter().any(|scheme| word.starts_with(scheme))
        || path.extension().is_some_and(|extension| extension == "toml")
        || is_document(path)
        || path.join("bantam.toml").is_file()
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json") && path.is_file()
}

fn explained(subject: Option<&str>) -> Result<Explained, Error> {
    let Some(word) = subject else { return Ok(Explained::Target(Box::new(Target::read(None)?))) };
    let path = Path::new(word);
    if is_document(path) {
        return Ok(Explained::Document(path.into()));
    }
    if SCHEMES.iter().any(|scheme| word.starts_with(scheme)) {
        return Ok(Explained::Image(word.parse()?));
    }
    Ok(Explained::Target(Box::new(Target::read(Some(path))?)))
}

fn answer(args: &Explain, path: Option<&str>, record: &Record) -> Answer {
    let mut answer =
        Answer { platform: record.platform.clone(), text: String::new(), json: vec![], absent: vec![] };
    let graph = Graph::new(record);
    if !args.without.is_empty() {
        let mut removed = BTreeSet::new();
        for word in &args.without {
            match paths(record, word) {
                Some(paths) => removed.extend(paths),
                None => answer.absent.extend(absent(record, word)),
            }
        }
        if answer.absent.is_empty() {
            let without = record.without(removed);
            answer.text.push_str(&reasons::without(&without, &graph, args.all));
            answer.json.push(reasons::without_json(&without, record));
        }
    }
    let Some(word) = path else {
        if args.tree {
            answer.text.push_str(&reasons::whole(&graph, args.all));
            answer.json.extend(reasons::places_json(record, record.places.keys()));
        }
        return answer;
    };
    if word == CONFIG && !record.config.is_empty() {
        answer.text.push_str(&reasons::config(&record.config));
        answer.json.push(reasons::config_json(&record.config));
        return answer;
    }
    match explain::find(record, word) {
        Asked::Places(subjects) => {
            for subject in &subjects {
                if args.tree {
                    answer.text.push_str(&reasons::upwards(&graph, subject));
                    answer.json.extend(reasons::places_json(record, graph.behind(&subject.path)));
                } else {
                    answer.text.push_str(&reasons::subject(&graph, subject, args.all));
                    answer.json.push(reasons::subject_json(&graph, subject, args.all));
                }
            }
            if let Some(package) = explain::package(record, word) {
                answer
                    .text
                    .push_str(&format!("{package} is a package too: `package:{package}` explains it\n"));
            }
        }
        Asked::Package(package) => {
            answer.text.push_str(&reasons::package(&graph, &package));
            answer.json.push(reasons::package_json(&graph, &package));
        }
        Asked::Nothing => answer.absent.extend(absent(record, word)),
    }
    answer
}

/// The paths that a word stands for, with the links to them; of a directory, all that is below it.
fn paths(record: &Record, word: &str) -> Option<BTreeSet<TreePath>> {
    match explain::find(record, word) {
        Asked::Places(subjects) => {
            let mut paths = BTreeSet::new();
            for subject in subjects {
                paths.extend(record.places.keys().filter(|path| path.is_within(&subject.path)).cloned());
                paths.extend(subject.links);
            }
            Some(paths)
        }
        Asked::Package(package) => Some(record.files_of(&package).map(|(path, _)| path.clone()).collect()),
        Asked::Nothing => None,
    }
}

/// Says that a word is nothing of the image, and what may have been meant.
fn absent(record: &Record, word: &str) -> Vec<String> {
    let name = word.strip_prefix("package:").unwrap_or(word);
    if let Some(LeftOutRecord { dependent, why }) = record.left_out.get(name) {
        return vec![format!("{name} is not in the image: {dependent} depends on it, and {why}")];
    }
    let mut lines = vec![format!("{word} is not in the image for {}", record.platform)];
    let nearest = explain::nearest_to(record, word);
    if !nearest.is_empty() {
        lines.push(format!("  did you mean {}?", nearest.join(", ")));
    }
    lines
}

/// Answers as text; those of several platforms are one where they are the same.
fn text(answers: &[Answer]) -> String {
    let mut texts: Vec<(&str, Vec<&str>)> = vec![];
    for answer in answers.iter().filter(|answer| !answer.text.is_empty()) {
        match texts.iter_mut().find(|(text, _)| *text == answer.text) {
            Some((_, platforms)) => platforms.push(&answer.platform),
            None => texts.push((&answer.text, vec![&answer.platform])),
        }
    }
    match &texts[..] {
        [(text, platforms)] if platforms.len() == answers.len() => (*text).to_owned(),
        _ => texts.iter().map(|(text, platforms)| format!("[{}]\n{text}", platforms.join(", "))).collect(),
    }
}

fn json(answers: &[Answer]) -> String {
    answers.iter().flat_map(|answer| &answer.json).map(|object| format!("{object}\n")).collect()
}

/// What else there is to know about the answers.
fn notes(records: &[Record], errors: usize) {
    if records.iter().any(|record| record.basis == explain::Basis::Derived) {
        show::stderr("note: found in the image itself, which does not say what its builder was told");
    }
    if errors > 0 {
        let s = if errors == 1 { "" } else { "s" };
        show::stderr(&format!(
            "note: the image would not be built: {errors} error{s}; `bantam check` shows them"
        ));
    }
}
