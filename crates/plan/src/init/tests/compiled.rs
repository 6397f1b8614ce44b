//! Programs that are compiled.

use super::{super::recognise, GO, best, is, project};

#[test]
fn go_programs() {
    let module = ("go.mod", "module example.com/acme/shop/v2 // the shop\n\ngo 1.22\n");
    is(
        &[module, ("main.go", GO), ("shop", "ELF static")],
        "a Go program",
        &[
            "entrypoint = [\"/app/shop\"]",
            "ports = [\"8080\"]  # main.go",
            "from = \"shop\"  # static: it needs no library",
        ],
        None,
    );
    is(
        &[module, ("main.go", GO)],
        "a Go program",
        &["from = \"shop\"  # made by: CGO_ENABLED=0 go build -o shop .", "to = \"/app/shop\""],
        Some("CGO_ENABLED=0 go build -o shop ."),
    );
    // Of several programs the one that is built.
    let several = [
        module,
        ("cmd/admin/main.go", "package main\n"),
        ("cmd/server/main.go", GO),
        ("bin/server", "ELF dynamic"),
        ("internal/x.go", "package internal\n// package main\n"),
    ];
    is(
        &several,
        "a Go program",
        &[
            "from = \"bin/server\"  # the libraries that it loads come with it, from this machine",
            "ports = [\"8080\"]  # cmd/server/main.go",
        ],
        None,
    );
    assert_eq!(best(&several).notes, ["the module has other programs: cmd/admin"]);
    is(
        &several[..3],
        "a Go program",
        &["from = \"admin\"  # made by: CGO_ENABLED=0 go build -o admin ./cmd/admin"],
        Some("CGO_ENABLED=0 go build -o admin ./cmd/admin"),
    );
    // Its name is taken by a folder, and what is built is of another machine.
    is(
        &[module, ("main.go", GO), ("shop/cart.go", "package shop\n"), ("dist/shop", "ELF foreign")],
        "a Go program",
        &["from = \"bin/shop\"  # made by: CGO_ENABLED=0 go build -o bin/shop .", "to = \"/app/shop\""],
        Some("CGO_ENABLED=0 go build -o bin/shop ."),
    );
    assert!(
        recognise(&project(&[module, ("lib.go", "package shop\n")])).is_empty(),
        "a library is no program"
    );
}

#[test]
fn files_that_a_program_reads_come_along() {
    let text = "package main\n//go:embed templates/*\nvar x embed.FS\nvar y = http.Dir(\"./static\")\nvar z = \"migrations/1.sql\"\n";
    let found = best(&[
        ("go.mod", "module shop"),
        ("main.go", text),
        ("templates/a.html", ""),
        ("static/a.css", ""),
        ("migrations/1.sql", ""),
        ("assets/unused", ""),
    ]);
    let froms: Vec<&str> = found.spec.lines().filter(|line| line.starts_with("from = ")).collect();
    assert_eq!(
        froms[1..],
        ["from = \"migrations/\"  # main.go reads it", "from = \"static/\"  # main.go reads it"]
    );
    assert!(found.spec.contains("workdir = \"/app\"\n"));
}

#[test]
fn rust_programs() {
    let package = ("Cargo.toml", "[package]\nname = \"shop\"\n");
    is(
        &[package, ("src/main.rs", "TcpListener::bind(\"0.0.0.0:3000\")")],
        "a Rust program",
        &[
            "from = \"target/release/shop\"  # made by: cargo build --release",
            "ports = [\"3000\"]  # src/main.rs",
        ],
        Some("cargo build --release"),
    );
    is(
        &[
            package,
            ("src/main.rs", "x"),
            ("target/release/shop", "ELF dynamic"),
            ("target/x86_64-unknown-linux-musl/release/shop", "ELF static"),
        ],
        "a Rust program",
        &["from = \"target/x86_64-unknown-linux-musl/release/shop\"  # static: it needs no library"],
        None,
    );
    is(
        &[
            package,
            ("src/main.rs", "x"),
            ("target/aarch64-unknown-linux-musl/release/shop", "ELF foreign"),
            ("target/release/shop", "ELF dynamic"),
        ],
        "a Rust program",
        &["from = \"target/release/shop\"  # the libraries that it loads come with it, from this machine"],
        None,
    );
    let bins = "[package]\nname = \"tools\"\ndefault-run = \"two\"\n[[bin]]\nname = \"one\"\npath = \"src/main.rs\"\n";
    let files =
        [("Cargo.toml", bins), ("src/main.rs", "x"), ("src/bin/two.rs", "x"), ("src/bin/three/main.rs", "x")];
    is(&files, "a Rust program", &["entrypoint = [\"/app/two\"]"], Some("cargo build --release --bin two"));
    assert_eq!(best(&files).notes, ["Cargo makes other programs: one, three"]);
    is(
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]"),
            (
                "crates/cli/Cargo.toml",
                "[package]\nname = \"shop-cli\"\n[[bin]]\nname = \"shop\"\npath = \"src/main.rs\"",
            ),
            ("crates/cli/src/main.rs", "x"),
            ("crates/lib/Cargo.toml", "[package]\nname = \"lib\""),
            ("crates/lib/src/lib.rs", "x"),
        ],
        "a Rust program",
        &["from = \"target/release/shop\"  # made by: cargo build --release --package shop-cli"],
        Some("cargo build --release --package shop-cli"),
    );
    let of_both = [
        ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\", \"xtask\"]\ndefault-members = [\"crates/*\"]"),
        ("crates/z/Cargo.toml", "[package]\nname = \"z\""),
        ("crates/z/src/main.rs", "x"),
        ("fuzz/Cargo.toml", "[package]\nname = \"fuzz\""),
        ("fuzz/src/main.rs", "x"),
        ("xtask/Cargo.toml", "[package]\nname = \"xtask\""),
        ("xtask/src/main.rs", "x"),
    ];
    is(
        &of_both,
        "a Rust program",
        &["entrypoint = [\"/app/z\"]"],
        Some("cargo build --release --package z --bin z"),
    );
    assert_eq!(best(&of_both).notes, ["Cargo makes other programs: xtask"]);
    assert!(recognise(&project(&[package, ("src/lib.rs", "x")])).is_empty(), "a library is no program");
    assert!(recognise(&project(&[("Cargo.toml", "= broken"), ("src/main.rs", "x")])).is_empty());
}

#[test]
fn c_programs() {
    is(
        &[("CMakeLists.txt", "project(x)\nadd_executable( shop main.c )\n"), ("main.c", "htons(7000);")],
        "a C or C++ program",
        &[
            "from = \"build/shop\"  # made by: cmake -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build",
            "ports = [\"7000\"]  # main.c",
        ],
        Some("cmake -B build -DCMAKE_BUILD_TYPE=Release"),
    );
    is(
        &[("meson.build", "executable('shop', 'a.cc')"), ("a.cc", "x"), ("builddir/shop", "ELF dynamic")],
        "a C or C++ program",
        &["from = \"builddir/shop\"  # the libraries that it loads come with it, from this machine"],
        None,
    );
    for (makefile, path) in [
        ("TARGET := bin/shop\nall:\n\tcc -o $@ x.c\n", "bin/shop"),
        ("serve: x.c\n\tcc -O2 -o serve x.c\n", "serve"),
        ("x.o: x.c\n\tcc -c -o x.o x.c\n", "shop"),
    ] {
        let from = format!("from = \"{path}\"  # made by: make");
        is(&[("Makefile", makefile), ("x.c", "x")], "a C or C++ program", &[&from], Some("make"));
    }
    assert!(
        recognise(&project(&[("Makefile", "all:\n\techo\n")])).is_empty(),
        "a Makefile alone says nothing"
    );
}
