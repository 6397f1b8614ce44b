//! jib-core, through the few lines of Java that it takes to call it: a folder becomes an image in an archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Peer, first_line};
use crate::bench::measure::Tool;
use crate::bench::payload::{Kind, Payload};
use crate::bench::size::Written;
use crate::install;
use crate::step::{Outcome, output, root, timed};

/// The folder with the compiled lines; the library and what it needs are in `lib` below it.
pub struct Jib(Outcome<PathBuf>);

impl Jib {
    pub fn install() -> Self {
        Self(compiled())
    }
}

fn compiled() -> Outcome<PathBuf> {
    let (source, folder) = (root().join("xtask/jib"), install::kept().join("jib"));
    if !folder.join("lib").exists() {
        let repository = install::kept().join("maven");
        let mut maven = Command::new("mvn");
        maven.args(["--quiet", "--batch-mode", "dependency:copy-dependencies", "--file"]);
        maven.arg(source.join("pom.xml")).arg(format!("-Dmaven.repo.local={}", repository.display()));
        maven.arg(format!("-DoutputDirectory={}", folder.join("unfinished").display()));
        timed("mvn: jib-core", || output(&mut maven))?;
        fs::rename(folder.join("unfinished"), folder.join("lib"))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut javac = Command::new("javac");
    javac.arg("-cp").arg(folder.join("lib/*")).arg("-d").arg(&folder).arg(source.join("Build.java"));
    output(&mut javac)?;
    Ok(folder)
}

impl Peer for Jib {
    fn name(&self) -> &'static str {
        "jib-core"
    }

    fn version(&self) -> Outcome<String> {
        let folder = self.0.clone()?.join("lib");
        let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let names = files.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
        let library = names.into_iter().find(|name| name.starts_with("jib-core"));
        let library = library.ok_or_else(|| format!("{}: it has no jib-core", folder.display()))?;
        Ok(format!("{} on {}", library.trim_end_matches(".jar"), first_line("java", &["--version"])?))
    }

    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>> {
        let folder = self.0.clone()?;
        if let Kind::Closure(_) = payload.kind {
            return Err("it follows symbolic links, and would take every file several times".to_owned());
        }
        let build = |what, remove, change| {
            let mut command = Command::new("java");
            command.arg("-cp").arg(format!("{0}:{0}/lib/*", folder.display())).arg("Build");
            command.arg(&payload.folder).args(["out.tar", "cache"]);
            let name = format!("{}, {what}", self.name());
            Tool { remove, change, ..Tool::new(name, work, command, Written::File("out.tar")) }
        };
        let mut tools = vec![
            build("nothing cached", &["out.tar", "cache"][..], None),
            build("again, unchanged", &["out.tar"], None),
        ];
        if let Some(changed) = &payload.changed {
            tools.push(build("again, one file changed", &["out.tar"], Some(changed.clone())));
        }
        Ok(tools)
    }
}
