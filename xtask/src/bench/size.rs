//! How large the layers are that a builder wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::step::{Outcome, output};

/// What a command writes, in its folder.
#[derive(Clone)]
pub enum Written {
    /// An OCI layout; its newest image counts, or, with `true`, all blobs of a layout with many.
    Layout(&'static str, bool),
    /// A file, that is little more than the layers.
    File(&'static str),
    /// An image of a Docker engine: what its files have, not compressed.
    Engine {
        host: String,
        image: &'static str,
    },
    Nothing,
}

impl Written {
    /// How much it is; none for a command that writes no image.
    pub fn bytes(&self, folder: &Path) -> Outcome<Option<f64>> {
        Ok(Some(match self {
            Written::Layout(name, false) => layers(&folder.join(name))?.iter().map(|(_, bytes)| bytes).sum(),
            Written::Layout(name, true) => {
                let blobs = super::payload::files_under(&folder.join(name).join("blobs"))?;
                blobs.iter().map(|(_, bytes)| *bytes as f64).sum()
            }
            Written::File(name) => {
                let file = folder.join(name);
                let meta = fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                meta.len() as f64
            }
            Written::Engine { host, image } => {
                let mut ask = Command::new(crate::daemon::CLIENT);
                ask.args(["--host", host, "image", "inspect", "--format", "{{.Size}}", image]);
                let told = output(&mut ask)?;
                told.trim().parse().map_err(|error| format!("{image}: {told:?}: {error}"))?
            }
            Written::Nothing => return Ok(None),
        }))
    }
}

/// The layers of a layout's newest image, lowest first, with their sizes.
pub fn layers(layout: &Path) -> Outcome<Vec<(PathBuf, f64)>> {
    let blob =
        |digest: &Value| layout.join("blobs").join(digest.as_str().unwrap_or_default().replace(':', "/"));
    let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
    let index = json(&layout.join("index.json"))?;
    let newest = list(&index["manifests"]).pop().unwrap_or_default();
    let manifest = json(&blob(&newest["digest"]))?;
    let layers = list(&manifest["layers"]);
    Ok(layers
        .iter()
        .map(|layer| (blob(&layer["digest"]), layer["size"].as_f64().unwrap_or_default()))
        .collect())
}

fn json(file: &Path) -> Outcome<Value> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}
