//! `bantam inspect` and `bantam ls`: a look inside.

use crate::{
    args::{Global, Image, Ls},
    show::{self, plain, size::human},
};
use bantam::{Error, inside};
use oci::{ConfigFile, EntryKind, LayerEntry, Listed, Platform};
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::ExitCode};
use store::Reference;
use tree::TreePath;

/// Shows config and layers.
pub fn inspect(args: &Image, global: &Global) -> Result<ExitCode, Error> {
    let stored = inside::find(&args.image.parse::<Reference>()?, &global.network())?;
    let wanted = platform(global)?;
    let mut objects = vec![];
    let mut text = String::new();
    for image in stored.images() {
        if wanted.as_ref().is_some_and(|wanted| !image.platform().is_some_and(|has| has.serves(wanted))) {
            continue;
        }
        let image = image.load()?;
        let config = ConfigFile::parse(&image.config.bytes)?;
        describe(&image, &config, &mut text);
        objects.push(object(&image, &config));
    }
    if objects.is_empty() {
        // Says what there is.
        inside::image(&stored, wanted.as_ref())?;
    }
    let document = stored.document();
    if args.json {
        let whole = json!({
            "names": stored.names(),
            "digest": document.descriptor.digest,
            "mediaType": document.descriptor.media_type,
            "images": objects,
        });
        return Ok(show::stdout(&format!("{whole:#}\n")));
    }
    let names = plain(&stored.names().join(", "));
    Ok(show::stdout(&format!("{names}\ndigest      {}\n{text}", document.descriptor.digest)))
}

/// Lists files as a tree, or as a JSON object a line.
pub fn ls(args: &Ls, global: &Global) -> Result<ExitCode, Error> {
    let stored = inside::find(&args.image.image.parse::<Reference>()?, &global.network())?;
    let image = inside::image(&stored, platform(global)?.as_ref())?;
    let below = match &args.path {
        None => TreePath::root(),
        Some(text) => TreePath::root().join(text).map_err(|error| Error::Usage(error.to_string()))?,
    };
    let files = inside::files(&image)?;
    let files: BTreeMap<&TreePath, &Listed> =
        files.iter().filter(|(path, _)| path.is_within(&below)).collect();
    if files.is_empty() && !below.is_root() {
        return Err(Error::Usage(format!("the image has no {below}")));
    }
    let lines = files.into_iter().map(|(path, listed)| match args.image.json {
        true => format!("{}\n", row_object(path, listed, &image)),
        false => row(path, listed),
    });
    Ok(show::stdout(&lines.collect::<String>()))
}

/// The one platform that was asked for.
pub(super) fn platform(global: &Global) -> Result<Option<Platform>, Error> {
    match &global.platform[..] {
        [] => Ok(None),
        [one] => one.parse().map(Some).map_err(|error: oci::PlatformError| Error::Usage(error.to_string())),
        _ => Err(Error::Usage("one --platform, or none: images of one are looked at".into())),
    }
}

fn describe(image: &oci::Image, config: &ConfigFile, text: &mut String) {
    let run = &config.config;
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("{name:<11} {}\n", plain(&value)));
        }
    };
    let joined = |values: &[String]| {
        if values.is_empty() { String::new() } else { json!(values).to_string() }
    };
    let many = |values: &std::collections::BTreeSet<String>| {
        values.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    line("platform", image.platform.to_string());
    line("manifest", image.manifest.descriptor.digest.to_string());
    line("config", image.config.descriptor.digest.to_string());
    line("created", config.created.clone().unwrap_or_default());
    line("user", run.user.clone());
    line("entrypoint", joined(&run.entrypoint));
    line("cmd", joined(&run.cmd));
    line("workdir", run.working_dir.clone());
    line("ports", many(&run.exposed_ports));
    line("volumes", many(&run.volumes));
    line("stop signal", run.stop_signal.clone());
    for variable in &run.env {
        line("env", variable.clone());
    }
    for (name, value) in &run.labels {
        line("label", format!("{name}={value}"));
    }
    let histories = config.history.iter().filter(|history| !history.empty_layer);
    let mut created_by = histories.map(|history| history.created_by.clone().unwrap_or_default());
    for (descriptor, _) in &image.layers {
        let size = human(descriptor.size);
        line("layer", format!("{} {size:>10}  {}", descriptor.digest, created_by.next().unwrap_or_default()));
    }
    let total = image.layers.iter().map(|(descriptor, _)| descriptor.size).sum();
    line("size", format!("{} compressed", human(total)));
}

fn object(image: &oci::Image, config: &ConfigFile) -> Value {
    let layers: Vec<Value> = image
        .layers
        .iter()
        .zip(&config.rootfs.diff_ids)
        .map(|((descriptor, _), diff_id)| {
            json!({
                "digest": descriptor.digest,
                "diffID": diff_id,
                "size": descriptor.size,
                "mediaType": descriptor.media_type,
            })
        })
        .collect();
    json!({
        "platform": image.platform.to_string(),
        "digest": image.manifest.descriptor.digest,
        "configDigest": image.config.descriptor.digest,
        "config": config,
        "layers": layers,
        "size": image.layers.iter().map(|(descriptor, _)| descriptor.size).sum::<u64>(),
    })
}

fn row(path: &TreePath, listed: &Listed) -> String {
    let LayerEntry { kind, meta, .. } = &listed.entry;
    let (letter, size, after) = match kind {
        EntryKind::Directory => ('d', String::new(), String::new()),
        EntryKind::File { size, .. } => ('-', human(*size), String::new()),
        EntryKind::Symlink(target) => ('l', String::new(), format!(" -> {}", plain(target))),
        EntryKind::HardLink(to) => ('h', String::new(), format!(" = {}", plain(to.as_str()))),
        _ => ('?', String::new(), String::new()),
    };
    let depth = path.names().count().saturating_sub(1);
    let name = if path.is_root() { "/".into() } else { plain(path.name()) };
    let owner = format!("{}:{}", meta.uid, meta.gid);
    let layer = listed.layer + 1;
    format!(
        "{letter}{:04o} {owner:<11} {size:>9} {layer:>2}  {}{name}{after}\n",
        meta.mode,
        "  ".repeat(depth)
    )
}

fn row_object(path: &TreePath, listed: &Listed, image: &oci::Image) -> Value {
    let LayerEntry { kind, meta, .. } = &listed.entry;
    let mut object = json!({
        "path": path.as_str(),
        "type": match kind {
            EntryKind::Directory => "directory",
            EntryKind::File { .. } => "file",
            EntryKind::Symlink(_) => "symlink",
            EntryKind::HardLink(_) => "hardlink",
            _ => "special",
        },
        "mode": format!("{:04o}", meta.mode),
        "uid": meta.uid,
        "gid": meta.gid,
        "layer": image.layers.get(listed.layer).map(|(descriptor, _)| descriptor.digest),
    });
    let (name, value) = match kind {
        EntryKind::File { size, digest, .. } => {
            object["size"] = json!(size);
            ("digest", json!(digest))
        }
        EntryKind::Symlink(target) => ("target", json!(target)),
        EntryKind::HardLink(to) => ("target", json!(to.as_str())),
        _ => return object,
    };
    object[name] = value;
    object
}
