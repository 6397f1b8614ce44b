//! Servers in Go and Rust, which bring all they need, answer from images that hold nothing else, for both architectures.

use std::path::Path;

use crate::emulated::Emulated;
use crate::runtime::{docker, load};
use crate::service::Service;
use crate::workshop::{Workshop, assert_has, at_hand, limited, ok, skipped};

const GO: &str = r#"package main

import (
	"encoding/json"
	"net/http"
	"os"
	"runtime"
)

func main() {
	http.HandleFunc("/", func(writer http.ResponseWriter, request *http.Request) {
		json.NewEncoder(writer).Encode([]any{runtime.GOARCH, os.Getuid(), request.URL.Path})
	})
	panic(http.ListenAndServe(":8000", nil))
}
"#;
const RUST: &str = r#"use std::io::{Read, Write};

fn main() {
    let listener = std::net::TcpListener::bind("0.0.0.0:8000").unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let body = format!("hello from {}", std::env::consts::ARCH);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    }
}
"#;

/// Builds the image of a program and starts it; `platform` is that of both. None where it cannot be run.
fn served(workshop: &Workshop, program: &Path, source: &str, platform: &str) -> Option<Service> {
    let name = program.file_name()?.to_str()?;
    let spec = format!(
        "name = \"example.com/{name}\"\nplatforms = [\"{platform}\"]\n[config]\nentrypoint = [\"/app/{name}\"]\n\
         [runtime]\nsource = \"{source}\"\n[[files]]\nfrom = \"{name}\"\nto = \"/app/\"\n"
    );
    let image = workshop.image_of(name, &spec);
    if platform == "linux/arm64" {
        return Some(Emulated::new(workshop, &image.layout, &format!("app/{name}"))?.serve(8000));
    }
    Some(Service::start(&load(docker(), &image.archive), &[]))
}

#[test]
fn a_server_in_go() {
    if !at_hand(&["docker", "go", "curl", "nsenter", "root"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.write("go.mod", "module example.com/server\n\ngo 1.19\n");
    workshop.write("main.go", GO);
    for architecture in ["amd64", "arm64"] {
        if architecture == "arm64" && !Emulated::is_possible() {
            return;
        }
        let name = format!("go-{architecture}");
        let mut compiler = limited("go");
        compiler.args(["build", "-o", &name, "."]).current_dir(workshop.path(""));
        ok(compiler.env("GOARCH", architecture).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod"));
        let platform = format!("linux/{architecture}");
        let Some(server) = served(&workshop, &workshop.path(&name), "debian:bookworm", &platform) else {
            continue;
        };
        assert_has(&server.get("/orders"), &[&format!("[\"{architecture}\",65532,\"/orders\"]")]);
    }
}

#[test]
fn a_server_in_rust() {
    if !at_hand(&["docker", "rustc", "gcc", "curl", "nsenter", "root"]) {
        return;
    }
    let workshop = Workshop::new();
    let source = workshop.write("server.rs", RUST);
    for (architecture, target) in
        [("x86_64", "x86_64-unknown-linux-gnu"), ("aarch64", "aarch64-unknown-linux-gnu")]
    {
        let program = workshop.path(&format!("rust-{architecture}"));
        let mut compiler = limited("rustc");
        compiler.args(["--edition", "2024", "-O", "--target", target]).arg(&source).arg("-o").arg(&program);
        if architecture == "aarch64" {
            compiler.arg("-Clinker=aarch64-linux-gnu-gcc");
        }
        let output = compiler.output().unwrap();
        if architecture == "aarch64" && !output.status.success() {
            return skipped("the toolchain has no standard library of Rust for arm64");
        }
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let platform = if architecture == "aarch64" { "linux/arm64" } else { "linux/amd64" };
        let Some(server) = served(&workshop, &program, "debian:bookworm", platform) else { return };
        assert_eq!(server.get("/"), format!("hello from {architecture}"));
    }
}
