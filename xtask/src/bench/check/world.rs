//! What the counted runs work on: the same on every machine, and nothing of the machine itself.

use std::fs::{self, File};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, UNIX_EPOCH};

use elf::testing::Elf;

use crate::bench::measure::remove;
use crate::bench::payload::{files_under, generated};
use crate::step::Outcome;

/// The file of the payload that a changed build finds changed.
pub const CHANGED: &str = "files/7/7/7.py";

/// How many files the payload has, and how many bytes one in the middle.
const FILES: usize = 300;
const FILE_BYTES: usize = 12_000;
/// How many libraries the program has, and how many symbols each gives and takes.
const LIBRARIES: usize = 80;
const GIVEN: usize = 200;
const TAKEN: usize = 50;

const SPEC_OF_FILES: &str = r#"
name = "example.com/files"

[runtime]
source = "none"
profile = "none"

[[files]]
from = "files/"
to = "/app/"
"#;

const SPEC_OF_PROGRAM: &str = r#"
name = "example.com/program"

[config]
entrypoint = ["/app/program"]

[runtime]
source = "rootfs:root"
profile = "none"

[[files]]
from = "root/app/program"
to = "/app/program"
"#;

/// Makes it, unless it is there.
pub fn make(folder: &Path) -> Outcome {
    let whole = folder.join("whole");
    if whole.exists() {
        return Ok(());
    }
    remove(folder)?;
    generated::files(&folder.join("files"), FILES, FILE_BYTES)?;
    write(folder, "files.toml", SPEC_OF_FILES.as_bytes())?;
    write(folder, "program.toml", SPEC_OF_PROGRAM.as_bytes())?;
    libraries(&folder.join("root"))?;
    for (path, _) in files_under(folder)? {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let long_ago = UNIX_EPOCH + Duration::from_secs(1_500_000_000);
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(long_ago))
            .map_err(failed)?;
    }
    // What was written just now may be looked at twice, because it could still change.
    sleep(Duration::from_secs(3));
    write(folder, "whole", b"")
}

/// A program, libraries that need each other and bind to each other's symbols, and a loader.
fn libraries(root: &Path) -> Outcome {
    let soname = |number: usize| format!("libpart{number}.so.1");
    let symbol = |library: usize, number: usize| format!("part{library}_function_{number}");
    for number in 0..LIBRARIES {
        let given: Vec<String> = (0..GIVEN).map(|at| symbol(number, at)).collect();
        let needed: Vec<usize> = (number + 1..LIBRARIES).take(3).collect();
        let taken: Vec<String> =
            needed.iter().flat_map(|library| (0..TAKEN).map(|at| symbol(*library, at))).collect();
        let names: Vec<String> = needed.into_iter().map(soname).collect();
        let library = Elf::library(&soname(number))
            .needs(&words(&names))
            .exports(&words(&given))
            .imports(&words(&taken));
        write(root, &format!("usr/lib/{}", soname(number)), &library.build())?;
    }
    let names: Vec<String> = (0..LIBRARIES).step_by(4).map(soname).collect();
    write(root, "app/program", &Elf::program().needs(&words(&names)).build())?;
    let loader = Elf::glibc_loader("ld-linux-x86-64.so.2", &["/lib/", "/usr/lib/"]);
    write(root, "lib64/ld-linux-x86-64.so.2", &loader.build())
}

fn words(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap_or(folder))
        .and_then(|()| fs::write(&file, bytes))
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)))
        .map_err(|error| format!("{}: {error}", file.display()))
}
