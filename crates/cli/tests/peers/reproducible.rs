//! The same inputs give the same bytes, whoever builds them, where, when and how.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use crate::workshop::{Workshop, at_hand, bantam, limited, ok};

const SPEC: &str = r#"
name = "example.com/reproducible"

[config]
entrypoint = ["/usr/bin/env"]

[runtime]
keep = ["/usr/bin/env"]

[[files]]
from = "payload/"
to = "/app/"
"#;

/// What a build leaves: the printed reference and the bytes of the archive.
type Result = (String, Vec<u8>);

const BUILD: [&str; 4] = ["build", "bantam.toml", "-o", "oci-archive:image.tar:1"];

/// The spec and its payload: files of several sizes, nested folders, links. `reversed` changes what must not matter:
/// the order in which the files come to be, and their times.
fn write_inputs(workshop: &Workshop, reversed: bool) {
    workshop.write("bantam.toml", SPEC);
    let mut numbers: Vec<usize> = (0..60).collect();
    if reversed {
        numbers.reverse();
    }
    for number in numbers {
        let content: Vec<u8> = (0..number * number * 40).map(|at| (at * number % 251) as u8).collect();
        let path = workshop.write(&format!("payload/{}/{}/{number}.bin", number % 3, number % 7), content);
        if reversed {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + number as u64);
            fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        }
    }
    workshop.write_program("payload/run", "not a script\n");
    symlink("0/0/0.bin", workshop.path("payload/link")).unwrap();
}

fn result(workshop: &Workshop, command: &mut Command) -> Result {
    let reference = ok(command);
    assert!(reference.starts_with("example.com/reproducible@sha256:"), "{reference}");
    let archive = workshop.path("image.tar");
    let bytes = fs::read(&archive).unwrap();
    fs::remove_file(archive).unwrap();
    (reference, bytes)
}

fn expected() -> &'static Result {
    static EXPECTED: OnceLock<Result> = OnceLock::new();
    EXPECTED.get_or_init(|| {
        let workshop = Workshop::new();
        write_inputs(&workshop, false);
        result(&workshop, workshop.bantam().args(BUILD))
    })
}

fn assert_same(found: &Result) {
    let expected = expected();
    assert_eq!(found.0, expected.0);
    assert!(found.1 == expected.1, "the digest is the same, but not the archive around it");
}

/// Builds in a new folder with an empty cache, by a command that may be changed first.
fn assert_same_when(change: impl FnOnce(&mut Command)) {
    let workshop = Workshop::new();
    write_inputs(&workshop, false);
    let mut command = workshop.bantam();
    command.args(BUILD);
    change(&mut command);
    assert_same(&result(&workshop, &mut command));
}

#[test]
fn again_with_and_without_a_cache() {
    let workshop = Workshop::new();
    write_inputs(&workshop, false);
    for _ in 0..2 {
        assert_same(&result(&workshop, workshop.bantam().args(BUILD)));
    }
    workshop.remove("cache");
    workshop.remove("bantam.lock");
    assert_same(&result(&workshop, workshop.bantam().args(BUILD)));
}

#[test]
fn in_another_folder() {
    let workshop = Workshop::new();
    write_inputs(&workshop, false);
    let deep = workshop.path("a folder/with/another/name");
    fs::create_dir_all(&deep).unwrap();
    for name in ["bantam.toml", "payload"] {
        fs::rename(workshop.path(name), deep.join(name)).unwrap();
    }
    let mut command = workshop.bantam();
    command.args(["build"]).arg(deep.join("bantam.toml")).args(&BUILD[2..]);
    assert_same(&result(&workshop, &mut command));
}

#[test]
fn from_another_copy_of_the_payload() {
    let workshop = Workshop::new();
    write_inputs(&workshop, true);
    assert_same(&result(&workshop, workshop.bantam().args(BUILD)));
}

#[test]
fn in_a_checkout_with_history() {
    if !at_hand(&["git"]) {
        return;
    }
    let workshop = Workshop::new();
    write_inputs(&workshop, false);
    let git = || {
        let mut git = limited("git");
        git.current_dir(workshop.path("")).args(["-c", "user.name=A", "-c", "user.email=a@example.com"]);
        git
    };
    ok(git().args(["init", "--quiet"]));
    ok(git().args(["add", "bantam.toml", "payload"]));
    ok(git().args(["commit", "--quiet", "--message", "first"]));
    assert_same(&result(&workshop, workshop.bantam().args(BUILD)));
}

#[test]
fn under_another_umask() {
    let workshop = Workshop::new();
    write_inputs(&workshop, false);
    let mut command = limited("sh");
    workshop.prepare(&mut command);
    command.args(["-c", r#"umask 077; exec "$0" "$@""#]).arg(bantam()).args(BUILD);
    assert_same(&result(&workshop, &mut command));
}

#[test]
fn in_another_time_zone() {
    assert_same_when(|command| {
        command.env("TZ", "Asia/Kolkata");
    });
}

#[test]
fn in_another_language() {
    assert_same_when(|command| {
        command.env("LANG", "tr_TR.UTF-8").env("LC_ALL", "tr_TR.UTF-8");
    });
}

#[test]
fn by_one_thread_and_by_several() {
    for jobs in ["1", "2", "7"] {
        assert_same_when(|command| {
            command.args(["--jobs", jobs]);
        });
    }
}

#[test]
fn by_another_user() {
    if !at_hand(&["setpriv", "root"]) {
        return;
    }
    let workshop = Workshop::new();
    write_inputs(&workshop, false);
    let program = workshop.copy_program(&bantam(), "bin/bantam");
    let mut command = limited("setpriv");
    workshop.prepare(&mut command);
    command
        .args(["--reuid=4242", "--regid=4242", "--clear-groups", "--bounding-set=-all"])
        .arg(program)
        .args(BUILD);
    for folder in ["", "cache"] {
        hand_over(&workshop.path(folder));
    }
    assert_same(&result(&workshop, &mut command));
}

fn hand_over(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    std::os::unix::fs::chown(folder, Some(4242), Some(4242)).unwrap();
}
