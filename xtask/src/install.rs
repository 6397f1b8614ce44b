//! Puts the peers that tests need onto this machine: only what is missing, each with the time it took.
//!
//! What cannot be had is said; the tests that need it then print `SKIPPED` and are counted.

mod go;
mod languages;
mod objects;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Outcome, root, run, succeeds, timed};

pub use go::go;

/// Debian packages, each with a file that tells that it is there.
const PACKAGES: [(&str, &str); 38] = [
    ("/usr/aarch64-linux-gnu/lib/libc.so.6", "libc6-dev-arm64-cross"),
    ("/usr/arm-linux-gnueabihf/lib/libc.so.6", "libc6-dev-armhf-cross"),
    ("/usr/bin/aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    ("/usr/bin/aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu"),
    ("/usr/bin/arm-linux-gnueabihf-gcc", "gcc-arm-linux-gnueabihf"),
    ("/usr/bin/bwrap", "bubblewrap"),
    ("/usr/bin/containerd", "containerd"),
    ("/usr/bin/convert", "imagemagick"),
    ("/usr/bin/crun", "crun"),
    ("/usr/bin/curl", "curl"),
    ("/usr/bin/docker-registry", "docker-registry"),
    ("/usr/bin/dot", "graphviz"),
    ("/usr/bin/g++", "g++"),
    ("/usr/bin/gcc", "gcc"),
    ("/usr/bin/gdb", "gdb"),
    ("/usr/bin/git", "git"),
    ("/usr/bin/htpasswd", "apache2-utils"),
    ("/usr/bin/jlink", "openjdk-17-jdk-headless"),
    ("/usr/bin/musl-gcc", "musl-tools"),
    ("/usr/bin/openssl", "openssl"),
    ("/usr/bin/podman", "podman"),
    ("/usr/bin/python3", "python3"),
    ("/usr/bin/qemu-aarch64-static", "qemu-user-static"),
    ("/usr/bin/redis-cli", "redis-tools"),
    ("/usr/bin/redis-server", "redis-server"),
    ("/usr/bin/riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu"),
    ("/usr/bin/s390x-linux-gnu-gcc", "gcc-s390x-linux-gnu"),
    ("/usr/bin/skopeo", "skopeo"),
    ("/usr/bin/sqlite3", "sqlite3"),
    ("/usr/bin/umoci", "umoci"),
    ("/usr/include/openssl/ssl.h", "libssl-dev"),
    ("/usr/lib/postgresql/15/bin/postgres", "postgresql-15"),
    ("/usr/riscv64-linux-gnu/lib/libc.so.6", "libc6-dev-riscv64-cross"),
    ("/usr/s390x-linux-gnu/lib/libc.so.6", "libc6-dev-s390x-cross"),
    ("/usr/sbin/dockerd", "docker.io"),
    ("/usr/sbin/nginx", "nginx-light"),
    ("/usr/sbin/runc", "runc"),
    ("/usr/sbin/update-binfmts", "binfmt-support"),
];

/// Where what is built from source or fetched is kept between runs.
pub fn kept() -> PathBuf {
    root().join("target/peers")
}

/// Where the programs among it are.
pub fn programs() -> PathBuf {
    kept().join("bin")
}

/// Installs the missing Debian packages of the tests, the Go programs, `long` to build only for long runs, object
/// stores and package managers. Never fails.
pub fn peers(long: bool) {
    debian(&PACKAGES);
    for program in go::all(long) {
        report(program.map(|_| ()));
    }
    report(objects::moto());
    report(objects::azurite());
    report(languages::uv());
    report(languages::npm());
}

/// A program of a crate, which is built when it is missing.
pub fn cargo(name: &str, version: &str) -> Outcome<PathBuf> {
    let program = programs().join(name);
    if !program.exists() {
        let mut install = crate::step::cargo(&["install", "--quiet", "--locked", "--root"]);
        // It puts programs into the `bin` of its root.
        install.arg(kept()).args(["--version", version, name]);
        timed(&format!("cargo install {name}"), || run(&mut install))?;
    }
    Ok(program)
}

/// Installs those of the packages whose file is missing. Never fails.
pub fn debian(packages: &[(&str, &str)]) {
    let missing: Vec<&str> =
        packages.iter().filter(|(file, _)| !Path::new(file).exists()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return;
    }
    report(timed("apt-get update", || run(&mut apt_get(&["update"]))));
    if timed(&format!("apt-get install {}", missing.join(" ")), || install(&missing)).is_ok() {
        return;
    }
    // One that cannot be had must not keep the others away.
    for package in missing {
        report(timed(&format!("apt-get install {package}"), || install(&[package])));
    }
}

fn install(packages: &[&str]) -> Outcome {
    run(apt_get(&["install", "--yes", "--no-install-recommends"]).args(packages))
}

fn apt_get(arguments: &[&str]) -> Command {
    let is_root = succeeds(Command::new("test").args(["-w", "/var/lib/dpkg/status"]));
    let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
    if !is_root {
        command.args(["--non-interactive", "apt-get"]);
    }
    // In runlevel 1 no package starts its service: tests start their own, on ports and in folders of their own.
    command.arg("-qq").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    command
}

fn report(outcome: Outcome) {
    if let Err(message) = outcome {
        eprintln!("{message}");
    }
}
