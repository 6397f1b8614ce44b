//! Why files are in an image: of a spec that is planned, of an image that exists, or of the reasons
//! that somebody wrote down.

use crate::{
    Error, Session, Target, attached, build,
    event::Watch,
    inside,
    unpacked::{Unpacked, unpacked},
};
use cache::Cache;
use oci::{ConfigFile, Image};
use plan::{
    Plan,
    explain::{Finished, Record, derive, read},
    spec::Platform,
};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};
use store::Reference;
use tree::TreePath;

/// More than the reasons of any image.
const MAX_DOCUMENT: u64 = 1 << 30;

/// What is asked about.
#[derive(Debug, Clone)]
pub enum Explained {
    /// What a spec or program would become.
    Target(Box<Target>),
    /// An image that exists.
    Image(Reference),
    /// A document of reasons.
    Document(PathBuf),
}

/// What stands at each path of the images that are asked about, and why: an image for each platform.
/// `receipts` are files that the caller
/// writes about a target, and that are part of no payload.
///
/// # Errors
/// When something cannot be read, or is no image or document.
pub fn records(
    explained: &Explained,
    platforms: &[Platform],
    session: &Session,
    receipts: &[PathBuf],
    watch: Watch<'_>,
) -> Result<Vec<Record>, Error> {
    match explained {
        Explained::Target(target) => {
            let plans = build::check(target, platforms, receipts, session, watch)?;
            Ok(plans.iter().map(|plan| record(target, plan)).collect())
        }
        Explained::Image(reference) => of_image(reference, platforms, session),
        Explained::Document(path) => of_document(path, platforms),
    }
}

/// The record of a planned image.
pub fn record(target: &Target, plan: &Plan) -> Record {
    // The same for whoever plans it, wherever the spec lies.
    let file = target.file.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
    Record::of(plan, &target.spec, &target.name, file.as_deref())
}

fn of_document(path: &Path, platforms: &[Platform]) -> Result<Vec<Record>, Error> {
    let failed = |source| Error::Read { path: path.into(), source };
    let mut bytes = vec![];
    File::open(path).map_err(failed)?.take(MAX_DOCUMENT).read_to_end(&mut bytes).map_err(failed)?;
    let records = read(&bytes).map_err(|source| Error::Reasons { path: path.into(), source })?;
    of_platforms(records, platforms, &path.display().to_string())
}

/// The records of these platforms; without any, all.
fn of_platforms(mut records: Vec<Record>, platforms: &[Platform], shown: &str) -> Result<Vec<Record>, Error> {
    let known: Vec<String> = records.iter().map(|record| record.platform.clone()).collect();
    let wanted: Vec<String> = platforms.iter().map(Platform::to_string).collect();
    if let Some(missing) = wanted.iter().find(|platform| !known.contains(platform)) {
        let known = known.join(", ");
        return Err(Error::Usage(format!("--platform {missing}: {shown} is of {known}")));
    }
    records.retain(|record| wanted.is_empty() || wanted.contains(&record.platform));
    Ok(records)
}

fn of_image(reference: &Reference, platforms: &[Platform], session: &Session) -> Result<Vec<Record>, Error> {
    // What whoever built it has written down says more than what can be told by the image.
    if let Reference::Registry(name) = reference
        && let Some(document) = attached::reasons(name, &session.network, MAX_DOCUMENT)
        && let Ok(records) = read(&document)
    {
        return of_platforms(records, platforms, &reference.to_string());
    }
    let stored = inside::find(reference, &session.network)?;
    let name = stored.names().first().cloned().unwrap_or_else(|| reference.to_string());
    let mut images = vec![];
    for platform in platforms {
        images.push(inside::image_for(&stored, *platform)?);
    }
    if platforms.is_empty() {
        for image in stored.images() {
            images.push(image.load()?);
        }
    }
    let cache = Cache::new(session.cache.clone());
    images.iter().map(|image| derived(image, &name, &cache)).collect()
}

fn derived(image: &Image, name: &str, cache: &Cache) -> Result<Record, Error> {
    let config = ConfigFile::parse(&image.config.bytes)?;
    let Unpacked { tree, layers, .. } = unpacked(&image.layers, &config.rootfs.diff_ids, cache)?;
    let histories = config.history.into_iter().filter(|history| !history.empty_layer);
    let run = config.config;
    let finished = Finished {
        name: name.into(),
        platform: image.platform.to_string(),
        tree: &tree,
        layers,
        history: histories.map(|history| history.created_by.unwrap_or_default()).collect(),
        command: run.entrypoint.into_iter().chain(run.cmd).collect(),
        env: run.env,
        workdir: TreePath::root().join(&run.working_dir).unwrap_or_else(|_| TreePath::root()),
    };
    Ok(derive(&finished)?)
}
