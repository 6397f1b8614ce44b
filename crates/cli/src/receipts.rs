//! Files that say what was built.

use crate::args::Receipts;
use bantam::{Built, Error, Target};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Writes every file that was asked for, each in one step.
///
/// # Errors
/// When a file cannot be written.
pub fn write(receipts: &Receipts, targets: &[&Target], built: &[Built]) -> Result<(), Error> {
    let lines = |line: fn(&Built) -> String| built.iter().map(line).collect::<Vec<_>>().join("\n");
    if let Some(path) = &receipts.metadata_file {
        let text = serde_json::to_string_pretty(&metadata(built)).unwrap_or_default();
        bantam::files::write(path, text.as_bytes())?;
    }
    if let Some(path) = &receipts.digest_file {
        bantam::files::write(path, lines(digest).as_bytes())?;
    }
    if let Some(path) = &receipts.iidfile {
        bantam::files::write(path, lines(image_id).as_bytes())?;
    }
    if let Some(path) = &receipts.image_refs {
        bantam::files::write(path, format!("{}\n", lines(Built::reference)).as_bytes())?;
    }
    if let Some(path) = &receipts.reasons {
        let records = targets.iter().zip(built);
        let records = records
            .flat_map(|(target, built)| built.plans.iter().map(move |plan| bantam::record(target, plan)));
        bantam::files::write(path, &plan::explain::write(&records.collect::<Vec<_>>()))?;
    }
    Ok(())
}

/// The files that were asked for.
pub fn paths(receipts: &Receipts) -> Vec<PathBuf> {
    let Receipts { metadata_file, digest_file, image_refs, iidfile, reasons } = receipts;
    [metadata_file, digest_file, image_refs, iidfile, reasons].into_iter().flatten().cloned().collect()
}

/// The digest of the manifest or index.
pub fn digest(built: &Built) -> String {
    built.artifact.document().descriptor.digest.to_string()
}

/// The image ID as docker counts it: the digest of the config; of an index, its own.
pub fn image_id(built: &Built) -> String {
    match built.artifact.images() {
        [image] => image.config.descriptor.digest.to_string(),
        _ => digest(built),
    }
}

/// What buildx writes: the object of one image, or one by name for several.
pub fn metadata(built: &[Built]) -> Value {
    match built {
        [one] => one_image(one),
        several => {
            let named = several.iter().map(|built| (built.name.clone(), one_image(built)));
            Value::Object(named.collect::<Map<_, _>>())
        }
    }
}

fn one_image(built: &Built) -> Value {
    let descriptor = &built.artifact.document().descriptor;
    let mut object = json!({
        "containerimage.digest": descriptor.digest.to_string(),
        "containerimage.descriptor": descriptor,
        "image.name": built.names.join(","),
    });
    if let ([image], Value::Object(object)) = (built.artifact.images(), &mut object) {
        let platform = json!(image.platform);
        object
            .insert("containerimage.config.digest".into(), image.config.descriptor.digest.to_string().into());
        if let Some(Value::Object(descriptor)) = object.get_mut("containerimage.descriptor") {
            descriptor.insert("platform".into(), platform);
        }
    }
    object
}
