//! buildah: from scratch, copy, commit to a layout.

use std::path::Path;
use std::process::Command;

use super::{Peer, first_line};
use crate::bench::measure::Tool;
use crate::bench::payload::Payload;
use crate::bench::size::Written;
use crate::step::Outcome;

const BUILD: &str = r#"
set -e
storage() { buildah --root "$PWD/storage" --runroot "$PWD/run" --storage-driver overlay "$@"; }
container=$(storage from scratch)
storage copy --quiet "$container" "$0" /app >&2
storage commit --quiet --rm --disable-compression=false "$container" oci:out:1
"#;

pub struct Buildah;

impl Peer for Buildah {
    fn name(&self) -> &'static str {
        "buildah copy, commit"
    }

    fn version(&self) -> Outcome<String> {
        first_line("buildah", &["--version"])
    }

    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>> {
        let mut command = Command::new("sh");
        command.args(["-c", BUILD]).arg(&payload.folder);
        let tool = Tool::new(self.name(), work, command, Written::Layout("out", false));
        // Its storage is kept, with nothing in it: the first use finds out what the file system can do.
        Ok(vec![Tool { remove: &["out"], ..tool }])
    }
}
