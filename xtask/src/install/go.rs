//! Programs in Go that tests and benchmarks use, built once and kept.

use std::path::PathBuf;
use std::process::Command;

use super::{kept, programs};
use crate::step::{Outcome, root, run, timed};

/// A program in Go.
struct Program {
    /// What it is called here; what Go calls it is not always a name that tells.
    name: &'static str,
    source: Source,
    when: When,
}

/// Where a program comes from.
enum Source {
    /// A package, with its version: what such programs print is what tests read.
    Package(&'static str),
    /// A folder of this repository, which fixes the versions of what it uses.
    Folder(&'static str),
}

/// Which run needs a program.
#[derive(PartialEq, Eq)]
enum When {
    Tests,
    /// It takes minutes to build.
    LongTests,
    Benchmark,
}

const PROGRAMS: [Program; 7] = [
    Program {
        name: "crane",
        source: Source::Package("github.com/google/go-containerregistry/cmd/crane@v0.22.1"),
        when: When::Tests,
    },
    Program {
        name: "distribution",
        source: Source::Package("github.com/distribution/distribution/v3/cmd/registry@v3.1.2"),
        when: When::LongTests,
    },
    Program { name: "ko", source: Source::Package("github.com/google/ko@v0.19.1"), when: When::Benchmark },
    Program { name: "referrers", source: Source::Folder("testdata/peers/referrers"), when: When::Tests },
    Program {
        name: "regctl",
        source: Source::Package("github.com/regclient/regclient/cmd/regctl@v0.11.7"),
        when: When::Benchmark,
    },
    Program {
        name: "syft",
        source: Source::Package("github.com/anchore/syft/cmd/syft@v1.57.1"),
        when: When::LongTests,
    },
    Program {
        name: "toxiproxy",
        source: Source::Package("github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"),
        when: When::Tests,
    },
];

/// Builds those that tests use and that are missing, `long` to build only for long runs; gives what failed.
pub fn all(long: bool) -> Vec<Outcome<PathBuf>> {
    let is_wanted = |program: &&Program| match program.when {
        When::Tests => true,
        When::LongTests => long,
        When::Benchmark => false,
    };
    PROGRAMS.iter().filter(is_wanted).map(built).collect()
}

/// One of them, which is built when it is missing.
pub fn go(name: &str) -> Outcome<PathBuf> {
    let program = PROGRAMS.iter().find(|program| program.name == name);
    built(program.ok_or_else(|| format!("{name}: no such program in Go"))?)
}

fn built(program: &Program) -> Outcome<PathBuf> {
    let file = programs().join(program.name);
    match program.source {
        Source::Package(_) if file.exists() => {}
        Source::Package(package) => {
            timed(&format!("go install {package}"), || install(package, program.name))?;
        }
        // Go knows whether there is anything to build.
        Source::Folder(folder) => {
            let mut build = Command::new("go");
            build
                .args(["build", "-buildvcs=false", "-o"])
                .arg(&file)
                .arg(".")
                .current_dir(root().join(folder));
            timed(&format!("go build {folder}"), || run(&mut build))?;
        }
    }
    Ok(file)
}

/// Installs into a folder of its own first: several programs are called `registry` or `server`.
fn install(package: &str, name: &str) -> Outcome {
    let folder = kept().join("installed").join(name);
    run(Command::new("go").args(["install", package]).env("GOBIN", &folder))?;
    let installed = folder.join(program_of(package));
    let to = programs().join(name);
    std::fs::create_dir_all(programs())
        .and_then(|()| std::fs::rename(&installed, &to))
        .map_err(|error| format!("{}: {error}", installed.display()))
}

/// What Go calls the program of a package.
fn program_of(package: &str) -> &str {
    let path = package.split('@').next().unwrap_or(package);
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_called_like_the_last_part_of_its_package() {
        assert_eq!(program_of("example.com/tools/v2/cmd/server@v2.5.0"), "server");
        assert_eq!(program_of("example.com/ko@v0.19.1"), "ko");
    }
}
