//! Node.js: `package.json`, and how it says that the program starts.

use super::{
    Language,
    dockerfile::Dockerfile,
    ports,
    project::{Project, name_of},
    python::payload,
    sketch::{Files, Port, Row, Sketch},
};
use crate::spec::toml_text;
use serde_json::Value;

/// What of a project's folder no running program needs.
const EXCLUDED: &[&str] = &[
    ".git",
    "**/node_modules",
    "**/.env",
    "**/.env.*",
    "coverage",
    "test",
    "tests",
    "__tests__",
    "**/*.test.*",
    "Dockerfile*",
    "bantam.*",
];

/// What holds secrets of the machine that it lies on.
const SECRETS: &[&str] = &["**/.env", "**/.env.*"];

/// Lock files that `[node]` installs from.
const LOCKS: &[&str] = &["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml"];

/// Where Next.js puts a server with all that it needs.
const STANDALONE: &str = ".next/standalone/";

/// How a program starts.
struct Start {
    /// Arguments of `node`, the script among them.
    arguments: Vec<String>,
    /// Variables that stand before the command.
    env: Vec<(String, String)>,
    /// The script, relative to the project.
    script: String,
    /// Does the project say so? Else it is guessed by a file's name.
    is_said: bool,
}

pub(super) fn look(project: &Project, dockerfile: &Dockerfile) -> Option<Sketch> {
    let package: Value = serde_json::from_str(project.text("package.json")?).ok()?;
    let version = version(project, dockerfile, &package);
    if depends_on(&package, "next") {
        return Some(next(project, dockerfile, version));
    }
    let start = start(project, dockerfile, &package)?;
    let mut sketch = Sketch::new(Language::Node, what(&package), "package.json");
    sketch.is_sure = start.is_said;
    sketch.entrypoint = [vec!["node".into()], start.arguments].concat();
    sketch.env.extend(start.env);
    sketch.env.entry("NODE_ENV".into()).or_insert_with(|| "production".into());
    sketch.workdir = Some("/app");
    sketch.source(project.release.as_deref());
    let mut rows = vec![Row::text("project", ".", "dependencies, as the lock file has them")];
    rows.extend(version.map(|(version, why)| Row::text("version", &version, why)));
    sketch.table = Some(("node", rows));

    if project.first(LOCKS).is_none() {
        sketch.before.push("npm install --package-lock-only".into());
    }
    let mut excluded = EXCLUDED.to_vec();
    let is_made = !project.has(&start.script);
    if is_made && package.pointer("/scripts/build").is_some() {
        sketch.before.push(build(project).into());
    } else if is_made {
        sketch.notes.push(format!("{} is not there yet", start.script));
    }
    // What is compiled is not needed where the result is.
    if start.script.starts_with("dist/") || start.script.starts_with("build/") {
        excluded.extend(["src", "tsconfig*.json"].iter().filter(|_| project.has("tsconfig.json")));
    }
    sketch.files.push(payload(project, &excluded));

    let own = project.text(&start.script).map(|text| (start.script.as_str(), text));
    let sources = project.sources(&["js", "mjs", "cjs", "ts"]);
    sketch.port = ports::find(own.into_iter().chain(sources));
    Some(sketch)
}

/// Of the standalone server that Next.js makes, its own modules included.
fn next(project: &Project, dockerfile: &Dockerfile, version: Option<(String, String)>) -> Sketch {
    let mut sketch = Sketch::new(Language::Node, "a Next.js application", "package.json");
    let is_server = |path: &&str| path.starts_with(STANDALONE) && name_of(path) == "server.js";
    let mut servers: Vec<&str> = project.files.keys().map(String::as_str).filter(is_server).collect();
    servers.sort_by_key(|path| path.matches('/').count());
    // In a workspace, the application lies below.
    let server = servers.first().map_or("server.js", |path| path.trim_start_matches(STANDALONE));
    let folder = server.strip_suffix("server.js").unwrap_or_default();
    if servers.is_empty() {
        let configs = ["next.config.js", "next.config.mjs", "next.config.ts"];
        let is_standalone =
            configs.iter().filter_map(|name| project.text(name)).any(|text| text.contains("standalone"));
        if !is_standalone {
            sketch.notes.push(
                "Next.js makes no server of its own yet: set output: \"standalone\" in next.config".into(),
            );
        }
        sketch.before.push(build(project).into());
    }
    sketch.entrypoint = vec!["node".into(), server.into()];
    let number = dockerfile.ports.first().copied().unwrap_or(3000);
    sketch.port = Some(Port { number, from: "the default of Next.js".into() });
    sketch.env.extend([
        ("NODE_ENV".into(), "production".into()),
        ("HOSTNAME".into(), "0.0.0.0".into()),
        ("PORT".into(), number.to_string()),
    ]);
    sketch.workdir = Some("/app");
    sketch.source(project.release.as_deref());
    // The server has its modules with it, so no project is named.
    sketch.table = Some((
        "node",
        version.map(|(version, why)| Row::text("version", &version, why)).into_iter().collect(),
    ));
    // Next.js copies these into it.
    let exclude = SECRETS.iter().map(|pattern| (*pattern).to_owned()).collect();
    sketch.files.push(Files { exclude, ..Files::new(STANDALONE, "/app/") });
    sketch.files.push(Files::new(".next/static/", format!("/app/{folder}.next/static/")));
    if project.has_dir("public") {
        sketch.files.push(Files::new("public/", format!("/app/{folder}public/")));
    }
    sketch
}

/// The commands that build a project, by the tool whose lock it has.
fn build(project: &Project) -> &'static str {
    match project.first(&[LOCKS, &["yarn.lock"]].concat()) {
        Some("pnpm-lock.yaml") => "pnpm install --frozen-lockfile && pnpm run build",
        Some("yarn.lock") => "yarn install && yarn run build",
        Some(_) => "npm ci && npm run build",
        None => "npm install && npm run build",
    }
}

/// What it is, by the framework that it depends on.
fn what(package: &Value) -> &'static str {
    const KNOWN: &[(&str, &str)] = &[
        ("@nestjs/core", "a NestJS application"),
        ("express", "an Express application"),
        ("fastify", "a Fastify application"),
        ("koa", "a Koa application"),
        ("hono", "a Hono application"),
    ];
    KNOWN.iter().find(|(name, _)| depends_on(package, name)).map_or("a Node.js program", |(_, what)| what)
}

fn depends_on(package: &Value, name: &str) -> bool {
    package.get("dependencies").and_then(|all| all.get(name)).is_some()
}

/// By the Dockerfile, `scripts.start`, `main`, or a file with a usual name.
fn start(project: &Project, dockerfile: &Dockerfile, package: &Value) -> Option<Start> {
    let workdir = format!("{}/", dockerfile.workdir);
    let command: Vec<String> = dockerfile
        .command()
        .iter()
        .map(|word| word.strip_prefix(&workdir).filter(|_| workdir.len() > 1).unwrap_or(word).to_owned())
        .collect();
    let script = |key: &str| package.get("scripts").and_then(|all| all.get(key)).and_then(Value::as_str);
    let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
    let said = [Some(command), script("start:prod").map(words), script("start").map(words)];
    if let Some(start) = said.into_iter().flatten().find_map(|words| node_command(&words)) {
        return Some(start);
    }
    let by_file = |path: &str, is_said| {
        let path = path.trim_start_matches("./");
        let with_ending = [path.to_owned(), format!("{path}.js"), format!("{path}/index.js")];
        let script = with_ending.into_iter().find(|path| project.has(path))?;
        Some(Start { arguments: vec![script.clone()], env: vec![], script, is_said })
    };
    let main = package.get("main").and_then(Value::as_str);
    // A page that a tool serves is no program, whatever files it has.
    let is_page = script("start").is_some() || script("dev").is_some_and(|dev| dev.starts_with("vite"));
    let guesses =
        ["server.js", "index.js", "app.js", "main.js", "src/server.js", "src/index.js", "dist/index.js"];
    main.and_then(|main| by_file(main, true))
        .or_else(|| if is_page { None } else { guesses.iter().find_map(|path| by_file(path, false)) })
}

/// A command that starts `node` and nothing else.
fn node_command(words: &[String]) -> Option<Start> {
    let shell = |word: &String| word.contains(['&', '|', ';', '<', '>', '$', '`', '*', '"', '\'']);
    let words = words.strip_prefix(&["cross-env".to_owned()]).unwrap_or(words);
    let is_variable = |word: &&String| word.split_once('=').is_some_and(|(name, _)| !name.starts_with('-'));
    let count = words.iter().take_while(is_variable).count();
    let (variables, command) = words.split_at(count);
    let (node, arguments) = command.split_first()?;
    if name_of(node) != "node" || words.iter().any(shell) {
        return None;
    }
    let at = arguments.iter().position(|word| !word.starts_with('-'))?;
    let mut arguments = arguments.to_vec();
    let script = arguments.get_mut(at)?;
    *script = script.trim_start_matches("./").to_owned();
    if !name_of(script).contains('.') {
        script.push_str(if script.ends_with('/') || script.as_str() == "." { "/index.js" } else { ".js" });
    }
    let script = script.trim_start_matches("./").to_owned();
    let env =
        variables.iter().filter_map(|word| word.split_once('=')).map(|(a, b)| (a.into(), b.into())).collect();
    Some(Start { arguments, env, script, is_said: true })
}

/// The version of Node.js that the project asks for, and where.
fn version(project: &Project, dockerfile: &Dockerfile, package: &Value) -> Option<(String, String)> {
    let engines = package.pointer("/engines/node").and_then(Value::as_str);
    let by_engines =
        engines.and_then(|range| Some((major(range)?, format!("engines.node is {}", toml_text(range)))));
    let by_file = || {
        let file = project.first(&[".nvmrc", ".node-version"])?;
        Some((major(project.text(file)?)?, file.to_owned()))
    };
    let by_image = || Some((major(dockerfile.version_of("node")?)?, format!("FROM {}", dockerfile.from)));
    by_engines.or_else(by_file).or_else(by_image)
}

/// The newest major version that a range begins with: 20 of `^18.17 || >=20`.
fn major(range: &str) -> Option<String> {
    let first = |part: &str| {
        let part = part.trim().trim_start_matches(['^', '~', '=', '>', 'v', ' ']);
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    };
    range.split("||").filter_map(first).max().map(|major| major.to_string())
}
