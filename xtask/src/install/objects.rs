//! Servers that speak the protocols of object stores, each in a folder of its own.

use std::process::Command;

use super::{debian, kept};
use crate::step::{Outcome, run, succeeds, timed};

/// S3: a package for Python.
const MOTO: &str = "moto[server]==5.1.15";
/// Azure Blob Storage: a package for Node.
const AZURITE: &str = "azurite@3.35.0";

/// Moto, in a virtual environment.
pub(super) fn moto() -> Outcome {
    let folder = kept().join("moto");
    if folder.join("bin/moto_server").exists() {
        return Ok(());
    }
    if !succeeds(Command::new("python3").args(["-c", "import ensurepip"])) {
        // Which file has it depends on the version of Python.
        debian(&[("", "python3-venv")]);
    }
    timed(&format!("pip install {MOTO}"), || {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", MOTO]))
    })
}

/// Azurite.
pub(super) fn azurite() -> Outcome {
    let folder = kept().join("azurite");
    if folder.join("node_modules/azurite").exists() {
        return Ok(());
    }
    debian(&[("/usr/bin/npm", "npm")]);
    let mut install = Command::new("npm");
    install.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg(AZURITE);
    timed(&format!("npm install {AZURITE}"), || run(&mut install))
}
