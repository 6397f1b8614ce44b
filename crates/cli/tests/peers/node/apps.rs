//! The applications, on this machine's processor.

use std::{env, fs, process::Command};

use super::{copied, next_built, pnpm, ready, server::Server, spec};
use crate::{
    runtime::{docker, load},
    workshop::{Workshop, assert_has, ok},
};

/// The classic distroless image of Node.js 20 with the same application, as `docker images` counts.
const DISTROLESS_EXPRESS: f64 = 125.15e6;

#[test]
fn express_answers_from_an_image_of_three_quarters_of_the_classic_one() {
    if !ready(&[]) {
        return;
    }
    let workshop = Workshop::new();
    let folder = copied(&workshop, "express");
    let spec = spec(&folder, "");
    let image = workshop.image(&spec);
    let server = Server::start(&image.archive);
    assert_has(&server.get("/"), &["200 hello from node v20."]);
    assert_eq!(server.post("/sum", r#"{"numbers": [20, 22]}"#), r#"200 {"sum":42}"#);
    assert_eq!(server.get("/nothing").split(' ').next(), Some("404"));
    assert_eq!(server.eval("process.env.NODE_ENV"), "production");
    let name = load(docker(), &image.archive);
    let size: f64 = ok(docker().args(["image", "inspect", "--format={{.Size}}", &name])).parse().unwrap();
    println!("Node.js 20 with Express: {:.2} MB", size / 1e6);
    assert!(size <= 0.77 * DISTROLESS_EXPRESS, "{size} bytes");

    // Another cache makes the same image of the lock, and one that has all needs no network.
    let lock = workshop.path("express.lock");
    for (cache, options) in [("cache", &["--locked", "--offline"][..]), ("other", &["--locked"])] {
        let mut build = workshop.bantam();
        build.args(["build", "--lock-file"]).arg(&lock).args(options).arg(&spec);
        let again = ok(build.env("BANTAM_CACHE_DIR", workshop.path(cache)));
        assert_eq!(again, image.reference, "{options:?}");
    }
}

#[test]
fn what_is_shed_is_counted_and_not_missed() {
    if !ready(&[]) {
        return;
    }
    let workshop = Workshop::new();
    let folder = copied(&workshop, "express");
    let more = "shed = [\"docs\", \"source-maps\", \"tests\", \"types\"]";
    let image = workshop.image(&spec(&folder, more));
    let said = ok(workshop.bantam().args(["ls", &format!("oci-archive:{}", image.archive.display())]));
    let lines = || said.lines().map(str::to_lowercase);
    assert!(lines().any(|line| line.ends_with("license.md")), "{said}");
    assert!(!lines().any(|line| line.ends_with("readme.md") || line.ends_with(".d.ts")), "{said}");
    assert_has(&Server::start(&image.archive).get("/"), &["200 hello"]);
}

#[test]
fn addons_that_come_compiled_make_pictures_and_hash_passwords() {
    if !ready(&[]) {
        return;
    }
    let workshop = Workshop::new();
    let folder = copied(&workshop, "native");
    let spec = spec(&folder, "");
    // The proof has nothing to say of the addons either.
    ok(workshop
        .bantam()
        .args(["check", "--strict"])
        .arg(&spec)
        .arg("--lock-file")
        .arg(workshop.path("check.lock")));
    let server = Server::start(&workshop.image(&spec).archive);
    assert_eq!(server.get("/picture"), "200 webp 64x48");
    assert_eq!(server.get("/password"), "200 argon2id true false");
    let kept = server.eval("require('fs').readdirSync('node_modules/@img').join()");
    assert!(!kept.contains("musl") && !kept.contains("darwin"), "{kept}");
}

#[test]
fn a_workspace_has_its_packages_and_nothing_for_developers() {
    if !ready(&[]) {
        return;
    }
    let workshop = Workshop::new();
    let folder = copied(&workshop, "workspaces");
    let server = Server::start(&workshop.image(&spec(&folder, "")).archive);
    assert_eq!(server.get("/"), "200 hello docker with ms 2.0.0, 172800000 ms");
    let there = |path: &str| server.eval(&format!("require('fs').existsSync('{path}')"));
    assert_eq!(there("packages/greet/src/index.js"), "true");
    for absent in ["packages/greet/test", "node_modules/semver", "node_modules/uuid", "package-lock.json"] {
        assert_eq!(there(absent), "false", "{absent}");
    }
}

#[test]
fn pnpm_installs_its_farm_of_links() {
    if !ready(&[]) {
        return;
    }
    let workshop = Workshop::new();
    let folder = copied(&workshop, "pnpm");
    let spec = spec(&folder, "");
    let path = format!("{}:{}", pnpm().display(), env::var("PATH").unwrap());
    let archive = workshop.path("pnpm.tar");
    let build = |command: &mut Command| {
        let to = format!("oci-archive:{}:example.com/pnpm:test", archive.display());
        ok(command.arg("build").arg(&spec).args(["-o", &to]).env("PATH", &path))
    };
    let first = build(&mut workshop.bantam());
    let server = Server::start(&archive);
    assert_eq!(server.get("/"), "200 hello docker with ms 2.0.0");
    assert_eq!(server.get("/picture"), "200 png 8x8");
    let link = server.eval("require('fs').readlinkSync('node_modules/express')");
    assert!(link.starts_with(".pnpm/express@4"), "{link}");
    // What pnpm notes of when and where it ran is not there: another run makes the same.
    fs::remove_file(folder.join("pnpm.lock")).unwrap();
    assert_eq!(build(workshop.bantam().env("BANTAM_CACHE_DIR", workshop.path("other"))), first);
}

#[test]
fn a_standalone_build_of_next_serves_pages() {
    if !ready(&[]) {
        return;
    }
    let workshop = Workshop::new();
    let folder = next_built(&workshop);
    let server = Server::start(&workshop.image(&spec(&folder, "")).archive);
    let page = server.get("/?who=docker");
    assert!(page.starts_with("200 ") && page.contains("docker</h1>"), "{page}");
    assert_eq!(server.post("/api", r#"{"numbers": [20, 22]}"#), r#"200 {"sum":42}"#);
}
