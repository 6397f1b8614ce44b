//! Java: a jar that Maven or Gradle makes.

use super::{
    Language,
    dockerfile::Dockerfile,
    ports,
    project::{Project, name_of},
    sketch::{Port, Row, Sketch},
};
use regex::Regex;

/// Jars beside the program's own.
const NOT_PROGRAMS: &[&str] = &["-sources", "-javadoc", "-tests", "-test", "-plain", "-stubs"];

/// Words of a build that makes a jar which `java -jar` starts.
const STARTABLE: &[&str] = &[
    "spring-boot-maven-plugin",
    "org.springframework.boot",
    "Main-Class",
    "mainClass",
    "maven-shade-plugin",
    "shadow",
    "quarkus",
    "micronaut",
    "maven-assembly-plugin",
];

/// A build: the jar that it makes, its file, the command.
struct Build<'a> {
    file: &'a str,
    text: &'a str,
    jar: String,
    command: String,
}

pub(super) fn look(project: &Project, dockerfile: &Dockerfile) -> Option<Sketch> {
    let build = maven(project).or_else(|| gradle(project));
    let jars = jars(project);
    let named = build.as_ref().map(|build| build.jar.as_str());
    let there = jars.iter().find(|jar| Some(**jar) == named).or(jars.first()).copied();
    let jar = there.or(named)?.to_owned();
    let text = build.as_ref().map_or("", |build| build.text);
    let is_spring = text.contains("spring-boot") || text.contains("org.springframework.boot");
    let what = if is_spring { "a Spring Boot application" } else { "a Java program" };
    let evidence = build.as_ref().map_or(jar.as_str(), |build| build.file).to_owned();
    let mut sketch = Sketch::new(Language::Java, what, evidence);
    sketch.workdir = Some("/app");
    sketch.source(project.release.as_deref());
    let why = match (&build, there) {
        (Some(build), None) => format!("made by: {}", build.command),
        _ => String::new(),
    };
    sketch.table = Some(("java", vec![Row::text("jar", &jar, why)]));
    if let (Some(build), None) = (&build, there) {
        sketch.before.push(build.command.clone());
    }
    if jars.len() > 1 {
        let others: Vec<&str> = jars.iter().copied().filter(|other| *other != jar).collect();
        sketch.notes.push(format!("there are other jars: {}", others.join(", ")));
    }
    let sources = project.sources(&["java", "kt", "properties", "yml", "yaml"]);
    let name = name_of(&jar);
    let is_startable = build.is_none() || STARTABLE.iter().any(|word| text.contains(word));
    match start(&sources, name).filter(|_| !is_startable) {
        Some(entrypoint) => sketch.entrypoint = entrypoint,
        None if !is_startable => {
            sketch.is_sure = false;
            sketch.notes.push(format!("{name} must say in its manifest which class starts (Main-Class)"));
        }
        None => {}
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

/// The jars that are there and may be programs, those with the shortest names first.
fn jars(project: &Project) -> Vec<&str> {
    let is_program = |path: &&str| {
        let Some(stem) = path.strip_suffix(".jar") else { return false };
        let place = stem.rsplit_once('/').map_or("", |(folder, _)| folder);
        ["target", "build/libs"].contains(&place)
            && !NOT_PROGRAMS.iter().any(|end| stem.ends_with(end))
            && !name_of(stem).starts_with("original-")
    };
    let mut jars: Vec<&str> = project.files.keys().map(String::as_str).filter(is_program).collect();
    jars.sort_by_key(|jar| (jar.len(), *jar));
    jars
}

fn maven(project: &Project) -> Option<Build<'_>> {
    let text = project.text("pom.xml")?;
    let own =
        without(text, &["parent", "dependencies", "dependencyManagement", "build", "profiles", "modules"]);
    let value = |text: &str, name: &str| {
        let found = Regex::new(&format!(r"<{name}>\s*([^<]*?)\s*</{name}>")).ok()?.captures(text)?;
        Some(expand(found.get(1)?.as_str(), &own))
    };
    if value(&own, "packaging").is_some_and(|packaging| packaging != "jar") {
        return None;
    }
    let artifact = value(&own, "artifactId")?;
    let parent = Regex::new(r"(?s)<parent>.*?</parent>").ok()?.find(text).map_or("", |found| found.as_str());
    let version = value(&own, "version").or_else(|| value(parent, "version"))?;
    let name = value(text, "finalName").unwrap_or_else(|| format!("{artifact}-{version}"));
    let name = name.replace("${project.artifactId}", &artifact).replace("${project.version}", &version);
    // A variable that only Maven knows.
    if name.contains("${") {
        return None;
    }
    let command = if project.has("mvnw") { "./mvnw" } else { "mvn" };
    let command = format!("{command} --batch-mode package");
    Some(Build { file: "pom.xml", text, jar: format!("target/{name}.jar"), command })
}

fn gradle(project: &Project) -> Option<Build<'_>> {
    let file = project.first(&["build.gradle", "build.gradle.kts"])?;
    let text = project.text(file)?;
    let found = |text: Option<&str>, pattern: &str| {
        Some(Regex::new(pattern).ok()?.captures(text?)?.get(1)?.as_str().to_owned())
    };
    let settings =
        project.first(&["settings.gradle", "settings.gradle.kts"]).and_then(|file| project.text(file));
    let name = found(settings, r#"rootProject\.name\s*=\s*["']([^"'$]+)["']"#)
        .unwrap_or_else(|| project.name.clone());
    let version = found(Some(text), r#"(?m)^\s*version\s*=?\s*["']([^"'$]+)["']"#)
        .or_else(|| found(project.text("gradle.properties"), r"(?m)^\s*version\s*=\s*(\S+)"));
    let jar = match version {
        Some(version) => format!("build/libs/{name}-{version}.jar"),
        None => format!("build/libs/{name}.jar"),
    };
    let command = if project.has("gradlew") { "./gradlew" } else { "gradle" };
    Some(Build { file, text, jar, command: format!("{command} assemble") })
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

/// A document without these elements.
fn without(text: &str, elements: &[&str]) -> String {
    elements.iter().fold(text.to_owned(), |text, name| {
        match Regex::new(&format!(r"(?s)<{name}>.*?</{name}>")) {
            Ok(pattern) => pattern.replace_all(&text, "").into_owned(),
            Err(_) => text,
        }
    })
}

/// A value with the properties that it names.
fn expand(value: &str, document: &str) -> String {
    let Some(name) = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return value.into();
    };
    let pattern = Regex::new(&format!(r"<{0}>\s*([^<]*?)\s*</{0}>", regex::escape(name)));
    let found =
        pattern.ok().and_then(|pattern| Some(pattern.captures(document)?.get(1)?.as_str().to_owned()));
    found.unwrap_or_else(|| value.into())
}
