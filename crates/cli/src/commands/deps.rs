//! `bantam deps`: the libraries of a program, as a tree or as JSON Lines.

use crate::{
    args, exit,
    show::{self, plain},
};
use bantam::{Deps, Error};
use elf::Closure;
use serde::Serialize;
use std::{collections::BTreeSet, env, process::ExitCode};
use tree::TreePath;

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    program: &'a str,
    interpreter: Option<&'a str>,
    libraries: Vec<Library<'a>>,
    missing: Vec<Missing<'a>>,
    unsatisfied: Vec<Unsatisfied<'a>>,
    unversioned: Vec<Unversioned<'a>>,
}

#[derive(Serialize)]
struct Library<'a> {
    soname: &'a str,
    path: &'a str,
    needed_by: Vec<&'a str>,
    rule: &'a str,
}

#[derive(Serialize)]
struct Missing<'a> {
    soname: &'a str,
    needed_by: Vec<&'a str>,
}

#[derive(Serialize)]
struct Unsatisfied<'a> {
    version: &'a str,
    library: &'a str,
    needed_by: Vec<&'a str>,
}

#[derive(Serialize)]
struct Unversioned<'a> {
    library: &'a str,
    needed_by: Vec<&'a str>,
}

pub fn run(args: &args::Deps) -> Result<ExitCode, Error> {
    let path = match (&args.root, env::var("PATH")) {
        (None, Ok(path)) => path,
        _ => plan::DEFAULT_PATH.into(),
    };
    let (good, bad): (Vec<_>, Vec<_>) =
        bantam::deps(&args.files, args.root.as_deref(), &path)?.into_iter().partition(Result::is_ok);
    let mut text = String::new();
    let mut worst = 0;
    for deps in good.iter().flatten() {
        if !deps.is_complete() {
            worst = exit::FINDINGS;
        }
        if args.json {
            // Every field is plain text: this cannot fail.
            text.push_str(&serde_json::to_string(&line(deps)).unwrap_or_default());
            text.push('\n');
        } else {
            draw(deps, &mut text);
        }
    }
    let printed = show::stdout(&text);
    for error in bad.into_iter().filter_map(Result::err) {
        worst = worst.max(exit::tell(&error));
    }
    Ok(if worst > 0 { ExitCode::from(worst) } else { printed })
}

fn line(deps: &Deps) -> Line<'_> {
    let mut line = Line {
        program: &deps.program,
        interpreter: deps.interpreters.first().map(String::as_str),
        libraries: vec![],
        missing: vec![],
        unsatisfied: vec![],
        unversioned: vec![],
    };
    let Some(closure) = &deps.closure else {
        if let Some((soname, before)) = deps.interpreters.split_last() {
            let by = before.last().unwrap_or(&deps.program);
            line.missing.push(Missing { soname, needed_by: vec![by] });
        }
        return line;
    };
    let interpreter = closure.interpreter.as_ref();
    line.interpreter = line.interpreter.or(interpreter.map(|interpreter| &*interpreter.written));
    line.libraries = closure
        .libraries
        .iter()
        .map(|library| Library {
            soname: &library.soname,
            path: library.path.as_str(),
            needed_by: names(&library.needed_by),
            rule: library.rule.as_str(),
        })
        .collect();
    line.missing = closure
        .missing
        .iter()
        .map(|missing| Missing { soname: &missing.soname, needed_by: names(&missing.needed_by) })
        .collect();
    if let Some(interpreter) = interpreter.filter(|interpreter| !interpreter.is_found()) {
        line.missing
            .push(Missing { soname: &interpreter.written, needed_by: vec![closure.program.as_str()] });
    }
    line.unsatisfied = closure
        .unsatisfied
        .iter()
        .map(|unsatisfied| Unsatisfied {
            version: &unsatisfied.version,
            library: unsatisfied.library.as_str(),
            needed_by: names(&unsatisfied.needed_by),
        })
        .collect();
    line.unversioned = closure
        .unversioned
        .iter()
        .map(|unversioned| Unversioned {
            library: unversioned.library.as_str(),
            needed_by: names(&unversioned.needed_by),
        })
        .collect();
    line
}

fn names(paths: &[TreePath]) -> Vec<&str> {
    paths.iter().map(TreePath::as_str).collect()
}

/// Draws a closure as a tree: below each object what it needs, each library in full only once.
fn draw(deps: &Deps, text: &mut String) {
    text.push_str(&plain(&deps.program));
    let before = deps.interpreters.split_last().map_or(&[][..], |(_, before)| before);
    for script in before {
        text.push_str(&format!("  interpreted by {}", plain(script)));
    }
    match (deps.interpreters.last(), &deps.closure) {
        (Some(name), None) => text.push_str(&format!("\n└── {}  MISSING\n", plain(name))),
        (None, None) => text.push('\n'),
        (script, Some(closure)) => {
            if script.is_some() {
                text.push_str(&format!("  interpreted by {}", plain(closure.program.as_str())));
            }
            match &closure.interpreter {
                Some(interpreter) if interpreter.is_found() => {
                    text.push_str(&format!("  loaded by {}\n", plain(&interpreter.written)));
                }
                Some(interpreter) => {
                    text.push_str(&format!("  loaded by {}  MISSING\n", plain(&interpreter.written)))
                }
                None if closure.libraries.is_empty() => text.push_str("  needs no library\n"),
                None => text.push('\n'),
            }
            let mut drawn = BTreeSet::new();
            branch(closure, &closure.program, "", &mut drawn, text);
            for unsatisfied in &closure.unsatisfied {
                let by = names(&unsatisfied.needed_by).join(", ");
                let lack = format!("{} lacks {}, needed by {by}", unsatisfied.library, unsatisfied.version);
                text.push_str(&format!("{}\n", plain(&lack)));
            }
        }
    }
}

fn branch<'a>(
    closure: &'a Closure,
    of: &TreePath,
    indent: &str,
    drawn: &mut BTreeSet<&'a TreePath>,
    text: &mut String,
) {
    let libraries = closure.libraries.iter().filter(|library| library.needed_by.contains(of));
    let missing = closure.missing.iter().filter(|missing| missing.needed_by.contains(of));
    let mut rows: Vec<(String, Option<&TreePath>)> = libraries
        .map(|library| {
            let row = format!("{} => {}  ({})", library.soname, library.path, library.rule);
            (row, Some(&library.path))
        })
        .collect();
    rows.extend(missing.map(|missing| {
        let why =
            missing.found_but.as_ref().map(|(path, why)| format!(" ({path}: {why})")).unwrap_or_default();
        (format!("{}  MISSING{why}", missing.soname), None)
    }));
    let last = rows.len();
    for (index, (row, path)) in rows.into_iter().enumerate() {
        let (branch_text, below) =
            if index + 1 == last { ("└── ", "    ") } else { ("├── ", "│   ") };
        text.push_str(&format!("{indent}{branch_text}{}\n", plain(&row)));
        if let Some(path) = path.filter(|path| drawn.insert(path)) {
            branch(closure, path, &format!("{indent}{below}"), drawn, text);
        }
    }
}
