//! Applications of Node.js answer requests, hardened as in production, in images that hold nothing else.

mod apps;
mod arm64;
mod server;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use crate::workshop::{Workshop, at_hand, find, limited, ok, peers_folder, repository, skipped};

/// The pnpm that installs, from npm.
const PNPM: &str = "pnpm@12.21.0";

/// Are Docker and an npm that installs for other platforms at hand?
fn ready(more: &[&str]) -> bool {
    if !at_hand(&[&["docker", "npm"], more].concat()) {
        return false;
    }
    let version = ok(limited("npm").arg("--version"));
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < 11 {
        skipped(&format!("npm is of version {version}, and 11 is needed"));
    }
    major >= 11
}

/// Copies an application to where a test may write, and gives its folder.
fn copied(workshop: &Workshop, app: &str) -> PathBuf {
    let from = match app {
        "express" => repository().join("specs/express"),
        _ => repository().join("testdata/apps").join(app),
    };
    let to = workshop.path(app);
    copy(&from, &to);
    to
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        // What a developer left there is no part of it.
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() != "node_modules" => copy(&entry.path(), &to),
            false if to.extension().is_none_or(|ending| ending != "lock") => {
                fs::copy(entry.path(), &to).unwrap();
            }
            _ => {}
        }
    }
}

/// The spec of an application, under the application's name so that its image has that too.
fn spec(folder: &Path, more: &str) -> PathBuf {
    let text = fs::read_to_string(folder.join("bantam.toml")).unwrap();
    let file = folder.join(format!("{}.toml", folder.file_name().unwrap().to_str().unwrap()));
    fs::write(&file, format!("{text}\n{more}")).unwrap();
    file
}

/// The folder of pnpm's program, which is fetched once.
fn pnpm() -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock();
    if let Some(folder) = find("pnpm").and_then(|program| Some(program.parent()?.to_path_buf())) {
        return folder;
    }
    let to = peers_folder().unwrap().join("pnpm");
    let programs = to.join("node_modules/.bin");
    if !programs.join("pnpm").exists() {
        ok(npm().arg("install").arg("--prefix").arg(&to).args(["--no-audit", "--no-fund", PNPM]));
    }
    programs
}

/// An application of Next.js, built to stand alone; its folder.
fn next_built(workshop: &Workshop) -> PathBuf {
    let folder = copied(workshop, "next");
    ok(npm().args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder));
    let next = folder.join("node_modules/.bin/next");
    ok(limited(&next).arg("build").current_dir(&folder).env("NEXT_TELEMETRY_DISABLED", "1"));
    folder
}

fn npm() -> Command {
    limited("npm")
}
