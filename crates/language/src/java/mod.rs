//! Java: a runtime of the modules that an application needs, its dependencies, and itself.

mod app;
mod boot;
mod class;
mod class_path;
mod jar;
mod jdeps;
mod jdk;
mod judge;
mod launch;
mod manifest;
mod modules;
mod natives;
mod needs;
mod quarkus;
mod references;
mod runtime;
mod scan;
mod tools;
mod truststore;

use crate::{Ask, LanguageError};
use app::App;
use jdk::Jdk;
use modules::Uses;
use natives::Loads;
use needs::{Failure, Needs, Part};
use plan::{
    Brought, PackedNeed,
    finding::Problem,
    nearest,
    spec::{Java, Line, Modules, RuntimeSource},
};
use scan::Target;
use std::collections::BTreeSet;
use tools::Tools;
use tree::{Content, Entry, TreePath, View as _};

/// The releases of Java with long support that distributions have, the newest first: an old program runs on a new Java, and
/// not the other way round.
const RELEASES: [u32; 4] = [25, 21, 17, 11];
/// What Debian and Ubuntu call what draws text.
const TEXT: [&str; 3] = ["libfontconfig1", "fontconfig-config", "fonts-dejavu-core"];
/// What they call what has the locale C.UTF-8.
const LOCALE: &str = "libc-bin";
/// The module that loads agents.
const AGENTS: &str = "java.instrument";

/// What the manifest of a jar says of how it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JarStart {
    /// Does it name a class that starts?
    pub has_main: bool,
    /// Does it name libraries?
    pub has_class_path: bool,
}

/// What the manifest of a jar says; none: it is no jar, or a damaged one.
pub fn jar_start(content: &Content) -> Option<JarStart> {
    let manifest = jar::Jar::open(content).ok()?.manifest().ok()?;
    let has = |name| manifest.get(name).is_some();
    Some(JarStart { has_main: has("Main-Class"), has_class_path: has("Class-Path") })
}

/// What a Java application brings to its image.
///
/// # Errors
/// As [`crate::bring`].
pub(crate) fn bring(ask: &Ask<'_>, table: &Java) -> Result<Brought, LanguageError> {
    let mut brought = Brought::default();
    if ask.spec.runtime.source == RuntimeSource::Host && ask.platform.architecture != ask.workshop.builder {
        brought.problems.push(Problem::UnfitPackage {
            package: "the JDK of this machine".into(),
            why: format!("it runs on {}, and the image is for {}", ask.workshop.builder.oci(), ask.platform),
            fix: "take the runtime from a suite: source = \"debian:bookworm\"".into(),
            line: table.line,
        });
        return Ok(brought);
    }
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
        Err(Failure::Unfit(problem)) => {
            brought.problems.push(*problem);
            Ok(brought)
        }
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
    let app = table.jar.as_ref().map(|jar| App::open(ask, jar, line)).transpose()?;
    let tools = Tools::find(ask, jdk)?;
    let identity = jdk.identity(ask.runtime)?;
    let cache = ask.workshop.cache;
    let config = &ask.spec.config;
    let main = app.as_ref().and_then(|app| judge::main_of(config, app));
    let agents = launch::agents(config);
    let needs = match &app {
        Some(app) => {
            let main = main.as_ref().map(|(class, _)| class.clone());
            let target = Target { feature: jdk.feature, loads: Loads::of(ask.runtime, jdk)?, main };
            let parts = [app.parts(), of_agents(ask, &agents)?].concat();
            // Modules that are named are not asked for.
            let asked = Some(&tools).filter(|_| table.modules == Modules::Auto);
            Some(needs::needs(cache, &parts, &target, jdk, &identity, asked)?)
        }
        None => None,
    };
    if let Some((app, needs)) = app.as_ref().zip(needs.as_ref()) {
        app.put(brought, line)?;
        judge::judge(ask, app, needs, main, jdk, brought, line);
        put_natives(ask, app, needs, jdk, brought)?;
    }
    let has_agents = !agents.is_empty() || app.as_ref().is_some_and(App::has_agent);
    let (modules, uses) = match (&table.modules, &needs) {
        (Modules::Auto, Some(needs)) => {
            let agents = Some(AGENTS.to_owned()).filter(|name| has_agents && jdk.modules.contains(name));
            (needs.modules.iter().cloned().chain(agents).collect(), needs.uses)
        }
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

/// The jars of agents that are among the payload: they run as the program does.
fn of_agents(ask: &Ask<'_>, agents: &[TreePath]) -> Result<Vec<Part>, LanguageError> {
    let mut parts = vec![];
    for path in agents {
        if let Some(content) = ask.payload.follow(path)?.entry.as_ref().and_then(Entry::content) {
            parts.push(Part { name: path.name().into(), content: content.clone(), is_own: false });
        }
    }
    Ok(parts)
}

/// Tells what shared objects in jars need that the virtual machine has not itself.
fn put_natives(
    ask: &Ask<'_>,
    app: &App,
    needs: &Needs,
    jdk: &Jdk,
    brought: &mut Brought,
) -> Result<(), LanguageError> {
    let program = runtime::program(jdk)?;
    for native in &needs.natives {
        if !native.is_of(ask.runtime, jdk)? {
            brought.packed.push(PackedNeed {
                program: program.clone(),
                archive: app.jar_of(&native.jar),
                object: native.object.clone(),
                soname: native.soname.clone(),
            });
        }
    }
    Ok(())
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
            sort: "module",
            needed_by: "`modules` of [java]".into(),
            fix,
            line,
        });
    }
    known.into_iter().cloned().collect()
}
