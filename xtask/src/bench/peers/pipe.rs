//! `tar | pigz`: no image, only its bytes.

use std::path::Path;
use std::process::Command;

use super::{Peer, first_line};
use crate::bench::measure::Tool;
use crate::bench::payload::Payload;
use crate::bench::size::Written;
use crate::step::Outcome;

pub struct Pipe;

impl Peer for Pipe {
    fn name(&self) -> &'static str {
        "tar | pigz -6"
    }

    fn version(&self) -> Outcome<String> {
        Ok(format!(
            "{}, {}",
            first_line("tar", &["--version"])?,
            first_line("sh", &["-c", "pigz --version 2>&1"])?
        ))
    }

    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>> {
        let mut command = Command::new("sh");
        command.args(["-c", r#"tar -C "$0" -cf - . | pigz -6 > tar.gz"#]).arg(&payload.folder);
        let tool = Tool::new(self.name(), work, command, Written::File("tar.gz"));
        Ok(vec![Tool { remove: &["tar.gz"], ..tool }])
    }
}
