//! A program of the machine with all libraries that it needs.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Kind, Payload, files_under};
use crate::bench::measure::remove;
use crate::bench::peers::Bantam;
use crate::bench::size::layers;
use crate::step::{Outcome, output};

/// The program.
pub const PROGRAM: &str = "/usr/bin/ffprobe";

/// The files that bantam takes for it, because not all builders look for libraries themselves.
pub fn with_libraries(folder: &Path) -> Outcome<Payload> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let tree = folder.join("tree");
    // Made anew: the machine's libraries may be others by now.
    remove(folder)?;
    fs::create_dir_all(&tree).map_err(failed)?;
    let spec = Bantam::spec_of("libraries", PROGRAM, "");
    fs::write(folder.join("bantam.toml"), spec).map_err(failed)?;
    output(Bantam::command(folder, &["build", "bantam.toml", "-o", "oci:out:1"]).current_dir(folder))?;
    for (layer, _) in layers(&folder.join("out"))? {
        output(Command::new("tar").args(["--no-same-owner", "-C"]).arg(&tree).arg("-xzf").arg(&layer))?;
    }
    let files = files_under(&tree)?;
    let bytes: u64 = files.iter().map(|(_, size)| size).sum();
    let libraries = files.iter().filter(|(path, _)| path.to_string_lossy().contains(".so.")).count();
    let title = format!("{PROGRAM} and its libraries: {libraries} of them, {} MB", bytes / 1_000_000);
    Ok(Payload { title, folder: tree, changed: None, kind: Kind::Closure(PROGRAM) })
}
