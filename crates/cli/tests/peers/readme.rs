//! The README's commands work as they stand.
//!
//! A fenced block marked `sh` is run, in order, in one folder that has what a reader would have: a project with a
//! compiled program in `target/release/shop`. What is only to be looked at is marked `console` or `text`.

use crate::registry::server::Software;
use crate::workshop::{Workshop, at_hand, bantam, compiled, limited, ok, repository};

#[test]
fn the_commands_of_the_readme_work() {
    if !at_hand(&["docker", "docker-registry", "gcc"]) {
        return;
    }
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let commands = blocks(&readme, "sh");
    assert!(!commands.is_empty(), "README.md has no block of commands");

    let workshop = Workshop::new();
    workshop.copy_program(&bantam(), "bin/bantam");
    workshop.copy_program(&compiled("c"), "project/target/release/shop");
    let path = format!("{}:{}", workshop.path("bin").display(), std::env::var("PATH").unwrap());
    let registry = Software::DockerRegistry.start();
    for command in commands {
        println!("{command}");
        let mut shell = limited("bash");
        workshop.prepare(&mut shell);
        shell
            .args(["-euo", "pipefail", "-c", &command])
            .env("PATH", &path)
            .env("REGISTRY", &registry.address)
            .current_dir(workshop.path("project"));
        println!("{}", ok(&mut shell));
    }
}

#[test]
fn the_first_command_of_the_readme_works_in_a_checkout() {
    if !at_hand(&["docker"]) {
        return;
    }
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let commands = blocks(&readme, "sh checkout");
    let [command] = &commands[..] else { panic!("{} blocks are for a checkout", commands.len()) };
    let mut shell = limited("bash");
    // What cargo tells its tests has it build anew what asks for that.
    let is_of_cargo =
        |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start));
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        if is_of_cargo(&name) {
            shell.env_remove(name);
        }
    }
    let out = ok(shell.args(["-euo", "pipefail", "-c", command]).current_dir(repository()));
    assert!(out.contains("example.com/bantam@sha256:"), "{out}");
}

/// The contents of the fenced blocks with this mark.
fn blocks(markdown: &str, mark: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, Vec<&str>)> = None;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some((wanted, lines))) => {
                if *wanted {
                    blocks.push(lines.join("\n"));
                }
                open = None;
            }
            (Some(found), None) => open = Some((found.trim() == mark, Vec::new())),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn only_blocks_of_commands_are_run() {
    let text = "a\n```sh\none\ntwo\n```\n```toml\n[config]\n```\n```console\n$ no\n```\n```sh\nthree\n```\n";
    assert_eq!(blocks(text, "sh"), ["one\ntwo", "three"]);
}
