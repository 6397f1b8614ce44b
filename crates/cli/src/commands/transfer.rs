//! `bantam push`, `pull`, `copy`, `load` and `index create`: images that exist, brought elsewhere.

use crate::{
    args::{Copy, Global, IndexCreate, Load, Pull, Push, Who},
    show,
};
use bantam::{Error, Moved, Naming, transfer};
use oci::{Platform, PlatformError};
use std::{collections::BTreeMap, path::Path, process::ExitCode};
use store::Reference;

/// Brings an image to a registry.
pub fn push(args: &Push, global: &Global) -> Result<ExitCode, Error> {
    let destination: Reference = args.reference.parse()?;
    if !matches!(destination, Reference::Registry(_)) {
        return Err(Error::Usage(format!(
            "`push` goes to a registry, and {destination} is none; `copy` goes anywhere"
        )));
    }
    let naming = if args.by_digest { Naming::ByDigest } else { Naming::Own };
    move_it(&args.source, destination, naming, args.digest_file.as_deref(), (&args.who, global))
}

/// Brings an image from a registry to a place.
pub fn pull(args: &Pull, global: &Global) -> Result<ExitCode, Error> {
    let source: Reference = args.reference.parse()?;
    if !matches!(source, Reference::Registry(_)) {
        return Err(Error::Usage(format!(
            "`pull` comes from a registry, and {source} is none; `copy` comes from anywhere"
        )));
    }
    move_it(&args.reference, args.destination.parse()?, Naming::Own, None, (&args.who, global))
}

/// Brings an image from any place to any other.
pub fn copy(args: &Copy, global: &Global) -> Result<ExitCode, Error> {
    move_it(
        &args.source,
        args.destination.parse()?,
        Naming::Own,
        args.digest_file.as_deref(),
        (&args.who, global),
    )
}

/// Gives an image to the Docker engine.
pub fn load(args: &Load, global: &Global) -> Result<ExitCode, Error> {
    let session = global.session(global.locking());
    tell(&transfer::load(&args.source.parse()?, &platforms(global)?, &session)?, None)
}

/// Joins images of single platforms.
pub fn index_create(args: &IndexCreate, global: &Global) -> Result<ExitCode, Error> {
    let sources: Vec<Reference> = args.images.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let destinations: Vec<Reference> =
        args.output.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let mut annotations = BTreeMap::new();
    for text in &args.annotation {
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Error::Usage(format!("--annotation {text}: it is not of the form KEY=VALUE")));
        };
        annotations.insert(key.into(), value.into());
    }
    let naming = if args.by_digest { Naming::ByDigest } else { Naming::Own };
    let session = global.session(global.locking());
    let moved = transfer::join(&sources, &destinations, annotations, naming, &session)?;
    tell(&moved, args.digest_file.as_deref())
}

fn move_it(
    source: &str,
    destination: Reference,
    naming: Naming,
    digest_file: Option<&Path>,
    (who, global): (&Who, &Global),
) -> Result<ExitCode, Error> {
    let source = source.parse()?;
    let session = global.session_as(global.locking(), who, &[&source, &destination])?;
    let moved = transfer::copy(&source, &[destination], &platforms(global)?, naming, &session)?;
    tell(&moved, digest_file)
}

fn tell(moved: &[Moved], digest_file: Option<&Path>) -> Result<ExitCode, Error> {
    if let (Some(path), Some(moved)) = (digest_file, moved.first()) {
        bantam::files::write(path, moved.digest.to_string().as_bytes())?;
    }
    let lines: String = moved.iter().map(|moved| format!("{}\n", moved.reference())).collect();
    Ok(show::stdout(&lines))
}

fn platforms(global: &Global) -> Result<Vec<Platform>, Error> {
    let parse = |text: &String| {
        text.parse().map_err(|error: PlatformError| Error::Usage(format!("--platform: {error}")))
    };
    global.platform.iter().map(parse).collect()
}
