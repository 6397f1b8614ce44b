//! Node.js: `package.json`, and how it says that the program starts.

mod next;
mod server;

use super::{
    Language,
    dockerfile::Dockerfile,
    ports,
    project::{Project, name_of},
    python::payload,
    sketch::{Files, Row, Sketch},
};
use crate::{
    Glob,
    node::{Command, Manifests, follow, of_script},
    spec::toml_text,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What of a project's folder no running program needs. Packages that a build has put beside its result are needed.
const EXCLUDED: &[&str] = &[
    ".git",
    "node_modules",
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

/// Folders that builds write.
const BUILT: &[&str] = &[".next", ".output", "build", "dist", "out"];

/// Lock files that `[node]` installs from.
const LOCKS: &[&str] = &["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml"];

/// How a program starts.
struct Start {
    command: Command,
    /// Does the project say so? Else it is guessed by a file's name.
    is_said: bool,
    /// What is worth knowing of it.
    notes: Vec<String>,
}

pub(super) fn look(project: &Project, dockerfile: &Dockerfile) -> Option<Sketch> {
    let package = manifest(project, "")?;
    let version = version(project, dockerfile, &package);
    if depends_on(&package, "next") {
        return Some(next::sketch(project, dockerfile, version));
    }
    let start = start(project, dockerfile, &package);
    if let Some(server) = server::find(project, &package, start.as_ref().map(|start| &start.command)) {
        let start = start.filter(|start| start.is_said);
        let (command, notes) = start.map(|start| (start.command, start.notes)).unzip();
        let sketch = server::sketch(server, project, &package, command, version);
        return Some(Sketch { notes: notes.unwrap_or_default(), ..sketch });
    }
    let Start { command, is_said, notes } = start?;
    let mut sketch = Sketch::new(Language::Node, what(&package), "package.json");
    sketch.is_sure = is_said;
    sketch.notes = notes;
    if !project.has(&command.script) {
        if package.pointer("/scripts/build").is_some() {
            sketch.before.push(build(project).into());
        } else {
            sketch.notes.push(format!("{} is not there yet", command.script));
        }
    }
    let mut excluded: Vec<String> = EXCLUDED.iter().map(|pattern| (*pattern).to_owned()).collect();
    excluded.extend(modules_of_others(project));
    // What is compiled is not needed where the result is.
    if command.script.starts_with("dist/") || command.script.starts_with("build/") {
        let sources = ["src", "tsconfig*.json"].iter().filter(|_| project.has("tsconfig.json"));
        excluded.extend(sources.map(|pattern| (*pattern).to_owned()));
    }
    let payload = payload(project, &excluded);
    sketch.files.push(Files { to: home(project), ..payload });

    let own = project.text(&command.script).map(|text| (command.script.as_str(), text));
    let sources = project.sources(&["js", "mjs", "cjs", "ts"]);
    sketch.port = ports::find(own.into_iter().chain(sources));
    run(&mut sketch, from_home(project, command), project);
    install(&mut sketch, project, version);
    lock(&mut sketch, project);
    Some(sketch)
}

/// Why a `package.json` that is there leads to no spec.
pub(super) fn why_not(project: &Project) -> Option<String> {
    project.files.get("package.json")?;
    let Some(package) = manifest(project, "") else {
        return Some("package.json is no JSON object".into());
    };
    Some(match (script(&package, "start"), package.get("main").and_then(Value::as_str)) {
        (Some(start), _) => {
            format!("scripts.start of package.json is `{start}`, which starts no file with node")
        }
        (None, Some(main)) => format!("main of package.json is {main}, which is not there"),
        (None, None) => "package.json has neither scripts.start nor main".into(),
    })
}

/// Says how it starts.
fn run(sketch: &mut Sketch, command: Command, project: &Project) {
    sketch.entrypoint = command.words();
    sketch.env.extend(command.env);
    sketch.env.entry("NODE_ENV".into()).or_insert_with(|| "production".into());
    sketch.workdir = Some("/app");
    sketch.source(project.release.as_deref());
}

/// Says what is installed.
fn install(sketch: &mut Sketch, project: &Project, version: Option<(String, String)>) {
    let row = match &project.workspace {
        Some(workspace) => Row::text("project", &workspace.root, "of which this is a workspace"),
        None => Row::text("project", ".", "dependencies, as the lock file has them"),
    };
    sketch.table = Some(("node", [row].into_iter().chain(version_row(version)).collect()));
}

/// Has a lock written first, where there is none.
fn lock(sketch: &mut Sketch, project: &Project) {
    if project.workspace.is_none() && project.first(LOCKS).is_none() {
        sketch.before.insert(0, "npm install --package-lock-only".into());
    }
}

/// A command of the project, as it is started where packages are installed for it.
fn from_home(project: &Project, command: Command) -> Command {
    match &project.workspace {
        Some(workspace) => command.within(&workspace.folder),
        None => command,
    }
}

fn version_row(version: Option<(String, String)>) -> Option<Row> {
    version.map(|(version, why)| Row::text("version", &version, why))
}

/// Where the project's own files go: a workspace stands where it does in its project.
fn home(project: &Project) -> String {
    match &project.workspace {
        Some(workspace) => format!("/app/{}/", workspace.folder),
        None => "/app/".into(),
    }
}

/// What other packages of the project have installed for themselves.
fn modules_of_others(project: &Project) -> Vec<String> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for folder in packages(project) {
        let (above, _) = folder.rsplit_once('/').unwrap_or_default();
        folders.entry(above).or_default().push(folder);
    }
    let pattern = |(above, folders): (&str, Vec<&str>)| match &folders[..] {
        [_, _, ..] if !above.is_empty() => vec![format!("{}/*/node_modules", Glob::literally(above))],
        folders => folders.iter().map(|folder| format!("{}/node_modules", Glob::literally(folder))).collect(),
    };
    folders.into_iter().flat_map(pattern).collect()
}

/// The folders of packages below the project, but for what builds wrote.
fn packages(project: &Project) -> impl Iterator<Item = &str> {
    let folders = project.files.keys().filter_map(|path| path.strip_suffix("/package.json"));
    folders.filter(|folder| !folder.split('/').any(|name| BUILT.contains(&name)))
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

fn script<'p>(package: &'p Value, name: &str) -> Option<&'p str> {
    package.get("scripts")?.get(name)?.as_str()
}

/// The manifest of a folder of the project.
fn manifest(project: &Project, folder: &str) -> Option<Value> {
    let path = if folder.is_empty() { "package.json".into() } else { format!("{folder}/package.json") };
    serde_json::from_str(project.text(&path)?).ok().filter(Value::is_object)
}

impl Manifests for Project {
    fn of(&self, folder: &str) -> Option<Value> {
        manifest(self, folder)
    }

    fn named(&self, name: &str) -> Option<String> {
        let is_it =
            |folder: &&str| manifest(self, folder).is_some_and(|it| it.get("name") == Some(&name.into()));
        packages(self).find(is_it).map(ToOwned::to_owned)
    }
}

/// By the Dockerfile, `scripts.start`, a workspace that has it, `main`, or a file with a usual name.
fn start(project: &Project, dockerfile: &Dockerfile, package: &Value) -> Option<Start> {
    let workdir = format!("{}/", dockerfile.workdir);
    let words: Vec<String> = dockerfile
        .command()
        .iter()
        .map(|word| word.strip_prefix(&workdir).filter(|_| workdir.len() > 1).unwrap_or(word).to_owned())
        .collect();
    let for_shell = |word: &String| word.contains(['&', '|', ';', '<', '>', '$', '`', '*', '"', '\'']);
    let by_dockerfile = || follow(project, &words).filter(|_| !words.iter().any(for_shell));
    let by_script =
        |folder: &str| ["start:prod", "start"].iter().find_map(|script| of_script(project, folder, script));
    let said = |mut command: Command, others: Vec<&str>| {
        command.name_file(|path| project.has(path));
        let dropped = command.drop_env_files(|file| name_of(file).starts_with(".env"));
        let note = |file| {
            format!(
                "--env-file {file} is left out: no secret enters the image; whoever runs it gives the variables"
            )
        };
        let others = (!others.is_empty()).then(|| format!("there are other programs: {}", others.join(", ")));
        let notes = dropped.into_iter().map(note).chain(others).collect();
        Start { command, is_said: true, notes }
    };
    if let Some(command) = by_dockerfile().or_else(|| by_script("")) {
        return Some(said(command, vec![]));
    }
    let is_root = package.get("workspaces").is_some() || project.has("pnpm-workspace.yaml");
    let members = packages(project).filter(|_| is_root);
    let mut members = members.filter_map(|folder| Some((folder, by_script(folder)?)));
    if let Some((_, command)) = members.next() {
        return Some(said(command, members.map(|(folder, _)| folder).collect()));
    }
    let by_file = |path: &str, is_said| {
        let mut command = Command::parse(&["node".into(), path.into()])?;
        command.name_file(|path| project.has(path));
        project.has(&command.script).then_some(Start { command, is_said, notes: vec![] })
    };
    let main = package.get("main").and_then(Value::as_str);
    // A page that a tool serves is no program, whatever files it has.
    let is_page = script(package, "start").is_some()
        || script(package, "dev").is_some_and(|dev| dev.starts_with("vite"));
    let guesses =
        ["server.js", "index.js", "app.js", "main.js", "src/server.js", "src/index.js", "dist/index.js"];
    main.and_then(|main| by_file(main, true))
        .or_else(|| if is_page { None } else { guesses.iter().find_map(|path| by_file(path, false)) })
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
