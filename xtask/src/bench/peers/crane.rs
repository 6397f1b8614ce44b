//! `crane append`: a tar, which `tar` makes first, becomes an image in an archive.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Peer, first_line};
use crate::bench::measure::Tool;
use crate::bench::payload::Payload;
use crate::bench::size::Written;
use crate::install;
use crate::step::Outcome;

const BUILD: &str = r#"
set -e
tar -C "$1" --transform 's,^\.,app,' -cf layer.tar .
"$0" append --new_layer layer.tar --new_tag bench --output out.tar
"#;

pub struct Crane(Outcome<PathBuf>);

impl Crane {
    pub fn install() -> Self {
        Self(install::go("crane"))
    }
}

impl Peer for Crane {
    fn name(&self) -> &'static str {
        "tar, crane append"
    }

    fn version(&self) -> Outcome<String> {
        Ok(format!("crane {}", first_line(self.0.clone()?, &["version"])?))
    }

    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>> {
        let mut command = Command::new("sh");
        command.args(["-c", BUILD]).arg(self.0.clone()?).arg(&payload.folder);
        let tool = Tool::new(self.name(), work, command, Written::File("out.tar"));
        Ok(vec![Tool { remove: &["out.tar", "layer.tar"], ..tool }])
    }
}
