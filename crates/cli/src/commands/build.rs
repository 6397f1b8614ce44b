//! `bantam build`.

use crate::{
    args::{Build, Global},
    github, receipts,
    show::{self, summary},
};
use bantam::{Built, Error, Request, Target};
use oci::IndexFile;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};
use store::Reference;

pub fn run(args: &Build, global: &Global) -> Result<ExitCode, Error> {
    let targets = targets(&args.targets)?;
    let mut destinations = vec![];
    for text in &args.output {
        destinations.push(text.parse::<Reference>()?);
    }
    if args.push {
        for target in &targets {
            let name = target.names().into_iter().next().unwrap_or_default();
            destinations.push(format!("docker://{name}").parse()?);
        }
    }
    let receipts = receipts::paths(&args.receipts);
    let baseline = args.baseline.as_deref().map(str::parse::<Reference>).transpose()?;
    let (cache_from, cache_to) = (args.cache_from.clone(), args.cache_to.clone());
    let request =
        Request { receipts, baseline, cache_from, cache_to, ..request(targets, destinations, global)? };
    let built = build(&request, global, &|image| get(&request, image))?;
    receipts::write(&args.receipts, &request.targets, &built)?;
    github::report(&built);
    let lines: String = built.iter().map(|built| format!("{}\n", built.reference())).collect();
    Ok(show::stdout(&lines))
}

/// Builds with progress and a closing summary, in which `get` says how to get at an image.
pub fn build(
    request: &Request,
    global: &Global,
    get: &dyn Fn(&Built) -> String,
) -> Result<Vec<Built>, Error> {
    let started = Instant::now();
    let shower = global.shower(true);
    let built = bantam::build(request, &|event| shower.show(&event));
    shower.finish();
    let built = built?;
    if shower.has_words() {
        for image in &built {
            summary::print(image, started.elapsed(), &get(image));
        }
    }
    Ok(built)
}

/// What a build asks of the library.
pub fn request(
    targets: Vec<Target>,
    destinations: Vec<Reference>,
    global: &Global,
) -> Result<Request, Error> {
    let source_date_epoch = match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => Some(text),
        Err(env::VarError::NotPresent) => None,
        Err(env::VarError::NotUnicode(text)) => Some(text.to_string_lossy().into_owned()),
    };
    Ok(Request {
        targets,
        destinations,
        platforms: global.platforms()?,
        session: global.session(global.locking()),
        cache_from: vec![],
        cache_to: vec![],
        source_date_epoch,
        receipts: vec![],
        baseline: None,
    })
}

/// Reads every target; the errors of all specs come before any is built.
fn targets(arguments: &[PathBuf]) -> Result<Vec<Target>, Error> {
    if arguments.is_empty() {
        return Ok(vec![Target::read(None)?]);
    }
    let named = arguments.iter().flat_map(|argument| Target::matching(argument));
    named.map(|path| Target::read(Some(&path))).collect()
}

/// How to get at what was built, as a command to copy.
fn get(request: &Request, built: &Built) -> String {
    let name = built.names.first().map_or("", String::as_str);
    let copy = |dir: &Path| {
        let from = layout_name(dir, built).map_or_else(String::new, |name| format!(":{name}"));
        let dir = dir.display();
        format!("to run it: skopeo copy oci:{dir}{from} docker-daemon:{name} && docker run {name}")
    };
    match request.destinations.first() {
        None => copy(&request.session.cache.join("images")),
        Some(Reference::Layout { dir, .. }) => copy(dir),
        Some(Reference::OciArchive { file, .. } | Reference::DockerArchive { file, .. }) => {
            format!("to run it: docker load --input {} && docker run {name}", file.display())
        }
        Some(_) => format!("to run it: docker run {name}"),
    }
}

/// What finds an image in a layout: its tag, or its whole name where another image has the tag.
fn layout_name(dir: &Path, built: &Built) -> Option<String> {
    let index = IndexFile::parse(&fs::read(dir.join("index.json")).ok()?).ok()?;
    let digest = built.artifact.document().descriptor.digest;
    let entry = index.manifests.iter().find(|entry| entry.digest == digest)?;
    entry.annotations.get(oci::REF_NAME).cloned()
}
