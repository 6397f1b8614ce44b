//! Frameworks whose build makes a server of its own.

use super::{Command, build, depends_on, from_home, home, install, lock, manifest, run, version_row};
use crate::init::{
    Language,
    project::Project,
    sketch::{Files, Port, Row, Sketch},
};
use serde_json::Value;

/// What a framework makes.
pub(super) struct Server {
    what: &'static str,
    /// The package that a project with it depends on.
    package: &'static str,
    /// The folder that its build writes.
    folder: &'static str,
    /// What starts it, in that folder.
    entry: &'static str,
    /// The port that it listens at, unless `PORT` says another.
    port: u16,
    /// The address that it listens at has to be said.
    needs_host: bool,
    /// Are the packages that it needs in the folder, too?
    is_whole: bool,
}

/// The server of Nitro: packages that are not bundled into it are in `node_modules` below, and named by its manifest.
const BUNDLE: &str = ".output/server";

const SERVERS: &[Server] = &[
    Server {
        what: "a Nuxt application",
        package: "nuxt",
        folder: ".output",
        entry: "server/index.mjs",
        port: 3000,
        needs_host: false,
        is_whole: true,
    },
    Server {
        what: "a SvelteKit application",
        package: "@sveltejs/adapter-node",
        folder: "build",
        entry: "index.js",
        port: 3000,
        needs_host: false,
        is_whole: false,
    },
    Server {
        what: "an Astro application",
        package: "@astrojs/node",
        folder: "dist",
        entry: "server/entry.mjs",
        port: 4321,
        needs_host: true,
        is_whole: false,
    },
    Server {
        what: "a Nitro server",
        package: "nitropack",
        folder: ".output",
        entry: "server/index.mjs",
        port: 3000,
        needs_host: false,
        is_whole: true,
    },
];

impl Server {
    fn script(&self) -> String {
        format!("{}/{}", self.folder, self.entry)
    }
}

/// The server that a project's build makes, unless the project starts with another file that it has.
pub(super) fn find(project: &Project, package: &Value, said: Option<&Command>) -> Option<&'static Server> {
    let develops_with =
        |name: &str| package.get("devDependencies").is_some_and(|all| all.get(name).is_some());
    let is_used = |server: &&Server| depends_on(package, server.package) || develops_with(server.package);
    // Others build with Nitro than those that name it.
    let is_there = |server: &&Server| server.is_whole && project.has(&server.script());
    let server = SERVERS.iter().find(is_used).or_else(|| SERVERS.iter().rfind(is_there))?;
    let is_other = |command: &Command| command.script != server.script() && project.has(&command.script);
    (!said.is_some_and(is_other)).then_some(server)
}

/// Of a server; `command` is what the project says of its start.
pub(super) fn sketch(
    server: &Server,
    project: &Project,
    package: &Value,
    command: Option<Command>,
    version: Option<(String, String)>,
) -> Sketch {
    let mut sketch = Sketch::new(Language::Node, server.what, "package.json");
    let is_built = project.has(&server.script());
    if !is_built {
        sketch.before.push(build(project).into());
    }
    sketch.port = Some(Port { number: server.port, from: format!("the default of {}", server.what) });
    if server.needs_host {
        sketch.env.insert("HOST".into(), "0.0.0.0".into());
    }
    let (env, options) = command.map(|command| (command.env, command.options)).unwrap_or_default();
    let command = |script| Command { env, options, script, arguments: vec![] };
    let folder = format!("{}/", server.folder);
    if server.is_whole {
        run(&mut sketch, command(server.entry.into()), project);
        let is_bundled = manifest(project, BUNDLE).is_some_and(|own| !has_dependencies(&own));
        let row = is_bundled.then(|| Row::text("project", BUNDLE, "the server has its packages in it"));
        sketch.table = Some(("node", row.into_iter().chain(version_row(version)).collect()));
        // It says when it was built.
        let exclude = vec!["nitro.json".into()];
        sketch.files.push(Files { exclude, ..Files::new(folder, "/app/") });
        return sketch;
    }
    let home = home(project);
    run(&mut sketch, from_home(project, command(server.script())), project);
    install(&mut sketch, project, version);
    // Who builds has a lock then.
    if is_built && has_dependencies(package) {
        lock(&mut sketch, project);
    }
    sketch.files.push(Files::new(&folder, format!("{home}{folder}")));
    // Its `type` says how the server is read.
    sketch.files.push(Files::new("package.json", home));
    sketch
}

fn has_dependencies(package: &Value) -> bool {
    package.get("dependencies").and_then(Value::as_object).is_some_and(|all| !all.is_empty())
}
