//! The applications for arm64, as its machines would run them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{copied, next_built, pnpm, ready, spec};
use crate::{
    emulated::Emulated,
    service::Service,
    workshop::{Workshop, assert_has, ok},
};

const SOURCE: &str = "[runtime]\nsource = \"debian:bookworm\"\n";

#[test]
fn express() {
    let workshop = Workshop::new();
    let Some(server) = served(&workshop, "express", SOURCE) else { return };
    assert_has(&server.get("/"), &["hello from node v20."]);
    assert_eq!(server.post("/sum", "application/json", r#"{"numbers": [20, 22]}"#), r#"{"sum":42}"#);
    assert_eq!(server.status("/nothing"), "404");
}

#[test]
fn addons_that_come_compiled() {
    let workshop = Workshop::new();
    let Some(server) = served(&workshop, "native", SOURCE) else { return };
    assert_eq!(server.get("/picture"), "webp 64x48");
    assert_eq!(server.get("/password"), "argon2id true false");
}

#[test]
fn a_workspace() {
    let workshop = Workshop::new();
    let Some(server) = served(&workshop, "workspaces", SOURCE) else { return };
    assert_has(&server.get("/"), &["with ms 2.0.0, 172800000 ms"]);
}

#[test]
fn a_farm_of_links() {
    let workshop = Workshop::new();
    let Some(server) = served(&workshop, "pnpm", SOURCE) else { return };
    assert_has(&server.get("/"), &["with ms 2.0.0"]);
    assert_eq!(server.get("/picture"), "png 8x8");
}

#[test]
fn a_standalone_build_of_next() {
    let workshop = Workshop::new();
    let Some(server) = served(&workshop, "next", SOURCE) else { return };
    assert_has(&server.get("/?who=docker"), &["docker</h1>"]);
    assert_eq!(server.post("/api", "application/json", r#"{"numbers": [20, 22]}"#), r#"{"sum":42}"#);
}

/// Builds an application and starts it; none where it cannot be run.
fn served(workshop: &Workshop, app: &str, more: &str) -> Option<Service> {
    if !ready(&[]) || !Emulated::is_possible() {
        return None;
    }
    let folder = match app {
        "next" => {
            let folder = next_built(workshop);
            // What Next.js traced is of this machine: pictures are not made smaller elsewhere.
            let file = folder.join("bantam.toml");
            let text = fs::read_to_string(&file).unwrap();
            let from = "from = \".next/standalone/\"\n";
            let without = format!("{from}exclude = [\"node_modules/@img/**\"]\n");
            fs::write(&file, text.replace(from, &without)).unwrap();
            folder
        }
        app => copied(workshop, app),
    };
    let layout = layout(workshop, &spec(&folder, more), |command| {
        if app == "pnpm" {
            command.env("PATH", format!("{}:{}", pnpm().display(), env::var("PATH").unwrap()));
        }
    });
    Some(Emulated::new(workshop, &layout, "usr/local/bin/node")?.serve(8080))
}

fn layout(workshop: &Workshop, spec: &Path, prepare: impl Fn(&mut Command)) -> PathBuf {
    let layout = workshop.path("arm64");
    let mut build = workshop.bantam();
    build.args(["build", "--platform", "linux/arm64"]).arg(spec);
    build.args(["-o", &format!("oci:{}:test", layout.display())]);
    prepare(&mut build);
    ok(&mut build);
    layout
}
