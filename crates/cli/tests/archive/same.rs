//! The same inputs give the same image and the same lock, however they are come by; and each is fetched once.

use crate::world::{Folder, Server, archive, base, files_below, libc, library, said};
use std::{collections::BTreeSet, process::Command};

/// What a build of a spec gives on an empty cache: the result, and the lock.
fn built(folder: &Folder, arguments: &[&str]) -> (String, String) {
    folder.forget();
    let _ = std::fs::remove_file(folder.path("bantam.lock"));
    (folder.build(arguments), folder.read("bantam.lock"))
}

#[test]
fn nothing_but_the_inputs_counts() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    let backwards = base()
        .package(library("bar", 2, &["libfoo.so.1"]).depends("libc6, libfoo1"))
        .package(library("foo", 1, &[]))
        .package(libc());
    let other = Server::of(&backwards);
    let (one, two) = (server.url("debian"), other.url("debian"));
    folder.spec(&[one.clone(), two.clone()], "packages = [\"libfoo1\", \"libbar2\"]");
    let (digest, lock) = built(&folder, &["--jobs", "1"]);
    let same = |(found, text): (String, String), what: &str| {
        assert_eq!(found, digest, "{what}");
        assert_eq!(text, lock, "{what}");
    };
    same(built(&folder, &["--jobs", "8"]), "threads");
    folder.spec(&[two.clone(), one.clone()], "packages = [\"libfoo1\", \"libbar2\"]");
    same(built(&folder, &[]), "mirrors, and the order of an index");
    folder.spec(std::slice::from_ref(&one), "packages = [\"libbar2\", \"libfoo1\"]");
    same(built(&folder, &[]), "order of packages");
    // Another umask, folder and locale.
    folder.forget();
    std::fs::remove_file(folder.path("bantam.lock")).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0077; exec \"$0\" build \"$1\""]).arg(env!("CARGO_BIN_EXE_bantam"));
    command.arg(folder.path("bantam.toml")).current_dir("/").env("LC_ALL", "tr_TR.UTF-8");
    command
        .env("BANTAM_CACHE_DIR", folder.path("cache"))
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("SOURCE_DATE_EPOCH");
    let (code, out, err) = said(&mut command);
    assert_eq!(code, 0, "{err}");
    same((out, folder.read("bantam.lock")), "umask, folder, locale");
    // Again, by the lock alone.
    assert_eq!(folder.build(&["--locked", "--offline"]), digest);
    folder.forget();
    assert_eq!(folder.build(&["--locked"]), digest);
}

#[test]
fn a_fleet_opens_an_archive_once() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    for (name, needs) in [("one", "libfoo.so.1"), ("two", "libbar.so.2"), ("three", "libfoo.so.1")] {
        folder.program(&format!("services/{name}/shop"), &[needs]);
        folder.spec(&[server.url("debian")], "");
        let spec = folder.read("bantam.toml").replace("\"shop\"\nplat", &format!("\"{name}\"\nplat"));
        folder
            .write(&format!("services/{name}/bantam.toml"), spec.replace("archive.asc", "../../archive.asc"));
    }
    let out = folder.build(&["services/*/bantam.toml"]);
    assert_eq!(out.lines().count(), 3, "{out}");
    let asked = server.asked();
    let each: BTreeSet<&String> = asked.iter().collect();
    assert_eq!(each.len(), asked.len(), "{asked:?}");
    assert_eq!(asked.iter().filter(|path| path.ends_with(".deb")).count(), 6, "{asked:?}");
}

#[test]
fn two_at_once_with_one_cold_cache() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.program("shop", &["libbar.so.2"]);
    folder.spec(&[server.url("debian")], "");
    let (digest, _) = built(&folder, &[]);
    for _ in 0..5 {
        folder.forget();
        let start = || {
            let mut command = folder.command(&["build", "--locked", "-q"]);
            command.stdout(std::process::Stdio::piped()).spawn().unwrap()
        };
        let children = [start(), start(), start()];
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert_eq!(
                (output.status.code(), String::from_utf8(output.stdout).unwrap()),
                (Some(0), digest.clone())
            );
        }
        assert!(!files_below(&folder.path("cache")).is_empty());
        assert_eq!(folder.build(&["--offline", "--locked"]), digest);
    }
}
