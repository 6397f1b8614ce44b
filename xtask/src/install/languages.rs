//! Package managers of languages, which bantam asks for dependencies.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::{debian, kept, programs};
use crate::step::{Outcome, output, run, succeeds, timed};

/// Resolves and downloads for Python: a package of PyPI.
const UV: &str = "uv==0.13.9";
/// The oldest npm that installs for other platforms.
const NPM: u32 = 11;

/// uv, in a virtual environment.
pub(super) fn uv() -> Outcome {
    let folder = kept().join("uv");
    if !folder.join("bin/uv").exists() {
        if !succeeds(Command::new("python3").args(["-c", "import ensurepip"])) {
            // Which file has it depends on the version of Python.
            debian(&[("", "python3-venv")]);
        }
        timed(&format!("pip install {UV}"), || {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", UV]))
        })?;
    }
    link(&folder.join("bin/uv"), "uv")
}

/// npm, where that of the machine is too old.
pub(super) fn npm() -> Outcome {
    debian(&[("/usr/bin/npm", "npm")]);
    let version = output(Command::new("npm").arg("--version")).unwrap_or_default();
    let major = version.trim().split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NPM) {
        return Ok(());
    }
    let folder = kept().join("npm");
    let program = folder.join("node_modules/npm/bin/npm-cli.js");
    if !program.exists() {
        let mut install = Command::new("npm");
        install.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
        timed("npm install npm", || run(install.arg(format!("npm@{NPM}"))))?;
    }
    link(&program, "npm")
}

/// Puts a program among those that tests find first.
fn link(program: &Path, name: &str) -> Outcome {
    let at = programs().join(name);
    let failed = |error: std::io::Error| format!("{}: {error}", at.display());
    if fs::read_link(&at).is_ok_and(|target| target == program) {
        return Ok(());
    }
    fs::create_dir_all(programs()).map_err(failed)?;
    let _ = fs::remove_file(&at);
    symlink(program, &at).map_err(failed)
}
