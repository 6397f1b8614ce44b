//! What Maven or Gradle is told to make.

use super::{
    super::project::{Project, name_of},
    jars::QUARKUS,
};
use regex::Regex;

/// Words of a build that makes a jar with all dependencies in it, or one that names them.
const WHOLE: &[&str] = &[
    "spring-boot-maven-plugin",
    "org.springframework.boot",
    "maven-shade-plugin",
    "shadow",
    "quarkus",
    "micronaut",
    "maven-assembly-plugin",
    "addClasspath",
    "Class-Path",
];
/// Words of a build that says which class starts.
const STARTABLE: &[&str] = &["Main-Class", "mainClass"];

/// A build: the jar that it makes, its file, the command.
pub(super) struct Build<'a> {
    pub file: String,
    pub text: &'a str,
    pub jar: String,
    pub command: String,
    /// Has it libraries that the program runs with?
    has_dependencies: bool,
}

impl<'a> Build<'a> {
    /// The build of a module: the folder of it, with a slash at its end, or nothing for the project's own.
    pub fn of(project: &'a Project, module: &str) -> Option<Self> {
        maven(project, module).or_else(|| gradle(project, module))
    }

    /// Does it make a jar that `java -jar` starts?
    pub fn is_startable(&self) -> bool {
        STARTABLE.iter().chain(WHOLE).any(|word| self.text.contains(word))
    }

    /// Does it make a jar that lacks the libraries which the program runs with?
    pub fn is_thin(&self) -> bool {
        self.has_dependencies && !WHOLE.iter().any(|word| self.text.contains(word))
    }
}

/// The modules of a project that is nothing but their frame, in their order: folders with a slash at their ends.
pub(super) fn modules(project: &Project) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    let mut add = |folder: &str| {
        let folder = folder.trim_matches('/');
        let is_plain = !folder.is_empty() && !folder.split('/').any(|part| matches!(part, "" | "." | ".."));
        found.extend(is_plain.then(|| format!("{folder}/")));
    };
    if let Some(text) = project.text("pom.xml") {
        captures(text, r"<module>\s*([^<]*?)\s*</module>").iter().for_each(|name| add(name));
    } else if let Some(text) = settings(project) {
        for line in text.lines().filter(|line| line.trim_start().starts_with("include")) {
            captures(line, r#"["']:?([A-Za-z0-9_.:-]+)["']"#)
                .iter()
                .for_each(|name| add(&name.replace(':', "/")));
        }
    }
    found
}

fn maven<'a>(project: &'a Project, module: &str) -> Option<Build<'a>> {
    let file = format!("{module}pom.xml");
    let text = project.text(&file)?;
    let own =
        without(text, &["parent", "dependencies", "dependencyManagement", "build", "profiles", "modules"]);
    // Modules have properties of the project that they are of.
    let above = if module.is_empty() { "" } else { project.text("pom.xml").unwrap_or_default() };
    let properties = format!("{own}{above}");
    let value = |text: &str, name: &str| {
        Some(expand(
            &captures(text, &format!(r"<{name}>\s*([^<]*?)\s*</{name}>")).into_iter().next()?,
            &properties,
        ))
    };
    if value(&own, "packaging").is_some_and(|packaging| !["jar", "quarkus"].contains(&&*packaging)) {
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
    let jar = made(text, &format!("{module}target"), &name, &name);
    let listed = without(text, &["dependencyManagement", "build", "profiles"]);
    let dependencies = captures(&listed, r"(?s)<dependency>(.*?)</dependency>");
    let runs_with = |dependency: &String| {
        !["<scope>test", "<scope>provided", "<optional>true"].iter().any(|word| dependency.contains(word))
    };
    let has_dependencies = dependencies.iter().any(runs_with);
    Some(Build { file, text, jar, command, has_dependencies })
}

fn gradle<'a>(project: &'a Project, module: &str) -> Option<Build<'a>> {
    let files = ["build.gradle", "build.gradle.kts"].map(|name| format!("{module}{name}"));
    let file = files.into_iter().find(|file| project.has(file))?;
    let text = project.text(&file)?;
    let found = |text: Option<&str>, pattern: &str| captures(text?, pattern).into_iter().next();
    let name = match module.trim_end_matches('/') {
        "" => found(settings(project), r#"rootProject\.name\s*=\s*["']([^"'$]+)["']"#)
            .unwrap_or_else(|| project.name.clone()),
        module => name_of(module).to_owned(),
    };
    let version = found(Some(text), r#"(?m)^\s*version\s*=?\s*["']([^"'$]+)["']"#)
        .or_else(|| found(project.text("gradle.properties"), r"(?m)^\s*version\s*=\s*(\S+)"));
    let full = version.map_or_else(|| name.clone(), |version| format!("{name}-{version}"));
    let jar = made(text, &format!("{module}build"), &format!("libs/{full}"), &full);
    let command = if project.has("gradlew") { "./gradlew" } else { "gradle" };
    let command = format!("{command} assemble");
    let has_dependencies = !captures(text, r#"(?m)^\s*(implementation|api|runtimeOnly)\b"#).is_empty();
    Some(Build { file, text, jar, command, has_dependencies })
}

/// The jar that a build makes in a folder, `plain` or, of Quarkus, another beside all that it starts.
fn made(text: &str, folder: &str, plain: &str, name: &str) -> String {
    let is_quarkus = ["quarkus-maven-plugin", "io.quarkus"].iter().any(|word| text.contains(word));
    match (is_quarkus, text.contains("uber-jar")) {
        (false, _) => format!("{folder}/{plain}.jar"),
        (true, false) => format!("{folder}/{QUARKUS}"),
        (true, true) => format!("{folder}/{name}-runner.jar"),
    }
}

fn settings(project: &Project) -> Option<&str> {
    project.first(&["settings.gradle", "settings.gradle.kts"]).and_then(|file| project.text(file))
}

/// What a pattern finds in a text: the first group of each match.
fn captures(text: &str, pattern: &str) -> Vec<String> {
    let Ok(pattern) = Regex::new(pattern) else { return vec![] };
    pattern.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str().to_owned())).collect()
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
    let found = captures(document, &format!(r"<{0}>\s*([^<]*?)\s*</{0}>", regex::escape(name)));
    found.into_iter().next().unwrap_or_else(|| value.into())
}
