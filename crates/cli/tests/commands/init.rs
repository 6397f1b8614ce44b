//! A project's spec is written once, and builds as it is.

use crate::folder::Folder;
use std::fs;

const MAIN: &[u8] = b"package main\n\nfunc main() { http.ListenAndServe(\":8080\", nil) }\n";

fn project() -> Folder {
    let folder = Folder::new();
    folder.file("go.mod", b"module example.com/acme/shop\n");
    folder.file("main.go", MAIN);
    fs::rename(folder.path("target/release/shop"), folder.path("program")).unwrap();
    folder
}

#[test]
fn a_spec_is_written_and_builds() {
    let folder = project();
    let (code, out, words) = folder.bantam(&["init"]);
    assert_eq!((code, &*out), (0, ""), "{words}");
    assert_eq!(
        words,
        "bantam.toml is for a Go program, by go.mod\nnext: CGO_ENABLED=0 go build -o shop . && bantam build\n"
    );
    // What it names is not there yet.
    let (code, _, words) = folder.bantam(&["build"]);
    assert_eq!(code, 5, "{words}");
    fs::rename(folder.path("program"), folder.path("shop")).unwrap();
    let (code, out, words) = folder.bantam(&["build", "-o", "oci:image"]);
    assert_eq!(code, 0, "{words}");
    let (_, inspected, _) = folder.bantam(&["inspect", "oci:image"]);
    assert!(inspected.contains("entrypoint  [\"/app/shop\"]\n"), "{inspected}");
    assert!(inspected.contains("ports       8080/tcp\n"), "{inspected}");
    assert!(out.contains("@sha256:"));
}

#[test]
fn a_spec_that_is_there_stays() {
    let folder = project();
    folder.file("bantam.toml", b"# mine\n");
    let (code, out, words) = folder.bantam(&["init"]);
    assert_eq!((code, &*out), (2, ""));
    assert!(
        words.starts_with("error: there is a spec already: bantam.toml\n  hint: --stdout prints"),
        "{words}"
    );
    assert_eq!(fs::read(folder.path("bantam.toml")).unwrap(), b"# mine\n");
    let (code, out, words) = folder.bantam(&["init", "--stdout"]);
    assert_eq!((code, &*words), (0, ""));
    assert!(out.contains("\n[config]\nentrypoint = [\"/app/shop\"]\n"), "{out}");
}

#[test]
fn of_several_languages_the_others_are_told() {
    let folder = Folder::new();
    folder.file("web/go.mod", b"module example.com/acme/shop\n");
    folder.file("web/main.go", MAIN);
    folder.file("web/package.json", br#"{"main": "index.js"}"#);
    folder.file("web/index.js", b"1");
    let (code, _, words) = folder.bantam(&["init", "web"]);
    assert_eq!(code, 0, "{words}");
    assert_eq!(
        words,
        "web/bantam.toml is for a Go program, by go.mod\nnote: a Node.js program is here too, by package.json\n\
         next: cd web && CGO_ENABLED=0 go build -o shop . && bantam build\n"
    );
    fs::remove_file(folder.path("web/bantam.toml")).unwrap();
    assert_eq!(folder.bantam(&["init", "--quiet", "web"]).2, "");
}

#[test]
fn what_is_no_project_is_told() {
    let folder = Folder::new();
    folder.file("notes/README.md", b"x");
    let (code, _, words) = folder.bantam(&["init", "notes"]);
    assert_eq!(code, 2, "{words}");
    assert!(words.starts_with("error: notes is no project of a language that is known\n"), "{words}");
    folder.file("page/package.json", br#"{"scripts": {"start": "vite"}}"#);
    let (code, _, words) = folder.bantam(&["init", "page"]);
    let why = "whose start is known: scripts.start of package.json is `vite`, which starts no file with node";
    assert!(code == 2 && words.starts_with(&format!("error: page is no project {why}\n")), "{words}");
    let (code, _, words) = folder.bantam(&["init", "nowhere"]);
    assert_eq!(code, 5, "{words}");
    assert!(!folder.path("notes/bantam.toml").exists());
}
