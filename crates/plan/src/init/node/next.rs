//! Next.js: the standalone server that it makes.

use super::{build, version_row};
use crate::init::{
    Language,
    dockerfile::Dockerfile,
    project::{Project, name_of},
    sketch::{Files, Port, Sketch},
};

/// Where Next.js puts a server with all that it needs.
const STANDALONE: &str = ".next/standalone/";

/// What holds secrets of the machine that it lies on.
const SECRETS: &[&str] = &["**/.env", "**/.env.*"];

/// Of the standalone server that Next.js makes, its own modules included.
pub(super) fn sketch(
    project: &Project,
    dockerfile: &Dockerfile,
    version: Option<(String, String)>,
) -> Sketch {
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
    sketch.table = Some(("node", version_row(version).into_iter().collect()));
    // Next.js copies these into it.
    let exclude = SECRETS.iter().map(|pattern| (*pattern).to_owned()).collect();
    sketch.files.push(Files { exclude, ..Files::new(STANDALONE, "/app/") });
    sketch.files.push(Files::new(".next/static/", format!("/app/{folder}.next/static/")));
    if project.has_dir("public") {
        sketch.files.push(Files::new("public/", format!("/app/{folder}public/")));
    }
    sketch
}
