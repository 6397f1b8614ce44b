//! Java: a runtime of the modules that an application needs, its dependencies, and itself.

mod app;
mod boot;
mod class;
mod class_path;
mod jar;
mod jdeps;
mod jdk;
mod manifest;
mod modules;
mod needs;
mod runtime;
mod scan;
mod tools;
mod truststore;

use crate::{Ask, LanguageError};
use app::App;
use jdk::Jdk;
use modules::Uses;
use needs::{Failure, Needs};
use plan::{
    Brought,
    finding::Problem,
    nearest,
    spec::{Java, Line, Modules, RuntimeSource},
};
use std::collections::BTreeSet;
use tools::Tools;
use tree::TreePath;

/// The releases of Java with long support that distributions have, the newest first: an old program runs on a new Java, and
/// not the other way round.
const RELEASES: [u32; 4] = [25, 21, 17, 11];
/// What Debian and Ubuntu call what draws text.
const TEXT: [&str; 3] = ["libfontconfig1", "fontconfig-config", "fonts-dejavu-core"];
/// What they call what has the locale C.UTF-8.
const LOCALE: &str = "libc-bin";

/// What a Java application brings to its image.
///
/// # Errors
/// As [`crate::bring`].
pub(crate) fn bring(ask: &Ask<'_>, table: &Java) -> Result<Brought, LanguageError> {
    let mut brought = Brought::default();
    let Some(jdk) = kit(ask)? else {
        brought.problems.push(Problem::NoRuntime {
            language: "Java",
            what: "JDK with jlink and what it links".into(),
            packages: vec!["default-jdk-headless".into()],
            fix: None,
            line: table.line,
        });
        return Ok(brought);
    };
    match with_kit(ask, table, &jdk, &mut brought) {
        Ok(()) => Ok(brought),
        Err(Failure::Other(error)) => Err(error),
        Err(Failure::Jar(package, jar::Damaged(why))) => {
            brought.problems.push(Problem::DamagedPackage { package, why, line: table.line });
            Ok(brought)
        }
    }
}

/// The packages of a suite that it needs, each by its names in several releases. No file of them enters by itself: a runtime
/// is made of them.
pub(crate) fn packages(table: &Java) -> Vec<Vec<String>> {
    let kit = RELEASES.iter().map(|release| format!("openjdk-{release}-jdk-headless")).collect();
    let may_draw = match &table.modules {
        Modules::Auto => true,
        Modules::Named(names) => Uses::of(&names.iter().cloned().collect()).text,
    };
    let text = TEXT.iter().filter(|_| may_draw).map(|name| vec![(*name).to_owned()]);
    [kit, vec![LOCALE.to_owned()]].into_iter().chain(text).collect()
}

/// The kit of the source that a runtime is linked of.
fn kit(ask: &Ask<'_>) -> Result<Option<Jdk>, LanguageError> {
    if ask.spec.runtime.source == RuntimeSource::Host {
        // The one that people see when they run Java.
        let home = tools::home_here().and_then(|home| TreePath::parse(home.to_str()?).ok());
        if let Some(jdk) = home.map(|home| Jdk::at(ask.runtime, &home)).transpose()?.flatten() {
            return Ok(Some(jdk));
        }
    }
    Jdk::newest(ask.runtime)
}

fn with_kit(ask: &Ask<'_>, table: &Java, jdk: &Jdk, brought: &mut Brought) -> Result<(), Failure> {
    let line = table.line;
    let app = table.jar.as_ref().map(|jar| App::open(ask, jar)).transpose()?;
    let tools = Tools::find(ask, jdk)?;
    let identity = jdk.identity(ask.runtime)?;
    let cache = ask.workshop.cache;
    let needs = match &app {
        Some(app) => {
            // Modules that are named are not asked for.
            let asked = Some(&tools).filter(|_| table.modules == Modules::Auto);
            Some(needs::needs(cache, &app.parts(), jdk, &identity, asked)?)
        }
        None => None,
    };
    if let Some((app, needs)) = app.as_ref().zip(needs.as_ref()) {
        app.put(brought, line)?;
        judge(ask, app, needs, jdk, brought, line);
    }
    let (modules, uses) = match (&table.modules, &needs) {
        (Modules::Auto, Some(needs)) => (needs.modules.clone(), needs.uses),
        (modules, _) => {
            let modules = match modules {
                Modules::Named(names) => named(names, jdk, brought, line),
                Modules::Auto => modules::whole().intersection(&jdk.modules).cloned().collect(),
            };
            let uses = Uses::of(&modules);
            (modules, uses)
        }
    };
    let modules: BTreeSet<String> = modules.into_iter().chain(["java.base".to_owned()]).collect();
    let runtime = runtime::link(ask, jdk, &identity, &tools, &modules)?;
    runtime::put(brought, ask, jdk, &runtime, uses, line)?;
    ask.made_of(&jdk.home, identity, &mut brought.pins);
    Ok(())
}

/// Tells what is wrong with an application, and how it is run.
fn judge(ask: &Ask<'_>, app: &App, needs: &Needs, jdk: &Jdk, brought: &mut Brought, line: Line) {
    if let Some((jar, class, release)) = needs.newest.clone().filter(|(_, _, release)| *release > jdk.feature)
    {
        brought.problems.push(Problem::NewerClasses { jar, class, needs: release, has: jdk.feature, line });
    }
    for missing in app.missing() {
        brought.problems.push(Problem::MissingModule {
            module: missing.clone(),
            needed_by: "the Class-Path of the jar".into(),
            fix: "put it beside the jar before the image is built, or take it off the Class-Path".into(),
            line,
        });
    }
    let config = &ask.spec.config;
    match app.process(needs.start.as_deref()) {
        Some(process) => brought.entrypoint = process,
        None if config.entrypoint.is_empty() && config.cmd.is_empty() => {
            brought.problems.push(app.no_main(line))
        }
        None => {}
    }
}

/// The modules that a spec names, as far as there are such.
fn named(names: &[String], jdk: &Jdk, brought: &mut Brought, line: Line) -> BTreeSet<String> {
    let (known, unknown): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| jdk.modules.contains(*name));
    for name in unknown {
        let fix = match nearest(name, jdk.modules.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("`java --list-modules` of Java {} tells which there are", jdk.feature),
        };
        brought.problems.push(Problem::MissingModule {
            module: name.clone(),
            needed_by: "`modules` of [java]".into(),
            fix,
            line,
        });
    }
    known.into_iter().cloned().collect()
}
