//! `bantam build`.

use crate::{
    args::{Build, Global},
    exit, github, receipts,
    show::{self, summary},
};
use bantam::{Built, Error, Failure, Output, Request, Target, Watch};
use oci::IndexFile;
use std::{env, fs, path::Path, process::ExitCode, time::Instant};
use store::{ImageName, RefName, Reference, SharedPlace};

pub fn run(args: &Build, global: &Global) -> Result<ExitCode, Error> {
    let Targets { targets, failed } = Targets::read(args)?;
    let mut outputs = vec![];
    for text in &args.output {
        outputs.push(Output::Place(text.parse()?));
    }
    outputs.extend(args.push.then_some(Output::Push));
    if args.attach_reasons && !outputs.iter().any(Output::is_registry) {
        return Err(Error::Usage("--attach-reasons: the image goes to no registry".into()));
    }
    let receipts = receipts::paths(&args.receipts);
    let baseline = args.baseline.as_deref().map(str::parse::<Reference>).transpose()?;
    let shared = |texts: &[String]| {
        texts.iter().map(|text| Ok(text.parse::<SharedPlace>()?)).collect::<Result<_, Error>>()
    };
    let (cache_from, cache_to) = (shared(&args.cache_from)?, shared(&args.cache_to)?);
    let places = places(&targets, &outputs);
    let session = global.session_as(global.locking(), &args.who, &places.iter().collect::<Vec<_>>())?;
    let request =
        Request { session, receipts, baseline, cache_from, cache_to, ..request(targets, outputs, global)? };
    let get = |image: &Built| get(&request, image);
    let (built, failed) = match args.keep_going {
        false => (build(&request, global, &get)?, vec![]),
        true => build_what_can_be(&request, failed, global, &get)?,
    };
    // They say that all is there: of a part they would be believed.
    if failed.is_empty() {
        if args.attach_reasons {
            bantam::attach_reasons(&request, &built)?;
        }
        receipts::write(&args.receipts, &request.targets, &built)?;
    }
    github::report(&built);
    let lines: String = built.iter().map(|built| format!("{}\n", built.reference())).collect();
    let code = show::stdout(&lines);
    let code = tell_failures(&failed, built.len()).unwrap_or(code);
    // A plan of many files takes its time to be taken apart; the memory goes with the process.
    std::mem::forget(built);
    Ok(code)
}

/// Everywhere that images go.
fn places(targets: &[Target], outputs: &[Output]) -> Vec<Reference> {
    let own = |target: &Target| target.name.parse().ok().map(Reference::Registry);
    let of = |output: &Output| match output {
        Output::Place(reference) => vec![reference.clone()],
        Output::Push => targets.iter().filter_map(own).collect(),
    };
    outputs.iter().flat_map(of).collect()
}

/// Something that was asked for and was not built.
struct Failed {
    /// What it is called on the command line.
    shown: String,
    error: Error,
}

/// Tells what could not be built, and gives the exit code of the first; none where there is nothing to tell.
fn tell_failures(failed: &[Failed], built: usize) -> Option<ExitCode> {
    let codes: Vec<u8> = failed.iter().map(|failed| exit::tell(&failed.error)).collect();
    let first = codes.first()?;
    let names: Vec<&str> = failed.iter().map(|failed| failed.shown.as_str()).collect();
    let (count, all) = (failed.len(), failed.len() + built);
    show::stderr(&format!("{count} of {all} were not built: {}", show::plain(&names.join(", "))));
    Some(ExitCode::from(*first))
}

/// As [`build`], for every image that can be built; with what could not, after what failed before.
fn build_what_can_be(
    request: &Request,
    mut failed: Vec<Failed>,
    global: &Global,
    get: &dyn Fn(&Built) -> String,
) -> Result<(Vec<Built>, Vec<Failed>), Error> {
    if request.targets.is_empty() {
        return Ok((vec![], failed));
    }
    let outcome = shown(global, get, &|watch| bantam::build_what_can_be(request, watch), |it| &it.built)?;
    let of_build = outcome.failed.into_iter();
    failed.extend(of_build.map(|Failure { shown, error }| Failed { shown, error }));
    Ok((outcome.built, failed))
}

/// Builds with progress and a closing summary, in which `get` says how to get at an image.
pub fn build(
    request: &Request,
    global: &Global,
    get: &dyn Fn(&Built) -> String,
) -> Result<Vec<Built>, Error> {
    shown(global, get, &|watch| bantam::build(request, watch), |built| built)
}

fn shown<T>(
    global: &Global,
    get: &dyn Fn(&Built) -> String,
    build: &dyn Fn(Watch<'_>) -> Result<T, Error>,
    images: impl Fn(&T) -> &Vec<Built>,
) -> Result<T, Error> {
    let started = Instant::now();
    let shower = global.shower(true);
    let built = build(&|event| shower.show(&event));
    shower.finish();
    let built = built?;
    if shower.has_words() {
        for image in images(&built) {
            summary::print(image, started.elapsed(), &get(image));
        }
    }
    Ok(built)
}

/// What a build asks of the library.
pub fn request(targets: Vec<Target>, outputs: Vec<Output>, global: &Global) -> Result<Request, Error> {
    let source_date_epoch = match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => Some(text),
        Err(env::VarError::NotPresent) => None,
        Err(env::VarError::NotUnicode(text)) => Some(text.to_string_lossy().into_owned()),
    };
    Ok(Request {
        targets,
        outputs,
        platforms: global.platforms()?,
        session: global.session(global.locking()),
        cache_from: vec![],
        cache_to: vec![],
        source_date_epoch,
        receipts: vec![],
        baseline: None,
    })
}

/// What the command line names.
struct Targets {
    targets: Vec<Target>,
    /// What could not be read, where that does not stop the others.
    failed: Vec<Failed>,
}

impl Targets {
    /// Reads every target; the errors of all specs come before any is built.
    fn read(args: &Build) -> Result<Self, Error> {
        if args.targets.is_empty() {
            return Ok(Targets { targets: vec![Target::read(None)?], failed: vec![] });
        }
        let (mut targets, mut failed) = (vec![], vec![]);
        for path in args.targets.iter().flat_map(|argument| Target::matching(argument)) {
            match Target::read(Some(&path)) {
                Ok(target) => targets.push(target),
                Err(error) if args.keep_going => {
                    failed.push(Failed { shown: path.display().to_string(), error });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Targets { targets, failed })
    }
}

/// How to get at what was built, as a command to copy.
fn get(request: &Request, built: &Built) -> String {
    let name = built.names.first().map_or("", String::as_str);
    let copy = |dir: &Path| {
        let from = layout_name(dir, built).map_or_else(String::new, |name| format!(":{name}"));
        let dir = dir.display();
        format!("to run it: bantam load oci:{dir}{from} && docker run {name}")
    };
    match request.outputs.first() {
        None => copy(&request.session.cache.join("images")),
        Some(Output::Place(Reference::Layout { dir, .. })) => copy(dir),
        Some(Output::Place(
            place @ (Reference::OciArchive { file, .. } | Reference::DockerArchive { file, .. }),
        )) => {
            let name = called(place, name);
            format!("to run it: docker load --input {} && docker run {name}", file.display())
        }
        Some(Output::Place(place)) => format!("to run it: docker run {}", called(place, name)),
        Some(Output::Push) => format!("to run it: docker run {name}"),
    }
}

/// What an image of this name is called in a place.
fn called(place: &Reference, name: &str) -> String {
    match (place, place.name()) {
        (Reference::Registry(name), _) | (_, Some(RefName::Name(name))) => name.to_string(),
        (_, Some(RefName::Tag(tag))) => {
            let own = name.parse::<ImageName>().map(|own| own.with_tag(tag).to_string());
            own.unwrap_or_else(|_| name.to_owned())
        }
        (_, None) => name.to_owned(),
    }
}

/// What finds an image in a layout: its tag, or its whole name where another image has the tag.
fn layout_name(dir: &Path, built: &Built) -> Option<String> {
    let index = IndexFile::parse(&fs::read(dir.join("index.json")).ok()?).ok()?;
    let digest = built.artifact.document().descriptor.digest;
    let entry = index.manifests.iter().find(|entry| entry.digest == digest)?;
    entry.annotations.get(oci::REF_NAME).cloned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_called_what_its_place_calls_it() {
        for (place, expected) in [
            ("docker-daemon:", "example.com/shop:latest"),
            ("docker-daemon:natives:1", "natives:1"),
            ("docker-archive:shop.tar", "example.com/shop:latest"),
            ("oci-archive:shop.tar:dev", "example.com/shop:dev"),
            ("registry.example.com/acme/shop:2", "registry.example.com/acme/shop:2"),
        ] {
            assert_eq!(called(&place.parse().unwrap(), "example.com/shop:latest"), expected, "{place}");
        }
    }
}
