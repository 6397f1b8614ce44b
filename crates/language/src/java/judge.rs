//! What is wrong with an application, and how it is run.

use super::{app::App, jdk::Jdk, launch::Launch, needs::Needs, references::MainFault};
use crate::Ask;
use plan::{
    Brought,
    finding::Problem,
    spec::{Config, Line},
};

/// The class that the process starts, and who names it, where that is known.
pub(super) fn main_of(config: &Config, app: &App) -> Option<(String, String)> {
    let of_manifest = || Some((app.main_class()?.to_owned(), format!("the manifest of {}", app.name())));
    if has_no_process(config) {
        return of_manifest();
    }
    match Launch::of(config)? {
        Launch::Jar(jar) => of_manifest().filter(|_| app.is_all(&[jar])),
        Launch::Class(class, path) => app.is_all(&path).then(|| (class, "the process".to_owned())),
    }
}

/// Tells what is wrong with an application, and how it is run. `main` is the class that the process starts, and who names it.
pub(super) fn judge(
    ask: &Ask<'_>,
    app: &App,
    needs: &Needs,
    main: Option<(String, String)>,
    jdk: &Jdk,
    brought: &mut Brought,
    line: Line,
) {
    let problems = &mut brought.problems;
    if let Some((jar, class, release)) = needs.newest.clone().filter(|(_, _, release)| *release > jdk.feature)
    {
        problems.push(Problem::NewerClasses { jar, class, needs: release, has: jdk.feature, line });
    }
    problems.extend(app.missing().iter().map(|url| missing(url, app.name(), line)));
    let is_free = has_no_process(&ask.spec.config);
    let process = app.process(needs.start.as_deref());
    let is_module = is_free && process.as_ref().is_some_and(|words| words.iter().any(|word| word == "-m"));
    if let Some((class, named_by)) = main.filter(|_| !is_module) {
        problems.extend(of_main(app, needs, class, named_by, line));
    }
    match process {
        Some(process) => brought.entrypoint = process,
        None if is_free => problems.push(app.no_main(line)),
        None => {}
    }
}

/// Does a spec say nothing of what runs?
fn has_no_process(config: &Config) -> bool {
    config.entrypoint.is_empty() && config.cmd.is_empty()
}

/// A library of the program's `Class-Path` that is not there.
fn missing(url: &str, jar: &str, line: Line) -> Problem {
    let fix = match url.contains(':') {
        true => "name a file beside the jar: what is elsewhere does not come along",
        false => "put it beside the jar before the image is built, or take it off the Class-Path",
    };
    let needed_by = format!("the Class-Path of {jar}");
    Problem::MissingModule { sort: "library", module: url.into(), needed_by, fix: fix.into(), line }
}

/// What is wrong with the main class, and what it needs that is nowhere.
fn of_main(app: &App, needs: &Needs, class: String, named_by: String, line: Line) -> Option<Problem> {
    let jar = app.name().to_owned();
    match needs.main {
        Some(MainFault::Absent) => Some(Problem::MissingClass { class, named_by, jar, line }),
        Some(MainFault::Damaged) => {
            let why = format!("its main class {class} is cut short, or no class file");
            Some(Problem::DamagedPackage { package: jar, why, line })
        }
        None => {
            let used_by = needs.absent.values().next()?.clone();
            let packages = needs.absent.keys().cloned().collect();
            Some(Problem::MissingPackages { jar, used_by, packages, line })
        }
    }
}
