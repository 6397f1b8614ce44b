//! A project is built by its own tools, and then by the spec that `init` writes.

use crate::workshop::{Workshop, at_hand, limited, ok};
use std::path::Path;

/// Runs `init`, the commands that build the project, and `build`; gives what the image starts with.
fn built(workshop: &Workshop, folder: &Path, commands: &[&[&str]]) -> String {
    ok(workshop.bantam().arg("init").current_dir(folder));
    for command in commands {
        let mut run = limited(command[0]);
        ok(run
            .args(&command[1..])
            .env("CGO_ENABLED", "0")
            .env("CARGO_NET_OFFLINE", "true")
            .current_dir(folder));
    }
    ok(workshop.bantam().args(["build", "-o", "oci:image"]).current_dir(folder));
    ok(workshop.bantam().args(["inspect", "oci:image"]).current_dir(folder))
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
