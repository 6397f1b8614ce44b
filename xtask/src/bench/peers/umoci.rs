//! umoci: the measure for the others, because it does the same and no more: a tree into a layer of a layout.

use std::path::Path;
use std::process::Command;

use super::{Peer, first_line};
use crate::bench::measure::Tool;
use crate::bench::payload::Payload;
use crate::bench::size::Written;
use crate::step::Outcome;

pub struct Umoci;

impl Peer for Umoci {
    fn name(&self) -> &'static str {
        "umoci insert"
    }

    fn version(&self) -> Outcome<String> {
        first_line("umoci", &["--version"])
    }

    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>> {
        let mut prepare = Command::new("sh");
        prepare.args(["-c", "umoci init --layout out && umoci new --image out:1"]);
        let mut command = Command::new("umoci");
        command.args(["insert", "--rootless", "--image", "out:1"]).arg(&payload.folder).arg("/app");
        let tool = Tool::new(self.name(), work, command, Written::Layout("out", false));
        Ok(vec![Tool { remove: &["out"], prepare: Some(prepare), ..tool }])
    }
}
