//! A project is built by its own tools, and then by the spec that `init` writes.

use crate::runtime::{docker, load};
use crate::workshop::{Workshop, assert_has, at_hand, limited, ok, repository, skipped};
use std::path::Path;

/// Runs `init`, and the commands that build the project.
fn initialised(workshop: &Workshop, folder: &Path, commands: &[&[&str]]) {
    ok(workshop.bantam().arg("init").current_dir(folder));
    for command in commands {
        let mut run = limited(command[0]);
        ok(run
            .args(&command[1..])
            .env("CGO_ENABLED", "0")
            .env("CARGO_NET_OFFLINE", "true")
            .current_dir(folder));
    }
}

/// The same, and `build`; gives what the image starts with.
fn built(workshop: &Workshop, folder: &Path, commands: &[&[&str]]) -> String {
    initialised(workshop, folder, commands);
    ok(workshop.bantam().args(["build", "-o", "oci:image"]).current_dir(folder));
    ok(workshop.bantam().args(["inspect", "oci:image"]).current_dir(folder))
}

/// The same of a project whose runtime consists of packages; none where no mirror has them.
fn built_upon_packages(workshop: &Workshop, folder: &Path, commands: &[&[&str]]) -> Option<String> {
    initialised(workshop, folder, commands);
    let output = workshop
        .bantam()
        // The packages stay here between runs.
        .env("BANTAM_CACHE_DIR", repository().join("target/packaged/cache"))
        .args(["build", "-o", "oci-archive:image.tar:example.com/init:test"])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Some(ok(workshop.bantam().args(["inspect", "oci-archive:image.tar"]).current_dir(folder))),
        Some(5) if said.contains("no mirror has") => {
            skipped(said.lines().last().unwrap_or_default());
            None
        }
        code => panic!("{code:?}\n{said}"),
    }
}

/// What the image prints that was built in a folder, where there is an engine to run it.
fn printed(folder: &Path) -> Option<String> {
    let image = at_hand(&["docker"]).then(|| load(docker(), &folder.join("image.tar")))?;
    Some(ok(docker().args(["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", &image])))
}

#[test]
fn a_go_program() {
    if !at_hand(&["go"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.write("p/go.mod", "module example.com/acme/shop\n\ngo 1.19\n");
    let main =
        "package main\n\nimport \"net/http\"\n\nfunc main() {\n\thttp.ListenAndServe(\":8080\", nil)\n}\n";
    workshop.write("p/cmd/server/main.go", main);
    let said = built(&workshop, &workshop.path("p"), &[&["go", "build", "-o", "server", "./cmd/server"]]);
    assert!(said.contains("[\"/app/server\"]") && said.contains("8080/tcp"), "{said}");
}

#[test]
fn a_rust_program() {
    if !at_hand(&["cargo"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.write(
        "p/Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
    );
    workshop.write(
        "p/src/main.rs",
        "fn main() {\n    std::net::TcpListener::bind(\"0.0.0.0:3000\").unwrap();\n}\n",
    );
    let said = built(&workshop, &workshop.path("p"), &[&["cargo", "build", "--release"]]);
    assert!(said.contains("[\"/app/shop\"]") && said.contains("3000/tcp"), "{said}");
}

#[test]
fn a_c_program() {
    if !at_hand(&["gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.write("make/main.c", "int main(void) { return 0; }\n");
    workshop.write("make/Makefile", "TARGET = shop\n$(TARGET): main.c\n\tgcc -o $@ $<\n");
    let said = built(&workshop, &workshop.path("make"), &[&["gcc", "-o", "shop", "main.c"]]);
    assert!(said.contains("[\"/app/shop\"]"), "{said}");
}

#[test]
fn a_python_application() {
    if !at_hand(&["uv"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.write("p/app.py", "from flask import Flask\n\napp = Flask(__name__)\n");
    workshop.write("p/requirements.txt", "flask==3.0.3\ngunicorn==22.0.0\n");
    let Some(said) = built_upon_packages(&workshop, &workshop.path("p"), &[]) else { return };
    assert_has(&said, &["[\"gunicorn\",\"app:app\",\"-b\",\"0.0.0.0:8000\"]", "8000/tcp"]);
}

#[test]
fn python_projects_that_are_installed_and_not() {
    if !at_hand(&["uv"]) {
        return;
    }
    let project = "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n\
                   dependencies = [\"click\"]\n[project.scripts]\nshop = \"shop.cli:main\"\n";
    let system = "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n";
    for (more, start) in [(system, "[\"shop\"]"), ("", "shop.cli.main()")] {
        let workshop = Workshop::new();
        let folder = workshop.path("p");
        workshop.write("p/pyproject.toml", format!("{project}{more}"));
        workshop.write("p/src/shop/__init__.py", "");
        workshop.write("p/src/shop/cli.py", "import click\n\ndef main():\n    click.echo(\"it sells\")\n");
        ok(limited("uv").arg("lock").current_dir(&folder));
        let Some(said) = built_upon_packages(&workshop, &folder, &[]) else { return };
        assert_has(&said, &[start]);
        if let Some(said) = printed(&folder) {
            assert_eq!(said, "it sells");
        }
    }
}

#[test]
fn a_node_application() {
    if !at_hand(&["npm"]) {
        return;
    }
    let major = ok(limited("npm").arg("--version"));
    let major = major.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 11) {
        return skipped("npm 11 is needed");
    }
    let workshop = Workshop::new();
    let package = r#"{"name": "shop", "version": "1.0.0", "scripts": {"start": "node server.js"},
        "dependencies": {"express": "^4.19.2"}}"#;
    workshop.write("p/package.json", package);
    workshop.write("p/server.js", "require('express')().listen(process.env.PORT || 3000);\n");
    let lock: &[&str] = &["npm", "install", "--package-lock-only"];
    let Some(said) = built_upon_packages(&workshop, &workshop.path("p"), &[lock]) else { return };
    assert_has(&said, &["[\"node\",\"server.js\"]", "3000/tcp", "NODE_ENV=production"]);
}

#[test]
fn a_java_program() {
    if !at_hand(&["javac", "jar"]) {
        return;
    }
    let workshop = Workshop::new();
    let folder = workshop.path("p");
    workshop.write("p/pom.xml", "<project><artifactId>tool</artifactId><version>1</version></project>\n");
    let main = "package com.acme;\n\npublic class Main {\n  public static void main(String[] args) {\n    \
                System.out.println(\"it sells\");\n  }\n}\n";
    workshop.write("p/src/main/java/com/acme/Main.java", main);
    // What Maven does, as far as it matters.
    let commands: &[&[&str]] = &[
        &["javac", "--release", "17", "-d", "target/classes", "src/main/java/com/acme/Main.java"],
        &["jar", "--create", "--file", "target/tool-1.jar", "-C", "target/classes", "."],
    ];
    let Some(said) = built_upon_packages(&workshop, &folder, commands) else { return };
    assert_has(&said, &["/app/tool-1.jar", "com.acme.Main"]);
    if let Some(said) = printed(&folder) {
        assert_eq!(said, "it sells");
    }
}
