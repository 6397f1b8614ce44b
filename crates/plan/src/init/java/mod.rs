//! Java: a jar that Maven or Gradle makes.

mod build;
mod jars;

pub(super) use jars::may_be_program;

use super::{
    Language,
    dockerfile::Dockerfile,
    ports,
    project::{Project, name_of},
    sketch::{Port, Row, Sketch},
};
use build::Build;
use regex::Regex;

/// The jar of a project: what makes it, and whether it is there.
struct Program<'a> {
    jar: String,
    build: Option<Build<'a>>,
    is_there: bool,
    /// Others that may be meant.
    others: Vec<String>,
}

pub(super) fn look(project: &Project, dockerfile: &Dockerfile) -> Option<Sketch> {
    let Program { jar, build, is_there, others } = own(project).or_else(|| of_modules(project))?;
    let text = build.as_ref().map_or("", |build| build.text);
    let is_spring = text.contains("spring-boot") || text.contains("org.springframework.boot");
    let what = if is_spring { "a Spring Boot application" } else { "a Java program" };
    let evidence = build.as_ref().map_or(jar.as_str(), |build| &build.file).to_owned();
    let mut sketch = Sketch::new(Language::Java, what, evidence);
    sketch.workdir = Some("/app");
    sketch.source(project.release.as_deref());
    let command = build.as_ref().filter(|_| !is_there).map(|build| build.command.clone());
    let why = command.as_ref().map_or_else(String::new, |command| format!("made by: {command}"));
    sketch.table = Some(("java", vec![Row::text("jar", &jar, why)]));
    sketch.before.extend(command);
    if !others.is_empty() {
        sketch.notes.push(format!("there are other jars: {}", others.join(", ")));
    }
    let sources = project.sources(&["java", "kt", "properties", "yml", "yaml"]);
    let name = name_of(&jar);
    // What is built says it itself.
    let is_startable =
        jars::has_main(project, &jar).unwrap_or_else(|| build.as_ref().is_none_or(Build::is_startable));
    match start(&sources, name).filter(|_| !is_startable) {
        Some(entrypoint) => sketch.entrypoint = entrypoint,
        None if !is_startable => {
            sketch.is_sure = false;
            sketch.notes.push(format!("{name} must say in its manifest which class starts (Main-Class)"));
        }
        None => {}
    }
    let is_whole = jars::is_whole(&jar) || jars::has_class_path(project, &jar);
    if build.as_ref().is_some_and(Build::is_thin) && !is_whole {
        sketch.notes.push(format!(
            "the dependencies are not in {name}: make one jar of all (Maven's shade plugin, Gradle's shadow), or \
             put them beside it and name them in its Class-Path"
        ));
    }
    let default = is_spring.then(|| Port { number: 8080, from: "the default of Spring Boot".into() });
    sketch.port = ports::find(sources).or(default);
    // Java's own options; the jar is named by the spec.
    let options: Vec<String> =
        dockerfile.command().into_iter().filter(|word| word.starts_with("-X")).collect();
    if !options.is_empty() {
        sketch.env.insert("JAVA_TOOL_OPTIONS".into(), options.join(" "));
    }
    Some(sketch)
}

/// The jar of the project's own build, whether it is made or not. Of those that are, one counts that starts.
fn own(project: &Project) -> Option<Program<'_>> {
    let build = Build::of(project, "");
    let there = jars::of_module(project, "");
    let named = build.as_ref().map(|build| build.jar.as_str());
    let starts = |jar: &&str| jars::has_main(project, jar) == Some(true);
    let is_named = |jar: &&&str| Some(**jar) == named;
    let programs: Vec<&str> = there.iter().copied().filter(starts).collect();
    let found = programs.iter().find(|jar| jars::is_whole(jar)).or_else(|| programs.iter().find(is_named));
    let found = found.or(programs.first());
    let found = found.or_else(|| there.iter().find(is_named)).or(there.first()).copied();
    let jar = found.or(named)?.to_owned();
    let others = there.into_iter().filter(|other| *other != jar).map(String::from).collect();
    Some(Program { jar, build, is_there: found.is_some(), others })
}

/// The jar of the first module that starts, made or not.
fn of_modules(project: &Project) -> Option<Program<'_>> {
    let modules = build::modules(project);
    let mut made = modules.iter().filter_map(|module| {
        let jars = jars::of_module(project, module);
        let jar = jars.into_iter().find(|jar| jars::has_main(project, jar) == Some(true))?;
        Some((jar.to_owned(), Build::of(project, module)))
    });
    if let Some((jar, build)) = made.next() {
        return Some(Program { jar, build, is_there: true, others: made.map(|(jar, _)| jar).collect() });
    }
    let builds = modules.iter().filter_map(|module| Build::of(project, module));
    let mut builds = builds.filter(Build::is_startable);
    let build = builds.next()?;
    let others = builds.map(|build| build.jar).collect();
    Some(Program { jar: build.jar.clone(), build: Some(build), is_there: false, others })
}

/// How the class that has `main` is started, as a module where it is of one.
fn start(sources: &[(&str, &str)], jar: &str) -> Option<Vec<String>> {
    let of = |pattern: &str, text: &str| {
        Some(Regex::new(pattern).ok()?.captures(text)?.get(1)?.as_str().to_owned())
    };
    let (path, text) = sources.iter().find(|(path, text)| {
        path.ends_with(".java") && text.contains("static void main(") && text.contains("String")
    })?;
    let class = name_of(path).strip_suffix(".java")?;
    let class = match of(r"(?m)^\s*package\s+([A-Za-z0-9_.]+)\s*;", text) {
        Some(package) => format!("{package}.{class}"),
        None => class.into(),
    };
    let module = sources.iter().find(|(path, _)| name_of(path) == "module-info.java");
    let module = module.and_then(|(_, text)| of(r"(?m)^\s*(?:open\s+)?module\s+([A-Za-z0-9_.]+)\s*\{", text));
    let words = match module {
        Some(module) => {
            ["java".into(), "-p".into(), format!("/app/{jar}"), "-m".into(), format!("{module}/{class}")]
                .to_vec()
        }
        None => vec!["java".into(), "-cp".into(), format!("/app/{jar}"), class],
    };
    Some(words)
}
