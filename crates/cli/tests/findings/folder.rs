//! A folder in which the command runs.

use elf::testing::Elf;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
};
use tempfile::TempDir;

/// What came of a command: exit code, stdout, stderr.
pub type Said = (i32, String, String);

/// A folder with a static program at `target/release/shop`: what needs nothing of the machine.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.file("target/release/shop", &Elf::static_program().build());
        let program = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path("target/release/shop"), program).unwrap();
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    pub fn file(&self, name: &str, content: &[u8]) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    pub fn link(&self, name: &str, target: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        symlink(target, self.path(name)).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.current_dir(self.path("")).args(arguments).env("BANTAM_CACHE_DIR", self.path("cache"));
        for variable in ["SOURCE_DATE_EPOCH", "GITHUB_ACTIONS", "GITHUB_WORKSPACE"] {
            command.env_remove(variable);
        }
        command
    }

    pub fn bantam(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }
}

pub fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A spec with an error at a line that brings files, one of a table, and a warning.
pub const SPEC: &str = r#"platforms = ["linux/amd64"]
[config]
entrypoint = ["/app/shop"]
volumes = ["/data"]
[runtime]
source = "none"
[[files]]
from = "target/release/shop"
to = "/app/shop"
[[files]]
from = "web"
to = "/app/web"
[[dirs]]
path = "/data"
mode = "0555"
[limits]
files = 1
"#;

/// A folder with that spec, and a secret among its files.
pub fn faulty() -> Folder {
    let folder = Folder::new();
    folder.file("bantam.toml", SPEC.as_bytes());
    folder.file("web/.env", b"PASSWORD=x\n");
    folder
}
